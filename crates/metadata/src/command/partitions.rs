//! Commands about the state of single partitions.

use headwater_types::{BrokerId, DirectoryId, LeaderEpoch, TopicPartition};

/// A leader's wish to change its in-sync sets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AlterPartition {
    /// The leader.
    pub broker: BrokerId,
    /// Its epoch.
    pub broker_epoch: i64,
    /// The partitions.
    pub partitions: Vec<PartitionAlteration>,
}

/// The wished in-sync set of one partition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PartitionAlteration {
    /// Which one.
    pub partition: TopicPartition,
    /// The epoch in which the sender leads.
    pub leader_epoch: LeaderEpoch,
    /// The state that the sender has seen.
    pub partition_epoch: i32,
    /// The new in-sync set, each with the broker epoch the leader knows (-1: not to be checked).
    pub new_isr: Vec<(BrokerId, i64)>,
    /// Whether the leader is still recovering from an unclean election.
    pub leader_recovering: bool,
}

/// A partition's state after [`AlterPartition`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AlteredPartition {
    /// The leader.
    pub leader: Option<BrokerId>,
    /// Its epoch.
    pub leader_epoch: LeaderEpoch,
    /// The in-sync set.
    pub isr: Vec<BrokerId>,
    /// The state's epoch.
    pub partition_epoch: i32,
    /// Whether the leader is still recovering.
    pub leader_recovering: bool,
}

/// A broker's report of the log folders it put replicas into.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AssignReplicasToDirs {
    /// Who reports.
    pub broker: BrokerId,
    /// Its epoch.
    pub broker_epoch: i64,
    /// The replicas.
    pub replicas: Vec<ReplicaDirectory>,
}

/// Where a broker's replica of a partition lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReplicaDirectory {
    /// The partition.
    pub partition: TopicPartition,
    /// The folder's id.
    pub directory: DirectoryId,
}

/// Elects leaders anew.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ElectLeaders {
    /// What may be elected.
    pub election: ElectionType,
    /// Which partitions; `None` for all.
    pub partitions: Option<Vec<TopicPartition>>,
}

/// Who may be elected, with Kafka's numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(i8)]
pub enum ElectionType {
    /// The first replica, if it is in sync.
    Preferred = 0,
    /// Any live replica, if there is no leader; acknowledged records may be lost.
    Unclean = 1,
}
