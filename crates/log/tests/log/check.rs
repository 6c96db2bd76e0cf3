//! Planted damage of each kind is found where it is, and a repair mends it.

use crate::common::*;
use headwater_log::check::*;
use headwater_log::*;
use headwater_types::*;
use proptest::prelude::*;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Producers, transactions and plain records over several segments, closed cleanly.
fn filled() -> (MemoryDisk, Surroundings) {
    let (disk, mut log) = new_log(small());
    for n in 0..14 {
        append(&mut log, &from_producer(1, 0, n * 2, 2)).unwrap();
        append(&mut log, &transactional(2, 0, n, 1)).unwrap();
        append(&mut log, &marker(2, 0, (n % 2) as i16, 0)).unwrap();
        append(&mut log, &records(3, 60)).unwrap();
    }
    assert!(log.segments_count() > 3);
    let known = log.close_clean().unwrap();
    let around = Surroundings {
        clean_stop: true,
        recovery_point: Some(known.recovery_point),
        log_start: known.log_start,
        high_watermark: None,
    };
    (disk, around)
}

fn check(disk: &MemoryDisk, around: &Surroundings) -> PartitionReport {
    let deep = CheckOptions { deep: true };
    let mut bytes = 0;
    let report = check_partition(disk, &folder(), around, deep, &mut |more| bytes += more).unwrap();
    assert_eq!(bytes, report.bytes, "progress reaches the end");
    report
}

fn read(disk: &MemoryDisk, path: &Path) -> Vec<u8> {
    read_whole(disk, path, 1 << 20).unwrap().unwrap().to_vec()
}

fn write(disk: &MemoryDisk, path: &Path, bytes: &[u8]) {
    disk.open(path, OpenMode::Truncate).unwrap().write_at(&[bytes], 0).unwrap();
}

fn change(disk: &MemoryDisk, path: &Path, change: impl FnOnce(&mut Vec<u8>)) {
    let mut bytes = read(disk, path);
    change(&mut bytes);
    write(disk, path, &bytes);
}

fn files(disk: &MemoryDisk, ending: &str) -> Vec<PathBuf> {
    let entries = disk.list(&folder()).unwrap().into_iter();
    entries.filter(|e| e.name.ends_with(ending)).map(|e| folder().join(e.name)).collect()
}

/// Position, first and last offset of each batch of a segment.
fn batches(disk: &MemoryDisk, path: &Path) -> Vec<(usize, usize, i64, i64)> {
    let rows = headwater_log::dump::LogDump::open(disk, path).unwrap();
    rows.map(|row| match row.unwrap() {
        dump::LogRow::Batch(row) => {
            (row.position as usize, row.size, row.base_offset, row.last_offset)
        }
        dump::LogRow::Broken(row) => panic!("{row}"),
    })
    .collect()
}

/// Everything that can be read, batch by batch.
fn contents(disk: &MemoryDisk) -> Vec<Vec<u8>> {
    let mut all = Vec::new();
    for file in files(disk, ".log") {
        let bytes = read(disk, &file);
        for (position, size, ..) in batches(disk, &file) {
            all.push(bytes[position..position + size].to_vec());
        }
    }
    all
}

fn everything(disk: &MemoryDisk) -> Vec<(String, Vec<u8>)> {
    let entries = disk.list(&folder()).unwrap().into_iter();
    entries.map(|e| (e.name.clone(), read(disk, &folder().join(e.name)))).collect()
}

fn meanings(report: &PartitionReport) -> Vec<Meaning> {
    report.findings.iter().map(|finding| finding.meaning).collect()
}

fn range(finding: &Finding) -> (i64, Option<i64>) {
    let offsets = finding.offsets.unwrap();
    (offsets.first.0, offsets.end.map(|end| end.0))
}

