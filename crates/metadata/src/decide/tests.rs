//! Each decision by examples, and what these tests share with the others.

use super::*;
use crate::command::*;
use headwater_types::{BrokerId, DirectoryId};

/// A broker that wants to register.
pub(crate) fn broker(id: i32) -> RegisterBroker {
    let mut bytes = [0xa0u8; 16];
    bytes[12..].copy_from_slice(&id.to_be_bytes());
    RegisterBroker {
        broker: BrokerId(id),
        cluster_id: None,
        incarnation_id: Uuid(bytes),
        endpoints: Vec::new(),
        features: Vec::new(),
        rack: None,
        log_dirs: vec![DirectoryId::from_random(bytes)],
        fenced: false,
    }
}

/// An image in which brokers are registered.
pub(crate) fn image_with_brokers<const N: usize>(brokers: [RegisterBroker; N]) -> Image {
    let mut world = World::default();
    for broker in brokers {
        world.run(Command::RegisterBroker(broker)).unwrap();
    }
    world.image
}

/// An image, and a supply of ids that are different each time.
#[derive(Default)]
pub(crate) struct World {
    pub(crate) image: Image,
    pub(crate) records: Vec<MetadataRecord>,
    next_id: u64,
}

impl World {
    /// Decides a command and moves on to the image after it.
    pub(crate) fn run(&mut self, command: Command) -> Result<CommandReply, CommandError> {
        self.run_under(command, &Policy::free())
    }

    /// The same under other rules.
    pub(crate) fn run_under(
        &mut self,
        command: Command,
        policy: &Policy,
    ) -> Result<CommandReply, CommandError> {
        let next_id = &mut self.next_id;
        let mut ids = || {
            *next_id += 1;
            let mut bytes = [0x11u8; 16];
            bytes[8..].copy_from_slice(&next_id.to_be_bytes());
            bytes
        };
        let mut context = DecideContext::new(0, &mut ids, policy);
        let decision = decide(&self.image, &command, &mut context)?;
        self.image = decision.after.finish(self.image.position());
        self.records.extend(decision.records);
        Ok(decision.reply)
    }
}

/// A topic with defaults all over.
pub(crate) fn create(name: &str) -> NewTopic {
    NewTopic { name: name.to_owned(), ..NewTopic::default() }
}

fn create_all(topics: Vec<NewTopic>) -> Command {
    Command::CreateTopics(CreateTopics { topics, validate_only: false })
}

fn codes<T>(results: &[ItemResult<T>]) -> Vec<ErrorCode> {
    results
        .iter()
        .map(|result| result.as_ref().err().map_or(ErrorCode::None, |error| error.code))
        .collect()
}

fn created(reply: CommandReply) -> Vec<ItemResult<CreatedTopic>> {
    let CommandReply::TopicsCreated(results) = reply else { panic!("{reply:?}") };
    results
}

fn one_broker() -> World {
    World { image: image_with_brokers([broker(1)]), ..World::default() }
}

#[test]
fn a_request_may_succeed_in_part() {
    let mut world = one_broker();
    let mut wide = create("wide");
    wide.partitions = 3;
    let mut none = create("none");
    none.partitions = 0;
    let mut replicas = create("replicas");
    replicas.replication_factor = 2;
    let topics = vec![
        create("a.b"),
        wide,
        create("twice"),
        create("twice"),
        create("no way"),
        none,
        replicas,
    ];
    let results = created(world.run(create_all(topics)).unwrap());
    assert_eq!(
        codes(&results),
        [
            ErrorCode::None,
            ErrorCode::None,
            ErrorCode::InvalidRequest,
            ErrorCode::InvalidRequest,
            ErrorCode::InvalidTopicException,
            ErrorCode::InvalidPartitions,
            ErrorCode::InvalidReplicationFactor,
        ]
    );
    assert_eq!(world.image.topic_count(), 2);
    assert_eq!(world.image.partition_count(), 4);
    let wide = world.image.topic_named("wide").unwrap();
    assert_eq!(results[1].as_ref().unwrap().id, wide.id);
    assert_eq!((wide.partition_count(), wide.replication_factor()), (3, 1));
    for (_, partition) in wide.partitions() {
        assert_eq!(partition.leader, Some(BrokerId(1)));
        assert!(!partition.directories[0].is_zero(), "a broker's only folder is chosen at once");
    }
    let results = created(world.run(create_all(vec![create("a_b"), create("a.b")])).unwrap());
    let messages: Vec<_> =
        results.iter().map(|r| r.clone().unwrap_err().message.unwrap()).collect();
    assert_eq!(
        messages,
        ["Topic 'a_b' collides with existing topic: a.b", "Topic 'a.b' already exists."]
    );
}

