//! A partition's side of its move to another log folder: see [`crate::moves`].

use super::lifecycle::leader_of;
use super::{LogState, OpenLog, Partition, PartitionError, State};
use crate::facts::{Fact, Replica};
use crate::folder::Folder;
use crate::moves::{CHUNK_BYTES, Copy, Move, MoveError, Moves};
use crate::outbox::Outbox;
use crate::time::Now;
use headwater_log::{Log, LogConfig, Read, ReadError, ReadLimit};
use headwater_types::Offset;
use std::sync::Arc;

/// A copy of a replica on its way to another folder.
pub struct FutureStatus {
    /// Where it goes.
    pub folder: Arc<Folder>,
    /// Its bytes.
    pub size_bytes: u64,
    /// Offsets that it lags behind the replica.
    pub offset_lag: i64,
}

/// What there is to copy next.
pub(crate) enum Source {
    /// Nothing any more: the move was called off, or the partition is gone.
    Gone,
    /// The log is being opened by somebody else.
    NotOpen,
    /// What was copied was deleted meanwhile: the log begins there now.
    StartsLater { start: Offset },
    /// These batches.
    Records { read: Read, config: Arc<LogConfig> },
    /// Nothing for the moment.
    End,
}

/// How the end of a move went.
pub(crate) enum Finish {
    /// The partition serves from its new folder.
    Done,
    /// It was called off, or the partition is gone.
    Gone,
    /// A sync is under way; its end has the move go on.
    AfterSync,
}

impl Partition {
    /// Decides on a wish to have the replica in a folder: `Some` is a move to begin. One to another
    /// folder that is under way is called off.
    ///
    /// # Errors
    /// When the partition is out of service.
    pub(crate) fn wish_for_folder(
        self: &Arc<Self>,
        to: &Arc<Folder>,
        moves: &Arc<Moves>,
    ) -> Result<Option<Arc<Move>>, PartitionError> {
        let mut state = self.state.lock();
        match &state.log {
            LogState::Offline(reason) => return Err(PartitionError::Offline(Arc::clone(reason))),
            LogState::Deleted => return Err(PartitionError::Deleted),
            LogState::Unopened { .. } | LogState::Opening | LogState::Open(_) => {}
        }
        if Arc::ptr_eq(&self.folder(), to) {
            state.moving = None;
            self.end_hold(&mut state);
            return Ok(None);
        }
        if state.moving.as_ref().is_some_and(|moving| Arc::ptr_eq(moving.to(), to)) {
            return Ok(None);
        }
        let new = Arc::new(Move::new(self, to, moves));
        state.moving = Some(Arc::clone(&new));
        self.end_hold(&mut state);
        Ok(Some(new))
    }

    /// What is to be copied from `from` on, or from the log's start.
    pub(crate) fn next_to_copy(
        &self,
        moving: &Arc<Move>,
        from: Option<Offset>,
    ) -> Result<Source, MoveError> {
        let state = self.state.lock();
        if !state.is_moved_by(moving) {
            return Ok(Source::Gone);
        }
        match &state.log {
            LogState::Open(open) => next_in(&open.log, from),
            LogState::Unopened { has_files: false } => Ok(Source::End),
            LogState::Unopened { has_files: true } | LogState::Opening => Ok(Source::NotOpen),
            LogState::Offline(_) | LogState::Deleted => Ok(Source::Gone),
        }
    }

    /// Copies what is left and has the partition served from its new folder.
    pub(crate) fn finish_move(
        self: &Arc<Self>,
        moving: &Arc<Move>,
        copy: &mut Copy,
        now: Now,
        out: &mut Outbox,
    ) -> Result<Finish, MoveError> {
        let mut state = self.state.lock();
        if !state.is_moved_by(moving) {
            return Ok(Finish::Gone);
        }
        if state.syncing {
            // Its plan is the old log's. No other begins meanwhile.
            state.held_for_move = true;
            return Ok(Finish::AfterSync);
        }
        let State { log, image, config, waiters, .. } = &mut *state;
        match log {
            LogState::Open(open) => {
                copy_rest(moving, open, copy, now)?;
                let before = open.high_watermark();
                match self.change_folder(moving, open, copy, now) {
                    Ok(Some(new_log)) => {
                        let leader = leader_of(self.me, image, config, &new_log, Some(before));
                        **open = OpenLog { log: new_log, leader };
                        // All of it was synced on the way.
                        let after = open.high_watermark();
                        if after > before {
                            waiters.moved(after, out);
                        }
                    }
                    Ok(None) => *log = LogState::Unopened { has_files: false },
                    Err(Stuck::Here(error)) => return Err(error),
                    Err(Stuck::Between(error)) => {
                        *log = LogState::Offline(Arc::from(error.to_string()));
                        waiters.wake_all(out);
                        return Err(error);
                    }
                }
            }
            // There is nothing to take along.
            LogState::Unopened { has_files: false } => {}
            _ => return Ok(Finish::Gone),
        }
        state.listed_dirty = false;
        state.held_for_move = false;
        state.moving = None;
        self.folder.store(Arc::clone(moving.to()));
        self.facts.note(Fact::ReplicaMoved {
            replica: self.replica_in(moving.to()),
            from: moving.from().path().to_owned(),
        });
        Ok(Finish::Done)
    }

