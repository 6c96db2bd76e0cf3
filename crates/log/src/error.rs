//! What can go wrong, one enum an operation.

use crate::disk::DiskError;
use crate::log::Damage;
use headwater_types::{
    EndOffset, ErrorCode, LeaderEpoch, Offset, ProducerEpoch, ProducerId, TopicId,
};
use std::path::PathBuf;
use std::sync::Arc;

/// A log was not opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// A file operation failed.
    #[error(transparent)]
    Disk(#[from] DiskError),
    /// The folder belongs to a topic of the same name but another id.
    #[error("{} belongs to topic id {found}, not to {expected}", folder.display())]
    OtherTopic {
        /// The folder.
        folder: PathBuf,
        /// The id in its `partition.metadata`.
        found: TopicId,
        /// The id that was asked for.
        expected: TopicId,
    },
    /// A file holds what it must not, below the point up to which it was known to be synced.
    #[error("{} is damaged: {problem}", file.display())]
    Damaged {
        /// The file.
        file: PathBuf,
        /// What is wrong with it.
        problem: String,
    },
}

/// What is wrong with one record of a batch that was refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecordProblem {
    /// The record's place in its batch, counted from 0.
    pub index: i32,
    /// What is wrong with it, in Kafka's words.
    pub message: String,
}

