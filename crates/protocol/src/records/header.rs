//! The 61 bytes at the begin of a batch of format 2.

use super::{BatchError, Codec};
use bytes::{Buf, BufMut};
use headwater_types::{EndOffset, LeaderEpoch, Offset, ProducerEpoch, ProducerId};

/// Bytes before the first record.
pub const HEADER_BYTES: usize = 61;

/// Bytes that a batch's length does not count: base offset and the length itself.
pub const LENGTH_OVERHEAD_BYTES: usize = 12;

/// Where the bytes begin that the CRC covers.
pub const CRC_START: usize = 21;

/// The format that has been written since Kafka 0.11.
pub const MAGIC: i8 = 2;

/// CRC-32C, as batches of format 2 use it.
pub fn crc32c(bytes: &[u8]) -> u32 {
    crc_fast::crc32_iscsi(bytes)
}

/// Whose clock stamped the records of a batch.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TimestampType {
    /// The producer's: each record has its own time.
    #[default]
    CreateTime,
    /// The broker's: the batch's largest timestamp counts for all of its records.
    LogAppendTime,
}

/// The flags of a batch.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Attributes(pub i16);

impl Attributes {
    const CODEC: i16 = 0x07;
    const LOG_APPEND_TIME: i16 = 0x08;
    const TRANSACTIONAL: i16 = 0x10;
    const CONTROL: i16 = 0x20;
    const DELETE_HORIZON: i16 = 0x40;

    /// The codec of the records.
    ///
    /// # Errors
    ///
    /// [`BatchError::Codec`] for the numbers that stand for none.
    pub fn codec(self) -> Result<Codec, BatchError> {
        let bits = (self.0 & Self::CODEC) as u8;
        Codec::from_bits(bits).ok_or(BatchError::Codec(bits))
    }

    /// Whose clock stamped the records.
    pub const fn timestamp_type(self) -> TimestampType {
        match self.0 & Self::LOG_APPEND_TIME {
            0 => TimestampType::CreateTime,
            _ => TimestampType::LogAppendTime,
        }
    }

    /// Whether the batch belongs to a transaction.
    pub const fn is_transactional(self) -> bool {
        self.0 & Self::TRANSACTIONAL != 0
    }

    /// Whether the batch holds control records, which no application sees.
    pub const fn is_control(self) -> bool {
        self.0 & Self::CONTROL != 0
    }

    /// Whether the base timestamp says from when on compaction may drop tombstones (KIP-534).
    pub const fn has_delete_horizon(self) -> bool {
        self.0 & Self::DELETE_HORIZON != 0
    }

    /// The same with another codec.
    #[must_use]
    pub const fn with_codec(self, codec: Codec) -> Self {
        Self(self.0 & !Self::CODEC | codec.bits() as i16)
    }

    /// The same with another clock.
    #[must_use]
    pub const fn with_timestamp_type(self, kind: TimestampType) -> Self {
        match kind {
            TimestampType::CreateTime => Self(self.0 & !Self::LOG_APPEND_TIME),
            TimestampType::LogAppendTime => Self(self.0 | Self::LOG_APPEND_TIME),
        }
    }

    /// The same, in a transaction.
    #[must_use]
    pub const fn transactional(self) -> Self {
        Self(self.0 | Self::TRANSACTIONAL)
    }

    /// The same, for control records.
    #[must_use]
    pub const fn control(self) -> Self {
        Self(self.0 | Self::CONTROL)
    }

    /// The same with the delete horizon said to be in the base timestamp.
    #[must_use]
    pub const fn with_delete_horizon(self) -> Self {
        Self(self.0 | Self::DELETE_HORIZON)
    }
}

/// What the first 61 bytes of a batch say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BatchHeader {
    /// Offset of the first record; 0 as producers send it.
    pub base_offset: Offset,
    /// Bytes of the batch behind this field: [`LENGTH_OVERHEAD_BYTES`] less than all of it.
    pub batch_length: i32,
    /// Epoch of the leader that appended the batch.
    pub leader_epoch: LeaderEpoch,
    /// The format, see [`MAGIC`].
    pub magic: i8,
    /// CRC-32C of everything from [`CRC_START`] on.
    pub crc: u32,
    /// Codec and flags.
    pub attributes: Attributes,
    /// Offset of the last record (be it compacted away), counted from the base offset.
    pub last_offset_delta: i32,
    /// What the records' timestamps count from, in ms; the first one's, or the delete horizon.
    pub base_timestamp: i64,
    /// The largest timestamp of a record, in ms, or the time of the append.
    pub max_timestamp: i64,
    /// The idempotent producer, or none.
    pub producer_id: ProducerId,
    /// Its epoch, or none.
    pub producer_epoch: ProducerEpoch,
    /// The first record's number in the producer's count, or -1.
    pub base_sequence: i32,
    /// Records that are there.
    pub records_count: i32,
}

