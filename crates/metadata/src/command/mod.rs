//! What can be asked of the metadata, and what comes back.
//!
//! A command is Kafka's admin request freed of the wire: defaults still open (`-1`), names still
//! to be looked up. Where a request names several things, each has its own outcome in the reply
//! ([`ItemResult`]), and the others go on without a failed one.

mod brokers;
mod configs;
mod partitions;
mod topics;

pub use brokers::{
    AllocateProducerIds, FeatureUpdate, RegisterBroker, UpdateFeatures, UpgradeType,
};
pub use configs::{AlterConfigs, ConfigChange, ConfigOp, IncrementalAlterConfigs, ResourceChanges};
pub use partitions::{
    AlterPartition, AlteredPartition, AssignReplicasToDirs, ElectLeaders, ElectionType,
    PartitionAlteration, ReplicaDirectory,
};
pub use topics::{
    AdoptTopic, AdoptedPartition, CreatePartitions, CreateTopics, CreatedTopic, DeleteTopics,
    DeletedTopic, MorePartitions, NewTopic, TopicRef,
};

use crate::image::ConfigResource;
use headwater_types::{BrokerId, ErrorCode, ProducerId, TopicPartition};

/// A wish to change the metadata.
#[derive(Clone, Debug, PartialEq)]
pub enum Command {
    /// Fixes the cluster's id and its features: the first leader's first command.
    InitializeCluster(InitializeCluster),
    /// Makes a broker's incarnation known.
    RegisterBroker(RegisterBroker),
    /// Forgets a broker.
    UnregisterBroker(BrokerId),
    /// Takes a broker's leaderships and in-sync places away.
    FenceBroker(BrokerId),
    /// Lets a broker lead again.
    UnfenceBroker(BrokerId),
    /// Hands a broker's leaderships over before it stops.
    ControlledShutdown(BrokerId),
    /// Creates topics.
    CreateTopics(CreateTopics),
    /// Makes a topic known whose partitions lie in a broker's folders already.
    AdoptTopic(AdoptTopic),
    /// Deletes topics.
    DeleteTopics(DeleteTopics),
    /// Adds partitions to topics.
    CreatePartitions(CreatePartitions),
    /// Replaces all that is set for some resources.
    AlterConfigs(AlterConfigs),
    /// Changes some of what is set for some resources.
    IncrementalAlterConfigs(IncrementalAlterConfigs),
    /// Changes the finalised levels of features.
    UpdateFeatures(UpdateFeatures),
    /// Hands a broker the next block of producer ids.
    AllocateProducerIds(AllocateProducerIds),
    /// A leader's wish to change its in-sync set.
    AlterPartition(AlterPartition),
    /// A broker's report of the log folders it put replicas into.
    AssignReplicasToDirs(AssignReplicasToDirs),
    /// Elects leaders anew.
    ElectLeaders(ElectLeaders),
}

/// Fixes the cluster's id.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InitializeCluster {
    /// The id that the cluster gets unless it has one.
    pub cluster_id: String,
    /// Features with the levels at which they start.
    pub features: Vec<(String, i16)>,
}

/// What became of a command, by kind.
#[derive(Clone, Debug, PartialEq)]
pub enum CommandReply {
    /// It was carried out and there is nothing to tell.
    Done,
    /// The cluster's id: that of the command, or the one it has had before.
    ClusterInitialized {
        /// The id.
        cluster_id: String,
    },
    /// The broker is registered.
    BrokerRegistered {
        /// The epoch of its incarnation.
        epoch: i64,
    },
    /// For each topic of the command in order.
    TopicsCreated(Vec<ItemResult<CreatedTopic>>),
    /// For each topic of the command in order.
    TopicsDeleted(Vec<DeletedTopic>),
    /// For each topic of the command in order.
    PartitionsCreated(Vec<ItemResult<()>>),
    /// For each resource of the command in order.
    ConfigsAltered(Vec<(ConfigResource, ItemResult<()>)>),
    /// Ids from `first` on, `count` of them.
    ProducerIds {
        /// The first id.
        first: ProducerId,
        /// How many.
        count: i32,
    },
    /// For each partition of the command in order.
    PartitionsAltered(Vec<(TopicPartition, ItemResult<AlteredPartition>)>),
    /// For each replica of the command in order.
    ReplicasAssigned(Vec<(TopicPartition, ItemResult<()>)>),
    /// For each partition of the command in order, or, where it meant all, for those whose
    /// leader was elected or could not be.
    LeadersElected(Vec<(TopicPartition, ItemResult<()>)>),
}

/// What became of one item of a command.
pub type ItemResult<T> = Result<T, CommandError>;

/// Why a command, or an item of it, was refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}: {}", code.name(), message.as_deref().unwrap_or(code.meaning()))]
pub struct CommandError {
    /// Kafka's code.
    pub code: ErrorCode,
    /// Kafka's words where it has some; tools show them.
    pub message: Option<String>,
}

impl CommandError {
    /// An error with words of its own.
    pub fn new(code: ErrorCode, message: impl Into<String>) -> Self {
        Self { code, message: Some(message.into()) }
    }

    /// An error that says no more than its code; `message` is then null on the wire.
    pub fn bare(code: ErrorCode) -> Self {
        Self { code, message: None }
    }
}

impl From<ErrorCode> for CommandError {
    fn from(code: ErrorCode) -> Self {
        Self::bare(code)
    }
}
