//! CreateTopics, CreatePartitions and DeleteTopics.

use crate::support::{Broker, Options};
use crate::{Outcome, bad, bare, create, good, outcome, text};
use headwater_protocol::messages::create_partitions::{
    CreatePartitionsAssignment, CreatePartitionsRequest, CreatePartitionsTopic,
};
use headwater_protocol::messages::create_topics::{
    CreatableReplicaAssignment, CreatableTopic, CreatableTopicConfig, CreatableTopicResult,
    CreateTopicsRequest,
};
use headwater_protocol::messages::delete_topics::{DeleteTopicState, DeleteTopicsRequest};
use headwater_types::{ErrorCode, Uuid};
use std::sync::Arc;

fn topic(name: &str, partitions: i32, replicas: i16) -> CreatableTopic {
    CreatableTopic {
        name: text(name),
        num_partitions: partitions,
        replication_factor: replicas,
        ..CreatableTopic::default()
    }
}

fn with_config(name: &str, config: &str, value: Option<&str>) -> CreatableTopic {
    let config = CreatableTopicConfig {
        name: text(config),
        value: value.map(text),
        ..CreatableTopicConfig::default()
    };
    CreatableTopic { configs: vec![config], ..topic(name, 1, 1) }
}

fn assigned(name: &str, partitions: i32, replicas: i16, index: i32, on: i32) -> CreatableTopic {
    let assignment = CreatableReplicaAssignment {
        partition_index: index,
        broker_ids: vec![on],
        ..CreatableReplicaAssignment::default()
    };
    CreatableTopic { assignments: vec![assignment], ..topic(name, partitions, replicas) }
}

fn request(topics: Vec<CreatableTopic>) -> CreateTopicsRequest {
    CreateTopicsRequest { topics, ..CreateTopicsRequest::default() }
}

fn told(topics: &[CreatableTopicResult]) -> Vec<Outcome> {
    topics
        .iter()
        .map(|one| outcome(&one.name, one.error_code, one.error_message.as_ref()))
        .collect()
}

#[test]
fn every_way_to_fail_has_kafkas_code_and_words() {
    let mut broker = Broker::start();
    create(&mut broker, "there", 1, &[]);
    create(&mut broker, "a.b", 1, &[]);
    let asked = request(vec![
        topic("there", 1, 1),
        topic("a_b", 1, 1),
        topic("bad name", 1, 1),
        topic("", 1, 1),
        topic("none", 0, 1),
        topic("far", 1, 9),
        with_config("unknown", "nope", Some("1")),
        with_config("word", "retention.ms", Some("x")),
        with_config("null", "retention.ms", None),
        topic("__cluster_metadata", 1, 1),
        assigned("counted", 1, 1, 0, 1),
        assigned("gap", -1, -1, 1, 1),
        assigned("nobody", -1, -1, 0, 7),
        topic("twice", 1, 1),
        topic("twice", 2, 1),
        topic("fine", 1, 1),
    ]);
    let response = broker.ask(7, &asked);
    use ErrorCode::{
        InvalidConfig, InvalidPartitions, InvalidReplicaAssignment, InvalidReplicationFactor,
        InvalidRequest, InvalidTopicException, TopicAlreadyExists,
    };
    let expected = [
        bad("there", TopicAlreadyExists, "Topic 'there' already exists."),
        bad("a_b", InvalidTopicException, "Topic 'a_b' collides with existing topic: a.b"),
        bad(
            "bad name",
            InvalidTopicException,
            "Topic name is invalid: 'bad name' contains one or more characters other than ASCII \
             alphanumerics, '.', '_' and '-'",
        ),
        bad("", InvalidTopicException, "Topic name is invalid: the empty string is not allowed"),
        bad(
            "none",
            InvalidPartitions,
            "Number of partitions was set to an invalid non-positive value.",
        ),
        bad(
            "far",
            InvalidReplicationFactor,
            "Unable to replicate the partition 9 time(s): The target replication factor of 9 \
             cannot be reached because only 1 broker(s) are registered or some brokers have all \
             their log directories cordoned.",
        ),
        bad("unknown", InvalidConfig, "Unknown topic config name: nope"),
        bad(
            "word",
            InvalidConfig,
            "Invalid value x for configuration retention.ms: Not a number of type LONG",
        ),
        bad("null", InvalidConfig, "Null value not supported for topic configs: retention.ms"),
        bad(
            "__cluster_metadata",
            InvalidRequest,
            "Creation of internal topic __cluster_metadata is prohibited.",
        ),
        bad(
            "counted",
            InvalidRequest,
            "A manual partition assignment was specified, but replication factor was not set to \
             -1.",
        ),
        bad(
            "gap",
            InvalidReplicaAssignment,
            "partitions should be a consecutive 0-based integer sequence",
        ),
        bad(
            "nobody",
            InvalidReplicaAssignment,
            "The manual partition assignment includes broker 7, but no such broker is registered.",
        ),
        bad("twice", InvalidRequest, "Duplicate topic name."),
        good("fine"),
    ];
    assert_eq!(told(&response.topics), expected);
    for refused in response.topics.iter().filter(|one| one.error_code != 0) {
        let nothing = (Uuid::ZERO, -1, -1, Some(Vec::new()));
        let said = (
            refused.topic_id,
            refused.num_partitions,
            refused.replication_factor,
            refused.configs.clone(),
        );
        assert_eq!(said, nothing, "{}", refused.name);
    }
    let names: Vec<_> = broker.image.topics_by_name().map(|topic| topic.name.clone()).collect();
    assert_eq!(names, ["a.b", "fine", "there"].map(Arc::<str>::from));
}

