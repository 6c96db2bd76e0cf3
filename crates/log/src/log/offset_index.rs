//! `.index`: from offsets to positions, one entry every few kilobytes.
//!
//! An entry is 8 bytes: the last offset of what was appended, relative to the segment's base, and
//! the position where that starts. Entries ascend in both. An index is a hint: whoever uses an
//! entry checks the batch that it finds there.

use crate::disk::{DiskError, DiskFile};
use std::ops::Range;

/// Bytes of an entry.
pub(crate) const ENTRY_BYTES: usize = 8;

/// One entry.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Entry {
    /// Offset less the segment's base.
    pub relative: u32,
    /// Position in the log file.
    pub position: u32,
}

impl Entry {
    pub fn parse(bytes: &[u8; ENTRY_BYTES]) -> Self {
        let value = u64::from_be_bytes(*bytes);
        Self { relative: (value >> 32) as u32, position: value as u32 }
    }

    fn to_bytes(self) -> [u8; ENTRY_BYTES] {
        (u64::from(self.relative) << 32 | u64::from(self.position)).to_be_bytes()
    }
}

/// An index in memory: that of the active segment, or one being rebuilt.
#[derive(Clone, Debug, Default)]
pub(crate) struct OffsetIndex {
    entries: Vec<Entry>,
}

impl OffsetIndex {
    /// Reads a file's bytes; `None` when they cannot be an index of a log of `log_size` bytes.
    pub fn parse(bytes: &[u8], log_size: u64) -> Option<Self> {
        let (entries, rest) = bytes.as_chunks::<ENTRY_BYTES>();
        let entries: Vec<Entry> = entries.iter().map(Entry::parse).collect();
        let ascending =
            entries.is_sorted_by(|a, b| a.relative < b.relative && a.position < b.position);
        let inside = entries.last().is_none_or(|last| u64::from(last.position) < log_size);
        (rest.is_empty() && ascending && inside).then_some(Self { entries })
    }

    /// Reads the entries at the front of a file that ascend and for which `wanted` holds.
    pub fn parse_front(bytes: &[u8], wanted: impl Fn(&Entry) -> bool) -> Self {
        let mut entries: Vec<Entry> = Vec::new();
        for entry in bytes.as_chunks::<ENTRY_BYTES>().0.iter().map(Entry::parse) {
            let ascends = entries.last().is_none_or(|last| {
                last.relative < entry.relative && last.position < entry.position
            });
            if !ascends || !wanted(&entry) {
                break;
            }
            entries.push(entry);
        }
        Self { entries }
    }

    pub fn to_bytes(&self) -> Vec<u8> {
        self.to_bytes_from(0)
    }

    /// The bytes of the entries behind the first few.
    pub fn to_bytes_from(&self, skipped: usize) -> Vec<u8> {
        self.entries.iter().skip(skipped).flat_map(|entry| entry.to_bytes()).collect()
    }

    pub fn push(&mut self, entry: Entry) {
        debug_assert!(self.entries.last().is_none_or(|last| last.relative < entry.relative));
        self.entries.push(entry);
    }

    pub fn len(&self) -> usize {
        self.entries.len()
    }

    pub fn last(&self) -> Option<Entry> {
        self.entries.last().copied()
    }

    /// The entry before the last one.
    pub fn before_last(&self) -> Option<Entry> {
        self.entries.iter().rev().nth(1).copied()
    }

    /// The last entry at or before an offset.
    pub fn by_offset(&self, relative: u32) -> Option<Entry> {
        let behind = self.entries.partition_point(|entry| entry.relative <= relative);
        self.entries.get(behind.checked_sub(1)?).copied()
    }

    /// The entries that lead into a range of positions.
    pub fn within(&self, range: &Range<u64>) -> Vec<Entry> {
        let before = |entry: &Entry| u64::from(entry.position) < range.start;
        let skipped = self.entries.partition_point(before);
        let entries = self.entries.iter().skip(skipped).copied();
        entries.take_while(|entry| u64::from(entry.position) < range.end).collect()
    }

    /// The last entry at or before a position.
    pub fn by_position(&self, position: u32) -> Option<Entry> {
        let behind = self.entries.partition_point(|entry| entry.position <= position);
        self.entries.get(behind.checked_sub(1)?).copied()
    }
}

/// The last entry of a file for which `before` holds, found by halving. `before` must hold for a
/// (possibly empty) front part of the entries.
pub(crate) fn last_before(
    file: &dyn DiskFile,
    before: impl Fn(&Entry) -> bool,
) -> Result<Option<Entry>, DiskError> {
    last_chunk_before(file, |bytes: &[u8; ENTRY_BYTES]| before(&Entry::parse(bytes)))
        .map(|found| found.as_ref().map(Entry::parse))
}

