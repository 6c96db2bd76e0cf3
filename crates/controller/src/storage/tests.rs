//! The folder after crashes and damage.

use super::hard_state::HardStateFile;
use super::*;
use crate::core::{EntryKind, HardState, LogEntry};
use headwater_log::{DiskOptions, RealDisk};
use headwater_metadata::image::{ImageBuilder, Position};
use headwater_metadata::record::{Kind, MetadataRecord, TopicRecord};
use headwater_types::{EndOffset, LeaderEpoch};

fn disk() -> Arc<dyn Disk> {
    Arc::new(RealDisk::start(DiskOptions::default()).unwrap())
}

fn state(term: u64) -> HardState {
    HardState { term, vote: 1, commit: term * 10 }
}

#[test]
fn a_torn_slot_leaves_the_one_before() {
    let folder = tempfile::tempdir().unwrap();
    let disk = disk();
    let open = || HardStateFile::open(&*disk, folder.path());
    let (mut file, found) = open().unwrap();
    assert_eq!(found, None);
    for term in 1..=3 {
        file.write(state(term)).unwrap();
        assert_eq!(open().unwrap().1, Some(state(term)));
    }
    let path = hard_state::path(folder.path());
    let whole = std::fs::read(&path).unwrap();
    // Whatever part of the newest slot is torn, the one before is there.
    let newest = 4096;
    for place in newest..newest + 44 {
        let mut torn = whole.clone();
        torn[place] ^= 0xff;
        std::fs::write(&path, &torn).unwrap();
        assert_eq!(open().unwrap().1, Some(state(2)), "byte {place}");
    }
    std::fs::write(&path, &whole[..newest + 7]).unwrap();
    let (mut file, found) = open().unwrap();
    assert_eq!(found, Some(state(2)));
    file.write(state(9)).unwrap();
    assert_eq!(open().unwrap().1, Some(state(9)), "the torn slot is the one written anew");
    std::fs::write(&path, vec![0x55; 8192]).unwrap();
    let error = open().unwrap_err();
    assert!(matches!(error, StorageError::HardStateDamaged { .. }));
    assert!(error.to_string().contains("raft-state is damaged"), "{error}");
}

/// An image with some topics, at an index.
fn image(topics: u8, index: u64) -> Image {
    let mut builder = ImageBuilder::new(&Image::default());
    for topic in 0..topics {
        let id = headwater_types::Uuid([topic + 1; 16]);
        let record = TopicRecord { topic_id: Some(id.into()), name: format!("topic-{topic}") };
        builder.apply(&MetadataRecord::from(Kind::Topic(record))).unwrap();
    }
    builder.finish(Position { end: EndOffset(index as i64), epoch: LeaderEpoch(1) })
}

fn mark(index: u64) -> SnapshotMark {
    SnapshotMark { index, term: 1, voters: vec![1], learners: vec![7] }
}

#[test]
fn a_snapshot_is_read_as_it_was_or_not_at_all() {
    let folder = tempfile::tempdir().unwrap();
    let disk = disk();
    let image = image(9, 40);
    let file = snapshot::write(&*disk, folder.path(), &mark(40), &image).unwrap();
    assert_eq!(file.path.file_name().unwrap(), "00000000000000000040-0000000001.checkpoint");
    let files = snapshot::list(&*disk, folder.path()).unwrap();
    assert_eq!(files, std::slice::from_ref(&file));
    assert_eq!(snapshot::read(&*disk, &file).unwrap(), (mark(40), image));
    let whole = std::fs::read(&file.path).unwrap();
    for place in 0..whole.len() {
        let mut bad = whole.clone();
        bad[place] ^= 0x04;
        std::fs::write(&file.path, bad).unwrap();
        let error = snapshot::read(&*disk, &file).unwrap_err();
        assert!(matches!(error, StorageError::SnapshotDamaged { .. }), "byte {place}: {error}");
    }
    for length in 0..whole.len() {
        std::fs::write(&file.path, &whole[..length]).unwrap();
        assert!(snapshot::read(&*disk, &file).is_err(), "{length} bytes");
    }
    let unfinished = folder.path().join("00000000000000000050-0000000001.checkpoint.tmp");
    std::fs::write(&unfinished, b"half").unwrap();
    assert_eq!(snapshot::list(&*disk, folder.path()).unwrap().len(), 1);
    assert!(!unfinished.exists());
}

fn write_snapshot(storage: &mut Storage, index: u64, topics: u8) {
    let image = Arc::new(image(topics, index));
    let job = storage.prepare_snapshot(mark(index), image, 0).unwrap();
    storage.adopt_snapshot(job.run().unwrap());
}

fn entry(index: u64, term: u64) -> LogEntry {
    LogEntry { index, term, kind: EntryKind::Metadata, data: vec![index as u8; 1000].into() }
}

fn indexes(opened: &Opened) -> Vec<u64> {
    opened.restored.entries.iter().map(|entry| entry.index).collect()
}

