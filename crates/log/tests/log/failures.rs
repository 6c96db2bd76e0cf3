//! Disks that fail, fill up, or forget.

use crate::common::*;
use headwater_log::*;
use headwater_types::*;
use std::io::ErrorKind;

#[test]
fn a_failed_sync_is_final() {
    let (disk, mut log) = new_log(small());
    append(&mut log, &records(1, 1)).unwrap();
    sync(&mut log, &disk);
    append(&mut log, &records(1, 1)).unwrap();
    disk.plan_failures(|plan| {
        plan.by_kind.insert(OperationKind::Sync, ErrorKind::Other);
    });
    let plan = log.begin_sync().unwrap();
    let result = plan.run(&disk);
    assert!(log.complete_sync(plan, result).is_err());
    disk.plan_failures(|plan| plan.by_kind.clear());
    assert_eq!(log.durable_end(), EndOffset(1));
    assert!(log.failure().is_some());
    assert!(log.begin_sync().is_none(), "not tried again");
    let refused = append(&mut log, &records(1, 1)).unwrap_err();
    assert_eq!(refused.code(), ErrorCode::KafkaStorageError);
    assert!(log.truncate_to(EndOffset(0), T0).is_err());
    assert!(log.close_clean().is_err());
    assert_eq!(read_all(&log, Offset(0)).len(), 2 * records(1, 1).bytes().len(), "reads go on");
}

/// The system calls a second try a success, though it dropped the data with the first.
#[test]
fn a_sync_under_way_is_worth_nothing_when_another_one_fails() {
    let (disk, mut log) = new_log(small());
    append(&mut log, &records(1, 1)).unwrap();
    let plan = log.begin_sync().unwrap();
    let next = disk.syncs();
    disk.plan_failures(|plan| plan.sync_lost = Some(next));
    assert!(log.truncate_to(EndOffset(0), T0).is_err());
    let result = plan.run(&disk);
    assert!(result.is_ok());
    assert!(log.complete_sync(plan, result).is_err());
    assert_eq!(log.durable_end(), EndOffset(0));
}

#[test]
fn a_full_disk_is_survived() {
    let (disk, mut log) = new_log(small());
    append(&mut log, &from_producer(1, 0, 0, 1)).unwrap();
    let before = read_all(&log, Offset(0));
    for room in 0..70 {
        disk.plan_failures(|plan| plan.capacity_bytes = Some(room));
        let refused = append(&mut log, &from_producer(1, 0, 1, 1)).unwrap_err();
        assert!(matches!(refused, AppendError::Full(_)), "{refused}");
        assert_eq!(read_all(&log, Offset(0)), before);
    }
    disk.plan_failures(|plan| plan.capacity_bytes = None);
    assert_eq!(append(&mut log, &from_producer(1, 0, 1, 1)).unwrap().first, Offset(1));
    assert_eq!(log.log_end(), EndOffset(2));
}

/// A script of appends, syncs, rolls, a truncation and a retention, on a disk where one operation
/// fails. Returns the log's durable end, and the bytes up to it, as far as it got.
fn script(disk: &MemoryDisk) -> (i64, Vec<u8>) {
    let mut acknowledged = (0, Vec::new());
    let Ok(mut log) = open_on(disk, small(), OpenKind::UNKNOWN) else { return acknowledged };
    let mut bytes = Vec::new();
    for n in 0..12 {
        let spec = records(2, 150);
        match append(&mut log, &spec) {
            Ok(appended) => bytes.extend(spec.placed(appended.first.0, 0)),
            Err(_) => continue,
        }
        if n == 7 {
            // From here on nobody relies on what lies behind.
            let kept = 5 * spec.bytes().len();
            acknowledged = (acknowledged.0.min(10), acknowledged.1);
            acknowledged.1.truncate(kept);
            if log.truncate_to(EndOffset(10), T0).is_err() {
                return acknowledged;
            }
            bytes.truncate(log.log_end().0 as usize / 2 * spec.bytes().len());
            acknowledged = (log.log_end().0, bytes.clone());
        }
        if n % 2 == 0 {
            let Some(plan) = log.begin_sync() else { continue };
            let end = plan.end().0;
            let covered = bytes.clone();
            let result = plan.run(disk);
            if log.complete_sync(plan, result).is_ok() {
                acknowledged = (end, covered);
            }
        }
        let _ = log.apply_retention(T0, log.log_end());
    }
    let _ = log.close_clean();
    acknowledged
}