impl BatchHeader {
    /// Reads a header. Nothing is checked but that its bytes are there: the format may be another
    /// one, whose fields mean other things behind the magic byte.
    ///
    /// # Errors
    ///
    /// [`BatchError::TooShort`].
    pub fn parse(bytes: &[u8]) -> Result<Self, BatchError> {
        let Some(mut b) = bytes.get(..HEADER_BYTES) else {
            return Err(BatchError::TooShort { bytes: bytes.len() });
        };
        Ok(Self {
            base_offset: Offset(b.get_i64()),
            batch_length: b.get_i32(),
            leader_epoch: LeaderEpoch(b.get_i32()),
            magic: b.get_i8(),
            crc: b.get_u32(),
            attributes: Attributes(b.get_i16()),
            last_offset_delta: b.get_i32(),
            base_timestamp: b.get_i64(),
            max_timestamp: b.get_i64(),
            producer_id: ProducerId(b.get_i64()),
            producer_epoch: ProducerEpoch(b.get_i16()),
            base_sequence: b.get_i32(),
            records_count: b.get_i32(),
        })
    }

    /// The header's bytes.
    pub fn to_bytes(&self) -> [u8; HEADER_BYTES] {
        let mut bytes = [0; HEADER_BYTES];
        let mut b = &mut bytes[..];
        b.put_i64(self.base_offset.0);
        b.put_i32(self.batch_length);
        b.put_i32(self.leader_epoch.0);
        b.put_i8(self.magic);
        b.put_u32(self.crc);
        b.put_i16(self.attributes.0);
        b.put_i32(self.last_offset_delta);
        b.put_i64(self.base_timestamp);
        b.put_i64(self.max_timestamp);
        b.put_i64(self.producer_id.0);
        b.put_i16(self.producer_epoch.0);
        b.put_i32(self.base_sequence);
        b.put_i32(self.records_count);
        bytes
    }

    /// Bytes of the whole batch, as the length field says; none where that cannot be.
    pub fn size_bytes(&self) -> Option<usize> {
        let length = usize::try_from(self.batch_length).ok()?;
        let size = length.checked_add(LENGTH_OVERHEAD_BYTES)?;
        (size >= HEADER_BYTES).then_some(size)
    }

    /// Offset of the last record, be it compacted away.
    pub const fn last_offset(&self) -> Offset {
        Offset(self.base_offset.0.wrapping_add(self.last_offset_delta as i64))
    }

    /// The offset behind the batch.
    pub const fn end_offset(&self) -> EndOffset {
        EndOffset(self.last_offset().0.wrapping_add(1))
    }

    /// The last record's number in the producer's count, which wraps at 2^31; -1 without one.
    pub const fn last_sequence(&self) -> i32 {
        if self.base_sequence < 0 {
            return -1;
        }
        // As in Kafka: 0 follows i32::MAX.
        let sum = self.base_sequence as i64 + self.last_offset_delta as i64;
        (sum % (1 << 31)) as i32
    }

    /// Whether an idempotent producer wrote the batch.
    pub fn has_producer(&self) -> bool {
        self.producer_id > ProducerId::NONE
    }

    /// From when on compaction may drop the batch's tombstones, in ms, where it was said.
    pub const fn delete_horizon_ms(&self) -> Option<i64> {
        if self.attributes.has_delete_horizon() { Some(self.base_timestamp) } else { None }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_checksum_is_castagnoli() {
        assert_eq!(crc32c(b""), 0);
        assert_eq!(crc32c(b"123456789"), 0xe306_9283);
        assert_eq!(crc32c(&[0; 32]), 0x8a91_36aa);
        assert_eq!(crc32c(&[0xff; 32]), 0x62a8_ab43);
    }

    #[test]
    fn sequences_wrap_as_in_kafka() {
        let mut header = BatchHeader::parse(&[0; HEADER_BYTES]).unwrap();
        header.base_sequence = i32::MAX;
        header.last_offset_delta = 0;
        assert_eq!(header.last_sequence(), i32::MAX);
        header.last_offset_delta = 1;
        assert_eq!(header.last_sequence(), 0);
        header.base_sequence = -1;
        assert_eq!(header.last_sequence(), -1);
    }

    #[test]
    fn a_header_survives_its_bytes() {
        let bytes: [u8; HEADER_BYTES] = std::array::from_fn(|at| at as u8);
        assert_eq!(BatchHeader::parse(&bytes).unwrap().to_bytes(), bytes);
        assert_eq!(BatchHeader::parse(&bytes[..60]), Err(BatchError::TooShort { bytes: 60 }));
    }
}
