//! Brokers that come, go and ask for producer ids.

use super::configs::{min_in_sync, unclean_election};
use super::partitions::check_broker_epoch;
use super::transition::{Election, Transition};
use super::{DecideContext, Emitter};
use crate::command::{AllocateProducerIds, CommandError, CommandReply, RegisterBroker};
use crate::image::{BrokerImage, Image, PartitionImage};
use crate::limits;
use crate::record::{Kind, ProducerIdsRecord, RemoveBrokerRecord};
use headwater_types::{BrokerId, ErrorCode, PartitionIndex, ProducerId, TopicId};
use std::collections::BTreeSet;
use std::sync::Arc;

pub(super) fn register(
    out: &mut Emitter,
    command: &RegisterBroker,
    context: &DecideContext<'_>,
) -> Result<CommandReply, CommandError> {
    check_registration(out.image(), command)?;
    let known = out.image().broker(command.broker).map(Arc::clone);
    let same = known.filter(|known| known.incarnation_id == command.incarnation_id);
    let (epoch, fenced, in_controlled_shutdown) = match &same {
        Some(known) => (known.epoch, known.fenced, known.in_controlled_shutdown),
        None => (out.image().last_broker_epoch().saturating_add(1), command.fenced, false),
    };
    let registration = BrokerImage {
        id: command.broker,
        epoch,
        incarnation_id: command.incarnation_id,
        endpoints: command.endpoints.clone(),
        features: command
            .features
            .iter()
            .map(|(name, range)| (name.as_str().into(), *range))
            .collect(),
        rack: command.rack.as_deref().map(Arc::from),
        log_dirs: command.log_dirs.clone(),
        fenced,
        in_controlled_shutdown,
    };
    let unchanged = out.image().broker(command.broker).is_some_and(|known| **known == registration);
    if unchanged {
        return Ok(CommandReply::BrokerRegistered { epoch });
    }
    out.emit(Kind::Broker(registration.to_record()))?;
    if same.is_none() {
        if fenced {
            leave(out, command.broker, context)?;
        } else {
            restart(out, command.broker, context)?;
        }
    }
    Ok(CommandReply::BrokerRegistered { epoch })
}

fn check_registration(image: &Image, command: &RegisterBroker) -> Result<(), CommandError> {
    let refuse = |text: String| Err(CommandError::new(ErrorCode::InvalidRegistration, text));
    if let (Some(expected), Some(found)) = (image.cluster_id(), &command.cluster_id)
        && **expected != **found
    {
        return Err(CommandError::new(
            ErrorCode::InconsistentClusterId,
            format!("Expected cluster ID {expected}, but got cluster ID {found}"),
        ));
    }
    if command.broker.0 < 0 {
        return refuse(format!("Invalid negative broker ID {}", command.broker));
    }
    let lists = [command.log_dirs.len(), command.endpoints.len(), command.features.len()];
    if lists.iter().any(|&length| length > limits::BROKER_LIST_MAX) {
        return refuse("Too many directories, listeners or features in request".to_owned());
    }
    if image.broker(command.broker).is_none() && image.broker_count() >= limits::BROKERS_MAX {
        return refuse(format!("The cluster has {} brokers already", limits::BROKERS_MAX));
    }
    if command.log_dirs.is_empty() {
        return refuse("No directories specified in request".to_owned());
    }
    // Kafka keeps the ids below 100 for itself ("unassigned", "lost", ...).
    if command.log_dirs.iter().any(|id| u128::from_be_bytes(id.0) < 100) {
        return refuse("Reserved directory ID in request".to_owned());
    }
    let own: BTreeSet<_> = command.log_dirs.iter().collect();
    if own.len() != command.log_dirs.len() {
        return refuse("Duplicate directory ID in request".to_owned());
    }
    for broker in image.brokers().filter(|broker| broker.id != command.broker) {
        if let Some(taken) = broker.log_dirs.iter().find(|&id| own.contains(id)) {
            return refuse(format!(
                "Broker {} is already registered with directory {taken}",
                broker.id
            ));
        }
    }
    for (name, level) in image.features() {
        let range = command.features.iter().find(|(known, _)| **known == **name);
        if !range.is_some_and(|(_, range)| range.contains(level)) {
            return Err(CommandError::new(
                ErrorCode::UnsupportedVersion,
                format!(
                    "Unable to register because the broker does not support finalized version \
                     {level} of {name}."
                ),
            ));
        }
    }
    Ok(())
}

pub(super) fn unregister(
    out: &mut Emitter,
    broker: BrokerId,
    context: &DecideContext<'_>,
) -> Result<CommandReply, CommandError> {
    registered(out.image(), broker)?;
    change_partitions(out, context, |image, partition, min, unclean| {
        let holds = partition.isr.contains(&broker) || partition.elr.contains(&broker);
        if !holds && partition.leader != Some(broker) {
            return None;
        }
        let can_lead = |id: BrokerId| id != broker && image.is_active(id);
        let mut transition = Transition::new(partition, min, &can_lead);
        transition.isr.retain(|&id| id != broker);
        // Its folders will not come back under this registration.
        transition.unclean_stop = Some(broker);
        if unclean {
            transition.election = Election::Unclean;
        }
        transition.finish()
    })?;
    out.emit(Kind::RemoveBroker(RemoveBrokerRecord { broker_id: broker.0 }))?;
    Ok(CommandReply::Done)
}

