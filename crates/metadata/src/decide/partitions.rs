//! What leaders and brokers report of single partitions.

use super::configs::min_in_sync;
use super::transition::Transition;
use super::{DecideContext, Emitter, check_item_count};
use crate::command::{
    AlterPartition, AlteredPartition, AssignReplicasToDirs, CommandError, CommandReply, ItemResult,
    PartitionAlteration, ReplicaDirectory,
};
use crate::image::{Image, PartitionImage};
use crate::record::Kind;
use headwater_types::{BrokerId, ErrorCode, TopicPartition};
use std::collections::BTreeSet;

pub(super) fn alter(
    out: &mut Emitter,
    command: &AlterPartition,
    context: &DecideContext<'_>,
) -> Result<CommandReply, CommandError> {
    check_broker_epoch(out.image(), command.broker, command.broker_epoch)?;
    check_item_count(command.partitions.len())?;
    let mut results = Vec::with_capacity(command.partitions.len());
    for wish in &command.partitions {
        let outcome = match check_alteration(out.image(), command.broker, wish) {
            Err(code) => Err(code.into()),
            Ok(()) => alter_one(out, wish, context)?,
        };
        results.push((wish.partition, outcome));
    }
    Ok(CommandReply::PartitionsAltered(results))
}

fn alter_one(
    out: &mut Emitter,
    wish: &PartitionAlteration,
    context: &DecideContext<'_>,
) -> Result<ItemResult<AlteredPartition>, CommandError> {
    let image = out.image();
    let found = find(image, wish.partition).zip(image.topic(wish.partition.topic));
    let Some((partition, topic)) = found else {
        return Ok(Err(ErrorCode::UnknownTopicOrPartition.into()));
    };
    let can_lead = |id: BrokerId| image.is_active(id);
    let min = min_in_sync(image, topic, context);
    let mut transition = Transition::new(partition, min, &can_lead);
    transition.isr = wish.new_isr.iter().map(|(id, _)| *id).collect();
    transition.leader_recovering = wish.leader_recovering;
    let old_leader = partition.leader;
    let new = match transition.finish() {
        None => partition.clone(),
        Some(new) => {
            let record = new.to_record(wish.partition.topic, wish.partition.partition);
            out.emit(Kind::Partition(record))?;
            new
        }
    };
    if new.leader != old_leader {
        return Ok(Err(ErrorCode::NewLeaderElected.into()));
    }
    Ok(Ok(AlteredPartition {
        leader: new.leader,
        leader_epoch: new.leader_epoch,
        isr: new.isr,
        partition_epoch: new.partition_epoch,
        leader_recovering: new.leader_recovering,
    }))
}

/// Kafka's checks, in its order.
fn check_alteration(
    image: &Image,
    broker: BrokerId,
    wish: &PartitionAlteration,
) -> Result<(), ErrorCode> {
    if image.topic(wish.partition.topic).is_none() {
        return Err(ErrorCode::UnknownTopicId);
    }
    let partition = find(image, wish.partition).ok_or(ErrorCode::UnknownTopicOrPartition)?;
    if wish.leader_epoch > partition.leader_epoch
        || wish.partition_epoch > partition.partition_epoch
    {
        // The sender has seen what this controller has not: it is not the active one any more.
        return Err(ErrorCode::NotController);
    }
    if wish.leader_epoch < partition.leader_epoch {
        return Err(ErrorCode::FencedLeaderEpoch);
    }
    if partition.leader != Some(broker) {
        return Err(ErrorCode::InvalidRequest);
    }
    if wish.partition_epoch < partition.partition_epoch {
        return Err(ErrorCode::InvalidUpdateVersion);
    }
    let mut seen = BTreeSet::new();
    let replicas = &partition.replicas;
    if !wish.new_isr.iter().all(|(id, _)| replicas.contains(id) && seen.insert(*id)) {
        return Err(ErrorCode::InvalidRequest);
    }
    if !seen.contains(&broker) {
        return Err(ErrorCode::InvalidRequest);
    }
    if wish.leader_recovering && (wish.new_isr.len() > 1 || !partition.leader_recovering) {
        return Err(ErrorCode::InvalidRequest);
    }
    // KIP-903: an incarnation that the leader has not met must not slip into the set.
    let eligible = |id: BrokerId, epoch: i64| {
        image
            .broker(id)
            .is_some_and(|known| known.is_active() && (epoch == -1 || epoch == known.epoch))
    };
    if !wish.new_isr.iter().all(|&(id, epoch)| eligible(id, epoch)) {
        return Err(ErrorCode::IneligibleReplica);
    }
    Ok(())
}

pub(super) fn assign_directories(
    out: &mut Emitter,
    command: &AssignReplicasToDirs,
    context: &DecideContext<'_>,
) -> Result<CommandReply, CommandError> {
    check_broker_epoch(out.image(), command.broker, command.broker_epoch)?;
    check_item_count(command.replicas.len())?;
    let mut results = Vec::with_capacity(command.replicas.len());
    for replica in &command.replicas {
        let outcome = match plan_directory(out.image(), command.broker, replica, context) {
            Err(code) => Err(code.into()),
            Ok(None) => Ok(()),
            Ok(Some(new)) => {
                let TopicPartition { topic, partition } = replica.partition;
                out.emit(Kind::Partition(new.to_record(topic, partition)))?;
                Ok(())
            }
        };
        results.push((replica.partition, outcome));
    }
    Ok(CommandReply::ReplicasAssigned(results))
}

fn plan_directory(
    image: &Image,
    broker: BrokerId,
    replica: &ReplicaDirectory,
    context: &DecideContext<'_>,
) -> Result<Option<PartitionImage>, ErrorCode> {
    let topic = image.topic(replica.partition.topic).ok_or(ErrorCode::UnknownTopicId)?;
    let partition = find(image, replica.partition).ok_or(ErrorCode::UnknownTopicOrPartition)?;
    if !partition.replicas.contains(&broker) {
        return Err(ErrorCode::NotLeaderOrFollower);
    }
    let online =
        image.broker(broker).is_some_and(|known| known.log_dirs.contains(&replica.directory));
    let can_lead = |id: BrokerId| image.is_active(id) && (id != broker || online);
    let mut transition = Transition::new(partition, min_in_sync(image, topic, context), &can_lead);
    transition.directory = Some((broker, replica.directory));
    if !online {
        // The folder is gone, and the replica with it.
        transition.isr.retain(|&id| id != broker);
    }
    Ok(transition.finish())
}

/// A partition of the image.
pub(super) fn find(image: &Image, partition: TopicPartition) -> Option<&PartitionImage> {
    image.topic(partition.topic)?.partition(partition.partition)
}

/// Refuses what an earlier incarnation of a broker sent.
pub(super) fn check_broker_epoch(
    image: &Image,
    broker: BrokerId,
    epoch: i64,
) -> Result<(), CommandError> {
    match image.broker(broker) {
        None => Err(CommandError::new(
            ErrorCode::StaleBrokerEpoch,
            format!("No broker registration found for broker id {broker}"),
        )),
        Some(known) if known.epoch != epoch => Err(CommandError::new(
            ErrorCode::StaleBrokerEpoch,
            format!("Expected broker epoch {}, but got broker epoch {epoch}", known.epoch),
        )),
        Some(_) => Ok(()),
    }
}
