//! Creating topics.

use super::placement::Placer;
use super::{DecideContext, Emitter, check_item_count};
use crate::command::{
    CommandError, CommandReply, CreateTopics, CreatedTopic, ItemResult, NewTopic,
};
use crate::image::{ConfigResource, ConfigResourceKind, Configs, Image, PartitionImage};
use crate::limits;
use crate::record::{ConfigRecord, Kind, TopicRecord};
use headwater_types::{BrokerId, ErrorCode, LeaderEpoch, PartitionIndex, TopicId};
use std::collections::{BTreeMap, BTreeSet};

/// The topic in which Kafka keeps its own metadata; no client may create it.
const METADATA_TOPIC: &str = "__cluster_metadata";

/// What a topic without any wish of its own gets at most, where the cluster can hold it.
const DEFAULT_REPLICATION_FACTOR_MAX: usize = 3;

pub(super) fn create(
    out: &mut Emitter,
    command: &CreateTopics,
    context: &mut DecideContext<'_>,
) -> Result<CommandReply, CommandError> {
    check_item_count(command.topics.len())?;
    check_partition_count(out.image(), command, context)?;
    let duplicates = duplicates(command.topics.iter().map(|topic| topic.name.as_str()));
    // Names are checked against what was there before: two new ones may collide, as in Kafka.
    let before = out.image().clone();
    let mut placer = Placer::new(&before, (context.ids)());
    let mut results: Vec<ItemResult<CreatedTopic>> = Vec::with_capacity(command.topics.len());
    for topic in &command.topics {
        let result = if duplicates.contains(topic.name.as_str()) {
            Err(CommandError::new(ErrorCode::InvalidRequest, "Duplicate topic name."))
        } else {
            plan(&before, topic, context, &mut placer)
        };
        results.push(match result {
            Err(error) => Err(error),
            Ok(plan) => Ok(emit_topic(out, topic, plan, context)?),
        });
    }
    if command.validate_only {
        out.discard();
    }
    Ok(CommandReply::TopicsCreated(results))
}

/// A topic that passed every check.
struct Plan {
    configs: Configs,
    /// At least one.
    partitions: Vec<PartitionImage>,
    replication_factor: i16,
}

/// Kafka refuses the request as a whole where all its topics together are too wide.
fn check_partition_count(
    image: &Image,
    command: &CreateTopics,
    context: &DecideContext<'_>,
) -> Result<(), CommandError> {
    let wish = |topic: &NewTopic| {
        if !topic.assignments.is_empty() {
            topic.assignments.len()
        } else if topic.partitions == -1 {
            usize::try_from(context.policy.num_partitions).unwrap_or(0)
        } else {
            usize::try_from(topic.partitions).unwrap_or(0)
        }
    };
    let wished = command.topics.iter().map(wish).fold(0usize, usize::saturating_add);
    if wished > limits::PARTITIONS_PER_TOPIC_MAX {
        return Err(CommandError::new(
            ErrorCode::PolicyViolation,
            "Excessively large number of partitions per request.",
        ));
    }
    check_cluster_size(image, wished)
}

/// Refuses what would make the image too large.
pub(super) fn check_cluster_size(image: &Image, additional: usize) -> Result<(), CommandError> {
    let total = image.partition_count().saturating_add(additional);
    if total > limits::PARTITIONS_PER_CLUSTER_MAX {
        let text = format!(
            "The cluster has {} partition(s); {additional} more would exceed its limit of {}.",
            image.partition_count(),
            limits::PARTITIONS_PER_CLUSTER_MAX
        );
        return Err(CommandError::new(ErrorCode::PolicyViolation, text));
    }
    Ok(())
}

/// What is named more than once.
pub(super) fn duplicates<T: Ord + Copy>(items: impl Iterator<Item = T>) -> BTreeSet<T> {
    let mut seen = BTreeSet::new();
    items.filter(|&item| !seen.insert(item)).collect()
}

/// All checks of one topic, in Kafka's order.
fn plan(
    before: &Image,
    topic: &NewTopic,
    context: &mut DecideContext<'_>,
    placer: &mut Placer,
) -> ItemResult<Plan> {
    check_new_name(before, &topic.name)?;
    let configs = topic_configs(&topic.name, &topic.configs, context)?;
    let partitions = if topic.assignments.is_empty() {
        automatic_partitions(before, topic, context, placer)?
    } else {
        manual_partitions(before, topic)?
    };
    let replicas = partitions.first().map_or(0, |partition| partition.replicas.len());
    let replication_factor = i16::try_from(replicas).unwrap_or(i16::MAX);
    Ok(Plan { configs, partitions, replication_factor })
}

