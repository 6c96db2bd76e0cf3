//! Replicas on their way from one log folder of this broker to another (KIP-113).
//!
//! A move copies the log batch by batch into a folder that is no replica yet, beside the requests. At
//! its end, under the partition's lock, the rest is copied and synced, the copy gets the replica's
//! name, the old folder gives its own up, and the partition serves from the new one. Which folder
//! holds a replica is said by the folders themselves; the metadata is told afterwards. Where a crash
//! left both, they hold the same, and the one that the metadata names stays.
//!
//! Steps run on an I/O thread, a bounded number of bytes each, so that moves take turns.

use crate::facts::{Fact, Facts};
use crate::folder::Folder;
use crate::outbox::{Effect, Outbox, Pool};
use crate::partition::{Finish, Partition, PartitionError, Source};
use crate::time::Now;
use bytes::Bytes;
use headwater_log::{
    AppendError, ChangeError, Disk, DiskError, FolderError, FutureLog, Log, LogConfig, OpenError,
    Read, ReadSlice,
};
use headwater_protocol::records::{BatchError, BatchLimits, ReceivedBatches};
use headwater_types::{EndOffset, Offset, Uuid};
use parking_lot::Mutex;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Weak};
use thiserror::Error;

/// Read and appended at once, in bytes; a larger batch is taken whole.
pub(crate) const CHUNK_BYTES: usize = 1 << 20;
/// Copied before another move has its turn, in bytes.
const STEP_BYTES: i64 = 8 << 20;
/// An allowance that is never used up.
const UNLIMITED: i64 = i64::MAX;

