//! Letting go of what is old: by time, by size, and before the start of the log.

use super::Log;
use super::names::{FileKind, deleted_path};
use super::types::RetentionOutcome;
use crate::disk::{DiskError, DiskTask};
use crate::error::ChangeError;
use headwater_types::{EndOffset, Offset};
use std::path::Path;

/// A log that was not appended to for so long gives back its memory and its handle.
const IDLE_MS: i64 = 60_000;

impl Log {
    /// Deletes the records before an offset (DeleteRecords); whole segments go with the next
    /// [`apply_retention`](Self::apply_retention). Returns the log's first offset. It is durable
    /// once it was checkpointed.
    ///
    /// # Errors
    /// When the offset is beyond the high watermark.
    pub fn delete_records(
        &mut self,
        before: Offset,
        high_watermark: EndOffset,
    ) -> Result<Offset, ChangeError> {
        self.check_sound().map_err(ChangeError::Damaged)?;
        let limit = high_watermark.min(self.log_end);
        if before.0 > limit.0 {
            return Err(ChangeError::OutOfRange { offset: before, limit });
        }
        if before > self.log_start {
            self.move_start(before);
        }
        Ok(self.log_start)
    }

    fn move_start(&mut self, start: Offset) {
        self.log_start = start;
        self.epochs_dirty |= self.epochs.truncate_from_start(start);
    }

    /// Takes out segments that are too old, too much or before the start, forgets expired
    /// producers, and removes the files of segments taken out long enough ago. Of a quarantined log
    /// no segment is taken out.
    ///
    /// # Errors
    /// When a file cannot be read, renamed or removed.
    pub fn apply_retention(
        &mut self,
        now_ms: i64,
        high_watermark: EndOffset,
    ) -> Result<RetentionOutcome, ChangeError> {
        if let Some(failure) = &self.failure {
            return Err(ChangeError::Offline(failure.clone()));
        }
        self.producers.forget_committed(high_watermark);
        self.producers.expire(now_ms, self.config.producer_id_expiration_ms);
        self.unlink_removed(now_ms)?;
        self.release_if_idle(now_ms);
        // What could not be repaired from elsewhere must not age away.
        if self.damage().is_some() {
            return Ok(RetentionOutcome::default());
        }
        let start_before = self.log_start;
        let mut outcome = RetentionOutcome::default();
        while let Some(base) = self.first_to_go(now_ms, high_watermark)? {
            outcome.bytes_removed += self.segment_size(base);
            outcome.segments_removed += 1;
            self.take_out(base, now_ms)?;
        }
        outcome.log_start_moved = self.log_start > start_before;
        Ok(outcome)
    }

    fn release_if_idle(&mut self, now_ms: i64) {
        let appended_ms = self.active.as_ref().map_or(now_ms, |active| active.modified_ms);
        if now_ms.saturating_sub(appended_ms) >= IDLE_MS {
            self.release_caches();
        }
    }

    /// The first segment, if it is to go.
    fn first_to_go(
        &self,
        now_ms: i64,
        high_watermark: EndOffset,
    ) -> Result<Option<i64>, ChangeError> {
        let Some((base, size)) = self.segments().next() else { return Ok(None) };
        let end = self.segment_end(base);
        let is_active = self.active.as_ref().is_some_and(|active| active.base == base);
        if is_active && size == 0 || end > high_watermark {
            return Ok(None);
        }
        let config = &self.config;
        let before_start = !is_active && end.0 <= self.log_start.0;
        let too_much = config.cleanup_delete
            && config.retention_bytes.is_some_and(|limit| self.size_bytes() - size >= limit);
        let go = before_start || too_much || self.is_too_old(base, now_ms)?;
        Ok(go.then_some(base))
    }

