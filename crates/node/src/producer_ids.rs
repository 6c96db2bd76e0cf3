//! Producer ids: handed out from a block that the controller has set aside for this broker.

use crate::ticket::Ticket;
use headwater_types::ProducerId;
use parking_lot::Mutex;
use std::ops::Range;

/// The block in use and who waits for the next one.
#[derive(Debug, Default)]
pub(crate) struct ProducerIds {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    block: Range<i64>,
    waiting: Vec<Ticket>,
    /// Who has asked for the next block and not gone.
    asker: Option<Ticket>,
}

/// What became of a request for an id.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Drawn {
    /// An id that nobody else has or will have.
    Id(ProducerId),
    /// The block is used up, and the caller is the one to ask the controller for another.
    AskForBlock,
    /// The block is used up, and another has been asked for; the ticket is woken when it is there.
    Wait,
}

impl ProducerIds {
    /// Draws the next id.
    pub fn draw(&self, ticket: impl FnOnce() -> Option<Ticket>) -> Drawn {
        let mut state = self.state.lock();
        if let Some(id) = state.block.next() {
            return Drawn::Id(ProducerId(id));
        }
        let Some(ticket) = ticket() else { return Drawn::Wait };
        state.waiting.push(ticket);
        if state.asker.is_some() {
            return Drawn::Wait;
        }
        state.asker = Some(ticket);
        Drawn::AskForBlock
    }

    /// A block has been set aside. Gives those who may try again.
    pub fn refill(&self, block: Range<i64>) -> Vec<Ticket> {
        let mut state = self.state.lock();
        if state.block.is_empty() {
            state.block = block;
        }
        state.asker = None;
        std::mem::take(&mut state.waiting)
    }

    /// A request does not wait any more. Had it asked for a block, whose answer will find nobody,
    /// the next who draws asks again.
    pub fn stop_waiting(&self, ticket: Ticket) {
        let mut state = self.state.lock();
        state.waiting.retain(|waiting| *waiting != ticket);
        if state.asker == Some(ticket) {
            state.asker = None;
        }
    }

    /// The controller could not help. Gives those who must be told.
    pub fn failed(&self) -> Vec<Ticket> {
        let mut state = self.state.lock();
        state.asker = None;
        std::mem::take(&mut state.waiting)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ticket::WorkerId;

    fn ticket(place: u32) -> Option<Ticket> {
        Some(Ticket { worker: WorkerId(0), place, generation: 0 })
    }

    #[test]
    fn one_asks_and_the_others_wait() {
        let ids = ProducerIds::default();
        assert_eq!(ids.draw(|| ticket(0)), Drawn::AskForBlock);
        assert_eq!(ids.draw(|| ticket(1)), Drawn::Wait);
        assert_eq!(ids.refill(5..7).len(), 2);
        assert_eq!(ids.draw(|| ticket(0)), Drawn::Id(ProducerId(5)));
        assert_eq!(ids.draw(|| ticket(1)), Drawn::Id(ProducerId(6)));
        assert_eq!(ids.draw(|| ticket(2)), Drawn::AskForBlock);
    }

    #[test]
    fn when_the_asker_goes_the_next_one_asks() {
        let ids = ProducerIds::default();
        let asker = ticket(0).expect("a ticket");
        assert_eq!(ids.draw(|| Some(asker)), Drawn::AskForBlock);
        assert_eq!(ids.draw(|| ticket(1)), Drawn::Wait);
        ids.stop_waiting(asker);
        assert_eq!(ids.draw(|| ticket(2)), Drawn::AskForBlock);
        assert_eq!(ids.refill(0..9).len(), 2, "the one who waited is woken, too");
    }

    #[test]
    fn after_a_failure_the_next_one_asks_again() {
        let ids = ProducerIds::default();
        ids.draw(|| ticket(0));
        assert_eq!(ids.failed().len(), 1);
        assert_eq!(ids.draw(|| ticket(1)), Drawn::AskForBlock);
    }
}
