//! Every response at every version.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    headwater_fuzz::choose(headwater_fuzz::RESPONSES, data);
});
