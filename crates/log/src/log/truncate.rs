//! Cutting the end of a log off, when its records turn out not to be the leader's.
//!
//! Later segments go first, durably; only then the segment that holds the cut is shortened, so that
//! a crash in between leaves a log without a gap. A truncation is durable when it returns.

use super::Log;
use super::names::FileKind;
use super::read::Walk;
use super::segment::{Active, Segment};
use crate::disk::{DiskError, DiskTask, OpenMode};
use crate::error::{ChangeError, OpenError};
use headwater_types::{EndOffset, Offset};
use parking_lot::Mutex;
use std::sync::atomic::Ordering;

impl Log {
    /// Cuts off every record at or behind `end` (and the whole batch that holds it). Durable when
    /// it returns.
    ///
    /// The checkpointed recovery point must be lowered before anything is appended again: see
    /// [`LogFolder::write_checkpoints`](crate::LogFolder::write_checkpoints).
    ///
    /// # Errors
    /// When a file cannot be read or changed.
    pub fn truncate_to(&mut self, end: EndOffset, now_ms: i64) -> Result<(), ChangeError> {
        self.check_not_failed()?;
        if end >= self.log_end {
            return Ok(());
        }
        let first = self.segments().map(|(base, _)| base).next();
        if first.is_some_and(|first| end.0 < first) || end.0 < self.log_start.0 {
            return self.truncate_fully_and_start_at(end.next(), now_ms);
        }
        let result = self.cut(end, now_ms);
        self.after_change(result)
    }

    /// Drops everything and goes on at `start`. Durable when it returns.
    ///
    /// # Errors
    /// When a file cannot be changed.
    pub fn truncate_fully_and_start_at(
        &mut self,
        start: Offset,
        now_ms: i64,
    ) -> Result<(), ChangeError> {
        self.check_not_failed()?;
        let result = self.restart_at(start, now_ms);
        self.after_change(result)
    }

    fn check_not_failed(&self) -> Result<(), ChangeError> {
        match &self.failure {
            Some(failure) => Err(ChangeError::Offline(failure.clone())),
            None => self.check_sound().map_err(ChangeError::Damaged),
        }
    }

    /// Half a change leaves files that do not fit the state in memory: that is a failure for good.
    fn after_change(&mut self, result: Result<(), OpenError>) -> Result<(), ChangeError> {
        let error = match result {
            Ok(()) => return Ok(()),
            Err(OpenError::Disk(error)) => error,
            Err(other) => DiskError::new("cut", &self.folder, std::io::Error::other(other)),
        };
        Err(ChangeError::Offline(self.fail(error)))
    }

    fn cut(&mut self, end: EndOffset, now_ms: i64) -> Result<(), OpenError> {
        self.forget_positions();
        let bases: Vec<i64> = self.segments().map(|(base, _)| base).collect();
        let Some(last) = bases.iter().copied().rfind(|base| *base <= end.0) else { return Ok(()) };
        // What is left ends before the batch that goes, or (where offsets are missing) somewhere in
        // the segment: nobody must look for more after a crash.
        let (size, end) = match self.find(last, end.next())? {
            Some(batch) => (batch.position, end.min(EndOffset(batch.head.base))),
            None => (self.segment_size(last), EndOffset(last)),
        };
        self.sync.durable_end = self.sync.durable_end.min(end);
        self.sync.recovery_point = self.sync.recovery_point.min(end);
        if let Some(journal) = &self.journal {
            journal.truncate(&self.identity, last, size, end)?;
        }
        for base in bases.iter().copied().filter(|base| *base > last).rev() {
            self.drop_segment(base);
        }
        if let Some(failure) = &self.failure {
            return Err(OpenError::Disk(failure.clone()));
        }
        self.disk.run(&DiskTask::SyncFolder(self.folder.clone()))?;
        self.disk.forget_shared(&self.path(last, FileKind::Log));
        let file = self.disk.open(&self.path(last, FileKind::Log), OpenMode::ReadWrite)?;
        file.set_length(size)?;
        file.sync()?;
        self.log_end = EndOffset(last);
        self.reactivate(last, size, now_ms)?;
        if self.log_end.0 < self.log_start.0 {
            // The batch that held the cut also held the log's first record.
            return self.restart_at(self.log_start, now_ms);
        }
        if let Some(active) = &mut self.active {
            active.file = Some(file);
        }
        self.finish_cut()
    }

