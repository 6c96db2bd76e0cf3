//! From what went wrong to what Kafka's clients are told: one place, without a catch-all, so that
//! a new kind of failure has to choose its code.

use crate::partition::PartitionError;
use headwater_log::{AppendError, ChangeError, OpenError, ReadError};
use headwater_protocol::records::BatchError;
use headwater_types::ErrorCode;
use thiserror::Error;

/// What can be told to a client.
pub(crate) trait ToCode {
    fn to_code(&self) -> ErrorCode;
}

/// The code for an error.
pub(crate) fn code_of(error: &impl ToCode) -> ErrorCode {
    error.to_code()
}

impl ToCode for PartitionError {
    fn to_code(&self) -> ErrorCode {
        match self {
            PartitionError::NotLeader => ErrorCode::NotLeaderOrFollower,
            PartitionError::FencedEpoch { .. } => ErrorCode::FencedLeaderEpoch,
            PartitionError::UnknownEpoch { .. } => ErrorCode::UnknownLeaderEpoch,
            PartitionError::NotEnoughReplicas { .. } => ErrorCode::NotEnoughReplicas,
            PartitionError::Deleted => ErrorCode::UnknownTopicOrPartition,
            // It was waited for as long as anybody waits: every client tries again after this.
            PartitionError::Opening => ErrorCode::NotLeaderOrFollower,
            PartitionError::Offline(_) => ErrorCode::KafkaStorageError,
            PartitionError::Open(error) => error.to_code(),
            PartitionError::Append(error) => error.to_code(),
            PartitionError::Read(error) => error.to_code(),
            PartitionError::Change(error) => error.to_code(),
            PartitionError::Disk(_) => ErrorCode::KafkaStorageError,
        }
    }
}

impl ToCode for OpenError {
    fn to_code(&self) -> ErrorCode {
        match self {
            OpenError::OtherTopic { .. } => ErrorCode::InconsistentTopicId,
            OpenError::Disk(_) | OpenError::Damaged { .. } => ErrorCode::KafkaStorageError,
        }
    }
}

impl ToCode for AppendError {
    fn to_code(&self) -> ErrorCode {
        self.code()
    }
}

impl ToCode for ReadError {
    fn to_code(&self) -> ErrorCode {
        match self {
            ReadError::OutOfRange { .. } => ErrorCode::OffsetOutOfRange,
            ReadError::Damaged(_) | ReadError::Disk(_) => ErrorCode::KafkaStorageError,
        }
    }
}

impl ToCode for ChangeError {
    fn to_code(&self) -> ErrorCode {
        match self {
            ChangeError::OutOfRange { .. } => ErrorCode::OffsetOutOfRange,
            ChangeError::Read(error) => error.to_code(),
            ChangeError::Offline(_) | ChangeError::Damaged(_) => ErrorCode::KafkaStorageError,
        }
    }
}

/// What a client sent as the records of one partition cannot be taken.
#[derive(Debug, Error)]
pub(crate) enum RecordsError {
    /// Nothing was sent.
    #[error("a produce request must hold a record batch for each partition that it names")]
    NoBatch,
    /// More than one batch was sent.
    #[error("a produce request may hold one record batch a partition, not {count}")]
    SeveralBatches {
        /// How many.
        count: usize,
    },
    /// The batch is none.
    #[error("{0}")]
    Batch(#[from] BatchError),
}

impl ToCode for RecordsError {
    fn to_code(&self) -> ErrorCode {
        match self {
            RecordsError::NoBatch | RecordsError::SeveralBatches { .. } => ErrorCode::InvalidRecord,
            RecordsError::Batch(error) => error.to_code(),
        }
    }
}

impl ToCode for BatchError {
    fn to_code(&self) -> ErrorCode {
        match self {
            BatchError::TooLarge { .. } => ErrorCode::MessageTooLarge,
            BatchError::Magic { .. } | BatchError::Control => ErrorCode::InvalidRecord,
            BatchError::LogAppendTime => ErrorCode::InvalidTimestamp,
            // Whatever else is wrong with the bytes, they are not what a sound producer sends.
            _ => ErrorCode::CorruptMessage,
        }
    }
}
