//! What goes into and comes out of a [`Log`](super::Log).

use crate::disk::{Disk, DiskError, DiskFile, DiskTask, FileSlice};
use crate::journal::{Commit, Journalable};
use bytes::Bytes;
use headwater_types::{EndOffset, Offset, PartitionIndex, ProducerEpoch, ProducerId, TopicId};
use std::path::PathBuf;
use std::sync::Arc;

/// Whose log it is.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct LogIdentity {
    /// The topic's name: part of the folder's name.
    pub topic: String,
    /// The topic's id, written into the folder.
    pub topic_id: TopicId,
    /// The partition.
    pub partition: PartitionIndex,
}

impl LogIdentity {
    /// The folder's name, e.g. `orders-3`.
    pub fn folder_name(&self) -> String {
        format!("{}-{}", self.topic, self.partition)
    }
}

/// What the checkpoints of a log folder said about a log.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Checkpointed {
    /// Everything before it is on stable storage, in the log's own files.
    pub recovery_point: EndOffset,
    /// Everything before it is on stable storage; the recovery point where nothing else is known.
    pub known_end: EndOffset,
    /// Records before it were deleted, though their segment may still be there.
    pub log_start: Offset,
}

/// What is known about how a log was left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OpenKind {
    /// The folder was stopped cleanly: nothing is scanned.
    AfterCleanStop(Checkpointed),
    /// It was not, or nobody knows: what is behind the recovery point is checked batch by batch.
    AfterCrash(Checkpointed),
}

impl OpenKind {
    /// For a log that is new, or about which nothing is known.
    pub const UNKNOWN: OpenKind = OpenKind::AfterCrash(Checkpointed {
        recovery_point: EndOffset(0),
        known_end: EndOffset(0),
        log_start: Offset(0),
    });

    /// What the checkpoints said.
    pub fn checkpointed(self) -> Checkpointed {
        match self {
            Self::AfterCleanStop(checkpointed) | Self::AfterCrash(checkpointed) => checkpointed,
        }
    }
}

/// What was done to a log that was not stopped cleanly.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Recovered {
    /// Bytes that were checked batch by batch.
    pub walked_bytes: u64,
    /// Bytes that were torn and cut off.
    pub cut_bytes: u64,
}

/// Who appends, which says what is checked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Origin {
    /// A client's Produce request: exactly one batch, everything is checked.
    #[default]
    Client,
    /// One of the broker's own coordinators: control batches are allowed, sequences not checked.
    Coordinator,
}

/// How to append as leader.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct AppendOptions {
    /// Who appends.
    pub origin: Origin,
}

/// Batches that are in the log now (or were there already).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Appended {
    /// Offset of the first record.
    pub first: Offset,
    /// Offset of the last record.
    pub last: Offset,
    /// The broker's time, when the topic's records carry that.
    pub log_append_time: Option<i64>,
    /// The log's first offset.
    pub log_start: Offset,
    /// The log's end afterwards.
    pub end: EndOffset,
    /// The batch was one of the producer's last five: nothing was appended, the offsets are those
    /// of the first time.
    pub duplicate: bool,
    /// Bytes appended.
    pub bytes: usize,
    /// Records appended.
    pub records: u64,
    /// A new segment was begun: waiting fetches are answered.
    pub rolled: bool,
}

/// How much to read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReadLimit {
    /// Stop before this many bytes are exceeded.
    pub max_bytes: usize,
    /// But give the first batch whatever its size.
    pub at_least_one: bool,
    /// Give no batch that has a record at or behind this offset.
    pub upper: EndOffset,
}

/// A run of whole batches.
#[derive(Clone, Debug)]
pub enum ReadSlice {
    /// In memory.
    Memory(Bytes),
    /// In a file, to be given to sendfile.
    File(FileSlice),
}

/// Whole batches from one segment; the first may start before the offset asked for.
#[derive(Clone, Debug)]
pub struct Read {
    /// The batches, in order.
    pub slices: Vec<ReadSlice>,
    /// Their size in all; 0 when there is nothing to read below the upper bound.
    pub bytes: usize,
    /// Offset of the first record of the first batch; where nothing was read, the offset asked for.
    pub first: Offset,
    /// Where to go on reading.
    pub next: Offset,
}

/// What a sync that was begun will make durable.
#[derive(Clone, Debug)]
pub struct SyncPlan {
    pub(crate) end: EndOffset,
    /// Counts truncations: a sync that began before one says nothing about what came after it.
    pub(crate) truncations: u64,
    pub(crate) files: Vec<Arc<dyn DiskFile>>,
    pub(crate) folders: Vec<PathBuf>,
    /// What of it the folder's journal may take.
    pub(crate) journalable: Option<Arc<Journalable>>,
    /// Everything before its end is in the log's own files then.
    pub(crate) moves_recovery_point: bool,
}

impl SyncPlan {
    /// How far the log is durable when it succeeds.
    pub fn end(&self) -> EndOffset {
        self.end
    }

    /// Syncs that it takes in the log's own files.
    pub(crate) fn syncs_count(&self) -> usize {
        self.files.len() + self.folders.len()
    }

    /// What to submit to the disk to have it in the log's own files. Several logs of a folder are
    /// synced together by [`LogFolder::commit_task`](crate::LogFolder::commit_task).
    pub fn task(&self) -> DiskTask {
        if let Some(of) = &self.journalable {
            return DiskTask::Commit(Commit::in_own_files(&of.journal, self.clone()));
        }
        DiskTask::Sync { files: self.files.clone(), folders: self.folders.clone() }
    }

    /// Does it on this thread.
    ///
    /// # Errors
    /// When a sync fails: hand it to [`Log::complete_sync`](super::Log::complete_sync) all the
    /// same.
    pub fn run(&self, disk: &dyn Disk) -> Result<(), DiskError> {
        disk.run(&self.task())
    }
}

/// What [`Log::apply_retention`](super::Log::apply_retention) did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RetentionOutcome {
    /// Segments taken out of the log.
    pub segments_removed: usize,
    /// Their size.
    pub bytes_removed: u64,
    /// The log's first offset moved.
    pub log_start_moved: bool,
}

/// A record's offset with its timestamp.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TimestampedOffset {
    /// Where it stands.
    pub offset: Offset,
    /// Its timestamp in ms.
    pub timestamp: i64,
    /// Epoch of the leader that appended it.
    pub leader_epoch: headwater_types::LeaderEpoch,
}

/// A producer that the log remembers: a line of DescribeProducers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ActiveProducer {
    /// Who.
    pub producer: ProducerId,
    /// Its latest epoch.
    pub epoch: ProducerEpoch,
    /// Sequence of its last record, or -1.
    pub last_sequence: i32,
    /// Timestamp of its last batch, or -1.
    pub last_timestamp: i64,
    /// Epoch of the coordinator that wrote its last marker, or -1.
    pub coordinator_epoch: i32,
    /// Where its open transaction begins.
    pub transaction_start: Option<Offset>,
}

/// A transaction whose records a read-committed consumer must skip.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AbortedTransaction {
    /// Whose.
    pub producer: ProducerId,
    /// Its first record.
    pub first: Offset,
    /// Its marker.
    pub last: Offset,
    /// The last stable offset when it was aborted.
    pub last_stable: EndOffset,
}
