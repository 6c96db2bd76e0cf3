//! One connection's answers, kept in request order.
//!
//! Requests are pipelined: a later one may be done before an earlier one that waits. Its answer is
//! kept in its slot until all before it have left, since Kafka's clients match answers by order.

use crate::context::RequestContext;
use crate::reply::Reply;
use crate::ticket::Ticket;
use std::collections::VecDeque;

/// How many requests of one connection may be under way before the shell stops reading from it.
/// Java's default of requests in flight is 5 and librdkafka's 1,000,000 bounded by its own window;
/// 100 keeps every client busy and bounds what a silent reader can pile up.
pub const IN_FLIGHT_MAX: usize = 100;

/// The running number of a request on its connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SlotNumber(pub u64);

#[derive(Debug)]
enum Slot {
    /// The request is parked under this ticket.
    Waiting(Ticket),
    /// The answer is there but must wait for its turn.
    Ready(Reply),
    /// Nothing will be sent (a produce with acks=0).
    Silent,
}

/// The ordered slots of one connection.
#[derive(Debug)]
pub struct Connection {
    /// Who is at the other end.
    pub context: RequestContext,
    slots: VecDeque<Slot>,
    /// Number of the slot at the front.
    first: u64,
    /// The request that those behind it must not overtake, until it was handled.
    held_by: Option<Ticket>,
    /// Set when the connection must be closed once what is ready has been sent.
    closing: bool,
}

impl Connection {
    /// A connection that has just been accepted.
    pub fn new(context: RequestContext) -> Self {
        Self { context, slots: VecDeque::new(), first: 0, held_by: None, closing: false }
    }

    /// Number that the next request will get.
    pub(crate) fn next_slot(&self) -> SlotNumber {
        SlotNumber(self.first + self.slots.len() as u64)
    }

    pub(crate) fn push_ready(&mut self, reply: Reply) {
        self.slots.push_back(Slot::Ready(reply));
    }

    pub(crate) fn push_silent(&mut self) {
        self.slots.push_back(Slot::Silent);
    }

    pub(crate) fn push_waiting(&mut self, ticket: Ticket) {
        self.slots.push_back(Slot::Waiting(ticket));
    }

    /// Fills the slot of a request that had been parked; `None` is an answer that is not sent.
    pub(crate) fn fill(&mut self, number: SlotNumber, reply: Option<Reply>) {
        let index = number.0.checked_sub(self.first).and_then(|index| usize::try_from(index).ok());
        if let Some(slot) = index.and_then(|index| self.slots.get_mut(index)) {
            *slot = reply.map_or(Slot::Silent, Slot::Ready);
        }
    }

    /// The next answer whose turn it is, if it is there.
    pub fn pop_ready(&mut self) -> Option<Reply> {
        loop {
            match self.slots.pop_front()? {
                Slot::Ready(reply) => {
                    self.first += 1;
                    return Some(reply);
                }
                Slot::Silent => self.first += 1,
                waiting @ Slot::Waiting(_) => {
                    self.slots.push_front(waiting);
                    return None;
                }
            }
        }
    }

    /// How many requests have not been answered yet.
    pub fn in_flight(&self) -> usize {
        self.slots.len()
    }

    /// Whether the shell may hand in another request.
    pub fn accepts_more(&self) -> bool {
        !self.closing && self.held_by.is_none() && self.slots.len() < IN_FLIGHT_MAX
    }

    /// No request is accepted until this one was handled.
    pub(crate) fn hold(&mut self, ticket: Ticket) {
        debug_assert!(self.held_by.is_none(), "none is accepted meanwhile");
        self.held_by = Some(ticket);
    }

    /// A request was handled; whether others were held by it.
    pub(crate) fn let_go(&mut self, ticket: Ticket) -> bool {
        let held = self.held_by == Some(ticket);
        if held {
            self.held_by = None;
        }
        held
    }

    /// Whether to close once everything that is ready was sent.
    pub fn is_closing(&self) -> bool {
        self.closing
    }

    pub(crate) fn close_after_answers(&mut self) {
        self.closing = true;
    }

    /// Tickets of the requests that still wait.
    pub(crate) fn waiting(&self) -> impl Iterator<Item = Ticket> + '_ {
        self.slots.iter().filter_map(|slot| match slot {
            Slot::Waiting(ticket) => Some(*ticket),
            Slot::Ready(_) | Slot::Silent => None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reply::ReplyPart;
    use crate::ticket::WorkerId;
    use bytes::Bytes;
    use headwater_protocol::wire::Segment;

    fn reply(text: &'static str) -> Reply {
        Reply::assemble(vec![Segment::Memory(Bytes::from_static(text.as_bytes()))], Vec::new())
    }

    fn text(reply: Option<Reply>) -> Option<String> {
        let part = reply?.into_parts().pop()?;
        let ReplyPart::Memory(bytes) = part else { return None };
        Some(String::from_utf8_lossy(&bytes).into_owned())
    }

    fn ticket(place: u32) -> Ticket {
        Ticket { worker: WorkerId(0), place, generation: 0 }
    }

    #[test]
    fn answers_leave_in_request_order() {
        let mut connection = Connection::new(RequestContext::for_tests());
        connection.push_waiting(ticket(1));
        let parked = SlotNumber(0);
        connection.push_ready(reply("second"));
        connection.push_silent();
        connection.push_ready(reply("fourth"));
        assert_eq!(text(connection.pop_ready()), None, "the first is not done");
        assert_eq!(connection.in_flight(), 4);

        connection.fill(parked, Some(reply("first")));
        assert_eq!(text(connection.pop_ready()).as_deref(), Some("first"));
        assert_eq!(text(connection.pop_ready()).as_deref(), Some("second"));
        assert_eq!(text(connection.pop_ready()).as_deref(), Some("fourth"), "acks=0 leaves no gap");
        assert_eq!(connection.in_flight(), 0);
    }

    #[test]
    fn filling_a_slot_that_has_left_changes_nothing() {
        let mut connection = Connection::new(RequestContext::for_tests());
        connection.push_ready(reply("a"));
        connection.pop_ready();
        connection.push_ready(reply("b"));
        connection.fill(SlotNumber(0), Some(reply("late")));
        connection.fill(SlotNumber(77), Some(reply("never was")));
        assert_eq!(text(connection.pop_ready()).as_deref(), Some("b"));
    }

    #[test]
    fn no_more_is_accepted_at_the_bound() {
        let mut connection = Connection::new(RequestContext::for_tests());
        for place in 0..IN_FLIGHT_MAX as u32 {
            assert!(connection.accepts_more(), "at {place}");
            connection.push_waiting(ticket(place));
        }
        assert!(!connection.accepts_more());
    }
}
