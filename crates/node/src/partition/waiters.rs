//! Requests that wait for a partition's high watermark to move.

use crate::outbox::Outbox;
use crate::ticket::Ticket;
use headwater_types::EndOffset;

/// Who waits for what on one partition.
///
/// A producer waits for one end and is woken once. A reader stays on the list until it takes itself
/// off; it is woken by the first move since it last looked, so that a busy partition does not pile
/// up wakes for a reader that is slow to look.
#[derive(Debug, Default)]
pub(super) struct Waiters {
    /// Woken once, when the log is open.
    openers: Vec<Ticket>,
    producers: Vec<(EndOffset, Ticket)>,
    readers: Vec<Reader>,
}

#[derive(Debug)]
struct Reader {
    ticket: Ticket,
    /// Whether it was woken and has not looked since.
    woken: bool,
}

impl Reader {
    fn wake(&mut self, out: &mut Outbox) {
        if !std::mem::replace(&mut self.woken, true) {
            out.wake(self.ticket);
        }
    }
}

impl Waiters {
    /// Wakes `ticket` once the log is open, or will not be.
    pub fn add_opener(&mut self, ticket: Ticket) {
        self.openers.push(ticket);
    }

    /// The log is open, or will not be. Those who came first are woken first, so that what one
    /// connection asked for stays in order.
    pub fn opened(&mut self, out: &mut Outbox) {
        for ticket in self.openers.drain(..) {
            out.wake(ticket);
        }
    }

    /// Wakes `ticket` once everything before `end` is committed.
    pub fn add_producer(&mut self, end: EndOffset, ticket: Ticket) {
        self.producers.push((end, ticket));
    }

    /// Wakes `ticket` at the next move of the high watermark, and again at the next move after it
    /// has said so again. A request that names the partition several times is listed once.
    pub fn add_reader(&mut self, ticket: Ticket) {
        match self.readers.iter_mut().rev().find(|reader| reader.ticket == ticket) {
            Some(reader) => reader.woken = false,
            None => self.readers.push(Reader { ticket, woken: false }),
        }
    }

    /// Takes a request off the list, whatever it waited for.
    pub fn remove(&mut self, ticket: Ticket) {
        self.openers.retain(|waiting| *waiting != ticket);
        self.producers.retain(|(_, waiting)| *waiting != ticket);
        self.readers.retain(|reader| reader.ticket != ticket);
    }

    /// The high watermark has moved. Readers come first: followers and consumers are what the
    /// producers' records are for.
    pub fn moved(&mut self, high_watermark: EndOffset, out: &mut Outbox) {
        for reader in &mut self.readers {
            reader.wake(out);
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
        self.opened(out);
        for (_, ticket) in self.producers.drain(..) {
            out.wake(ticket);
        }
        for reader in &mut self.readers {
            reader.wake(out);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ticket::WorkerId;

    fn ticket(place: u32) -> Ticket {
        Ticket { worker: WorkerId(0), place, generation: 0 }
    }

    fn wakes(waiters: &mut Waiters, high_watermark: i64) -> usize {
        let mut out = Outbox::new();
        waiters.moved(EndOffset(high_watermark), &mut out);
        out.drain().count()
    }

    #[test]
    fn a_reader_is_woken_once_until_it_has_looked() {
        let mut waiters = Waiters::default();
        waiters.add_reader(ticket(1));
        waiters.add_reader(ticket(1));
        assert_eq!(wakes(&mut waiters, 1), 1, "listed once");
        assert_eq!(wakes(&mut waiters, 2), 0, "it has not looked yet");
        waiters.add_reader(ticket(1));
        assert_eq!(wakes(&mut waiters, 3), 1);
        waiters.remove(ticket(1));
        assert_eq!(wakes(&mut waiters, 4), 0);
    }

    #[test]
    fn a_producer_is_woken_when_its_end_is_reached() {
        let mut waiters = Waiters::default();
        waiters.add_producer(EndOffset(5), ticket(1));
        assert_eq!(wakes(&mut waiters, 4), 0);
        assert_eq!(wakes(&mut waiters, 5), 1);
        assert_eq!(wakes(&mut waiters, 6), 0);
    }
}
