//! A log folder whose journal holds anything.

#![no_main]

use headwater_fuzz::folder::{Forged, changed};
use headwater_fuzz::sign;

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    changed(
        data,
        &[".headwater-journal-0", ".headwater-journal-1"],
        sign::journal,
        Forged::Survived,
    );
});
