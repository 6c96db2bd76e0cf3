//! Opening a log: what is in its folder, and what to make of it.
//!
//! After a clean stop only names, sizes and the end of the active segment are looked at. Otherwise
//! the segments from the recovery point on are checked batch by batch (see [`recovery`]
//! (super::recovery)).

use super::damage::Quarantine;
use super::epoch_cache::EpochCache;
use super::head::Head;
use super::lookup::INDEX_BYTES_MAX;
use super::names::{EPOCHS, FileKind, METADATA, Name};
use super::offset_index::OffsetIndex;
use super::producer_state::Producers;
use super::read::{Cursors, Walk};
use super::scan::{Scanner, Step, WINDOW_LOOKUP};
use super::segment::{Active, Segment, Written};
use super::sync::SyncState;
use super::time_index::TimeIndex;
use super::types::{Checkpointed, LogIdentity, OpenKind};
use super::verified::Verified;
use super::{Log, offset_index, time_index, txn_index};
use crate::checkpoint;
use crate::config::LogConfig;
use crate::disk::{Disk, DiskError, DiskTask, FolderEntry, read_whole};
use crate::error::{OpenError, ReadError};
use crate::folder::parse_partition_metadata;
use headwater_types::{EndOffset, Offset};
use parking_lot::Mutex;
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

