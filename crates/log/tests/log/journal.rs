//! The journal of a folder: many logs, one sync, and nothing lost with the power.

use crate::common::*;
use headwater_log::*;
use headwater_types::*;
use std::path::Path;
use std::sync::Arc;

/// A folder with open logs.
struct World {
    disk: MemoryDisk,
    folder: LogFolder,
    logs: Vec<Log>,
    journal_bytes: u64,
}

fn of(partition: i32) -> LogIdentity {
    LogIdentity { partition: PartitionIndex(partition), ..identity() }
}

fn open_folder(disk: &MemoryDisk, journal_bytes: u64) -> LogFolder {
    let options = FolderOptions::new(BrokerId(1), None, Uuid([9; 16]));
    let options = FolderOptions { journal_bytes, ..options };
    LogFolder::open(Arc::new(disk.clone()), Path::new("/data"), options).unwrap()
}

impl World {
    fn new(logs: i32, journal_bytes: u64) -> Self {
        Self::on(memory_disk(), logs, journal_bytes)
    }

    fn on(disk: MemoryDisk, logs: i32, journal_bytes: u64) -> Self {
        let folder = open_folder(&disk, journal_bytes);
        let config = Arc::new(LogConfig { segment_bytes: 1 << 30, ..small() });
        let open = |partition| folder.open_log(of(partition), Arc::clone(&config), T0).unwrap();
        let logs = (0..logs).map(open).collect();
        Self { disk, folder, logs, journal_bytes }
    }

    /// The world that is found when the power comes back.
    fn after(self, fate: Fate) -> Self {
        let logs = self.logs.len() as i32;
        Self::on(self.disk.crash(|_| fate), logs, self.journal_bytes)
    }

    fn append(&mut self, log: usize, value_bytes: usize) {
        append(&mut self.logs[log], &records(1, value_bytes)).unwrap();
    }

    fn append_to_all(&mut self) {
        (0..self.logs.len()).for_each(|log| self.append(log, 100));
    }

    /// Group commit; returns how many syncs of files it took.
    fn commit(&mut self) -> u64 {
        let plans: Vec<_> =
            self.logs.iter_mut().filter_map(|log| Some((log.begin_sync()?, log))).collect();
        let task = self.folder.commit_task(plans.iter().map(|(plan, _)| plan));
        let before = self.disk.syncs();
        let result = self.disk.run(&task);
        let syncs = self.disk.syncs() - before;
        for (plan, log) in plans {
            log.complete_sync(plan, result.clone()).unwrap();
        }
        syncs
    }

    fn ends(&self) -> Vec<i64> {
        self.logs.iter().map(|log| log.log_end().0).collect()
    }

    fn files_length(&self, name: &str) -> u64 {
        let entries = self.disk.list(Path::new("/data")).unwrap();
        entries.iter().filter(|entry| entry.name.starts_with(name)).map(|entry| entry.length).sum()
    }
}

#[test]
fn the_syncs_of_a_commit_do_not_grow_with_the_logs() {
    for logs in [2, 100] {
        let mut world = World::new(logs, FolderOptions::JOURNAL_BYTES);
        world.append_to_all();
        // The first one also makes the journal's own name durable.
        assert_eq!(world.commit(), 2, "{logs} logs");
        world.append_to_all();
        assert_eq!(world.commit(), 1, "{logs} logs");
        let world = world.after(Fate::Lost);
        assert_eq!(world.ends(), vec![2; logs as usize]);
        assert_eq!(read_all(&world.logs[1], Offset(0)), read_all(&world.logs[0], Offset(0)));
    }
}

#[test]
fn a_log_that_is_dirty_alone_is_synced_in_its_own_file() {
    let mut world = World::new(2, FolderOptions::JOURNAL_BYTES);
    world.append_to_all();
    world.commit();
    // Its name was only in the journal until now: folder, log folder, and their small files.
    world.append(0, 100);
    world.commit();
    world.append(0, 100);
    let journal = world.files_length(".headwater-journal");
    assert_eq!(world.commit(), 1);
    let noted = world.files_length(".headwater-journal") - journal;
    assert!(noted < 100, "{noted} bytes were journaled");
    assert_eq!(world.after(Fate::Lost).ends(), [3, 1]);
}

#[test]
fn what_is_large_is_not_written_twice() {
    let mut world = World::new(3, FolderOptions::JOURNAL_BYTES);
    world.append_to_all();
    world.commit();
    let journal = world.files_length(".headwater-journal");
    world.append(0, 300 * 1024);
    world.append(1, 10);
    world.commit();
    let noted = world.files_length(".headwater-journal") - journal;
    assert!(noted < 1000, "{noted} bytes were journaled");
    assert_eq!(world.after(Fate::Lost).ends(), [2, 2, 1]);
}

