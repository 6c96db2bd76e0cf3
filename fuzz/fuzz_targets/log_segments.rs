//! A log folder whose segments hold anything: opened as they are, recovered, or damaged.

#![no_main]

use headwater_fuzz::folder::{Forged, changed};
use headwater_fuzz::sign;

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    changed(data, &[".log"], sign::batches, Forged::Survived);
});
