//! A producer's last five batches, found in the log.
//!
//! A producer snapshot holds only the newest batch. After a restart a producer with five requests
//! in flight may repeat an older one, and must get the offset that it had. So when a batch seems out
//! of order and the producer came from a snapshot, the log itself is asked, once a producer.

use super::Log;
use super::producer_state::{BATCHES_MAX, KnownBatch};
use super::scan::{Scanner, Step, WINDOW_WHOLE};
use crate::error::ReadError;
use std::collections::VecDeque;

/// Log bytes looked through before a producer's newest batch.
const SEARCHED_BYTES_MAX: u64 = 64 << 20;

impl Log {
    /// Completes what is known of a producer. Returns whether anything new is known.
    pub(super) fn learn_history(&mut self, producer: i64) -> bool {
        let Some(entry) = self.producers.get(producer).filter(|entry| entry.history_unknown) else {
            return false;
        };
        let (epoch, Some(oldest)) = (entry.epoch, entry.batches.oldest().copied()) else {
            return false;
        };
        // What cannot be read is not known; the batch is then refused as it would have been.
        let older = self.find_batches(producer, epoch, &oldest).unwrap_or_default();
        let found = !older.is_empty();
        self.producers.set_history(producer, older.into());
        found
    }

    /// The producer's batches before one, oldest first, at most as many as are remembered.
    fn find_batches(
        &self,
        producer: i64,
        epoch: i16,
        before: &KnownBatch,
    ) -> Result<VecDeque<KnownBatch>, ReadError> {
        let mut found = VecDeque::new();
        let mut left = SEARCHED_BYTES_MAX;
        let older = self.segments().filter(|(base, _)| *base < before.first.0);
        let older: Vec<(i64, u64)> = older.collect();
        for (base, size) in older.into_iter().rev() {
            let in_segment = self.find_in_segment(base, size, left, producer, epoch, before)?;
            for batch in in_segment.into_iter().rev() {
                if found.len() < BATCHES_MAX - 1 {
                    found.push_front(batch);
                }
            }
            left = left.saturating_sub(size);
            if left == 0 || found.len() == BATCHES_MAX - 1 {
                break;
            }
        }
        Ok(found)
    }

    fn find_in_segment(
        &self,
        base: i64,
        size: u64,
        bytes_max: u64,
        producer: i64,
        epoch: i16,
        before: &KnownBatch,
    ) -> Result<VecDeque<KnownBatch>, ReadError> {
        let file = self.log_file(base)?;
        let from = match size.checked_sub(bytes_max) {
            Some(skipped) if skipped > 0 => self.boundary_before(base, skipped)?,
            _ => 0,
        };
        let mut scanner = Scanner::new(&*file, from, size, WINDOW_WHOLE);
        let mut found = VecDeque::new();
        while let Step::Batch(batch) = scanner.step()? {
            let head = &batch.head;
            if head.base >= before.first.0 {
                break;
            }
            let its_own = head.producer == producer && head.producer_epoch == epoch;
            if its_own && !head.is_control() && head.base_sequence >= 0 {
                if found.len() == BATCHES_MAX - 1 {
                    found.pop_front();
                }
                found.push_back(KnownBatch::of(head));
            }
        }
        Ok(found)
    }
}
