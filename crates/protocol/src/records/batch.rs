//! Batches that are proven, and batches that have their place in a log.

use super::iter::BatchRecords;
use super::{BatchError, BatchHeader, Codec, HEADER_BYTES, TimestampType, decompress};
use bytes::{Bytes, BytesMut};
use headwater_types::{LeaderEpoch, Offset};

/// Bytes at the begin of a batch that depend on its place: base offset, length and leader epoch.
/// The CRC covers none of them.
pub const PLACE_BYTES: usize = 16;

/// A batch whose CRC and header were checked, or that was built here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ValidBatch {
    header: BatchHeader,
    bytes: Bytes,
}

/// A batch with the offset and leader epoch that it has in a log. Its bytes are `prefix`, then
/// `rest`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AppendedBatch {
    /// The header, with its place.
    pub header: BatchHeader,
    /// Base offset, length and leader epoch.
    pub prefix: [u8; PLACE_BYTES],
    /// The bytes from the magic byte on, shared with the batch that was received.
    pub rest: Bytes,
}

/// What a walk through all records of a batch finds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RecordsSummary {
    /// Records.
    pub records: usize,
    /// The largest timestamp, in ms; that of the batch with log-append time, -1 without records.
    pub max_timestamp: i64,
    /// Offset of the first record that has the largest timestamp.
    pub offset_of_max_timestamp: Offset,
    /// Whether any record has no key.
    pub has_null_key: bool,
    /// Bytes of the records, uncompressed.
    pub records_bytes: usize,
}

impl ValidBatch {
    /// Whoever calls this has made or checked the bytes.
    pub(super) fn proven(header: BatchHeader, bytes: Bytes) -> Self {
        debug_assert_eq!(header.size_bytes(), Some(bytes.len()));
        Self { header, bytes }
    }

    /// What the header says.
    pub fn header(&self) -> &BatchHeader {
        &self.header
    }

    /// All bytes.
    pub fn bytes(&self) -> &Bytes {
        &self.bytes
    }

    /// The bytes.
    pub fn into_bytes(self) -> Bytes {
        self.bytes
    }

    /// How many bytes there are, as `max.message.bytes` counts them.
    pub fn size_bytes(&self) -> usize {
        self.bytes.len()
    }

    /// The codec of the records.
    pub fn codec(&self) -> Codec {
        // Proven when the batch was made.
        self.header.attributes.codec().unwrap_or_default()
    }

    /// The records as they stand in the batch, compressed or not.
    pub fn payload(&self) -> Bytes {
        self.bytes.slice(HEADER_BYTES.min(self.bytes.len())..)
    }

    /// Refuses what clients must not send: no records, offsets with gaps or not from 0, control
    /// records, log-append time, a producer without a sequence.
    ///
    /// # Errors
    ///
    /// The first thing that is wrong.
    pub fn check_from_client(&self) -> Result<(), BatchError> {
        let header = &self.header;
        if header.base_offset != Offset(0) {
            return Err(BatchError::Offset(header.base_offset.0));
        }
        let (count, last) = (header.records_count, header.last_offset_delta);
        if count <= 0 || i64::from(count) != i64::from(last) + 1 {
            return Err(BatchError::Count { records_count: count, last_offset_delta: last });
        }
        if header.attributes.is_control() {
            return Err(BatchError::Control);
        }
        if header.attributes.timestamp_type() == TimestampType::LogAppendTime {
            return Err(BatchError::LogAppendTime);
        }
        if header.has_producer() && header.base_sequence < 0 {
            return Err(BatchError::Producer {
                producer_id: header.producer_id.0,
                producer_epoch: header.producer_epoch.0,
                base_sequence: header.base_sequence,
            });
        }
        Ok(())
    }

    /// Gives the batch its place in a log. Record bytes are not copied.
    pub fn with_place(self, base: Offset, epoch: LeaderEpoch) -> AppendedBatch {
        let mut header = self.header;
        header.base_offset = base;
        header.leader_epoch = epoch;
        let bytes = header.to_bytes();
        let prefix = bytes.first_chunk().copied().unwrap_or_default();
        let mut rest = self.bytes;
        let _ = rest.split_to(PLACE_BYTES.min(rest.len()));
        AppendedBatch { header, prefix, rest }
    }

    /// The records, decompressed to at most `limit_bytes`.
    ///
    /// # Errors
    ///
    /// The payload is damaged, larger than the limit, or its codec was not compiled in.
    pub fn records(&self, limit_bytes: usize) -> Result<BatchRecords, BatchError> {
        let codec = self.codec();
        let payload = self.payload();
        let records = match codec {
            Codec::None => payload,
            codec => decompress(codec, &payload, limit_bytes)
                .map_err(|source| BatchError::compression(codec, source))?,
        };
        Ok(BatchRecords::new(self.header, records))
    }

    /// Walks through all records and proves them: their number, their offsets and that each is
    /// whole. Offsets must have no gaps, as in what producers send.
    ///
    /// # Errors
    ///
    /// As [`ValidBatch::records`], or a record is damaged.
    pub fn summarize(&self, limit_bytes: usize) -> Result<RecordsSummary, BatchError> {
        self.records(limit_bytes)?.summarize()
    }
}

impl AppendedBatch {
    /// How many bytes there are.
    pub fn size_bytes(&self) -> usize {
        PLACE_BYTES + self.rest.len()
    }

    /// The bytes in one piece, which copies them.
    pub fn to_bytes(&self) -> Bytes {
        let mut bytes = BytesMut::with_capacity(self.size_bytes());
        bytes.extend_from_slice(&self.prefix);
        bytes.extend_from_slice(&self.rest);
        bytes.freeze()
    }
}
