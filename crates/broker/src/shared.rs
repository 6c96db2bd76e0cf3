//! What all threads of one broker share, and the delivery of the node's effects.

use crate::clock::Clock;
use crate::frame_budget::FrameBudget;
use crate::jobs::Jobs;
use crate::mailbox::{Mailbox, Message};
use crate::places::Places;
use headwater_controller::ControllerHandle;
use headwater_node::{Effect, Node, Outbox, Pool, Wake};
use std::collections::BTreeMap;
use std::sync::atomic::AtomicUsize;
use std::sync::{Arc, OnceLock};

/// One broker's shared parts.
pub(crate) struct Shared {
    pub node: Arc<Node>,
    pub clock: Clock,
    pub mailboxes: Vec<Arc<Mailbox>>,
    /// Connections of each worker, for dealing new ones to the least loaded.
    pub loads: Vec<AtomicUsize>,
    pub controller: OnceLock<ControllerHandle>,
    pub jobs: Jobs,
    /// Opens logs.
    pub opening: Jobs,
    /// Moves replicas between folders.
    pub moving: Jobs,
    pub budget: FrameBudget,
    pub places: Places,
    /// Why the broker cannot go on, if it cannot.
    pub fatal: OnceLock<&'static str>,
}

impl Shared {
    /// Does what a step of the node asked for; each worker concerned is woken once.
    pub fn deliver(self: &Arc<Self>, out: &mut Outbox) {
        if out.is_empty() {
            return;
        }
        let mut wakes: BTreeMap<u16, Vec<Message>> = BTreeMap::new();
        for effect in out.drain() {
            match effect {
                Effect::Wake(ticket, wake) => {
                    wakes.entry(ticket.worker.0).or_default().push(Message::Resume(ticket, wake));
                }
                Effect::Command { reply_to, command } => {
                    let shared = Arc::clone(self);
                    let reply = move |outcome| {
                        if let Some(ticket) = reply_to {
                            shared.resume(ticket, Wake::Command(outcome));
                        }
                    };
                    if let Some(controller) = self.controller.get() {
                        controller.submit(command, Box::new(reply));
                    }
                }
                Effect::Job { reply_to, job } => {
                    let shared = Arc::clone(self);
                    self.jobs.run(job, move |outcome| {
                        if let Some(ticket) = reply_to {
                            shared.resume(ticket, Wake::Job(outcome));
                        }
                    });
                }
                Effect::Task { pool, task } => {
                    let shared = Arc::clone(self);
                    let jobs = match pool {
                        Pool::Open => &self.opening,
                        Pool::Background => &self.moving,
                    };
                    jobs.run_task(task, move |out| shared.deliver(out));
                }
            }
        }
        for (worker, messages) in wakes {
            if let Some(mailbox) = self.mailboxes.get(usize::from(worker)) {
                mailbox.send(messages);
            }
        }
    }

    /// Something went wrong behind which nothing can be trusted to work: the control thread stops the
    /// broker.
    pub fn cannot_go_on(&self, why: &'static str) {
        // The first reason is the one that counts.
        let _ = self.fatal.set(why);
    }

    fn resume(&self, ticket: headwater_node::Ticket, wake: Wake) {
        if let Some(mailbox) = self.mailboxes.get(usize::from(ticket.worker.0)) {
            mailbox.send([Message::Resume(ticket, wake)]);
        }
    }
}