pub(super) fn fence(
    out: &mut Emitter,
    broker: BrokerId,
    context: &DecideContext<'_>,
) -> Result<CommandReply, CommandError> {
    let mut registration = registered(out.image(), broker)?;
    if !registration.fenced {
        registration.fenced = true;
        out.emit(Kind::Broker(registration.to_record()))?;
        leave(out, broker, context)?;
    }
    Ok(CommandReply::Done)
}

pub(super) fn unfence(
    out: &mut Emitter,
    broker: BrokerId,
    context: &DecideContext<'_>,
) -> Result<CommandReply, CommandError> {
    let mut registration = registered(out.image(), broker)?;
    if registration.fenced {
        registration.fenced = false;
        out.emit(Kind::Broker(registration.to_record()))?;
        fill_vacancies(out, context)?;
    }
    Ok(CommandReply::Done)
}

pub(super) fn controlled_shutdown(
    out: &mut Emitter,
    broker: BrokerId,
    context: &DecideContext<'_>,
) -> Result<CommandReply, CommandError> {
    let mut registration = registered(out.image(), broker)?;
    if !registration.in_controlled_shutdown {
        registration.in_controlled_shutdown = true;
        out.emit(Kind::Broker(registration.to_record()))?;
        leave(out, broker, context)?;
    }
    Ok(CommandReply::Done)
}

pub(super) fn allocate_producer_ids(
    out: &mut Emitter,
    command: AllocateProducerIds,
) -> Result<CommandReply, CommandError> {
    check_broker_epoch(out.image(), command.broker, command.broker_epoch)?;
    let first = out.image().next_producer_id();
    // Kafka's words when the ids run out, which at a block a millisecond takes millennia.
    let next = first.checked_add(limits::PRODUCER_ID_BLOCK).ok_or_else(|| {
        CommandError::new(
            ErrorCode::UnknownServerError,
            "Exhausted all producerIds as the next block's end producerId has exceeded the int64 \
             type limit",
        )
    })?;
    out.emit(Kind::ProducerIds(ProducerIdsRecord {
        next_producer_id: next,
        broker_id: command.broker.0,
        broker_epoch: command.broker_epoch,
    }))?;
    let count = i32::try_from(limits::PRODUCER_ID_BLOCK).unwrap_or(i32::MAX);
    Ok(CommandReply::ProducerIds { first: ProducerId(first), count })
}

fn registered(image: &Image, broker: BrokerId) -> Result<BrokerImage, CommandError> {
    image.broker(broker).map(|broker| BrokerImage::clone(broker)).ok_or_else(|| {
        CommandError::new(
            ErrorCode::BrokerIdNotRegistered,
            format!("Broker ID {broker} is not currently registered"),
        )
    })
}

/// A broker that is there no more loses its leaderships and its in-sync places.
fn leave(
    out: &mut Emitter,
    broker: BrokerId,
    context: &DecideContext<'_>,
) -> Result<(), CommandError> {
    change_partitions(out, context, |image, partition, min, unclean| {
        if !partition.isr.contains(&broker) && partition.leader != Some(broker) {
            return None;
        }
        let can_lead = |id: BrokerId| id != broker && image.is_active(id);
        let mut transition = Transition::new(partition, min, &can_lead);
        transition.isr.retain(|&id| id != broker);
        if unclean {
            transition.election = Election::Unclean;
        }
        transition.finish()
    })
}

/// A broker that starts without having been fenced first: what it led it leads again, in a new
/// epoch, for its log may end earlier than the one its readers have seen.
fn restart(
    out: &mut Emitter,
    broker: BrokerId,
    context: &DecideContext<'_>,
) -> Result<(), CommandError> {
    change_partitions(out, context, |image, partition, min, _| {
        if partition.leader.is_some_and(|leader| leader != broker) {
            return None;
        }
        let can_lead = |id: BrokerId| image.is_active(id);
        let mut transition = Transition::new(partition, min, &can_lead);
        transition.restart_leader = partition.leader == Some(broker);
        transition.finish()
    })
}

/// Elects leaders where there is none.
fn fill_vacancies(out: &mut Emitter, context: &DecideContext<'_>) -> Result<(), CommandError> {
    change_partitions(out, context, |image, partition, min, unclean| {
        if partition.leader.is_some() {
            return None;
        }
        let can_lead = |id: BrokerId| image.is_active(id);
        let mut transition = Transition::new(partition, min, &can_lead);
        if unclean {
            transition.election = Election::Unclean;
        }
        transition.finish()
    })
}

/// Puts a question to every partition and emits what changes.
fn change_partitions(
    out: &mut Emitter,
    context: &DecideContext<'_>,
    change: impl Fn(&Image, &PartitionImage, usize, bool) -> Option<PartitionImage>,
) -> Result<(), CommandError> {
    // A broker's coming and going may touch every partition it holds; the bound of what a user
    // may ask for at once is none for that.
    out.lift_limit();
    let image = out.image().clone();
    let mut changes: Vec<(TopicId, PartitionIndex, PartitionImage)> = Vec::new();
    for topic in image.topics() {
        let min = min_in_sync(&image, topic, context);
        let unclean = unclean_election(&image, topic, context);
        for (index, partition) in topic.partitions() {
            if let Some(new) = change(&image, partition, min, unclean) {
                changes.push((topic.id, index, new));
            }
        }
    }
    for (topic, index, partition) in changes {
        out.emit(Kind::Partition(partition.to_record(topic, index)))?;
    }
    Ok(())
}
