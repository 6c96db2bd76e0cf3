//! Cold data is read again and checked, a little at a time: `log.scrub.bytes.per.second`.
//!
//! One job at a time goes from partition to partition, in the order of their keys, and takes a
//! partition's lock for one small piece after the other. A log that was not opened yet is passed
//! over until the next round; retention opens those that have files.

use crate::node::View;
use crate::outbox::{Effect, Outbox, Pool};
use crate::partition::Partition;
use crate::time::Now;
use headwater_log::ScrubCursor;
use headwater_types::TopicPartition;
use parking_lot::Mutex;
use std::ops::Bound;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// Read under one taking of a partition's lock.
const PIECE_BYTES: u64 = 128 * 1024;
/// Partitions that one job visits: most have nothing to scrub.
const VISITED_MAX: usize = 500;
/// A round does not begin sooner after the beginning of the one before, so that a broker with
/// little data has rest.
const ROUND_MS_MIN: u64 = 3_600_000;

/// Where scrubbing stands.
#[derive(Debug, Default)]
pub(crate) struct Scrubber {
    place: Mutex<Place>,
    scrubbed_bytes: AtomicU64,
}

#[derive(Debug, Default)]
struct Place {
    /// A job is under way.
    running: bool,
    /// Bytes that may be read, as of a time on the monotonic clock.
    allowance_bytes: u64,
    as_of_ms: Option<u64>,
    /// The partition under scrutiny, and where in it; before the first one of a round: `None`.
    at: Option<(TopicPartition, Option<ScrubCursor>)>,
    round_began_ms: Option<u64>,
}

impl Scrubber {
    /// Bytes checked since the start.
    pub fn scrubbed_bytes(&self) -> u64 {
        self.scrubbed_bytes.load(Ordering::Relaxed)
    }

    /// Time has passed.
    pub fn tick(self: &Arc<Self>, view: &Arc<View>, now: Now, out: &mut Outbox) {
        let mut place = self.place.lock();
        let rate = view.settings.log_scrub_bytes_per_second;
        if !place.is_due(rate, now.monotonic_ms) {
            return;
        }
        place.running = true;
        let (scrubber, view) = (Arc::clone(self), Arc::clone(view));
        let task = Box::new(move |_: &mut Outbox| scrubber.run(&view));
        out.push(Effect::Task { pool: Pool::Background, task });
    }

    fn run(&self, view: &View) {
        // Also where a bug ends it early: the next job goes on.
        let _ended = EndsRun(self);
        let allowance_bytes = self.place.lock().allowance_bytes;
        let mut left_bytes = allowance_bytes;
        for _ in 0..VISITED_MAX {
            if !self.visit(view, &mut left_bytes) || left_bytes == 0 {
                break;
            }
        }
        let used_bytes = allowance_bytes.saturating_sub(left_bytes);
        let mut place = self.place.lock();
        place.allowance_bytes = place.allowance_bytes.saturating_sub(used_bytes);
    }

    /// Scrubs on in one partition. False at the end of a round.
    fn visit(&self, view: &View, left_bytes: &mut u64) -> bool {
        let at = self.place.lock().at;
        let Some((key, partition, mut cursor)) = next_of(view, at) else {
            self.place.lock().at = None;
            return false;
        };
        while *left_bytes > 0 {
            // What cannot be read is met by whoever reads it; here it is passed over.
            let Some(step) = partition.scrub(cursor, PIECE_BYTES.min(*left_bytes)) else {
                self.place.lock().at = Some((key, None));
                return true;
            };
            self.scrubbed_bytes.fetch_add(step.bytes, Ordering::Relaxed);
            *left_bytes = left_bytes.saturating_sub(step.bytes);
            self.place.lock().at = Some((key, step.next));
            match step.next {
                Some(next) => cursor = next,
                None => break,
            }
        }
        true
    }
}

/// The partition where scrubbing goes on, and where in it.
fn next_of(
    view: &View,
    at: Option<(TopicPartition, Option<ScrubCursor>)>,
) -> Option<(TopicPartition, &Arc<Partition>, ScrubCursor)> {
    let from = match at {
        None => Bound::Unbounded,
        Some((key, Some(_))) => Bound::Included(key),
        Some((key, None)) => Bound::Excluded(key),
    };
    let (key, partition) = view.partitions.range((from, Bound::Unbounded)).next()?;
    let cursor = at.filter(|(at, _)| at == key).and_then(|(_, cursor)| cursor);
    Some((*key, partition, cursor.unwrap_or(ScrubCursor::START)))
}

impl Place {
    /// Whether a job is to begin.
    fn is_due(&mut self, rate: u64, now_ms: u64) -> bool {
        let passed_ms = self.as_of_ms.map_or(0, |as_of| now_ms.saturating_sub(as_of));
        self.as_of_ms = Some(now_ms);
        // What was not used within a second is not made up for.
        let gained = rate.saturating_mul(passed_ms) / 1000;
        self.allowance_bytes = self.allowance_bytes.saturating_add(gained).min(rate);
        if self.running || self.allowance_bytes == 0 {
            return false;
        }
        if self.at.is_none() {
            let rests = |began: u64| now_ms.saturating_sub(began) < ROUND_MS_MIN;
            if self.round_began_ms.is_some_and(rests) {
                return false;
            }
            self.round_began_ms = Some(now_ms);
        }
        true
    }
}

/// Lets the next job begin.
struct EndsRun<'a>(&'a Scrubber);

impl Drop for EndsRun<'_> {
    fn drop(&mut self) {
        self.0.place.lock().running = false;
    }
}