#[test]
fn a_journal_goes_round_and_stays_within_its_bounds() {
    let mut world = World::new(3, 16 * 1024);
    for _ in 0..200 {
        world.append_to_all();
        world.commit();
        // What was left is synced meanwhile, or when it is needed.
        if world.ends()[0] % 3 == 0 {
            while world.disk.run_submitted().is_some() {}
        }
    }
    let length = world.files_length(".headwater-journal");
    assert!(length <= 2 * 16 * 1024, "{length} bytes");
    let world = world.after(Fate::Lost);
    assert_eq!(world.ends(), [200; 3]);
    assert_eq!(world.after(Fate::Lost).ends(), [200; 3]);
}

#[test]
fn after_a_kill_nothing_is_missing() {
    let mut world = World::new(5, FolderOptions::JOURNAL_BYTES);
    world.append_to_all();
    world.commit();
    let world = world.after(Fate::Kept);
    let replayed = world.folder.replayed();
    assert_eq!((replayed.partitions, replayed.restored_bytes), (5, 0));
    assert_eq!(world.ends(), [1; 5]);
}

#[test]
fn a_power_cut_is_undone_from_the_journal_once() {
    let mut world = World::new(5, FolderOptions::JOURNAL_BYTES);
    world.append_to_all();
    world.commit();
    let world = world.after(Fate::Lost);
    assert!(world.folder.replayed().restored_bytes > 500);
    let world = world.after(Fate::Lost);
    assert_eq!(world.folder.replayed().restored_bytes, 0);
    assert_eq!(world.ends(), [1; 5]);
}

#[test]
fn where_the_journal_finds_no_room_the_logs_own_files_are_synced() {
    let mut world = World::new(4, FolderOptions::JOURNAL_BYTES);
    world.append_to_all();
    world.commit();
    world.append_to_all();
    let used = {
        let space = world.disk.space(Path::new("/data")).unwrap();
        space.total_bytes - space.usable_bytes
    };
    world.disk.plan_failures(|plan| plan.capacity_bytes = Some(used + 100));
    world.commit();
    assert_eq!(world.logs[3].durable_end(), EndOffset(2));
    assert_eq!(world.after(Fate::Lost).ends(), [2; 4]);
}

#[test]
fn a_deleted_partition_does_not_come_back() {
    let mut world = World::new(3, FolderOptions::JOURNAL_BYTES);
    world.append_to_all();
    world.commit();
    drop(world.logs.pop());
    world.folder.delete_log(&of(2), Uuid([1; 16])).unwrap();
    world.folder.remove_deleted().unwrap();
    let world = world.after(Fate::Kept);
    assert!(!world.folder.has_log(&of(2)).unwrap());
    assert_eq!(world.ends(), [1; 2]);
}

#[test]
fn a_topic_created_anew_gets_nothing_of_the_old_one() {
    let mut world = World::new(2, FolderOptions::JOURNAL_BYTES);
    world.append_to_all();
    world.append_to_all();
    world.commit();
    drop(world.logs.pop());
    world.folder.delete_log(&of(1), Uuid([1; 16])).unwrap();
    let renewed = LogIdentity { topic_id: Uuid([8; 16]), ..of(1) };
    let log = world.folder.open_log(renewed.clone(), Arc::new(small()), T0).unwrap();
    world.logs.push(log);
    world.append(1, 10);
    world.append(0, 10);
    world.commit();
    let disk = world.disk.crash(|_| Fate::Lost);
    let folder = open_folder(&disk, FolderOptions::JOURNAL_BYTES);
    let log = folder.open_log(renewed, Arc::new(small()), T0).unwrap();
    assert_eq!((log.log_start(), log.log_end()), (Offset(0), EndOffset(1)));
}

#[test]
fn what_was_cut_off_does_not_come_back() {
    let mut world = World::new(2, FolderOptions::JOURNAL_BYTES);
    for _ in 0..4 {
        world.append_to_all();
        world.commit();
    }
    world.logs[0].truncate_to(EndOffset(1), T0).unwrap();
    let kept = read_all(&world.logs[0], Offset(0));
    let world = world.after(Fate::Lost);
    assert_eq!(world.ends(), [1, 4]);
    assert_eq!(read_all(&world.logs[0], Offset(0)), kept);
}