    /// Makes the copy, which holds everything, the replica and has the old folder give its own up, durably.
    fn change_folder(
        &self,
        moving: &Move,
        open: &OpenLog,
        copy: &mut Copy,
        now: Now,
    ) -> Result<Option<Log>, Stuck> {
        let identity = self.identity();
        let (from, to) = (moving.from().log_folder(), moving.to().log_folder());
        let future = match copy.take() {
            Some(future) => future,
            None if open.log.segments_count() == 0 && open.log.log_end().0 == 0 => return Ok(None),
            None => {
                let config = Arc::clone(open.log.config());
                let start = open.log.log_end().next();
                to.create_future(&identity, moving.unique(), start, config, now.wall_ms)
                    .map_err(|error| Stuck::Here(error.into()))?
            }
        };
        let new_log = to
            .promote_future(future, &open.log, open.high_watermark(), now.wall_ms)
            .map_err(|error| Stuck::Here(error.into()))?;
        if let Err(error) = from.delete_log(&identity, moving.unique()) {
            // With both there the old one must stay the one, for the metadata says so.
            return Err(match to.delete_log(&identity, moving.unique()) {
                Ok(()) => Stuck::Here(error.into()),
                Err(_) => Stuck::Between(error.into()),
            });
        }
        Ok(Some(new_log))
    }

    /// A move has failed: the replica stays where it is.
    pub(crate) fn give_up_move(self: &Arc<Self>, moving: &Arc<Move>) {
        let mut state = self.state.lock();
        if !state.is_moved_by(moving) {
            return;
        }
        state.moving = None;
        self.end_hold(&mut state);
    }

    /// Syncs may begin again; what became dirty meanwhile is listed.
    pub(super) fn end_hold(self: &Arc<Self>, state: &mut State) {
        if !std::mem::take(&mut state.held_for_move) {
            return;
        }
        if let LogState::Open(open) = &state.log
            && open.log.is_dirty()
            && !state.listed_dirty
        {
            state.listed_dirty = true;
            self.folder.load().mark_dirty(Arc::clone(self));
        }
    }

    /// A sync has ended that a move waited for.
    pub(super) fn resume_move(self: &Arc<Self>, state: &mut State, out: &mut Outbox) {
        if !state.held_for_move {
            return;
        }
        match &state.moving {
            Some(moving) => moving.queue(out),
            None => self.end_hold(state),
        }
    }

    /// The copy that is on its way to another folder, if there is one.
    pub fn future(&self) -> Option<FutureStatus> {
        let state = self.state.lock();
        let moving = state.moving.as_ref()?;
        let (end, size_bytes) = moving.progress();
        let log_end = match &state.log {
            LogState::Open(open) => open.log.log_end(),
            _ => end,
        };
        Some(FutureStatus {
            folder: Arc::clone(moving.to()),
            size_bytes,
            offset_lag: log_end.0.saturating_sub(end.0).max(0),
        })
    }

    /// How a fact names it, held in this folder.
    pub(crate) fn replica_in(&self, folder: &Folder) -> Replica {
        Replica {
            topic: Arc::clone(&self.name),
            partition: self.id.partition,
            folder: folder.path().to_owned(),
        }
    }
}

/// Why a replica has not changed its folder.
enum Stuck {
    /// It is where it was.
    Here(MoveError),
    /// It is in both, and the old one cannot be told from the new one for long.
    Between(MoveError),
}

impl State {
    fn is_moved_by(&self, moving: &Arc<Move>) -> bool {
        self.moving.as_ref().is_some_and(|current| Arc::ptr_eq(current, moving))
    }
}

fn copy_rest(moving: &Move, open: &OpenLog, copy: &mut Copy, now: Now) -> Result<(), MoveError> {
    loop {
        match next_in(&open.log, copy.position())? {
            Source::Records { read, config } => {
                moving.append(copy, read, &config, now)?;
            }
            Source::StartsLater { start } => copy.restart_at(start, now)?,
            Source::Gone | Source::NotOpen | Source::End => return Ok(()),
        }
    }
}

fn next_in(log: &Log, from: Option<Offset>) -> Result<Source, MoveError> {
    let start = from.unwrap_or_else(|| log.log_start());
    let limit = ReadLimit { max_bytes: CHUNK_BYTES, at_least_one: true, upper: log.log_end() };
    match log.read(start, limit) {
        Ok(read) if read.bytes > 0 => {
            Ok(Source::Records { read, config: Arc::clone(log.config()) })
        }
        Ok(_) => Ok(Source::End),
        Err(ReadError::OutOfRange { start, .. }) => Ok(Source::StartsLater { start }),
        Err(error) => Err(PartitionError::from(error).into()),
    }
}
