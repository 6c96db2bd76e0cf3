//! Messages of the formats 0 and 1, with their size and CRC made right.

#![no_main]

use headwater_protocol::records::ReceivedBatch;

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    if data.len() < 26 {
        return;
    }
    let mut mended = data.to_vec();
    let size = (mended.len() - 12) as i32;
    mended[8..12].copy_from_slice(&size.to_be_bytes());
    mended[16] &= 1;
    let crc = crc32(&mended[16..]);
    mended[12..16].copy_from_slice(&crc.to_be_bytes());
    let message = ReceivedBatch::from_bytes(mended.into()).expect("its size is right");
    let _ = message.legacy_records(1 << 18);
});

/// Bit by bit: inputs are short.
fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(!0u32, |crc, &byte| {
        (0..8).fold(crc ^ u32::from(byte), |crc, _| {
            if crc & 1 == 1 { (crc >> 1) ^ 0xedb8_8320 } else { crc >> 1 }
        })
    })
}