/// Repairs, and sees that doing it again changes nothing, and that the log opens.
fn repair(disk: &MemoryDisk, around: &Surroundings) -> PartitionReport {
    let plan = plan_repair(disk, &folder(), around, &mut |_| {}).unwrap();
    assert!(!plan.steps().is_empty());
    let after = plan.execute(disk, &mut |_| {}).unwrap();
    let before = everything(disk);
    let again = plan_repair(disk, &folder(), around, &mut |_| {}).unwrap();
    assert_eq!(again.steps(), [], "a second repair has nothing to do");
    again.execute(disk, &mut |_| {}).unwrap();
    assert!(everything(disk) == before, "it changes nothing");
    let known = Checkpointed { recovery_point: after.end, ..OpenKind::UNKNOWN.checkpointed() };
    let copy = disk.crash(|_| Fate::Kept);
    let mut log = open_on(&copy, small(), OpenKind::AfterCrash(known)).unwrap();
    assert_eq!(log.log_end(), after.end);
    append(&mut log, &records(1, 10)).unwrap();
    after
}

#[test]
fn a_sound_log_has_nothing() {
    let (disk, around) = filled();
    let report = check(&disk, &around);
    assert_eq!(report.findings, []);
    assert_eq!((report.first, report.end), (Offset(0), EndOffset(14 * 7)));
    assert_eq!(report.records, Some(14 * 7));
    assert_eq!(report.batches, 14 * 4);
    assert_eq!(report.partition, Some(("orders".to_owned(), PartitionIndex(3))));
    assert_eq!(report.topic_id, Some(Uuid([7; 16])));
    let plan = plan_repair(&disk, &folder(), &around, &mut |_| {}).unwrap();
    assert_eq!(plan.steps(), []);
    // Nobody knows how it was stopped: no harm either.
    assert_eq!(check(&disk, &Surroundings::default()).findings, []);
}

#[test]
fn a_log_that_is_being_written_has_nothing() {
    let (disk, mut log) = new_log(small());
    for n in 0..9 {
        append(&mut log, &from_producer(1, 0, n * 2, 2)).unwrap();
        append(&mut log, &records(3, 60)).unwrap();
        log.begin_epoch(LeaderEpoch(0));
        assert_eq!(check(&disk, &Surroundings::default()).findings, [], "{n}");
    }
}

#[test]
fn a_flipped_bit_in_the_middle_costs_its_batch_alone() {
    let (disk, around) = filled();
    let whole = contents(&disk);
    for segment in [0, 1] {
        let (disk, around) = (disk.crash(|_| Fate::Kept), around);
        let file = files(&disk, ".log")[segment].clone();
        let (position, size, base, last) = batches(&disk, &file)[1];
        let lost = read(&disk, &file)[position..position + size].to_vec();
        change(&disk, &file, |bytes| bytes[position + 70] ^= 1);
        let damaged = read(&disk, &file)[position..position + size].to_vec();
        let report = check(&disk, &around);
        assert_eq!(meanings(&report), [Meaning::Damaged], "{:?}", report.findings);
        let finding = &report.findings[0];
        assert_eq!((&finding.file, finding.position), (&file, Some(position as u64)));
        assert_eq!(range(finding), (base, Some(last + 1)));
        assert_eq!(finding.problem, "its checksum is wrong");
        let after = repair(&disk, &around);
        assert_eq!(meanings(&after), [Meaning::KeptAside]);
        assert_eq!(after.gaps, 1);
        let kept = format!("{}.damaged-{position}", file.display());
        assert_eq!(read(&disk, kept.as_ref()), damaged);
        let expected: Vec<_> = whole.iter().filter(|one| **one != lost).cloned().collect();
        assert!(contents(&disk) == expected, "every other batch is there");
    }
}

#[test]
fn a_header_that_lies_is_told_from_its_neighbours() {
    let (disk, around) = filled();
    let whole = contents(&disk);
    // Base offset, length, epoch, format: the checksum covers none of them.
    for (at, bit) in [(7, 1), (7, 0x40), (5, 1), (11, 4), (9, 1), (15, 2), (12, 1), (16, 1)] {
        for number in [0, 1, 2] {
            let disk = disk.crash(|_| Fate::Kept);
            let file = files(&disk, ".log")[1].clone();
            let all = batches(&disk, &file);
            let number = if number == 2 { all.len() - 1 } else { number };
            let (position, _, base, last) = all[number];
            change(&disk, &file, |bytes| bytes[position + at] ^= bit);
            let report = check(&disk, &around);
            let place = format!("byte {at}, batch {number}: {:?}", report.findings);
            assert_eq!(meanings(&report), [Meaning::WrongHeader], "{place}");
            let finding = &report.findings[0];
            assert_eq!(finding.position, Some(position as u64), "{place}");
            assert_eq!(range(finding), (base, Some(last + 1)), "{place}");
            repair(&disk, &around);
            assert!(contents(&disk) == whole, "{place}: nothing is lost");
        }
    }
}