#[test]
fn entries_and_state_are_found_again_also_after_a_crash() {
    let folder = tempfile::tempdir().unwrap();
    let disk = disk();
    let open = || Storage::open(Arc::clone(&disk), folder.path(), 0).unwrap();
    let mut opened = open();
    assert!(opened.restored.entries.is_empty());
    let write = Write {
        install: None,
        hard_state: Some(state(1)),
        entries: (1..=5).map(|index| entry(index, 1)).collect(),
    };
    opened.storage.persist(&write, 0).unwrap();
    // Another leader's entries replace the tail.
    let write = Write {
        install: None,
        hard_state: Some(state(3)),
        entries: vec![entry(4, 2), entry(5, 3), entry(6, 3)],
    };
    opened.storage.persist(&write, 0).unwrap();
    drop(opened);
    let opened = open();
    assert_eq!(opened.restored.hard_state, state(3));
    let expected: Vec<_> =
        [(1, 1), (2, 1), (3, 1), (4, 2), (5, 3), (6, 3)].map(|(i, t)| entry(i, t)).into();
    assert_eq!(opened.restored.entries, expected);
}

#[test]
fn a_damaged_snapshot_is_replaced_by_the_one_before_and_a_longer_log() {
    let folder = tempfile::tempdir().unwrap();
    let disk = disk();
    let open = || Storage::open(Arc::clone(&disk), folder.path(), 0);
    let mut storage = open().unwrap().storage;
    let append = |storage: &mut Storage, range: std::ops::RangeInclusive<u64>| {
        let entries = range.map(|index| entry(index, 1)).collect();
        let write = Write { install: None, hard_state: Some(state(1)), entries };
        storage.persist(&write, 0).unwrap();
    };
    append(&mut storage, 1..=10);
    write_snapshot(&mut storage, 10, 3);
    storage.delete_to(0, 0).unwrap();
    append(&mut storage, 11..=20);
    write_snapshot(&mut storage, 20, 5);
    storage.delete_to(10, 0).unwrap();
    append(&mut storage, 21..=22);
    drop(storage);

    let opened = open().unwrap();
    assert_eq!(opened.restored.snapshot, mark(20));
    assert_eq!(opened.restored.image, image(5, 20));
    assert_eq!(indexes(&opened), [21, 22]);
    let newest = opened.storage.snapshots.last().unwrap().path.clone();
    let oldest = opened.storage.snapshots.first().unwrap().path.clone();
    drop(opened);
    let flip = |path: &Path| {
        let mut bytes = std::fs::read(path).unwrap();
        let place = bytes.len() / 2;
        bytes[place] ^= 1;
        std::fs::write(path, bytes).unwrap();
    };
    flip(&newest);
    let opened = open().unwrap();
    assert_eq!(opened.restored.image, image(3, 10));
    assert_eq!(indexes(&opened), (11..=22).collect::<Vec<_>>());
    assert_eq!(opened.damaged_snapshots.len(), 1);
    drop(opened);
    flip(&oldest);
    let Err(error) = open() else { panic!("opened") };
    let error = error.to_string();
    assert!(error.contains("begins with entry 11"), "{error}");
    assert!(error.contains("a checksum is wrong"), "{error}");
}

#[test]
fn a_lost_state_file_is_no_fresh_start() {
    let folder = tempfile::tempdir().unwrap();
    let disk = disk();
    let open = || Storage::open(Arc::clone(&disk), folder.path(), 0);
    let mut storage = open().unwrap().storage;
    let write = Write { install: None, hard_state: Some(state(1)), entries: vec![entry(1, 1)] };
    storage.persist(&write, 0).unwrap();
    let path = hard_state::path(storage.folder());
    drop(storage);
    std::fs::remove_file(path).unwrap();
    assert!(matches!(open(), Err(StorageError::HardStateMissing { .. })));
}

#[test]
fn the_log_restarts_behind_an_installed_snapshot() {
    let folder = tempfile::tempdir().unwrap();
    let disk = disk();
    let open = || Storage::open(Arc::clone(&disk), folder.path(), 0).unwrap();
    let mut storage = open().storage;
    write_snapshot(&mut storage, 40, 2);
    let write = Write {
        install: Some(mark(40)),
        hard_state: Some(state(2)),
        entries: vec![entry(41, 2), entry(42, 2)],
    };
    storage.persist(&write, 0).unwrap();
    drop(storage);
    let opened = open();
    assert_eq!(opened.restored.snapshot, mark(40));
    assert_eq!(indexes(&opened), [41, 42]);
}

#[test]
fn a_folder_of_kafka_is_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let metadata = folder.path().join("__cluster_metadata-0");
    std::fs::create_dir(&metadata).unwrap();
    let state = r#"{"leaderId":1,"leaderEpoch":1,"votedId":-1,"data_version":1}"#;
    std::fs::write(metadata.join("quorum-state"), state).unwrap();
    std::fs::write(metadata.join("00000000000000000000.log"), b"theirs").unwrap();
    let Err(error) = Storage::open(disk(), folder.path(), 0) else { panic!("opened") };
    assert!(error.to_string().contains("Apache Kafka"), "{error}");
    assert_eq!(std::fs::read_dir(&metadata).unwrap().count(), 2);
    assert_eq!(std::fs::read(metadata.join("00000000000000000000.log")).unwrap(), b"theirs");
}
