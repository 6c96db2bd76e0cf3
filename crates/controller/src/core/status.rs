//! The state of the quorum as others are told.

use headwater_types::{BrokerId, EndOffset, LeaderEpoch};

/// What DescribeQuorum tells.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct QuorumStatus {
    /// The leader's Raft id, if there is a leader.
    pub leader: Option<u64>,
    /// The leader's epoch: Raft's term.
    pub epoch: LeaderEpoch,
    /// The end of what is committed.
    pub high_watermark: EndOffset,
    /// The voters.
    pub voters: Vec<VoterStatus>,
    /// Those who only follow.
    pub observers: Vec<VoterStatus>,
}

/// One replica of the metadata log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct VoterStatus {
    /// Its Raft id.
    pub raft_id: u64,
    /// The end of its log as the leader knows it; -1 where this node does not lead.
    pub log_end: EndOffset,
}

impl VoterStatus {
    /// The node that it belongs to.
    pub fn node(&self) -> BrokerId {
        node_of(self.raft_id)
    }
}

impl QuorumStatus {
    /// The node that leads, if one does.
    pub fn leader_node(&self) -> Option<BrokerId> {
        self.leader.map(node_of)
    }
}

/// A node's Raft id. 0 means "nobody" in Raft, and is a node id in Kafka.
pub fn raft_id_of(node: BrokerId) -> u64 {
    u64::try_from(node.0).unwrap_or(0).saturating_add(1)
}

/// The node behind a Raft id.
pub(super) fn node_of(raft_id: u64) -> BrokerId {
    BrokerId(i32::try_from(raft_id.saturating_sub(1)).unwrap_or(i32::MAX))
}