/// Why a move ended before its end.
#[derive(Debug, Error)]
pub(crate) enum MoveError {
    #[error(transparent)]
    Partition(#[from] PartitionError),
    #[error(transparent)]
    Append(#[from] AppendError),
    #[error(transparent)]
    Change(#[from] ChangeError),
    #[error(transparent)]
    Open(#[from] OpenError),
    #[error(transparent)]
    Folder(#[from] FolderError),
    #[error(transparent)]
    Disk(#[from] DiskError),
    #[error("a batch cannot be copied: {0}")]
    Batch(#[from] BatchError),
}

/// One replica on its way.
pub(crate) struct Move {
    partition: Arc<Partition>,
    from: Arc<Folder>,
    to: Arc<Folder>,
    /// Part of the copy's name.
    unique: Uuid,
    copy: Mutex<Copy>,
    /// End of the copy, and its bytes, for whoever asks.
    end: AtomicI64,
    size_bytes: AtomicU64,
    /// Bytes that may be copied before more are allowed.
    allowance: AtomicI64,
    /// Whether a step is queued or running.
    queued: AtomicBool,
    /// Whether the partition's syncs are held for its end, which therefore is not put off.
    ending: AtomicBool,
    over: AtomicBool,
    moves: Weak<Moves>,
}

/// What was copied so far.
#[derive(Default)]
pub(crate) struct Copy {
    future: Option<FutureLog>,
}

/// How a step ended.
enum Step {
    /// There is more to do.
    More,
    /// There is more to do later: somebody queues the next step.
    Later,
    /// It arrived, or was given up.
    Over,
}

impl Move {
    pub fn new(partition: &Arc<Partition>, to: &Arc<Folder>, moves: &Arc<Moves>) -> Self {
        Self {
            partition: Arc::clone(partition),
            from: partition.folder(),
            to: Arc::clone(to),
            unique: moves.unique(),
            copy: Mutex::default(),
            end: AtomicI64::new(0),
            size_bytes: AtomicU64::new(0),
            allowance: AtomicI64::new(UNLIMITED),
            queued: AtomicBool::new(false),
            ending: AtomicBool::new(false),
            over: AtomicBool::new(false),
            moves: Arc::downgrade(moves),
        }
    }

    /// Where it goes.
    pub fn to(&self) -> &Arc<Folder> {
        &self.to
    }

    /// Where it comes from.
    pub fn from(&self) -> &Arc<Folder> {
        &self.from
    }

    /// Part of the copy's name.
    pub fn unique(&self) -> Uuid {
        self.unique
    }

    /// End of the copy, and its bytes.
    pub fn progress(&self) -> (EndOffset, u64) {
        let end = EndOffset(self.end.load(Ordering::Relaxed));
        (end, self.size_bytes.load(Ordering::Relaxed))
    }

    /// Has the next step done, unless one is queued already.
    pub fn queue(self: &Arc<Self>, out: &mut Outbox) {
        let Some(moves) = self.moves.upgrade() else { return };
        if self.queued.swap(true, Ordering::AcqRel) {
            return;
        }
        let this = Arc::clone(self);
        let task = Box::new(move |out: &mut Outbox| this.step(&moves, out));
        out.push(Effect::Task { pool: Pool::Background, task });
    }

    fn step(self: &Arc<Self>, moves: &Arc<Moves>, out: &mut Outbox) {
        let now = *moves.now.lock();
        let mut copy = self.copy.lock();
        self.queued.store(false, Ordering::Release);
        if self.over.load(Ordering::Acquire) || moves.stopped.load(Ordering::Acquire) {
            return;
        }
        match self.advance(&mut copy, now, out) {
            Ok(Step::More) => self.queue(out),
            Ok(Step::Later) => {}
            Ok(Step::Over) => self.end(&mut copy),
            Err(error) => {
                self.partition.give_up_move(self);
                self.end(&mut copy);
                moves.facts.note(Fact::MoveFailed {
                    replica: self.partition.replica_in(&self.from),
                    to: self.to.path().to_owned(),
                    problem: error.to_string(),
                });
            }
        }
    }

    fn end(&self, copy: &mut Copy) {
        self.over.store(true, Ordering::Release);
        if let Some(future) = copy.future.take() {
            // What cannot be put away now is put away by the next start.
            let _ = self.to.log_folder().discard_future(future);
        }
    }

    fn advance(
        self: &Arc<Self>,
        copy: &mut Copy,
        now: Now,
        out: &mut Outbox,
    ) -> Result<Step, MoveError> {
        if self.partition.needs_opening() {
            self.partition.open_here(now, out);
        }
        let mut left = STEP_BYTES;
        loop {
            let ending = self.ending.load(Ordering::Acquire);
            if !ending && self.allowance.load(Ordering::Acquire) <= 0 {
                return Ok(Step::Later);
            }
            let (read, config) = match self.partition.next_to_copy(self, copy.position())? {
                Source::Gone => return Ok(Step::Over),
                Source::NotOpen => return Ok(Step::Later),
                Source::StartsLater { start } => {
                    copy.restart_at(start, now)?;
                    continue;
                }
                Source::Records { read, config } => (read, config),
                Source::End => break,
            };
            let bytes = self.append(copy, read, &config, now)?;
            left -= bytes;
            if self.allowance.load(Ordering::Acquire) != UNLIMITED {
                self.allowance.fetch_sub(bytes, Ordering::AcqRel);
            }
            if left <= 0 {
                return Ok(Step::More);
            }
        }
        // As much as possible before the partition's lock is taken.
        copy.sync(self.to.disk())?;
        Ok(match self.partition.finish_move(self, copy, now, out)? {
            Finish::Done | Finish::Gone => Step::Over,
            Finish::AfterSync => {
                self.ending.store(true, Ordering::Release);
                Step::Later
            }
        })
    }

    /// Appends what was read to the copy; gives its bytes.
    pub fn append(
        &self,
        copy: &mut Copy,
        read: Read,
        config: &Arc<LogConfig>,
        now: Now,
    ) -> Result<i64, MoveError> {
        let future = match &mut copy.future {
            Some(future) => future,
            none => {
                let created = self.to.log_folder().create_future(
                    &self.partition.identity(),
                    self.unique,
                    read.first,
                    Arc::clone(config),
                    now.wall_ms,
                )?;
                none.insert(created)
            }
        };
        let log = future.log();
        for slice in read.slices {
            for batch in ReceivedBatches::parse(bytes_of(slice)?, BatchLimits::NONE)? {
                let batch = batch.validate()?;
                take_size(log, config, batch.size_bytes());
                log.append_as_follower(vec![batch], now.wall_ms)?;
            }
        }
        self.end.store(log.log_end().0, Ordering::Relaxed);
        self.size_bytes.store(log.size_bytes(), Ordering::Relaxed);
        Ok(i64::try_from(read.bytes).unwrap_or(i64::MAX))
    }
}

/// Has the copy take a batch that is larger than segments may be by now.
fn take_size(log: &mut Log, config: &Arc<LogConfig>, bytes: usize) {
    let bytes = u32::try_from(bytes).unwrap_or(u32::MAX);
    if bytes > log.config().segment_bytes {
        log.set_config(Arc::new(LogConfig { segment_bytes: bytes, ..(**config).clone() }));
    }
}

fn bytes_of(slice: ReadSlice) -> Result<Bytes, DiskError> {
    match slice {
        ReadSlice::Memory(bytes) => Ok(bytes),
        ReadSlice::File(slice) => {
            let mut bytes = vec![0; usize::try_from(slice.length).unwrap_or(0)];
            let read = slice.file.read_at(&mut bytes, slice.position)?;
            bytes.truncate(read);
            Ok(Bytes::from(bytes))
        }
    }
}

impl Copy {
    /// Where to go on reading; `None` at the start.
    pub fn position(&mut self) -> Option<Offset> {
        self.future.as_mut().map(|future| future.log().log_end().next())
    }

    /// Takes the copy out, for its promotion.
    pub fn take(&mut self) -> Option<FutureLog> {
        self.future.take()
    }

    /// What was copied was deleted meanwhile: the log begins there now.
    pub fn restart_at(&mut self, start: Offset, now: Now) -> Result<(), MoveError> {
        if let Some(future) = &mut self.future {
            future.log().truncate_fully_and_start_at(start, now.wall_ms)?;
        }
        Ok(())
    }

    fn sync(&mut self, disk: &Arc<dyn Disk>) -> Result<(), MoveError> {
        let Some(future) = &mut self.future else { return Ok(()) };
        let log = future.log();
        if let Some(plan) = log.begin_sync() {
            let result = plan.run(&**disk);
            log.complete_sync(plan, result)?;
        }
        Ok(())
    }
}

/// All moves of a broker.
#[derive(Default)]
pub(crate) struct Moves {
    under_way: Mutex<Vec<Arc<Move>>>,
    facts: Arc<Facts>,
    stopped: AtomicBool,
    /// Makes names of copies that were never used before: drawn at the start, then counted.
    seed: u64,
    count: AtomicU64,
    /// The time when it was last told.
    now: Mutex<Now>,
}

impl Moves {
    pub fn new(seed: u64, facts: Arc<Facts>) -> Self {
        Self { seed, facts, ..Self::default() }
    }

    /// What no copy of a partition was named after yet.
    pub fn unique(&self) -> Uuid {
        let count = self.count.fetch_add(1, Ordering::Relaxed);
        let wide = (u128::from(self.seed) << 64) | u128::from(count);
        Uuid(wide.to_be_bytes())
    }

    /// Takes a new one in and has it begin.
    pub fn begin(&self, new: &Arc<Move>, rate: Option<u64>, now: Now, out: &mut Outbox) {
        if rate.is_some() {
            // The next tick allows the first bytes.
            new.allowance.store(0, Ordering::Release);
        }
        *self.now.lock() = now;
        self.under_way.lock().push(Arc::clone(new));
        new.queue(out);
    }

    /// Time has passed: `rate`, in bytes a second, allows more to be copied.
    pub fn tick(&self, rate: Option<u64>, now: Now, out: &mut Outbox) {
        let before = std::mem::replace(&mut *self.now.lock(), now);
        let passed_ms = now.monotonic_ms.saturating_sub(before.monotonic_ms).min(1_000);
        let mut under_way = self.under_way.lock();
        under_way.retain(|one| !one.over.load(Ordering::Acquire));
        let count = u64::try_from(under_way.len()).unwrap_or(1).max(1);
        for one in &*under_way {
            match rate {
                None => one.allowance.store(UNLIMITED, Ordering::Release),
                Some(rate) => {
                    let share = rate.saturating_mul(passed_ms) / 1_000 / count;
                    let share = i64::try_from(share).unwrap_or(UNLIMITED);
                    // Nothing is saved up, but what was taken too much is paid back.
                    let before = one.allowance.load(Ordering::Acquire).min(0);
                    one.allowance.store(before.saturating_add(share), Ordering::Release);
                }
            }
            one.queue(out);
        }
    }

    /// Nothing is copied any more: the broker stops. Copies that are not finished are put away by
    /// the next start.
    pub fn stop(&self) {
        self.stopped.store(true, Ordering::Release);
        for one in std::mem::take(&mut *self.under_way.lock()) {
            one.partition.give_up_move(&one);
        }
    }
}