/// The entries of a file that lead into a range of positions.
pub(crate) fn within(file: &dyn DiskFile, range: &Range<u64>) -> Result<Vec<Entry>, DiskError> {
    let size = ENTRY_BYTES as u64;
    // Entries before `low` lead to places before the range, those from `high` on do not.
    let (mut low, mut high) = (0, file.length()? / size);
    while low < high {
        let middle = low + (high - low) / 2;
        let mut bytes = [0; ENTRY_BYTES];
        let is_whole = file.read_at(&mut bytes, middle * size)? == ENTRY_BYTES;
        if is_whole && u64::from(Entry::parse(&bytes).position) < range.start {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    let mut entries = Vec::new();
    let mut bytes = vec![0; CHUNKS_AT_ONCE as usize * ENTRY_BYTES];
    loop {
        let at = (low + entries.len() as u64) * size;
        let read = file.read_at(&mut bytes, at)?;
        let (chunks, _) = bytes.get(..read).unwrap_or_default().as_chunks::<ENTRY_BYTES>();
        let before = entries.len();
        let found = chunks.iter().map(Entry::parse);
        entries.extend(found.take_while(|entry| u64::from(entry.position) < range.end));
        if entries.len() - before < CHUNKS_AT_ONCE as usize {
            return Ok(entries);
        }
    }
}

/// Entries read at once when few are left to choose from.
const CHUNKS_AT_ONCE: u64 = 64;

/// As [`last_before`], for entries of any size.
pub(crate) fn last_chunk_before<const N: usize>(
    file: &dyn DiskFile,
    before: impl Fn(&[u8; N]) -> bool,
) -> Result<Option<[u8; N]>, DiskError> {
    let size = N as u64;
    // Entries before `low` are known to be before, those from `high` on not to be.
    let (mut low, mut high) = (0, file.length()? / size);
    while high - low > CHUNKS_AT_ONCE {
        let middle = low + (high - low) / 2;
        let mut chunk = [0; N];
        if file.read_at(&mut chunk, middle * size)? < N {
            high = middle;
        } else if before(&chunk) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    // The one before `low` belongs to the choice.
    let from = low.saturating_sub(1);
    let mut bytes = vec![0; usize::try_from((high - from) * size).unwrap_or(0)];
    let read = file.read_at(&mut bytes, from * size)?;
    let (chunks, _) = bytes.get(..read).unwrap_or_default().as_chunks::<N>();
    Ok(chunks.iter().take_while(|chunk| before(chunk)).last().copied())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::disk::{Disk, MemoryDisk, OpenMode};
    use std::path::Path;

    #[test]
    fn lookups_in_memory_and_in_the_file_agree() {
        let disk = MemoryDisk::new();
        disk.create_folder(Path::new("/")).unwrap();
        for count in [0u32, 1, 2, 63, 64, 65, 66, 200, 1000] {
            let mut index = OffsetIndex::default();
            for n in 1..=count {
                index.push(Entry { relative: n * 3, position: n * 100 });
            }
            let file = disk.open(Path::new("/i"), OpenMode::Truncate).unwrap();
            file.write_at(&[&index.to_bytes()], 0).unwrap();
            for asked in (0..count * 3 + 5).chain([u32::MAX]) {
                let found = last_before(&*file, |entry| entry.relative <= asked).unwrap();
                assert_eq!(found, index.by_offset(asked), "{asked} of {count}");
            }
            for range in [0..1, 0..150, 100..101, 101..30_000, 0..u64::MAX, 90_000..100_001] {
                assert_eq!(within(&*file, &range).unwrap(), index.within(&range), "{range:?}");
            }
        }
    }

    #[test]
    fn bytes_that_cannot_be_an_index_are_refused() {
        let mut index = OffsetIndex::default();
        index.push(Entry { relative: 2, position: 0 });
        index.push(Entry { relative: 5, position: 90 });
        let bytes = index.to_bytes();
        assert!(OffsetIndex::parse(&bytes, 91).is_some());
        assert!(OffsetIndex::parse(&bytes, 90).is_none(), "behind the log's end");
        assert!(OffsetIndex::parse(&bytes[..15], 91).is_none(), "half an entry");
        let swapped = [&bytes[8..], &bytes[..8]].concat();
        assert!(OffsetIndex::parse(&swapped, 91).is_none(), "descending");
    }
}
