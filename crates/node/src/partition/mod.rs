//! One partition held by this broker: its log, its leader and who waits for it, behind one lock.
//!
//! The lock is short: it is never held across a wait, only across the inline write of one request.
//! What is asked most often without need of the log, the high watermark, can be read beside it.

mod counters;
mod damage;
mod lifecycle;
mod moving;
mod opening;
mod waiters;

use crate::facts::Facts;
use crate::folder::Folder;
use crate::moves::Move;
use crate::outbox::Outbox;
use crate::ticket::Ticket;
use crate::time::Now;
use arc_swap::ArcSwap;
pub use counters::{PartitionCounters, PartitionStatus};
use headwater_log::{
    AbortedTransaction, AppendError, AppendOptions, Appended, ChangeError, DiskError, Log,
    OpenError, Read, ReadError, ReadLimit,
};
use headwater_metadata::config::TopicConfig;
use headwater_metadata::image::PartitionImage;
use headwater_protocol::records::ValidBatch;
use headwater_replication::{Durability, Leader};
use headwater_types::{BrokerId, EndOffset, LeaderEpoch, Offset, TopicPartition};
pub use moving::FutureStatus;
pub(crate) use moving::{Finish, Source};
use parking_lot::Mutex;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use thiserror::Error;
use waiters::Waiters;

/// Why a partition could not do what was asked.
#[derive(Debug, Error)]
#[expect(missing_docs, reason = "each message says it")]
pub enum PartitionError {
    #[error("this broker does not lead the partition")]
    NotLeader,
    #[error("the epoch {asked} is older than the leader's, {current}")]
    FencedEpoch { asked: LeaderEpoch, current: LeaderEpoch },
    #[error("the epoch {asked} is newer than the leader's, {current}")]
    UnknownEpoch { asked: LeaderEpoch, current: LeaderEpoch },
    #[error("{in_sync} replicas are in sync and {wanted} are wanted")]
    NotEnoughReplicas { in_sync: usize, wanted: usize },
    #[error("the topic was deleted")]
    Deleted,
    #[error("the log is being opened")]
    Opening,
    #[error("the partition is offline: {0}")]
    Offline(Arc<str>),
    #[error("{0}")]
    Open(#[from] OpenError),
    #[error("{0}")]
    Append(#[from] AppendError),
    #[error("{0}")]
    Read(#[from] ReadError),
    #[error("{0}")]
    Change(#[from] ChangeError),
    #[error("{0}")]
    Disk(#[from] DiskError),
}

/// What of the log a reader may see.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Isolation {
    /// Everything that is committed to the log.
    ReadUncommitted,
    /// Only what precedes the first transaction that is still open.
    ReadCommitted,
}

/// What a reader asks of a partition.
#[derive(Clone, Copy, Debug)]
pub struct ReadRequest {
    /// From where on.
    pub offset: Offset,
    /// How much at most, in bytes.
    pub bytes_max: usize,
    /// Whether the first batch is to be given even if it is larger than `bytes_max`.
    pub at_least_one: bool,
    /// What may be seen.
    pub isolation: Isolation,
    /// The epoch the reader believes in, or -1.
    pub current_epoch: LeaderEpoch,
    /// The epoch of the last record the reader has, or -1.
    pub last_fetched_epoch: LeaderEpoch,
}

/// Where a reader's log has left the leader's (KIP-320): it must truncate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Divergence {
    /// The largest epoch, at most the reader's, that the leader knows.
    pub epoch: LeaderEpoch,
    /// Where that epoch ends.
    pub end: EndOffset,
}

/// What a reader gets, all of it seen at one moment.
#[derive(Debug)]
pub struct PartitionRead {
    /// Whole batches; the first may begin before the offset asked for.
    pub records: Read,
    /// Everything before it is committed.
    pub high_watermark: EndOffset,
    /// Everything before it belongs to no open transaction.
    pub last_stable: EndOffset,
    /// The first offset.
    pub log_start: Offset,
    /// Set, with no records, when the reader must truncate first.
    pub divergence: Option<Divergence>,
    /// Aborted transactions within what was read, for readers of committed records.
    pub aborted: Vec<AbortedTransaction>,
}

/// The ends of a partition's log, all seen at one moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ends {
    /// The first offset.
    pub log_start: Offset,
    /// Just behind the last record.
    pub log_end: EndOffset,
    /// Everything before it is committed.
    pub high_watermark: EndOffset,
    /// Everything before it belongs to no open transaction.
    pub last_stable: EndOffset,
}

/// How far what is committed lags behind what is written, where nothing but this broker's own sync is
/// outstanding.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OwnLag {
    /// Everything before it is committed.
    pub high_watermark: EndOffset,
    /// Where the log ends.
    pub log_end: EndOffset,
}

/// Which partition, and where it is kept.
pub(crate) struct Place {
    /// Its identity.
    pub id: TopicPartition,
    /// Its topic's name.
    pub name: Arc<str>,
    /// This broker.
    pub me: BrokerId,
    /// The log folder that holds it.
    pub folder: Arc<Folder>,
    /// Whether it has files there already.
    pub has_files: bool,
    /// Where to note what should be told.
    pub facts: Arc<Facts>,
}

/// A partition held by this broker.
pub struct Partition {
    id: TopicPartition,
    name: Arc<str>,
    me: BrokerId,
    /// Changes under the lock.
    folder: ArcSwap<Folder>,
    facts: Arc<Facts>,
    producer_id_expiration_ms: i64,
    /// Whether it has files that were not opened yet. Said beside the lock, for every request asks.
    needs_opening: AtomicBool,
    state: Mutex<State>,
}

struct State {
    log: LogState,
    image: PartitionImage,
    config: Arc<TopicConfig>,
    waiters: Waiters,
    /// Whether the folder has this partition on its list for the next sync.
    listed_dirty: bool,
    /// Whether a sync under way covers its files.
    syncing: bool,
    /// Whether a job is opening its files.
    opening: bool,
    /// Whether it was noted that its log is damaged.
    damage_told: bool,
    /// On its way to another folder.
    moving: Option<Arc<Move>>,
    /// Whether no sync begins, for a move is about to end.
    held_for_move: bool,
    counters: PartitionCounters,
}

enum LogState {
    /// Not touched since the broker started: no files are open.
    Unopened {
        /// Whether there are any: then a job opens them.
        has_files: bool,
    },
    /// A job is opening its files.
    Opening,
    Open(Box<OpenLog>),
    /// Out of service, and why.
    Offline(Arc<str>),
    /// Its topic is gone.
    Deleted,
}

impl LogState {
    fn failed_folder() -> Self {
        Self::Offline(Arc::from("its log folder has failed"))
    }
}

/// A log with the leadership that goes with it.
struct OpenLog {
    log: Log,
    leader: Option<Leader>,
}

impl OpenLog {
    fn ends(&self) -> Ends {
        let log_end = self.log.log_end();
        let high_watermark = self.high_watermark();
        Ends {
            log_start: self.log.log_start(),
            log_end,
            high_watermark,
            last_stable: self.log.last_stable(high_watermark),
        }
    }

