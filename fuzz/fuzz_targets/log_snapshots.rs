//! A log folder whose producer snapshots say anything.

#![no_main]

use headwater_fuzz::folder::{Forged, changed};
use headwater_fuzz::sign;

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    changed(data, &[".snapshot"], sign::snapshot, Forged::LikeAnyOther);
});
