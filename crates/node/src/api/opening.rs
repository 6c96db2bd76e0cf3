//! Waiting until logs that were not touched since the start are open.
//!
//! After a crash that may take seconds a log. A handler says which partitions it is about to touch;
//! where one of them needs it, the request waits, and the worker goes on with others.

use crate::call::{Answer, Call};
use crate::node::Node;
use crate::outbox::Wake;
use crate::parked::{Parked, Progress};
use crate::partition::Partition;
use crate::ticket::Ticket;
use std::sync::Arc;

/// How long a request waits at most, in ms. Afterwards it is handled all the same, and told of what
/// is not open yet that it should come again. Clients wait 30 s and more for an answer.
pub(super) const OPEN_WAIT_MAX_MS: i64 = 15_000;

/// Handles a request once none of these partitions needs to be opened any more.
pub(super) fn once_open<T: 'static>(
    call: &mut Call<'_>,
    mut unopened: Vec<Arc<Partition>>,
    handle: impl FnOnce(&mut Call<'_>) -> Answer<T> + Send + 'static,
) -> Answer<T> {
    if unopened.is_empty() {
        return handle(call);
    }
    let Some(ticket) = call.ticket() else { return handle(call) };
    unopened.retain(|partition| partition.wait_for_open(ticket, call.now, call.out));
    if unopened.is_empty() {
        return handle(call);
    }
    let deadline_ms = Some(call.now.deadline_after(OPEN_WAIT_MAX_MS));
    let parked = AwaitOpen { unopened, handle: Some(Box::new(handle)) };
    Answer::Later { parked: Box::new(parked), deadline_ms }
}

type Handle<T> = Box<dyn FnOnce(&mut Call<'_>) -> Answer<T> + Send>;

struct AwaitOpen<T> {
    unopened: Vec<Arc<Partition>>,
    /// Taken when it is called.
    handle: Option<Handle<T>>,
}

impl<T> Parked for AwaitOpen<T> {
    type Response = T;

    fn resume(&mut self, call: &mut Call<'_>, wake: Wake) -> Progress<T> {
        self.unopened.retain(|partition| partition.is_being_opened());
        if !self.unopened.is_empty() && !matches!(wake, Wake::Deadline) {
            return Progress::Waits;
        }
        match self.handle.take() {
            Some(handle) => Progress::Handled(handle(call)),
            None => Progress::Handled(Answer::Close),
        }
    }

    fn retire(&mut self, _: &Node, ticket: Ticket) {
        for partition in self.unopened.drain(..) {
            partition.stop_waiting(ticket);
        }
    }
}
