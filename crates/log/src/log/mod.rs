//! The log of one partition.
//!
//! [`Log`] is the whole state; what it does stands in one file each: [`open`], [`recovery`] and
//! [`resume`], [`append`], [`read`], [`lookup`], [`verified`], [`damage`] and [`scrub`], [`sync`],
//! [`roll`], [`retention`], [`truncate`]. The formats of its files: [`offset_index`],
//! [`time_index`], [`txn_index`], [`producer_state`], [`epoch_cache`].

mod append;
mod append_rules;
mod damage;
mod epoch_cache;
mod handover;
pub(crate) mod head;
mod history;
mod lookup;
mod marker;
mod names;
mod offset_index;
mod open;
mod producer_state;
mod read;
mod records;
mod recovery;
mod resume;
mod retention;
mod roll;
mod scan;
mod scrub;
mod segment;
mod sync;
mod tail;
mod time_index;
mod truncate;
mod txn_index;
mod types;
mod varint;
mod verified;

pub use damage::Damage;
pub(crate) use epoch_cache::Entry as EpochEntry;
pub(crate) use lookup::INDEX_BYTES_MAX;
pub(crate) use marker::Marker;
pub(crate) use names::{FileKind, METADATA, Name as FileName, deleted_path, file_path};
pub(crate) use offset_index::Entry as OffsetEntry;
pub(crate) use producer_state::{
    Line as SnapshotLine, first_sequence as snapshot_first_sequence, parse_snapshot,
};
pub(crate) use roll::metadata_text;
pub(crate) use scan::{Found, Scanner, Step, WINDOW_WHOLE};
pub use scrub::{ScrubCursor, ScrubStep};
pub(crate) use tail::TailBudget;
pub(crate) use time_index::Entry as TimeEntry;
pub(crate) use txn_index::parse as parse_aborted;
pub use types::{
    AbortedTransaction, ActiveProducer, AppendOptions, Appended, Checkpointed, LogIdentity,
    OpenKind, Origin, Read, ReadLimit, ReadSlice, Recovered, RetentionOutcome, SyncPlan,
    TimestampedOffset,
};

use crate::config::LogConfig;
use crate::disk::{Disk, DiskError, DiskFile};
use crate::error::EpochEnd;
use crate::journal::Journal;
use damage::Quarantine;
use epoch_cache::EpochCache;
use headwater_types::{EndOffset, LeaderEpoch, Offset};
use producer_state::Producers;
use read::Cursors;
use segment::{Active, Segment};
use std::collections::BTreeMap;
use std::ops::Bound;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use sync::SyncState;

/// The log of one partition. The caller holds a lock around it.
#[derive(Debug)]
pub struct Log {
    disk: Arc<dyn Disk>,
    folder: PathBuf,
    identity: Arc<LogIdentity>,
    config: Arc<LogConfig>,
    /// Closed segments by their base offset, all before the active one.
    sealed: BTreeMap<i64, Segment>,
    /// `None` as long as there are no files.
    active: Option<Active>,
    /// `log_start <= log_end`.
    log_start: Offset,
    log_end: EndOffset,
    producers: Producers,
    epochs: EpochCache,
    /// The epochs in memory are not those in the file.
    epochs_dirty: bool,
    sync: SyncState,
    /// What opening it took, after a crash.
    recovered: Option<Recovered>,
    /// Why nothing more is written.
    failure: Option<DiskError>,
    /// Files of removed segments, and when they are to go.
    removed: Vec<(i64, PathBuf)>,
    /// The last removal of a segment is not durable yet.
    removal_unsynced: bool,
    quarantine: Quarantine,
    cursors: Cursors,
    /// Shared by the logs of a folder.
    tail_budget: Arc<TailBudget>,
    /// The folder's, for a log that is in one.
    journal: Option<Arc<Journal>>,
}

/// What a check of the files looks at besides.
pub(crate) mod parts {
    pub(crate) use super::epoch_cache::EpochCache;
    pub(crate) use super::head::{HEAD_BYTES, Head};
    pub(crate) use super::names::{EPOCHS, METADATA, file_path};
    pub(crate) use super::producer_state::Producers;
    pub(crate) use super::scan::WINDOW_LOOKUP;
    pub(crate) use super::segment::{Active, relative};
    pub(crate) use super::txn_index::to_bytes as aborted_to_bytes;
}

impl Log {
    /// First offset that can be read.
    pub fn log_start(&self) -> Offset {
        self.log_start
    }

    /// End of what was written.
    pub fn log_end(&self) -> EndOffset {
        self.log_end
    }

    /// What opening it took, where it was not stopped cleanly and had anything to check.
    pub fn recovered(&self) -> Option<Recovered> {
        self.recovered
    }

