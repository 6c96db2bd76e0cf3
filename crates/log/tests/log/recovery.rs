//! Torn tails, damaged indexes, damage below the recovery point.

use crate::common::*;
use headwater_log::*;
use headwater_types::*;
use std::path::{Path, PathBuf};

fn file(base: i64, extension: &str) -> PathBuf {
    folder().join(format!("{base:020}.{extension}"))
}

fn overwrite(disk: &MemoryDisk, path: &Path, content: &[u8]) {
    let file = disk.open(path, OpenMode::Truncate).unwrap();
    file.write_at(&[content], 0).unwrap();
}

fn content(disk: &MemoryDisk, path: &Path) -> Vec<u8> {
    read_whole(disk, path, 1 << 20).unwrap().unwrap().to_vec()
}

/// Several segments, synced.
fn filled() -> (MemoryDisk, Log) {
    let (disk, mut log) = new_log(small());
    for n in 0..30 {
        append(&mut log, &from_producer(1, 0, n * 2, 2)).unwrap();
        append(&mut log, &records(1, 60)).unwrap();
    }
    assert!(log.segments_count() >= 3);
    sync(&mut log, &disk);
    (disk, log)
}

fn synced_to(end: i64) -> OpenKind {
    OpenKind::AfterCrash(Checkpointed { recovery_point: EndOffset(end), ..Default::default() })
}

#[test]
fn a_tail_torn_at_any_byte_is_cut() {
    let (disk, log) = filled();
    let all = read_all(&log, Offset(0));
    let active = log_bases(&disk).pop().unwrap();
    let bytes = content(&disk, &file(active, "log"));
    let last = records(1, 60).bytes().len();
    let before = all.len() - last;
    for cut in 1..=last {
        for zeros in [0, 1, cut, 5000] {
            let disk = disk.crash(|_| Fate::Kept);
            let mut torn = bytes[..bytes.len() - cut].to_vec();
            torn.resize(torn.len() + zeros, 0);
            if torn.starts_with(&bytes) {
                continue; // The batch itself ends with a zero.
            }
            overwrite(&disk, &file(active, "log"), &torn);
            let mut log = open_on(&disk, small(), synced_to(89)).unwrap();
            assert_eq!(log.log_end(), EndOffset(89));
            let torn_bytes = torn.len() - (bytes.len() - last);
            let recovered =
                Recovered { walked_bytes: torn.len() as u64, cut_bytes: torn_bytes as u64 };
            assert_eq!(log.recovered(), Some(recovered));
            assert_eq!(read_all(&log, Offset(0)), all[..before], "cut {cut} zeros {zeros}");
            assert_eq!(append(&mut log, &records(1, 60)).unwrap().first, Offset(89));
            assert_eq!(read_all(&log, Offset(0)), all);
        }
    }
}

fn log_bases(disk: &MemoryDisk) -> Vec<i64> {
    let entries = disk.list(&folder()).unwrap();
    let names = entries.iter().filter_map(|entry| entry.name.strip_suffix(".log"));
    names.map(|name| name.parse().unwrap()).collect()
}

#[test]
fn a_flipped_bit_beyond_the_recovery_point_cuts_and_below_it_is_damage() {
    let (disk, log) = filled();
    let all = read_all(&log, Offset(0));
    let active = log_bases(&disk).pop().unwrap();
    let bytes = content(&disk, &file(active, "log"));
    let first = from_producer(1, 0, 0, 2).bytes().len();
    for bit in 0..first * 8 {
        // The leader's epoch is under no checksum.
        if (12 * 8..16 * 8).contains(&bit) {
            continue;
        }
        let disk = disk.crash(|_| Fate::Kept);
        let mut damaged = bytes.clone();
        damaged[bit / 8] ^= 1 << (bit % 8);
        overwrite(&disk, &file(active, "log"), &damaged);
        let recovered = open_on(&disk, small(), synced_to(active));
        // A larger base offset alone is a gap, as compaction leaves it: only the next batch tells.
        if bit < 8 * 8 {
            let Ok(log) = recovered else { continue };
            assert!(log.log_end().0 != 90 || read_all(&log, Offset(0)).len() == all.len());
            continue;
        }
        let log = recovered.unwrap();
        assert_eq!(log.log_end(), EndOffset(active), "bit {bit}");
        let disk2 = disk.crash(|_| Fate::Kept);
        drop(log);
        let _ = disk2;
    }
    let disk = disk.crash(|_| Fate::Kept);
    let mut damaged = bytes.clone();
    damaged[16] = 99;
    overwrite(&disk, &file(active, "log"), &damaged);
    let log = open_on(&disk, small(), synced_to(90)).unwrap();
    let damage = log.damage().unwrap();
    assert_eq!((&damage.file, damage.position), (&file(active, "log"), 0));
    assert_eq!((damage.offset, log.log_end()), (Offset(active), EndOffset(90)));
}