#[test]
fn names_are_judged_in_kafkas_words() {
    let message = |name: &str| check_topic_name(name).unwrap_err().message.unwrap();
    assert_eq!(message(""), "Topic name is invalid: the empty string is not allowed");
    assert_eq!(message(".."), "Topic name is invalid: '..' is not allowed");
    assert_eq!(
        message("x/y"),
        "Topic name is invalid: 'x/y' contains one or more characters other than ASCII \
         alphanumerics, '.', '_' and '-'"
    );
    let long = "a".repeat(250);
    assert_eq!(
        message(&long),
        format!(
            "Topic name is invalid: the length of '{long}' is longer than the max allowed length 249"
        )
    );
    assert!(check_topic_name(&long[..249]).is_ok());
}

#[test]
fn validation_alone_changes_nothing() {
    let mut world = one_broker();
    let topics = vec![create("a"), create("b c")];
    let reply = world.run(Command::CreateTopics(CreateTopics { topics, validate_only: true }));
    assert_eq!(
        codes(&created(reply.unwrap())),
        [ErrorCode::None, ErrorCode::InvalidTopicException]
    );
    assert_eq!(world.image.topic_count(), 0);
    assert!(world.records.is_empty());
}

#[test]
fn bounds_hold_at_their_edge() {
    let mut world = one_broker();
    let wide = |partitions| NewTopic { partitions, ..create("wide") };
    let error = world.run(create_all(vec![wide(10_001)])).unwrap_err();
    assert_eq!(error.code, ErrorCode::PolicyViolation);
    assert_eq!(
        error.message.as_deref(),
        Some("Excessively large number of partitions per request.")
    );
    let error = world.run(create_all(vec![wide(10_000)])).unwrap_err();
    assert_eq!(error.code, ErrorCode::PolicyViolation, "the topic itself is one record more");
    world.run(create_all(vec![wide(9_999)])).unwrap();
    assert_eq!(world.image.partition_count(), 9_999);
    let more = |count| {
        let topics = vec![MorePartitions { name: "wide".into(), count, assignments: None }];
        Command::CreatePartitions(CreatePartitions { topics, validate_only: false })
    };
    let outcome = |reply| match reply {
        Ok(CommandReply::PartitionsCreated(results)) => codes(&results)[0],
        other => panic!("{other:?}"),
    };
    assert_eq!(outcome(world.run(more(10_001))), ErrorCode::PolicyViolation);
    assert_eq!(outcome(world.run(more(9_999))), ErrorCode::InvalidPartitions);
    assert_eq!(outcome(world.run(more(-1))), ErrorCode::InvalidPartitions);
    assert_eq!(outcome(world.run(more(10_000))), ErrorCode::None);
    let many = vec![create("x"); limits::ITEMS_PER_COMMAND_MAX + 1];
    assert_eq!(world.run(create_all(many)).unwrap_err().code, ErrorCode::PolicyViolation);
}