    fn is_too_old(&self, base: i64, now_ms: i64) -> Result<bool, ChangeError> {
        let Some(limit_ms) = self.config.retention_ms.filter(|_| self.config.cleanup_delete) else {
            return Ok(false);
        };
        let largest = self.largest_timestamp(base)?;
        let newest = if largest >= 0 { largest } else { self.modified_ms(base) };
        let age_ms = u64::try_from(now_ms.saturating_sub(newest)).unwrap_or(0);
        Ok(age_ms > limit_ms)
    }

    fn modified_ms(&self, base: i64) -> i64 {
        let sealed = self.sealed.get(&base).map(|segment| segment.modified_ms);
        let active = || self.active.as_ref().map(|active| active.modified_ms);
        sealed.or_else(active).unwrap_or(i64::MAX)
    }

    /// Takes the first segment out of the log.
    fn take_out(&mut self, base: i64, now_ms: i64) -> Result<(), ChangeError> {
        if self.active.as_ref().is_some_and(|active| active.base == base) {
            // The log goes on behind it, and after a crash too: its end must not get lost.
            self.roll(now_ms)?;
            self.removal_unsynced = true;
        }
        let end = self.segment_end(base);
        // The log must not be without a beginning: what follows is there to stay first.
        let parent = self.folder.parent().map(Path::to_owned);
        for folder in [Some(self.folder.clone()), parent].into_iter().flatten() {
            let synced = self.disk.run(&DiskTask::SyncFolder(folder));
            synced.map_err(|error| ChangeError::Offline(self.fail(error)))?;
        }
        if let Some(journal) = &self.journal {
            // Where there is no room for the note, nothing was removed yet.
            let noted = journal.remove_before(&self.identity, end.0);
            noted.map_err(|error| match error.is_full() && !error.is_of_sync() {
                true => ChangeError::Offline(error),
                false => ChangeError::Offline(self.fail(error)),
            })?;
        }
        self.move_start(self.log_start.max(end.next()));
        self.sealed.remove(&base);
        let delay_ms = i64::try_from(self.config.file_delete_delay_ms).unwrap_or(i64::MAX);
        self.mark_deleted(base, now_ms.saturating_add(delay_ms)).map_err(ChangeError::Offline)
    }

    /// Gives a segment's files the name of files that are on their way out.
    ///
    /// Segments go one after the other, each durably before the next: after a crash no segment in
    /// the middle is missing while one that went before it is back.
    fn mark_deleted(&mut self, base: i64, due_ms: i64) -> Result<(), DiskError> {
        if self.removal_unsynced {
            let synced = self.disk.run(&DiskTask::SyncFolder(self.folder.clone()));
            synced.map_err(|error| self.fail(error))?;
        }
        self.removal_unsynced = true;
        self.sync.folders.insert(self.folder.clone());
        for kind in FileKind::OF_SEGMENT.into_iter().chain([FileKind::Snapshot]) {
            let path = self.path(base, kind);
            let deleted = deleted_path(&path);
            self.disk.forget_shared(&path);
            match self.disk.rename(&path, &deleted) {
                Ok(()) => self.removed.push((due_ms, deleted)),
                Err(error) if error.is_not_found() => {}
                Err(error) => return Err(self.fail(error)),
            }
        }
        Ok(())
    }

    /// Takes a segment's files out of the way at once; they are unlinked with the next retention.
    pub(super) fn remove_segment_files(&mut self, base: i64) {
        // A failure is noted, and met by whoever writes next.
        let _ = self.mark_deleted(base, i64::MIN);
    }

    /// Removes the files that are due.
    fn unlink_removed(&mut self, now_ms: i64) -> Result<(), ChangeError> {
        let (due, later): (Vec<_>, Vec<_>) =
            std::mem::take(&mut self.removed).into_iter().partition(|(due, _)| *due <= now_ms);
        self.removed = later;
        for (_, path) in due {
            // Removing may take long: it is left to the I/O threads, and done here when they have
            // too much to do.
            if let Err(refused) = self.disk.submit(crate::disk::NO_TOKEN, DiskTask::Unlink(path)) {
                self.disk.run(&refused.0).map_err(ChangeError::Offline)?;
            }
        }
        Ok(())
    }
}
