//! Any sequence of commands: replaying its records from nothing gives the very same image.

use super::tests::{World, broker, create};
use super::*;
use crate::command::*;
use crate::image::{Image, ImageBuilder, Position, delta};
use headwater_types::{BrokerId, LeaderEpoch, PartitionIndex, TopicPartition};
use proptest::prelude::*;

/// A command that is drawn before the image it meets is known.
#[derive(Clone, Debug)]
enum Step {
    Register(i32, u8, bool),
    Unregister(i32),
    Fence(i32),
    Unfence(i32),
    Shutdown(i32),
    Create(Vec<(u8, i32, i16)>, bool),
    Delete(Vec<u8>),
    Widen(u8, i32),
    Config(u8, u8, u8, Option<u8>),
    Ids(i32),
    Shrink(u8, i32),
    Directory(u8, i32, u8),
    Elect(bool),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let broker = 1..5i32;
    let topic = 0..8u8;
    let step = prop_oneof![
        3 => (broker.clone(), 0..3u8, any::<bool>()).prop_map(|(b, i, f)| Step::Register(b, i, f)),
        1 => broker.clone().prop_map(Step::Unregister),
        2 => broker.clone().prop_map(Step::Fence),
        2 => broker.clone().prop_map(Step::Unfence),
        1 => broker.clone().prop_map(Step::Shutdown),
        6 => (
            proptest::collection::vec((topic.clone(), -2..6i32, -2..4i16), 1..4),
            any::<bool>(),
        )
            .prop_map(|(topics, only)| Step::Create(topics, only)),
        2 => proptest::collection::vec(topic.clone(), 1..3).prop_map(Step::Delete),
        2 => (topic.clone(), -1..9i32).prop_map(|(t, n)| Step::Widen(t, n)),
        3 => (topic.clone(), 0..3u8, 0..4u8, proptest::option::of(0..4u8))
            .prop_map(|(t, k, o, v)| Step::Config(t, k, o, v)),
        1 => broker.clone().prop_map(Step::Ids),
        2 => (topic.clone(), 0..4i32).prop_map(|(t, p)| Step::Shrink(t, p)),
        1 => (topic, broker, 0..3u8).prop_map(|(t, b, d)| Step::Directory(t, b, d)),
        1 => any::<bool>().prop_map(Step::Elect),
    ];
    proptest::collection::vec(step, 1..40)
}

fn name(topic: u8) -> String {
    ["a.b", "a_b", "c", "d", "e", "f", "bad name", ""][usize::from(topic)].to_owned()
}

fn command(step: Step, image: &Image) -> Command {
    let epoch = |id: i32| image.broker(BrokerId(id)).map_or(-1, |broker| broker.epoch);
    let place = |topic: u8, partition: i32| TopicPartition {
        topic: image.topic_id(&name(topic)).unwrap_or(Uuid([5; 16])),
        partition: PartitionIndex(partition),
    };
    match step {
        Step::Register(id, incarnation, fenced) => {
            let mut wish = broker(id);
            wish.incarnation_id = Uuid([incarnation; 16]);
            wish.fenced = fenced;
            Command::RegisterBroker(wish)
        }
        Step::Unregister(id) => Command::UnregisterBroker(BrokerId(id)),
        Step::Fence(id) => Command::FenceBroker(BrokerId(id)),
        Step::Unfence(id) => Command::UnfenceBroker(BrokerId(id)),
        Step::Shutdown(id) => Command::ControlledShutdown(BrokerId(id)),
        Step::Create(topics, validate_only) => Command::CreateTopics(CreateTopics {
            topics: topics
                .into_iter()
                .map(|(topic, partitions, replication_factor)| NewTopic {
                    partitions,
                    replication_factor,
                    ..create(&name(topic))
                })
                .collect(),
            validate_only,
        }),
        Step::Delete(topics) => Command::DeleteTopics(DeleteTopics {
            topics: topics.into_iter().map(|topic| TopicRef::Name(name(topic))).collect(),
        }),
        Step::Widen(topic, count) => Command::CreatePartitions(CreatePartitions {
            topics: vec![MorePartitions { name: name(topic), count, assignments: None }],
            validate_only: false,
        }),
        Step::Config(topic, key, op, value) => {
            let resource = match topic {
                0 => ConfigResource::all_brokers(),
                1 => ConfigResource::broker(BrokerId(1)),
                topic => ConfigResource::topic(name(topic)),
            };
            let key = ["min.insync.replicas", "x", "y"][usize::from(key)];
            let changes = vec![ConfigChange {
                name: key.to_owned(),
                op: ConfigOp::from_code(op as i8).unwrap(),
                value: value.map(|value| value.to_string()),
            }];
            let resources = vec![ResourceChanges { resource, changes }];
            Command::IncrementalAlterConfigs(IncrementalAlterConfigs {
                resources,
                validate_only: false,
            })
        }
        Step::Ids(id) => Command::AllocateProducerIds(AllocateProducerIds {
            broker: BrokerId(id),
            broker_epoch: epoch(id),
        }),
        Step::Shrink(topic, partition) => {
            let partition = place(topic, partition);
            let state = image
                .topic(partition.topic)
                .and_then(|topic| topic.partition(partition.partition))
                .cloned()
                .unwrap_or_default();
            let leader = state.leader.unwrap_or(BrokerId(1));
            Command::AlterPartition(AlterPartition {
                broker: leader,
                broker_epoch: epoch(leader.0),
                partitions: vec![PartitionAlteration {
                    partition,
                    leader_epoch: state.leader_epoch,
                    partition_epoch: state.partition_epoch,
                    new_isr: vec![(leader, -1)],
                    leader_recovering: false,
                }],
            })
        }
        Step::Directory(topic, id, directory) => {
            Command::AssignReplicasToDirs(AssignReplicasToDirs {
                broker: BrokerId(id),
                broker_epoch: epoch(id),
                replicas: vec![ReplicaDirectory {
                    partition: place(topic, 0),
                    directory: match directory {
                        0 => broker(id).log_dirs[0],
                        other => Uuid([other; 16]),
                    },
                }],
            })
        }
        Step::Elect(preferred) => Command::ElectLeaders(ElectLeaders {
            election: if preferred { ElectionType::Preferred } else { ElectionType::Unclean },
            partitions: None,
        }),
    }
}