#[test]
fn a_commit_under_way_says_nothing_of_what_is_cut_off_meanwhile() {
    let mut world = World::new(2, FolderOptions::JOURNAL_BYTES);
    world.append_to_all();
    world.commit();
    world.append_to_all();
    world.append_to_all();
    let plans: Vec<_> = world.logs.iter_mut().filter_map(Log::begin_sync).collect();
    let task = world.folder.commit_task(&plans);
    world.logs[0].truncate_to(EndOffset(1), T0).unwrap();
    world.append(0, 7);
    let kept = read_all(&world.logs[0], Offset(0));
    world.disk.run(&task).unwrap();
    for (plan, log) in plans.into_iter().zip(&mut world.logs) {
        log.complete_sync(plan, Ok(())).unwrap();
    }
    assert_eq!(world.logs[0].durable_end(), EndOffset(1));
    world.commit();
    let world = world.after(Fate::Lost);
    assert_eq!(world.ends(), [2, 3]);
    assert_eq!(read_all(&world.logs[0], Offset(0)), kept);
}

#[test]
fn a_clean_stop_leaves_nothing_to_be_replayed() {
    let mut world = World::new(2, FolderOptions::JOURNAL_BYTES);
    world.append_to_all();
    world.commit();
    let mut closed = Vec::new();
    for log in &mut world.logs {
        let known = log.close_clean().unwrap();
        let checkpoint = PartitionCheckpoint {
            recovery_point: known.recovery_point,
            log_start: known.log_start,
            high_watermark: log.log_end(),
        };
        closed.push((log.identity().clone(), checkpoint));
    }
    world.folder.close_clean(&closed, 7).unwrap();
    assert!(world.files_length(".headwater-journal") < 100);
    let world = world.after(Fate::Lost);
    assert!(world.folder.clean_stop().is_some());
    assert_eq!(world.folder.replayed().frames, 0);
    assert_eq!(world.ends(), [1; 2]);
}

#[test]
fn a_recovery_begins_at_the_last_checkpoint() {
    let mut world = World::new(1, FolderOptions::JOURNAL_BYTES);
    for _ in 0..40 {
        world.append(0, (1 << 20) - 200);
        world.commit();
    }
    let world = world.after(Fate::Kept);
    assert_eq!(world.ends(), [40]);
    let recovered = world.logs[0].recovered().unwrap();
    // The checkpoint was behind the 32nd MiB; the walk begins with the batch before it.
    assert!(recovered.walked_bytes < 10 << 20, "{recovered:?}");
    let found = world.logs[0].offset_for_timestamp(T0, EndOffset(40)).unwrap().unwrap();
    assert_eq!(found.offset, Offset(0));
}

#[test]
fn a_torn_tail_behind_what_is_known_is_cut_and_before_it_is_damage() {
    let mut world = World::new(2, FolderOptions::JOURNAL_BYTES);
    world.append_to_all();
    world.commit();
    world.append_to_all();
    let path = world.logs[0].folder().join("00000000000000000000.log");
    let file = world.disk.open(&path, OpenMode::ReadWrite).unwrap();
    file.set_length(file.length().unwrap() - 3).unwrap();
    let mut world = world.after(Fate::Kept);
    assert_eq!((world.logs[0].log_end(), world.logs[0].damage()), (EndOffset(1), None));
    world.append(0, 100);
    world.commit();
    let world = world.after(Fate::Kept);
    let file = world.disk.open(&path, OpenMode::ReadWrite).unwrap();
    file.set_length(file.length().unwrap() - 3).unwrap();
    let world = world.after(Fate::Kept);
    let damage = world.logs[0].damage().unwrap();
    assert_eq!(damage.offset, Offset(1));
    assert_eq!(world.logs[0].log_end(), EndOffset(2));
}

#[test]
fn few_files_are_kept_open_where_few_are_allowed() {
    let temporary = tempfile::tempdir().unwrap();
    let options = DiskOptions { handles_max: 10, shared_handles_max: 1, ..DiskOptions::default() };
    let disk: Arc<dyn Disk> = Arc::new(RealDisk::start(options).unwrap());
    let options = FolderOptions::new(BrokerId(1), None, Uuid([9; 16]));
    let folder = LogFolder::open(Arc::clone(&disk), temporary.path(), options).unwrap();
    let open = |partition| folder.open_log(of(partition), Arc::new(small()), T0).unwrap();
    let mut logs: Vec<Log> = (0..400).map(open).collect();
    for round in 1..4 {
        for log in &mut logs {
            append(log, &records(1, 10)).unwrap();
        }
        let plans: Vec<_> = logs.iter_mut().filter_map(Log::begin_sync).collect();
        let task = folder.commit_task(&plans);
        disk.run(&task).unwrap();
        drop(task);
        for (plan, log) in plans.into_iter().zip(&mut logs) {
            log.complete_sync(plan, Ok(())).unwrap();
        }
        assert!(logs.iter().all(|log| log.durable_end() == EndOffset(round)));
    }
}
