//! Making durable what was written.
//!
//! One sync is under way at a time; what is written meanwhile goes with the next one. It covers the
//! active segment, files written when a segment was closed, and folders with new names. A failed
//! sync is final: the system may have dropped the data and would call a second try a success.
//!
//! Where the log is in a folder with a journal, small appends are kept until their sync, so that
//! the journal can take them. Every [`CHECKPOINT_BYTES`] the log's own files are synced, with its
//! indexes and producers as they are then: a recovery begins there.

use super::Log;
use super::names::FileKind;
use super::roll::IndexEnd;
use super::types::SyncPlan;
use crate::disk::{DiskError, DiskFile, DiskTask, NO_TOKEN};
use crate::journal::{Journalable, Unsynced};
use headwater_types::EndOffset;
use std::collections::{BTreeSet, VecDeque};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// Files and folders that a sync is to cover.
type Taken = (Vec<Arc<dyn DiskFile>>, Vec<PathBuf>);

/// Bytes appended after which the log's own files are synced and the recovery point moves: a
/// recovery reads about as many.
const CHECKPOINT_BYTES: u64 = 32 << 20;
/// A checkpoint's producer snapshot is at most this part of what was appended since the last one.
const SNAPSHOT_SHARE: u64 = 16;
/// Snapshots of checkpoints that are kept; those at the beginnings of segments stay.
const SNAPSHOTS_KEPT: usize = 2;

/// What is durable and what is not.
#[derive(Debug, Default)]
pub(crate) struct SyncState {
    pub durable_end: EndOffset,
    /// Everything before it is durable in the log's own files; `<= durable_end`.
    pub recovery_point: EndOffset,
    /// Files besides the active segment.
    pub files: Vec<Arc<dyn DiskFile>>,
    pub folders: BTreeSet<PathBuf>,
    /// Counts truncations.
    pub truncations: Arc<AtomicU64>,
    /// For the journal.
    pub unsynced: Unsynced,
    /// Appended since the last checkpoint.
    bytes_since_checkpoint: u64,
    /// Where checkpoints have left snapshots.
    snapshots: VecDeque<i64>,
    /// What the sync under way covers.
    pub in_flight: Option<EndOffset>,
    /// What the sync under way took from `files` and `folders`.
    taken: Option<Taken>,
    /// Records written since the last sync began, and when the first of them was.
    pub records: u64,
    pub since_ms: Option<i64>,
}

impl SyncState {
    /// Whether something is neither durable nor about to be.
    pub fn is_dirty(&self, log_end: EndOffset) -> bool {
        let covered = self.in_flight.unwrap_or(self.durable_end).max(self.durable_end);
        covered < log_end || !self.files.is_empty() || !self.folders.is_empty()
    }

    pub fn note_written(&mut self, records: u64, bytes: usize, now_ms: i64) {
        self.bytes_since_checkpoint += bytes as u64;
        self.records += records;
        self.since_ms.get_or_insert(now_ms);
    }

    fn note_begun(&mut self) {
        self.records = 0;
        self.since_ms = None;
    }
}

impl Log {
    /// End of what is on stable storage.
    pub fn durable_end(&self) -> EndOffset {
        self.sync.durable_end
    }

    /// Everything before it is on stable storage in the log's own files: what is to be checkpointed.
    pub fn recovery_point(&self) -> EndOffset {
        self.sync.recovery_point
    }

    /// Whether something was written that is neither durable nor being made so.
    pub fn is_dirty(&self) -> bool {
        self.failure.is_none() && self.sync.is_dirty(self.log_end)
    }

    /// Whether a sync is due though nobody may wait for one: `flush.messages` or `flush.ms` ask for
    /// it, or a segment was closed, which lets the recovery point move and frees its handles.
    pub fn sync_due(&self, now_ms: i64) -> bool {
        let waited_ms = self.sync.since_ms.map(|since| now_ms.saturating_sub(since));
        let old = |waited_ms: i64| {
            u64::try_from(waited_ms).is_ok_and(|waited_ms| waited_ms >= self.config.flush_ms)
        };
        self.is_dirty()
            && (self.sync.records >= self.config.flush_messages
                || waited_ms.is_some_and(old)
                || !self.sync.files.is_empty())
    }

