//! Commands that create, widen and delete topics.

use super::CommandError;
use headwater_types::{BrokerId, DirectoryId, LeaderEpoch, PartitionIndex, ProducerId, TopicId};
use std::sync::Arc;

/// Creates topics.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CreateTopics {
    /// In the order of the request; the reply keeps it.
    pub topics: Vec<NewTopic>,
    /// Checks everything and changes nothing.
    pub validate_only: bool,
}

/// A topic to be created.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewTopic {
    /// Its name.
    pub name: String,
    /// How many partitions; -1 for the default, or with `assignments`.
    pub partitions: i32,
    /// How many replicas each; -1 for the default, or with `assignments`.
    pub replication_factor: i16,
    /// Who holds which partition, where the caller chooses.
    pub assignments: Vec<(PartitionIndex, Vec<BrokerId>)>,
    /// What is set for it; a null value is refused.
    pub configs: Vec<(String, Option<String>)>,
}

impl Default for NewTopic {
    fn default() -> Self {
        Self {
            name: String::new(),
            partitions: -1,
            replication_factor: -1,
            assignments: Vec::new(),
            configs: Vec::new(),
        }
    }
}

/// A topic that was created, or would have been.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CreatedTopic {
    /// Its id.
    pub id: TopicId,
    /// Its name.
    pub name: Arc<str>,
    /// How many partitions it has.
    pub partitions: i32,
    /// How many replicas each.
    pub replication_factor: i16,
}

/// Deletes topics.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DeleteTopics {
    /// In the order of the request; the reply keeps it.
    pub topics: Vec<TopicRef>,
}

/// A topic by one of its names.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum TopicRef {
    /// By name.
    Name(String),
    /// By identity.
    Id(TopicId),
}

/// What became of one topic of [`DeleteTopics`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeletedTopic {
    /// Its id where known, else [`TopicId::ZERO`].
    pub id: TopicId,
    /// Its name where known.
    pub name: Option<Arc<str>>,
    /// Whether it was deleted.
    pub outcome: Result<(), CommandError>,
}

/// Adds partitions to topics.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CreatePartitions {
    /// In the order of the request; the reply keeps it.
    pub topics: Vec<MorePartitions>,
    /// Checks everything and changes nothing.
    pub validate_only: bool,
}

/// How far to widen one topic.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MorePartitions {
    /// The topic's name.
    pub name: String,
    /// How many partitions it shall have then.
    pub count: i32,
    /// Who holds the new ones, in order, where the caller chooses.
    pub assignments: Option<Vec<Vec<BrokerId>>>,
}

/// Makes a topic known of which a broker's folders hold the partitions already.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AdoptTopic {
    /// Its name.
    pub name: String,
    /// Its identity, which the folders name.
    pub id: TopicId,
    /// The broker whose folders they are: the only replica.
    pub broker: BrokerId,
    /// By index, without gaps.
    pub partitions: Vec<AdoptedPartition>,
    /// The largest producer id in its logs: those that another cluster handed out are not handed
    /// out once more, for the logs know what their owners have sent.
    pub last_producer: Option<ProducerId>,
    /// What is set for it.
    pub configs: Vec<(String, Option<String>)>,
    /// Checks everything and changes nothing.
    pub validate_only: bool,
}

/// A partition of [`AdoptTopic`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AdoptedPartition {
    /// The log folder that it lies in.
    pub directory: DirectoryId,
    /// The latest epoch in its log, where it has one: its leader's will be a higher one.
    pub last_epoch: Option<LeaderEpoch>,
}