#[test]
fn a_manual_assignment_is_checked() {
    let mut world = one_broker();
    let mut case = |assignments: &[(i32, &[i32])], partitions: i32, replication_factor: i16| {
        let assignments = assignments
            .iter()
            .map(|(index, brokers)| {
                let brokers = brokers.iter().map(|&id| BrokerId(id)).collect();
                (headwater_types::PartitionIndex(*index), brokers)
            })
            .collect();
        let topic = NewTopic { assignments, partitions, replication_factor, ..create("manual") };
        created(world.run(create_all(vec![topic])).unwrap())
            .remove(0)
            .map_err(|error| (error.code, error.message.unwrap()))
    };
    let bad = |text: &str| (ErrorCode::InvalidReplicaAssignment, text.to_owned());
    assert_eq!(
        case(&[(0, &[7])], -1, -1).unwrap_err(),
        bad("The manual partition assignment includes broker 7, but no such broker is registered.")
    );
    assert_eq!(
        case(&[(0, &[1, 1])], -1, -1).unwrap_err(),
        bad("The manual partition assignment includes the broker 1 more than once.")
    );
    assert_eq!(
        case(&[(0, &[])], -1, -1).unwrap_err(),
        bad("The manual partition assignment includes an empty replica list.")
    );
    assert_eq!(
        case(&[(1, &[1])], -1, -1).unwrap_err(),
        bad("partitions should be a consecutive 0-based integer sequence")
    );
    assert_eq!(case(&[(0, &[1])], 1, -1).unwrap_err().0, ErrorCode::InvalidRequest);
    assert_eq!(case(&[(0, &[1])], -1, 1).unwrap_err().0, ErrorCode::InvalidRequest);
    assert_eq!(case(&[(0, &[1]), (1, &[1])], -1, -1).unwrap().partitions, 2);
}

#[test]
fn topics_are_deleted_by_name_or_id() {
    let mut world = one_broker();
    world.run(create_all(vec![create("a"), create("b"), create("c"), create("d")])).unwrap();
    let id = |world: &World, name: &str| world.image.topic_id(name).unwrap();
    let (b, c) = (id(&world, "b"), id(&world, "c"));
    let topics = vec![
        TopicRef::Name("a".into()),
        TopicRef::Id(b),
        TopicRef::Name("c".into()),
        TopicRef::Id(c),
        TopicRef::Name("nope".into()),
        TopicRef::Id(Uuid([9; 16])),
        TopicRef::Id(Uuid::ZERO),
        TopicRef::Name("d".into()),
        TopicRef::Name("d".into()),
    ];
    let command = Command::DeleteTopics(DeleteTopics { topics });
    let disabled = Policy { delete_topic_enable: false, ..Policy::free() };
    let error = world.run_under(command.clone(), &disabled).unwrap_err();
    assert_eq!(error.code, ErrorCode::TopicDeletionDisabled);
    let CommandReply::TopicsDeleted(results) = world.run(command).unwrap() else { panic!() };
    let outcomes: Vec<_> = results.iter().map(|result| result.outcome.clone()).collect();
    assert_eq!(
        codes(&outcomes),
        [
            ErrorCode::None,
            ErrorCode::None,
            ErrorCode::InvalidRequest,
            ErrorCode::InvalidRequest,
            ErrorCode::UnknownTopicOrPartition,
            ErrorCode::UnknownTopicId,
            ErrorCode::InvalidRequest,
            ErrorCode::InvalidRequest,
            ErrorCode::InvalidRequest,
        ]
    );
    assert_eq!(results[1].name.as_deref(), Some("b"));
    let left: Vec<_> = world.image.topics_by_name().map(|topic| topic.name.to_string()).collect();
    assert_eq!(left, ["c", "d"]);
    assert_eq!(world.image.partition_count(), 2);
}

/// Rules in which `cleanup.policy` is a list with a default, and `bad` is no config.
struct SomeRules;

impl ConfigRules for SomeRules {
    fn validate(
        &self,
        _: &ConfigResource,
        configs: &Configs,
        _: &Configs,
    ) -> Result<(), CommandError> {
        if configs.contains_key("bad") {
            let text = "Unknown topic config name: bad";
            return Err(CommandError::new(ErrorCode::InvalidConfig, text));
        }
        Ok(())
    }

    fn is_list(&self, _: &ConfigResource, name: &str) -> bool {
        name == "cleanup.policy"
    }

    fn default_value(&self, _: &ConfigResource, name: &str) -> Option<String> {
        (name == "cleanup.policy").then(|| "delete".to_owned())
    }
}

fn change(name: &str, op: ConfigOp, value: Option<&str>) -> ConfigChange {
    ConfigChange { name: name.to_owned(), op, value: value.map(str::to_owned) }
}

