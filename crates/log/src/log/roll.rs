//! Closing a segment, beginning the next one, and closing the log.

use super::names::{EPOCHS, FileKind, METADATA};
use super::segment::{Active, Written};
use super::types::Checkpointed;
use super::{Log, offset_index, time_index, txn_index};
use crate::checkpoint;
use crate::disk::{DiskError, DiskFile, DiskTask, OpenMode, write_whole_unsynced};
use crate::error::ChangeError;
use headwater_types::TopicId;
use std::sync::Arc;

/// How the indexes of a segment end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum IndexEnd {
    /// More is to come.
    Open,
    /// With the largest timestamp: the segment is closed.
    Closed,
}

/// The content of `partition.metadata`.
pub(crate) fn metadata_text(topic_id: TopicId) -> String {
    format!("version: 0\ntopic_id: {topic_id}")
}

impl Log {
    /// Closes the active segment and begins a new one, unless it is empty.
    ///
    /// # Errors
    /// When a file cannot be written. The log is then as before.
    pub fn roll(&mut self, now_ms: i64) -> Result<(), ChangeError> {
        if let Some(failure) = &self.failure {
            return Err(ChangeError::Offline(failure.clone()));
        }
        self.check_sound().map_err(ChangeError::Damaged)?;
        if self.active.as_ref().is_some_and(|active| active.size > 0) {
            self.begin_segment(self.log_end.0, now_ms).map_err(ChangeError::Offline)?;
        }
        Ok(())
    }

    /// Lets the log go on in a new segment. On failure the old one stays the active one.
    pub(super) fn begin_segment(&mut self, base: i64, now_ms: i64) -> Result<(), DiskError> {
        if self.active.is_some() {
            self.write_indexes(IndexEnd::Closed)?;
            self.write_snapshot(base)?;
            self.write_epochs()?;
            self.settle_front()?;
        } else {
            self.create_folder()?;
        }
        let file = self.disk.open(&self.path(base, FileKind::Log), OpenMode::Truncate)?;
        if self.config.preallocate {
            file.reserve(u64::from(self.config.segment_bytes))?;
        }
        let new = Active { file: Some(file), ..Active::new(base, now_ms, &self.tail_budget) };
        self.seal_active();
        self.active = Some(new);
        self.sync.folders.insert(self.folder.clone());
        Ok(())
    }

    /// Has the name of the first segment be there before that of the second one: names come to the
    /// disk in any order, and a log that has lost its front looks like one whose front was deleted.
    fn settle_front(&self) -> Result<(), DiskError> {
        let first = self.segments().map(|(base, _)| base).next();
        if first.is_some_and(|first| self.sync.durable_end.0 <= first) {
            self.disk.run(&DiskTask::SyncFolder(self.folder.clone()))?;
        }
        Ok(())
    }

    /// Creates the partition's folder, with the topic's id in it before any record.
    fn create_folder(&mut self) -> Result<(), DiskError> {
        self.disk.create_folder(&self.folder)?;
        self.write_metadata()?;
        if let Some(parent) = self.folder.parent() {
            self.sync.folders.insert(parent.to_owned());
        }
        self.write_epochs()
    }

    pub(super) fn write_metadata(&mut self) -> Result<(), DiskError> {
        let text = metadata_text(self.identity.topic_id);
        let path = self.folder.join(METADATA);
        let file = write_whole_unsynced(&*self.disk, &path, text.as_bytes())?;
        self.note_to_sync(file);
        Ok(())
    }

    /// Writes the active segment's indexes, as far as their files do not have them.
    pub(super) fn write_indexes(&mut self, end: IndexEnd) -> Result<(), DiskError> {
        let Some(active) = &mut self.active else { return Ok(()) };
        if end == IndexEnd::Closed {
            active.note_largest_timestamp();
        }
        let base = active.base;
        let before = active.written;
        let written = Written {
            offsets: active.offsets.len(),
            times: active.times.len(),
            aborted: active.aborted.len(),
        };
        let offsets = active.offsets.to_bytes_from(before.offsets);
        let times = active.times.to_bytes_from(before.times);
        let aborted = txn_index::to_bytes(active.aborted.get(before.aborted..).unwrap_or_default());
        let offsets_at = before.offsets * offset_index::ENTRY_BYTES;
        self.write_index(base, FileKind::OffsetIndex, &offsets, offsets_at)?;
        let times_at = before.times * time_index::ENTRY_BYTES;
        self.write_index(base, FileKind::TimeIndex, &times, times_at)?;
        if written.aborted == 0 {
            // There may be one from before a truncation.
            self.disk.run(&DiskTask::Unlink(self.path(base, FileKind::TxnIndex)))?;
        } else {
            let aborted_at = before.aborted * txn_index::ENTRY_BYTES;
            self.write_index(base, FileKind::TxnIndex, &aborted, aborted_at)?;
        }
        if let Some(active) = &mut self.active {
            active.written = written;
        }
        Ok(())
    }

    /// Writes an index from a position on.
    fn write_index(
        &mut self,
        base: i64,
        kind: FileKind,
        bytes: &[u8],
        at: usize,
    ) -> Result<(), DiskError> {
        let path = self.path(base, kind);
        self.disk.forget_shared(&path);
        let mode = if at == 0 { OpenMode::Truncate } else { OpenMode::Create };
        let file = self.disk.open(&path, mode)?;
        let at = at as u64;
        if file.length()? > at {
            file.set_length(at)?;
        }
        file.write_at(&[bytes], at)?;
        self.note_to_sync(file);
        Ok(())
    }

    /// Writes the producers as they are at the end of the log, under the offset where it goes on.
    pub(super) fn write_snapshot(&mut self, offset: i64) -> Result<(), DiskError> {
        let path = self.path(offset, FileKind::Snapshot);
        let file = write_whole_unsynced(&*self.disk, &path, &self.producers.to_snapshot())?;
        self.note_to_sync(file);
        Ok(())
    }

    /// Writes the epochs, where the file has others.
    pub(super) fn write_epochs(&mut self) -> Result<(), DiskError> {
        if self.epochs_dirty {
            let text = checkpoint::epochs_to_text(self.epochs.entries());
            let path = self.folder.join(EPOCHS);
            let file = write_whole_unsynced(&*self.disk, &path, text.as_bytes())?;
            self.note_to_sync(file);
            self.epochs_dirty = false;
        }
        Ok(())
    }

    pub(super) fn note_to_sync(&mut self, file: Arc<dyn DiskFile>) {
        self.sync.files.push(file);
        self.sync.folders.insert(self.folder.clone());
    }

    /// Syncs everything and writes what a clean start needs: indexes, producer snapshot, epochs.
    /// Returns what to checkpoint. The log may be used on, but then its next start is not clean. Of a
    /// quarantined log what is sound is closed so; the damage is met again at the next start.
    ///
    /// # Errors
    /// When a file cannot be written or synced: there was no clean stop then.
    pub fn close_clean(&mut self) -> Result<Checkpointed, DiskError> {
        if let Some(failure) = &self.failure {
            return Err(failure.clone());
        }
        // Where damage stopped the opening there is nothing to write: the files stay as they are.
        if self.active.is_some() && !self.quarantine.met_at_open {
            self.write_indexes(IndexEnd::Closed)?;
            self.write_snapshot(self.log_end.0)?;
            self.write_epochs()?;
            self.sync_now()?;
        }
        Ok(Checkpointed {
            recovery_point: self.log_end,
            known_end: self.log_end,
            log_start: self.log_start,
        })
    }
}