    /// Why nothing can be appended any more, if that is so.
    pub fn failure(&self) -> Option<&DiskError> {
        self.failure.as_ref()
    }

    /// Size of all segments in bytes.
    pub fn size_bytes(&self) -> u64 {
        let sealed: u64 = self.sealed.values().map(|segment| segment.size).sum();
        let active = self.active.as_ref().map_or(0, |active| active.size);
        sealed + active + self.quarantine.unopened_bytes
    }

    /// Number of segments.
    pub fn segments_count(&self) -> usize {
        self.sealed.len() + usize::from(self.active.is_some())
    }

    /// Where an epoch ends: the answer to OffsetForLeaderEpoch. `None` when the epoch is above the
    /// latest one, or the log has none.
    pub fn epoch_end(&self, epoch: LeaderEpoch) -> Option<EpochEnd> {
        self.epochs.end_of(epoch, self.log_end)
    }

    /// The latest epoch: that of the last batch, or of the last [`begin_epoch`](Self::begin_epoch).
    pub fn latest_epoch(&self) -> Option<LeaderEpoch> {
        self.epochs.latest()
    }

    /// The epoch of the record at an offset.
    pub fn epoch_of(&self, offset: Offset) -> Option<LeaderEpoch> {
        self.epochs.epoch_of(offset)
    }

    /// Notes that an epoch begins at the end of the log: whoever becomes leader calls this before
    /// it appends.
    pub fn begin_epoch(&mut self, epoch: LeaderEpoch) {
        self.epochs_dirty |= self.epochs.assign(epoch.0, self.log_end.0);
    }

    /// The producers that the log remembers.
    pub fn active_producers(&self) -> Vec<ActiveProducer> {
        self.producers.list()
    }

    /// The last stable offset: the high watermark, or the start of the first transaction before it
    /// that is open, or whose end is not committed.
    pub fn last_stable(&self, high_watermark: EndOffset) -> EndOffset {
        // A transaction may begin before what is left of the log.
        self.producers.last_stable(high_watermark).max(self.log_start.as_end()).min(high_watermark)
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

    /// Has the folder's journal take what it can of the log's syncs.
    pub(crate) fn use_journal(&mut self, journal: &Arc<Journal>) {
        journal.remember(&self.identity);
        self.journal = Some(Arc::clone(journal));
        if self.sync.is_dirty(self.log_end) {
            self.sync.unsynced.give_up();
        }
    }

    /// Lets the log share its bound on cached batches with others.
    pub(crate) fn share_tail_budget(&mut self, budget: &Arc<TailBudget>) {
        self.tail_budget = Arc::clone(budget);
        if let Some(active) = &mut self.active {
            active.tail = tail::Tail::new(budget);
        }
    }

    /// Gives back memory and file handles that an idle log does not need.
    pub fn release_caches(&mut self) {
        if let Some(active) = &mut self.active {
            active.tail.release();
        }
        self.release_handle();
    }

    /// Closes the active segment's file until it is needed again.
    fn release_handle(&mut self) {
        // What was not synced needs its handle: another one might not see a failed write-back.
        if !self.sync.is_dirty(self.log_end)
            && self.sync.in_flight.is_none()
            && let Some(active) = &mut self.active
        {
            active.file = None;
        }
    }

    /// Base and size of every segment, in order.
    fn segments(&self) -> impl DoubleEndedIterator<Item = (i64, u64)> {
        let sealed = self.sealed.iter().map(|(base, segment)| (*base, segment.size));
        sealed.chain(self.active.as_ref().map(|active| (active.base, active.size)))
    }

    /// Where a segment's offsets end.
    fn segment_end(&self, base: i64) -> EndOffset {
        self.next_segment(base).map_or(self.log_end, EndOffset)
    }

    /// The segment behind one.
    fn next_segment(&self, base: i64) -> Option<i64> {
        let sealed = self.sealed.range((Bound::Excluded(base), Bound::Unbounded)).next();
        let active = self.active.as_ref().map(|active| active.base).filter(|next| *next > base);
        sealed.map(|(next, _)| *next).or(active)
    }

    /// A segment's log file, for reading.
    fn log_file(&self, base: i64) -> Result<Arc<dyn DiskFile>, DiskError> {
        match &self.active {
            Some(Active { base: active, file: Some(file), .. }) if *active == base => {
                Ok(Arc::clone(file))
            }
            _ => self.disk.open_shared(&self.path(base, FileKind::Log)),
        }
    }

    fn path(&self, base: i64, kind: FileKind) -> PathBuf {
        file_path(&self.folder, base, kind)
    }

    /// Notes a failure after which the files are not known to hold what they should.
    fn fail(&mut self, error: DiskError) -> DiskError {
        if let Some(journal) = &self.journal {
            journal.fail(&error);
        }
        self.failure.get_or_insert_with(|| error.clone());
        error
    }
}
