//! A log folder whose indexes say anything.

#![no_main]

use headwater_fuzz::folder::{Forged, changed};
use headwater_fuzz::sign;

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    changed(data, &[".index", ".timeindex", ".txnindex"], sign::nothing, Forged::LikeAnyOther);
});
