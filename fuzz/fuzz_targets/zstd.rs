//! Zstd as batches have it.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    headwater_fuzz::codec(headwater_protocol::records::Codec::Zstd, data);
});
