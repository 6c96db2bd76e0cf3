//! What this crate takes from the codec, in one place.

pub(crate) use headwater_protocol::records::{
    BatchError, BatchLimits, Codec, Compression, CompressionError, ReceivedBatch, ReceivedBatches,
    Record, RecordView, RecordsSummary, ValidBatch,
};

use crate::config::CompressionChoice;

/// Most bytes that the records of one batch may decompress to.
pub(crate) const DECOMPRESSED_BYTES_MAX: usize = 256 << 20;

/// The codec that a topic asks for; `None` where the producer chooses.
pub(crate) fn wanted_compression(choice: CompressionChoice) -> Option<Compression> {
    let with_level = |codec, level| Some(Compression { codec, level: Some(level) });
    match choice {
        CompressionChoice::Producer => None,
        CompressionChoice::Uncompressed => Some(Codec::None.into()),
        // Kafka says -1 where zlib is to choose.
        CompressionChoice::Gzip(-1) => Some(Codec::Gzip.into()),
        CompressionChoice::Gzip(level) => with_level(Codec::Gzip, level),
        CompressionChoice::Snappy => Some(Codec::Snappy.into()),
        CompressionChoice::Lz4(level) => with_level(Codec::Lz4, level),
        CompressionChoice::Zstd(level) => with_level(Codec::Zstd, level),
    }
}
