//! A partition's life apart from its requests: opening, syncs, changes of leadership and
//! configuration, ageing, deletion, closing.

use super::{LogState, OpenLog, Partition, PartitionError, State};
use crate::outbox::{Effect, JobOutcome, Outbox};
use crate::settings::{durability, log_config};
use crate::time::Now;
use headwater_log::{
    DiskError, FolderError, Log, LogConfig, LogIdentity, OpenError, PartitionCheckpoint,
    RetentionOutcome, SyncPlan,
};
use headwater_metadata::config::TopicConfig;
use headwater_metadata::image::PartitionImage;
use headwater_replication::{Leader, LeaderStart};
use headwater_types::{BrokerId, EndOffset, Uuid};
use std::io;
use std::sync::Arc;

impl Partition {
    /// The log, opened if it was not yet. The caller holds the lock.
    pub(super) fn opened<'a>(
        &self,
        log: &'a mut LogState,
        image: &PartitionImage,
        config: &TopicConfig,
        now: Now,
    ) -> Result<&'a mut OpenLog, PartitionError> {
        if matches!(log, LogState::Unopened) {
            let opened = self.folder.log_folder().open_log(
                self.identity(),
                self.log_config(config),
                now.wall_ms,
            );
            match opened {
                Ok(opened) => {
                    let leader = leader_of(self.me, image, config, &opened, None);
                    *log = LogState::Open(Box::new(OpenLog { log: opened, leader }));
                }
                Err(error) => {
                    *log = LogState::Offline(Arc::from(error.to_string()));
                    return Err(error.into());
                }
            }
        }
        match log {
            LogState::Open(open) => Ok(open),
            LogState::Offline(reason) => Err(PartitionError::Offline(Arc::clone(reason))),
            LogState::Deleted | LogState::Unopened => Err(PartitionError::Deleted),
        }
    }

    fn log_config(&self, config: &TopicConfig) -> Arc<LogConfig> {
        Arc::new(log_config(config, self.producer_id_expiration_ms))
    }

    pub(super) fn identity(&self) -> LogIdentity {
        LogIdentity {
            topic: self.name.to_string(),
            topic_id: self.id.topic,
            partition: self.id.partition,
        }
    }

    /// What the next sync of its folder must cover; `None` when nothing is dirty.
    pub(crate) fn begin_sync(&self) -> Option<SyncPlan> {
        let mut state = self.state.lock();
        state.listed_dirty = false;
        let plan = match &mut state.log {
            LogState::Open(open) => open.log.begin_sync(),
            LogState::Unopened | LogState::Offline(_) | LogState::Deleted => None,
        };
        state.syncing = plan.is_some();
        plan
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
            self.take_files_away(out);
            return;
        }
        let State { log, waiters, listed_dirty, .. } = &mut *state;
        let LogState::Open(open) = log else { return };
        match open.log.complete_sync(plan, result) {
            Ok(durable_end) => {
                let moved = open.leader.as_mut().and_then(|leader| leader.synced(durable_end));
                if let Some(high_watermark) = moved {
                    waiters.moved(high_watermark, out);
                }
                if open.log.is_dirty() && !*listed_dirty {
                    *listed_dirty = true;
                    self.folder.mark_dirty(Arc::clone(self));
                }
            }
            Err(error) => {
                *log = LogState::Offline(Arc::from(error.to_string()));
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

    /// Lists it for a sync where `flush.messages` or `flush.ms` ask for one.
    pub(crate) fn tick(self: &Arc<Self>, now: Now) {
        let Some(mut state) = self.state.try_lock() else { return };
        let State { log, listed_dirty, .. } = &mut *state;
        if let LogState::Open(open) = log
            && open.log.sync_due(now.wall_ms)
            && !*listed_dirty
        {
            *listed_dirty = true;
            self.folder.mark_dirty(Arc::clone(self));
        }
    }

    /// Removes what is too old, too much or deleted. May block on the disk.
    pub(crate) fn apply_retention(&self, now: Now) -> Result<RetentionOutcome, PartitionError> {
        let mut state = self.state.lock();
        let State { log, image, config, .. } = &mut *state;
        // Opening what has no files would only cost memory.
        if matches!(log, LogState::Unopened)
            && !self.folder.log_folder().has_log(&self.identity()).map_err(OpenError::from)?
        {
            return Ok(RetentionOutcome::default());
        }
        let open = self.opened(log, image, config, now)?;
        let high_watermark = open.high_watermark();
        Ok(open.log.apply_retention(now.wall_ms, high_watermark)?)
    }

    /// Its folder has failed: nothing of it will become durable any more.
    pub(crate) fn fail(&self, failure: &DiskError, out: &mut Outbox) {
        let mut state = self.state.lock();
        state.listed_dirty = false;
        if matches!(state.log, LogState::Open(_)) {
            state.log = LogState::Offline(Arc::from(failure.to_string()));
            state.waiters.wake_all(out);
        }
    }

    /// Its topic was deleted: everybody who waits is told, and its files go, as soon as no sync
    /// needs them.
    pub(crate) fn retire(self: &Arc<Self>, out: &mut Outbox) {
        let mut state = self.state.lock();
        state.log = LogState::Deleted;
        state.waiters.wake_all(out);
        self.folder.log_folder().will_delete(self.id.topic, self.id.partition);
        if !state.syncing {
            self.take_files_away(out);
        }
    }

    /// Whether its topic was deleted.
    pub(crate) fn is_retired(&self) -> bool {
        matches!(self.state.lock().log, LogState::Deleted)
    }

    /// Asks for the files of a deleted partition to be taken away on an I/O thread.
    fn take_files_away(self: &Arc<Self>, out: &mut Outbox) {
        let partition = Arc::clone(self);
        let job = Box::new(move || -> JobOutcome { Box::new(partition.delete_files()) });
        out.push(Effect::Job { reply_to: None, job });
    }

    fn delete_files(&self) -> Result<(), FolderError> {
        // The topic's id is drawn at random and never used again.
        let unique = Uuid(self.id.topic.0);
        self.folder.log_folder().delete_log(&self.identity(), unique)
    }

    /// What a checkpoint says of it; `None` where it was not opened, so that the old one stays.
    pub(crate) fn checkpoint(&self) -> Option<(LogIdentity, PartitionCheckpoint)> {
        match &self.state.lock().log {
            LogState::Open(open) => Some((
                self.identity(),
                PartitionCheckpoint {
                    recovery_point: open.log.durable_end(),
                    log_start: open.log.log_start(),
                    high_watermark: open.high_watermark(),
                },
            )),
            LogState::Unopened | LogState::Offline(_) | LogState::Deleted => None,
        }
    }

    /// Syncs and closes the log; what there is to checkpoint, if it was open. One that is out of
    /// service is not closed cleanly.
    pub(crate) fn close(&self) -> Result<Option<(LogIdentity, PartitionCheckpoint)>, DiskError> {
        let mut state = self.state.lock();
        let open = match &mut state.log {
            LogState::Open(open) => open,
            LogState::Unopened | LogState::Deleted => return Ok(None),
            LogState::Offline(reason) => {
                let path = self.folder.path().join(self.identity().folder_name());
                return Err(DiskError::new("close", &path, io::Error::other(reason.to_string())));
            }
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

    /// Size of its files in bytes; 0 where it has none yet.
    pub fn size_bytes(&self, now: Now) -> Result<u64, PartitionError> {
        let mut state = self.state.lock();
        let State { log, image, config, .. } = &mut *state;
        Ok(self.opened(log, image, config, now)?.log.size_bytes())
    }
}

/// The leader's state, where this broker leads. `known` is the high watermark from before.
fn leader_of(
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
