//! A partition's life apart from its requests: syncs, changes of leadership and configuration,
//! ageing, deletion, closing.

use super::{LogState, Partition, PartitionError, State};
use crate::folder::Folder;
use crate::outbox::{Effect, JobOutcome, Outbox};
use crate::settings::durability;
use crate::time::Now;
use headwater_log::{
    DiskError, FolderError, Log, LogIdentity, PartitionCheckpoint, RetentionOutcome, SyncPlan,
};
use headwater_metadata::config::TopicConfig;
use headwater_metadata::image::PartitionImage;
use headwater_replication::{Leader, LeaderStart};
use headwater_types::{BrokerId, DirectoryId, EndOffset, Uuid};
use std::io;
use std::sync::Arc;

impl Partition {
    /// What the next sync of a folder must cover of it; `None` when nothing is dirty there.
    pub(crate) fn begin_sync(&self, folder: &Folder) -> Option<SyncPlan> {
        let mut state = self.state.lock();
        if !self.is_held_in(folder) {
            return None;
        }
        state.listed_dirty = false;
        if state.held_for_move {
            return None;
        }
        let plan = match &mut state.log {
            LogState::Open(open) => open.log.begin_sync(),
            _ => None,
        };
        state.syncing = plan.is_some();
        plan
    }

    /// Whether it lies in a folder. It may have moved since the folder was told of it.
    fn is_held_in(&self, folder: &Folder) -> bool {
        std::ptr::eq(Arc::as_ptr(&self.folder.load()), folder)
    }

    /// The sync has ended: more may be committed, or nothing ever will be again.
    pub(crate) fn complete_sync(
        self: &Arc<Self>,
        plan: SyncPlan,
        result: Result<(), DiskError>,
        out: &mut Outbox,
    ) {
        let mut state = self.state.lock();
        state.syncing = false;
        if matches!(state.log, LogState::Deleted) {
            if !state.opening {
                self.take_files_away(out);
            }
            return;
        }
        self.note_synced(&mut state, plan, result, out);
        self.resume_move(&mut state, out);
    }

    fn note_synced(
        self: &Arc<Self>,
        state: &mut State,
        plan: SyncPlan,
        result: Result<(), DiskError>,
        out: &mut Outbox,
    ) {
        let State { log, waiters, listed_dirty, held_for_move, moving, .. } = state;
        let LogState::Open(open) = log else { return };
        match open.log.complete_sync(plan, result) {
            Ok(durable_end) => {
                let moved = open.leader.as_mut().and_then(|leader| leader.synced(durable_end));
                if let Some(high_watermark) = moved {
                    waiters.moved(high_watermark, out);
                }
                if open.log.is_dirty() && !*listed_dirty && !*held_for_move {
                    *listed_dirty = true;
                    self.folder.load().mark_dirty(Arc::clone(self));
                }
            }
            Err(error) => {
                *log = LogState::Offline(Arc::from(error.to_string()));
                *moving = None;
                waiters.wake_all(out);
            }
        }
    }

    /// Leadership or configuration may have changed.
    pub(crate) fn update(
        &self,
        new_image: &PartitionImage,
        new_config: Arc<TopicConfig>,
        out: &mut Outbox,
    ) {
        let mut state = self.state.lock();
        let State { log, image, config, waiters, .. } = &mut *state;
        if let LogState::Open(open) = log {
            if *config != new_config {
                open.log.set_config(self.log_config(&new_config));
            }
            let same_term =
                image.leader == new_image.leader && image.leader_epoch == new_image.leader_epoch;
            let before = open.high_watermark();
            match &mut open.leader {
                Some(leader) if same_term => {
                    leader.durability_changed(durability(&new_config));
                    leader.in_sync_changed(&new_image.isr);
                }
                leader => {
                    *leader = leader_of(self.me, new_image, &new_config, &open.log, Some(before));
                    waiters.wake_all(out);
                }
            }
            let after = open.high_watermark();
            if after > before {
                waiters.moved(after, out);
            }
        }
        *image = new_image.clone();
        *config = new_config;
    }

    /// Lists it for a sync where `flush.messages` or `flush.ms` ask for one. Gives the folder that
    /// holds it where the metadata names another.
    pub(crate) fn tick(self: &Arc<Self>, now: Now) -> Option<DirectoryId> {
        let mut state = self.state.try_lock()?;
        let State { log, listed_dirty, image, .. } = &mut *state;
        if let LogState::Open(open) = log
            && open.log.sync_due(now.wall_ms)
            && !*listed_dirty
        {
            *listed_dirty = true;
            self.folder.load().mark_dirty(Arc::clone(self));
        }
        let folder = self.folder.load().id();
        (image.directory_of(self.me)? != folder).then_some(folder)
    }

    /// Removes what is too old, too much or deleted. May block on the disk, and opens a log that has
    /// files; one that is being opened is left for the next time.
    pub(crate) fn apply_retention(
        self: &Arc<Self>,
        now: Now,
        out: &mut Outbox,
    ) -> Result<RetentionOutcome, PartitionError> {
        if self.needs_opening() {
            self.open_here(now, out);
        }
        let mut state = self.state.lock();
        let LogState::Open(open) = &mut state.log else { return Ok(RetentionOutcome::default()) };
        let high_watermark = open.high_watermark();
        Ok(open.log.apply_retention(now.wall_ms, high_watermark)?)
    }

