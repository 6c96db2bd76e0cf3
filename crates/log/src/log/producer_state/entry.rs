//! What a log remembers of one producer.

use crate::log::head::Head;
use headwater_types::Offset;
use std::collections::VecDeque;

/// Batches remembered of a producer: as many as it may have in flight.
pub(crate) const BATCHES_MAX: usize = 5;

/// A batch that a producer appended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct KnownBatch {
    pub first_sequence: i32,
    pub last_sequence: i32,
    pub first: Offset,
    pub last: Offset,
    pub timestamp: i64,
}

impl KnownBatch {
    pub fn of(head: &Head) -> Self {
        Self {
            first_sequence: head.base_sequence,
            last_sequence: head.last_sequence(),
            first: Offset(head.base),
            last: Offset(head.last),
            timestamp: head.max_timestamp,
        }
    }
}

/// A producer's latest batches, all of one epoch, oldest first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ProducerEntry {
    /// Latest epoch; -1 before the first.
    pub epoch: i16,
    /// At most [`BATCHES_MAX`].
    pub batches: VecDeque<KnownBatch>,
    /// Of the last transaction marker, or -1.
    pub coordinator_epoch: i32,
    /// Of the last batch or marker, or -1.
    pub last_timestamp: i64,
    /// Where the open transaction begins.
    pub transaction_first: Option<i64>,
    /// The oldest batch came from a snapshot, which holds only one: the log may have up to four
    /// older ones.
    pub history_unknown: bool,
}

impl Default for ProducerEntry {
    fn default() -> Self {
        Self {
            epoch: -1,
            batches: VecDeque::new(),
            coordinator_epoch: -1,
            last_timestamp: -1,
            transaction_first: None,
            history_unknown: false,
        }
    }
}

impl ProducerEntry {
    pub fn last_sequence(&self) -> i32 {
        self.batches.back().map_or(-1, |batch| batch.last_sequence)
    }

    /// Takes a new epoch, with which the batches of the old one are forgotten.
    pub fn enter_epoch(&mut self, epoch: i16) {
        if self.epoch != epoch {
            self.epoch = epoch;
            self.batches.clear();
            self.history_unknown = false;
        }
    }

    pub fn add(&mut self, batch: KnownBatch) {
        if self.batches.len() == BATCHES_MAX {
            self.batches.pop_front();
        }
        self.batches.push_back(batch);
        self.last_timestamp = batch.timestamp;
        if self.batches.len() == BATCHES_MAX {
            self.history_unknown = false;
        }
    }

    /// The batch that has exactly these sequences.
    pub fn duplicate_of(&self, head: &Head) -> Option<KnownBatch> {
        if self.epoch != head.producer_epoch {
            return None;
        }
        let last = head.last_sequence();
        let same = |batch: &&KnownBatch| {
            batch.first_sequence == head.base_sequence && batch.last_sequence == last
        };
        self.batches.iter().find(same).copied()
    }

    /// Whether a batch may follow on what is known: `Err` carries the last sequence.
    pub fn check_sequence(&self, head: &Head) -> Result<(), i32> {
        let last = self.last_sequence();
        let follows = if self.epoch == -1 {
            // All of the producer's batches are gone by retention: it goes on where it is.
            true
        } else if self.epoch != head.producer_epoch {
            head.base_sequence == 0
        } else {
            match last {
                i32::MAX => head.base_sequence == 0,
                last => head.base_sequence == last + 1,
            }
        };
        if follows { Ok(()) } else { Err(last) }
    }
}
