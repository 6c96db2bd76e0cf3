//! What Raft may read: the entries since the older snapshot, in memory.
//!
//! Snapshots keep the log short, so all of it fits; the disk is read at start alone. This is the
//! crate's `Storage`, and never fails for what Raft may ask.

use super::entry::{HardState, LogEntry, SnapshotMark};
use raft::eraftpb::{ConfState, Entry, Snapshot};
use raft::{GetEntriesContext, RaftState, Storage, StorageError};
use std::collections::VecDeque;

/// Entries `first ..= last` without gaps, and what came just before them.
#[derive(Debug)]
pub(crate) struct Entries {
    /// The entry before the first one.
    base: (u64, u64),
    entries: VecDeque<Entry>,
    hard_state: HardState,
    conf_state: ConfState,
    snapshot: SnapshotMark,
}

impl Entries {
    pub(crate) fn new(
        hard_state: HardState,
        snapshot: SnapshotMark,
        conf_state: ConfState,
        entries: &[LogEntry],
    ) -> Self {
        Self {
            base: (snapshot.index, snapshot.term),
            entries: entries.iter().map(LogEntry::to_raft).collect(),
            hard_state,
            conf_state,
            snapshot,
        }
    }

    pub(crate) fn last(&self) -> (u64, u64) {
        self.entries.back().map_or(self.base, |entry| (entry.index, entry.term))
    }

    /// Takes entries in; they replace what is there from their first index on.
    pub(crate) fn append(&mut self, entries: &[Entry]) {
        let Some(first) = entries.first() else { return };
        let keep = first.index.saturating_sub(self.base.0).saturating_sub(1);
        self.entries.truncate(usize::try_from(keep).unwrap_or(usize::MAX));
        self.entries.extend(entries.iter().cloned());
    }

    pub(crate) fn set_hard_state(&mut self, state: HardState) {
        self.hard_state = state;
    }

    /// The image of this snapshot is what a follower too far behind will get.
    pub(crate) fn set_snapshot(&mut self, mark: SnapshotMark) {
        self.snapshot = mark;
    }

    /// Starts anew behind a snapshot that was installed.
    pub(crate) fn reset_to(&mut self, mark: SnapshotMark) {
        self.base = (mark.index, mark.term);
        self.conf_state = mark.conf_state();
        self.entries.clear();
        self.snapshot = mark;
    }

    /// Forgets entries up to an index (included).
    pub(crate) fn forget_to(&mut self, index: u64) {
        while let Some(entry) = self.entries.front()
            && entry.index <= index
        {
            self.base = (entry.index, entry.term);
            self.entries.pop_front();
        }
    }

    pub(crate) fn term_of(&self, index: u64) -> Option<u64> {
        if index == self.base.0 {
            return Some(self.base.1);
        }
        let place = index.checked_sub(self.base.0)?.checked_sub(1)?;
        Some(self.entries.get(usize::try_from(place).ok()?)?.term)
    }
}

impl Storage for Entries {
    fn initial_state(&self) -> raft::Result<RaftState> {
        Ok(RaftState::new(self.hard_state.to_raft(), self.conf_state.clone()))
    }

    fn entries(
        &self,
        low: u64,
        high: u64,
        max_size: impl Into<Option<u64>>,
        _: GetEntriesContext,
    ) -> raft::Result<Vec<Entry>> {
        let skip = low
            .checked_sub(self.base.0)
            .and_then(|distance| distance.checked_sub(1))
            .ok_or(raft::Error::Store(StorageError::Compacted))?;
        let count = high.saturating_sub(low);
        let max = max_size.into().unwrap_or(u64::MAX);
        let mut size = 0u64;
        let mut found = Vec::new();
        let skip = usize::try_from(skip).unwrap_or(usize::MAX);
        let count = usize::try_from(count).unwrap_or(usize::MAX);
        for entry in self.entries.iter().skip(skip).take(count) {
            size = size.saturating_add(entry.data.len() as u64);
            if size > max && !found.is_empty() {
                break;
            }
            found.push(entry.clone());
        }
        if found.is_empty() && count > 0 {
            return Err(raft::Error::Store(StorageError::Unavailable));
        }
        Ok(found)
    }

    fn term(&self, index: u64) -> raft::Result<u64> {
        if index < self.base.0 {
            return Err(raft::Error::Store(StorageError::Compacted));
        }
        self.term_of(index).ok_or(raft::Error::Store(StorageError::Unavailable))
    }

    fn first_index(&self) -> raft::Result<u64> {
        Ok(self.base.0.saturating_add(1))
    }

    fn last_index(&self) -> raft::Result<u64> {
        Ok(self.last().0)
    }

    fn snapshot(&self, request_index: u64, _: u64) -> raft::Result<Snapshot> {
        if self.snapshot.index == 0 || self.snapshot.index < request_index {
            return Err(raft::Error::Store(StorageError::SnapshotTemporarilyUnavailable));
        }
        let mut snapshot = Snapshot::default();
        let metadata = snapshot.mut_metadata();
        metadata.index = self.snapshot.index;
        metadata.term = self.snapshot.term;
        metadata.set_conf_state(self.snapshot.conf_state());
        Ok(snapshot)
    }
}

#[cfg(test)]
mod tests {
    use super::super::entry::EntryKind;
    use super::*;

    fn entry(index: u64, term: u64) -> LogEntry {
        LogEntry { index, term, kind: EntryKind::Metadata, data: vec![0; 10].into() }
    }

    fn filled() -> Entries {
        let mark = SnapshotMark { index: 4, term: 1, ..SnapshotMark::default() };
        let all: Vec<_> = (5..10).map(|index| entry(index, 2)).collect();
        Entries::new(HardState::default(), mark, ConfState::default(), &all)
    }

    #[test]
    fn only_what_is_there_is_read() {
        let entries = filled();
        assert_eq!((entries.first_index().unwrap(), entries.last_index().unwrap()), (5, 9));
        let read = |low, high, max| {
            entries
                .entries(low, high, max, GetEntriesContext::empty(false))
                .map(|found| found.iter().map(|entry| entry.index).collect::<Vec<_>>())
        };
        assert_eq!(read(5, 10, None).unwrap(), [5, 6, 7, 8, 9]);
        assert_eq!(read(6, 8, None).unwrap(), [6, 7]);
        assert_eq!(read(6, 10, Some(25)).unwrap(), [6, 7]);
        assert_eq!(read(6, 10, Some(1)).unwrap(), [6], "at least one");
        assert!(read(4, 6, None).is_err());
        assert_eq!(entries.term(4).unwrap(), 1);
        assert!(entries.term(3).is_err() && entries.term(10).is_err());
    }

    #[test]
    fn later_entries_replace_earlier_ones() {
        let mut entries = filled();
        entries.append(&[entry(7, 3).to_raft()]);
        assert_eq!(entries.last(), (7, 3));
        entries.forget_to(6);
        assert_eq!(entries.first_index().unwrap(), 7);
        assert_eq!(entries.term(6).unwrap(), 2);
        entries.forget_to(100);
        assert_eq!(entries.last(), (7, 3), "the base remembers");
    }
}
