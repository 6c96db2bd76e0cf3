//! A log folder whose small files, that say whose it is and how it was left, say anything.

#![no_main]

use headwater_fuzz::folder::{Forged, changed};
use headwater_fuzz::sign;

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    changed(
        data,
        &[
            "meta.properties",
            "partition.metadata",
            ".kafka_cleanshutdown",
            "orders-0/headwater-damage",
        ],
        sign::nothing,
        Forged::LikeAnyOther,
    );
});
