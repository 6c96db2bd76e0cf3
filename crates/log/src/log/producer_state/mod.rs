//! What a log knows of its idempotent and transactional producers.
//!
//! A set of batches is checked against a [`Staged`] copy of the producers it touches, and what
//! changed is taken over only when the batches are in the file.

mod entry;
mod snapshot;

pub(crate) use entry::{BATCHES_MAX, KnownBatch, ProducerEntry};
pub(crate) use snapshot::{Line, first_sequence, parse as parse_snapshot};

use super::head::Head;
use super::marker::Marker;
use super::types::{AbortedTransaction, ActiveProducer, Origin};
use crate::error::AppendError;
use headwater_types::{EndOffset, Offset, ProducerEpoch, ProducerId};
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicI64, Ordering};

/// Ended transactions kept before those that are committed are sorted out.
const ENDED_KEPT: usize = 256;

/// All producers of a log.
#[derive(Debug, Default)]
pub(crate) struct Producers {
    by_id: BTreeMap<i64, ProducerEntry>,
    /// Open transactions: first offset to producer.
    ongoing: BTreeMap<i64, i64>,
    /// Ended transactions whose marker may not be committed yet: first offset to the marker's.
    ended: BTreeMap<i64, i64>,
    /// The largest high watermark that was asked about.
    committed: AtomicI64,
}

/// A transaction that a marker ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Ended {
    pub producer: i64,
    pub first: i64,
    /// The marker's offset.
    pub last: i64,
    pub aborted: bool,
}

/// What a set of batches changes.
#[derive(Clone, Debug, Default)]
pub(crate) struct Staged {
    /// By producer, ascending; mostly there is one.
    changed: Vec<(i64, ProducerEntry)>,
    /// In the order of their markers.
    ended: Vec<Ended>,
}

/// What a batch is to its producer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// New: append it.
    New,
    /// One of the last five: it stands there already.
    Duplicate(KnownBatch),
}

impl Producers {
    /// Another one that remembers the same.
    pub fn copy(&self) -> Self {
        Self {
            by_id: self.by_id.clone(),
            ongoing: self.ongoing.clone(),
            ended: self.ended.clone(),
            committed: AtomicI64::new(self.committed.load(Ordering::Relaxed)),
        }
    }

    /// Producers from a snapshot's lines.
    pub fn from_lines(lines: &[Line]) -> Self {
        let by_id: BTreeMap<_, _> =
            lines.iter().map(|line| (line.producer, line.entry())).collect();
        let ongoing = by_id
            .iter()
            .filter_map(|(producer, entry)| Some((entry.transaction_first?, *producer)))
            .collect();
        Self { by_id, ongoing, ..Self::default() }
    }

    /// The bytes of a snapshot.
    pub fn to_snapshot(&self) -> Vec<u8> {
        snapshot::to_bytes(&self.by_id)
    }

    /// How many bytes a snapshot has.
    pub fn snapshot_bytes(&self) -> usize {
        self.by_id.len().saturating_mul(snapshot::ENTRY_BYTES)
    }

    pub fn get(&self, producer: i64) -> Option<&ProducerEntry> {
        self.by_id.get(&producer)
    }

    /// Puts batches found in the log in front of what a snapshot knew of a producer.
    pub fn set_history(&mut self, producer: i64, older: Vec<KnownBatch>) {
        let Some(entry) = self.by_id.get_mut(&producer) else { return };
        for batch in older.into_iter().rev() {
            entry.batches.push_oldest(batch);
        }
        entry.history_unknown = false;
    }

    /// Takes over what a batch found in the log did. Nothing is refused. Returns the transaction that
    /// it aborted.
    pub fn replay(&mut self, head: &Head, marker: Option<&Marker>) -> Option<AbortedTransaction> {
        if head.producer < 0 {
            return None;
        }
        let entry = self.by_id.entry(head.producer).or_default();
        if head.is_control() {
            let ended = end_transaction(entry, head, marker?, None).ok().flatten()?;
            return self.end(ended);
        }
        let was_open = entry.transaction_first;
        // Without an origin there is no error.
        let _ = add_batch(entry, head, None);
        if let Some(first) = entry.transaction_first.filter(|_| was_open.is_none()) {
            self.ongoing.insert(first, head.producer);
        }
        None
    }

    /// Checks a batch that has its place already, and notes in `staged` what it changes. `marker`
    /// is that of a control batch. With `origin` of `None` (replication) nothing is refused.
    pub fn stage(
        &self,
        staged: &mut Staged,
        head: &Head,
        marker: Option<&Marker>,
        origin: Option<Origin>,
    ) -> Result<Verdict, AppendError> {
        if head.producer < 0 {
            return Ok(Verdict::New);
        }
        let place = staged.changed.binary_search_by_key(&head.producer, |(producer, _)| *producer);
        let known = match place {
            Ok(place) => staged.changed.get(place).map(|(_, entry)| entry),
            Err(_) => self.by_id.get(&head.producer),
        };
        if origin == Some(Origin::Client)
            && let Some(duplicate) = known.and_then(|known| known.duplicate_of(head))
        {
            return Ok(Verdict::Duplicate(duplicate));
        }
        let mut entry = known.cloned().unwrap_or_default();
        if origin.is_some() && head.producer_epoch < entry.epoch {
            return Err(AppendError::InvalidProducerEpoch {
                producer: ProducerId(head.producer),
                epoch: ProducerEpoch(head.producer_epoch),
                latest: ProducerEpoch(entry.epoch),
            });
        }
        if head.is_control() {
            // An emptied control batch (of a compacted log) ends nothing.
            let Some(marker) = marker else { return Ok(Verdict::New) };
            if let Some(ended) = end_transaction(&mut entry, head, marker, origin)? {
                staged.ended.push(ended);
            }
        } else {
            add_batch(&mut entry, head, origin)?;
        }
        match place {
            Ok(place) => {
                if let Some((_, staged)) = staged.changed.get_mut(place) {
                    *staged = entry;
                }
            }
            Err(place) => staged.changed.insert(place, (head.producer, entry)),
        }
        Ok(Verdict::New)
    }

