//! Whatever the files hold, nothing panics, and what is served was once written.

use crate::common::*;
use headwater_log::*;
use headwater_types::*;
use proptest::prelude::*;

fn filled() -> (MemoryDisk, Checkpointed, Vec<u8>) {
    let (disk, mut log) = new_log(small());
    for n in 0..12 {
        append(&mut log, &from_producer(1, 0, n * 2, 2)).unwrap();
        append(&mut log, &transactional(2, 0, n, 1)).unwrap();
        append(&mut log, &marker(2, 0, (n % 2) as i16, 0)).unwrap();
        append(&mut log, &records(1, 60)).unwrap();
    }
    let known = log.close_clean().unwrap();
    (disk, known, read_all(&log, Offset(0)))
}

#[derive(Clone, Debug)]
enum Damage {
    Flip { at: usize, bit: u8 },
    Cut { at: usize },
    Extend { bytes: Vec<u8> },
    Zero { at: usize, length: usize },
    Remove,
}

fn damage() -> impl Strategy<Value = Damage> {
    prop_oneof![
        4 => (any::<usize>(), 0..8u8).prop_map(|(at, bit)| Damage::Flip { at, bit }),
        1 => any::<usize>().prop_map(|at| Damage::Cut { at }),
        1 => prop::collection::vec(any::<u8>(), 1..100).prop_map(|bytes| Damage::Extend { bytes }),
        1 => (any::<usize>(), 1..300usize).prop_map(|(at, length)| Damage::Zero { at, length }),
        1 => Just(Damage::Remove),
    ]
}

fn apply(disk: &MemoryDisk, file: usize, damage: &Damage) {
    let entries = disk.list(&folder()).unwrap();
    let Some(entry) = entries.get(file % entries.len()) else { return };
    let path = folder().join(&entry.name);
    let mut bytes = read_whole(disk, &path, 1 << 20).unwrap().unwrap().to_vec();
    match damage {
        Damage::Flip { at, bit } if !bytes.is_empty() => {
            let at = at % bytes.len();
            bytes[at] ^= 1 << bit;
        }
        Damage::Cut { at } => bytes.truncate(at % (bytes.len() + 1)),
        Damage::Extend { bytes: more } => bytes.extend(more),
        Damage::Zero { at, length } if !bytes.is_empty() => {
            let at = at % bytes.len();
            let end = (at + length).min(bytes.len());
            bytes[at..end].fill(0);
        }
        Damage::Flip { .. } | Damage::Zero { .. } => {}
        Damage::Remove => return disk.run(&DiskTask::Unlink(path)).unwrap(),
    }
    let file = disk.open(&path, OpenMode::Truncate).unwrap();
    file.write_at(&[&bytes], 0).unwrap();
}

/// Uses an opened log in every way; errors are fine.
fn use_it(log: &mut Log) {
    let end = log.log_end();
    for from in 0..=end.0.min(200) {
        for max_bytes in [1, 500, 1 << 20] {
            let limit = ReadLimit { max_bytes, at_least_one: true, upper: end };
            if let Ok(read) = log.read(Offset(from), limit) {
                bytes_of(&read);
            }
        }
        let _ = log.aborted_transactions(Offset(from)..end.next());
    }
    for timestamp in [0, T0, T0 + 1, i64::MAX] {
        let _ = log.offset_for_timestamp(timestamp, end);
    }
    let _ = log.max_timestamp();
    let _ = log.last_stable(end);
    for n in 0..4 {
        let _ = append(log, &from_producer(1, 0, 16 + n * 2, 2));
    }
    let _ = log.truncate_to(EndOffset(end.0 / 2), T0);
    let _ = append(log, &records(1, 10));
    let _ = log.delete_records(Offset(end.0 / 4), log.log_end());
    let _ = log.apply_retention(T0, log.log_end());
    let _ = log.close_clean();
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 100, failure_persistence: None, ..Default::default() })]

    #[test]
    fn damaged_folders_never_panic(
        damages in prop::collection::vec((any::<usize>(), damage()), 1..4),
        kind in 0..3,
    ) {
        let (disk, known, _) = filled();
        for (file, damage) in &damages {
            apply(&disk, *file, damage);
        }
        let kind = match kind {
            0 => OpenKind::AfterCleanStop(known),
            1 => OpenKind::AfterCrash(known),
            _ => OpenKind::UNKNOWN,
        };
        if let Ok(mut log) = open_on(&disk, small(), kind) {
            use_it(&mut log);
            drop(log);
            if let Ok(mut log) = open_on(&disk, small(), OpenKind::UNKNOWN) {
                use_it(&mut log);
            }
        }
    }
}