fn check_invariants(image: &Image) {
    let mut partitions = 0;
    for topic in image.topics() {
        assert_eq!(image.topic_id(&topic.name), Some(topic.id));
        assert!(topic.partition_count() > 0);
        for (_, state) in topic.partitions() {
            partitions += 1;
            assert_eq!(state.directories.len(), state.replicas.len());
            assert!(state.isr.iter().all(|id| state.replicas.contains(id)));
            assert!(state.elr.iter().all(|id| state.replicas.contains(id)));
            assert!(!state.elr.iter().any(|id| state.isr.contains(id)));
            if let Some(leader) = state.leader {
                assert!(state.isr.contains(&leader), "{state:?}");
                assert!(image.is_active(leader), "{state:?}");
            }
        }
    }
    assert_eq!(image.partition_count(), partitions);
    assert_eq!(image.topics_by_name().count(), image.topic_count());
}

fn replay(records: impl IntoIterator<Item = MetadataRecord>) -> Image {
    let mut builder = ImageBuilder::new(&Image::default());
    for record in records {
        builder.apply(&record).unwrap();
    }
    builder.finish(Position::default())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn records_alone_make_the_image(steps in steps()) {
        let mut world = World::default();
        for step in steps {
            let before = world.image.clone();
            let from = world.records.len();
            let command = command(step, &before);
            if world.run(command).is_err() {
                prop_assert_eq!(&world.image, &before);
            }
            check_invariants(&world.image);
            // The delta of the changes alone is the one that a comparison finds.
            let mut builder = ImageBuilder::new(&before);
            for record in &world.records[from..] {
                builder.apply(record).unwrap();
            }
            let (again, by_changes) = builder.finish_with_delta(&before, before.position());
            prop_assert_eq!(&again, &world.image);
            prop_assert_eq!(by_changes, delta(&before, &world.image));
        }
        prop_assert_eq!(&replay(world.records.clone()), &world.image);
        prop_assert_eq!(&replay(world.image.to_records()), &world.image);
    }

    #[test]
    fn epochs_never_go_back(steps in steps()) {
        let mut world = World::default();
        for step in steps {
            let before = world.image.clone();
            let _ = world.run(command(step, &before));
            for topic in before.topics() {
                let Some(now) = world.image.topic(topic.id) else { continue };
                for (index, old) in topic.partitions() {
                    let new = now.partition(index).unwrap();
                    prop_assert!(new.leader_epoch >= old.leader_epoch);
                    prop_assert!(new.partition_epoch >= old.partition_epoch);
                    if new.leader != old.leader {
                        prop_assert!(new.leader_epoch > old.leader_epoch);
                    }
                    prop_assert_eq!(new == old, new.partition_epoch == old.partition_epoch);
                }
            }
        }
    }
}

#[test]
fn what_cannot_be_applied_is_refused() {
    use crate::image::ApplyError;
    use crate::record::{Kind, MetadataRecord, PartitionRecord};
    let image = Image::default();
    let unknown = MetadataRecord { kind: None };
    assert_eq!(crate::image::apply(&image, &unknown), Err(ApplyError::UnknownKind));
    let orphan = MetadataRecord::from(Kind::Partition(PartitionRecord::default()));
    assert!(matches!(crate::image::apply(&image, &orphan), Err(ApplyError::NoSuchTopic { .. })));
    assert_eq!(image.position().epoch, LeaderEpoch(0));
}
