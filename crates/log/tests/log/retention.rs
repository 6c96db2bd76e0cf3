//! Letting go of old segments, and deleting records.

use crate::common::*;
use headwater_log::*;
use headwater_types::*;

/// Ten segments of one batch of two records each, a second apart.
fn ten_segments(config: LogConfig) -> (MemoryDisk, Log) {
    let (disk, mut log) = new_log(config);
    for n in 0..10 {
        let at = T0 + n * 1000;
        append(&mut log, &Spec { records: vec![(at, 100), (at + 500, 100)], ..Spec::default() })
            .unwrap();
    }
    assert_eq!(log.segments_count(), 10);
    (disk, log)
}

fn one_batch_each() -> LogConfig {
    LogConfig { segment_bytes: 300, ..small() }
}

fn names(disk: &MemoryDisk, ending: &str) -> usize {
    let entries = disk.list(&folder()).unwrap();
    entries.iter().filter(|entry| entry.name.ends_with(ending)).count()
}

#[test]
fn segments_go_when_their_newest_record_is_too_old() {
    let config = LogConfig { retention_ms: Some(5000), ..one_batch_each() };
    let (disk, mut log) = ten_segments(config);
    let end = log.log_end();
    let outcome = log.apply_retention(T0 + 7500, end).unwrap();
    assert_eq!(outcome.segments_removed, 2, "2500 is not more than 5000 ago");
    assert_eq!(log.log_start(), Offset(4));
    assert!(outcome.log_start_moved);
    assert_eq!(names(&disk, ".log"), 8);
    assert_eq!(names(&disk, ".log.deleted"), 2);
    let later = T0 + 7500 + 60_000;
    let outcome = log.apply_retention(later, EndOffset(8)).unwrap();
    assert_eq!(outcome.segments_removed, 2, "the rest is not committed");
    while disk.run_submitted().is_some() {}
    assert_eq!(names(&disk, ".log.deleted"), 2, "those of the first round are gone");
    let outcome = log.apply_retention(later, end).unwrap();
    assert_eq!(outcome.segments_removed, 6, "the active one, too");
    assert_eq!((log.log_start(), log.log_end(), log.size_bytes()), (Offset(20), end, 0));
    assert_eq!(append(&mut log, &records(1, 1)).unwrap().first, Offset(20));
}

#[test]
fn segments_go_when_there_is_too_much() {
    let size = records(2, 100).bytes().len() as u64;
    let config = LogConfig { retention_bytes: Some(size * 3), ..one_batch_each() };
    let (_disk, mut log) = ten_segments(config);
    let end = log.log_end();
    log.apply_retention(T0, end).unwrap();
    assert!((size * 3..size * 4).contains(&log.size_bytes()), "{} {size}", log.size_bytes());
    assert_eq!(log.apply_retention(T0, end).unwrap(), RetentionOutcome::default());
}

#[test]
fn deleted_records_are_not_read_and_their_segments_go() {
    let (disk, mut log) = ten_segments(one_batch_each());
    assert_eq!(log.delete_records(Offset(5), EndOffset(20)).unwrap(), Offset(5));
    assert_eq!(log.delete_records(Offset(3), EndOffset(20)).unwrap(), Offset(5));
    let beyond = log.delete_records(Offset(19), EndOffset(18));
    assert!(matches!(beyond, Err(ChangeError::OutOfRange { .. })));
    let limit = ReadLimit { max_bytes: 1, at_least_one: true, upper: EndOffset(20) };
    assert!(matches!(log.read(Offset(4), limit), Err(ReadError::OutOfRange { .. })));
    assert_eq!(log.read(Offset(5), limit).unwrap().first, Offset(4), "whole batches");
    let outcome = log.apply_retention(T0, EndOffset(20)).unwrap();
    assert_eq!(outcome.segments_removed, 2);
    assert_eq!(log.log_start(), Offset(5));
    assert_eq!(log.epoch_of(Offset(5)), Some(LeaderEpoch(0)));
    let known = log.close_clean().unwrap();
    assert_eq!(known.log_start, Offset(5));
    let log = open_on(&disk, one_batch_each(), OpenKind::AfterCleanStop(known)).unwrap();
    assert_eq!((log.log_start(), log.log_end()), (Offset(5), EndOffset(20)));
}