#[test]
fn a_new_topic_is_described_from_version_5_on() {
    let mut broker = Broker::start();
    let mut asked = with_config("orders", "retention.ms", Some("1000"));
    asked.num_partitions = 3;
    let response = broker.ask(7, &request(vec![asked]));
    let [created] = response.topics.as_slice() else { panic!("one answer") };
    assert_eq!((created.num_partitions, created.replication_factor), (3, 1));
    assert_eq!(Some(created.topic_id), broker.image.topic_id("orders"));
    let configs = created.configs.as_ref().expect("configs");
    let find = |name| {
        let found = configs.iter().find(|config| &*config.name == name).expect(name);
        (found.value.as_deref().unwrap_or("null").to_owned(), found.config_source)
    };
    assert_eq!(find("retention.ms"), ("1000".to_owned(), 1), "what the request set");
    assert_eq!(find("cleanup.policy"), ("delete".to_owned(), 5), "a default");
    assert!(configs.iter().all(|config| !config.read_only && !config.is_sensitive));
    assert!(configs.is_sorted_by(|a, b| a.name < b.name));

    let older = broker.ask(4, &request(vec![topic("older", 1, 1)]));
    assert_eq!(told(&older.topics), [good("older")]);
}

#[test]
fn minus_one_stands_for_the_brokers_defaults() {
    let mut broker = Broker::start_with(Options {
        settings: vec![("num.partitions", "4")],
        ..Options::default()
    });
    let response = broker.ask(7, &request(vec![topic("t", -1, -1)]));
    let [created] = response.topics.as_slice() else { panic!("one answer") };
    assert_eq!((created.num_partitions, created.replication_factor), (4, 1));
}

#[test]
fn validating_only_creates_nothing() {
    let mut broker = Broker::start();
    let asked = CreateTopicsRequest {
        validate_only: true,
        ..request(vec![topic("t", 2, 1), topic("bad name", 1, 1)])
    };
    let response = broker.ask(7, &asked);
    let [fine, bad] = response.topics.as_slice() else { panic!("two answers") };
    assert_eq!((fine.error_code, fine.num_partitions), (0, 2));
    assert!(!fine.topic_id.is_zero() && fine.configs.as_ref().is_some_and(|all| !all.is_empty()));
    assert_eq!(bad.error_code, ErrorCode::InvalidTopicException.code());
    assert_eq!(broker.image.topic_count(), 0);
}

#[test]
fn what_the_controller_does_not_decide_in_time_times_out() {
    let mut broker = Broker::start();
    let at_once = CreateTopicsRequest { timeout_ms: 0, ..request(vec![topic("t", 1, 1)]) };
    let response = broker.ask(7, &at_once);
    assert_eq!(told(&response.topics), [bare("t", ErrorCode::RequestTimedOut)]);
    assert_eq!(broker.image.topic_count(), 0, "it was not even tried");

    broker.controller_answers = false;
    let asked = CreateTopicsRequest { timeout_ms: 500, ..request(vec![topic("t", 1, 1)]) };
    broker.send(7, &asked);
    broker.pass(499);
    assert!(broker.answer::<CreateTopicsRequest>(7).is_none(), "not yet");
    broker.pass(1);
    let response = broker.answer::<CreateTopicsRequest>(7).expect("the time is over");
    assert_eq!(told(&response.topics), [bare("t", ErrorCode::RequestTimedOut)]);
    assert_eq!(broker.worker.parked_count(), 0);
}

