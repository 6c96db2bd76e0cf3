//! What the files beside a log should hold, told from its batches.

use crate::config::LogConfig;
use crate::log::parts::{Active, EpochCache, Producers, aborted_to_bytes};
use crate::log::{AbortedTransaction, Found, Marker, SnapshotLine, TailBudget};
use std::sync::Arc;

/// Producers, epochs and one segment's indexes, as they grow with the batches.
pub(super) struct Shadow {
    config: LogConfig,
    budget: Arc<TailBudget>,
    active: Active,
    pub producers: Producers,
    pub epochs: EpochCache,
    /// Transactions whose abortion stands in the segment.
    pub aborted: Vec<AbortedTransaction>,
}

/// The bytes of a segment's indexes.
pub(super) struct Indexes {
    pub offsets: Vec<u8>,
    pub times: Vec<u8>,
    /// Empty where there shall be no file.
    pub aborted: Vec<u8>,
}

impl Shadow {
    /// Begins with the producers of a snapshot.
    pub fn new(lines: &[SnapshotLine], index_interval_bytes: u32) -> Self {
        let budget = Arc::default();
        Self {
            config: LogConfig { index_interval_bytes, ..LogConfig::default() },
            active: Active::new(0, 0, &budget),
            budget,
            producers: Producers::from_lines(lines),
            epochs: EpochCache::default(),
            aborted: Vec::new(),
        }
    }

    pub fn begin_segment(&mut self, base: i64) {
        self.active = Active::new(base, 0, &self.budget);
        self.aborted.clear();
    }

    /// A batch goes by; `marker` is that of a control batch.
    pub fn note(&mut self, found: &Found, marker: Option<&Marker>) {
        let head = &found.head;
        self.aborted.extend(self.producers.replay(head, marker));
        self.epochs.assign(head.epoch, head.base);
        self.active.note(&[*head], head.size, &self.config);
    }

    /// Whether a line of a snapshot says what the batches between two offsets did. What happened
    /// before `from` is not known; a producer that is not named has expired.
    pub fn agrees_with(&self, line: &SnapshotLine, from: i64, at: i64) -> bool {
        let entry = self.producers.get(line.producer);
        let newest = entry.and_then(|entry| entry.batches.newest());
        let (Some(entry), Some(newest)) = (entry, newest) else {
            return !(from..at).contains(&line.last_offset);
        };
        let first = entry.transaction_first.unwrap_or(-1);
        newest.last.0 < from
            || entry.epoch == line.epoch
                && newest.last_sequence == line.last_sequence
                && newest.last.0 == line.last_offset
                && (first == line.transaction_first || (0..from).contains(&line.transaction_first))
    }

    /// The largest timestamp of the segment so far, or -1.
    pub fn largest_timestamp(&self) -> i64 {
        self.active.largest_timestamp()
    }

    pub fn indexes(&mut self) -> Indexes {
        self.active.note_largest_timestamp();
        Indexes {
            offsets: self.active.offsets.to_bytes(),
            times: self.active.times.to_bytes(),
            aborted: aborted_to_bytes(&self.aborted),
        }
    }
}