#[test]
fn indexes_are_hints_whatever_is_in_them() {
    let (disk, mut log) = filled();
    let all = read_all(&log, Offset(0));
    let known = log.close_clean().unwrap();
    let kinds = [OpenKind::AfterCleanStop(known), synced_to(90), OpenKind::UNKNOWN];
    let bases = log_bases(&disk);
    type Damage = fn(&mut Vec<u8>);
    let ways: [(&str, Damage); 6] = [
        ("empty", |bytes| bytes.clear()),
        ("cut", |bytes| bytes.truncate(bytes.len().saturating_sub(3))),
        ("random", |bytes| {
            bytes.iter_mut().enumerate().for_each(|(n, byte)| *byte = (n * 37) as u8)
        }),
        ("zeros", |bytes| bytes.fill(0)),
        ("shifted", |bytes| bytes.iter_mut().for_each(|byte| *byte = byte.wrapping_add(3))),
        ("long", |bytes| bytes.extend([0xff; 24])),
    ];
    for kind in kinds {
        for extension in ["index", "timeindex"] {
            for base in &bases {
                for (way, damage) in &ways {
                    let disk = disk.crash(|_| Fate::Kept);
                    let mut bytes = content(&disk, &file(*base, extension));
                    damage(&mut bytes);
                    overwrite(&disk, &file(*base, extension), &bytes);
                    let log = open_on(&disk, small(), kind).unwrap();
                    for from in [0, 1, 17, 44, 60, 88] {
                        let read = read_all(&log, Offset(from));
                        assert!(all.ends_with(&read), "{way} {extension} {base} {kind:?}");
                    }
                    assert_eq!(log.log_end(), EndOffset(90));
                }
            }
        }
    }
    for base in &bases {
        let disk = disk.crash(|_| Fate::Kept);
        disk.run(&DiskTask::Unlink(file(*base, "index"))).unwrap();
        disk.run(&DiskTask::Unlink(file(*base, "timeindex"))).unwrap();
        disk.run(&DiskTask::Unlink(folder().join("leader-epoch-checkpoint"))).unwrap();
        let mut log = open_on(&disk, small(), OpenKind::AfterCleanStop(known)).unwrap();
        assert_eq!(read_all(&log, Offset(0)), all);
        assert_eq!(log.latest_epoch(), Some(LeaderEpoch(0)));
        log.close_clean().unwrap();
        assert!(read_whole(&disk, &file(*base, "index"), 1 << 20).unwrap().is_some());
    }
}

#[test]
fn damaged_snapshots_and_epochs_are_made_anew() {
    let (disk, mut log) = filled();
    let known = log.close_clean().unwrap();
    for name in ["leader-epoch-checkpoint", "00000000000000000090.snapshot"] {
        let disk = disk.crash(|_| Fate::Kept);
        overwrite(&disk, &folder().join(name), b"0\n1\nnonsense");
        let log = open_on(&disk, small(), OpenKind::AfterCleanStop(known)).unwrap();
        assert_eq!(log.active_producers()[0].last_sequence, 59);
        assert_eq!(log.epoch_end(LeaderEpoch(0)).unwrap().end, EndOffset(90));
    }
}

