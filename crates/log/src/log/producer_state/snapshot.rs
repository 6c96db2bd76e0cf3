//! `.snapshot`: the producers of a log at one offset.
//!
//! Version 1, CRC-32C of what follows, count, and 46 bytes a producer. Of a producer's batches it
//! holds only the newest.

use super::entry::{KnownBatch, KnownBatches, ProducerEntry};
use crate::log::head::{crc32c, i16_at, i32_at, i64_at};
use headwater_types::Offset;
use std::collections::BTreeMap;

const VERSION: i16 = 1;
/// Version, CRC and count.
const HEADER_BYTES: usize = 10;
/// What the CRC covers begins here.
const CHECKED_FROM: usize = 6;
/// Bytes of a producer.
pub(crate) const ENTRY_BYTES: usize = 46;

/// One line of a snapshot, as it stands in the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Line {
    pub producer: i64,
    pub epoch: i16,
    pub last_sequence: i32,
    pub last_offset: i64,
    pub offset_delta: i32,
    pub timestamp: i64,
    pub coordinator_epoch: i32,
    pub transaction_first: i64,
}

/// Reads a file's bytes; the error says what is wrong.
pub(crate) fn parse(bytes: &[u8]) -> Result<Vec<Line>, &'static str> {
    let short = "it is too short";
    if i16_at(bytes, 0).ok_or(short)? != VERSION {
        return Err("its version is not 1");
    }
    let crc = i32_at(bytes, 2).ok_or(short)? as u32;
    let (header, lines) = bytes.split_at_checked(HEADER_BYTES).ok_or(short)?;
    if crc32c(bytes.get(CHECKED_FROM..).unwrap_or_default()) != crc {
        return Err("its checksum is wrong");
    }
    let (lines, rest) = lines.as_chunks::<ENTRY_BYTES>();
    let count = i32_at(header, CHECKED_FROM).ok_or(short)?;
    if usize::try_from(count) != Ok(lines.len()) || !rest.is_empty() {
        return Err("its length does not fit its count");
    }
    lines.iter().map(|line| parse_line(line).ok_or(short)).collect()
}

fn parse_line(bytes: &[u8]) -> Option<Line> {
    Some(Line {
        producer: i64_at(bytes, 0)?,
        epoch: i16_at(bytes, 8)?,
        last_sequence: i32_at(bytes, 10)?,
        last_offset: i64_at(bytes, 14)?,
        offset_delta: i32_at(bytes, 22)?,
        timestamp: i64_at(bytes, 26)?,
        coordinator_epoch: i32_at(bytes, 34)?,
        transaction_first: i64_at(bytes, 38)?,
    })
}

impl Line {
    /// What the line says about a producer.
    pub fn entry(&self) -> ProducerEntry {
        let mut batches = KnownBatches::default();
        // Before a producer's first batch there may be a marker of its transaction.
        if self.last_offset >= 0 {
            batches.push(KnownBatch {
                first_sequence: first_sequence(self.last_sequence, self.offset_delta),
                last_sequence: self.last_sequence,
                first: Offset(self.last_offset.saturating_sub(i64::from(self.offset_delta))),
                last: Offset(self.last_offset),
                timestamp: self.timestamp,
            });
        }
        ProducerEntry {
            epoch: self.epoch,
            history_unknown: !batches.is_empty(),
            batches,
            coordinator_epoch: self.coordinator_epoch,
            last_timestamp: self.timestamp,
            transaction_first: (self.transaction_first >= 0).then_some(self.transaction_first),
        }
    }
}

/// Sequences wrap to 0 behind `i32::MAX`.
pub(crate) fn first_sequence(last_sequence: i32, delta: i32) -> i32 {
    if last_sequence < 0 {
        return -1;
    }
    let first = i64::from(last_sequence) - i64::from(delta);
    (if first < 0 { first + i64::from(i32::MAX) + 1 } else { first }) as i32
}

/// A file's bytes.
pub(crate) fn to_bytes(producers: &BTreeMap<i64, ProducerEntry>) -> Vec<u8> {
    let mut checked = Vec::with_capacity(4 + producers.len() * ENTRY_BYTES);
    checked.extend(i32::try_from(producers.len()).unwrap_or(i32::MAX).to_be_bytes());
    for (producer, entry) in producers.iter().take(i32::MAX as usize) {
        let last = entry.batches.newest();
        let delta = last.map_or(0, |batch| batch.last.0 - batch.first.0);
        checked.extend(producer.to_be_bytes());
        checked.extend(entry.epoch.to_be_bytes());
        checked.extend(entry.last_sequence().to_be_bytes());
        checked.extend(last.map_or(-1, |batch| batch.last.0).to_be_bytes());
        checked.extend(i32::try_from(delta).unwrap_or(0).to_be_bytes());
        checked.extend(entry.last_timestamp.to_be_bytes());
        checked.extend(entry.coordinator_epoch.to_be_bytes());
        checked.extend(entry.transaction_first.unwrap_or(-1).to_be_bytes());
    }
    let mut bytes = Vec::with_capacity(CHECKED_FROM + checked.len());
    bytes.extend(VERSION.to_be_bytes());
    bytes.extend(crc32c(&checked).to_be_bytes());
    bytes.extend(checked);
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    fn producers() -> BTreeMap<i64, ProducerEntry> {
        let mut entry = ProducerEntry { epoch: 3, coordinator_epoch: 4, ..Default::default() };
        entry.add(KnownBatch {
            first_sequence: i32::MAX,
            last_sequence: 1,
            first: Offset(10),
            last: Offset(12),
            timestamp: 99,
        });
        entry.transaction_first = Some(10);
        entry.history_unknown = true;
        let marked = ProducerEntry { epoch: 1, last_timestamp: 5, ..Default::default() };
        BTreeMap::from([(7, entry), (8, marked)])
    }

    #[test]
    fn producers_survive_their_bytes() {
        let lines = parse(&to_bytes(&producers())).unwrap();
        let back: BTreeMap<_, _> = lines.iter().map(|line| (line.producer, line.entry())).collect();
        assert_eq!(back, producers());
    }

    #[test]
    fn every_flipped_bit_and_every_cut_is_seen() {
        let bytes = to_bytes(&producers());
        for bit in 0..bytes.len() * 8 {
            let mut damaged = bytes.clone();
            damaged[bit / 8] ^= 1 << (bit % 8);
            assert!(parse(&damaged).is_err(), "bit {bit}");
        }
        for length in 0..bytes.len() {
            assert!(parse(&bytes[..length]).is_err(), "{length} bytes");
        }
    }
}
