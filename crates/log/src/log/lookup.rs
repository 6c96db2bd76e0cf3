//! Finding records by their timestamp, and aborted transactions by their range.

use super::names::FileKind;
use super::offset_index::last_chunk_before;
use super::read::Walk;
use super::records::record_times;
use super::scan::{Found, Scanner};
use super::time_index::{self, Entry};
use super::types::{AbortedTransaction, TimestampedOffset};
use super::{Damage, Log, txn_index};
use crate::disk::read_whole;
use crate::error::ReadError;
use bytes::Bytes;
use headwater_types::{EndOffset, LeaderEpoch, Offset};
use std::ops::Range;
use std::sync::Arc;

/// Largest index file that is read as a whole.
pub(crate) const INDEX_BYTES_MAX: u64 = 1 << 30;

impl Log {
    /// The first record with a timestamp of at least `timestamp_ms`, below `upper`.
    ///
    /// # Errors
    /// When the files cannot be read.
    pub fn offset_for_timestamp(
        &self,
        timestamp_ms: i64,
        upper: EndOffset,
    ) -> Result<Option<TimestampedOffset>, ReadError> {
        let sound_end = self.sound_end();
        for (base, _) in self.segments() {
            if !upper.min(sound_end).covers(Offset(base)) {
                break;
            }
            if self.largest_timestamp(base)? < timestamp_ms {
                continue;
            }
            let found = self.find_timestamp(base, |timestamp| timestamp >= timestamp_ms)?;
            if let Some(found) = found {
                self.check_readable(found.offset)?;
                return Ok(Some(found).filter(|found| upper.covers(found.offset)));
            }
        }
        // It may be behind what can be read.
        if sound_end < upper.min(self.log_end) {
            self.check_sound().map_err(ReadError::Damaged)?;
        }
        Ok(None)
    }

    /// The first of the records with the largest timestamp of all.
    ///
    /// # Errors
    /// When the files cannot be read.
    pub fn max_timestamp(&self) -> Result<Option<TimestampedOffset>, ReadError> {
        self.check_sound().map_err(ReadError::Damaged)?;
        let mut largest = (-1, None);
        for (base, _) in self.segments() {
            let timestamp = self.largest_timestamp(base)?;
            if timestamp > largest.0 {
                largest = (timestamp, Some(base));
            }
        }
        match largest {
            (timestamp, Some(base)) => self.find_timestamp(base, |found| found >= timestamp),
            _ => Ok(None),
        }
    }

    /// The largest timestamp of a segment; -1 when its records have none.
    pub(super) fn largest_timestamp(&self, base: i64) -> Result<i64, ReadError> {
        let Some(segment) = self.sealed.get(&base) else {
            let active = self.active.as_ref().filter(|active| active.base == base);
            return Ok(active.map_or(-1, |active| active.largest_timestamp()));
        };
        if let Some(known) = *segment.largest_timestamp.lock() {
            return Ok(known);
        }
        let largest = match self.last_time_entry(base)? {
            Some(entry) => entry.timestamp,
            None => {
                let mut largest = -1;
                self.walk(base, 0, |batch, _| {
                    largest = largest.max(batch.head.max_timestamp);
                    Ok(Walk::On)
                })?;
                largest
            }
        };
        *segment.largest_timestamp.lock() = Some(largest);
        Ok(largest)
    }

    /// The last entry of a closed segment's time index, if it says what the batch that it names says.
    fn last_time_entry(&self, base: i64) -> Result<Option<Entry>, ReadError> {
        let Some(entry) = self.time_entry(base, |_| true) else { return Ok(None) };
        let offset = Offset(base.saturating_add(i64::from(entry.relative)));
        if !self.segment_end(base).covers(offset) {
            return Ok(None);
        }
        let batch = self.find(base, offset)?;
        let is_its = |batch: &Found| batch.head.max_timestamp == entry.timestamp;
        Ok(batch.filter(is_its).map(|_| entry))
    }