/// What is in a log's folder.
#[derive(Debug, Default)]
pub(super) struct Inventory {
    /// Size and time of change of each segment's log file, by base.
    pub logs: BTreeMap<i64, (u64, i64)>,
    /// Sizes of the other files.
    pub others: BTreeMap<(i64, FileKind), u64>,
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
        now_ms: i64,
        kind: OpenKind,
    ) -> Result<Log, OpenError> {
        let checkpointed = kind.checkpointed();
        let mut log = Self {
            disk,
            folder: folder.to_owned(),
            identity: Arc::new(identity),
            config,
            sealed: BTreeMap::new(),
            active: None,
            log_start: checkpointed.log_start,
            log_end: checkpointed.log_start.as_end(),
            producers: Producers::default(),
            epochs: EpochCache::default(),
            epochs_dirty: false,
            sync: SyncState::default(),
            recovered: None,
            failure: None,
            removed: Vec::new(),
            removal_unsynced: false,
            quarantine: Quarantine::default(),
            cursors: Cursors::default(),
            tail_budget: Arc::default(),
            journal: None,
        };
        match log.disk.list(folder) {
            Ok(entries) => log.open_folder(entries, checkpointed, kind, now_ms)?,
            Err(error) if error.is_not_found() => {}
            Err(error) => return Err(error.into()),
        }
        log.sync.durable_end = log.log_end;
        Ok(log)
    }

    fn open_folder(
        &mut self,
        entries: Vec<FolderEntry>,
        checkpointed: Checkpointed,
        kind: OpenKind,
        now_ms: i64,
    ) -> Result<(), OpenError> {
        self.check_metadata(kind)?;
        let inventory = self.take_inventory(entries, now_ms)?;
        let epochs_known = self.load_epochs()?;
        // Before anything else is found, which is noted over it.
        let noted = self.read_note()?;
        match kind {
            OpenKind::AfterCleanStop(_) => self.open_clean(&inventory, checkpointed, now_ms)?,
            OpenKind::AfterCrash(_) => {
                self.recover(&inventory, checkpointed, now_ms)?;
            }
        }
        self.apply_log_start(checkpointed.log_start, now_ms)?;
        // The file may have been written after records were deleted, and that be forgotten.
        let first = self.epochs.entries().first().map(|first| first.start);
        let front_missing = first.is_some_and(|first| first > self.log_start.0);
        if !epochs_known || front_missing {
            self.rebuild_epochs(first.unwrap_or(i64::MAX));
        }
        self.epochs_dirty |= self.epochs.truncate_from_end(self.log_end);
        self.epochs_dirty |= self.epochs.truncate_from_start(self.log_start);
        self.producers.expire(now_ms, self.config.producer_id_expiration_ms);
        self.check_ends(kind)?;
        if let Some(noted) = noted {
            self.look_again(noted)?;
        }
        if self.damage().is_none() {
            self.remove_stray_snapshots(&inventory)?;
        }
        // What may not be durable was noted on the way.
        self.sync.durable_end = self.log_end;
        self.sync.recovery_point = checkpointed.recovery_point.min(self.log_end);
        self.sync_now()?;
        // A log that is only read, or not even that, needs no handle of its own.
        self.release_caches();
        Ok(())
    }

    fn check_metadata(&mut self, kind: OpenKind) -> Result<(), OpenError> {
        let path = self.folder.join(METADATA);
        let bytes = read_whole(&*self.disk, &path, 4096)?;
        let parsed = bytes.as_deref().map(parse_partition_metadata);
        match (parsed, kind) {
            (Some(Ok(found)), _) if found == self.identity.topic_id => Ok(()),
            (Some(Ok(found)), _) => Err(OpenError::OtherTopic {
                folder: self.folder.clone(),
                found,
                expected: self.identity.topic_id,
            }),
            (Some(Err(problem)), OpenKind::AfterCleanStop(_)) => {
                Err(OpenError::Damaged { file: path, problem })
            }
            // A folder whose creation was cut short.
            (Some(Err(_)) | None, _) => Ok(self.write_metadata()?),
        }
    }

    /// Sorts the files by what they are, and clears away what is left from earlier.
    fn take_inventory(
        &mut self,
        entries: Vec<FolderEntry>,
        now_ms: i64,
    ) -> Result<Inventory, OpenError> {
        let mut inventory = Inventory::default();
        for entry in entries.into_iter().filter(|entry| !entry.is_folder) {
            let path = self.folder.join(&entry.name);
            match Name::parse(&entry.name) {
                Name::Live { base, kind: FileKind::Log } => {
                    let modified_ms = entry.modified_ms.unwrap_or(now_ms);
                    inventory.logs.insert(base, (entry.length, modified_ms));
                }
                Name::Live { base, kind } => {
                    inventory.others.insert((base, kind), entry.length);
                }
                Name::Leftover => self.disk.run(&DiskTask::Unlink(path))?,
                Name::Swap { base, kind } => {
                    // The cleaned segment was complete; its predecessors are gone or replaced.
                    self.disk.rename(&path, &self.path(base, kind))?;
                    self.sync.folders.insert(self.folder.clone());
                    match kind {
                        FileKind::Log => {
                            inventory.logs.insert(base, (entry.length, now_ms));
                        }
                        kind => {
                            inventory.others.insert((base, kind), entry.length);
                        }
                    }
                }
                Name::Other => {}
            }
        }
        Ok(inventory)
    }

    /// Reads the epochs; false when the log's batches must be asked for them.
    fn load_epochs(&mut self) -> Result<bool, OpenError> {
        let path = self.folder.join(EPOCHS);
        let Some(bytes) = read_whole(&*self.disk, &path, checkpoint::FILE_BYTES_MAX)? else {
            return Ok(false);
        };
        let text = String::from_utf8_lossy(&bytes);
        match checkpoint::parse_epochs(&text) {
            Ok(entries) => {
                self.epochs = EpochCache::new(entries);
                Ok(true)
            }
            Err(_) => Ok(false),
        }
    }

    /// Asks the batches before an offset for their epochs; those from there on are known.
    fn rebuild_epochs(&mut self, known_from: i64) {
        let mut epochs = EpochCache::default();
        let bases: Vec<i64> = self.segments().map(|(base, _)| base).collect();
        for base in bases.into_iter().filter(|base| *base < known_from) {
            // Where a segment is damaged, what is readable of it counts.
            let _ = self.walk(base, 0, |batch, _| {
                if batch.head.base >= known_from {
                    return Ok(Walk::Stop);
                }
                epochs.assign(batch.head.epoch, batch.head.base);
                Ok(Walk::On)
            });
        }
        for entry in self.epochs.entries() {
            epochs.assign(entry.epoch, entry.start);
        }
        self.epochs_dirty |= epochs != self.epochs;
        self.epochs = epochs;
    }

    /// Takes closed segments as they are, except for indexes that cannot be right.
    pub(super) fn adopt_sealed(
        &mut self,
        base: i64,
        inventory: &Inventory,
    ) -> Result<(), OpenError> {
        let Some((size, modified_ms)) = inventory.logs.get(&base).copied() else { return Ok(()) };
        let verified = Verified::from(size);
        let segment = Segment { size, modified_ms, largest_timestamp: Mutex::new(None), verified };
        self.sealed.insert(base, segment);
        let fits = |kind, entry_bytes: usize| {
            let length = inventory.others.get(&(base, kind));
            length.is_some_and(|length| length % entry_bytes as u64 == 0)
        };
        let offsets = fits(FileKind::OffsetIndex, offset_index::ENTRY_BYTES);
        let times = fits(FileKind::TimeIndex, time_index::ENTRY_BYTES);
        if !offsets || !times {
            self.rebuild_indexes(base)?;
        }
        Ok(())
    }

    fn open_clean(
        &mut self,
        inventory: &Inventory,
        checkpointed: Checkpointed,
        now_ms: i64,
    ) -> Result<(), OpenError> {
        let Some((&last, _)) = inventory.logs.last_key_value() else {
            // All segments may be gone that were there when it was stopped.
            return self.recover(inventory, checkpointed, now_ms);
        };
        // A clean stop syncs everything. Where the log goes on behind that, it was not part of the
        // stop: nobody had opened it since a crash before.
        match self.load_active(last, inventory, now_ms)? {
            Some((active, end)) if end == checkpointed.recovery_point => {
                for &base in inventory.logs.keys().filter(|base| **base != last) {
                    self.adopt_sealed(base, inventory)?;
                }
                self.active = Some(active);
                self.log_end = end;
                self.load_producers(end.0, end.0, &inventory.snapshots()).map(|_| ())
            }
            _ => self.recover(inventory, checkpointed, now_ms),
        }
    }

    /// Reads the active segment's indexes and finds its end; `None` when they do not fit it.
    fn load_active(
        &self,
        base: i64,
        inventory: &Inventory,
        now_ms: i64,
    ) -> Result<Option<(Active, EndOffset)>, OpenError> {
        let Some((size, modified_ms)) = inventory.logs.get(&base).copied() else { return Ok(None) };
        let read = |kind| read_whole(&*self.disk, &self.path(base, kind), INDEX_BYTES_MAX);
        let offsets = read(FileKind::OffsetIndex)?;
        let times = read(FileKind::TimeIndex)?;
        let aborted = read(FileKind::TxnIndex)?.unwrap_or_default();
        let (Some(offsets), Some(times), Some(aborted)) = (
            offsets.and_then(|bytes| OffsetIndex::parse(&bytes, size)),
            times.and_then(|bytes| TimeIndex::parse(&bytes)),
            txn_index::parse(&aborted),
        ) else {
            return Ok(None);
        };
        let from = offsets.last().map_or(0, |entry| u64::from(entry.position));
        let Some(end) = self.find_clean_end(base, from, size)? else { return Ok(None) };
        let mut active = Active::new(base, now_ms, &self.tail_budget);
        active.first_timestamp = self.first_head(base, size)?.map(|head| head.max_timestamp);
        active.largest = times
            .last()
            .map(|entry| (entry.timestamp, base.saturating_add(i64::from(entry.relative))));
        active.bytes_since_index = usize::try_from(size - from).unwrap_or(usize::MAX);
        active.size = size;
        active.verified = Verified::from(size);
        active.modified_ms = modified_ms;
        active.written =
            Written { offsets: offsets.len(), times: times.len(), aborted: aborted.len() };
        active.offsets = offsets;
        active.times = times;
        active.aborted = aborted;
        Ok(Some((active, end)))
    }

    /// Where a segment's offsets end, walking from a position on; `None` when there is anything
    /// but batches in order.
    pub(super) fn find_clean_end(
        &self,
        base: i64,
        from: u64,
        size: u64,
    ) -> Result<Option<EndOffset>, DiskError> {
        let file = self.disk.open_shared(&self.path(base, FileKind::Log))?;
        let mut scanner = Scanner::new(&*file, from, size, WINDOW_LOOKUP);
        let mut end = EndOffset(base);
        loop {
            match scanner.step()? {
                Step::Batch(batch) if batch.head.base >= end.0 => {
                    end = EndOffset::after(Offset(batch.head.last));
                }
                Step::End => return Ok(Some(end)),
                Step::Batch(_) | Step::Broken { .. } => return Ok(None),
            }
        }
    }

    pub(super) fn first_head(&self, base: i64, size: u64) -> Result<Option<Head>, DiskError> {
        let file = self.disk.open_shared(&self.path(base, FileKind::Log))?;
        match Scanner::new(&*file, 0, size, WINDOW_LOOKUP).step()? {
            Step::Batch(batch) => Ok(Some(batch.head)),
            Step::End | Step::Broken { .. } => Ok(None),
        }
    }

    /// Drops what lies before the log's start, as far as whole segments go.
    fn apply_log_start(&mut self, checkpointed: Offset, now_ms: i64) -> Result<(), OpenError> {
        let first = self.segments().map(|(base, _)| base).next();
        self.log_start = checkpointed.max(Offset(first.unwrap_or(0)));
        if self.log_end.0 < self.log_start.0 && self.damage().is_none() {
            // What was deleted reaches further than what is left.
            self.restart_at(self.log_start, now_ms)?;
        }
        Ok(())
    }

    fn remove_stray_snapshots(&mut self, inventory: &Inventory) -> Result<(), OpenError> {
        let newest = inventory.snapshots().into_iter().filter(|at| *at <= self.log_end.0).max();
        for at in inventory.snapshots() {
            let of_segment = self.segments().any(|(base, _)| base == at);
            if Some(at) != newest && !of_segment {
                self.disk.run(&DiskTask::Unlink(self.path(at, FileKind::Snapshot)))?;
            }
        }
        Ok(())
    }
}

impl Inventory {
    /// Offsets of the producer snapshots.
    pub fn snapshots(&self) -> Vec<i64> {
        let snapshots = self.others.keys().filter(|(_, kind)| *kind == FileKind::Snapshot);
        snapshots.map(|(base, _)| *base).collect()
    }
}

impl From<ReadError> for OpenError {
    fn from(error: ReadError) -> Self {
        match error {
            ReadError::Disk(error) => Self::Disk(error),
            ReadError::Damaged(damage) => {
                Self::Damaged { file: damage.file.clone(), problem: damage.to_string() }
            }
            // Opening asks for no offset.
            ReadError::OutOfRange { offset, .. } => Self::Damaged {
                file: Default::default(),
                problem: format!("offset {offset} is missing"),
            },
        }
    }
}
