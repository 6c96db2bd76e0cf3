//! The log of one partition.

mod types;

pub use types::{
    AbortedTransaction, ActiveProducer, AppendOptions, Appended, Checkpointed, LogIdentity,
    OpenKind, Origin, Read, ReadLimit, ReadSlice, RetentionOutcome, SyncPlan, TimestampedOffset,
};

use crate::batch::ValidBatch;
use crate::config::LogConfig;
use crate::disk::{Disk, DiskError};
use crate::error::{AppendError, ChangeError, EpochEnd, OpenError, ReadError};
use headwater_types::{EndOffset, LeaderEpoch, Offset};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The log of one partition. The caller holds a lock around it.
#[derive(Debug)]
pub struct Log {
    disk: Arc<dyn Disk>,
    folder: PathBuf,
    identity: LogIdentity,
    config: Arc<LogConfig>,
    log_start: Offset,
    log_end: EndOffset,
    durable_end: EndOffset,
}

impl Log {
    /// Opens a log. No folder need be there: it is created with the first append.
    ///
    /// # Errors
    /// When the folder belongs to another topic, cannot be read or is damaged.
    pub fn open(
        disk: Arc<dyn Disk>,
        folder: &Path,
        identity: LogIdentity,
        config: Arc<LogConfig>,
        _now_ms: i64,
        kind: OpenKind,
    ) -> Result<Log, OpenError> {
        let checkpointed = kind.checkpointed();
        Ok(Self {
            disk,
            folder: folder.to_owned(),
            identity,
            config,
            log_start: checkpointed.log_start,
            log_end: checkpointed.log_start.as_end(),
            durable_end: checkpointed.log_start.as_end(),
        })
    }

    /// Appends batches at the end of the log, as its leader in `epoch`: either all of them or none.
    ///
    /// # Errors
    /// When a batch breaks a rule, or the file cannot be written.
    pub fn append_as_leader(
        &mut self,
        _batches: Vec<ValidBatch>,
        _epoch: LeaderEpoch,
        _now_ms: i64,
        _options: AppendOptions,
    ) -> Result<Appended, AppendError> {
        Err(AppendError::Corrupt { problem: String::from("not yet") })
    }

    /// Appends batches that a leader has placed, keeping their offsets and epochs.
    ///
    /// # Errors
    /// When they do not continue the log, or the file cannot be written.
    pub fn append_as_follower(
        &mut self,
        _batches: Vec<ValidBatch>,
        _now_ms: i64,
    ) -> Result<Appended, AppendError> {
        Err(AppendError::Corrupt { problem: String::from("not yet") })
    }

    /// Reads whole batches from the one that holds `from` (or the next record behind it) on.
    ///
    /// # Errors
    /// When the offset is out of range, or the files cannot be read.
    pub fn read(&self, from: Offset, _limit: ReadLimit) -> Result<Read, ReadError> {
        Ok(Read { slices: Vec::new(), bytes: 0, first: from, next: from })
    }

    /// The first record with a timestamp of at least `timestamp_ms`, below `upper`.
    ///
    /// # Errors
    /// When the files cannot be read.
    pub fn offset_for_timestamp(
        &self,
        _timestamp_ms: i64,
        _upper: EndOffset,
    ) -> Result<Option<TimestampedOffset>, ReadError> {
        Ok(None)
    }

    /// The first of the records with the largest timestamp of all.
    ///
    /// # Errors
    /// When the files cannot be read.
    pub fn max_timestamp(&self) -> Result<Option<TimestampedOffset>, ReadError> {
        Ok(None)
    }

    /// Where an epoch ends: the answer to OffsetForLeaderEpoch. `None` when the log has no epoch at
    /// or below it, or none above it is known.
    pub fn epoch_end(&self, _epoch: LeaderEpoch) -> Option<EpochEnd> {
        None
    }

    /// The epoch of the last batch.
    pub fn latest_epoch(&self) -> Option<LeaderEpoch> {
        None
    }

    /// The epoch of the record at an offset.
    pub fn epoch_of(&self, _offset: Offset) -> Option<LeaderEpoch> {
        None
    }

    /// Cuts off every record at or behind `end`. Durable when it returns.
    ///
    /// # Errors
    /// When a file cannot be changed.
    pub fn truncate_to(&mut self, _end: EndOffset) -> Result<(), ChangeError> {
        Ok(())
    }

