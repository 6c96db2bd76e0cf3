//! The decisions: a command meets the image and becomes records.
//!
//! Every record is applied as it is emitted, so the next line of a handler reads what this line
//! decided, and the second topic of a request sees the first. A decision is either taken as a
//! whole or not at all; nothing outside its records and its reply leaves this module.

mod adopt;
mod brokers;
mod configs;
mod elections;
mod features;
mod partitions;
mod placement;
#[cfg(test)]
mod properties;
#[cfg(test)]
mod tests;
mod topic_changes;
mod topics;
mod transition;

pub use topics::{check_assignment, check_topic_name};

use crate::command::{Command, CommandError, CommandReply, InitializeCluster};
use crate::image::{ConfigResource, Configs, FeatureRange, Image, ImageBuilder};
use crate::limits;
use crate::record::{ClusterRecord, FeatureLevelRecord, Kind, MetadataRecord};
use headwater_types::{BrokerId, ErrorCode, Uuid};
use std::sync::Arc;

/// What a command comes to.
#[derive(Clone, Debug)]
pub struct Decision {
    /// To be committed as one entry of the metadata log; none where nothing changes.
    pub records: Vec<MetadataRecord>,
    /// To be given to the caller once the records are committed.
    pub reply: CommandReply,
    /// The image with the records applied, at the old position. The next command is decided
    /// against it, even before the records are committed.
    pub after: ImageBuilder,
}

/// The world as far as a decision may look at it.
pub struct DecideContext<'a> {
    /// The wall clock in milliseconds.
    pub now_ms: i64,
    /// Gives 16 random bytes a call.
    pub ids: &'a mut dyn FnMut() -> [u8; 16],
    /// The cluster's static rules.
    pub policy: &'a Policy,
    /// The node that decides; refusals name it.
    pub controller: BrokerId,
}

impl<'a> DecideContext<'a> {
    /// Puts one together.
    pub fn new(now_ms: i64, ids: &'a mut dyn FnMut() -> [u8; 16], policy: &'a Policy) -> Self {
        Self { now_ms, ids, policy, controller: BrokerId(0) }
    }

    /// An id that no topic of the image has.
    fn topic_id(&mut self, image: &Image) -> Uuid {
        loop {
            let id = Uuid::from_random((self.ids)());
            // Kafka keeps ids with 120 leading zero bits for itself.
            if id.0.iter().take(15).any(|&byte| byte != 0) && image.topic(id).is_none() {
                return id;
            }
        }
    }
}

/// The static rules of a cluster: what the controller's own configuration says.
#[derive(Clone)]
pub struct Policy {
    /// `num.partitions`: for topics created with -1.
    pub num_partitions: i32,
    /// `default.replication.factor`, where it is set. Where it is not, a topic gets what the
    /// cluster can hold, at most 3.
    pub default_replication_factor: Option<i16>,
    /// `delete.topic.enable`.
    pub delete_topic_enable: bool,
    /// What is right in a config: `Arc::new(ConfigTable::get())` outside of tests.
    pub configs: Arc<dyn ConfigRules>,
    /// The feature levels that this version supports; a range from 0 on can be switched off.
    pub features: Vec<(Arc<str>, FeatureRange)>,
}

impl Policy {
    /// Kafka's defaults, and no rules for configs: for tests.
    pub fn free() -> Self {
        Self {
            num_partitions: 1,
            default_replication_factor: None,
            delete_topic_enable: true,
            configs: Arc::new(AnythingGoes),
            features: Vec::new(),
        }
    }
}

/// What is right in a config; implemented over the table of configs.
pub trait ConfigRules: Send + Sync {
    /// Whether a resource may have exactly these configs, where `existing` were set before.
    ///
    /// # Errors
    ///
    /// The first config that it may not have, with Kafka's code and words.
    fn validate(
        &self,
        resource: &ConfigResource,
        configs: &Configs,
        existing: &Configs,
    ) -> Result<(), CommandError>;

    /// Whether a config is a list that can be appended to and subtracted from.
    fn is_list(&self, resource: &ConfigResource, name: &str) -> bool;

    /// The value of a config where nothing is set, as text.
    fn default_value(&self, resource: &ConfigResource, name: &str) -> Option<String>;
}

impl<R: ConfigRules + ?Sized> ConfigRules for &R {
    fn validate(
        &self,
        resource: &ConfigResource,
        configs: &Configs,
        existing: &Configs,
    ) -> Result<(), CommandError> {
        (**self).validate(resource, configs, existing)
    }

    fn is_list(&self, resource: &ConfigResource, name: &str) -> bool {
        (**self).is_list(resource, name)
    }

    fn default_value(&self, resource: &ConfigResource, name: &str) -> Option<String> {
        (**self).default_value(resource, name)
    }
}

/// Rules that allow everything and call everything a list.
#[derive(Clone, Copy, Debug)]
pub struct AnythingGoes;

