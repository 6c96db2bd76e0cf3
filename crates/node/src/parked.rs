//! Requests that wait: the table of one worker, and the trait they implement.

use crate::call::{Answer, Call};
use crate::connection::SlotNumber;
use crate::context::ConnectionId;
use crate::node::Node;
use crate::outbox::Wake;
use crate::reply::Reply;
use crate::ticket::{Ticket, WorkerId};
use std::collections::BTreeSet;

/// How many requests may wait on one worker; beyond it a connection is closed rather than let grow.
/// 10,000 connections with their usual five requests each fit eight times over.
pub const PARKED_MAX: usize = 1 << 19;

/// Whether a resumed request is done.
pub enum Progress<T> {
    /// This is its answer.
    Done(T),
    /// It goes on waiting.
    Waits,
    /// What stood in the way of its handling is gone, and this is what its handler says: perhaps
    /// that it waits for something else, with a deadline of its own.
    Handled(Answer<T>),
}

/// A request that waits for something, kept in the file of its handler.
pub trait Parked: Send {
    /// What it will be answered with.
    type Response;

    /// Something happened that it may have waited for. A wake may come twice, or too early.
    fn resume(&mut self, call: &mut Call<'_>, wake: Wake) -> Progress<Self::Response>;

    /// Nobody waits for the answer any more, or it has been given: take back what was registered
    /// elsewhere under `ticket`.
    fn retire(&mut self, _node: &Node, _ticket: Ticket) {}
}

/// What became of a resumed request, whichever API it is of.
pub(crate) enum Resumed {
    /// This is its answer.
    Ready(Reply),
    /// Nothing is to be sent.
    Silent,
    /// The connection must be closed.
    Close,
    /// It goes on waiting.
    Waits,
    /// It goes on waiting, for something else.
    WaitsAnew {
        /// Until then.
        deadline_ms: Option<u64>,
    },
}

/// A [`Parked`] of any API, with what encoding its answer needs.
pub(crate) trait ParkedReply: Send {
    fn resume(&mut self, call: &mut Call<'_>, wake: Wake) -> Resumed;
    fn retire(&mut self, node: &Node, ticket: Ticket);
}

/// What the table keeps of a parked request.
pub(crate) struct Entry {
    pub connection: ConnectionId,
    pub slot: SlotNumber,
    pub request: Box<dyn ParkedReply>,
    pub api_version: i16,
    pub correlation_id: i32,
    deadline_ms: Option<u64>,
}

enum Place {
    Free,
    /// A handler has taken the ticket and is still running.
    Reserved,
    /// Waits.
    Parked(Box<Entry>),
    /// Taken out while it is being resumed.
    Resuming,
}

/// The parked requests of one worker, by ticket, with their deadlines.
pub(crate) struct ParkedTable {
    worker: WorkerId,
    places: Vec<(u32, Place)>,
    free: Vec<u32>,
    deadlines: BTreeSet<(u64, Ticket)>,
}

impl ParkedTable {
    pub fn new(worker: WorkerId) -> Self {
        Self { worker, places: Vec::new(), free: Vec::new(), deadlines: BTreeSet::new() }
    }

    /// A ticket for a handler that may park; `None` when the table is full.
    pub fn reserve(&mut self) -> Option<Ticket> {
        if let Some(place) = self.free.pop() {
            let (generation, state) = self.places.get_mut(place as usize)?;
            *state = Place::Reserved;
            return Some(Ticket { worker: self.worker, place, generation: *generation });
        }
        if self.places.len() >= PARKED_MAX {
            return None;
        }
        let place = u32::try_from(self.places.len()).ok()?;
        self.places.push((0, Place::Reserved));
        Some(Ticket { worker: self.worker, place, generation: 0 })
    }

    /// Gives a ticket back, whatever was parked under it.
    pub fn release(&mut self, ticket: Ticket) {
        let Some((generation, state)) = self.places.get_mut(ticket.place as usize) else { return };
        if *generation != ticket.generation || matches!(state, Place::Free) {
            return;
        }
        if let Place::Parked(entry) = state
            && let Some(deadline_ms) = entry.deadline_ms
        {
            self.deadlines.remove(&(deadline_ms, ticket));
        }
        *state = Place::Free;
        *generation = generation.wrapping_add(1);
        self.free.push(ticket.place);
    }

    /// Parks a request under a reserved ticket.
    pub fn park(
        &mut self,
        ticket: Ticket,
        connection: ConnectionId,
        slot: SlotNumber,
        call: (i16, i32),
        request: Box<dyn ParkedReply>,
        deadline_ms: Option<u64>,
    ) {
        let Some((_, state)) = self.places.get_mut(ticket.place as usize) else { return };
        debug_assert!(matches!(state, Place::Reserved), "parked under a ticket of its own");
        let (api_version, correlation_id) = call;
        *state = Place::Parked(Box::new(Entry {
            connection,
            slot,
            request,
            api_version,
            correlation_id,
            deadline_ms,
        }));
        if let Some(deadline_ms) = deadline_ms {
            self.deadlines.insert((deadline_ms, ticket));
        }
    }