    fn high_watermark(&self) -> EndOffset {
        self.leader.as_ref().map_or(EndOffset(self.log.log_start().0), Leader::high_watermark)
    }
}

impl Partition {
    /// A partition whose files, if it has any, are opened when it is first touched.
    pub(crate) fn new(
        place: Place,
        image: PartitionImage,
        config: Arc<TopicConfig>,
        producer_id_expiration_ms: i64,
    ) -> Self {
        let Place { id, name, me, folder, has_files, facts } = place;
        let (log, needs_opening) = match folder.has_failed() {
            true => (LogState::failed_folder(), false),
            false => (LogState::Unopened { has_files }, has_files),
        };
        Self {
            id,
            name,
            me,
            folder: ArcSwap::new(folder),
            facts,
            producer_id_expiration_ms,
            needs_opening: AtomicBool::new(needs_opening),
            state: Mutex::new(State {
                log,
                image,
                config,
                waiters: Waiters::default(),
                listed_dirty: false,
                syncing: false,
                opening: false,
                damage_told: false,
                moving: None,
                held_for_move: false,
                counters: PartitionCounters::default(),
            }),
        }
    }

    /// Its identity.
    pub fn id(&self) -> TopicPartition {
        self.id
    }

    /// Its topic's name.
    pub fn name(&self) -> &Arc<str> {
        &self.name
    }

    /// The log folder that holds it.
    pub fn folder(&self) -> Arc<Folder> {
        self.folder.load_full()
    }

    /// The topic's configuration in force.
    pub fn config(&self) -> Arc<TopicConfig> {
        Arc::clone(&self.state.lock().config)
    }