/// Whether a topic may be created under a name now, in Kafka's order of checks.
pub(super) fn check_new_name(before: &Image, name: &str) -> Result<(), CommandError> {
    if name == METADATA_TOPIC {
        return Err(CommandError::new(
            ErrorCode::InvalidRequest,
            format!("Creation of internal topic {METADATA_TOPIC} is prohibited."),
        ));
    }
    if before.topic_named(name).is_some() {
        return Err(CommandError::new(
            ErrorCode::TopicAlreadyExists,
            format!("Topic '{name}' already exists."),
        ));
    }
    if let Some(other) = before.colliding_topic(name) {
        return Err(CommandError::new(
            ErrorCode::InvalidTopicException,
            format!("Topic '{name}' collides with existing topic: {other}"),
        ));
    }
    check_topic_name(name)
}

/// Whether a topic may have a name.
///
/// # Errors
///
/// [`ErrorCode::InvalidTopicException`] with Kafka's words.
pub fn check_topic_name(name: &str) -> Result<(), CommandError> {
    let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
    let reason = if name.is_empty() {
        "the empty string is not allowed".to_owned()
    } else if matches!(name, "." | "..") {
        format!("'{name}' is not allowed")
    } else if name.chars().count() > limits::TOPIC_NAME_CHARS_MAX {
        format!(
            "the length of '{name}' is longer than the max allowed length {}",
            limits::TOPIC_NAME_CHARS_MAX
        )
    } else if !name.chars().all(fits) {
        format!(
            "'{name}' contains one or more characters other than ASCII alphanumerics, '.', '_' \
             and '-'"
        )
    } else {
        return Ok(());
    };
    Err(CommandError::new(
        ErrorCode::InvalidTopicException,
        format!("Topic name is invalid: {reason}"),
    ))
}

pub(super) fn topic_configs(
    topic: &str,
    configs: &[(String, Option<String>)],
    context: &DecideContext<'_>,
) -> ItemResult<Configs> {
    let nulls: Vec<&str> = configs
        .iter()
        .filter(|(_, value)| value.is_none())
        .map(|(name, _)| name.as_str())
        .collect();
    if !nulls.is_empty() {
        let text = format!("Null value not supported for topic configs: {}", nulls.join(","));
        return Err(CommandError::new(ErrorCode::InvalidConfig, text));
    }
    let configs: Configs = configs
        .iter()
        .filter_map(|(name, value)| Some((name.as_str().into(), value.as_deref()?.into())))
        .collect();
    if !configs.is_empty() {
        let resource = ConfigResource::topic(topic);
        context.policy.configs.validate(&resource, &configs, &Configs::new())?;
    }
    super::configs::check_sizes(&configs)?;
    Ok(configs)
}

fn automatic_partitions(
    before: &Image,
    topic: &NewTopic,
    context: &DecideContext<'_>,
    placer: &mut Placer,
) -> ItemResult<Vec<PartitionImage>> {
    if topic.replication_factor < -1 || topic.replication_factor == 0 {
        return Err(CommandError::new(
            ErrorCode::InvalidReplicationFactor,
            "Replication factor must be larger than 0, or -1 to use the default value.",
        ));
    }
    if topic.partitions < -1 || topic.partitions == 0 {
        return Err(CommandError::new(
            ErrorCode::InvalidPartitions,
            "Number of partitions was set to an invalid non-positive value.",
        ));
    }
    let partitions =
        if topic.partitions == -1 { context.policy.num_partitions } else { topic.partitions };
    let replicas = match (topic.replication_factor, context.policy.default_replication_factor) {
        (-1, None) => placer.live_count().clamp(1, DEFAULT_REPLICATION_FACTOR_MAX),
        (-1, Some(default)) => usize::try_from(default).unwrap_or(0),
        (wish, _) => usize::try_from(wish).unwrap_or(0),
    };
    placer.check(replicas).map_err(|error| unable_to_replicate(replicas, error))?;
    check_replica_count(replicas)?;
    (0..partitions)
        .map(|_| {
            let replicas = placer.place(replicas);
            new_partition(before, replicas).ok_or_else(all_fenced)
        })
        .collect()
}

fn unable_to_replicate(replicas: usize, error: CommandError) -> CommandError {
    let reason = error.message.unwrap_or_default();
    let text = format!("Unable to replicate the partition {replicas} time(s): {reason}");
    CommandError::new(error.code, text)
}

/// Kafka's words where no replica could lead.
pub(super) fn all_fenced() -> CommandError {
    CommandError::new(
        ErrorCode::InvalidReplicationFactor,
        "All brokers are currently fenced or in controlled shutdown.",
    )
}

fn check_replica_count(replicas: usize) -> Result<(), CommandError> {
    if replicas > limits::REPLICAS_PER_PARTITION_MAX {
        let text = format!("More than {} replicas.", limits::REPLICAS_PER_PARTITION_MAX);
        return Err(CommandError::new(ErrorCode::InvalidReplicationFactor, text));
    }
    Ok(())
}

