//! Checking cold data again, slowly.
//!
//! Bits rot where nobody looks. The scrubber reads closed segments from front to back, a little at a
//! time, and checks every batch as it is checked before it is served first (see
//! [`verified`](super::verified)). It reads through the page cache: what is cached there is not read
//! from the medium, so that rot under it is found when the pages have been dropped, which is also
//! the first moment at which it could be served. Indexes are not scrubbed; they are hints.

use super::Log;
use super::damage::Damage;
use super::verified::Footing;
use crate::error::ReadError;
use std::sync::Arc;

/// Where scrubbing a log goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ScrubCursor {
    segment: i64,
    at: Footing,
}

impl ScrubCursor {
    /// At the front of the log.
    pub const START: ScrubCursor = ScrubCursor::front(i64::MIN);

    const fn front(segment: i64) -> Self {
        Self { segment, at: Footing::start(segment) }
    }
}

/// What a step of scrubbing came to.
#[derive(Clone, Debug)]
pub struct ScrubStep {
    /// Bytes that were checked.
    pub bytes: u64,
    /// Where to go on; `None` when every closed segment was checked, or the log is quarantined.
    pub next: Option<ScrubCursor>,
    /// Damage that was found just now: the log is quarantined.
    pub damage: Option<Arc<Damage>>,
}

impl Log {
    /// Checks at most about `budget_bytes` more of the closed segments: a batch is checked whole, and
    /// one step stays within a segment.
    ///
    /// # Errors
    /// When a file cannot be read: what is there is not known then. Go on at the front another time.
    pub fn scrub(&self, cursor: ScrubCursor, budget_bytes: u64) -> Result<ScrubStep, ReadError> {
        let done = ScrubStep { bytes: 0, next: None, damage: None };
        if self.damage().is_some() {
            return Ok(done);
        }
        // What was deleted and is not gone yet is of no interest.
        let mut left = self
            .sealed
            .range(cursor.segment..)
            .filter(|(base, _)| self.log_start < self.segment_end(**base).next());
        let Some((&segment, closed)) = left.next() else { return Ok(done) };
        let behind = left.next().map(|(base, _)| ScrubCursor::front(*base));
        let from = if segment == cursor.segment { cursor.at } else { Footing::start(segment) };
        let until = from.position.saturating_add(budget_bytes.max(1));
        match self.check_on(segment, from, until)? {
            Ok(at) => {
                closed.verified.extend_prefix(from.position, at.position);
                let is_through = at.position >= closed.size;
                let next = if is_through { behind } else { Some(ScrubCursor { segment, at }) };
                Ok(ScrubStep { bytes: at.position - from.position, next, damage: None })
            }
            // Where it begins, only the whole segment can tell.
            Err(_) => {
                let damage = self.examine(segment)?;
                let next = behind.filter(|_| damage.is_none());
                Ok(ScrubStep { bytes: closed.size, next, damage })
            }
        }
    }
}