#[test]
fn zeros_over_several_batches_cost_those() {
    let (disk, around) = filled();
    let file = files(&disk, ".log")[1].clone();
    let all = batches(&disk, &file);
    let (from, to) = (all[1].0 + 20, all[3].0 + 30);
    change(&disk, &file, |bytes| bytes[from..to].fill(0));
    let report = check(&disk, &around);
    let places: Vec<_> = report.findings.iter().map(|one| (one.position, range(one))).collect();
    let (first, behind) = (all[1], all[4]);
    assert_eq!(meanings(&report)[0], Meaning::Damaged);
    assert_eq!(places[0].0, Some(first.0 as u64), "{places:?}");
    assert_eq!(places[0].1.0, first.2);
    let end: u64 = report.findings.iter().map(|one| one.bytes.unwrap()).sum();
    assert_eq!(end, (behind.0 - first.0) as u64, "up to the next whole batch: {places:?}");
    assert_eq!(places.last().unwrap().1.1, Some(behind.2), "{places:?}");
    let after = repair(&disk, &around);
    assert_eq!(after.severity(), Some(Severity::Note), "{:?}", after.findings);
    assert_eq!(after.batches, 14 * 4 - 3);
}

#[test]
fn a_torn_tail_is_harmless_beyond_the_recovery_point_and_damage_below() {
    let (disk, around) = filled();
    let file = files(&disk, ".log").pop().unwrap();
    let (position, size, base, last) = *batches(&disk, &file).last().unwrap();
    for cut in [1, size / 2, size - 1] {
        let disk = disk.crash(|_| Fate::Kept);
        change(&disk, &file, |bytes| bytes.truncate(position + size - cut));
        let unclean =
            Surroundings { clean_stop: false, recovery_point: Some(EndOffset(base)), ..around };
        let report = check(&disk, &unclean);
        assert_eq!(meanings(&report)[0], Meaning::TornTail, "{:?}", report.findings);
        assert_eq!(report.findings[0].position, Some(position as u64));
        assert_eq!(range(&report.findings[0]), (base, None));
        assert_eq!(report.severity(), Some(Severity::Minor));
        let report = check(&disk, &around);
        assert_eq!(meanings(&report)[0], Meaning::Damaged, "{:?}", report.findings);
        assert_eq!(range(&report.findings[0]), (base, Some(last + 1)));
        repair(&disk, &unclean);
    }
    // Cut between two batches nothing is broken, but something is missing.
    change(&disk, &file, |bytes| bytes.truncate(position));
    let report = check(&disk, &around);
    assert!(meanings(&report).contains(&Meaning::Missing), "{:?}", report.findings);
    let missing = report.findings.iter().find(|one| one.meaning == Meaning::Missing).unwrap();
    assert_eq!((missing.position, range(missing)), (Some(position as u64), (base, Some(last + 1))));
}

#[test]
fn indexes_snapshots_and_epochs_that_do_not_fit_are_made_anew() {
    let (disk, around) = filled();
    let sound = everything(&disk);
    let kinds = [".index", ".timeindex", ".txnindex", ".snapshot", "leader-epoch-checkpoint"];
    for kind in kinds {
        for number in [0, 1, 2] {
            let disk = disk.crash(|_| Fate::Kept);
            let candidates = files(&disk, kind);
            let Some(file) = candidates.get(number).cloned() else { continue };
            for how in 0..4 {
                let disk = disk.crash(|_| Fate::Kept);
                let length = read(&disk, &file).len();
                if length == 0 {
                    continue;
                }
                match how {
                    0 => change(&disk, &file, |bytes| bytes[length - 5] ^= 0x10),
                    1 => change(&disk, &file, |bytes| bytes.truncate(length - 3)),
                    2 => change(&disk, &file, |bytes| bytes.extend([9, 9, 9])),
                    // A snapshot need not be there, nor epochs that one start tells.
                    _ if kind == ".snapshot" => continue,
                    _ => disk.run(&DiskTask::Unlink(file.clone())).unwrap(),
                }
                let report = check(&disk, &around);
                let place = format!("{}, {how}: {:?}", file.display(), report.findings);
                assert_eq!(meanings(&report), [Meaning::Rebuildable], "{place}");
                assert_eq!(report.findings[0].file, file, "{place}");
                let after = repair(&disk, &around);
                assert_eq!(after.findings, [], "{place}");
                let now: Vec<_> = everything(&disk).into_iter().map(|(name, _)| name).collect();
                let then: Vec<_> = sound.iter().map(|(name, _)| name.clone()).collect();
                assert_eq!(now, then, "{place}");
            }
        }
    }
}

