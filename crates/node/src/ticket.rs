//! Tickets: the names under which requests wait.

/// Which worker thread a connection lives on; counted from 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct WorkerId(pub u16);

/// Names one parked request of one worker.
///
/// A place in the worker's table is used again after its request was answered; the generation tells
/// the old from the new, so that a late wake for the old one is recognised and dropped.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Ticket {
    /// The worker whose table holds the request.
    pub worker: WorkerId,
    /// The place in that table.
    pub place: u32,
    /// How often the place had been used before.
    pub generation: u32,
}