    /// `min.insync.replicas` of its topic.
    pub fn min_in_sync(&self) -> usize {
        usize::try_from(self.state.lock().config.min_insync_replicas).unwrap_or(1)
    }

    /// Appends batches as the leader. The gain is visible to readers once it is committed.
    ///
    /// # Errors
    /// Nothing was appended.
    pub fn append(
        self: &Arc<Self>,
        batches: Vec<ValidBatch>,
        min_in_sync: Option<usize>,
        now: Now,
        out: &mut Outbox,
    ) -> Result<Appended, PartitionError> {
        let mut state = self.state.lock();
        let appended = self.append_to(&mut state, batches, min_in_sync, now, out);
        state.counters.produced(&appended);
        appended
    }

    fn append_to(
        self: &Arc<Self>,
        state: &mut State,
        batches: Vec<ValidBatch>,
        min_in_sync: Option<usize>,
        now: Now,
        out: &mut Outbox,
    ) -> Result<Appended, PartitionError> {
        let State { log, image, config, waiters, listed_dirty, .. } = state;
        let open = self.opened(log, image, config, now)?;
        let leader = open.leader.as_mut().ok_or(PartitionError::NotLeader)?;
        let in_sync = leader.in_sync_count();
        if let Some(wanted) = min_in_sync.filter(|wanted| in_sync < *wanted) {
            return Err(PartitionError::NotEnoughReplicas { in_sync, wanted });
        }
        let folder = self.folder.load();
        if folder.has_failed() {
            return Err(PartitionError::Offline(Arc::from("its log folder has failed")));
        }
        let options = AppendOptions::default();
        let appended = open.log.append_as_leader(batches, leader.epoch(), now.wall_ms, options);
        match &appended {
            Ok(_) => self.facts.note_room(folder.path(), now),
            Err(AppendError::Full(error)) => {
                self.facts.note_full(error, folder.path(), now);
            }
            Err(_) => {}
        }
        let appended = appended?;
        if let Some(high_watermark) = leader.appended(open.log.log_end()) {
            waiters.moved(high_watermark, out);
        }
        if leader.durability() == Durability::Fsync && !*listed_dirty {
            *listed_dirty = true;
            folder.mark_dirty(Arc::clone(self));
        }
        Ok(appended)
    }

    /// Registers a producer that waits for `end` to be committed, unless it is already. The caller
    /// asks [`Partition::is_committed`] afterwards.
    pub fn wait_for_commit(&self, end: EndOffset, ticket: Ticket) {
        let mut state = self.state.lock();
        if let LogState::Open(open) = &state.log
            && open.high_watermark() < end
        {
            state.waiters.add_producer(end, ticket);
        }
    }

    /// What is written and will be committed as soon as this broker has synced it; `None` where that
    /// is nothing, or where other replicas have a say.
    pub fn own_lag(&self) -> Option<OwnLag> {
        let state = self.state.lock();
        let LogState::Open(open) = &state.log else { return None };
        let leader = open.leader.as_ref().filter(|leader| leader.in_sync_count() == 1)?;
        let lag = OwnLag { high_watermark: leader.high_watermark(), log_end: open.log.log_end() };
        (lag.high_watermark < lag.log_end).then_some(lag)
    }

    /// Whether everything before `end` is committed.
    ///
    /// # Errors
    /// When the partition went out of service: it will not be.
    pub fn is_committed(&self, end: EndOffset) -> Result<bool, PartitionError> {
        match &self.state.lock().log {
            LogState::Open(open) if open.leader.is_some() => Ok(open.high_watermark() >= end),
            LogState::Open(_) => Err(PartitionError::NotLeader),
            LogState::Unopened { .. } | LogState::Opening => Err(PartitionError::Opening),
            LogState::Deleted => Err(PartitionError::Deleted),
            LogState::Offline(reason) => Err(PartitionError::Offline(Arc::clone(reason))),
        }
    }

    /// Registers a reader that is woken by the next move of the high watermark. It stays registered
    /// until [`Partition::stop_waiting`], and registers again to be woken again.
    pub fn wait_for_move(&self, ticket: Ticket) {
        self.state.lock().waiters.add_reader(ticket);
    }

    /// Takes a request off the lists.
    pub fn stop_waiting(&self, ticket: Ticket) {
        self.state.lock().waiters.remove(ticket);
    }