/// Where everything is checked batch by batch, one flipped bit loses a tail at most; what is left
/// is as it was written.
#[test]
fn one_flipped_bit_is_found_where_everything_is_checked() {
    let (disk, _, all) = filled();
    let logs: Vec<_> = disk.list(&folder()).unwrap();
    for entry in logs.iter().filter(|entry| entry.name.ends_with(".log")) {
        for bit in (0..entry.length as usize * 8).step_by(5) {
            let disk = disk.crash(|_| Fate::Kept);
            let path = folder().join(&entry.name);
            let file = disk.open(&path, OpenMode::ReadWrite).unwrap();
            let mut byte = [0];
            file.read_at(&mut byte, bit as u64 / 8).unwrap();
            file.write_at(&[&[byte[0] ^ 1 << (bit % 8)]], bit as u64 / 8).unwrap();
            let log = open_on(&disk, small(), OpenKind::UNKNOWN).unwrap();
            if log.log_end() > EndOffset(60) {
                continue; // A larger base offset looks like a gap that compaction left.
            }
            let left = read_all(&log, log.log_start());
            // Base offset and leader epoch are under no checksum in Kafka's format.
            let same = left.iter().zip(&all).filter(|(left, all)| left != all).count();
            assert!(same <= 1 && left.len() <= all.len(), "{} bit {bit}: {same}", entry.name);
        }
    }
}

/// The index of the segment that is written on is read as it is after a clean stop.
#[test]
fn a_flipped_bit_in_an_index_hides_no_record() {
    let (disk, mut log) = new_log(LogConfig { segment_bytes: 1 << 20, ..small() });
    for _ in 0..30 {
        append(&mut log, &records(3, 60)).unwrap();
    }
    let known = log.close_clean().unwrap();
    let path = folder().join("00000000000000000000.index");
    let length = read_whole(&disk, &path, 1 << 20).unwrap().unwrap().len();
    assert!(length >= 80);
    for bit in (0..length * 8).step_by(17) {
        let disk = disk.crash(|_| Fate::Kept);
        let file = disk.open(&path, OpenMode::ReadWrite).unwrap();
        let mut byte = [0];
        file.read_at(&mut byte, bit as u64 / 8).unwrap();
        file.write_at(&[&[byte[0] ^ 1 << (bit % 8)]], bit as u64 / 8).unwrap();
        let config = LogConfig { segment_bytes: 1 << 20, ..small() };
        let log = open_on(&disk, config, OpenKind::AfterCleanStop(known)).unwrap();
        for from in 0..log.log_end().0 {
            let limit = ReadLimit { max_bytes: 1, at_least_one: true, upper: log.log_end() };
            let read = log.read(Offset(from), limit).unwrap();
            assert_eq!(read.first.0, from / 3 * 3, "bit {bit}");
        }
    }
}

#[test]
fn a_log_whose_segments_are_all_gone_after_a_clean_stop_is_not_taken_for_an_empty_one() {
    let (disk, known, _) = filled();
    for entry in disk.list(&folder()).unwrap() {
        if entry.name.ends_with(".log") {
            disk.run(&DiskTask::Unlink(folder().join(&entry.name))).unwrap();
        }
    }
    let mut log = open_on(&disk, small(), OpenKind::AfterCleanStop(known)).unwrap();
    assert_eq!(log.damage().expect("records are missing").offset, Offset(0));
    assert_eq!(log.log_end(), known.recovery_point);
    append(&mut log, &records(1, 10)).expect_err("a damaged log takes nothing");
}
