//! One log folder as the node sees it: who wrote to it and must be synced.
//!
//! Group commit without a delay: a sync begins when the last one has ended and somebody is dirty.
//! While it runs, others become dirty and share the next one. A failed sync is final for the
//! folder: the kernel may have dropped the very pages that it could not write, so a second sync
//! would report success about data that is gone. Whoever is still dirty then is told that it will
//! not become durable.
//!
//! A partition whose topic is deleted may lose its folder while a sync covers it. That is no
//! failure: the sync is done again without it.

use crate::outbox::Outbox;
use crate::partition::Partition;
use headwater_log::{Completion, Disk, DiskError, LogFolder, SyncPlan};
use headwater_types::DirectoryId;
use parking_lot::Mutex;
use std::path::Path;
use std::sync::{Arc, OnceLock};

/// A log folder with its group commit.
pub struct Folder {
    log_folder: LogFolder,
    /// Asked for under partitions' locks, so it must not wait for the folder's own.
    id: DirectoryId,
    disk: Arc<dyn Disk>,
    /// Names this folder in completions.
    token: u64,
    /// The first sync that failed.
    failure: OnceLock<DiskError>,
    sync: Mutex<SyncState>,
}

#[derive(Default)]
struct SyncState {
    dirty: Vec<Arc<Partition>>,
    /// Whether one is under way, from the making of its plans until every partition knows its end.
    running: bool,
    /// What the one under way covers.
    plans: Plans,
}

type Plans = Vec<(Arc<Partition>, SyncPlan)>;

impl Folder {
    /// Takes in a folder that was opened and locked; completions of its syncs carry `token`.
    pub fn new(log_folder: LogFolder, token: u64) -> Self {
        Self {
            disk: Arc::clone(log_folder.disk()),
            id: log_folder.directory_id(),
            log_folder,
            token,
            failure: OnceLock::new(),
            sync: Mutex::new(SyncState::default()),
        }
    }

    /// The folder's identity.
    pub fn id(&self) -> DirectoryId {
        self.id
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        self.log_folder.path()
    }

    /// The folder behind it.
    pub fn log_folder(&self) -> &LogFolder {
        &self.log_folder
    }

    /// Through which its files are reached.
    pub fn disk(&self) -> &Arc<dyn Disk> {
        &self.disk
    }

    /// Whether a sync has failed, after which nothing in it is trusted to become durable.
    pub fn has_failed(&self) -> bool {
        self.failure.get().is_some()
    }

    /// What failed, if a sync has: to be told to whoever runs the broker.
    pub fn failure(&self) -> Option<&DiskError> {
        self.failure.get()
    }

    /// Puts a partition on the list for the next sync. The caller holds the partition's lock and
    /// sees to it that a partition is listed once.
    pub(crate) fn mark_dirty(&self, partition: Arc<Partition>) {
        self.sync.lock().dirty.push(partition);
    }

    /// Begins a sync if none is running and somebody is dirty.
    pub(crate) fn begin_sync(&self, out: &mut Outbox) {
        // Whoever became dirty while one was running is looked for again after it.
        while let Some(dirty) = self.take_dirty() {
            if let Some(failure) = self.failure() {
                for partition in dirty {
                    partition.fail(self, failure, out);
                }
                self.sync.lock().running = false;
                continue;
            }
            let plans: Plans = dirty
                .into_iter()
                .filter_map(|partition| {
                    let plan = partition.begin_sync(self)?;
                    Some((partition, plan))
                })
                .collect();
            self.sync(plans, out);
        }
    }

    /// Takes the list, and with it the turn to sync. From here on the others only add to the list;
    /// plans are made without this lock, since whoever holds a partition's lock may be waiting for
    /// it.
    fn take_dirty(&self) -> Option<Vec<Arc<Partition>>> {
        let mut state = self.sync.lock();
        if state.running || state.dirty.is_empty() {
            return None;
        }
        state.running = true;
        Some(std::mem::take(&mut state.dirty))
    }

    /// Has the disk carry out plans; on this thread when its queue is full.
    fn sync(&self, plans: Plans, out: &mut Outbox) {
        if plans.is_empty() {
            self.sync.lock().running = false;
            return;
        }
        let task = self.log_folder.commit_task(plans.iter().map(|(_, plan)| plan));
        self.sync.lock().plans = plans;
        if let Err(refused) = self.disk.submit(self.token, task) {
            let result = self.disk.run(&refused.0);
            self.end_sync(result, out);
        }
    }

    /// A sync has ended: partitions learn it, and the next begins if somebody is dirty.
    pub(crate) fn complete(&self, completion: Completion, out: &mut Outbox) {
        self.end_sync(completion.result, out);
        self.begin_sync(out);
    }

    fn end_sync(&self, result: Result<(), DiskError>, out: &mut Outbox) {
        let mut plans = std::mem::take(&mut self.sync.lock().plans);
        if result.as_ref().is_err_and(DiskError::is_not_found) {
            let (gone, left): (Plans, Plans) =
                plans.into_iter().partition(|(partition, _)| partition.is_retired());
            if !gone.is_empty() {
                for (partition, plan) in gone {
                    partition.complete_sync(plan, Ok(()), out);
                }
                // No sync of a file has failed, so that a second one is as good as the first.
                self.sync(left, out);
                return;
            }
            plans = left;
        }
        if let Err(error) = &result {
            let _ = self.failure.set(error.clone());
        }
        for (partition, plan) in plans {
            partition.complete_sync(plan, result.clone(), out);
        }
        self.sync.lock().running = false;
    }

    pub(crate) fn token(&self) -> u64 {
        self.token
    }
}
