//! Whole frames, headers included, as clients and Apache Kafka 4.3.1 exchanged them: each must be
//! read whole and written again byte for byte.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use bytes::Bytes;
use headwater_protocol::header::{RequestHeader, ResponseHeader};
use headwater_protocol::wire::{Reader, Writer};
use headwater_protocol::{ApiKey, Message, Request, for_each_api, messages};
use std::collections::BTreeSet;

const FRAMES: &str = include_str!("golden/frames-of-clients.txt");

fn request<T: Request>(mut reader: Reader, header: &RequestHeader) -> Bytes {
    let message = T::decode(&mut reader, header.api_version).unwrap();
    reader.finish().unwrap();
    let mut writer = Writer::new();
    header.encode(&mut writer).unwrap();
    message.encode(&mut writer, header.api_version).unwrap();
    writer.into_bytes().unwrap()
}

fn response<T: Request>(mut reader: Reader, version: i16) -> Bytes {
    let header_version = T::KEY.response_header_version(version);
    let header = ResponseHeader::decode(&mut reader, header_version).unwrap();
    let message = T::Response::decode(&mut reader, version).unwrap();
    reader.finish().unwrap();
    let mut writer = Writer::new();
    header.encode(&mut writer, header_version).unwrap();
    message.encode(&mut writer, version).unwrap();
    writer.into_bytes().unwrap()
}

macro_rules! dispatch {
    ($($key:ident $module:ident $request:ident $response:ident;)*) => {
        fn again(kind: &str, key: ApiKey, version: i16, frame: &Bytes) -> Bytes {
            let mut reader = Reader::new(frame.clone());
            if kind == "request" {
                let header = RequestHeader::decode(&mut reader).unwrap();
                assert_eq!((header.api_key, header.api_version), (key.code(), version));
                return match key {
                    $(ApiKey::$key => request::<messages::$module::$request>(reader, &header),)*
                    other => panic!("{other}"),
                };
            }
            match key {
                $(ApiKey::$key => response::<messages::$module::$request>(reader, version),)*
                other => panic!("{other}"),
            }
        }
    };
}

for_each_api!(dispatch);

#[test]
fn frames_of_clients_survive() {
    let mut clients = BTreeSet::new();
    for line in FRAMES.lines() {
        let [client, kind, key, version, hex] = line.split(' ').collect::<Vec<_>>()[..] else {
            panic!("{line}")
        };
        let key = ApiKey::from_code(key.parse().unwrap()).unwrap();
        let frame = from_hex(hex);
        let again = again(kind, key, version.parse().unwrap(), &frame);
        assert_eq!(again, frame, "{client} {key} {kind} {version}");
        clients.insert(client);
    }
    assert_eq!(clients.len(), 4, "{clients:?}");
}

fn from_hex(text: &str) -> Bytes {
    let digit = |at: usize| u8::from_str_radix(&text[at..at + 2], 16).unwrap();
    (0..text.len()).step_by(2).map(digit).collect()
}
