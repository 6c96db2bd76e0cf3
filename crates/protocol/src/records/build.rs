//! Makes batches.

use super::{
    Attributes, BatchError, BatchHeader, CRC_START, Codec, Compression, HEADER_BYTES,
    LENGTH_OVERHEAD_BYTES, MAGIC, RecordHeader, TimestampType, ValidBatch, compress, crc32c,
};
use crate::wire::{put_zigzag, put_zigzag_long};
use bytes::{BufMut, Bytes, BytesMut};
use headwater_types::{LeaderEpoch, Offset, ProducerEpoch, ProducerId};

/// What a batch is besides its records. The default is what a producer without idempotence sends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BatchOptions {
    /// How the records are compressed.
    pub compression: Compression,
    /// Offset of the first record; 0 for a broker.
    pub base_offset: Offset,
    /// Epoch of the leader; none for a broker.
    pub leader_epoch: LeaderEpoch,
    /// The idempotent producer.
    pub producer: Option<ProducerStamp>,
    /// Whether the batch belongs to a transaction.
    pub transactional: bool,
    /// Whether the records are control records.
    pub control: bool,
    /// Whose clock the timestamps are of. With log-append time, all records get the largest.
    pub timestamp_type: TimestampType,
    /// From when on compaction may drop the batch's tombstones, in ms.
    pub delete_horizon_ms: Option<i64>,
    /// Offset delta of the last record, where compaction removed that.
    pub last_offset_delta: Option<i32>,
}

impl Default for BatchOptions {
    fn default() -> Self {
        Self {
            compression: Compression::default(),
            base_offset: Offset(0),
            leader_epoch: LeaderEpoch::NONE,
            producer: None,
            transactional: false,
            control: false,
            timestamp_type: TimestampType::CreateTime,
            delete_horizon_ms: None,
            last_offset_delta: None,
        }
    }
}

/// Who wrote a batch, and which of their batches it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ProducerStamp {
    /// The producer.
    pub id: ProducerId,
    /// Its epoch.
    pub epoch: ProducerEpoch,
    /// The first record's number in the producer's count.
    pub base_sequence: i32,
}

/// A record to be written.
#[derive(Clone, Copy, Debug, Default)]
pub struct NewRecord<'a> {
    /// Its time in ms.
    pub timestamp: i64,
    /// What it is about.
    pub key: Option<&'a [u8]>,
    /// What it says.
    pub value: Option<&'a [u8]>,
    /// Its headers.
    pub headers: &'a [RecordHeader<'a>],
}

/// Collects records and makes a batch of them.
///
/// ```
/// use headwater_protocol::records::{BatchBuilder, BatchOptions, Codec, NewRecord};
///
/// let options = BatchOptions { compression: Codec::None.into(), ..BatchOptions::default() };
/// let mut builder = BatchBuilder::new(options);
/// builder.push(NewRecord { value: Some(b"hello"), ..NewRecord::default() })?;
/// let batch = builder.finish()?;
///
/// let records: Result<Vec<_>, _> = batch.records(1 << 20)?.into_iter().collect();
/// assert_eq!(records?[0].value.as_deref(), Some(&b"hello"[..]));
/// # Ok::<(), headwater_protocol::records::BatchError>(())
/// ```
#[derive(Debug)]
pub struct BatchBuilder {
    options: BatchOptions,
    /// Room for the header, then the records.
    buffer: BytesMut,
    records_count: i32,
    last_offset_delta: i32,
    base_timestamp: i64,
    max_timestamp: i64,
}

impl BatchBuilder {
    /// An empty batch.
    pub fn new(options: BatchOptions) -> Self {
        Self::with_capacity(options, 512)
    }

    /// An empty batch with room for `capacity_bytes` of uncompressed batch.
    pub fn with_capacity(options: BatchOptions, capacity_bytes: usize) -> Self {
        let mut buffer = BytesMut::with_capacity(capacity_bytes.max(HEADER_BYTES));
        buffer.put_bytes(0, HEADER_BYTES);
        Self {
            options,
            buffer,
            records_count: 0,
            last_offset_delta: -1,
            base_timestamp: options.delete_horizon_ms.unwrap_or(-1),
            max_timestamp: -1,
        }
    }

    /// Records so far.
    pub fn records(&self) -> usize {
        usize::try_from(self.records_count).unwrap_or(0)
    }

    /// Whether there is no record yet.
    pub fn is_empty(&self) -> bool {
        self.records_count == 0
    }

    /// Bytes of the batch so far, before compression.
    pub fn size_bytes(&self) -> usize {
        self.buffer.len()
    }

    /// Bytes that [`BatchBuilder::size_bytes`] may have at most once the record was added.
    pub fn size_bytes_with(&self, record: &NewRecord<'_>) -> usize {
        // Length, attributes, deltas, and the lengths of key, value and headers.
        const FRAME_BYTES_MAX: usize = 5 + 1 + 10 + 5 + 3 * 5;
        let headers = record.headers.iter();
        let headers: usize =
            headers.map(|h| 10 + h.key.len() + h.value.map_or(0, <[u8]>::len)).sum();
        let key = record.key.map_or(0, <[u8]>::len);
        let value = record.value.map_or(0, <[u8]>::len);
        self.buffer.len() + FRAME_BYTES_MAX + key + value + headers
    }

    /// Adds a record at the next offset.
    ///
    /// # Errors
    ///
    /// The batch would be larger than its length field can say. It is unchanged then.
    pub fn push(&mut self, record: NewRecord<'_>) -> Result<(), BatchError> {
        self.push_at(self.last_offset_delta.wrapping_add(1), record)
    }