#[test]
fn configs_change_step_by_step() {
    let policy = Policy { configs: Arc::new(SomeRules), ..Policy::free() };
    let mut world = one_broker();
    world.run(create_all(vec![create("a")])).unwrap();
    let mut alter = |resource: ConfigResource, changes: Vec<ConfigChange>| {
        let resources = vec![ResourceChanges { resource: resource.clone(), changes }];
        let command = IncrementalAlterConfigs { resources, validate_only: false };
        let reply = world.run_under(Command::IncrementalAlterConfigs(command), &policy);
        let Ok(CommandReply::ConfigsAltered(results)) = reply else { panic!("{reply:?}") };
        let configs = world.image.configs(&resource).map(|configs| {
            configs.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>()
        });
        let outcome = results[0].1.clone();
        outcome
            .map(|()| configs.unwrap_or_default())
            .map_err(|error| (error.code, error.message.unwrap()))
    };
    let topic = || ConfigResource::topic("a");
    use ConfigOp::{Append, Delete, Set, Subtract};
    let append = || vec![change("cleanup.policy", Append, Some("compact"))];
    assert_eq!(alter(topic(), append()).unwrap(), ["cleanup.policy=delete,compact"]);
    assert_eq!(alter(topic(), append()).unwrap(), ["cleanup.policy=delete,compact"]);
    assert_eq!(
        alter(topic(), vec![change("cleanup.policy", Subtract, Some("delete"))]).unwrap(),
        ["cleanup.policy=compact"]
    );
    let set = vec![change("retention.ms", Set, Some("5")), change("cleanup.policy", Delete, None)];
    assert_eq!(alter(topic(), set).unwrap(), ["retention.ms=5"]);
    let refused = |code, text: &str| Err((code, text.to_owned()));
    assert_eq!(
        alter(topic(), vec![change("retention.ms", Append, Some("5"))]),
        refused(
            ErrorCode::InvalidConfig,
            "Can't APPEND to key retention.ms because its type is not LIST."
        )
    );
    assert_eq!(
        alter(topic(), vec![change("retention.ms", Set, None)]),
        refused(ErrorCode::InvalidRequest, "Null value not supported for : retention.ms")
    );
    assert_eq!(
        alter(topic(), vec![change("x", Delete, None), change("x", Delete, None)]),
        refused(ErrorCode::InvalidRequest, "Error due to duplicate config keys")
    );
    assert_eq!(
        alter(ConfigResource::topic("b"), vec![change("retention.ms", Set, Some("5"))]),
        refused(ErrorCode::UnknownTopicOrPartition, "The topic 'b' does not exist.")
    );
    assert_eq!(
        alter(topic(), vec![change("bad", Set, Some("5")), change("retention.ms", Delete, None)]),
        refused(ErrorCode::InvalidConfig, "Unknown topic config name: bad")
    );
    let long = "x".repeat(limits::CONFIG_VALUE_BYTES_MAX + 1);
    let error = alter(topic(), vec![change("k", Set, Some(&long))]).unwrap_err();
    assert_eq!(error.0, ErrorCode::InvalidConfig);
    assert!(alter(topic(), vec![change("k", Set, Some(&long[1..]))]).is_ok());
    let broker = |name: &str| ConfigResource {
        kind: crate::image::ConfigResourceKind::Broker,
        name: name.into(),
    };
    let set = || vec![change("log.retention.ms", Set, Some("5"))];
    assert_eq!(alter(broker(""), set()).unwrap(), ["log.retention.ms=5"]);
    assert_eq!(alter(broker("1"), set()).unwrap(), ["log.retention.ms=5"]);
    assert_eq!(alter(broker("7"), set()).unwrap_err().0, ErrorCode::BrokerIdNotRegistered);
    assert_eq!(alter(broker("x"), set()).unwrap_err().0, ErrorCode::InvalidRequest);
    assert!(alter(broker("1"), vec![change("log.retention.ms", Delete, None)]).unwrap().is_empty());
}

#[test]
fn the_older_call_replaces_everything() {
    let mut world = one_broker();
    let mut topic = create("a");
    topic.configs = vec![("x".into(), Some("1".into())), ("y".into(), Some("2".into()))];
    world.run(create_all(vec![topic])).unwrap();
    let resource = ConfigResource::topic("a");
    let changes = vec![change("y", ConfigOp::Set, Some("3"))];
    let resources = vec![ResourceChanges { resource: resource.clone(), changes }];
    world.run(Command::AlterConfigs(AlterConfigs { resources, validate_only: false })).unwrap();
    let configs = world.image.configs(&resource).unwrap();
    assert_eq!(configs.len(), 1);
    assert_eq!(configs.get("y").map(|value| &**value), Some("3"));
    let nulls = NewTopic { configs: vec![("z".into(), None)], ..create("b") };
    let results = created(world.run(create_all(vec![nulls])).unwrap());
    assert_eq!(
        results[0].clone().unwrap_err().message.as_deref(),
        Some("Null value not supported for topic configs: z")
    );
}