    /// Reads for a consumer. What is answered is to be counted with
    /// [`Partition::count_answered`].
    ///
    /// # Errors
    /// Nothing can be read from there, here.
    pub fn read(&self, request: &ReadRequest, now: Now) -> Result<PartitionRead, PartitionError> {
        let mut state = self.state.lock();
        let read = self.read_from(&mut state, request, now);
        // Also where something in front of it was given.
        if let LogState::Open(open) = &state.log
            && let Some(damage) = open.log.damage()
        {
            self.tell_damage(&mut state, &damage);
        }
        read
    }

    fn read_from(
        &self,
        state: &mut State,
        request: &ReadRequest,
        now: Now,
    ) -> Result<PartitionRead, PartitionError> {
        let State { log, image, config, .. } = state;
        let open = self.opened(log, image, config, now)?;
        check_epoch(open.leader.as_ref(), request.current_epoch)?;
        let ends = open.ends();
        let mut read = PartitionRead {
            records: nothing_at(request.offset),
            high_watermark: ends.high_watermark,
            last_stable: ends.last_stable,
            log_start: ends.log_start,
            divergence: divergence(&open.log, request),
            aborted: Vec::new(),
        };
        if read.divergence.is_some() {
            return Ok(read);
        }
        let upper = match request.isolation {
            Isolation::ReadUncommitted => ends.high_watermark,
            Isolation::ReadCommitted => ends.last_stable,
        };
        let limit =
            ReadLimit { max_bytes: request.bytes_max, at_least_one: request.at_least_one, upper };
        read.records = open.log.read(request.offset, limit)?;
        if request.isolation == Isolation::ReadCommitted && read.records.bytes > 0 {
            read.aborted = open.log.aborted_transactions(request.offset..read.records.next)?;
        }
        Ok(read)
    }

    /// The ends of the log, as its leader sees them.
    ///
    /// # Errors
    /// When this broker does not lead it in that epoch, or it cannot be opened.
    pub fn ends(&self, current_epoch: LeaderEpoch, now: Now) -> Result<Ends, PartitionError> {
        self.with_log(current_epoch, now, |log| log.ends)
    }

    /// Lets `f` look into the log, as its leader.
    ///
    /// # Errors
    /// When this broker does not lead it in that epoch, or it cannot be opened.
    pub fn with_log<T>(
        &self,
        current_epoch: LeaderEpoch,
        now: Now,
        f: impl FnOnce(LogView<'_>) -> T,
    ) -> Result<T, PartitionError> {
        let mut state = self.state.lock();
        let State { log, image, config, .. } = &mut *state;
        let open = self.opened(log, image, config, now)?;
        let leader = check_epoch(open.leader.as_ref(), current_epoch)?;
        let epoch = leader.epoch();
        let ends = open.ends();
        Ok(f(LogView { log: &mut open.log, ends, epoch }))
    }
}

/// Nothing was read.
fn nothing_at(offset: Offset) -> Read {
    Read { slices: Vec::new(), bytes: 0, first: offset, next: offset }
}

/// Where the reader's log has left this one, if it says what its last record's epoch was and that
/// epoch ended before here (KIP-320).
fn divergence(log: &Log, request: &ReadRequest) -> Option<Divergence> {
    if request.last_fetched_epoch == LeaderEpoch::NONE {
        return None;
    }
    let known = log.epoch_end(request.last_fetched_epoch)?;
    let left = known.epoch < request.last_fetched_epoch || !reaches(known.end, request.offset);
    left.then_some(Divergence { epoch: known.epoch, end: known.end })
}

fn reaches(end: EndOffset, offset: Offset) -> bool {
    offset.as_end() <= end
}

/// A log seen under its partition's lock.
pub struct LogView<'a> {
    /// The log.
    pub log: &'a mut Log,
    /// Its ends.
    pub ends: Ends,
    /// The epoch in which this broker leads it.
    pub epoch: LeaderEpoch,
}

fn check_epoch(leader: Option<&Leader>, asked: LeaderEpoch) -> Result<&Leader, PartitionError> {
    let leader = leader.ok_or(PartitionError::NotLeader)?;
    let current = leader.epoch();
    if asked == LeaderEpoch::NONE || asked == current {
        Ok(leader)
    } else if asked < current {
        Err(PartitionError::FencedEpoch { asked, current })
    } else {
        Err(PartitionError::UnknownEpoch { asked, current })
    }
}
