//! Election timeouts from a seed, so that a simulated quorum does the same twice.
//!
//! The crate `raft` draws its own from the thread's generator whenever it changes its state; each
//! one is overwritten through its setter before it can matter.

use raft::{RawNode, StateRole, Storage};

/// Ticks without a leader before a node stands for election, at least and (not included) at most.
/// A tick is 100 ms in the shell.
pub(super) const ELECTION_TICKS: (usize, usize) = (10, 20);

/// Ticks between two heartbeats of a leader.
pub(super) const HEARTBEAT_TICKS: usize = 2;

const _: () = assert!(HEARTBEAT_TICKS * 3 < ELECTION_TICKS.0);

/// Draws timeouts.
#[derive(Debug)]
pub(super) struct Timeouts {
    state: u64,
    current: usize,
    drawn_for: (u64, StateRole),
}

impl Timeouts {
    pub(super) fn new(seed: u64) -> Self {
        let mut timeouts = Self { state: seed, current: 0, drawn_for: (0, StateRole::Follower) };
        timeouts.draw();
        timeouts
    }

    /// Puts the timeout in force; a new one where the term or the role changed.
    pub(super) fn set<S: Storage>(&mut self, node: &mut RawNode<S>) {
        let now = (node.raft.term, node.raft.state);
        if now != self.drawn_for {
            self.drawn_for = now;
            self.draw();
        }
        node.raft.set_randomized_election_timeout(self.current);
    }

    fn draw(&mut self) {
        // SplitMix64.
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut bits = self.state;
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        bits ^= bits >> 31;
        let (least, most) = ELECTION_TICKS;
        let span = (most - least) as u64;
        self.current = least + usize::try_from(bits % span).unwrap_or(0);
    }
}
