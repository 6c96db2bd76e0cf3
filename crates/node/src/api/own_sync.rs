//! Waiting for this broker's own sync, where an answer depends on what is committed.
//!
//! A producer with acks=1 is answered when its records are written, before they are synced. On a
//! single replica Apache Kafka moves the high watermark in the same moment, so whoever asks right
//! afterwards where the log ends (or has everything in it deleted) may count on being told of those
//! records. With `durability=fsync` they are committed a sync later; who asks in between waits for it.

use crate::call::{Answer, Call};
use crate::node::Node;
use crate::outbox::Wake;
use crate::parked::{Parked, Progress};
use crate::partition::Partition;
use crate::ticket::Ticket;
use headwater_types::EndOffset;
use std::sync::Arc;

/// How long a request waits at most, in ms, before it is answered with what there is: far longer than
/// a sync takes, far shorter than clients wait for an answer.
pub(super) const OWN_SYNC_WAIT_MAX_MS: i64 = 5_000;

/// A partition, and the end of its log when it was asked about.
type Lagging = (Arc<Partition>, EndOffset);

/// Handles a request once everything that was written to `lagging` by now is committed, or once
/// `wait_ms` have passed.
pub(super) fn after_own_sync<T: 'static>(
    call: &mut Call<'_>,
    mut lagging: Vec<Lagging>,
    wait_ms: i64,
    handle: impl FnOnce(&mut Call<'_>) -> Answer<T> + Send + 'static,
) -> Answer<T> {
    if lagging.is_empty() {
        return handle(call);
    }
    let Some(ticket) = call.ticket() else { return handle(call) };
    for (partition, end) in &lagging {
        partition.wait_for_commit(*end, ticket);
    }
    // A sync may have ended before the registration.
    settle(&mut lagging);
    if lagging.is_empty() {
        return handle(call);
    }
    let deadline_ms = Some(call.now.deadline_after(wait_ms));
    let parked = AwaitSync { lagging, handle: Some(Box::new(handle)) };
    Answer::Later { parked: Box::new(parked), deadline_ms }
}

/// Leaves those that there is something to wait for: not one that is gone or out of service.
fn settle(lagging: &mut Vec<Lagging>) {
    lagging.retain(|(partition, end)| matches!(partition.is_committed(*end), Ok(false)));
}

type Handle<T> = Box<dyn FnOnce(&mut Call<'_>) -> Answer<T> + Send>;

struct AwaitSync<T> {
    lagging: Vec<Lagging>,
    /// Taken when it is called.
    handle: Option<Handle<T>>,
}

impl<T> Parked for AwaitSync<T> {
    type Response = T;

    fn resume(&mut self, call: &mut Call<'_>, wake: Wake) -> Progress<T> {
        settle(&mut self.lagging);
        if !self.lagging.is_empty() && !matches!(wake, Wake::Deadline) {
            return Progress::Waits;
        }
        match self.handle.take() {
            Some(handle) => Progress::Handled(handle(call)),
            None => Progress::Handled(Answer::Close),
        }
    }

    fn retire(&mut self, _: &Node, ticket: Ticket) {
        for (partition, _) in self.lagging.drain(..) {
            partition.stop_waiting(ticket);
        }
    }
}