#[test]
fn a_registration_is_idempotent_and_a_new_incarnation_is_not() {
    let mut world = World::default();
    let register = |world: &mut World, broker: RegisterBroker| match world
        .run(Command::RegisterBroker(broker))
    {
        Ok(CommandReply::BrokerRegistered { epoch }) => epoch,
        other => panic!("{other:?}"),
    };
    let first = register(&mut world, broker(1));
    let records = world.records.len();
    assert_eq!(register(&mut world, broker(1)), first);
    assert_eq!(world.records.len(), records, "nothing new was said");
    world.run(create_all(vec![create("a")])).unwrap();
    let mut again = broker(1);
    again.incarnation_id = Uuid([3; 16]);
    assert_eq!(register(&mut world, again), first + 1);
    let topic = world.image.topic_named("a").unwrap();
    let partition = topic.partition(headwater_types::PartitionIndex(0)).unwrap();
    assert_eq!(partition.leader, Some(BrokerId(1)));
    assert_eq!(partition.leader_epoch.0, 1, "its log may end earlier than before");

    let mut other = broker(2);
    other.log_dirs = broker(1).log_dirs;
    let error = world.run(Command::RegisterBroker(other)).unwrap_err();
    assert_eq!(error.code, ErrorCode::InvalidRegistration);
    world
        .run(Command::InitializeCluster(InitializeCluster {
            cluster_id: "one".into(),
            features: vec![("headwater.version".into(), 1)],
        }))
        .unwrap();
    let mut foreign = broker(2);
    foreign.cluster_id = Some("two".into());
    let error = world.run(Command::RegisterBroker(foreign)).unwrap_err();
    assert_eq!(error.code, ErrorCode::InconsistentClusterId);
    let error = world.run(Command::RegisterBroker(broker(2))).unwrap_err();
    assert_eq!(error.code, ErrorCode::UnsupportedVersion, "it does not know headwater.version");
}

#[test]
fn leaders_move_when_a_broker_goes_and_come_back_with_it() {
    let mut world = World { image: image_with_brokers([broker(1), broker(2)]), ..World::default() };
    let mut topic = create("a");
    topic.partitions = 4;
    topic.replication_factor = 2;
    world.run(create_all(vec![topic])).unwrap();
    let leaders = |world: &World| -> Vec<i32> {
        let topic = world.image.topic_named("a").unwrap();
        topic.partitions().map(|(_, p)| p.leader.map_or(-1, |id| id.0)).collect()
    };
    assert_eq!(leaders(&world).iter().filter(|&&id| id == 1).count(), 2);
    world.run(Command::FenceBroker(BrokerId(1))).unwrap();
    assert_eq!(leaders(&world), [2; 4]);
    world.run(Command::FenceBroker(BrokerId(2))).unwrap();
    assert_eq!(leaders(&world), [-1; 4]);
    world.run(Command::UnfenceBroker(BrokerId(1))).unwrap();
    assert_eq!(leaders(&world), [-1; 4], "only 2 has everything");
    world.run(Command::UnfenceBroker(BrokerId(2))).unwrap();
    assert_eq!(leaders(&world), [2; 4]);

    let id = world.image.topic_id("a").unwrap();
    let place = headwater_types::TopicPartition {
        topic: id,
        partition: headwater_types::PartitionIndex(0),
    };
    let state = world.image.topic(id).unwrap().partition(place.partition).unwrap().clone();
    let epoch = |world: &World, id| world.image.broker(BrokerId(id)).unwrap().epoch;
    let wish = PartitionAlteration {
        partition: place,
        leader_epoch: state.leader_epoch,
        partition_epoch: state.partition_epoch,
        new_isr: vec![(BrokerId(2), -1), (BrokerId(1), epoch(&world, 1))],
        leader_recovering: false,
    };
    let alter = |world: &mut World, wish: &PartitionAlteration| {
        let command = AlterPartition {
            broker: BrokerId(2),
            broker_epoch: epoch(world, 2),
            partitions: vec![wish.clone()],
        };
        match world.run(Command::AlterPartition(command)).unwrap() {
            CommandReply::PartitionsAltered(results) => results[0].1.clone(),
            other => panic!("{other:?}"),
        }
    };
    let stale =
        PartitionAlteration { new_isr: vec![(BrokerId(2), -1), (BrokerId(1), 99)], ..wish.clone() };
    assert_eq!(alter(&mut world, &stale).unwrap_err().code, ErrorCode::IneligibleReplica);
    let without_leader = PartitionAlteration { new_isr: vec![(BrokerId(1), -1)], ..wish.clone() };
    assert_eq!(alter(&mut world, &without_leader).unwrap_err().code, ErrorCode::InvalidRequest);
    assert_eq!(alter(&mut world, &wish).unwrap().isr.len(), 2);
    assert_eq!(alter(&mut world, &wish).unwrap_err().code, ErrorCode::InvalidUpdateVersion);

    let elect = |partitions| {
        Command::ElectLeaders(ElectLeaders { election: ElectionType::Preferred, partitions })
    };
    let CommandReply::LeadersElected(results) = world.run(elect(Some(vec![place]))).unwrap() else {
        panic!()
    };
    let preferred = state.replicas[0];
    let expected =
        if preferred == BrokerId(2) { ErrorCode::ElectionNotNeeded } else { ErrorCode::None };
    assert_eq!(codes(&[results[0].1.clone()]), [expected]);
    assert_eq!(leaders(&world)[0], preferred.0);
}

