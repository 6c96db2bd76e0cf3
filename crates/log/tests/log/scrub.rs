//! The scrubber finds what rots while nobody looks.

use crate::common::*;
use headwater_log::*;
use headwater_types::*;
use std::path::PathBuf;

fn log_file(base: i64) -> PathBuf {
    folder().join(format!("{base:020}.log"))
}

/// Several segments of batches with one record each.
fn filled() -> (MemoryDisk, Log) {
    let (disk, mut log) = new_log(small());
    for _ in 0..60 {
        append(&mut log, &records(1, 100)).unwrap();
    }
    sync(&mut log, &disk);
    assert!(log.segments_count() >= 4);
    (disk, log)
}

/// Scrubs to the end. Gives the bytes that were checked, in how many steps, and what was found.
fn scrub(log: &Log, budget_bytes: u64) -> (u64, usize, Option<std::sync::Arc<Damage>>) {
    let (mut bytes, mut steps) = (0, 0);
    let mut at = Some(ScrubCursor::START);
    while let Some(cursor) = at {
        let step = log.scrub(cursor, budget_bytes).unwrap();
        assert!(step.bytes > 0 || step.next.is_none(), "no step without progress");
        bytes += step.bytes;
        steps += 1;
        if step.damage.is_some() {
            return (bytes, steps, step.damage);
        }
        at = step.next;
    }
    (bytes, steps, None)
}

fn flip(disk: &MemoryDisk, file: &std::path::Path, at: u64, bit: u32) {
    let file = disk.open(file, OpenMode::ReadWrite).unwrap();
    let mut byte = [0];
    file.read_at(&mut byte, at).unwrap();
    file.write_at(&[&[byte[0] ^ 1 << bit]], at).unwrap();
}

fn sealed_bytes(disk: &MemoryDisk) -> u64 {
    let mut logs: Vec<u64> = disk
        .list(&folder())
        .unwrap()
        .into_iter()
        .filter(|entry| entry.name.ends_with(".log"))
        .map(|entry| entry.length)
        .collect();
    logs.pop();
    logs.into_iter().sum()
}

#[test]
fn every_closed_segment_is_checked_whatever_the_budget() {
    let (disk, log) = filled();
    let expected = sealed_bytes(&disk);
    for budget in [0, 1, 100, 161, 1000, 1 << 30] {
        let (bytes, steps, damage) = scrub(&log, budget);
        assert_eq!((bytes, damage), (expected, None), "budget {budget}");
        assert!(steps >= log.segments_count() - 1);
    }
    let reopened = open_on(&disk, small(), OpenKind::UNKNOWN).unwrap();
    assert_eq!(scrub(&reopened, 500).0, expected);
}

#[test]
fn rot_in_a_closed_segment_is_found_though_it_was_verified_before() {
    let (disk, log) = filled();
    let all = read_all(&log, Offset(0));
    assert!(log.damage().is_none());
    let size = records(1, 100).bytes().len() as u64;
    // The third batch of the first segment.
    flip(&disk, &log_file(0), 2 * size + 80, 3);
    let (_, _, damage) = scrub(&log, 300);
    let damage = damage.unwrap();
    assert_eq!((damage.position, damage.offset), (2 * size, Offset(2)));
    assert_eq!(damage.file, log_file(0));
    assert_eq!(log.damage().unwrap(), damage);
    let limit = ReadLimit { max_bytes: 1 << 20, at_least_one: true, upper: log.log_end() };
    let read = log.read(Offset(0), limit).unwrap();
    assert_eq!(bytes_of(&read), all[..2 * size as usize]);
    assert_eq!(read.next, Offset(2));
    for behind in [2, 3, 30, 59] {
        assert!(matches!(log.read(Offset(behind), limit), Err(ReadError::Damaged(_))), "{behind}");
    }
    // There is nothing left to find that would be worth knowing.
    assert!(log.scrub(ScrubCursor::START, 1000).unwrap().next.is_none());
}

#[test]
fn a_file_that_is_cut_is_found() {
    let (disk, log) = filled();
    let file = disk.open(&log_file(0), OpenMode::ReadWrite).unwrap();
    let size = records(1, 100).bytes().len() as u64;
    file.set_length(3 * size + 10).unwrap();
    let damage = scrub(&log, 1 << 20).2.unwrap();
    assert_eq!((damage.position, damage.offset), (3 * size, Offset(3)));
}

#[test]
fn deleted_records_are_not_scrubbed() {
    let (disk, mut log) = filled();
    let before = scrub(&log, 1 << 20).0;
    let size = records(1, 100).bytes().len() as u64;
    flip(&disk, &log_file(0), size + 80, 0);
    log.delete_records(Offset(40), log.log_end()).unwrap();
    let (bytes, _, damage) = scrub(&log, 1 << 20);
    assert_eq!(damage, None);
    assert!(bytes > 0 && bytes < before);
}

#[test]
fn an_empty_log_has_nothing_to_scrub() {
    let (_, mut log) = new_log(small());
    assert_eq!(scrub(&log, 100), (0, 1, None));
    append(&mut log, &records(1, 10)).unwrap();
    assert_eq!(scrub(&log, 100), (0, 1, None));
}