#[test]
fn a_request_for_too_much_is_refused_and_costs_a_bounded_answer() {
    let mut broker = Broker::start();
    let wide = request(vec![topic("a", 6_000, 1), topic("b", 6_000, 1)]);
    let response = broker.ask(7, &wide);
    let text = "Excessively large number of partitions per request.";
    assert_eq!(
        told(&response.topics),
        [bad("a", ErrorCode::PolicyViolation, text), bad("b", ErrorCode::PolicyViolation, text)]
    );

    let many = request((0..100_000).map(|n| topic(&format!("t{n}"), 1, 1)).collect());
    let response = broker.ask(7, &many);
    assert_eq!(response.topics.len(), 20_000);
    let refused = |one: &CreatableTopicResult| one.error_code == ErrorCode::PolicyViolation.code();
    assert!(response.topics.iter().all(refused));
    assert_eq!(broker.image.topic_count(), 0);
}

fn more(name: &str, count: i32, assignments: Option<&[i32]>) -> CreatePartitionsTopic {
    CreatePartitionsTopic {
        name: text(name),
        count,
        assignments: assignments.map(|brokers| {
            brokers
                .iter()
                .map(|&broker| CreatePartitionsAssignment {
                    broker_ids: vec![broker],
                    ..CreatePartitionsAssignment::default()
                })
                .collect()
        }),
        ..CreatePartitionsTopic::default()
    }
}

fn widen(
    broker: &mut Broker,
    topics: Vec<CreatePartitionsTopic>,
    timeout_ms: i32,
    validate_only: bool,
) -> Vec<Outcome> {
    let request = CreatePartitionsRequest {
        topics,
        timeout_ms,
        validate_only,
        ..CreatePartitionsRequest::default()
    };
    let response = broker.ask(3, &request);
    let told = response
        .results
        .iter()
        .map(|one| outcome(&one.name, one.error_code, one.error_message.as_ref()));
    told.collect()
}

#[test]
fn topics_become_wider_and_never_narrower() {
    let mut broker = Broker::start();
    for name in ["a", "b", "c", "d", "e"] {
        create(&mut broker, name, 2, &[]);
    }
    let outcomes = widen(
        &mut broker,
        vec![
            more("a", 5, None),
            more("b", 2, None),
            more("c", 0, None),
            more("d", 4, Some(&[1])),
            more("e", 3, Some(&[1])),
            more("nope", 3, None),
            more("twice", 3, None),
            more("twice", 4, None),
        ],
        1_000,
        false,
    );
    use ErrorCode::{
        InvalidPartitions, InvalidReplicaAssignment, InvalidRequest, RequestTimedOut,
        UnknownTopicOrPartition,
    };
    let expected = [
        good("a"),
        bad("b", InvalidPartitions, "Topic already has 2 partition(s)."),
        bad(
            "c",
            InvalidPartitions,
            "The topic c currently has 2 partition(s); 0 would not be an increase.",
        ),
        bad(
            "d",
            InvalidReplicaAssignment,
            "Attempted to add 2 additional partition(s), but only 1 assignment(s) were specified.",
        ),
        good("e"),
        bare("nope", UnknownTopicOrPartition),
        bad("twice", InvalidRequest, "Duplicate topic name."),
    ];
    assert_eq!(outcomes, expected);
    let width = |broker: &Broker, name| {
        broker.image.topic_named(name).map(|topic| topic.partition_count()).expect("it exists")
    };
    assert_eq!(["a", "b", "e"].map(|name| width(&broker, name)), [5, 2, 3]);

    assert_eq!(widen(&mut broker, vec![more("b", 9, None)], 1_000, true), [good("b")]);
    assert_eq!(
        widen(&mut broker, vec![more("b", 9, None)], 0, false),
        [bare("b", RequestTimedOut)]
    );
    assert_eq!(width(&broker, "b"), 2, "only checked, then not in time");
}

fn named(name: &str) -> DeleteTopicState {
    DeleteTopicState { name: Some(text(name)), ..DeleteTopicState::default() }
}

