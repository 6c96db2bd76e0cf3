//! Changes to a batch that its CRC covers.

use super::build::{assemble, seal};
use super::{BatchError, BatchHeader, Codec, Compression, TimestampType, ValidBatch, compress};
use bytes::BytesMut;

impl ValidBatch {
    /// The batch with the broker's clock: all of its records get the time `now_ms`. The records
    /// themselves stay as they are; readers take the batch's largest timestamp instead.
    ///
    /// # Errors
    ///
    /// None that can be thought of: the size does not change.
    pub fn with_log_append_time(self, now_ms: i64) -> Result<Self, BatchError> {
        let mut header = *self.header();
        header.attributes = header.attributes.with_timestamp_type(TimestampType::LogAppendTime);
        header.max_timestamp = now_ms;
        self.with_header(header)
    }

    /// The batch with another largest timestamp, for producers whose header says a wrong one.
    ///
    /// # Errors
    ///
    /// None that can be thought of: the size does not change.
    pub fn with_max_timestamp(self, max_timestamp: i64) -> Result<Self, BatchError> {
        let mut header = *self.header();
        header.max_timestamp = max_timestamp;
        self.with_header(header)
    }

    fn with_header(self, header: BatchHeader) -> Result<Self, BatchError> {
        // In place where nobody else holds the bytes, otherwise a copy.
        let buffer = self.into_bytes().try_into_mut();
        seal(header, buffer.unwrap_or_else(|shared| BytesMut::from(shared.as_ref())))
    }

    /// The batch with its records compressed in another way.
    ///
    /// # Errors
    ///
    /// The records are damaged or larger than `limit_bytes`, or a codec was not compiled in.
    pub fn recompressed(
        self,
        compression: Compression,
        limit_bytes: usize,
    ) -> Result<Self, BatchError> {
        let mut header = *self.header();
        let records = self.records(limit_bytes)?;
        header.attributes = header.attributes.with_codec(compression.codec);
        match compression.codec {
            Codec::None => assemble(header, records.bytes()),
            codec => {
                let payload = compress(compression, records.bytes())
                    .map_err(|source| BatchError::compression(codec, source))?;
                assemble(header, &payload)
            }
        }
    }
}
