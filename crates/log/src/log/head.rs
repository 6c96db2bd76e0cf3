//! The header of a batch as the log needs it: any of Kafka's formats, from bytes that may be
//! anything.

use crc_fast::{CrcAlgorithm, Digest};

/// Bytes of a v2 batch up to its first record.
pub(crate) const HEAD_BYTES: usize = 61;
/// Bytes in front of what the length field counts: base offset and the length itself.
pub(crate) const PREFIX_BYTES: usize = 12;
/// Where the bytes that the leader does not change begin (the format byte).
pub(crate) const PLACED_BYTES: usize = 16;
/// What the CRC of a v2 batch does not cover.
const UNCHECKED_BYTES: usize = 21;
/// The smallest message of the old formats.
const LEGACY_BYTES_MIN: usize = 26;

/// Codec bits of the attributes.
const CODEC_MASK: i16 = 0x07;
const LOG_APPEND_TIME: i16 = 0x08;
const TRANSACTIONAL: i16 = 0x10;
const CONTROL: i16 = 0x20;
const DELETE_HORIZON: i16 = 0x40;

/// What a batch says of itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Head {
    /// Offset of the first record (old formats: of the last).
    pub base: i64,
    /// Offset of the last record; `>= base`.
    pub last: i64,
    /// Bytes in all; `>= PREFIX_BYTES`.
    pub size: usize,
    /// Epoch of the leader that appended it, or -1.
    pub epoch: i32,
    /// Format: 0, 1 or 2.
    pub magic: u8,
    /// Checksum.
    pub crc: u32,
    /// Flags.
    pub attributes: i16,
    /// Timestamp of the first record, or -1.
    pub base_timestamp: i64,
    /// Largest timestamp, or -1.
    pub max_timestamp: i64,
    /// Producer id, or -1.
    pub producer: i64,
    /// Producer epoch, or -1.
    pub producer_epoch: i16,
    /// Sequence of the first record, or -1.
    pub base_sequence: i32,
    /// Records (old formats: 1).
    pub count: i32,
}

impl Head {
    /// Reads a header; `None` when the bytes are none (or too few of them).
    pub fn parse(bytes: &[u8]) -> Option<Self> {
        let base = i64_at(bytes, 0)?;
        let size = usize::try_from(i32_at(bytes, 8)?).ok()?.checked_add(PREFIX_BYTES)?;
        let magic = *bytes.get(16)?;
        match magic {
            2 => Self::parse_v2(bytes, base, size),
            0 | 1 => Self::parse_legacy(bytes, base, size, magic),
            _ => None,
        }
    }

    fn parse_v2(bytes: &[u8], base: i64, size: usize) -> Option<Self> {
        let delta = i32_at(bytes, 23)?;
        let count = i32_at(bytes, 57)?;
        let last = base.checked_add(i64::from(delta))?;
        if base < 0 || delta < 0 || count < 0 || size < HEAD_BYTES {
            return None;
        }
        Some(Self {
            base,
            last,
            size,
            epoch: i32_at(bytes, 12)?,
            magic: 2,
            crc: i32_at(bytes, 17)? as u32,
            attributes: i16_at(bytes, 21)?,
            base_timestamp: i64_at(bytes, 27)?,
            max_timestamp: i64_at(bytes, 35)?,
            producer: i64_at(bytes, 43)?,
            producer_epoch: i16_at(bytes, 51)?,
            base_sequence: i32_at(bytes, 53)?,
            count,
        })
    }

    fn parse_legacy(bytes: &[u8], base: i64, size: usize, magic: u8) -> Option<Self> {
        if base < 0 || size < LEGACY_BYTES_MIN {
            return None;
        }
        let timestamp = if magic == 1 { i64_at(bytes, 18)? } else { -1 };
        Some(Self {
            base,
            last: base,
            size,
            epoch: -1,
            magic,
            crc: i32_at(bytes, 12)? as u32,
            attributes: i16::from(*bytes.get(17)?) & CODEC_MASK,
            base_timestamp: timestamp,
            max_timestamp: timestamp,
            producer: -1,
            producer_epoch: -1,
            base_sequence: -1,
            count: 1,
        })
    }

    pub fn is_control(&self) -> bool {
        self.attributes & CONTROL != 0
    }

    pub fn is_transactional(&self) -> bool {
        self.attributes & TRANSACTIONAL != 0
    }

    pub fn has_log_append_time(&self) -> bool {
        self.attributes & LOG_APPEND_TIME != 0
    }

    /// When compaction may drop the batch's tombstones, in ms (KIP-534).
    pub fn delete_horizon_ms(&self) -> Option<i64> {
        (self.attributes & DELETE_HORIZON != 0).then_some(self.base_timestamp)
    }

    /// Sequence of the last record; sequences wrap to 0 behind `i32::MAX`.
    pub fn last_sequence(&self) -> i32 {
        if self.base_sequence < 0 {
            return -1;
        }
        let sum = i64::from(self.base_sequence) + (self.last - self.base);
        (sum % (i64::from(i32::MAX) + 1)) as i32
    }

    /// Where the checksummed bytes begin.
    pub fn crc_from(&self) -> usize {
        if self.magic == 2 { UNCHECKED_BYTES } else { PLACED_BYTES }
    }
}

/// Computes a batch's checksum piece by piece.
#[expect(clippy::large_enum_variant, reason = "it lives on the stack for one batch")]
pub(crate) enum Checksum {
    /// CRC-32C, of v2.
    Castagnoli(Digest),
    /// CRC-32, of the old formats.
    Ieee(crc32fast::Hasher),
}

impl Checksum {
    pub fn of(head: &Head) -> Self {
        match head.magic {
            2 => Self::Castagnoli(Digest::new(CrcAlgorithm::Crc32Iscsi)),
            _ => Self::Ieee(crc32fast::Hasher::new()),
        }
    }

    pub fn update(&mut self, bytes: &[u8]) {
        match self {
            Self::Castagnoli(digest) => digest.update(bytes),
            Self::Ieee(hasher) => hasher.update(bytes),
        }
    }

    pub fn finish(self) -> u32 {
        match self {
            Self::Castagnoli(digest) => digest.finalize() as u32,
            Self::Ieee(hasher) => hasher.finalize(),
        }
    }
}

/// CRC-32C.
pub(crate) fn crc32c(bytes: &[u8]) -> u32 {
    crc_fast::checksum(CrcAlgorithm::Crc32Iscsi, bytes) as u32
}

fn array_at<const N: usize>(bytes: &[u8], at: usize) -> Option<[u8; N]> {
    bytes.get(at..)?.first_chunk::<N>().copied()
}

pub(crate) fn i16_at(bytes: &[u8], at: usize) -> Option<i16> {
    array_at(bytes, at).map(i16::from_be_bytes)
}

pub(crate) fn i32_at(bytes: &[u8], at: usize) -> Option<i32> {
    array_at(bytes, at).map(i32::from_be_bytes)
}

pub(crate) fn i64_at(bytes: &[u8], at: usize) -> Option<i64> {
    array_at(bytes, at).map(i64::from_be_bytes)
}