fn by_id(topic_id: Uuid) -> DeleteTopicState {
    DeleteTopicState { name: None, topic_id, ..DeleteTopicState::default() }
}

/// Name, id, code and words of each answer.
fn delete(
    broker: &mut Broker,
    topics: Vec<DeleteTopicState>,
) -> Vec<(Option<String>, Uuid, ErrorCode, Option<String>)> {
    let request =
        DeleteTopicsRequest { topics, timeout_ms: 1_000, ..DeleteTopicsRequest::default() };
    let response = broker.ask(6, &request);
    response
        .responses
        .iter()
        .map(|one| {
            let name = one.name.as_ref().map(ToString::to_string);
            let message = one.error_message.as_ref().map(ToString::to_string);
            (name, one.topic_id, crate::code(one.error_code), message)
        })
        .collect()
}

#[test]
fn topics_are_deleted_by_name_and_by_id() {
    let mut broker = Broker::start();
    let ids = ["a", "b", "c", "d"].map(|name| create(&mut broker, name, 1, &[]));
    let unknown = Uuid([120; 16]);
    let both = DeleteTopicState { topic_id: unknown, ..named("c") };
    let outcomes = delete(
        &mut broker,
        vec![
            named("a"),
            by_id(ids[1]),
            named("nope"),
            by_id(unknown),
            by_id(Uuid::ZERO),
            both,
            named("twice"),
            named("twice"),
            named("d"),
            by_id(ids[3]),
        ],
    );
    let name = |name: &str| Some(name.to_owned());
    use ErrorCode::{InvalidRequest, UnknownTopicId, UnknownTopicOrPartition};
    let expected = [
        (name("a"), ids[0], ErrorCode::None, None),
        (name("b"), ids[1], ErrorCode::None, None),
        (
            name("nope"),
            Uuid::ZERO,
            UnknownTopicOrPartition,
            name("This server does not host this topic-partition."),
        ),
        (None, unknown, UnknownTopicId, name("This server does not host this topic ID.")),
        (None, Uuid::ZERO, InvalidRequest, name("Neither topic name nor id were specified.")),
        (
            name("c"),
            unknown,
            InvalidRequest,
            name("You may not specify both topic name and topic id."),
        ),
        (name("twice"), Uuid::ZERO, InvalidRequest, name("Duplicate topic name.")),
        (
            name("d"),
            ids[3],
            InvalidRequest,
            name("The provided topic name maps to an ID that was already supplied."),
        ),
    ];
    assert_eq!(outcomes, expected);
    let left: Vec<_> = broker.image.topics_by_name().map(|topic| topic.name.clone()).collect();
    assert_eq!(left, ["c", "d"].map(Arc::<str>::from));
}

#[test]
fn older_requests_name_topics_in_a_list_of_their_own() {
    let mut broker = Broker::start();
    create(&mut broker, "a", 1, &[]);
    let request = DeleteTopicsRequest {
        topic_names: vec![text("a"), text("nope")],
        timeout_ms: 1_000,
        ..DeleteTopicsRequest::default()
    };
    let response = broker.ask(3, &request);
    let codes: Vec<_> = response.responses.iter().map(|one| crate::code(one.error_code)).collect();
    assert_eq!(codes, [ErrorCode::None, ErrorCode::UnknownTopicOrPartition]);
    let later = DeleteTopicsRequest { timeout_ms: 0, ..request };
    let response = broker.ask(3, &later);
    assert!(response.responses.iter().all(|one| one.error_code == 7), "no time at all");
}

#[test]
fn where_deletion_is_off_nothing_is_deleted() {
    let mut broker = Broker::start_with(Options {
        settings: vec![("delete.topic.enable", "false")],
        ..Options::default()
    });
    create(&mut broker, "a", 1, &[]);
    let request = DeleteTopicsRequest {
        topic_names: vec![text("a")],
        timeout_ms: 1_000,
        ..DeleteTopicsRequest::default()
    };
    let code_at = |broker: &mut Broker, version| {
        let response = broker.ask(version, &request);
        crate::code(response.responses.first().expect("one answer").error_code)
    };
    assert_eq!(code_at(&mut broker, 2), ErrorCode::InvalidRequest, "no better code there");
    assert_eq!(code_at(&mut broker, 3), ErrorCode::TopicDeletionDisabled);
    assert_eq!(broker.image.topic_count(), 1);
}
