//! What one run did to a disk, step by step, so that a crash at any of its moments can be looked at
//! without running it again.

use super::effect::{Fate, PendingEffect};
use super::image::Image;
use super::{MemoryDisk, State};
use std::sync::Arc;

/// A step of a [`Trace`].
#[derive(Clone, Debug)]
pub enum TraceStep {
    /// Something changed; it stays pending until it is synced.
    Effect(PendingEffect),
    /// A file was synced.
    FileSynced(u64),
    /// A folder was synced.
    FolderSynced(u64),
    /// The program noted something: see [`MemoryDisk::mark`].
    Mark(u64),
}

/// The steps of a run, from a moment on.
#[derive(Clone, Debug, Default)]
pub struct Trace {
    durable: Image,
    pending: Vec<PendingEffect>,
    next_id: u64,
    pub(super) steps: Vec<TraceStep>,
}

impl Trace {
    pub(super) fn begin(state: &State) -> Self {
        Self {
            durable: state.durable.clone(),
            pending: state.pending.clone(),
            next_id: state.next_id,
            steps: Vec::new(),
        }
    }

    /// What happened, in order.
    pub fn steps(&self) -> &[TraceStep] {
        &self.steps
    }

    /// The moment before the first step.
    pub fn start(&self) -> Moment {
        Moment {
            durable: self.durable.clone(),
            pending: self.pending.clone(),
            // A number that the run itself used is not used anew by those who find its disk.
            next_id: self.next_id.saturating_add(self.steps.len() as u64),
        }
    }
}

/// A moment of a run at which the machine may lose power.
#[derive(Clone, Debug)]
pub struct Moment {
    durable: Image,
    pending: Vec<PendingEffect>,
    next_id: u64,
}

impl Moment {
    /// Goes on by one step.
    pub fn advance(&mut self, step: &TraceStep) {
        match step {
            TraceStep::Effect(effect) => self.pending.push(effect.clone()),
            TraceStep::FileSynced(file) => {
                settle(&mut self.pending, &mut self.durable, |effect| effect.is_of_file(*file));
            }
            TraceStep::FolderSynced(folder) => {
                settle(&mut self.pending, &mut self.durable, |effect| effect.is_of_folder(*folder));
            }
            TraceStep::Mark(_) => {}
        }
    }

    /// What a crash now may undo, in the order in which it happened.
    pub fn pending(&self) -> &[PendingEffect] {
        &self.pending
    }

    /// The disk as it would be found after losing power now, with a fate for each pending effect in
    /// order; those without one are lost. Everything found is durable.
    pub fn crash(&self, fates: &[Fate]) -> MemoryDisk {
        let mut image = self.durable.clone();
        for (effect, fate) in self.pending.iter().zip(fates) {
            image.apply(effect, *fate);
        }
        MemoryDisk::holding(image, self.next_id)
    }
}

/// Makes the pending effects that `concerns` names durable, in their order.
pub(super) fn settle(
    pending: &mut Vec<PendingEffect>,
    durable: &mut Image,
    concerns: impl Fn(&PendingEffect) -> bool,
) {
    pending.retain(|effect| {
        let settled = concerns(effect);
        if settled {
            durable.apply(effect, Fate::Kept);
        }
        !settled
    });
}

impl MemoryDisk {
    /// Begins to record what happens.
    pub fn record(&self) {
        let mut state = self.state.lock();
        let trace = Trace::begin(&state);
        state.trace = Some(trace);
    }

    /// Puts a mark into the record.
    pub fn mark(&self, number: u64) {
        if let Some(trace) = &mut self.state.lock().trace {
            trace.steps.push(TraceStep::Mark(number));
        }
    }

    /// Ends the record and gives it; empty when there was none.
    pub fn take_trace(&self) -> Trace {
        self.state.lock().trace.take().unwrap_or_default()
    }

    /// A number that differs where names or contents on the disk do.
    pub fn fingerprint(&self) -> u64 {
        self.state.lock().now.fingerprint()
    }

    pub(super) fn holding(image: Image, next_id: u64) -> Self {
        let state = State { now: image.clone(), durable: image, next_id, ..State::default() };
        Self { state: Arc::new(parking_lot::Mutex::new(state)) }
    }
}
