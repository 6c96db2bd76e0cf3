//! Messages of the formats 0 and 1, which were written before Kafka 0.11 and are only read.
//!
//! A message that is compressed holds a whole set of messages as its value, one level deep.

use super::{BatchError, Codec, CompressionError, ReceivedBatch, Record, decompress};
use crate::wire::DecodeError;
use bytes::{Buf, Bytes};
use headwater_types::Offset;

/// Bytes of offset and size.
const OVERHEAD_BYTES: usize = 12;

/// Where the bytes begin that the CRC covers.
const CRC_START: usize = 16;

/// The flag of format 1 that says log-append time.
const LOG_APPEND_TIME: i8 = 0x08;

/// The first format with timestamps and relative offsets in compressed sets.
const MAGIC_RELATIVE: i8 = 1;

struct Message {
    magic: i8,
    attributes: i8,
    record: Record,
}

impl ReceivedBatch {
    /// The records of a message of format 0 or 1, decompressed to at most `limit_bytes`.
    ///
    /// # Errors
    ///
    /// The message is of format 2 or later, damaged, or larger than the limit.
    pub fn legacy_records(&self, limit_bytes: usize) -> Result<Vec<Record>, BatchError> {
        let outer = read(self.bytes().clone(), 0)?;
        let bits = (outer.attributes & 0x07) as u8;
        let codec = match Codec::from_bits(bits).ok_or(BatchError::Codec(bits))? {
            Codec::None => return Ok(vec![outer.record]),
            codec => codec,
        };
        let value = outer.record.value.as_deref().unwrap_or_default();
        let inner = unpack(codec, outer.magic, value, limit_bytes)
            .map_err(|source| BatchError::compression(codec, source))?;
        let mut records = read_set(inner)?;

        if outer.magic >= MAGIC_RELATIVE {
            // The outer offset is that of the last message; the inner ones count from 0.
            let last = records.last().map_or(0, |record| record.offset.0);
            let base = outer.record.offset.0.wrapping_sub(last);
            for record in &mut records {
                record.offset = Offset(record.offset.0.wrapping_add(base));
            }
        }
        if outer.attributes & LOG_APPEND_TIME != 0 {
            for record in &mut records {
                record.timestamp = outer.record.timestamp;
            }
        }
        Ok(records)
    }
}

fn unpack(
    codec: Codec,
    magic: i8,
    value: &[u8],
    limit_bytes: usize,
) -> Result<Bytes, CompressionError> {
    #[cfg(feature = "lz4")]
    if codec == Codec::Lz4 && magic < MAGIC_RELATIVE {
        return super::lz4::decompress_misheaded(value, limit_bytes);
    }
    let _ = magic;
    decompress(codec, value, limit_bytes)
}

/// Reads a set of messages, of which none is compressed.
fn read_set(mut bytes: Bytes) -> Result<Vec<Record>, BatchError> {
    let mut records = Vec::new();
    while !bytes.is_empty() {
        let present_bytes = bytes.len();
        let size = bytes
            .get(8..)
            .and_then(<[u8]>::first_chunk::<4>)
            .and_then(|size| usize::try_from(i32::from_be_bytes(*size)).ok())
            .map(|size| size + OVERHEAD_BYTES)
            .filter(|size| *size <= present_bytes)
            .ok_or(BatchError::TooShort { bytes: present_bytes })?;
        let message = read(bytes.split_to(size), records.len())?;
        if message.attributes & 0x07 != 0 {
            return Err(BatchError::Codec((message.attributes & 0x07) as u8));
        }
        records.push(message.record);
    }
    Ok(records)
}

fn read(message: Bytes, index: usize) -> Result<Message, BatchError> {
    let at = |source| BatchError::Record { index, source };
    let truncated = |remaining| at(DecodeError::Truncated { needed: remaining + 1, remaining });
    let covered = message.get(CRC_START..).unwrap_or_default();
    let computed = crc32fast::hash(covered);

    let mut b = message.clone();
    let offset = b.try_get_i64().map_err(|_| truncated(b.len()))?;
    let _size = b.try_get_i32().map_err(|_| truncated(b.len()))?;
    let stored = b.try_get_u32().map_err(|_| truncated(b.len()))?;
    let magic = b.try_get_i8().map_err(|_| truncated(b.len()))?;
    if !(0..=1).contains(&magic) {
        return Err(BatchError::Magic { found: magic, expected: 1 });
    }
    if stored != computed {
        return Err(BatchError::Crc { stored, computed });
    }
    let attributes = b.try_get_i8().map_err(|_| truncated(b.len()))?;
    let timestamp = match magic {
        0 => -1,
        _ => b.try_get_i64().map_err(|_| truncated(b.len()))?,
    };
    let key = take_nullable(&mut b).map_err(at)?;
    let value = take_nullable(&mut b).map_err(at)?;
    let record = Record::without_headers(Offset(offset), timestamp, key, value);
    Ok(Message { magic, attributes, record })
}

fn take_nullable(b: &mut Bytes) -> Result<Option<Bytes>, DecodeError> {
    let remaining = b.len();
    let length = b.try_get_i32().map_err(|_| DecodeError::Truncated { needed: 4, remaining })?;
    if length == -1 {
        return Ok(None);
    }
    let needed = usize::try_from(length).map_err(|_| DecodeError::NegativeLength(length))?;
    if needed > b.len() {
        return Err(DecodeError::Truncated { needed, remaining: b.len() });
    }
    Ok(Some(b.split_to(needed)))
}
