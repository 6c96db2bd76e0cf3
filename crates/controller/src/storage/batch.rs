//! One Raft entry as one Kafka batch of one record.
//!
//! The batch is of format v2 and not compressed: base offset = index - 1, leader epoch = term. The
//! record's value is the entry's data; its key is empty, or one byte that names the kind where that
//! is not metadata. So Kafka's own tools can list the metadata log, if not understand it.

use crate::core::{EntryKind, LogEntry};
use bytes::{Buf, BufMut, Bytes, BytesMut};

/// Bytes of a batch before its records.
const HEADER_BYTES: usize = 61;
/// Bytes of a batch that its length field does not count.
const OVERHEAD_BYTES: usize = 12;
/// Bytes before the checksummed part.
const CRC_END: usize = 21;

/// A batch that holds no entry.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BatchError {
    /// It ends too early.
    #[error("a batch is cut off")]
    CutOff,
    /// Its checksum is wrong.
    #[error("a batch has checksum {found:08x} instead of {expected:08x}")]
    Checksum {
        /// What its bytes give.
        expected: u32,
        /// What it says.
        found: u32,
    },
    /// It was not written by us.
    #[error("a batch that is no Raft entry: {0}")]
    Foreign(&'static str),
}

/// The batch of an entry.
pub(super) fn encode(entry: &LogEntry, now_ms: i64) -> Bytes {
    let key: Option<u8> = match entry.kind {
        EntryKind::Metadata => None,
        kind => Some(kind as u8),
    };
    let mut record = BytesMut::with_capacity(entry.data.len() + 16);
    record.put_u8(0);
    put_varint(&mut record, 0);
    put_varint(&mut record, 0);
    match key {
        None => put_varint(&mut record, -1),
        Some(kind) => {
            put_varint(&mut record, 1);
            record.put_u8(kind);
        }
    }
    put_varint(&mut record, entry.data.len() as i64);
    record.put_slice(&entry.data);
    put_varint(&mut record, 0);

    let mut checked = BytesMut::with_capacity(record.len() + 64);
    checked.put_i16(0); // attributes
    checked.put_i32(0); // last offset delta
    checked.put_i64(now_ms);
    checked.put_i64(now_ms);
    checked.put_i64(-1); // producer id
    checked.put_i16(-1);
    checked.put_i32(-1);
    checked.put_i32(1); // records
    put_varint(&mut checked, record.len() as i64);
    checked.put_slice(&record);

    let length = CRC_END - OVERHEAD_BYTES + checked.len();
    let mut batch = BytesMut::with_capacity(length + OVERHEAD_BYTES);
    batch.put_i64(entry.offset().0);
    batch.put_i32(i32::try_from(length).unwrap_or(i32::MAX));
    batch.put_i32(entry.position().epoch.0);
    batch.put_i8(2); // magic
    batch.put_u32(crc(&checked));
    batch.put_slice(&checked);
    batch.freeze()
}

/// Takes one entry off the front.
pub(super) fn decode(bytes: &mut Bytes) -> Result<LogEntry, BatchError> {
    if bytes.len() < HEADER_BYTES {
        return Err(BatchError::CutOff);
    }
    let mut header = bytes.slice(..HEADER_BYTES);
    let offset = header.get_i64();
    let length = usize::try_from(header.get_i32()).map_err(|_| BatchError::CutOff)?;
    let epoch = header.get_i32();
    let magic = header.get_i8();
    let found = header.get_u32();
    let total = length.saturating_add(OVERHEAD_BYTES);
    if total < HEADER_BYTES || total > bytes.len() {
        return Err(BatchError::CutOff);
    }
    let batch = bytes.split_to(total);
    if magic != 2 {
        return Err(BatchError::Foreign("its format is not 2"));
    }
    let checked = batch.slice(CRC_END..);
    let expected = crc(&checked);
    if expected != found {
        return Err(BatchError::Checksum { expected, found });
    }
    if header.get_i16() & 0x07 != 0 || header.get_i32() != 0 {
        return Err(BatchError::Foreign("it is compressed or holds several records"));
    }
    let mut body = batch.slice(HEADER_BYTES..);
    let cut_off = BatchError::CutOff;
    let _record_bytes = get_varint(&mut body).ok_or(cut_off.clone())?;
    if body.try_get_u8().is_err() {
        return Err(cut_off);
    }
    let _timestamp = get_varint(&mut body).ok_or(cut_off.clone())?;
    let _offset = get_varint(&mut body).ok_or(cut_off.clone())?;
    let kind = match get_varint(&mut body).ok_or(cut_off.clone())? {
        -1 => EntryKind::Metadata,
        1 => {
            let code = body.try_get_u8().map_err(|_| cut_off.clone())?;
            EntryKind::from_code(code.into()).ok_or(BatchError::Foreign("its key is unknown"))?
        }
        _ => return Err(BatchError::Foreign("its key is unknown")),
    };
    let size = get_varint(&mut body).ok_or(cut_off.clone())?;
    let size = usize::try_from(size).map_err(|_| BatchError::Foreign("it has no value"))?;
    if size > body.len() {
        return Err(cut_off);
    }
    let number = |value: i64| {
        u64::try_from(value).map_err(|_| BatchError::Foreign("its offset or epoch is negative"))
    };
    Ok(LogEntry {
        index: number(offset)?.saturating_add(1),
        term: number(epoch.into())?,
        kind,
        data: body.split_to(size),
    })
}

fn crc(bytes: &[u8]) -> u32 {
    let crc = crc_fast::checksum(crc_fast::CrcAlgorithm::Crc32Iscsi, bytes);
    u32::try_from(crc).unwrap_or(0)
}

fn put_varint(into: &mut BytesMut, value: i64) {
    let mut rest = ((value << 1) ^ (value >> 63)) as u64;
    while rest >= 0x80 {
        into.put_u8((rest & 0x7f) as u8 | 0x80);
        rest >>= 7;
    }
    into.put_u8(rest as u8);
}

fn get_varint(from: &mut Bytes) -> Option<i64> {
    let mut value = 0u64;
    for shift in (0..64).step_by(7) {
        let byte = from.try_get_u8().ok()?;
        value |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Some((value >> 1) as i64 ^ -((value & 1) as i64));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(index: u64, kind: EntryKind, data: &[u8]) -> LogEntry {
        LogEntry { index, term: 3, kind, data: Bytes::copy_from_slice(data) }
    }

    #[test]
    fn entries_survive_the_batch() {
        let entries = [
            entry(1, EntryKind::Metadata, b""),
            entry(2, EntryKind::Metadata, &[7; 300]),
            entry(3, EntryKind::Voters, b"x"),
        ];
        let mut bytes = BytesMut::new();
        for entry in &entries {
            bytes.put_slice(&encode(entry, 1_000));
        }
        let mut bytes = bytes.freeze();
        for entry in &entries {
            assert_eq!(decode(&mut bytes).as_ref(), Ok(entry));
        }
        assert_eq!(decode(&mut bytes), Err(BatchError::CutOff));
    }

    #[test]
    fn any_flipped_bit_is_noticed() {
        let good = encode(&entry(5, EntryKind::Metadata, b"hello"), 1_000);
        for place in 0..good.len() {
            // Offset and epoch lie outside of the checksum; the log checks them by their order.
            if place < 8 || (12..16).contains(&place) {
                continue;
            }
            let mut bad = good.to_vec();
            bad[place] ^= 0x10;
            assert!(decode(&mut Bytes::from(bad)).is_err(), "byte {place}");
        }
        for length in 0..good.len() {
            assert!(decode(&mut good.slice(..length)).is_err());
        }
    }
}