impl ConfigRules for AnythingGoes {
    fn validate(&self, _: &ConfigResource, _: &Configs, _: &Configs) -> Result<(), CommandError> {
        Ok(())
    }

    fn is_list(&self, _: &ConfigResource, _: &str) -> bool {
        true
    }

    fn default_value(&self, _: &ConfigResource, _: &str) -> Option<String> {
        None
    }
}

/// Decides a command.
///
/// # Errors
///
/// The command as a whole is refused; where it names several things, each of them has its own
/// outcome in the reply instead.
pub fn decide(
    image: &Image,
    command: &Command,
    context: &mut DecideContext<'_>,
) -> Result<Decision, CommandError> {
    let mut emitter = Emitter::new(image);
    let out = &mut emitter;
    let reply = match command {
        Command::InitializeCluster(command) => initialize_cluster(out, command)?,
        Command::RegisterBroker(command) => brokers::register(out, command, context)?,
        Command::UnregisterBroker(broker) => brokers::unregister(out, *broker, context)?,
        Command::FenceBroker(broker) => brokers::fence(out, *broker, context)?,
        Command::UnfenceBroker(broker) => brokers::unfence(out, *broker, context)?,
        Command::ControlledShutdown(broker) => brokers::controlled_shutdown(out, *broker, context)?,
        Command::CreateTopics(command) => topics::create(out, command, context)?,
        Command::AdoptTopic(command) => adopt::adopt(out, command, context)?,
        Command::DeleteTopics(command) => topic_changes::delete(out, command, context)?,
        Command::CreatePartitions(command) => {
            topic_changes::create_partitions(out, command, context)?
        }
        Command::AlterConfigs(command) => configs::alter(out, command, context)?,
        Command::IncrementalAlterConfigs(command) => {
            configs::incremental_alter(out, command, context)?
        }
        Command::UpdateFeatures(command) => features::update(out, command, context)?,
        Command::AllocateProducerIds(command) => brokers::allocate_producer_ids(out, *command)?,
        Command::AlterPartition(command) => partitions::alter(out, command, context)?,
        Command::AssignReplicasToDirs(command) => {
            partitions::assign_directories(out, command, context)?
        }
        Command::ElectLeaders(command) => elections::elect(out, command, context)?,
    };
    Ok(Decision { records: emitter.records, reply, after: emitter.image })
}

/// Where records go: into the list and, at once, into the image that the next line reads.
struct Emitter {
    base: Image,
    image: ImageBuilder,
    records: Vec<MetadataRecord>,
    records_max: usize,
}

impl Emitter {
    fn new(image: &Image) -> Self {
        Self {
            base: image.clone(),
            image: ImageBuilder::new(image),
            records: Vec::new(),
            records_max: limits::RECORDS_PER_COMMAND_MAX,
        }
    }

    fn image(&self) -> &Image {
        self.image.image()
    }

    /// Applies a record and keeps it for the log.
    ///
    /// # Errors
    ///
    /// The command would emit too much, or (a mistake in this module) a record that cannot be
    /// applied: both refuse the command as a whole.
    fn emit(&mut self, kind: Kind) -> Result<(), CommandError> {
        if self.room() == 0 {
            return Err(too_large());
        }
        let record = MetadataRecord::from(kind);
        self.image
            .apply(&record)
            .map_err(|error| CommandError::new(ErrorCode::UnknownServerError, error.to_string()))?;
        self.records.push(record);
        Ok(())
    }

    /// How many records may still be emitted.
    fn room(&self) -> usize {
        self.records_max.saturating_sub(self.records.len())
    }

    /// Leaves only the bound that the size of the cluster sets.
    fn lift_limit(&mut self) {
        self.records_max = usize::MAX;
    }

    /// Takes back everything: the command was only to be checked.
    fn discard(&mut self) {
        self.image = ImageBuilder::new(&self.base);
        self.records.clear();
    }
}

/// Kafka's answer to an operation beyond its bound of records.
fn too_large() -> CommandError {
    CommandError::new(
        ErrorCode::PolicyViolation,
        "Unable to perform excessively large batch operation.",
    )
}

/// Refuses a command that names more than a bounded number of things.
fn check_item_count(count: usize) -> Result<(), CommandError> {
    if count > limits::ITEMS_PER_COMMAND_MAX { Err(too_large()) } else { Ok(()) }
}

fn initialize_cluster(
    out: &mut Emitter,
    command: &InitializeCluster,
) -> Result<CommandReply, CommandError> {
    if let Some(known) = out.image().cluster_id() {
        return Ok(CommandReply::ClusterInitialized { cluster_id: known.to_string() });
    }
    let cluster_id = command.cluster_id.clone();
    out.emit(Kind::Cluster(ClusterRecord { cluster_id: cluster_id.clone() }))?;
    for (name, level) in &command.features {
        let record = FeatureLevelRecord { name: name.clone(), level: (*level).into() };
        out.emit(Kind::FeatureLevel(record))?;
    }
    Ok(CommandReply::ClusterInitialized { cluster_id })
}