    /// Makes a segment the active one, walking it for its indexes.
    fn reactivate(&mut self, base: i64, size: u64, now_ms: i64) -> Result<(), OpenError> {
        let old_aborted = self.aborted_before_cut(base);
        let verified = match self.sealed.remove(&base) {
            Some(closed) => closed.verified,
            None => self.active.take().map(|active| active.verified).unwrap_or_default(),
        };
        let mut active = Active::new(base, now_ms, &self.tail_budget);
        self.active = Some(Active { size, ..Active::new(base, now_ms, &self.tail_budget) });
        let config = std::sync::Arc::clone(&self.config);
        let mut end = EndOffset(base);
        self.walk(base, 0, |batch, _| {
            active.note(&[batch.head], batch.head.size, &config);
            end = EndOffset::after(Offset(batch.head.last));
            Ok(Walk::On)
        })?;
        active.verified = verified.cut(size);
        active.aborted = old_aborted.into_iter().filter(|entry| entry.last.0 < end.0).collect();
        self.active = Some(active);
        self.log_end = end;
        Ok(())
    }

    /// The transaction index of a segment; empty when it cannot be read.
    fn aborted_before_cut(&self, base: i64) -> Vec<super::AbortedTransaction> {
        self.aborted_in(base).unwrap_or_default()
    }

    /// Brings everything else to the new end, durably.
    fn finish_cut(&mut self) -> Result<(), OpenError> {
        self.epochs_dirty |= self.epochs.truncate_from_end(self.log_end);
        self.write_epochs()?;
        let snapshots = self.snapshots()?;
        for at in snapshots.iter().filter(|at| **at > self.log_end.0) {
            self.disk.run(&DiskTask::Unlink(self.path(*at, FileKind::Snapshot)))?;
        }
        self.load_producers(self.log_end.0, self.log_end.0, &snapshots)?;
        self.sync.folders.insert(self.folder.clone());
        self.sync_now()?;
        self.sync.durable_end = self.log_end;
        Ok(())
    }

    fn snapshots(&self) -> Result<Vec<i64>, OpenError> {
        let entries = self.disk.list(&self.folder)?;
        Ok(entries
            .iter()
            .filter_map(|entry| match super::names::Name::parse(&entry.name) {
                super::names::Name::Live { base, kind: FileKind::Snapshot } => Some(base),
                _ => None,
            })
            .collect())
    }

    /// Removes all segments and begins an empty one.
    pub(super) fn restart_at(&mut self, start: Offset, now_ms: i64) -> Result<(), OpenError> {
        self.forget_positions();
        let bases: Vec<i64> = self.segments().map(|(base, _)| base).collect();
        let had_files = !bases.is_empty();
        if let Some(journal) = &self.journal {
            // Until the new segment is there nothing is known to be.
            journal.truncate(&self.identity, -1, 0, EndOffset(0))?;
        }
        for base in bases.into_iter().rev() {
            self.drop_segment(base);
        }
        if let Some(failure) = &self.failure {
            return Err(OpenError::Disk(failure.clone()));
        }
        self.log_start = start;
        self.log_end = start.as_end();
        self.sync.durable_end = self.log_end;
        self.sync.recovery_point = self.log_end;
        self.producers = Default::default();
        let epochs = std::mem::take(&mut self.epochs);
        self.epochs_dirty |= !epochs.entries().is_empty();
        if had_files {
            // The last of the old segments and the new one would make a log with a gap.
            self.disk.run(&DiskTask::SyncFolder(self.folder.clone()))?;
            for at in self.snapshots()? {
                self.disk.run(&DiskTask::Unlink(self.path(at, FileKind::Snapshot)))?;
            }
            self.begin_segment(start.0, now_ms)?;
            self.write_epochs()?;
            self.sync_now()?;
        }
        Ok(())
    }

    pub(super) fn drop_segment(&mut self, base: i64) {
        self.sealed.remove(&base);
        if self.active.as_ref().is_some_and(|active| active.base == base) {
            self.active = None;
        }
        self.remove_segment_files(base);
    }

    /// Makes the active segment a closed one, without beginning another.
    pub(super) fn seal_active(&mut self) {
        let Some(old) = self.active.take() else { return };
        let largest = old.largest_timestamp();
        if let Some(file) = old.file {
            if self.config.preallocate {
                // Gives back what was reserved and not used. It is only space.
                let _ = file.set_length(old.size);
            }
            self.sync.files.push(file);
        }
        let segment = Segment {
            size: old.size,
            modified_ms: old.modified_ms,
            largest_timestamp: Mutex::new(Some(largest)),
            verified: old.verified,
        };
        self.sealed.insert(old.base, segment);
    }

    /// Forgets where things are, and disowns a sync that is under way.
    fn forget_positions(&mut self) {
        self.cursors.clear();
        // Before the journal learns of it: a commit under way looks at the count once it may write.
        self.sync.truncations.fetch_add(1, Ordering::SeqCst);
        self.sync.unsynced.give_up();
        if let Some(active) = &mut self.active {
            active.tail.clear();
        }
    }
}
