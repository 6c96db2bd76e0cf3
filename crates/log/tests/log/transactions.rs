//! Open, committed and aborted transactions.

use crate::common::*;
use headwater_log::*;
use headwater_types::*;

fn aborted(log: &Log, from: i64, to: i64) -> Vec<(i64, i64, i64, i64)> {
    let found = log.aborted_transactions(Offset(from)..Offset(to)).unwrap();
    found.iter().map(|a| (a.producer.0, a.first.0, a.last.0, a.last_stable.0)).collect()
}

#[test]
fn the_last_stable_offset_waits_for_the_first_open_transaction() {
    let (_disk, mut log) = new_log(small());
    append(&mut log, &records(2, 1)).unwrap(); // 0..=1
    append(&mut log, &transactional(1, 0, 0, 2)).unwrap(); // 2..=3
    append(&mut log, &transactional(2, 0, 0, 1)).unwrap(); // 4
    let stable = |log: &Log, high| log.last_stable(EndOffset(high)).0;
    assert_eq!((stable(&log, 5), stable(&log, 2), stable(&log, 1)), (2, 2, 1));
    append(&mut log, &marker(1, 0, 1, 0)).unwrap(); // 5
    assert_eq!(stable(&log, 5), 2, "the marker itself is not committed");
    assert_eq!(stable(&log, 6), 4);
    append(&mut log, &marker(2, 0, 0, 0)).unwrap(); // 6
    assert_eq!(stable(&log, 7), 7);
    assert_eq!(aborted(&log, 0, 7), [(2, 4, 6, 7)]);
    assert_eq!(aborted(&log, 0, 4), []);
    assert_eq!(aborted(&log, 7, 9), []);
}

#[test]
fn aborted_transactions_survive_rolls_and_restarts() {
    let config = LogConfig { segment_bytes: 350, ..small() };
    let (disk, mut log) = new_log(config.clone());
    append(&mut log, &transactional(7, 0, 0, 1)).unwrap(); // 0, open all along
    for n in 0..6i32 {
        append(&mut log, &transactional(1, 0, n, 1)).unwrap();
        append(&mut log, &marker(1, 0, (n % 2) as i16, 0)).unwrap();
    }
    let expected = [(1, 1, 2, 0), (1, 5, 6, 0), (1, 9, 10, 0)];
    assert!(log.segments_count() > 2);
    assert_eq!(aborted(&log, 0, 13), expected);
    assert_eq!(aborted(&log, 3, 9), [expected[1]]);
    sync(&mut log, &disk);
    let crashed = disk.crash(|_| Fate::Lost);
    let known = Checkpointed { recovery_point: EndOffset(6), ..Default::default() };
    let log = open_on(&crashed, config.clone(), OpenKind::AfterCrash(known)).unwrap();
    assert_eq!(aborted(&log, 0, 13), expected);
    assert_eq!(log.last_stable(EndOffset(13)), EndOffset(0));
    let mut log = open_on(&disk, config.clone(), OpenKind::UNKNOWN).unwrap();
    let known = log.close_clean().unwrap();
    let mut log = open_on(&disk, config, OpenKind::AfterCleanStop(known)).unwrap();
    assert_eq!(aborted(&log, 0, 13), expected);
    log.truncate_to(EndOffset(9), T0).unwrap();
    assert_eq!(aborted(&log, 0, 13), expected[..2]);
    assert_eq!(log.last_stable(EndOffset(9)), EndOffset(0));
}

#[test]
fn what_breaks_the_rules_of_transactions_is_refused() {
    let (_disk, mut log) = new_log(small());
    append(&mut log, &transactional(1, 0, 0, 1)).unwrap();
    let code = |result: Result<Appended, AppendError>| result.unwrap_err().code();
    let plain = append(&mut log, &from_producer(1, 0, 1, 1));
    assert_eq!(code(plain), ErrorCode::InvalidTxnState);
    append(&mut log, &marker(1, 1, 1, 5)).unwrap();
    let zombie = append(&mut log, &marker(1, 1, 1, 4));
    assert_eq!(code(zombie), ErrorCode::TransactionCoordinatorFenced);
    let fenced = append(&mut log, &transactional(1, 0, 1, 1));
    assert_eq!(code(fenced), ErrorCode::InvalidProducerEpoch, "the marker carried a new epoch");
    assert_eq!(append(&mut log, &transactional(1, 1, 0, 1)).unwrap().first, Offset(2));
}

#[test]
fn many_transactions_leave_the_last_stable_offset_right() {
    let (_disk, mut log) = new_log(LogConfig { segment_bytes: 1 << 20, ..small() });
    for n in 0..600i32 {
        append(&mut log, &transactional(1, 0, n, 1)).unwrap();
        append(&mut log, &marker(1, 0, 1, 0)).unwrap();
        let end = i64::from(n) * 2 + 2;
        // The last two transactions are not committed yet.
        let high_watermark = (end - 4).max(0);
        assert_eq!(log.last_stable(EndOffset(high_watermark)), EndOffset(high_watermark));
        assert_eq!(log.last_stable(EndOffset(end - 1)), EndOffset(end - 2));
    }
    assert_eq!(log.last_stable(log.log_end()), log.log_end());
}
