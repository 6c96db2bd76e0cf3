//! Copies of logs that are on their way here from another log folder (KIP-113).
//!
//! A copy grows in `topic-partition.unique-future`, which nobody takes for a replica: a start after a
//! crash puts it away. Once it holds everything, [`LogFolder::promote_future`] gives it the replica's
//! name, durably; then the other folder gives its own up with [`LogFolder::delete_log`]. A crash
//! between the two leaves two replicas of the same content, and never none.

use super::names::{deleted_name, future_name, stray_name};
use super::{FolderError, LogFolder, PartitionCheckpoint, topic_of};
use crate::config::LogConfig;
use crate::disk::{Disk, DiskError, DiskTask};
use crate::error::OpenError;
use crate::log::{Checkpointed, Log, LogIdentity, OpenKind};
use headwater_types::{EndOffset, Offset, Uuid};
use std::path::Path;
use std::sync::Arc;

/// A copy of a log that is not a replica yet.
#[derive(Debug)]
pub struct FutureLog {
    log: Log,
    unique: Uuid,
}

impl FutureLog {
    /// The log, to append to.
    pub fn log(&mut self) -> &mut Log {
        &mut self.log
    }
}

impl LogFolder {
    /// Begins a copy of a log whose first record will be at `start`. It has no files before its first
    /// append. `unique` was never used before for this partition.
    ///
    /// # Errors
    /// When something in the way cannot be moved aside.
    pub fn create_future(
        &self,
        identity: &LogIdentity,
        unique: Uuid,
        start: Offset,
        config: Arc<LogConfig>,
        now_ms: i64,
    ) -> Result<FutureLog, OpenError> {
        let LogIdentity { topic, partition, .. } = identity;
        let final_folder = self.path.join(identity.folder_name());
        {
            let _state = self.state.lock();
            self.move_other_topic_aside(identity, &final_folder)?;
            if topic_of(&*self.disk, &final_folder)? == Some(identity.topic_id) {
                // Of the same partition, which is not held here: whatever it is, it is kept.
                let aside = self.path.join(stray_name(topic, *partition, unique));
                self.rename_durably(&final_folder, &aside)?;
            }
        }
        let folder = self.path.join(future_name(topic, *partition, unique));
        let kind = OpenKind::AfterCrash(Checkpointed { log_start: start, ..Default::default() });
        let mut log =
            Log::open(Arc::clone(&self.disk), &folder, identity.clone(), config, now_ms, kind)?;
        log.share_tail_budget(&self.tail_budget);
        Ok(FutureLog { log, unique })
    }

    /// Makes a copy that holds all records of `from` the replica here, durably. Nothing may be
    /// appended to `from` any more, unless this fails.
    ///
    /// # Errors
    /// The copy is discarded, as far as the disk allows, and `from` stays what it was.
    pub fn promote_future(
        &self,
        future: FutureLog,
        from: &Log,
        high_watermark: EndOffset,
        now_ms: i64,
    ) -> Result<Log, FolderError> {
        let FutureLog { mut log, unique } = future;
        let identity = from.identity().clone();
        let promoted = self.promote(&mut log, from, high_watermark, now_ms);
        if promoted.is_err() {
            let deleted = self.path.join(deleted_name(&identity.topic, identity.partition, unique));
            for folder in [log.folder().to_owned(), self.path.join(identity.folder_name())] {
                // The error that is told is the first one.
                let _ = self.rename_durably(&folder, &deleted);
            }
            self.state.lock().checkpoints.forget(&identity.topic, identity.partition);
        }
        promoted
    }

    fn promote(
        &self,
        log: &mut Log,
        from: &Log,
        high_watermark: EndOffset,
        now_ms: i64,
    ) -> Result<Log, FolderError> {
        let identity = from.identity().clone();
        log.take_over(from, now_ms)?;
        let closed = log.close_clean()?;
        // Before the name, for the first offset is said nowhere else.
        let checkpoint = PartitionCheckpoint {
            recovery_point: closed.recovery_point,
            log_start: closed.log_start,
            high_watermark,
        };
        self.write_checkpoints(&[(identity.clone(), checkpoint)])?;
        let folder = self.path.join(identity.folder_name());
        self.rename_durably(log.folder(), &folder)?;
        self.state.lock().opened.insert(identity.folder_name(), identity.topic_id);
        let config = Arc::clone(from.config());
        let kind = OpenKind::AfterCleanStop(closed);
        let mut log = Log::open(Arc::clone(&self.disk), &folder, identity, config, now_ms, kind)?;
        log.share_tail_budget(&self.tail_budget);
        log.use_journal(&self.journal);
        Ok(log)
    }

    /// Gives a copy up; its files go with those of deleted partitions.
    ///
    /// # Errors
    /// When its folder cannot be renamed; the next start tries again.
    pub fn discard_future(&self, future: FutureLog) -> Result<(), FolderError> {
        let FutureLog { log, unique } = future;
        let LogIdentity { topic, partition, .. } = log.identity();
        let deleted = self.path.join(deleted_name(topic, *partition, unique));
        match self.rename_durably(log.folder(), &deleted) {
            Err(error) if !error.is_not_found() => Err(error.into()),
            _ => Ok(()),
        }
    }

    /// Puts a replica aside that is held in another folder as well: a crash between the promotion of a
    /// copy and the end of the other replica leaves both. It is kept as a stray.
    ///
    /// # Errors
    /// When its folder cannot be renamed.
    pub fn set_aside(&self, identity: &LogIdentity, unique: Uuid) -> Result<(), FolderError> {
        let mut state = self.state.lock();
        self.journal.forget(identity)?;
        let folder = self.path.join(identity.folder_name());
        let aside = self.path.join(stray_name(&identity.topic, identity.partition, unique));
        self.rename_durably(&folder, &aside)?;
        state.checkpoints.forget(&identity.topic, identity.partition);
        Ok(())
    }

    fn rename_durably(&self, from: &Path, to: &Path) -> Result<(), DiskError> {
        self.disk.rename(from, to)?;
        self.disk.run(&DiskTask::SyncFolder(self.path.clone()))
    }
}

/// Puts away the copies that an earlier run did not finish: their files go with those of deleted
/// partitions.
pub(super) fn put_futures_away(disk: &dyn Disk, path: &Path) -> Result<(), DiskError> {
    let mut any = false;
    for entry in disk.list(path)?.into_iter().filter(|entry| entry.is_folder) {
        if let Some(deleted) = super::names::deleted_name_of_future(&entry.name) {
            disk.rename(&path.join(&entry.name), &path.join(deleted))?;
            any = true;
        }
    }
    match any {
        true => disk.run(&DiskTask::SyncFolder(path.to_owned())),
        false => Ok(()),
    }
}
