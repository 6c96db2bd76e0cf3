//! Record batches: what Produce and Fetch carry, and what logs keep on disk.
//!
//! A batch goes through types that say what is known of it. [`ReceivedBatches::parse`] cuts bytes
//! into [`ReceivedBatch`]es by their lengths alone; [`ReceivedBatch::validate`] proves magic, CRC
//! and header and gives a [`ValidBatch`]; [`ValidBatch::with_place`] gives it an offset and makes
//! it an [`AppendedBatch`] without touching its records. Records are read with
//! [`ValidBatch::records`], batches are made by [`BatchBuilder`]. Message sets of before Kafka
//! 0.11 can be read ([`ReceivedBatch::legacy_records`]), not written.
//!
//! Nothing here trusts a length: lying payloads end in a [`BatchError`], and decompression stops
//! at a limit that the caller names.

mod batch;
mod build;
mod codec;
mod control;
mod error;
mod header;
mod iter;
mod legacy;
mod received;
mod rewrite;

#[cfg(feature = "gzip")]
mod gzip;
#[cfg(feature = "lz4")]
mod lz4;
#[cfg(feature = "snappy")]
mod snappy;
#[cfg(feature = "zstd")]
mod zstd;

pub use batch::{AppendedBatch, PLACE_BYTES, RecordsSummary, ValidBatch};
pub use build::{BatchBuilder, BatchOptions, NewRecord, ProducerStamp};
pub use codec::{Codec, Compression, CompressionError, compress, decompress};
pub use control::{ControlType, EndTransactionMarker};
pub use error::BatchError;
pub use header::{
    Attributes, BatchHeader, CRC_START, HEADER_BYTES, LENGTH_OVERHEAD_BYTES, MAGIC, TimestampType,
    crc32c,
};
pub use iter::{BatchRecords, Record, RecordHeader, RecordIter, RecordView, RecordViews};
pub use received::{BatchLimits, FetchedBatches, ReceivedBatch, ReceivedBatches};
