//! How one thread hands something to a worker: a queue and a wake-up.

use crate::places::Place;
use headwater_node::{Ticket, Wake};
use parking_lot::Mutex;
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use tokio::sync::Notify;

/// What a worker is told from outside.
pub(crate) enum Message {
    /// A connection that the acceptor dealt to this worker.
    Accepted {
        /// The socket, non-blocking.
        stream: TcpStream,
        /// Name of the listener that accepted it.
        listener: Arc<str>,
        /// Who connected.
        peer: SocketAddr,
        /// Its place among all connections.
        place: Place,
    },
    /// A parked request has something to look at.
    Resume(Ticket, Wake),
    /// Answer what can be answered, close the connections and end.
    Stop,
}

/// The way into one worker.
#[derive(Default)]
pub(crate) struct Mailbox {
    queue: Mutex<Vec<Message>>,
    arrived: Notify,
    /// Whether nobody will read any more.
    ended: AtomicBool,
}

impl Mailbox {
    /// Leaves messages; the worker is woken once for all of them.
    pub fn send(&self, messages: impl IntoIterator<Item = Message>) {
        self.queue.lock().extend(messages);
        self.arrived.notify_one();
    }

    /// Waits for messages and takes them all, in the order they came. Lets the thread's other tasks
    /// have a turn first: mail may come faster than it is read, and what is there already makes
    /// nobody wait.
    pub async fn receive(&self, into: &mut Vec<Message>) {
        tokio::task::yield_now().await;
        loop {
            self.take(into);
            if !into.is_empty() {
                return;
            }
            self.arrived.notified().await;
        }
    }

    /// Its worker has ended.
    pub fn end(&self) {
        self.ended.store(true, Ordering::Release);
    }

    /// Whether its worker has ended: what is sent to it is read by nobody.
    pub fn has_ended(&self) -> bool {
        self.ended.load(Ordering::Acquire)
    }

    fn take(&self, into: &mut Vec<Message>) {
        into.append(&mut self.queue.lock());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::Cell;
    use std::rc::Rc;
    use tokio::task::LocalSet;

    #[test]
    fn mail_without_end_leaves_others_their_turn() {
        let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
        let turns = Rc::new(Cell::new(0));
        let counted = Rc::clone(&turns);
        LocalSet::new().block_on(&runtime, async move {
            tokio::task::spawn_local(async move {
                loop {
                    counted.set(counted.get() + 1);
                    tokio::task::yield_now().await;
                }
            });
            let mailbox = Mailbox::default();
            let mut messages = Vec::new();
            mailbox.send([Message::Stop]);
            for _ in 0..1_000 {
                mailbox.receive(&mut messages).await;
                assert_eq!(messages.drain(..).count(), 1);
                mailbox.send([Message::Stop]);
            }
        });
        assert!(turns.get() > 1, "{}", turns.get());
    }
}
