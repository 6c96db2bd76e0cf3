//! Requests that wait for a partition's high watermark to move.

use crate::outbox::Outbox;
use crate::ticket::Ticket;
use headwater_types::EndOffset;

/// Who waits for what on one partition.
///
/// A producer waits for one end and is woken once. A reader is woken by every move until it takes
/// itself off the list, so that it need not come back after each wake that did not bring enough.
#[derive(Debug, Default)]
pub(super) struct Waiters {
    producers: Vec<(EndOffset, Ticket)>,
    readers: Vec<Ticket>,
}

impl Waiters {
    /// Wakes `ticket` once everything before `end` is committed.
    pub fn add_producer(&mut self, end: EndOffset, ticket: Ticket) {
        self.producers.push((end, ticket));
    }

    /// Wakes `ticket` at every move of the high watermark. A request that names the partition
    /// several times is listed once.
    pub fn add_reader(&mut self, ticket: Ticket) {
        if self.readers.last() != Some(&ticket) {
            self.readers.push(ticket);
        }
    }

    /// Takes a request off the list, whatever it waited for.
    pub fn remove(&mut self, ticket: Ticket) {
        self.producers.retain(|(_, waiting)| *waiting != ticket);
        self.readers.retain(|waiting| *waiting != ticket);
    }

    /// The high watermark has moved. Readers come first: followers and consumers are what the
    /// producers' records are for.
    pub fn moved(&mut self, high_watermark: EndOffset, out: &mut Outbox) {
        for reader in &self.readers {
            out.wake(*reader);
        }
        self.producers.retain(|(end, ticket)| {
            let reached = *end <= high_watermark;
            if reached {
                out.wake(*ticket);
            }
            !reached
        });
    }

    /// The partition is gone, led by another broker, or broken: everybody has to look again.
    pub fn wake_all(&mut self, out: &mut Outbox) {
        for (_, ticket) in self.producers.drain(..) {
            out.wake(ticket);
        }
        for reader in &self.readers {
            out.wake(*reader);
        }
    }
}
