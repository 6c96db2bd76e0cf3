//! Everything a step of the node asks of the world outside its worker, in the order it was asked.
//!
//! Storage is the exception: reads and appends are immediate calls of the injected `Disk`, and its
//! submitted operations come back as completions of their own.

use crate::ticket::Ticket;
use headwater_metadata::command::{Command, CommandError, CommandReply};

/// What a parked request learns when it is resumed.
#[derive(Debug)]
pub enum Wake {
    /// A partition's end that it waited for was reached, or may have been.
    Reached,
    /// Its deadline has passed.
    Deadline,
    /// The controller has answered its command.
    Command(Result<CommandReply, CommandError>),
    /// A job that it had handed to the I/O threads is done.
    Job(JobOutcome),
}

/// Work that may block for long and so runs on the shell's I/O threads.
pub type Job = Box<dyn FnOnce() -> JobOutcome + Send>;

/// What a [`Job`] came to; the request that asked for it knows what to make of it.
pub type JobOutcome = Box<dyn std::any::Any + Send>;

/// Work on the I/O threads that tells whoever it concerns by an outbox of its own, which is delivered
/// when it has ended.
pub type Task = Box<dyn FnOnce(&mut Outbox) + Send>;

/// Which of the shell's I/O threads run a [`Task`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pool {
    /// For the opening of logs, at most one task a partition: requests wait for them.
    Open,
    /// For what nobody waits for.
    Background,
}

/// One thing to be done by the shell.
pub enum Effect {
    /// Resume a request, perhaps of another worker.
    Wake(Ticket, Wake),
    /// Hand a command to the controller; resume `reply_to` with its answer, if anybody waits.
    Command {
        /// Who waits.
        reply_to: Option<Ticket>,
        /// What to decide.
        command: Command,
    },
    /// Run a job on an I/O thread; resume `reply_to` with its outcome, if anybody waits.
    Job {
        /// Who waits.
        reply_to: Option<Ticket>,
        /// What to run.
        job: Job,
    },
    /// Run a task on an I/O thread.
    Task {
        /// On which.
        pool: Pool,
        /// What to run.
        task: Task,
    },
}

impl std::fmt::Debug for Effect {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Effect::Wake(ticket, wake) => f.debug_tuple("Wake").field(ticket).field(wake).finish(),
            Effect::Command { reply_to, command } => f
                .debug_struct("Command")
                .field("reply_to", reply_to)
                .field("command", command)
                .finish(),
            Effect::Job { reply_to, .. } => {
                f.debug_struct("Job").field("reply_to", reply_to).finish_non_exhaustive()
            }
            Effect::Task { pool, .. } => {
                f.debug_struct("Task").field("pool", pool).finish_non_exhaustive()
            }
        }
    }
}

/// Collects effects; the shell drains it after every step.
#[derive(Debug, Default)]
pub struct Outbox {
    effects: Vec<Effect>,
}

impl Outbox {
    /// Nothing asked yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Asks for one more thing.
    pub fn push(&mut self, effect: Effect) {
        self.effects.push(effect);
    }

    /// Wakes a parked request: a partition's end was reached.
    pub fn wake(&mut self, ticket: Ticket) {
        self.effects.push(Effect::Wake(ticket, Wake::Reached));
    }

    /// Whether nothing is asked.
    pub fn is_empty(&self) -> bool {
        self.effects.is_empty()
    }

    /// Takes what was asked, oldest first; the buffer is kept for the next step.
    pub fn drain(&mut self) -> std::vec::Drain<'_, Effect> {
        self.effects.drain(..)
    }
}