    /// Its folder has failed: nothing of it will become durable any more.
    pub(crate) fn fail(&self, folder: &Folder, failure: &DiskError, out: &mut Outbox) {
        let mut state = self.state.lock();
        if !self.is_held_in(folder) {
            return;
        }
        state.listed_dirty = false;
        if matches!(state.log, LogState::Open(_)) {
            state.log = LogState::Offline(Arc::from(failure.to_string()));
            state.moving = None;
            state.waiters.wake_all(out);
        }
    }

    /// Its topic was deleted: everybody who waits is told, and its files go, as soon as nothing that
    /// is under way needs them.
    pub(crate) fn retire(self: &Arc<Self>, out: &mut Outbox) {
        let mut state = self.state.lock();
        state.log = LogState::Deleted;
        state.moving = None;
        state.waiters.wake_all(out);
        self.folder.load().log_folder().will_delete(self.id.topic, self.id.partition);
        if !state.syncing && !state.opening {
            self.take_files_away(out);
        }
    }

    /// Whether its topic was deleted.
    pub(crate) fn is_retired(&self) -> bool {
        matches!(self.state.lock().log, LogState::Deleted)
    }

    /// Asks for the files of a deleted partition to be taken away on an I/O thread.
    pub(super) fn take_files_away(self: &Arc<Self>, out: &mut Outbox) {
        let partition = Arc::clone(self);
        let job = Box::new(move || -> JobOutcome { Box::new(partition.delete_files()) });
        out.push(Effect::Job { reply_to: None, job });
    }

    fn delete_files(&self) -> Result<(), FolderError> {
        // The topic's id is drawn at random and never used again.
        let unique = Uuid(self.id.topic.0);
        self.folder.load().log_folder().delete_log(&self.identity(), unique)
    }

    /// What a checkpoint says of it; `None` where it was not opened, so that the old one stays.
    pub(crate) fn checkpoint(&self) -> Option<(LogIdentity, PartitionCheckpoint)> {
        match &self.state.lock().log {
            LogState::Open(open) => Some((
                self.identity(),
                PartitionCheckpoint {
                    recovery_point: open.log.recovery_point(),
                    log_start: open.log.log_start(),
                    high_watermark: open.high_watermark(),
                },
            )),
            _ => None,
        }
    }

    /// Syncs and closes the log; what there is to checkpoint, if it was open. One that is out of
    /// service is not closed cleanly.
    pub(crate) fn close(&self) -> Result<Option<(LogIdentity, PartitionCheckpoint)>, DiskError> {
        let mut state = self.state.lock();
        let not_clean = |reason: &str| {
            let path = self.folder.load().path().join(self.identity().folder_name());
            DiskError::new("close", &path, io::Error::other(reason.to_owned()))
        };
        let open = match &mut state.log {
            LogState::Open(open) => open,
            LogState::Unopened { .. } | LogState::Deleted => return Ok(None),
            LogState::Opening => return Err(not_clean("it is being opened")),
            LogState::Offline(reason) => return Err(not_clean(reason)),
        };
        let high_watermark = open.high_watermark();
        let closed = open.log.close_clean()?;
        state.log = LogState::Offline(Arc::from("the broker has stopped"));
        Ok(Some((
            self.identity(),
            PartitionCheckpoint {
                recovery_point: closed.recovery_point,
                log_start: closed.log_start,
                high_watermark: high_watermark.max(EndOffset(closed.log_start.0)),
            },
        )))
    }

    /// Bytes of its segments; 0 where it has none yet. Opens nothing, but may read its folder.
    ///
    /// # Errors
    /// When it is out of service or its folder cannot be read.
    pub fn size_bytes(&self) -> Result<u64, PartitionError> {
        match &self.state.lock().log {
            LogState::Open(open) => return Ok(open.log.size_bytes()),
            LogState::Unopened { has_files: false } => return Ok(0),
            LogState::Offline(reason) => return Err(PartitionError::Offline(Arc::clone(reason))),
            LogState::Deleted => return Err(PartitionError::Deleted),
            LogState::Unopened { has_files: true } | LogState::Opening => {}
        }
        Ok(self.bytes_in_files()?)
    }
}

/// The leader's state, where this broker leads. `known` is the high watermark from before.
pub(super) fn leader_of(
    me: BrokerId,
    image: &PartitionImage,
    config: &TopicConfig,
    log: &Log,
    known: Option<EndOffset>,
) -> Option<Leader> {
    if image.leader != Some(me) {
        return None;
    }
    Some(Leader::new(LeaderStart {
        me,
        epoch: image.leader_epoch,
        durability: durability(config),
        in_sync: image.isr.clone(),
        log_end: log.log_end(),
        durable_end: log.durable_end(),
        high_watermark: known.unwrap_or(EndOffset(log.log_start().0)),
    }))
}