#[test]
fn whatever_operation_fails_nothing_acknowledged_is_lost() {
    let whole = memory_disk();
    let acknowledged = script(&whole);
    assert!(acknowledged.0 >= 14);
    let operations = whole.operations();
    assert!(operations > 60);
    for ordinal in 0..operations {
        for kind in [ErrorKind::Other, ErrorKind::StorageFull] {
            let disk = memory_disk();
            disk.plan_failures(|plan| {
                plan.by_ordinal.insert(ordinal, kind);
            });
            let (end, bytes) = script(&disk);
            for fate in [Fate::Lost, Fate::Kept, Fate::Cut(100)] {
                let disk = disk.crash(|_| fate);
                let log = open_on(&disk, small(), OpenKind::UNKNOWN)
                    .unwrap_or_else(|error| panic!("operation {ordinal} {kind}: {error}"));
                assert!(log.log_end().0 >= end, "operation {ordinal} {kind} {fate:?}");
                let found = read_all(&log, log.log_start());
                assert!(found.starts_with(&bytes), "operation {ordinal} {kind} {fate:?}");
            }
        }
    }
}

/// Decides the fate of each pending effect from a seed.
fn by_seed(seed: u64) -> impl FnMut(&PendingEffect) -> Fate {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    move |_| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        match state >> 61 {
            0..=2 => Fate::Lost,
            3 => Fate::Cut((state >> 20) as usize % 400),
            _ => Fate::Kept,
        }
    }
}

#[test]
fn power_lost_at_any_operation_loses_nothing_acknowledged() {
    let whole = memory_disk();
    script(&whole);
    for ordinal in 0..whole.operations() {
        // From this operation on nothing reaches the disk: the machine is gone.
        let disk = memory_disk();
        disk.plan_failures(|plan| plan.all_from = Some(ordinal));
        let (end, bytes) = script(&disk);
        disk.plan_failures(|plan| plan.all_from = None);
        for seed in 0..12 {
            let crashed = disk.crash(by_seed(ordinal * 100 + seed));
            let log = open_on(&crashed, small(), OpenKind::UNKNOWN)
                .unwrap_or_else(|error| panic!("operation {ordinal} seed {seed}: {error}"));
            assert!(log.log_end().0 >= end, "operation {ordinal} seed {seed}");
            let found = read_all(&log, log.log_start());
            assert!(found.starts_with(&bytes), "operation {ordinal} seed {seed}");
            drop(log);
            let again = open_on(&crashed, small(), OpenKind::UNKNOWN).unwrap();
            assert_eq!(read_all(&again, again.log_start()), found, "twice is as once");
        }
    }
}

#[test]
fn power_lost_inside_recovery_ends_in_the_same_log() {
    let disk = memory_disk();
    let (end, bytes) = script(&disk);
    for seed in 0..6 {
        let first = disk.crash(by_seed(seed));
        let expected = {
            let log = open_on(&first.crash(|_| Fate::Kept), small(), OpenKind::UNKNOWN).unwrap();
            read_all(&log, log.log_start())
        };
        assert!(expected.starts_with(&bytes));
        let start = first.operations();
        let mut ordinal = start;
        loop {
            let second = first.crash(|_| Fate::Kept);
            second.plan_failures(|plan| plan.all_from = Some(ordinal - start));
            let opened = open_on(&second, small(), OpenKind::UNKNOWN);
            let finished = opened.is_ok();
            drop(opened);
            for seed in 0..4 {
                let third = second.crash(by_seed(ordinal * 10 + seed));
                let log = open_on(&third, small(), OpenKind::UNKNOWN).unwrap();
                assert!(log.log_end().0 >= end);
                assert_eq!(read_all(&log, log.log_start()), expected, "operation {ordinal}");
            }
            if finished {
                break;
            }
            ordinal += 1;
        }
    }
}
