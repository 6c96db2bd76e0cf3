//! What can be wrong with a batch.

use super::{Codec, CompressionError};
use crate::wire::DecodeError;
use thiserror::Error;

/// Why bytes are no valid batch.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum BatchError {
    /// Fewer bytes than the smallest batch has.
    #[error("{bytes} bytes are too few for a batch")]
    TooShort {
        /// Bytes there.
        bytes: usize,
    },
    /// The batch claims another length than it can have.
    #[error("a batch of {claimed_bytes} bytes where {present_bytes} are there")]
    Length {
        /// Bytes claimed, those before and of the length field included; may be negative.
        claimed_bytes: i64,
        /// Bytes there.
        present_bytes: usize,
    },
    /// The batch is larger than allowed.
    #[error("a batch of {bytes} bytes where {limit_bytes} are allowed")]
    TooLarge {
        /// Bytes of the batch, all included.
        bytes: usize,
        /// The limit.
        limit_bytes: usize,
    },
    /// The format is another one than asked for.
    #[error("magic {found} where {expected} is expected")]
    Magic {
        /// Magic byte of the batch.
        found: i8,
        /// Magic byte that could be used here.
        expected: i8,
    },
    /// The checksum differs: bytes were damaged.
    #[error("CRC {computed:#010x} where the batch says {stored:#010x}")]
    Crc {
        /// As the batch says.
        stored: u32,
        /// As its bytes say.
        computed: u32,
    },
    /// Offsets and count of the header contradict each other.
    #[error("{records_count} records up to offset delta {last_offset_delta}")]
    Count {
        /// Records claimed.
        records_count: i32,
        /// Offset of the last record, counted from the first.
        last_offset_delta: i32,
    },
    /// An offset that no record can have.
    #[error("a batch at offset {0}")]
    Offset(i64),
    /// The attributes name a codec that does not exist.
    #[error("no codec has the number {0}")]
    Codec(u8),
    /// A producer's batch with a producer id but no sequence, or with half of a producer's state.
    #[error("producer {producer_id} epoch {producer_epoch} sequence {base_sequence}")]
    Producer {
        /// As the batch says.
        producer_id: i64,
        /// As the batch says.
        producer_epoch: i16,
        /// As the batch says.
        base_sequence: i32,
    },
    /// A batch from a client that holds control records.
    #[error("control records from a client")]
    Control,
    /// A batch from a client that claims log-append time.
    #[error("log-append time set by a client")]
    LogAppendTime,
    /// The records cannot be decompressed.
    #[error("decompressing {codec} failed")]
    Compression {
        /// The codec.
        codec: Codec,
        /// What went wrong.
        source: CompressionError,
    },
    /// A record is damaged.
    #[error("record {index}")]
    Record {
        /// Which one, counted from 0.
        index: usize,
        /// What went wrong.
        source: DecodeError,
    },
    /// The records end elsewhere than the header says.
    #[error("{found} records where the header says {claimed}")]
    RecordsCount {
        /// Records found.
        found: usize,
        /// Records claimed.
        claimed: i32,
    },
    /// A record's offset is not the one after its predecessor's.
    #[error("record {index} has offset delta {found}")]
    RecordOffset {
        /// Which one, counted from 0.
        index: usize,
        /// Its offset delta.
        found: i32,
    },
}

impl BatchError {
    pub(super) fn compression(codec: Codec, source: CompressionError) -> Self {
        Self::Compression { codec, source }
    }
}
