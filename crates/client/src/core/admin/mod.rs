//! Admin calls as plain values: each file holds one call, what it is about, what comes back, and
//! how both look on the wire. [`Run`](super::Run) carries them out.

mod alter_configs;
mod create_partitions;
mod create_topics;
mod delete_records;
mod delete_topics;
mod describe_cluster;
mod describe_configs;
mod describe_log_dirs;
mod describe_topics;
mod list_offsets;
mod list_topics;
mod resource;

pub use alter_configs::{AlterConfigs, ConfigChange, ConfigOperation};
pub use create_partitions::{CreatePartitions, MorePartitions};
pub use create_topics::{CreateTopics, CreatedTopic, NewTopic};
pub use delete_records::DeleteRecords;
pub use delete_topics::{DeleteTopics, TopicKey};
pub use describe_cluster::{
    BrokerDescription, ClusterDescription, DescribeCluster, DescribeClusterByMetadata,
};
pub use describe_configs::{ConfigEntry, ConfigSource, ConfigSynonym, ConfigType, DescribeConfigs};
pub use describe_log_dirs::{DescribeLogDirs, LogDirDescription, ReplicaLog};
pub use describe_topics::{
    DescribeTopicPage, DescribeTopicsByMetadata, PageCursor, PartitionDescription,
    TopicDescription, TopicPage, TopicPages,
};
pub use list_offsets::{ListOffsets, ListedOffset, OffsetSpec};
pub use list_topics::{ListTopics, TopicListing};
pub use resource::{ConfigResource, ConfigResourceKind};

/// A partition by the name of its topic.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct PartitionKey {
    /// The topic's name.
    pub topic: String,
    /// The partition in it.
    pub partition: i32,
}

impl PartitionKey {
    /// A partition of a topic.
    pub fn new(topic: impl Into<String>, partition: i32) -> Self {
        Self { topic: topic.into(), partition }
    }

    fn subject(&self) -> super::Subject {
        super::Subject::Partition { topic: self.topic.clone(), partition: self.partition }
    }

    fn leader(&self) -> super::Destination {
        super::Destination::Leader { topic: self.topic.clone(), partition: self.partition }
    }
}

impl std::fmt::Display for PartitionKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}-{}", self.topic, self.partition)
    }
}

/// Partitions grouped by topic, as requests want them.
fn by_topic(keys: &[PartitionKey]) -> std::collections::BTreeMap<&str, Vec<i32>> {
    let mut topics: std::collections::BTreeMap<&str, Vec<i32>> = Default::default();
    for key in keys {
        topics.entry(&key.topic).or_default().push(key.partition);
    }
    topics
}

fn brokers(ids: &[i32]) -> Vec<headwater_types::BrokerId> {
    ids.iter().map(|&id| headwater_types::BrokerId(id)).collect()
}

fn ids(brokers: &[headwater_types::BrokerId]) -> Vec<i32> {
    brokers.iter().map(|broker| broker.0).collect()
}

#[cfg(test)]
mod tests;

fn text(value: &str) -> headwater_protocol::wire::Str {
    headwater_protocol::wire::Str::from(value)
}
