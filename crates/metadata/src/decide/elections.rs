//! Elections that an administrator asks for.

use super::configs::min_in_sync;
use super::partitions::find;
use super::transition::{Election, Transition};
use super::{DecideContext, Emitter, check_item_count};
use crate::command::{CommandError, CommandReply, ElectLeaders, ElectionType, ItemResult};
use crate::image::{Image, PartitionImage};
use crate::record::Kind;
use headwater_types::{BrokerId, ErrorCode, TopicPartition};

pub(super) fn elect(
    out: &mut Emitter,
    command: &ElectLeaders,
    context: &DecideContext<'_>,
) -> Result<CommandReply, CommandError> {
    let all = command.partitions.is_none();
    let partitions = match &command.partitions {
        Some(partitions) => {
            check_item_count(partitions.len())?;
            partitions.clone()
        }
        None => all_partitions(out.image()),
    };
    let mut results = Vec::new();
    for partition in partitions {
        let outcome = match plan(out.image(), partition, command.election, context) {
            // Whoever asks for all does not want to hear of those that are as they should be.
            Err(error) if all && error.code == ErrorCode::ElectionNotNeeded => continue,
            Err(error) => Err(error),
            Ok(new) => {
                out.emit(Kind::Partition(new.to_record(partition.topic, partition.partition)))?;
                Ok(())
            }
        };
        results.push((partition, outcome));
    }
    Ok(CommandReply::LeadersElected(results))
}

fn all_partitions(image: &Image) -> Vec<TopicPartition> {
    image
        .topics_by_name()
        .flat_map(|topic| {
            topic.partitions().map(|(partition, _)| TopicPartition { topic: topic.id, partition })
        })
        .collect()
}

fn plan(
    image: &Image,
    place: TopicPartition,
    election: ElectionType,
    context: &DecideContext<'_>,
) -> ItemResult<PartitionImage> {
    let unknown = |text: String| CommandError::new(ErrorCode::UnknownTopicOrPartition, text);
    let topic = image
        .topic(place.topic)
        .ok_or_else(|| unknown(format!("No such topic id as {}", place.topic)))?;
    let partition = find(image, place).ok_or_else(|| {
        unknown(format!("No such partition as {}-{}", topic.name, place.partition))
    })?;
    let (needed, election, failure) = match election {
        ElectionType::Preferred => (
            !partition.has_preferred_leader(),
            Election::Preferred,
            ErrorCode::PreferredLeaderNotAvailable,
        ),
        ElectionType::Unclean => {
            (partition.leader.is_none(), Election::Unclean, ErrorCode::EligibleLeadersNotAvailable)
        }
    };
    if !needed {
        return Err(CommandError::new(
            ErrorCode::ElectionNotNeeded,
            "Leader election not needed for topic partition.",
        ));
    }
    let can_lead = |id: BrokerId| image.is_active(id);
    let mut transition = Transition::new(partition, min_in_sync(image, topic, context), &can_lead);
    transition.election = election;
    transition.finish().ok_or_else(|| failure.into())
}
