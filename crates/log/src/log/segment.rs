//! The segments of a log: closed ones, of which little is kept in memory, and the active one.

use super::head::Head;
use super::offset_index::{self, OffsetIndex};
use super::tail::{Tail, TailBudget};
use super::time_index::{self, TimeIndex};
use super::types::AbortedTransaction;
use super::verified::Verified;
use crate::config::LogConfig;
use crate::disk::DiskFile;
use parking_lot::Mutex;
use std::sync::Arc;

/// A segment that is not written any more. Its indexes stay on disk.
#[derive(Debug)]
pub(crate) struct Segment {
    /// Bytes of its log file.
    pub size: u64,
    /// When the file was last changed, for records without timestamps.
    pub modified_ms: i64,
    /// Its largest timestamp, once it was asked for; -1 when no record has any.
    pub largest_timestamp: Mutex<Option<i64>>,
    pub verified: Verified,
}

/// The segment that is appended to.
#[derive(Debug)]
pub(crate) struct Active {
    pub base: i64,
    pub size: u64,
    /// Opened at the first append.
    pub file: Option<Arc<dyn DiskFile>>,
    pub offsets: OffsetIndex,
    pub times: TimeIndex,
    /// What of them is in their files.
    pub written: Written,
    pub aborted: Vec<AbortedTransaction>,
    /// Log bytes since the last index entry.
    pub bytes_since_index: usize,
    /// Largest timestamp of what was appended first: the segment's age counts from it.
    pub first_timestamp: Option<i64>,
    /// The largest timestamp, and the last offset of the first batch that has it.
    pub largest: Option<(i64, i64)>,
    pub created_ms: i64,
    /// When something was last appended.
    pub modified_ms: i64,
    pub tail: Tail,
    pub verified: Verified,
}

/// Numbers of index entries.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Written {
    pub offsets: usize,
    pub times: usize,
    pub aborted: usize,
}

/// What is about to be appended, as far as the choice of the segment depends on it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Incoming {
    pub bytes: usize,
    pub last: i64,
    pub largest_timestamp: i64,
}

impl Active {
    pub fn new(base: i64, now_ms: i64, budget: &Arc<TailBudget>) -> Self {
        Self {
            base,
            size: 0,
            file: None,
            offsets: OffsetIndex::default(),
            times: TimeIndex::default(),
            written: Written::default(),
            aborted: Vec::new(),
            bytes_since_index: 0,
            first_timestamp: None,
            largest: None,
            created_ms: now_ms,
            modified_ms: now_ms,
            tail: Tail::new(budget),
            verified: Verified::default(),
        }
    }

    /// An offset as the indexes hold it; `None` when it is too far from the base.
    pub fn relative(&self, offset: i64) -> Option<u32> {
        relative(self.base, offset)
    }

    /// Whether a new segment must be begun before something is appended.
    pub fn must_roll(&self, incoming: &Incoming, config: &LogConfig, now_ms: i64) -> bool {
        let limit = u64::from(config.segment_bytes).saturating_sub(incoming.bytes as u64);
        let entries_max = |entry_bytes| config.segment_index_bytes as usize / entry_bytes;
        self.size > limit
            || self.size > 0 && self.is_old(incoming.largest_timestamp, config, now_ms)
            || self.offsets.len() >= entries_max(offset_index::ENTRY_BYTES)
            || self.times.len() >= entries_max(time_index::ENTRY_BYTES)
            || self.relative(incoming.last).is_none()
    }

    fn is_old(&self, largest_timestamp: i64, config: &LogConfig, now_ms: i64) -> bool {
        let waited_ms = match self.first_timestamp.filter(|first| *first >= 0) {
            Some(first) => largest_timestamp.saturating_sub(first),
            None => now_ms.saturating_sub(self.created_ms),
        };
        waited_ms > config.segment_ms.saturating_sub(self.jitter_ms(config))
    }

    /// Spreads the rolls of many logs; the same for a segment whenever it is asked for.
    fn jitter_ms(&self, config: &LogConfig) -> i64 {
        let limit = config.segment_jitter_ms.min(config.segment_ms);
        if limit <= 0 {
            return 0;
        }
        // Fibonacci hashing of what differs from log to log and from segment to segment.
        let seed = (self.base as u64).wrapping_add(self.created_ms as u64);
        let spread = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 1;
        spread as i64 % limit
    }

    /// Notes what was appended together, in the indexes too.
    pub fn note(&mut self, heads: &[Head], bytes: usize, config: &LogConfig) {
        let Some(last) = heads.last() else { return };
        // The first batch with the largest timestamp counts.
        for head in heads {
            if head.max_timestamp > self.largest.map_or(-1, |(timestamp, _)| timestamp) {
                self.largest = Some((head.max_timestamp, head.last));
            }
        }
        if self.size == 0 {
            self.first_timestamp = heads.iter().map(|head| head.max_timestamp).max();
        }
        if self.bytes_since_index > config.index_interval_bytes as usize {
            let relative = self.relative(last.last);
            // A recovery that begins at an entry for several batches walks them one by one.
            let known = self.offsets.last().map(|last| last.relative);
            if let (Some(relative), Ok(position)) = (relative, u32::try_from(self.size))
                && known.is_none_or(|known| known < relative)
            {
                self.offsets.push(offset_index::Entry { relative, position });
            }
            self.note_largest_timestamp();
            self.bytes_since_index = 0;
        }
        self.bytes_since_index += bytes;
        self.size += bytes as u64;
    }

    /// Gives the time index its last entry, before the segment is closed.
    pub fn note_largest_timestamp(&mut self) {
        let Some((timestamp, offset)) = self.largest else { return };
        if let Some(relative) = self.relative(offset) {
            self.times.push_if_later(time_index::Entry { timestamp, relative });
        }
    }

    pub fn largest_timestamp(&self) -> i64 {
        self.largest.map_or(-1, |(timestamp, _)| timestamp)
    }
}

/// An offset as a segment's indexes hold it; `None` when it is too far from the base.
pub(crate) fn relative(base: i64, offset: i64) -> Option<u32> {
    let distance = offset.checked_sub(base)?;
    i32::try_from(distance).ok().and_then(|distance| u32::try_from(distance).ok())
}