#[test]
fn a_folder_of_another_topic_is_refused() {
    let (disk, log) = filled();
    drop(log);
    let other = LogIdentity { topic_id: Uuid([8; 16]), ..identity() };
    let disk: std::sync::Arc<dyn Disk> = std::sync::Arc::new(disk);
    let config = std::sync::Arc::new(small());
    let opened = Log::open(disk, &folder(), other, config, T0, OpenKind::UNKNOWN);
    assert!(matches!(opened, Err(OpenError::OtherTopic { .. })));
}

#[test]
fn opening_again_and_again_changes_nothing() {
    let (disk, log) = filled();
    let all = read_all(&log, Offset(0));
    for kind in [synced_to(50), OpenKind::UNKNOWN, synced_to(90)] {
        let log = open_on(&disk, small(), kind).unwrap();
        assert_eq!(read_all(&log, Offset(0)), all);
        assert_eq!(log.durable_end(), log.log_end());
        let lost = disk.crash(|_| Fate::Lost);
        assert_eq!(read_all(&open_on(&lost, small(), kind).unwrap(), Offset(0)), all);
    }
}

#[test]
fn a_clean_stop_says_nothing_about_what_it_did_not_close() {
    let (disk, mut log) = new_log(LogConfig { segment_bytes: 1 << 20, ..small() });
    for _ in 0..5 {
        append(&mut log, &records(1, 60)).unwrap();
    }
    let known = log.close_clean().unwrap();
    append(&mut log, &records(1, 60)).unwrap();
    append(&mut log, &records(1, 60)).unwrap();
    drop(log);
    // The length reached the disk, the last record did not; and nobody looked before the next stop.
    let path = file(0, "log");
    let mut bytes = content(&disk, &path);
    let last = bytes.len() - 40;
    bytes[last..].fill(0);
    overwrite(&disk, &path, &bytes);
    let log = open_on(&disk, small(), OpenKind::AfterCleanStop(known)).unwrap();
    assert_eq!(log.log_end(), EndOffset(6));
}

#[test]
fn what_a_killed_process_left_in_the_page_cache_is_made_durable() {
    let (disk, mut log) = new_log(small());
    for _ in 0..30 {
        append(&mut log, &records(1, 100)).unwrap();
    }
    let all = read_all(&log, Offset(0));
    drop(log);
    let log = open_on(&disk, small(), OpenKind::UNKNOWN).unwrap();
    assert_eq!((log.log_end(), log.durable_end()), (EndOffset(30), EndOffset(30)));
    let log = open_on(&disk.crash(|_| Fate::Lost), small(), OpenKind::UNKNOWN).unwrap();
    assert_eq!(read_all(&log, Offset(0)), all);
}

#[test]
fn a_log_that_was_synced_to_its_end_costs_no_sync_after_a_crash() {
    let (disk, log) = filled();
    let end = log.log_end().0;
    drop(log);
    disk.plan_failures(|plan| {
        plan.by_kind.insert(OperationKind::Sync, std::io::ErrorKind::Other);
        plan.by_kind.insert(OperationKind::SyncFolder, std::io::ErrorKind::Other);
    });
    let log = open_on(&disk, small(), synced_to(end)).unwrap();
    assert_eq!(log.durable_end().0, end);
    assert!(open_on(&disk, small(), synced_to(end - 1)).is_err());
}

#[test]
fn a_gap_between_segments_is_a_loss_but_where_compaction_leaves_gaps() {
    let (disk, log) = filled();
    let all = log.log_end();
    let first = file(0, "log");
    // The last batch of the first segment is gone; what is left ends with a whole one.
    let bytes = content(&disk, &first);
    let last = [records(1, 60), from_producer(1, 0, 0, 2)]
        .map(|spec| spec.bytes().len())
        .into_iter()
        .find(|size| bytes[bytes.len() - size..][16] == 2)
        .unwrap();
    overwrite(&disk, &first, &bytes[..bytes.len() - last]);
    let compacted = LogConfig { cleanup_compact: true, ..small() };
    let copy = disk.crash(|_| Fate::Kept);
    let log = open_on(&copy, compacted, OpenKind::UNKNOWN).unwrap();
    assert_eq!((log.log_end(), log.damage()), (all, None));
    let log = open_on(&disk, small(), OpenKind::UNKNOWN).unwrap();
    assert!(log.log_end() < all);
    assert_eq!(log.segments_count(), 1);
}
