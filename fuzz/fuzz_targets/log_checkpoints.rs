//! A log folder whose checkpoints, of epochs and of offsets, say anything.

#![no_main]

use headwater_fuzz::folder::{Forged, changed};
use headwater_fuzz::sign;

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    changed(
        data,
        &[
            "leader-epoch-checkpoint",
            "recovery-point-offset-checkpoint",
            "log-start-offset-checkpoint",
            "replication-offset-checkpoint",
        ],
        sign::nothing,
        Forged::LikeAnyOther,
    );
});