    /// Begins to make durable what was written; `None` when there is nothing to do or a sync is
    /// under way. Submit [`SyncPlan::task`], and give the plan back to
    /// [`complete_sync`](Self::complete_sync) with the result.
    pub fn begin_sync(&mut self) -> Option<SyncPlan> {
        if self.sync.in_flight.is_some() || !self.is_dirty() {
            return None;
        }
        if self.checkpoint_is_due() {
            self.write_checkpoint();
        }
        // A recovery takes the epochs before the recovery point from their file.
        let epochs_written = self.write_epochs().is_ok();
        // A removal that is not durable holds up the next one.
        if self.removal_unsynced || !self.config.journaled {
            self.sync.unsynced.give_up();
        }
        let mut files = std::mem::take(&mut self.sync.files);
        let folders: Vec<_> = std::mem::take(&mut self.sync.folders).into_iter().collect();
        self.sync.taken = Some((files.clone(), folders.clone()));
        files.extend(self.active.as_ref().and_then(|active| active.file.clone()));
        self.sync.note_begun();
        self.sync.in_flight = Some(self.log_end);
        let truncations = self.sync.truncations.load(Ordering::SeqCst);
        let journalable = self.journalable();
        let in_journal = journalable.as_ref().is_some_and(|of| of.extents.is_some());
        let moves_recovery_point = epochs_written && !in_journal;
        Some(SyncPlan {
            end: self.log_end,
            truncations,
            files,
            folders,
            journalable,
            moves_recovery_point,
        })
    }

    fn journalable(&mut self) -> Option<Arc<Journalable>> {
        let journal = Arc::clone(self.journal.as_ref()?);
        let (extents, retained) = self.sync.unsynced.take().unzip();
        Some(Arc::new(Journalable {
            journal,
            identity: Arc::clone(&self.identity),
            folder: self.folder.clone(),
            truncations: Arc::clone(&self.sync.truncations),
            extents,
            _retained: retained.unwrap_or_default(),
        }))
    }

    fn checkpoint_is_due(&self) -> bool {
        let snapshot_bytes = self.producers.snapshot_bytes() as u64;
        let due = CHECKPOINT_BYTES.max(snapshot_bytes.saturating_mul(SNAPSHOT_SHARE));
        self.journal.is_some() && self.sync.bytes_since_checkpoint >= due
    }

    /// Writes what a recovery needs to begin at the log's end; the sync that follows makes it
    /// durable. Where it fails the recovery begins earlier: all of it can be made anew.
    fn write_checkpoint(&mut self) {
        self.sync.bytes_since_checkpoint = 0;
        self.sync.unsynced.give_up();
        let end = self.log_end.0;
        let written = self
            .write_indexes(IndexEnd::Open)
            .and_then(|()| self.write_snapshot(end))
            .and_then(|()| self.write_epochs());
        if written.is_err() {
            return;
        }
        self.sync.snapshots.push_back(end);
        if self.sync.snapshots.len() > SNAPSHOTS_KEPT
            && let Some(old) = self.sync.snapshots.pop_front()
            && !self.segments().any(|(base, _)| base == old)
        {
            let task = DiskTask::Unlink(self.path(old, FileKind::Snapshot));
            // Where the queue is full the next start removes it.
            let _ = self.disk.submit(NO_TOKEN, task);
        }
    }

    /// Ends a sync. Returns the durable end.
    ///
    /// # Errors
    /// When the sync failed, which is final: nothing is appended any more.
    pub fn complete_sync(
        &mut self,
        plan: SyncPlan,
        result: Result<(), DiskError>,
    ) -> Result<EndOffset, DiskError> {
        self.sync.in_flight = None;
        self.sync.taken = None;
        if let Err(error) = result {
            return Err(self.fail(error));
        }
        if let Some(failure) = &self.failure {
            // What failed meanwhile may have been dropped before this sync could write it.
            return Err(failure.clone());
        }
        if plan.folders.contains(&self.folder) && !self.sync.folders.contains(&self.folder) {
            self.removal_unsynced = false;
        }
        if plan.truncations == self.sync.truncations.load(Ordering::SeqCst) {
            self.sync.durable_end = self.sync.durable_end.max(plan.end);
            if plan.moves_recovery_point {
                self.sync.recovery_point = self.sync.recovery_point.max(plan.end);
            }
        }
        if self.disk.handles_are_scarce() {
            self.release_handle();
        }
        Ok(self.sync.durable_end)
    }

    /// Syncs everything on this thread.
    pub(super) fn sync_now(&mut self) -> Result<(), DiskError> {
        // A sync under way elsewhere is not waited for: what it took is synced here too.
        if self.sync.in_flight.take().is_some() {
            let (files, folders) = self.sync.taken.take().unwrap_or_default();
            self.sync.files.extend(files);
            self.sync.folders.extend(folders);
        }
        if self.is_dirty() {
            self.sync.unsynced.give_up();
        }
        if let Some(plan) = self.begin_sync() {
            let result = plan.run(&*self.disk);
            self.complete_sync(plan, result)?;
        }
        Ok(())
    }
}
