//! What a log remembers of one producer.

use crate::log::head::Head;
use headwater_types::Offset;

/// Batches remembered of a producer: as many as it may have in flight.
pub(crate) const BATCHES_MAX: usize = 5;

/// A batch that a producer appended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
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

/// At most [`BATCHES_MAX`] batches, oldest first, without an allocation of their own.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct KnownBatches {
    /// The newest is the last; unused places are in front.
    places: [KnownBatch; BATCHES_MAX],
    /// `<= BATCHES_MAX`.
    count: usize,
}

impl KnownBatches {
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = &KnownBatch> {
        self.places.iter().skip(BATCHES_MAX - self.count)
    }

    pub fn newest(&self) -> Option<&KnownBatch> {
        self.iter().next_back()
    }

    pub fn oldest(&self) -> Option<&KnownBatch> {
        self.iter().next()
    }

    pub fn is_full(&self) -> bool {
        self.count == BATCHES_MAX
    }

    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// Adds a newer batch; the oldest makes room for it.
    pub fn push(&mut self, batch: KnownBatch) {
        self.places.rotate_left(1);
        if let Some(last) = self.places.last_mut() {
            *last = batch;
        }
        self.count = (self.count + 1).min(BATCHES_MAX);
    }

    /// Adds an older batch, if there is room.
    pub fn push_oldest(&mut self, batch: KnownBatch) {
        let place = BATCHES_MAX.checked_sub(self.count + 1);
        if let Some(place) = place.and_then(|place| self.places.get_mut(place)) {
            *place = batch;
            self.count += 1;
        }
    }

    pub fn clear(&mut self) {
        *self = Self::default();
    }
}

/// A producer's latest batches, all of one epoch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ProducerEntry {
    /// Latest epoch; -1 before the first.
    pub epoch: i16,
    pub batches: KnownBatches,
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
            batches: KnownBatches::default(),
            coordinator_epoch: -1,
            last_timestamp: -1,
            transaction_first: None,
            history_unknown: false,
        }
    }
}

impl ProducerEntry {
    pub fn last_sequence(&self) -> i32 {
        self.batches.newest().map_or(-1, |batch| batch.last_sequence)
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
        self.batches.push(batch);
        self.last_timestamp = batch.timestamp;
        if self.batches.is_full() {
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