    /// Drops everything and goes on at `start`. Durable when it returns.
    ///
    /// # Errors
    /// When a file cannot be changed.
    pub fn truncate_fully_and_start_at(&mut self, _start: Offset) -> Result<(), ChangeError> {
        Ok(())
    }

    /// Deletes the records before an offset (DeleteRecords); whole segments go with the next
    /// [`apply_retention`](Self::apply_retention). Returns the log's first offset.
    ///
    /// # Errors
    /// When the offset is beyond the high watermark.
    pub fn delete_records(
        &mut self,
        _before: Offset,
        _high_watermark: EndOffset,
    ) -> Result<Offset, ChangeError> {
        Ok(self.log_start)
    }

    /// Takes out segments that are too old, too much or before the start, forgets expired
    /// producers, and removes the files of segments taken out long enough ago.
    ///
    /// # Errors
    /// When a file cannot be renamed.
    pub fn apply_retention(
        &mut self,
        _now_ms: i64,
        _high_watermark: EndOffset,
    ) -> Result<RetentionOutcome, ChangeError> {
        Ok(RetentionOutcome::default())
    }

    /// Closes the active segment and begins a new one, unless it is empty.
    ///
    /// # Errors
    /// When a file cannot be written.
    pub fn roll(&mut self, _now_ms: i64) -> Result<(), ChangeError> {
        Ok(())
    }

    /// First offset that can be read.
    pub fn log_start(&self) -> Offset {
        self.log_start
    }

    /// End of what was written.
    pub fn log_end(&self) -> EndOffset {
        self.log_end
    }

    /// End of what is on stable storage.
    pub fn durable_end(&self) -> EndOffset {
        self.durable_end
    }

    /// Begins to make durable what was written; `None` when there is nothing to do or a sync is
    /// under way. Submit [`SyncPlan::task`], and give the plan back to
    /// [`complete_sync`](Self::complete_sync) with the result.
    pub fn begin_sync(&mut self) -> Option<SyncPlan> {
        None
    }

    /// Ends a sync. Returns the durable end.
    ///
    /// # Errors
    /// When the sync failed, which is final: nothing is appended any more.
    pub fn complete_sync(
        &mut self,
        _plan: SyncPlan,
        _result: Result<(), DiskError>,
    ) -> Result<EndOffset, DiskError> {
        Ok(self.durable_end)
    }

    /// Whether `flush.messages` or `flush.ms` ask for a sync now.
    pub fn sync_due(&self, _now_ms: i64) -> bool {
        false
    }

    /// Whether something was written that is not durable and not being made so.
    pub fn is_dirty(&self) -> bool {
        false
    }

    /// Why nothing can be appended any more, if that is so.
    pub fn failure(&self) -> Option<&DiskError> {
        None
    }

    /// Size of all segments in bytes.
    pub fn size_bytes(&self) -> u64 {
        0
    }

    /// Number of segments.
    pub fn segments_count(&self) -> usize {
        0
    }

    /// The producers that the log remembers.
    pub fn active_producers(&self) -> Vec<ActiveProducer> {
        Vec::new()
    }

    /// The last stable offset: the high watermark, or the start of the first open transaction
    /// before it.
    pub fn last_stable(&self, high_watermark: EndOffset) -> EndOffset {
        high_watermark
    }

    /// Aborted transactions that have records in a range.
    ///
    /// # Errors
    /// When an index cannot be read.
    pub fn aborted_transactions(
        &self,
        _range: Range<Offset>,
    ) -> Result<Vec<AbortedTransaction>, ReadError> {
        Ok(Vec::new())
    }

    /// Takes a changed configuration.
    pub fn set_config(&mut self, config: Arc<LogConfig>) {
        self.config = config;
    }

    /// The configuration in force.
    pub fn config(&self) -> &Arc<LogConfig> {
        &self.config
    }

    /// Whose log it is.
    pub fn identity(&self) -> &LogIdentity {
        &self.identity
    }

    /// Where its files are (or will be).
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Gives back memory and file handles that an idle log does not need.
    pub fn release_caches(&mut self) {}

    /// Syncs everything and writes what a clean start needs: indexes, producer snapshot, epochs.
    /// Returns what to checkpoint.
    ///
    /// # Errors
    /// When a file cannot be written or synced: there was no clean stop then.
    pub fn close_clean(&mut self) -> Result<Checkpointed, DiskError> {
        let _ = &self.disk;
        Ok(Checkpointed { recovery_point: self.log_end, log_start: self.log_start })
    }
}