    /// Adds a record at an offset of its own, counted from the batch's: what compaction needs.
    ///
    /// # Errors
    ///
    /// The offset is not above that of the last record, or the batch would be larger than its
    /// length field can say. It is unchanged then.
    pub fn push_at(&mut self, offset_delta: i32, record: NewRecord<'_>) -> Result<(), BatchError> {
        if offset_delta <= self.last_offset_delta {
            let index = self.records();
            return Err(BatchError::RecordOffset { index, found: offset_delta });
        }
        let (bytes, limit_bytes) = (self.size_bytes_with(&record), i32::MAX as usize);
        if bytes > limit_bytes {
            return Err(BatchError::TooLarge { bytes, limit_bytes });
        }
        if self.is_empty() && self.options.delete_horizon_ms.is_none() {
            self.base_timestamp = record.timestamp;
        }
        self.max_timestamp = self.max_timestamp.max(record.timestamp);
        let timestamp_delta = record.timestamp.wrapping_sub(self.base_timestamp);

        // All lengths fit 32 bits: the whole batch does.
        let mut length = 1 + varlong_bytes(timestamp_delta) + varint_bytes(offset_delta);
        length += nullable_bytes(record.key) + nullable_bytes(record.value);
        length += varint_bytes(record.headers.len() as i32);
        for header in record.headers {
            length += nullable_bytes(Some(header.key)) + nullable_bytes(header.value);
        }
        put_zigzag(&mut self.buffer, length as i32);
        self.buffer.put_u8(0);
        put_zigzag_long(&mut self.buffer, timestamp_delta);
        put_zigzag(&mut self.buffer, offset_delta);
        put_nullable(&mut self.buffer, record.key);
        put_nullable(&mut self.buffer, record.value);
        put_zigzag(&mut self.buffer, record.headers.len() as i32);
        for header in record.headers {
            put_nullable(&mut self.buffer, Some(header.key));
            put_nullable(&mut self.buffer, header.value);
        }
        self.records_count += 1;
        self.last_offset_delta = offset_delta;
        Ok(())
    }

    /// Compresses and seals the batch. One without records is what compaction leaves of a batch
    /// whose producer must be remembered.
    ///
    /// # Errors
    ///
    /// The codec was not compiled in, or does not know the level.
    pub fn finish(self) -> Result<ValidBatch, BatchError> {
        let options = &self.options;
        let mut attributes = Attributes::default()
            .with_codec(options.compression.codec)
            .with_timestamp_type(options.timestamp_type);
        if options.transactional {
            attributes = attributes.transactional();
        }
        if options.control {
            attributes = attributes.control();
        }
        if options.delete_horizon_ms.is_some() {
            attributes = attributes.with_delete_horizon();
        }
        let producer = options.producer.unwrap_or(ProducerStamp {
            id: ProducerId::NONE,
            epoch: ProducerEpoch::NONE,
            base_sequence: -1,
        });
        let header = BatchHeader {
            base_offset: options.base_offset,
            batch_length: 0,
            leader_epoch: options.leader_epoch,
            magic: MAGIC,
            crc: 0,
            attributes,
            last_offset_delta: self.last_offset_delta.max(options.last_offset_delta.unwrap_or(0)),
            base_timestamp: self.base_timestamp,
            max_timestamp: self.max_timestamp,
            producer_id: producer.id,
            producer_epoch: producer.epoch,
            base_sequence: producer.base_sequence,
            records_count: self.records_count,
        };
        match options.compression.codec {
            Codec::None => seal(header, self.buffer),
            codec => {
                let payload = self.buffer.get(HEADER_BYTES..).unwrap_or_default();
                let payload = compress(options.compression, payload)
                    .map_err(|source| BatchError::compression(codec, source))?;
                assemble(header, &payload)
            }
        }
    }
}

/// Makes a batch of a header and records that are compressed as it says.
pub(super) fn assemble(header: BatchHeader, payload: &[u8]) -> Result<ValidBatch, BatchError> {
    let mut buffer = BytesMut::with_capacity(HEADER_BYTES + payload.len());
    buffer.put_bytes(0, HEADER_BYTES);
    buffer.extend_from_slice(payload);
    seal(header, buffer)
}

/// Puts length and CRC into the header, and the header into its room at the begin of `buffer`.
pub(super) fn seal(
    mut header: BatchHeader,
    mut buffer: BytesMut,
) -> Result<ValidBatch, BatchError> {
    let length = buffer.len().saturating_sub(LENGTH_OVERHEAD_BYTES);
    header.batch_length = i32::try_from(length).map_err(|_| BatchError::TooLarge {
        bytes: buffer.len(),
        limit_bytes: i32::MAX as usize,
    })?;
    put_header(&header, &mut buffer);
    header.crc = crc32c(buffer.get(CRC_START..).unwrap_or_default());
    put_header(&header, &mut buffer);
    Ok(ValidBatch::proven(header, Bytes::from(buffer)))
}

fn put_header(header: &BatchHeader, buffer: &mut BytesMut) {
    if let Some(room) = buffer.first_chunk_mut::<HEADER_BYTES>() {
        *room = header.to_bytes();
    }
}

fn put_nullable(to: &mut BytesMut, value: Option<&[u8]>) {
    match value {
        None => put_zigzag(to, -1),
        Some(value) => {
            put_zigzag(to, value.len() as i32);
            to.extend_from_slice(value);
        }
    }
}

/// Bytes of a nullable slice with its length.
fn nullable_bytes(value: Option<&[u8]>) -> usize {
    match value {
        None => 1,
        Some(value) => varint_bytes(value.len() as i32) + value.len(),
    }
}

fn varint_bytes(value: i32) -> usize {
    varlong_bytes(i64::from(value))
}

fn varlong_bytes(value: i64) -> usize {
    let bits = 64 - ((value << 1) ^ (value >> 63)).leading_zeros() as usize;
    bits.div_ceil(7).max(1)
}
