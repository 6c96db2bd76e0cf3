//! `.timeindex`: from timestamps to offsets.
//!
//! An entry is 12 bytes: the largest timestamp so far, and the offset (relative to the segment's
//! base) of the last record of the first batch that had it. Timestamps ascend strictly.

/// Bytes of an entry.
pub(crate) const ENTRY_BYTES: usize = 12;

/// One entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Entry {
    /// In ms.
    pub timestamp: i64,
    /// Offset less the segment's base.
    pub relative: u32,
}

impl Entry {
    pub fn parse(bytes: &[u8; ENTRY_BYTES]) -> Self {
        let value = bytes.iter().fold(0u128, |value, byte| value << 8 | u128::from(*byte));
        Self { timestamp: (value >> 32) as u64 as i64, relative: value as u32 }
    }

    fn to_bytes(self) -> impl Iterator<Item = u8> {
        self.timestamp.to_be_bytes().into_iter().chain(self.relative.to_be_bytes())
    }
}

/// An index in memory: that of the active segment, or one being rebuilt.
#[derive(Clone, Debug, Default)]
pub(crate) struct TimeIndex {
    entries: Vec<Entry>,
}

impl TimeIndex {
    /// Reads a file's bytes; `None` when they cannot be an index.
    pub fn parse(bytes: &[u8]) -> Option<Self> {
        let (entries, rest) = bytes.as_chunks::<ENTRY_BYTES>();
        let entries: Vec<Entry> = entries.iter().map(Entry::parse).collect();
        let ascending =
            entries.is_sorted_by(|a, b| a.timestamp < b.timestamp && a.relative <= b.relative);
        (rest.is_empty() && ascending).then_some(Self { entries })
    }

    /// Reads the entries at the front of a file that ascend and for which `wanted` holds.
    pub fn parse_front(bytes: &[u8], wanted: impl Fn(&Entry) -> bool) -> Self {
        let mut entries: Vec<Entry> = Vec::new();
        for entry in bytes.as_chunks::<ENTRY_BYTES>().0.iter().map(Entry::parse) {
            let ascends = entries.last().is_none_or(|last| {
                last.timestamp < entry.timestamp && last.relative <= entry.relative
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

    /// Adds an entry unless its timestamp is no larger than the last one's.
    pub fn push_if_later(&mut self, entry: Entry) {
        let last = self.entries.last().map_or(-1, |last| last.timestamp);
        if entry.timestamp > last {
            self.entries.push(entry);
        }
    }

    pub fn len(&self) -> usize {
        self.entries.len()
    }

    pub fn last(&self) -> Option<Entry> {
        self.entries.last().copied()
    }

    /// The last entry before the first one whose timestamp is wanted: one that is at least
    /// something.
    pub fn before_where(&self, wanted: impl Fn(i64) -> bool) -> Option<Entry> {
        let behind = self.entries.partition_point(|entry| !wanted(entry.timestamp));
        self.entries.get(behind.checked_sub(1)?).copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_survive_their_bytes() {
        let mut index = TimeIndex::default();
        for (timestamp, relative) in [(0, 0), (5, 3), (5, 4), (4, 5), (i64::MAX, u32::MAX)] {
            index.push_if_later(Entry { timestamp, relative });
        }
        assert_eq!(index.len(), 3, "only later ones count");
        let back = TimeIndex::parse(&index.to_bytes()).unwrap();
        assert_eq!(back.entries, index.entries);
        assert_eq!(back.before_where(|at| at >= 5).unwrap().timestamp, 0);
        assert_eq!(back.before_where(|at| at >= 6).unwrap().timestamp, 5);
        assert_eq!(back.before_where(|at| at >= 0), None);
        assert!(TimeIndex::parse(&index.to_bytes()[1..]).is_none());
    }
}
