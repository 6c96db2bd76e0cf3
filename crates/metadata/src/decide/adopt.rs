//! Making a topic known of which a broker's folders hold the partitions already.
//!
//! The records are those of a topic that is created; only id, folders and epochs are given.

use super::topics::{check_cluster_size, check_new_name, emit_records, topic_configs};
use super::{DecideContext, Emitter};
use crate::command::{AdoptTopic, CommandError, CommandReply, CreatedTopic};
use crate::image::PartitionImage;
use crate::limits;
use crate::record::{Kind, ProducerIdsRecord};
use headwater_types::{ErrorCode, LeaderEpoch};

pub(super) fn adopt(
    out: &mut Emitter,
    command: &AdoptTopic,
    context: &mut DecideContext<'_>,
) -> Result<CommandReply, CommandError> {
    let before = out.image().clone();
    let refuse = |code, text: String| Err(CommandError::new(code, text));
    if let Some(known) = before.topic(command.id) {
        let text = format!("Topic id {} is that of topic '{}' already.", command.id, known.name);
        return refuse(ErrorCode::TopicAlreadyExists, text);
    }
    check_new_name(&before, &command.name)?;
    // Kafka keeps ids with 120 leading zero bits for itself.
    if command.id.0.iter().take(15).all(|&byte| byte == 0) {
        let text = format!("Topic id {} is not one of a topic.", command.id);
        return refuse(ErrorCode::InvalidRequest, text);
    }
    let partitions = command.partitions.len();
    if partitions == 0 || partitions > limits::PARTITIONS_PER_TOPIC_MAX {
        let text = format!("A topic cannot have {partitions} partitions.");
        return refuse(ErrorCode::InvalidPartitions, text);
    }
    check_cluster_size(&before, partitions)?;
    let Some(broker) = before.broker(command.broker) else {
        let text = format!("Broker {} is not registered.", command.broker);
        return refuse(ErrorCode::BrokerIdNotRegistered, text);
    };
    for partition in &command.partitions {
        if !broker.log_dirs.contains(&partition.directory) {
            let text = format!(
                "Broker {} has not registered the log folder {}.",
                command.broker, partition.directory
            );
            return refuse(ErrorCode::LogDirNotFound, text);
        }
    }
    let configs = topic_configs(&command.name, &command.configs, context)?;
    let may_lead = broker.is_active();
    let images: Vec<PartitionImage> = command
        .partitions
        .iter()
        .map(|partition| PartitionImage {
            replicas: vec![command.broker],
            directories: vec![partition.directory],
            isr: vec![command.broker],
            leader: may_lead.then_some(command.broker),
            leader_epoch: partition
                .last_epoch
                .map_or(LeaderEpoch(0), |last| LeaderEpoch(last.0.saturating_add(1))),
            ..PartitionImage::default()
        })
        .collect();
    let next = command.last_producer.map_or(Some(0), |last| last.0.checked_add(1));
    let Some(next) = next else {
        let text = "No producer id is left behind those of its logs.".to_owned();
        return refuse(ErrorCode::InvalidRequest, text);
    };
    if next > before.next_producer_id() {
        out.emit(Kind::ProducerIds(ProducerIdsRecord {
            next_producer_id: next,
            broker_id: command.broker.0,
            broker_epoch: broker.epoch,
        }))?;
    }
    emit_records(out, command.id, &command.name, &configs, &images)?;
    if command.validate_only {
        out.discard();
    }
    Ok(CommandReply::TopicsCreated(vec![Ok(CreatedTopic {
        id: command.id,
        name: command.name.as_str().into(),
        partitions: i32::try_from(partitions).unwrap_or(i32::MAX),
        replication_factor: 1,
    })]))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::command::{AdoptedPartition, Command, CreateTopics};
    use crate::decide::tests::{World, broker, create};
    use headwater_types::{BrokerId, DirectoryId, PartitionIndex, ProducerId, TopicId};

    fn world() -> World {
        let mut world = World::default();
        world.run(Command::RegisterBroker(broker(1))).unwrap();
        world
    }

    fn orders() -> AdoptTopic {
        let directory = broker(1).log_dirs[0];
        let partition = |epoch| AdoptedPartition { directory, last_epoch: epoch };
        AdoptTopic {
            name: "orders".to_owned(),
            id: TopicId::from_random([9; 16]),
            broker: BrokerId(1),
            partitions: vec![partition(Some(LeaderEpoch(6))), partition(None)],
            last_producer: Some(ProducerId(4711)),
            configs: vec![("retention.ms".to_owned(), Some("7".to_owned()))],
            validate_only: false,
        }
    }

    #[test]
    fn a_topic_keeps_its_id_and_its_leaders_a_higher_epoch() {
        let mut world = world();
        world.run(Command::AdoptTopic(orders())).unwrap();
        let topic = world.image.topic_named("orders").unwrap().clone();
        assert_eq!((topic.id, topic.partition_count()), (orders().id, 2));
        assert_eq!(topic.configs.len(), 1);
        let epoch = |index| topic.partition(PartitionIndex(index)).unwrap().leader_epoch.0;
        assert_eq!((epoch(0), epoch(1)), (7, 0));
        let first = topic.partition(PartitionIndex(0)).unwrap();
        assert_eq!((first.leader, &*first.isr), (Some(BrokerId(1)), &[BrokerId(1)][..]));
        assert_eq!(first.directories, broker(1).log_dirs);
        assert_eq!(world.image.next_producer_id(), 4712, "nobody gets one that the logs know");
        // It restarts as any other topic.
        let again = crate::command::RegisterBroker {
            incarnation_id: DirectoryId::from_random([3; 16]),
            ..broker(1)
        };
        world.run(Command::RegisterBroker(again)).unwrap();
        let topic = world.image.topic_named("orders").unwrap();
        assert_eq!(topic.partition(PartitionIndex(0)).unwrap().leader_epoch.0, 8);
    }

    #[test]
    fn what_cannot_be_is_refused() {
        let code = |world: &mut World, command: AdoptTopic| {
            let before = world.records.len();
            let error = world.run(Command::AdoptTopic(command)).unwrap_err();
            assert_eq!(world.records.len(), before);
            error.code
        };
        let mut fresh = world();
        let with = |change: fn(&mut AdoptTopic)| {
            let mut command = orders();
            change(&mut command);
            command
        };
        assert_eq!(
            code(&mut fresh, with(|one| one.name = "no way".to_owned())),
            ErrorCode::InvalidTopicException
        );
        assert_eq!(code(&mut fresh, with(|one| one.id = TopicId::ZERO)), ErrorCode::InvalidRequest);
        assert_eq!(
            code(&mut fresh, with(|one| one.partitions.clear())),
            ErrorCode::InvalidPartitions
        );
        assert_eq!(
            code(&mut fresh, with(|one| one.broker = BrokerId(2))),
            ErrorCode::BrokerIdNotRegistered
        );
        assert_eq!(
            code(&mut fresh, with(|one| one.last_producer = Some(ProducerId(i64::MAX)))),
            ErrorCode::InvalidRequest
        );
        assert_eq!(
            code(&mut fresh, with(|one| one.partitions[1].directory = DirectoryId::ZERO)),
            ErrorCode::LogDirNotFound
        );
        let topics = CreateTopics { topics: vec![create("orders")], validate_only: false };
        fresh.run(Command::CreateTopics(topics)).unwrap();
        assert_eq!(code(&mut fresh, orders()), ErrorCode::TopicAlreadyExists);
        let mut adopted = world();
        adopted.run(Command::AdoptTopic(with(|one| one.validate_only = true))).unwrap();
        assert_eq!(adopted.image.topic_count(), 0, "it was only asked");
        adopted.run(Command::AdoptTopic(orders())).unwrap();
        assert_eq!(
            code(&mut adopted, with(|one| one.name = "other".to_owned())),
            ErrorCode::TopicAlreadyExists
        );
    }
}