/// Batches were not appended. Nothing of the set is in the log then.
#[derive(Debug, thiserror::Error)]
pub enum AppendError {
    /// A batch is larger than `max.message.bytes`.
    #[error("the batch of {bytes} bytes exceeds the topic's limit of {limit_bytes}")]
    BatchTooLarge {
        /// Its size.
        bytes: usize,
        /// The limit.
        limit_bytes: usize,
    },
    /// The set is larger than a segment may be.
    #[error("the set of {bytes} bytes exceeds the segment size of {limit_bytes}")]
    SetTooLarge {
        /// Its size.
        bytes: usize,
        /// The limit.
        limit_bytes: usize,
    },
    /// Timestamps out of the allowed window, or of a type only the broker may set.
    #[error("{message}")]
    InvalidTimestamp {
        /// In Kafka's words.
        message: String,
        /// The records concerned, where known.
        records: Vec<RecordProblem>,
    },
    /// The batch breaks a rule for what producers may write.
    #[error("{message}")]
    InvalidRecord {
        /// In Kafka's words.
        message: String,
        /// The records concerned, where known.
        records: Vec<RecordProblem>,
    },
    /// The records cannot be read, though the batch's CRC is right.
    #[error("the batch cannot be read: {problem}")]
    Corrupt {
        /// What is wrong.
        problem: String,
    },
    /// The batch is neither the producer's next one nor one of its last five.
    #[error(
        "out of order sequence number for producer {producer}: {first_sequence} came, the last was \
         {last_sequence}"
    )]
    OutOfOrderSequence {
        /// Who sent it.
        producer: ProducerId,
        /// The batch's first sequence number.
        first_sequence: i32,
        /// The last one in the log.
        last_sequence: i32,
    },
    /// The producer was fenced by a newer incarnation.
    #[error("producer {producer} wrote with epoch {epoch}, the latest is {latest}")]
    InvalidProducerEpoch {
        /// Who sent it.
        producer: ProducerId,
        /// With which epoch.
        epoch: ProducerEpoch,
        /// The latest one seen.
        latest: ProducerEpoch,
    },
    /// A transactional batch without, or an ordinary one within, a transaction.
    #[error("{message}")]
    InvalidTxnState {
        /// In Kafka's words.
        message: String,
    },
    /// A transaction marker from a coordinator that was replaced.
    #[error("transaction marker with coordinator epoch {epoch}, the latest is {latest}")]
    CoordinatorFenced {
        /// The marker's.
        epoch: i32,
        /// The latest one seen.
        latest: i32,
    },
    /// The batch's codec is not to be used here.
    #[error("unsupported compression: {problem}")]
    UnsupportedCompression {
        /// Why.
        problem: String,
    },
    /// A replicated batch does not continue the log.
    #[error("a batch at offset {found} came where {expected} was expected")]
    OffsetGap {
        /// End of the log.
        expected: EndOffset,
        /// The batch's base offset.
        found: Offset,
    },
    /// The file system has no room: the log is as before, and may be written again later.
    #[error("no space left: {0}")]
    Full(#[source] DiskError),
    /// A write or a sync failed, now or before: nothing more is appended until the log is opened
    /// anew.
    #[error("the log is offline: {0}")]
    Offline(#[source] DiskError),
    /// The log is quarantined: nothing is appended until it was repaired.
    #[error("the log is quarantined: {0}")]
    Damaged(Arc<Damage>),
}

impl AppendError {
    /// Kafka's code for it.
    pub fn code(&self) -> ErrorCode {
        match self {
            Self::BatchTooLarge { .. } => ErrorCode::MessageTooLarge,
            Self::SetTooLarge { .. } => ErrorCode::RecordListTooLarge,
            Self::InvalidTimestamp { .. } => ErrorCode::InvalidTimestamp,
            Self::InvalidRecord { .. } => ErrorCode::InvalidRecord,
            Self::Corrupt { .. } => ErrorCode::CorruptMessage,
            Self::OutOfOrderSequence { .. } => ErrorCode::OutOfOrderSequenceNumber,
            Self::InvalidProducerEpoch { .. } => ErrorCode::InvalidProducerEpoch,
            Self::InvalidTxnState { .. } => ErrorCode::InvalidTxnState,
            Self::CoordinatorFenced { .. } => ErrorCode::TransactionCoordinatorFenced,
            Self::UnsupportedCompression { .. } => ErrorCode::UnsupportedCompressionType,
            Self::OffsetGap { .. } => ErrorCode::UnknownServerError,
            Self::Full(_) | Self::Offline(_) | Self::Damaged(_) => ErrorCode::KafkaStorageError,
        }
    }

    /// The single records that were refused, for Produce's `RecordErrors`.
    pub fn record_problems(&self) -> &[RecordProblem] {
        match self {
            Self::InvalidTimestamp { records, .. } | Self::InvalidRecord { records, .. } => records,
            _ => &[],
        }
    }
}

/// Nothing was read.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// The offset is before the start or behind the end of the log.
    #[error("offset {offset} is not within {start}..={end}")]
    OutOfRange {
        /// What was asked for.
        offset: Offset,
        /// The log's first offset.
        start: Offset,
        /// The log's end.
        end: EndOffset,
    },
    /// A file does not hold what was once written, and the offset is at or behind that place: see
    /// [`Log::damage`](crate::Log::damage).
    #[error("{0}")]
    Damaged(Arc<Damage>),
    /// A file operation failed.
    #[error(transparent)]
    Disk(#[from] DiskError),
}

/// The log was not changed as asked.
#[derive(Debug, thiserror::Error)]
pub enum ChangeError {
    /// The offset lies beyond what may be deleted.
    #[error("offset {offset} lies beyond {limit}")]
    OutOfRange {
        /// What was asked for.
        offset: Offset,
        /// The high watermark.
        limit: EndOffset,
    },
    /// What must be read to change the log cannot be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// A file operation failed; nothing more is written until the log is opened anew.
    #[error("the log is offline: {0}")]
    Offline(#[source] DiskError),
    /// The log is quarantined: nothing is changed until it was repaired.
    #[error("the log is quarantined: {0}")]
    Damaged(Arc<Damage>),
}

/// An epoch's end: the answer to OffsetForLeaderEpoch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EpochEnd {
    /// The largest epoch that is not above the one asked for.
    pub epoch: LeaderEpoch,
    /// Where the next epoch starts, or the end of the log.
    pub end: EndOffset,
}
