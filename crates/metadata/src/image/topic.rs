//! A topic and its partitions as the cluster knows them.

use super::Configs;
use headwater_types::{BrokerId, DirectoryId, LeaderEpoch, PartitionIndex, TopicId};
use rpds::VectorSync;
use std::sync::Arc;

/// A topic.
#[derive(Clone, Debug, PartialEq)]
pub struct TopicImage {
    /// Its identity.
    pub id: TopicId,
    /// Its name.
    pub name: Arc<str>,
    /// What was set for it.
    pub configs: Arc<Configs>,
    /// By index, without gaps.
    pub(super) partitions: VectorSync<PartitionImage>,
}

impl TopicImage {
    /// One partition.
    pub fn partition(&self, index: PartitionIndex) -> Option<&PartitionImage> {
        self.partitions.get(usize::try_from(index.0).ok()?)
    }

    /// All partitions in order.
    pub fn partitions(&self) -> impl Iterator<Item = (PartitionIndex, &PartitionImage)> {
        (0..).map(PartitionIndex).zip(self.partitions.iter())
    }

    /// How many partitions it has.
    pub fn partition_count(&self) -> usize {
        self.partitions.len()
    }

    /// The replicas of its first partition, which by Kafka's rules is what new ones get.
    pub fn replication_factor(&self) -> usize {
        self.partitions.first().map_or(0, |partition| partition.replicas.len())
    }
}

/// A partition.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PartitionImage {
    /// Who holds it, the preferred leader first.
    pub replicas: Vec<BrokerId>,
    /// The log folder of each replica, in the order of `replicas`; [`DirectoryId::ZERO`] where the
    /// broker has not chosen yet.
    pub directories: Vec<DirectoryId>,
    /// The in-sync replicas, a subset of `replicas`.
    pub isr: Vec<BrokerId>,
    /// The eligible leader replicas (KIP-966), a subset of `replicas` without those of `isr`.
    pub elr: Vec<BrokerId>,
    /// The last leader, where `isr` and `elr` are empty.
    pub last_known_elr: Vec<BrokerId>,
    /// What a reassignment adds.
    pub adding_replicas: Vec<BrokerId>,
    /// What a reassignment removes.
    pub removing_replicas: Vec<BrokerId>,
    /// The leader, if it has one now.
    pub leader: Option<BrokerId>,
    /// Counts leaders.
    pub leader_epoch: LeaderEpoch,
    /// Counts changes of this state; what AlterPartition compares.
    pub partition_epoch: i32,
    /// Whether the leader was elected uncleanly and has not recovered yet.
    pub leader_recovering: bool,
}

impl PartitionImage {
    /// The log folder of one replica.
    pub fn directory_of(&self, broker: BrokerId) -> Option<DirectoryId> {
        let place = self.replicas.iter().position(|&replica| replica == broker)?;
        self.directories.get(place).copied()
    }

    /// Whether its leader is the one that the assignment prefers.
    pub fn has_preferred_leader(&self) -> bool {
        self.leader.is_some() && self.leader == self.replicas.first().copied()
    }
}