    /// Takes a request out to resume it; `None` when the ticket is an old one.
    pub fn take(&mut self, ticket: Ticket) -> Option<Box<Entry>> {
        let (generation, state) = self.places.get_mut(ticket.place as usize)?;
        if *generation != ticket.generation {
            return None;
        }
        match std::mem::replace(state, Place::Resuming) {
            Place::Parked(entry) => Some(entry),
            other => {
                *state = other;
                None
            }
        }
    }

    /// Puts a request back that goes on waiting.
    pub fn put_back(&mut self, ticket: Ticket, entry: Box<Entry>) {
        if let Some((_, state)) = self.places.get_mut(ticket.place as usize) {
            *state = Place::Parked(entry);
        }
    }

    /// Puts a request back that waits for something else now.
    pub fn put_back_until(
        &mut self,
        ticket: Ticket,
        mut entry: Box<Entry>,
        deadline_ms: Option<u64>,
    ) {
        if let Some(before_ms) = std::mem::replace(&mut entry.deadline_ms, deadline_ms) {
            self.deadlines.remove(&(before_ms, ticket));
        }
        if let Some(deadline_ms) = deadline_ms {
            self.deadlines.insert((deadline_ms, ticket));
        }
        self.put_back(ticket, entry);
    }

    /// Gives back the ticket of a request that was taken out and is done.
    pub fn finish(&mut self, ticket: Ticket, entry: &Entry) {
        if let Some(deadline_ms) = entry.deadline_ms {
            self.deadlines.remove(&(deadline_ms, ticket));
        }
        self.release(ticket);
    }

    /// Whose request waits under a ticket.
    pub fn connection_of(&self, ticket: Ticket) -> Option<ConnectionId> {
        match self.places.get(ticket.place as usize)? {
            (generation, Place::Parked(entry)) if *generation == ticket.generation => {
                Some(entry.connection)
            }
            _ => None,
        }
    }

    /// The earliest deadline, on the monotonic clock.
    pub fn next_deadline(&self) -> Option<u64> {
        self.deadlines.first().map(|(deadline_ms, _)| *deadline_ms)
    }

    /// A request whose deadline has passed; its deadline is forgotten, the request is not.
    pub fn pop_expired(&mut self, monotonic_ms: u64) -> Option<Ticket> {
        let &(deadline_ms, ticket) = self.deadlines.first()?;
        if deadline_ms > monotonic_ms {
            return None;
        }
        self.deadlines.remove(&(deadline_ms, ticket));
        Some(ticket)
    }

    /// How many tickets are in use.
    pub fn in_use(&self) -> usize {
        self.places.len() - self.free.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Never;

    impl ParkedReply for Never {
        fn resume(&mut self, _: &mut Call<'_>, _: Wake) -> Resumed {
            Resumed::Waits
        }
        fn retire(&mut self, _: &Node, _: Ticket) {}
    }

    fn park(table: &mut ParkedTable, deadline_ms: Option<u64>) -> Ticket {
        let ticket = table.reserve().expect("room");
        table.park(ticket, ConnectionId(1), SlotNumber(0), (0, 0), Box::new(Never), deadline_ms);
        ticket
    }

    #[test]
    fn a_ticket_of_an_earlier_tenant_wakes_nobody() {
        let mut table = ParkedTable::new(WorkerId(0));
        let old = park(&mut table, None);
        table.release(old);
        let new = park(&mut table, None);
        assert_eq!(old.place, new.place, "the place is used again");
        assert!(table.take(old).is_none());
        table.release(old);
        assert!(table.take(new).is_some(), "and a late release does not hit the new tenant");
    }

    #[test]
    fn deadlines_come_in_order_and_go_with_their_request() {
        let mut table = ParkedTable::new(WorkerId(0));
        let late = park(&mut table, Some(30));
        let early = park(&mut table, Some(10));
        let gone = park(&mut table, Some(20));
        table.release(gone);
        assert_eq!(table.next_deadline(), Some(10));
        assert_eq!(table.pop_expired(9), None);
        assert_eq!(table.pop_expired(100), Some(early));
        assert_eq!(table.pop_expired(100), Some(late));
        assert_eq!(table.pop_expired(100), None);
        assert_eq!(table.in_use(), 2, "an expired request stays until it is answered");
    }

    #[test]
    fn a_request_is_not_taken_twice() {
        let mut table = ParkedTable::new(WorkerId(0));
        let ticket = park(&mut table, Some(5));
        let entry = table.take(ticket).expect("parked");
        assert!(table.take(ticket).is_none());
        table.put_back(ticket, entry);
        let entry = table.take(ticket).expect("parked again");
        table.finish(ticket, &entry);
        assert_eq!(table.in_use(), 0);
        assert_eq!(table.next_deadline(), None);
    }

    #[test]
    fn a_request_that_waits_for_something_else_has_its_new_deadline_alone() {
        let mut table = ParkedTable::new(WorkerId(0));
        let ticket = park(&mut table, Some(5));
        let entry = table.take(ticket).expect("parked");
        table.put_back_until(ticket, entry, Some(9));
        assert_eq!(table.next_deadline(), Some(9));
        assert_eq!(table.pop_expired(9), Some(ticket));
        let entry = table.take(ticket).expect("parked again");
        table.put_back_until(ticket, entry, None);
        assert_eq!(table.next_deadline(), None);
    }
}