#[test]
fn leftovers_are_named_and_removed() {
    let (disk, around) = filled();
    let log = files(&disk, ".log")[1].clone();
    let name = |suffix: &str| PathBuf::from(format!("{}{suffix}", log.display()));
    write(&disk, &name(".deleted"), b"x");
    write(&disk, &name(".cleaned"), b"x");
    write(&disk, &folder().join("partition.metadata.tmp"), b"x");
    write(&disk, &folder().join("00000000000000004711.index"), b"");
    write(&disk, &name(".damaged-17"), b"xy");
    let report = check(&disk, &around);
    let mut found = meanings(&report);
    found.sort();
    let left = Meaning::Leftover;
    assert_eq!(found, [Meaning::KeptAside, left, left, left, left], "{:?}", report.findings);
    let kept = report.findings.iter().find(|one| one.meaning == Meaning::KeptAside).unwrap();
    assert_eq!((kept.position, kept.bytes), (Some(17), Some(2)));
    let after = repair(&disk, &around);
    assert_eq!(meanings(&after), [Meaning::KeptAside]);
}

#[test]
fn a_swap_that_was_begun_is_finished() {
    let (disk, around) = filled();
    let whole = contents(&disk);
    let log = files(&disk, ".log")[1].clone();
    let swap = PathBuf::from(format!("{}.swap", log.display()));
    write(&disk, &swap, &read(&disk, &log));
    change(&disk, &log, |bytes| bytes[90] ^= 1);
    assert_eq!(check(&disk, &around).severity(), Some(Severity::Damage));
    let after = repair(&disk, &around);
    assert_eq!(after.findings, []);
    assert!(contents(&disk) == whole);
}

#[test]
fn a_folder_that_does_not_say_whose_it_is() {
    let (disk, around) = filled();
    write(&disk, &folder().join("partition.metadata"), b"version: 7\n");
    let report = check(&disk, &around);
    assert_eq!(meanings(&report), [Meaning::Damaged]);
    let plan = plan_repair(&disk, &folder(), &around, &mut |_| {}).unwrap();
    assert_eq!((plan.steps().len(), plan.left().len()), (0, 1), "nobody here knows it");
}

#[test]
fn records_that_lie_under_a_right_checksum_are_found_and_kept() {
    let (disk, around) = filled();
    let file = files(&disk, ".log")[0].clone();
    let (position, size, base, last) = batches(&disk, &file)[1];
    change(&disk, &file, |bytes| {
        bytes[position + 61] = 0x7e;
        let checked = &bytes[position + 21..position + size];
        let crc = crc_fast::checksum(crc_fast::CrcAlgorithm::Crc32Iscsi, checked) as u32;
        bytes[position + 17..position + 21].copy_from_slice(&crc.to_be_bytes());
    });
    let report = check(&disk, &around);
    assert_eq!(meanings(&report), [Meaning::Unreadable], "{:?}", report.findings);
    assert_eq!(range(&report.findings[0]), (base, Some(last + 1)));
    let plan = plan_repair(&disk, &folder(), &around, &mut |_| {}).unwrap();
    assert_eq!(plan.steps(), [], "they are what was appended");
}

#[test]
fn one_segment_alone() {
    let (disk, _) = filled();
    let file = files(&disk, ".log")[1].clone();
    let deep = CheckOptions { deep: true };
    let report = check_segment(&disk, &file, deep, &mut |_| {}).unwrap();
    assert_eq!(report.findings, []);
    assert_eq!(report.segments, 1);
    assert!(check_segment(&disk, &folder().join("x.log"), deep, &mut |_| {}).is_err());
}

