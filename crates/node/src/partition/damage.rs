//! Looking for damage in a partition's log, and telling of it.

use super::{LogState, Partition, State};
use crate::facts::Fact;
use headwater_log::{Damage, ScrubCursor, ScrubStep};
use std::sync::Arc;

impl Partition {
    /// Checks a little more of its closed segments; `None` where its log is not open or cannot be
    /// read.
    pub(crate) fn scrub(&self, cursor: ScrubCursor, budget_bytes: u64) -> Option<ScrubStep> {
        let mut state = self.state.lock();
        let LogState::Open(open) = &state.log else { return None };
        let step = open.log.scrub(cursor, budget_bytes).ok()?;
        if let Some(damage) = &step.damage {
            self.tell_damage(&mut state, damage);
        }
        Some(step)
    }

    /// Notes, once, that its log is damaged.
    pub(super) fn tell_damage(&self, state: &mut State, damage: &Arc<Damage>) {
        if !std::mem::replace(&mut state.damage_told, true) {
            let damage = Arc::clone(damage);
            self.facts.note(Fact::LogDamaged { replica: self.replica(), damage });
        }
    }
}