#[test]
fn without_delete_only_what_is_before_the_start_goes() {
    let config = LogConfig {
        cleanup_delete: false,
        retention_ms: Some(1),
        retention_bytes: Some(1),
        ..one_batch_each()
    };
    let (_disk, mut log) = ten_segments(config);
    assert_eq!(log.apply_retention(T0 * 2, EndOffset(20)).unwrap().segments_removed, 0);
    log.delete_records(Offset(2), EndOffset(20)).unwrap();
    assert_eq!(log.apply_retention(T0 * 2, EndOffset(20)).unwrap().segments_removed, 1);
}

#[test]
fn truncation_drops_whole_batches_and_segments() {
    let (disk, mut log) = ten_segments(one_batch_each());
    let all = read_all(&log, Offset(0));
    let size = all.len() / 10;
    log.truncate_to(EndOffset(11), T0).unwrap();
    assert_eq!((log.log_end(), log.durable_end()), (EndOffset(10), EndOffset(10)));
    assert_eq!(read_all(&log, Offset(0)), all[..size * 5]);
    assert_eq!(append(&mut log, &records(1, 1)).unwrap().first, Offset(10));
    let crashed = disk.crash(|_| Fate::Lost);
    let known = Checkpointed { recovery_point: EndOffset(10), ..Default::default() };
    let reopened = open_on(&crashed, one_batch_each(), OpenKind::AfterCrash(known)).unwrap();
    assert_eq!(read_all(&reopened, Offset(0)), all[..size * 5]);
    log.truncate_fully_and_start_at(Offset(100), T0).unwrap();
    assert_eq!((log.log_start(), log.log_end()), (Offset(100), EndOffset(100)));
    assert_eq!(append(&mut log, &records(1, 1)).unwrap().first, Offset(100));
    let crashed = disk.crash(|_| Fate::Lost);
    let reopened = open_on(&crashed, one_batch_each(), OpenKind::UNKNOWN).unwrap();
    assert_eq!((reopened.log_start(), reopened.log_end()), (Offset(100), EndOffset(100)));
}

#[test]
fn a_sync_begun_before_a_truncation_says_nothing_about_what_came_after() {
    let (disk, mut log) = ten_segments(one_batch_each());
    let plan = log.begin_sync().unwrap();
    log.truncate_to(EndOffset(4), T0).unwrap();
    append(&mut log, &records(2, 1)).unwrap();
    let result = plan.run(&disk);
    log.complete_sync(plan, result).unwrap();
    assert_eq!((log.durable_end(), log.log_end()), (EndOffset(4), EndOffset(6)));
    sync(&mut log, &disk);
}

#[test]
fn a_log_that_was_not_appended_to_for_a_minute_lets_go_of_what_it_holds() {
    let (disk, mut log) = new_log(small());
    append(&mut log, &records(1, 10)).unwrap();
    sync(&mut log, &disk);
    let limit = ReadLimit { max_bytes: 1000, at_least_one: true, upper: EndOffset(1) };
    let in_memory = |log: &Log| {
        matches!(log.read(Offset(0), limit).unwrap().slices[..], [ReadSlice::Memory(_)])
    };
    log.apply_retention(T0 + 59_999, EndOffset(1)).unwrap();
    assert!(in_memory(&log));
    log.apply_retention(T0 + 60_000, EndOffset(1)).unwrap();
    assert!(!in_memory(&log));
    assert_eq!(append(&mut log, &records(1, 10)).unwrap().first, Offset(1));
}
