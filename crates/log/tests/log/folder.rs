//! Log folders: whose they are, what they remember, how they are left.

use crate::common::*;
use headwater_log::*;
use headwater_types::*;
use std::path::Path;
use std::sync::Arc;

fn options() -> FolderOptions {
    FolderOptions::new(BrokerId(1), None, Uuid([9; 16]))
}

fn open(disk: &MemoryDisk, options: FolderOptions) -> Result<LogFolder, FolderError> {
    LogFolder::open(Arc::new(disk.clone()), Path::new("/data"), options)
}

fn checkpoint(log: &Log) -> (LogIdentity, PartitionCheckpoint) {
    let checkpoint = PartitionCheckpoint {
        recovery_point: log.recovery_point(),
        log_start: log.log_start(),
        high_watermark: log.log_end(),
    };
    (log.identity().clone(), checkpoint)
}

#[test]
fn a_folder_remembers_whose_it_is() {
    let disk = memory_disk();
    let folder = open(&disk, options()).unwrap();
    assert_eq!(folder.directory_id(), Uuid([9; 16]));
    assert_eq!(folder.cluster_id(), None);
    folder.adopt_cluster("c1").unwrap();
    assert!(matches!(folder.adopt_cluster("c2"), Err(FolderError::Foreign { .. })));
    let second = open(&disk, options());
    assert!(matches!(second, Err(FolderError::InUse { .. })));
    assert!(second.unwrap_err().to_string().contains("/data is in use by another broker"));
    drop(folder);
    let disk = disk.crash(|_| Fate::Lost);
    let other_id = FolderOptions { new_directory_id: Uuid([8; 16]), ..options() };
    let folder = open(&disk, other_id).unwrap();
    assert_eq!(folder.directory_id(), Uuid([9; 16]));
    assert_eq!(folder.cluster_id().as_deref(), Some("c1"));
    drop(folder);
    for foreign in [
        FolderOptions { node: BrokerId(2), ..options() },
        FolderOptions { cluster_id: Some("c2".into()), ..options() },
    ] {
        assert!(matches!(open(&disk, foreign), Err(FolderError::Foreign { .. })));
    }
}

#[test]
fn a_folder_of_something_else_is_not_taken() {
    let disk = memory_disk();
    disk.create_folder(Path::new("/data/photos")).unwrap();
    let refused = open(&disk, options()).unwrap_err();
    assert!(refused.to_string().contains("photos"), "{refused}");
    let disk = memory_disk();
    write_whole_durably(&disk, Path::new("/data/meta.properties"), b"version=2\nnode.id=1\n")
        .unwrap();
    assert!(open(&disk, options()).unwrap_err().to_string().contains("newer"));
}

#[test]
fn a_clean_stop_is_believed_once() {
    let disk = memory_disk();
    let folder = open(&disk, options()).unwrap();
    assert_eq!(folder.clean_stop(), None);
    let mut log = folder.open_log(identity(), Arc::new(small()), T0).unwrap();
    for _ in 0..5 {
        append(&mut log, &records(3, 200)).unwrap();
    }
    log.close_clean().unwrap();
    folder.close_clean(&[checkpoint(&log)], 42).unwrap();
    drop(folder);
    let disk = disk.crash(|_| Fate::Lost);
    let folder = open(&disk, options()).unwrap();
    assert_eq!(folder.clean_stop(), Some(CleanStop { broker_epoch: 42 }));
    let found = folder.found();
    assert_eq!(found.len(), 1);
    assert_eq!((found[0].topic.as_str(), found[0].partition), ("orders", PartitionIndex(3)));
    assert_eq!(found[0].topic_id, Some(identity().topic_id));
    assert_eq!(folder.checkpoint("orders", PartitionIndex(3)).recovery_point, EndOffset(15));
    let log = folder.open_log(identity(), Arc::new(small()), T0).unwrap();
    assert_eq!(log.log_end(), EndOffset(15));
    drop(folder);
    let folder = open(&disk.crash(|_| Fate::Lost), options()).unwrap();
    assert_eq!(folder.clean_stop(), None);
}

#[test]
fn a_deleted_log_leaves_nothing_to_the_next_of_its_name() {
    let disk = memory_disk();
    let folder = open(&disk, options()).unwrap();
    let mut log = folder.open_log(identity(), Arc::new(small()), T0).unwrap();
    append(&mut log, &records(3, 200)).unwrap();
    sync(&mut log, &disk);
    folder.write_checkpoints(&[checkpoint(&log)]).unwrap();
    folder.delete_log(&identity(), Uuid([3; 16])).unwrap();
    drop(log);
    let names: Vec<String> =
        disk.list(Path::new("/data")).unwrap().into_iter().map(|entry| entry.name).collect();
    assert!(names.contains(&"orders-3.03030303030303030303030303030303-delete".into()));
    let next = LogIdentity { topic_id: Uuid([8; 16]), ..identity() };
    let mut log = folder.open_log(next.clone(), Arc::new(small()), T0).unwrap();
    assert_eq!(log.log_end(), EndOffset(0));
    append(&mut log, &records(1, 1)).unwrap();
    assert_eq!(folder.checkpoint("orders", PartitionIndex(3)), PartitionCheckpoint::default());
    drop(folder);
    // Whatever of it reached the disk: the old recovery point is not among it.
    for fate in [Fate::Lost, Fate::Kept] {
        let folder = open(&disk.crash(|_| fate), options()).unwrap();
        assert_eq!(folder.checkpoint("orders", PartitionIndex(3)), PartitionCheckpoint::default());
        folder.remove_deleted().unwrap();
        let entries = folder.disk().list(Path::new("/data")).unwrap();
        assert!(entries.iter().all(|entry| !entry.name.ends_with("-delete")));
    }
}

#[test]
fn checkpoints_of_partitions_that_are_gone_are_dropped() {
    let disk = memory_disk();
    let folder = open(&disk, options()).unwrap();
    let ghost = LogIdentity { topic: "ghost".into(), ..identity() };
    let known = PartitionCheckpoint { recovery_point: EndOffset(7), ..Default::default() };
    folder.write_checkpoints(&[(ghost, known)]).unwrap();
    drop(folder);
    let disk = disk.crash(|_| Fate::Lost);
    drop(open(&disk, options()).unwrap());
    let path = Path::new("/data/recovery-point-offset-checkpoint");
    let text = read_whole(&disk.crash(|_| Fate::Lost), path, 1000).unwrap().unwrap();
    assert_eq!(&text[..], b"0\n0\n");
}

#[test]
fn a_new_folder_is_durable_with_all_that_is_new_above_it() {
    let disk = memory_disk();
    let path = Path::new("/data/deep/deeper");
    drop(LogFolder::open(Arc::new(disk.clone()), path, options()).unwrap());
    let disk = disk.crash(|_| Fate::Lost);
    let other_id = FolderOptions { new_directory_id: Uuid([8; 16]), ..options() };
    let folder = LogFolder::open(Arc::new(disk), path, other_id).unwrap();
    assert_eq!(folder.directory_id(), Uuid([9; 16]));
}