    /// The first record of a segment whose timestamp is wanted: one that is at least something.
    fn find_timestamp(
        &self,
        base: i64,
        wanted: impl Fn(i64) -> bool,
    ) -> Result<Option<TimestampedOffset>, ReadError> {
        let before = match &self.active {
            Some(active) if active.base == base => active.times.before_where(&wanted),
            _ => self.time_entry(base, |entry| !wanted(entry.timestamp)),
        };
        // Nothing up to that offset is wanted; the walk begins with the batch that holds it.
        let from = match before {
            Some(entry) => {
                let offset = Offset(base.saturating_add(i64::from(entry.relative)));
                self.find(base, offset)?.map_or(0, |batch| batch.position)
            }
            None => 0,
        };
        let mut found = None;
        self.walk(base, from, |batch, scanner| {
            let head = &batch.head;
            if head.last >= self.log_start.0 && wanted(head.max_timestamp) {
                found = self.find_in_batch(batch, scanner, &wanted)?;
            }
            Ok(if found.is_some() { Walk::Stop } else { Walk::On })
        })?;
        Ok(found)
    }

    fn find_in_batch(
        &self,
        batch: &Found,
        scanner: &Scanner<'_>,
        wanted: &impl Fn(i64) -> bool,
    ) -> Result<Option<TimestampedOffset>, ReadError> {
        let head = &batch.head;
        let leader_epoch = LeaderEpoch(head.epoch);
        let answer = |offset: i64, timestamp| {
            let offset = Offset(offset.max(self.log_start.0));
            TimestampedOffset { offset, timestamp, leader_epoch }
        };
        if head.has_log_append_time() {
            return Ok(Some(answer(head.base, head.max_timestamp)));
        }
        // What cannot be looked into is taken as a whole: consumers read batches anyway.
        let Ok(records) = record_times(Bytes::from(scanner.read(batch)?)) else {
            return Ok(Some(answer(head.base, head.max_timestamp)));
        };
        let record = records
            .iter()
            .find(|record| record.offset >= self.log_start && wanted(record.timestamp));
        Ok(record.map(|record| answer(record.offset.0, record.timestamp)))
    }

    /// The last entry of a closed segment's time index for which `before` holds; `None` also when
    /// the index cannot be read.
    fn time_entry(&self, base: i64, before: impl Fn(&Entry) -> bool) -> Option<Entry> {
        let file = self.disk.open_shared(&self.path(base, FileKind::TimeIndex)).ok()?;
        let before = |bytes: &[u8; time_index::ENTRY_BYTES]| before(&Entry::parse(bytes));
        let entry = last_chunk_before(&*file, before).ok().flatten();
        entry.as_ref().map(Entry::parse)
    }

    /// Aborted transactions that have records in a range, as a read-committed fetch of that range
    /// needs them.
    ///
    /// # Errors
    /// When an index cannot be read.
    pub fn aborted_transactions(
        &self,
        range: Range<Offset>,
    ) -> Result<Vec<AbortedTransaction>, ReadError> {
        let mut aborted = Vec::new();
        for (base, _) in self.segments() {
            // A transaction stands in the index of the segment that holds its marker.
            if self.segment_end(base).0 <= range.start.0 {
                continue;
            }
            let entries = self.aborted_in(base)?;
            let overlaps =
                |entry: &&AbortedTransaction| entry.last >= range.start && entry.first < range.end;
            aborted.extend(entries.iter().filter(overlaps));
            // Transactions aborted later are open until then: the last stable offset of such an
            // entry says whether one of them may begin within the range.
            if entries.iter().any(|entry| entry.last_stable.0 >= range.end.0) {
                break;
            }
        }
        Ok(aborted)
    }

    pub(super) fn aborted_in(&self, base: i64) -> Result<Vec<AbortedTransaction>, ReadError> {
        if let Some(active) = self.active.as_ref().filter(|active| active.base == base) {
            return Ok(active.aborted.clone());
        }
        let path = self.path(base, FileKind::TxnIndex);
        let Some(bytes) = read_whole(&*self.disk, &path, INDEX_BYTES_MAX)? else {
            return Ok(Vec::new());
        };
        txn_index::parse(&bytes).ok_or_else(|| {
            ReadError::Damaged(Arc::new(Damage {
                file: path,
                position: 0,
                offset: Offset(base),
                problem: String::from("it is no index of aborted transactions"),
            }))
        })
    }
}
