//! Folders that Apache Kafka 4.3.1 wrote.

use crate::common::*;
use headwater_log::*;
use headwater_types::*;
use std::path::{Path, PathBuf};
use std::sync::Arc;

const FIXTURE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/kafka-4.3.1");

/// A copy of the fixture that a test may write to.
fn copy() -> (tempfile::TempDir, Arc<dyn Disk>) {
    let target = tempfile::tempdir().unwrap();
    copy_folder(Path::new(FIXTURE), target.path());
    (target, Arc::new(RealDisk::start(DiskOptions::default()).unwrap()))
}

fn copy_folder(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy_folder(&entry.path(), &target);
        } else {
            std::fs::copy(entry.path(), target).unwrap();
        }
    }
}

fn options() -> FolderOptions {
    FolderOptions::new(BrokerId(1), None, Uuid([1; 16]))
}

fn identity_of(found: &FoundPartition) -> LogIdentity {
    LogIdentity {
        topic: found.topic.clone(),
        topic_id: found.topic_id.unwrap(),
        partition: found.partition,
    }
}

/// As the topics were configured.
fn config(topic: &str) -> Arc<LogConfig> {
    Arc::new(LogConfig {
        index_interval_bytes: if topic == "plain" { 200 } else { 100 },
        segment_ms: 3_600_000,
        retention_ms: None,
        producer_id_expiration_ms: u64::MAX,
        ..LogConfig::default()
    })
}

fn files(folder: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let mut files: Vec<_> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .map(|path| (path.strip_prefix(folder).unwrap().to_owned(), std::fs::read(path).unwrap()))
        .collect();
    files.sort();
    files
}

#[test]
fn a_cleanly_stopped_folder_opens_and_reads() {
    let (target, disk) = copy();
    let folder = LogFolder::open(disk, target.path(), options()).unwrap();
    assert_eq!(folder.clean_stop(), Some(CleanStop { broker_epoch: 11 }));
    assert!(!target.path().join(".kafka_cleanshutdown").exists(), "the proof is used up");
    assert_eq!(folder.cluster_id().as_deref(), Some("kafka-cluster-0"));
    let found = folder.found().to_vec();
    assert_eq!(found.len(), 2);
    for found in &found {
        let identity = identity_of(found);
        let log = folder.open_log(identity, config(&found.topic), T0).unwrap();
        let expected = folder.checkpoint(&found.topic, found.partition);
        assert_eq!(log.log_end(), expected.recovery_point);
        let mut all: Vec<_> = files(&found.folder);
        all.retain(|(name, _)| name.extension().is_some_and(|extension| extension == "log"));
        let bytes: Vec<u8> = all.into_iter().flat_map(|(_, bytes)| bytes).collect();
        assert_eq!(read_all(&log, Offset(0)), bytes);
        assert_eq!(log.latest_epoch(), Some(LeaderEpoch(0)));
    }
    let plain = folder.open_log(identity_of(&found[0]), config("plain"), T0).unwrap();
    assert_eq!(plain.active_producers().len(), 6);
    let txn = folder.open_log(identity_of(&found[1]), config("txn"), T0).unwrap();
    assert_eq!(txn.last_stable(txn.log_end()), EndOffset(24), "one transaction is open");
    let aborted = txn.aborted_transactions(Offset(0)..Offset(27)).unwrap();
    assert_eq!(aborted.len(), 5);
}

/// What we write for the same batches is what Kafka wrote, byte for byte.
#[test]
fn the_same_appends_give_the_same_files() {
    for name in ["plain-0", "txn-0"] {
        let source = Path::new(FIXTURE).join(name);
        let theirs = files(&source);
        let topic = name.strip_suffix("-0").unwrap();
        let metadata = std::fs::read_to_string(source.join("partition.metadata")).unwrap();
        let topic_id = metadata.rsplit_once(' ').unwrap().1.parse().unwrap();
        let target = tempfile::tempdir().unwrap();
        let folder = target.path().join(name);
        let disk: Arc<dyn Disk> = Arc::new(RealDisk::start(DiskOptions::default()).unwrap());
        let identity = LogIdentity { topic: topic.into(), topic_id, partition: PartitionIndex(0) };
        let mut log =
            Log::open(disk, &folder, identity, config(topic), T0, OpenKind::UNKNOWN).unwrap();
        let logs = theirs.iter().filter(|(name, _)| name.extension().unwrap_or_default() == "log");
        for (_, bytes) in logs {
            let mut rest = bytes::Bytes::from(bytes.clone());
            while !rest.is_empty() {
                let length = i32::from_be_bytes(rest[8..12].try_into().unwrap());
                let batch = rest.split_to(length as usize + 12);
                log.append_as_follower(vec![valid(batch)], T0).unwrap();
            }
        }
        log.close_clean().unwrap();
        let ours = files(&folder);
        let names = |files: &[(PathBuf, Vec<u8>)]| {
            files.iter().map(|(name, _)| name.clone()).collect::<Vec<_>>()
        };
        assert_eq!(names(&ours), names(&theirs));
        for ((name, ours), (_, theirs)) in ours.iter().zip(&theirs) {
            assert_eq!(ours, theirs, "{}", name.display());
        }
    }
}

/// After losing everything but the log files, everything else comes out the same.
#[test]
fn recovery_makes_the_same_indexes_and_snapshots() {
    let (target, disk) = copy();
    for name in ["plain-0", "txn-0"] {
        let theirs = files(&Path::new(FIXTURE).join(name));
        let folder = target.path().join(name);
        for (file, _) in &theirs {
            if file
                .extension()
                .is_none_or(|extension| extension != "log" && extension != "metadata")
            {
                std::fs::remove_file(folder.join(file)).unwrap();
            }
        }
        let topic = name.strip_suffix("-0").unwrap();
        let metadata = std::fs::read_to_string(folder.join("partition.metadata")).unwrap();
        let topic_id = metadata.rsplit_once(' ').unwrap().1.parse().unwrap();
        let identity = LogIdentity { topic: topic.into(), topic_id, partition: PartitionIndex(0) };
        let disk = Arc::clone(&disk);
        let mut log =
            Log::open(disk, &folder, identity, config(topic), T0, OpenKind::UNKNOWN).unwrap();
        log.close_clean().unwrap();
        for ((name, ours), (_, theirs)) in files(&folder).iter().zip(&theirs) {
            assert_eq!(ours, theirs, "{}", name.display());
        }
    }
}