#[test]
fn a_repair_that_loses_power_anywhere_is_done_again() {
    let (disk, around) = filled();
    let file = files(&disk, ".log")[1].clone();
    let all = batches(&disk, &file);
    change(&disk, &file, |bytes| bytes[all[2].0 + 80] ^= 1);
    change(&disk, &file, |bytes| bytes[all[4].0 + 7] ^= 1);
    change(&disk, &files(&disk, ".timeindex")[0], |bytes| bytes[3] ^= 1);
    let disk = disk.crash(|_| Fate::Kept);
    let clean = disk.crash(|_| Fate::Kept);
    let plan = |disk: &MemoryDisk| plan_repair(disk, &folder(), &around, &mut |_| {}).unwrap();
    plan(&clean).execute(&clean, &mut |_| {}).unwrap();
    let expected = everything(&clean);
    for stop in 1.. {
        let broken = disk.crash(|_| Fate::Kept);
        let from = broken.operations() + stop;
        broken.plan_failures(|plan| plan.all_from = Some(from));
        let failed = plan_repair(&broken, &folder(), &around, &mut |_| {})
            .and_then(|plan| plan.execute(&broken, &mut |_| {}))
            .is_err();
        for fate in [Fate::Lost, Fate::Kept] {
            let after = broken.crash(|_| fate);
            plan(&after).execute(&after, &mut |_| {}).unwrap();
            let names = |files: &[(String, Vec<u8>)]| -> Vec<_> {
                files.iter().map(|(name, bytes)| (name.clone(), bytes.len())).collect()
            };
            assert_eq!(names(&everything(&after)), names(&expected), "stopped at {stop}");
            assert!(everything(&after) == expected, "stopped at {stop}");
        }
        if !failed {
            assert!(stop > 10);
            break;
        }
    }
}

fn open_folder(disk: &MemoryDisk) -> LogFolder {
    let options = FolderOptions::new(BrokerId(1), None, Uuid([9; 16]));
    LogFolder::open(Arc::new(disk.clone()), Path::new("/data"), options).unwrap()
}

#[test]
fn a_journal_does_not_hold_a_mended_log_to_what_it_lost() {
    let disk = memory_disk();
    let config = Arc::new(small());
    let of = |partition| LogIdentity { partition: PartitionIndex(partition), ..identity() };
    let before = open_folder(&disk);
    let mut logs: Vec<Log> = [3, 4, 5]
        .map(|partition| before.open_log(of(partition), Arc::clone(&config), T0).unwrap())
        .into();
    for _ in 0..3 {
        for log in &mut logs {
            append(log, &records(2, 40)).unwrap();
        }
        let plans: Vec<_> = logs.iter_mut().map(|log| log.begin_sync().unwrap()).collect();
        disk.run(&before.commit_task(&plans)).unwrap();
        for (log, plan) in logs.iter_mut().zip(plans) {
            log.complete_sync(plan, Ok(())).unwrap();
        }
    }
    // The power goes twice: after the first time the journal has given back what it held.
    let disk = disk.crash(|_| Fate::Lost);
    drop(open_folder(&disk));
    let disk = disk.crash(|_| Fate::Lost);
    let file = files(&disk, ".log")[0].clone();
    let (position, ..) = *batches(&disk, &file).last().unwrap();
    change(&disk, &file, |bytes| bytes[position + 80] ^= 1);
    let disk = disk.crash(|_| Fate::Kept);
    {
        let opened = open_folder(&disk);
        let around = Surroundings::default();
        let plan = plan_repair(&disk, &folder(), &around, &mut |_| {}).unwrap();
        let mended = plan.execute(&disk, &mut |_| {}).unwrap();
        assert_eq!(mended.end, EndOffset(4));
        opened.forget_end(&identity()).unwrap();
        let point = PartitionCheckpoint { recovery_point: mended.end, ..Default::default() };
        opened.write_checkpoints(&[(identity(), point)]).unwrap();
    }
    // A write that was never finished, where the lost batch was.
    change(&disk, &file, |bytes| bytes.extend([7; 50]));
    let disk = disk.crash(|_| Fate::Kept);
    let opened = open_folder(&disk);
    let log = opened.open_log(identity(), config, T0).unwrap();
    assert_eq!(log.log_end(), EndOffset(4), "it is cut, and no damage");
}

