//! Widening and deleting topics.

use super::placement::Placer;
use super::topics::{
    all_fenced, check_assignment, check_cluster_size, duplicates, fenced, new_partition,
};
use super::{DecideContext, Emitter, check_item_count, too_large};
use crate::command::{
    CommandError, CommandReply, CreatePartitions, DeleteTopics, DeletedTopic, ItemResult,
    MorePartitions, TopicRef,
};
use crate::image::{Image, PartitionImage, TopicImage};
use crate::limits;
use crate::record::{Kind, RemoveTopicRecord};
use headwater_types::{ErrorCode, PartitionIndex, TopicId};
use std::sync::Arc;

pub(super) fn create_partitions(
    out: &mut Emitter,
    command: &CreatePartitions,
    context: &mut DecideContext<'_>,
) -> Result<CommandReply, CommandError> {
    check_item_count(command.topics.len())?;
    let duplicates = duplicates(command.topics.iter().map(|topic| topic.name.as_str()));
    let mut placer = Placer::new(out.image(), (context.ids)());
    let mut results: Vec<ItemResult<()>> = Vec::with_capacity(command.topics.len());
    for more in &command.topics {
        if duplicates.contains(more.name.as_str()) {
            let error = CommandError::new(ErrorCode::InvalidRequest, "Duplicate topic name.");
            results.push(Err(error));
            continue;
        }
        let outcome = match plan_more(out.image(), more, &mut placer) {
            Err(error) => Err(error),
            Ok((_, partitions)) if out.room() < partitions.len() => Err(too_large()),
            Ok((topic, partitions)) => {
                let indexes = (topic.partition_count()..)
                    .map(|index| PartitionIndex(i32::try_from(index).unwrap_or(i32::MAX)));
                for (index, partition) in indexes.zip(partitions) {
                    out.emit(Kind::Partition(partition.to_record(topic.id, index)))?;
                }
                Ok(())
            }
        };
        results.push(outcome);
    }
    if command.validate_only {
        out.discard();
    }
    Ok(CommandReply::PartitionsCreated(results))
}

/// The new partitions of one topic.
fn plan_more(
    image: &Image,
    more: &MorePartitions,
    placer: &mut Placer,
) -> ItemResult<(Arc<TopicImage>, Vec<PartitionImage>)> {
    let topic = image
        .topic_named(&more.name)
        .ok_or(CommandError::bare(ErrorCode::UnknownTopicOrPartition))?;
    let current = topic.partition_count();
    let wished = usize::try_from(more.count).unwrap_or(0);
    let refuse = |text: String| Err(CommandError::new(ErrorCode::InvalidPartitions, text));
    if more.count >= 0 && wished == current {
        return refuse(format!("Topic already has {current} partition(s)."));
    }
    if wished < current {
        return refuse(format!(
            "The topic {} currently has {current} partition(s); {} would not be an increase.",
            more.name, more.count
        ));
    }
    let additional = wished - current;
    if let Some(assignments) = &more.assignments
        && assignments.len() != additional
    {
        return Err(CommandError::new(
            ErrorCode::InvalidReplicaAssignment,
            format!(
                "Attempted to add {additional} additional partition(s), but only {} \
                 assignment(s) were specified.",
                assignments.len()
            ),
        ));
    }
    if wished > limits::PARTITIONS_PER_TOPIC_MAX {
        return Err(CommandError::new(
            ErrorCode::PolicyViolation,
            format!("A topic has at most {} partitions.", limits::PARTITIONS_PER_TOPIC_MAX),
        ));
    }
    check_cluster_size(image, additional)?;
    let replication_factor = topic.replication_factor();
    let partitions = match &more.assignments {
        Some(assignments) => {
            let mut partitions = Vec::with_capacity(additional);
            for (index, replicas) in (current..).zip(assignments) {
                check_assignment(image, replicas, Some(replication_factor))?;
                let index = PartitionIndex(i32::try_from(index).unwrap_or(i32::MAX));
                let partition = new_partition(image, replicas.clone());
                partitions.push(partition.ok_or_else(|| fenced(index))?);
            }
            partitions
        }
        None => {
            placer.check(replication_factor)?;
            (0..additional)
                .map(|_| new_partition(image, placer.place(replication_factor)))
                .collect::<Option<Vec<_>>>()
                .ok_or_else(all_fenced)?
        }
    };
    Ok((Arc::clone(topic), partitions))
}

pub(super) fn delete(
    out: &mut Emitter,
    command: &DeleteTopics,
    context: &DecideContext<'_>,
) -> Result<CommandReply, CommandError> {
    if !context.policy.delete_topic_enable {
        return Err(CommandError::bare(ErrorCode::TopicDeletionDisabled));
    }
    check_item_count(command.topics.len())?;
    let duplicates = duplicates(command.topics.iter());
    // A topic named twice, once by name and once by id, is found by its identity.
    let twice = {
        let image = out.image();
        let ids = command.topics.iter().filter_map(|topic| find(image, topic).ok());
        self::duplicates(ids.map(|topic| topic.id))
    };
    let mut results = Vec::with_capacity(command.topics.len());
    for topic in &command.topics {
        let invalid = |text: &str| CommandError::new(ErrorCode::InvalidRequest, text);
        let found = find(out.image(), topic).cloned();
        let mut result = DeletedTopic {
            id: match topic {
                TopicRef::Id(id) => *id,
                TopicRef::Name(_) => TopicId::ZERO,
            },
            name: match topic {
                TopicRef::Name(name) => Some(name.as_str().into()),
                TopicRef::Id(_) => None,
            },
            outcome: Ok(()),
        };
        result.outcome = match (topic, found) {
            (TopicRef::Id(id), _) if id.is_zero() => {
                Err(invalid("Neither topic name nor id were specified."))
            }
            (TopicRef::Name(_), _) if duplicates.contains(topic) => {
                Err(invalid("Duplicate topic name."))
            }
            (TopicRef::Id(_), _) if duplicates.contains(topic) => {
                Err(invalid("Duplicate topic id."))
            }
            (_, Err(error)) => Err(error),
            (_, Ok(found)) if twice.contains(&found.id) => {
                result.id = found.id;
                Err(invalid("The provided topic name maps to an ID that was already supplied."))
            }
            (_, Ok(found)) => {
                result.id = found.id;
                result.name = Some(Arc::clone(&found.name));
                let record = RemoveTopicRecord { topic_id: Some(found.id.into()) };
                out.emit(Kind::RemoveTopic(record))
            }
        };
        results.push(result);
    }
    Ok(CommandReply::TopicsDeleted(results))
}

fn find<'a>(image: &'a Image, topic: &TopicRef) -> ItemResult<&'a Arc<TopicImage>> {
    match topic {
        TopicRef::Name(name) => image.topic_named(name).ok_or_else(|| {
            CommandError::new(
                ErrorCode::UnknownTopicOrPartition,
                "This server does not host this topic-partition.",
            )
        }),
        TopicRef::Id(id) => image.topic(*id).ok_or_else(|| {
            CommandError::new(ErrorCode::UnknownTopicId, "This server does not host this topic ID.")
        }),
    }
}