#[test]
fn producer_ids_come_in_blocks_and_never_twice() {
    let mut world = one_broker();
    let broker_epoch = world.image.broker(BrokerId(1)).unwrap().epoch;
    let ask = |broker_epoch| {
        Command::AllocateProducerIds(AllocateProducerIds { broker: BrokerId(1), broker_epoch })
    };
    let first = |reply| match reply {
        Ok(CommandReply::ProducerIds { first, count: 1000 }) => first.0,
        other => panic!("{other:?}"),
    };
    assert_eq!(first(world.run(ask(broker_epoch))), 0);
    assert_eq!(first(world.run(ask(broker_epoch))), 1000);
    assert_eq!(world.run(ask(broker_epoch + 1)).unwrap_err().code, ErrorCode::StaleBrokerEpoch);
}

#[test]
fn features_go_up_by_default_and_down_on_purpose() {
    let range = crate::image::FeatureRange { min_level: 0, max_level: 2 };
    let policy = Policy { features: vec![("group.version".into(), range)], ..Policy::free() };
    let mut world = World::default();
    let mut update = |name: &str, level, upgrade_type| {
        let updates = vec![FeatureUpdate { name: name.into(), level, upgrade_type }];
        let command = UpdateFeatures { updates, validate_only: false };
        world.run_under(Command::UpdateFeatures(command), &policy).map(|_| ()).map_err(|e| e.code)
    };
    assert_eq!(update("group.version", 2, UpgradeType::Upgrade), Ok(()));
    assert_eq!(
        update("group.version", 1, UpgradeType::Upgrade),
        Err(ErrorCode::InvalidUpdateVersion)
    );
    assert_eq!(update("group.version", 0, UpgradeType::SafeDowngrade), Ok(()));
    assert_eq!(
        update("group.version", 3, UpgradeType::Upgrade),
        Err(ErrorCode::InvalidUpdateVersion)
    );
    assert_eq!(update("nope", 1, UpgradeType::Upgrade), Err(ErrorCode::InvalidUpdateVersion));
    let updates = vec![FeatureUpdate {
        name: "group.version".into(),
        level: 5,
        upgrade_type: UpgradeType::Upgrade,
    }];
    let command = UpdateFeatures { updates, validate_only: true };
    let error = world.run_under(Command::UpdateFeatures(command), &policy).unwrap_err();
    assert_eq!(
        error.message.as_deref(),
        Some(
            "The update failed for all features since the following feature had an error: Invalid \
             update version 5 for feature group.version. Local controller 0 only supports versions \
             0-2"
        )
    );
}
