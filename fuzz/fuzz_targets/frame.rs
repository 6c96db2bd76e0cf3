//! A connection's bytes as a broker sees them: length, header, and the request that it names.

#![no_main]

use bytes::Bytes;
use headwater_protocol::frame::{FrameLen, PREFIX_BYTES};
use headwater_protocol::header::RequestHeader;
use headwater_protocol::wire::{Reader, Writer};
use headwater_protocol::{ApiKey, Message, for_each_api, messages};

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    let mut rest = data;
    while let Some((prefix, behind)) = rest.split_first_chunk::<PREFIX_BYTES>() {
        let Ok(length) = FrameLen::parse(*prefix, 1 << 20) else { return };
        let Some((frame, behind)) = behind.split_at_checked(length.bytes()) else { return };
        rest = behind;
        let frame = Bytes::copy_from_slice(frame);
        headwater_fuzz::within(headwater_fuzz::frame_bytes_max(&frame), || read(frame));
    }
});

fn read(frame: Bytes) {
    let mut reader = Reader::new(frame.clone());
    let Ok(header) = RequestHeader::decode(&mut reader) else { return };
    let header_bytes = frame.len() - reader.remaining();
    let Some(key) = ApiKey::from_code(header.api_key) else { return };
    if !key.versions().contains(&header.api_version) {
        return;
    }
    let mut writer = Writer::new();
    header.encode(&mut writer).expect("a header that was read");
    assert!(writer.length() <= header_bytes, "varints may have been longer than need be");
    decode(key, header.api_version, &mut reader);
}

macro_rules! dispatch {
    ($($key:ident $module:ident $request:ident $response:ident;)*) => {
        fn decode(key: ApiKey, version: i16, reader: &mut Reader) {
            match key {
                $(ApiKey::$key => {
                    let _ = messages::$module::$request::decode(reader, version);
                })*
                _ => {}
            }
        }
    };
}

for_each_api!(dispatch);
