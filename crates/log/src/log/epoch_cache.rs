//! Which leader epoch begins where: `leader-epoch-checkpoint`.

use crate::error::EpochEnd;
use headwater_types::{EndOffset, LeaderEpoch, Offset};

/// One epoch's first offset.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Entry {
    pub epoch: i32,
    pub start: i64,
}

/// The epochs of a log, ascending in both epoch and start.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct EpochCache {
    entries: Vec<Entry>,
}

impl EpochCache {
    pub fn new(entries: impl IntoIterator<Item = Entry>) -> Self {
        let mut cache = Self::default();
        for entry in entries {
            cache.assign(entry.epoch, entry.start);
        }
        cache
    }

    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    pub fn latest(&self) -> Option<LeaderEpoch> {
        self.entries.last().map(|entry| LeaderEpoch(entry.epoch))
    }

    /// Notes that an epoch begins at an offset, unless it is the latest one already. What
    /// contradicts it is dropped. Returns whether anything changed.
    pub fn assign(&mut self, epoch: i32, start: i64) -> bool {
        if epoch < 0 || start < 0 {
            return false;
        }
        if self.entries.last().is_some_and(|last| last.epoch == epoch && last.start <= start) {
            return false;
        }
        while self.entries.pop_if(|last| last.epoch >= epoch || last.start >= start).is_some() {}
        self.entries.push(Entry { epoch, start });
        true
    }

    /// Drops epochs that begin at or behind the end. Returns whether anything changed.
    pub fn truncate_from_end(&mut self, end: EndOffset) -> bool {
        let before = self.entries.len();
        self.entries.retain(|entry| entry.start < end.0);
        self.entries.len() != before
    }

    /// Lets the epoch of the first offset begin there, and drops those before. Returns whether
    /// anything changed.
    pub fn truncate_from_start(&mut self, start: Offset) -> bool {
        let passed = self.entries.partition_point(|entry| entry.start <= start.0);
        let Some(last_passed) = passed.checked_sub(1) else { return false };
        self.entries.drain(..last_passed);
        match self.entries.first_mut() {
            Some(first) if first.start < start.0 || last_passed > 0 => {
                first.start = start.0;
                true
            }
            _ => false,
        }
    }

    pub fn epoch_of(&self, offset: Offset) -> Option<LeaderEpoch> {
        let passed = self.entries.partition_point(|entry| entry.start <= offset.0);
        self.entries.get(passed.checked_sub(1)?).map(|entry| LeaderEpoch(entry.epoch))
    }

    /// The largest epoch at or below the one asked for, and where the next one begins. Before the
    /// first epoch: the one asked for, and where the first begins. `None` above the latest.
    pub fn end_of(&self, epoch: LeaderEpoch, log_end: EndOffset) -> Option<EpochEnd> {
        if epoch.0 < 0 {
            return None;
        }
        let passed = self.entries.partition_point(|entry| entry.epoch <= epoch.0);
        let floor = passed.checked_sub(1).and_then(|last| self.entries.get(last));
        match (floor, self.entries.get(passed)) {
            (Some(floor), None) if floor.epoch == epoch.0 => Some(EpochEnd { epoch, end: log_end }),
            (_, None) => None,
            (floor, Some(next)) => Some(EpochEnd {
                epoch: floor.map_or(epoch, |floor| LeaderEpoch(floor.epoch)),
                end: EndOffset(next.start),
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cache(entries: &[(i32, i64)]) -> EpochCache {
        EpochCache::new(entries.iter().map(|&(epoch, start)| Entry { epoch, start }))
    }

    fn end(cache: &EpochCache, epoch: i32) -> Option<(i32, i64)> {
        cache.end_of(LeaderEpoch(epoch), EndOffset(100)).map(|end| (end.epoch.0, end.end.0))
    }

    #[test]
    fn an_epoch_ends_where_the_next_begins() {
        let cache = cache(&[(2, 10), (4, 20), (7, 30)]);
        assert_eq!(end(&cache, 7), Some((7, 100)));
        assert_eq!(end(&cache, 8), None);
        assert_eq!(end(&cache, 5), Some((4, 30)));
        assert_eq!(end(&cache, 2), Some((2, 20)));
        assert_eq!(end(&cache, 1), Some((1, 10)));
        assert_eq!(end(&cache, -1), None);
        assert_eq!(end(&EpochCache::default(), 0), None);
        assert_eq!(cache.epoch_of(Offset(9)), None);
        assert_eq!(cache.epoch_of(Offset(29)), Some(LeaderEpoch(4)));
    }

    #[test]
    fn a_new_epoch_displaces_what_contradicts_it() {
        let mut cache = cache(&[(2, 10), (4, 20)]);
        assert!(!cache.assign(4, 25));
        assert!(cache.assign(3, 15));
        assert_eq!(cache.entries, [Entry { epoch: 2, start: 10 }, Entry { epoch: 3, start: 15 }]);
        assert!(cache.assign(5, 10));
        assert_eq!(cache.entries, [Entry { epoch: 5, start: 10 }]);
    }

    #[test]
    fn truncation_from_both_sides() {
        let mut cut = cache(&[(2, 10), (4, 20), (7, 30)]);
        assert!(!cut.truncate_from_start(Offset(10)));
        assert!(cut.truncate_from_start(Offset(25)));
        assert_eq!(cut.entries, [Entry { epoch: 4, start: 25 }, Entry { epoch: 7, start: 30 }]);
        assert!(cut.truncate_from_end(EndOffset(30)));
        assert_eq!(cut.entries, [Entry { epoch: 4, start: 25 }]);
        assert!(!cut.truncate_from_start(Offset(3)));
    }
}
