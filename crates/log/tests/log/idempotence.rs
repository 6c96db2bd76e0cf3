//! What a log remembers of its producers.

use crate::common::*;
use headwater_log::*;
use headwater_types::*;

/// The offset, whether it was a duplicate, or the error's code.
fn outcome(log: &mut Log, spec: &Spec) -> Result<(i64, bool), ErrorCode> {
    append(log, spec)
        .map(|appended| (appended.first.0, appended.duplicate))
        .map_err(|error| error.code())
}

const OUT_OF_ORDER: Result<(i64, bool), ErrorCode> = Err(ErrorCode::OutOfOrderSequenceNumber);
const FENCED: Result<(i64, bool), ErrorCode> = Err(ErrorCode::InvalidProducerEpoch);

#[test]
fn the_last_five_batches_are_known_and_older_ones_are_out_of_order() {
    let (_disk, mut log) = new_log(small());
    for n in 0..7 {
        assert_eq!(
            outcome(&mut log, &from_producer(9, 0, n * 2, 2)),
            Ok((i64::from(n) * 2, false))
        );
    }
    for n in 2..7 {
        assert_eq!(outcome(&mut log, &from_producer(9, 0, n * 2, 2)), Ok((i64::from(n) * 2, true)));
    }
    assert_eq!(outcome(&mut log, &from_producer(9, 0, 2, 2)), OUT_OF_ORDER);
    assert_eq!(outcome(&mut log, &from_producer(9, 0, 12, 1)), OUT_OF_ORDER, "half a batch");
    assert_eq!(outcome(&mut log, &from_producer(9, 0, 15, 1)), OUT_OF_ORDER, "a gap");
    assert_eq!(outcome(&mut log, &from_producer(9, 0, 14, 1)), Ok((14, false)));
}

#[test]
fn epochs_fence_and_begin_at_zero() {
    let (_disk, mut log) = new_log(small());
    assert_eq!(outcome(&mut log, &from_producer(9, 3, 77, 1)), Ok((0, false)), "unknown: any");
    assert_eq!(outcome(&mut log, &from_producer(9, 2, 78, 1)), FENCED);
    assert_eq!(outcome(&mut log, &from_producer(9, 4, 78, 1)), OUT_OF_ORDER);
    assert_eq!(outcome(&mut log, &from_producer(9, 4, 0, 1)), Ok((1, false)));
    assert_eq!(outcome(&mut log, &from_producer(9, 3, 77, 1)), FENCED, "the old epoch is gone");
    assert_eq!(outcome(&mut log, &from_producer(9, 4, 0, 1)), Ok((1, true)));
}

#[test]
fn sequences_wrap() {
    let (_disk, mut log) = new_log(small());
    assert_eq!(outcome(&mut log, &from_producer(9, 0, i32::MAX - 1, 2)), Ok((0, false)));
    assert_eq!(outcome(&mut log, &from_producer(9, 0, 0, 1)), Ok((2, false)));
    assert_eq!(outcome(&mut log, &from_producer(8, 0, i32::MAX - 1, 4)), Ok((3, false)));
    assert_eq!(outcome(&mut log, &from_producer(8, 0, 2, 1)), Ok((7, false)));
    assert_eq!(outcome(&mut log, &from_producer(8, 0, i32::MAX - 1, 4)), Ok((3, true)));
}

#[test]
fn after_a_start_of_any_kind_the_last_five_are_known() {
    for clean in [true, false] {
        let (disk, mut log) = new_log(LogConfig { segment_bytes: 400, ..small() });
        for n in 0..8 {
            outcome(&mut log, &from_producer(9, 0, n * 2, 2)).unwrap();
            outcome(&mut log, &records(1, 30)).unwrap();
        }
        assert!(log.segments_count() > 2);
        let end = log.log_end();
        let kind = if clean {
            OpenKind::AfterCleanStop(log.close_clean().unwrap())
        } else {
            sync(&mut log, &disk);
            OpenKind::AfterCrash(Checkpointed { recovery_point: end, ..Default::default() })
        };
        let disk = disk.crash(|_| Fate::Lost);
        let mut log = open_on(&disk, LogConfig { segment_bytes: 400, ..small() }, kind).unwrap();
        assert_eq!(log.log_end(), end);
        for n in [3, 7, 5, 4, 6] {
            let expected = Ok((i64::from(n) * 3, true));
            assert_eq!(outcome(&mut log, &from_producer(9, 0, n * 2, 2)), expected, "{clean} {n}");
        }
        assert_eq!(outcome(&mut log, &from_producer(9, 0, 4, 2)), OUT_OF_ORDER);
        assert_eq!(outcome(&mut log, &from_producer(9, 0, 16, 2)), Ok((24, false)));
    }
}

#[test]
fn silent_producers_are_forgotten() {
    let (_disk, mut log) = new_log(LogConfig { producer_id_expiration_ms: 1000, ..small() });
    outcome(&mut log, &from_producer(9, 0, 0, 1)).unwrap();
    outcome(&mut log, &transactional(8, 0, 0, 1)).unwrap();
    log.apply_retention(T0 + 999, EndOffset(0)).unwrap();
    assert_eq!(log.active_producers().len(), 2);
    log.apply_retention(T0 + 1000, EndOffset(0)).unwrap();
    let left: Vec<_> = log.active_producers().iter().map(|producer| producer.producer.0).collect();
    assert_eq!(left, [8], "an open transaction keeps its producer");
    assert_eq!(outcome(&mut log, &from_producer(9, 0, 55, 1)), Ok((2, false)));
}

#[test]
fn a_truncation_takes_back_what_producers_did() {
    let (_disk, mut log) = new_log(LogConfig { segment_bytes: 400, ..small() });
    for n in 0..8 {
        outcome(&mut log, &from_producer(9, 0, n * 2, 2)).unwrap();
    }
    log.truncate_to(EndOffset(10), T0).unwrap();
    assert_eq!(log.log_end(), EndOffset(10));
    assert_eq!(outcome(&mut log, &from_producer(9, 0, 8, 2)), Ok((8, true)));
    assert_eq!(outcome(&mut log, &from_producer(9, 0, 12, 2)), OUT_OF_ORDER);
    assert_eq!(outcome(&mut log, &from_producer(9, 0, 10, 2)), Ok((10, false)));
}