    /// Takes over what was staged, now that the batches are in the log. Returns the aborted
    /// transactions for the index.
    pub fn commit(&mut self, staged: Staged) -> Vec<AbortedTransaction> {
        for (producer, entry) in staged.changed {
            if let Some(first) = entry.transaction_first {
                self.ongoing.insert(first, producer);
            }
            self.by_id.insert(producer, entry);
        }
        staged.ended.into_iter().filter_map(|ended| self.end(ended)).collect()
    }

    /// A transaction is over; returns what the index has to say of it.
    fn end(&mut self, ended: Ended) -> Option<AbortedTransaction> {
        self.ongoing.remove(&ended.first);
        if self.ended.len() >= ENDED_KEPT {
            let committed = self.committed.load(Ordering::Relaxed);
            self.forget_committed(EndOffset(committed));
        }
        self.ended.insert(ended.first, ended.last);
        let stable = self.ongoing.keys().next().map_or(ended.last + 1, |first| *first);
        ended.aborted.then_some(AbortedTransaction {
            producer: ProducerId(ended.producer),
            first: Offset(ended.first),
            last: Offset(ended.last),
            last_stable: EndOffset(stable),
        })
    }

    /// The last stable offset under a high watermark.
    pub fn last_stable(&self, high_watermark: EndOffset) -> EndOffset {
        self.committed.fetch_max(high_watermark.0, Ordering::Relaxed);
        let ongoing = self.ongoing.keys().next().copied();
        let uncommitted = self
            .ended
            .iter()
            .find(|(_, marker)| **marker >= high_watermark.0)
            .map(|(first, _)| *first);
        let unstable = ongoing.into_iter().chain(uncommitted).min();
        unstable.map_or(high_watermark, |first| high_watermark.min(EndOffset(first)))
    }

    /// Forgets ended transactions whose marker is committed.
    pub fn forget_committed(&mut self, high_watermark: EndOffset) {
        self.ended.retain(|_, marker| *marker >= high_watermark.0);
    }

    /// Forgets producers that have been silent too long and have no open transaction.
    pub fn expire(&mut self, now_ms: i64, expiration_ms: u64) {
        self.by_id.retain(|_, entry| {
            let silent_ms = now_ms.saturating_sub(entry.last_timestamp);
            entry.transaction_first.is_some()
                || u64::try_from(silent_ms).map_or(true, |silent_ms| silent_ms < expiration_ms)
        });
    }

    pub fn list(&self) -> Vec<ActiveProducer> {
        let describe = |(producer, entry): (&i64, &ProducerEntry)| ActiveProducer {
            producer: ProducerId(*producer),
            epoch: ProducerEpoch(entry.epoch),
            last_sequence: entry.last_sequence(),
            last_timestamp: entry.last_timestamp,
            coordinator_epoch: entry.coordinator_epoch,
            transaction_start: entry.transaction_first.map(Offset),
        };
        self.by_id.iter().map(describe).collect()
    }
}

fn add_batch(
    entry: &mut ProducerEntry,
    head: &Head,
    origin: Option<Origin>,
) -> Result<(), AppendError> {
    if origin == Some(Origin::Client) {
        entry.check_sequence(head).map_err(|last_sequence| AppendError::OutOfOrderSequence {
            producer: ProducerId(head.producer),
            first_sequence: head.base_sequence,
            last_sequence,
        })?;
    }
    entry.enter_epoch(head.producer_epoch);
    entry.add(KnownBatch::of(head));
    match (entry.transaction_first, head.is_transactional()) {
        (Some(_), false) if origin.is_some() => Err(AppendError::InvalidTxnState {
            message: format!(
                "Expected transactional write from producer {} at offset {}",
                head.producer, head.base
            ),
        }),
        (None, true) => {
            entry.transaction_first = Some(head.base);
            Ok(())
        }
        _ => Ok(()),
    }
}

fn end_transaction(
    entry: &mut ProducerEntry,
    head: &Head,
    marker: &Marker,
    origin: Option<Origin>,
) -> Result<Option<Ended>, AppendError> {
    let Some(aborted) = marker.ends_transaction() else { return Ok(None) };
    if origin.is_some() && marker.coordinator_epoch < entry.coordinator_epoch {
        return Err(AppendError::CoordinatorFenced {
            epoch: marker.coordinator_epoch,
            latest: entry.coordinator_epoch,
        });
    }
    let ended = entry.transaction_first.map(|first| Ended {
        producer: head.producer,
        first,
        last: head.base,
        aborted,
    });
    entry.enter_epoch(head.producer_epoch);
    entry.coordinator_epoch = marker.coordinator_epoch;
    entry.last_timestamp = head.max_timestamp;
    entry.transaction_first = None;
    Ok(ended)
}
