//! Making durable what was written.
//!
//! One sync is under way at a time; what is written meanwhile goes with the next one. It covers the
//! active segment, files written when a segment was closed, and folders with new names. A failed
//! sync is final: the system may have dropped the data and would call a second try a success.

use super::Log;
use super::types::SyncPlan;
use crate::disk::{DiskError, DiskFile};
use headwater_types::EndOffset;
use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;

/// Files and folders that a sync is to cover.
type Taken = (Vec<Arc<dyn DiskFile>>, Vec<PathBuf>);

/// What is durable and what is not.
#[derive(Debug, Default)]
pub(crate) struct SyncState {
    pub durable_end: EndOffset,
    /// Files besides the active segment.
    pub files: Vec<Arc<dyn DiskFile>>,
    pub folders: BTreeSet<PathBuf>,
    /// Counts truncations.
    pub truncations: u64,
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

    pub fn note_written(&mut self, records: u64, now_ms: i64) {
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
        let mut files = std::mem::take(&mut self.sync.files);
        let folders: Vec<_> = std::mem::take(&mut self.sync.folders).into_iter().collect();
        self.sync.taken = Some((files.clone(), folders.clone()));
        files.extend(self.active.as_ref().and_then(|active| active.file.clone()));
        self.sync.note_begun();
        self.sync.in_flight = Some(self.log_end);
        let truncations = self.sync.truncations;
        Some(SyncPlan { end: self.log_end, truncations, files, folders })
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
        if plan.folders.contains(&self.folder) && !self.sync.folders.contains(&self.folder) {
            self.removal_unsynced = false;
        }
        if plan.truncations == self.sync.truncations {
            self.sync.durable_end = self.sync.durable_end.max(plan.end);
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
        if let Some(plan) = self.begin_sync() {
            let result = plan.run(&*self.disk);
            self.complete_sync(plan, result)?;
        }
        Ok(())
    }
}
