//! Where in a segment a recovery may begin: at the last index entry before the last checkpoint.
//!
//! A checkpoint writes the indexes and a producer snapshot at one offset, and the recovery point
//! passes it only when all of that was synced. What lies before need not be read again. An index is
//! a hint all the same: where the entry does not lead to a batch that fits it, the segment is walked
//! from its front.

use super::names::FileKind;
use super::offset_index::OffsetIndex;
use super::open::Inventory;
use super::scan::{Scanner, Step, WINDOW_LOOKUP};
use super::segment::{Active, Written};
use super::time_index::TimeIndex;
use super::{INDEX_BYTES_MAX, Log, txn_index};
use crate::disk::read_whole;
use crate::error::OpenError;
use headwater_types::EndOffset;

/// A segment as its indexes have it up to a batch, from which on it is to be walked.
#[derive(Debug)]
pub(super) struct Resumed {
    /// Ends where the walk begins.
    pub active: Active,
    /// First offset of the batch there.
    pub start: i64,
}

impl Log {
    /// Finds where to begin in a segment; `None`: at its front.
    pub(super) fn resume(
        &self,
        base: i64,
        inventory: &Inventory,
        recovery_point: EndOffset,
        now_ms: i64,
    ) -> Result<Option<Resumed>, OpenError> {
        let Some((size, modified_ms)) = inventory.logs.get(&base).copied() else { return Ok(None) };
        let Some(checkpoint) = self.checkpoint_within(base, inventory, recovery_point)? else {
            return Ok(None);
        };
        let read = |kind| read_whole(&*self.disk, &self.path(base, kind), INDEX_BYTES_MAX);
        let (Some(offsets), Some(times)) =
            (read(FileKind::OffsetIndex)?, read(FileKind::TimeIndex)?)
        else {
            return Ok(None);
        };
        let offset_of = |relative: u32| base.saturating_add(i64::from(relative));
        let offsets = OffsetIndex::parse_front(&offsets, |entry| {
            offset_of(entry.relative) < checkpoint && u64::from(entry.position) < size
        });
        let Some(last) = offsets.last() else { return Ok(None) };
        let times = TimeIndex::parse_front(&times, |entry| entry.relative <= last.relative);
        let file = self.disk.open_shared(&self.path(base, FileKind::Log))?;
        let position = u64::from(last.position);
        let mut scanner = Scanner::new(&*file, position, size, WINDOW_LOOKUP);
        let Step::Batch(batch) = scanner.step()? else { return Ok(None) };
        let before = offsets.before_last().map_or(base - 1, |entry| offset_of(entry.relative));
        let fits = before < batch.head.base && batch.head.base <= offset_of(last.relative);
        if !fits || !scanner.checksum_is_right(&batch)? {
            return Ok(None);
        }
        let aborted = read(FileKind::TxnIndex)?.unwrap_or_default();
        let mut active = Active::new(base, now_ms, &self.tail_budget);
        active.aborted = txn_index::parse_front(&aborted);
        active.first_timestamp = self.first_head(base, size)?.map(|head| head.max_timestamp);
        active.largest = times.last().map(|entry| (entry.timestamp, offset_of(entry.relative)));
        active.written = Written { offsets: offsets.len(), times: times.len(), aborted: 0 };
        active.size = position;
        active.modified_ms = modified_ms;
        active.offsets = offsets;
        active.times = times;
        Ok(Some(Resumed { active, start: batch.head.base }))
    }

    /// The last checkpoint behind the front of a segment.
    fn checkpoint_within(
        &self,
        base: i64,
        inventory: &Inventory,
        recovery_point: EndOffset,
    ) -> Result<Option<i64>, OpenError> {
        let mut within = inventory.snapshots();
        within.retain(|at| (base + 1..=recovery_point.0).contains(at));
        within.sort_unstable();
        while let Some(at) = within.pop() {
            if self.read_snapshot(at)?.is_some() {
                return Ok(Some(at));
            }
        }
        Ok(None)
    }
}