fn manual_partitions(before: &Image, topic: &NewTopic) -> ItemResult<Vec<PartitionImage>> {
    let refuse = |text: &str| Err(CommandError::new(ErrorCode::InvalidRequest, text));
    if topic.replication_factor != -1 {
        return refuse(
            "A manual partition assignment was specified, but replication factor was not set to \
             -1.",
        );
    }
    if topic.partitions != -1 {
        return refuse(
            "A manual partition assignment was specified, but numPartitions was not set to -1.",
        );
    }
    let mut partitions: BTreeMap<PartitionIndex, PartitionImage> = BTreeMap::new();
    let mut replication_factor = None;
    for (index, replicas) in &topic.assignments {
        let bad = |text: String| CommandError::new(ErrorCode::InvalidReplicaAssignment, text);
        if partitions.contains_key(index) {
            return Err(bad(format!(
                "Found multiple manual partition assignments for partition {index}"
            )));
        }
        check_assignment(before, replicas, replication_factor)?;
        replication_factor = Some(replicas.len());
        let partition = new_partition(before, replicas.clone()).ok_or_else(|| fenced(*index))?;
        partitions.insert(*index, partition);
    }
    let expected = (0..).map(PartitionIndex);
    if !partitions.keys().zip(expected).all(|(&index, expected)| index == expected) {
        return Err(CommandError::new(
            ErrorCode::InvalidReplicaAssignment,
            "partitions should be a consecutive 0-based integer sequence",
        ));
    }
    Ok(partitions.into_values().collect())
}

/// Kafka's words where nobody of a chosen assignment could lead.
pub(super) fn fenced(index: PartitionIndex) -> CommandError {
    CommandError::new(
        ErrorCode::InvalidReplicaAssignment,
        format!(
            "All brokers specified in the manual partition assignment for partition {index} are \
             fenced or in controlled shutdown."
        ),
    )
}

/// Whether the caller's choice of replicas for one partition is possible.
///
/// # Errors
///
/// Why it is not, in Kafka's words.
pub fn check_assignment(
    image: &Image,
    replicas: &[BrokerId],
    replication_factor: Option<usize>,
) -> Result<(), CommandError> {
    let refuse = |text: String| Err(CommandError::new(ErrorCode::InvalidReplicaAssignment, text));
    if replicas.is_empty() {
        return refuse("The manual partition assignment includes an empty replica list.".into());
    }
    let mut sorted = replicas.to_vec();
    sorted.sort_unstable();
    let mut previous = None;
    for broker in sorted {
        if image.broker(broker).is_none() {
            return refuse(format!(
                "The manual partition assignment includes broker {broker}, but no such broker is \
                 registered."
            ));
        }
        if previous == Some(broker) {
            return refuse(format!(
                "The manual partition assignment includes the broker {broker} more than once."
            ));
        }
        previous = Some(broker);
    }
    match replication_factor {
        Some(expected) if expected != replicas.len() => refuse(format!(
            "The manual partition assignment includes a partition with {} replica(s), but this \
             is not consistent with previous partitions, which have {expected} replica(s).",
            replicas.len()
        )),
        _ => check_replica_count(replicas.len()),
    }
}

/// A partition at the beginning of its life; `None` where none of its replicas could lead.
pub(super) fn new_partition(image: &Image, replicas: Vec<BrokerId>) -> Option<PartitionImage> {
    let isr: Vec<BrokerId> =
        replicas.iter().copied().filter(|&broker| image.is_active(broker)).collect();
    let leader = *isr.first()?;
    let directories = replicas
        .iter()
        .map(|&id| image.broker(id).map(|broker| broker.default_directory()).unwrap_or_default())
        .collect();
    Some(PartitionImage {
        replicas,
        directories,
        isr,
        leader: Some(leader),
        leader_epoch: LeaderEpoch(0),
        ..PartitionImage::default()
    })
}

fn emit_topic(
    out: &mut Emitter,
    topic: &NewTopic,
    plan: Plan,
    context: &mut DecideContext<'_>,
) -> Result<CreatedTopic, CommandError> {
    let id = context.topic_id(out.image());
    emit_records(out, id, &topic.name, &plan.configs, &plan.partitions)?;
    Ok(CreatedTopic {
        id,
        name: topic.name.as_str().into(),
        partitions: i32::try_from(plan.partitions.len()).unwrap_or(i32::MAX),
        replication_factor: plan.replication_factor,
    })
}

/// Emits a topic with all that it has.
pub(super) fn emit_records(
    out: &mut Emitter,
    id: TopicId,
    name: &str,
    configs: &Configs,
    partitions: &[PartitionImage],
) -> Result<(), CommandError> {
    out.emit(Kind::Topic(TopicRecord { topic_id: Some(id.into()), name: name.to_owned() }))?;
    for (name, value) in configs {
        out.emit(Kind::Config(ConfigRecord {
            resource_type: ConfigResourceKind::Topic.code().into(),
            topic_id: Some(id.into()),
            resource_name: String::new(),
            name: name.to_string(),
            value: Some(value.to_string()),
        }))?;
    }
    for (index, partition) in (0..).map(PartitionIndex).zip(partitions) {
        out.emit(Kind::Partition(partition.to_record(id, index)))?;
    }
    Ok(())
}
