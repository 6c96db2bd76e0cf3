//! How a log that has files comes to be opened: by a job, without the partition's lock.
//!
//! After a crash a log is read from its recovery point on as it is opened, which may take seconds.
//! The requests for it wait, each once, and are woken together; whatever else the workers have to do
//! goes on. A log without files is opened by whoever touches it first, for there is nothing to read.

use super::{LogState, OpenLog, Partition, PartitionError, State};
use crate::facts::{Fact, Replica};
use crate::outbox::{Effect, Outbox, Pool};
use crate::settings::log_config;
use crate::ticket::Ticket;
use crate::time::Now;
use headwater_log::{DiskError, Log, LogConfig, LogIdentity, OpenError};
use headwater_metadata::config::TopicConfig;
use headwater_metadata::image::PartitionImage;
use std::sync::Arc;
use std::sync::atomic::Ordering;

impl Partition {
    /// Whether a job has to open the log before it can be touched. Costs no lock.
    pub fn needs_opening(&self) -> bool {
        self.needs_opening.load(Ordering::Acquire)
    }

    /// Whether a job is opening the log.
    pub(crate) fn is_being_opened(&self) -> bool {
        matches!(self.state.lock().log, LogState::Opening)
    }

    /// Has the log opened by a job where it needs one; whether `ticket` is woken when that is over.
    pub(crate) fn wait_for_open(
        self: &Arc<Self>,
        ticket: Ticket,
        now: Now,
        out: &mut Outbox,
    ) -> bool {
        let mut state = self.state.lock();
        match state.log {
            LogState::Unopened { has_files: true } => {
                state.log = LogState::Opening;
                state.opening = true;
                let partition = Arc::clone(self);
                let task = Box::new(move |out: &mut Outbox| partition.open_files(now, out));
                out.push(Effect::Task { pool: Pool::Open, task });
            }
            LogState::Opening => {}
            LogState::Unopened { has_files: false }
            | LogState::Open(_)
            | LogState::Offline(_)
            | LogState::Deleted => return false,
        }
        state.waiters.add_opener(ticket);
        true
    }

    /// Opens a log on this thread that nobody has touched yet, however long it takes. Nothing
    /// happens where somebody has.
    pub(crate) fn open_here(self: &Arc<Self>, now: Now, out: &mut Outbox) {
        {
            let mut state = self.state.lock();
            if !matches!(state.log, LogState::Unopened { .. }) {
                return;
            }
            state.log = LogState::Opening;
            state.opening = true;
        }
        self.open_files(now, out);
    }

    /// Opens the log; its state says that it is being opened.
    fn open_files(self: &Arc<Self>, now: Now, out: &mut Outbox) {
        // Nobody must wait for ever for one that panics.
        let _ended = EndsOpening(self);
        let config = Arc::clone(&self.state.lock().config);
        let folder = self.folder();
        let opened =
            folder.log_folder().open_log(self.identity(), self.log_config(&config), now.wall_ms);
        let mut state = self.state.lock();
        state.opening = false;
        if matches!(state.log, LogState::Deleted) {
            self.take_files_away(out);
            return;
        }
        let State { log, image, config: newest, waiters, damage_told, .. } = &mut *state;
        *log = match opened {
            _ if folder.has_failed() => LogState::failed_folder(),
            Ok(mut opened) => {
                if *newest != config {
                    opened.set_config(self.log_config(newest));
                }
                *damage_told = opened.damage().is_some();
                self.open_state(opened, image, newest)
            }
            // Recovery writes a little. Whoever comes next has it tried again.
            Err(OpenError::Disk(error)) if error.is_full() => {
                self.facts.note_full(&error, folder.path(), now);
                LogState::Unopened { has_files: true }
            }
            Err(error) => self.unusable(&error),
        };
        let is_left = matches!(log, LogState::Unopened { .. });
        self.needs_opening.store(is_left, Ordering::Release);
        waiters.opened(out);
    }

    /// The log, opened if there was nothing of it yet. The caller holds the lock.
    pub(super) fn opened<'a>(
        &self,
        log: &'a mut LogState,
        image: &PartitionImage,
        config: &TopicConfig,
        now: Now,
    ) -> Result<&'a mut OpenLog, PartitionError> {
        if matches!(log, LogState::Unopened { has_files: false }) {
            let opened = self.folder.load().log_folder().open_log(
                self.identity(),
                self.log_config(config),
                now.wall_ms,
            );
            match opened {
                Ok(opened) => *log = self.open_state(opened, image, config),
                Err(error) => {
                    *log = self.unusable(&error);
                    return Err(error.into());
                }
            }
        }
        match log {
            LogState::Open(open) => Ok(open),
            LogState::Offline(reason) => Err(PartitionError::Offline(Arc::clone(reason))),
            LogState::Unopened { .. } | LogState::Opening => Err(PartitionError::Opening),
            LogState::Deleted => Err(PartitionError::Deleted),
        }
    }

    fn open_state(&self, log: Log, image: &PartitionImage, config: &TopicConfig) -> LogState {
        if let Some(damage) = log.damage() {
            self.facts.note(Fact::LogDamaged { replica: self.replica(), damage });
        }
        if let Some(recovered) = log.recovered() {
            self.facts.note(Fact::LogRecovered { replica: self.replica(), recovered });
        }
        let leader = super::lifecycle::leader_of(self.me, image, config, &log, None);
        LogState::Open(Box::new(OpenLog { log, leader }))
    }

    fn unusable(&self, error: &OpenError) -> LogState {
        let problem = error.to_string();
        self.facts.note(Fact::LogUnusable { replica: self.replica(), problem: problem.clone() });
        LogState::Offline(Arc::from(problem))
    }

    pub(super) fn replica(&self) -> Replica {
        self.replica_in(&self.folder.load())
    }

    pub(super) fn log_config(&self, config: &TopicConfig) -> Arc<LogConfig> {
        Arc::new(log_config(config, self.producer_id_expiration_ms))
    }

    pub(crate) fn identity(&self) -> LogIdentity {
        LogIdentity {
            topic: self.name.to_string(),
            topic_id: self.id.topic,
            partition: self.id.partition,
        }
    }

    /// Bytes of its segments by what its folder holds, for a log that is not open.
    pub(super) fn bytes_in_files(&self) -> Result<u64, DiskError> {
        let held_in = self.folder.load();
        let folder = held_in.path().join(self.identity().folder_name());
        match held_in.disk().list(&folder) {
            Ok(entries) => {
                let logs = entries.iter().filter(|entry| entry.name.ends_with(".log"));
                Ok(logs.map(|entry| entry.length).sum())
            }
            Err(error) if error.is_not_found() => Ok(0),
            Err(error) => Err(error),
        }
    }
}

/// Takes a partition out of service whose opening ended without saying how.
struct EndsOpening<'a>(&'a Partition);

impl Drop for EndsOpening<'_> {
    fn drop(&mut self) {
        let mut state = self.0.state.lock();
        if matches!(state.log, LogState::Opening) {
            state.log = LogState::Offline(Arc::from("opening its log has failed by a bug"));
            state.opening = false;
            self.0.needs_opening.store(false, Ordering::Release);
        }
    }
}