#[derive(Clone, Debug)]
enum Damage {
    Flip { at: usize, bit: u8 },
    Cut { at: usize },
    Extend { bytes: Vec<u8> },
    Zero { at: usize, length: usize },
    Copy { from: usize, to: usize, length: usize },
    Remove,
}

fn damage() -> impl Strategy<Value = Damage> {
    let place = any::<usize>;
    prop_oneof![
        4 => (place(), 0..8u8).prop_map(|(at, bit)| Damage::Flip { at, bit }),
        1 => place().prop_map(|at| Damage::Cut { at }),
        1 => prop::collection::vec(any::<u8>(), 1..100).prop_map(|bytes| Damage::Extend { bytes }),
        1 => (place(), 1..300usize).prop_map(|(at, length)| Damage::Zero { at, length }),
        1 => (place(), place(), 1..300usize)
            .prop_map(|(from, to, length)| Damage::Copy { from, to, length }),
        1 => Just(Damage::Remove),
    ]
}

fn apply(bytes: &mut Vec<u8>, damage: &Damage) {
    let size = bytes.len();
    let place = |at: usize| at % size.max(1);
    match damage {
        Damage::Extend { bytes: more } => bytes.extend(more),
        _ if size == 0 => {}
        Damage::Flip { at, bit } => bytes[place(*at)] ^= 1 << bit,
        Damage::Cut { at } => bytes.truncate(place(*at)),
        Damage::Zero { at, length } => {
            let at = place(*at);
            bytes[at..(at + length).min(size)].fill(0);
        }
        Damage::Copy { from, to, length } => {
            let (from, to) = (place(*from), place(*to));
            let length = (*length).min(size - from).min(size - to);
            bytes.copy_within(from..from + length, to);
        }
        Damage::Remove => {}
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 150, failure_persistence: None, ..Default::default() })]

    /// Whatever was done to the files: a repair ends, a second one has nothing to do, the log opens,
    /// and every batch whose bytes were not touched is still there.
    #[test]
    fn a_repair_keeps_every_whole_batch(
        damages in prop::collection::vec((any::<usize>(), damage()), 1..4),
        clean in any::<bool>(),
    ) {
        let (disk, around) = filled();
        let around = if clean { around } else { Surroundings::default() };
        let mut untouched = Vec::new();
        let before: Vec<_> = files(&disk, ".log").into_iter().map(|file| {
            let bytes = read(&disk, &file);
            (batches(&disk, &file), file, bytes)
        }).collect();
        for (number, damage) in &damages {
            let entries = disk.list(&folder()).unwrap();
            let path = folder().join(&entries[number % entries.len()].name);
            match damage {
                Damage::Remove => disk.run(&DiskTask::Unlink(path)).unwrap(),
                damage => change(&disk, &path, |bytes| apply(bytes, damage)),
            }
        }
        for (all, file, bytes) in before {
            let now = read_whole(&disk, &file, 1 << 20).unwrap().unwrap_or_default();
            untouched.extend(all.into_iter().filter_map(|(position, size, ..)| {
                let range = position..position + size;
                (now.get(range.clone()) == bytes.get(range.clone())).then(|| bytes[range].to_vec())
            }));
        }
        let plan = plan_repair(&disk, &folder(), &around, &mut |_| {}).unwrap();
        let after = plan.execute(&disk, &mut |_| {}).unwrap();
        let again = plan_repair(&disk, &folder(), &around, &mut |_| {}).unwrap();
        prop_assert_eq!(again.steps(), &[][..]);
        let left = contents(&disk);
        for batch in untouched {
            prop_assert!(left.contains(&batch), "a whole batch is gone");
        }
        // Where the folder does not say any more whose it is nobody opens it.
        if after.topic_id == Some(identity().topic_id) {
            let known = Checkpointed {
                recovery_point: after.end,
                log_start: after.first,
                ..OpenKind::UNKNOWN.checkpointed()
            };
            let log = open_on(&disk, small(), OpenKind::AfterCrash(known)).unwrap();
            prop_assert_eq!(log.log_end(), after.end);
        }
    }
}
