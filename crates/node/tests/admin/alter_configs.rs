//! AlterConfigs and IncrementalAlterConfigs.

use crate::support::Broker;
use crate::{Outcome, bad, bare, create, good, outcome, text};
use headwater_metadata::image::{ConfigResource, ConfigResourceKind};
use headwater_protocol::messages::{alter_configs, incremental_alter_configs};
use headwater_types::ErrorCode;
use incremental_alter_configs::IncrementalAlterConfigsRequest;
use std::sync::Arc;

const TOPIC: i8 = 2;
const BROKER: i8 = 4;
const LOGGER: i8 = 8;
const CLIENT_METRICS: i8 = 16;
const GROUP: i8 = 32;

const SET: i8 = 0;
const DELETE: i8 = 1;
const APPEND: i8 = 2;
const SUBTRACT: i8 = 3;

type Change<'a> = (&'a str, i8, Option<&'a str>);

fn resource(
    resource_type: i8,
    name: &str,
    changes: &[Change<'_>],
) -> incremental_alter_configs::AlterConfigsResource {
    use incremental_alter_configs::{AlterConfigsResource, AlterableConfig};
    let configs = changes.iter().map(|&(name, config_operation, value)| AlterableConfig {
        name: text(name),
        config_operation,
        value: value.map(text),
        ..AlterableConfig::default()
    });
    AlterConfigsResource {
        resource_type,
        resource_name: text(name),
        configs: configs.collect(),
        ..AlterConfigsResource::default()
    }
}

fn request(
    resources: Vec<incremental_alter_configs::AlterConfigsResource>,
) -> IncrementalAlterConfigsRequest {
    IncrementalAlterConfigsRequest { resources, ..IncrementalAlterConfigsRequest::default() }
}

fn told(response: &incremental_alter_configs::IncrementalAlterConfigsResponse) -> Vec<Outcome> {
    let responses = response.responses.iter();
    responses
        .map(|one| outcome(&one.resource_name, one.error_code, one.error_message.as_ref()))
        .collect()
}

fn value(broker: &Broker, kind: ConfigResourceKind, name: &str, config: &str) -> Option<String> {
    let resource = ConfigResource { kind, name: Arc::from(name) };
    broker.image.configs(&resource)?.get(config).map(ToString::to_string)
}

#[test]
fn configs_are_set_deleted_appended_to_and_subtracted_from() {
    let mut broker = Broker::start();
    create(&mut broker, "t", 1, &[("retention.ms", "1000")]);
    let steps: [(Change<'_>, Option<&str>); 6] = [
        (("cleanup.policy", APPEND, Some("compact")), Some("delete,compact")),
        (("cleanup.policy", APPEND, Some("compact")), Some("delete,compact")),
        (("cleanup.policy", SUBTRACT, Some("delete")), Some("compact")),
        (("cleanup.policy", SET, Some("delete")), Some("delete")),
        (("cleanup.policy", DELETE, None), None),
        (("retention.ms", SET, Some("5000")), None),
    ];
    for (change, expected) in steps {
        let response = broker.ask(1, &request(vec![resource(TOPIC, "t", &[change])]));
        assert_eq!(told(&response), [good("t")], "{change:?}");
        let found = value(&broker, ConfigResourceKind::Topic, "t", "cleanup.policy");
        assert_eq!(found.as_deref(), expected, "{change:?}");
    }
    let kept = value(&broker, ConfigResourceKind::Topic, "t", "retention.ms");
    assert_eq!(kept.as_deref(), Some("5000"));
}

#[test]
fn every_kind_of_resource_can_be_altered() {
    let mut broker = Broker::start();
    create(&mut broker, "t", 1, &[]);
    let response = broker.ask(
        1,
        &request(vec![
            resource(TOPIC, "t", &[("retention.ms", SET, Some("1000"))]),
            resource(BROKER, "", &[("log.retention.ms", SET, Some("2000"))]),
            resource(BROKER, "1", &[("log.retention.ms", SET, Some("3000"))]),
            resource(CLIENT_METRICS, "sub", &[("interval.ms", SET, Some("4000"))]),
            resource(GROUP, "g", &[("consumer.session.timeout.ms", SET, Some("46000"))]),
        ]),
    );
    assert_eq!(told(&response), ["t", "", "1", "sub", "g"].map(good));
    use ConfigResourceKind as Kind;
    for (kind, name, config, expected) in [
        (Kind::Topic, "t", "retention.ms", "1000"),
        (Kind::Broker, "", "log.retention.ms", "2000"),
        (Kind::Broker, "1", "log.retention.ms", "3000"),
        (Kind::ClientMetrics, "sub", "interval.ms", "4000"),
        (Kind::Group, "g", "consumer.session.timeout.ms", "46000"),
    ] {
        assert_eq!(value(&broker, kind, name, config).as_deref(), Some(expected), "{config}");
    }
    let settings = &broker.node.view().settings;
    assert_eq!(settings.num_partitions, 1, "the settings in force were resolved anew");
}

#[test]
fn every_way_to_fail_has_kafkas_code_and_words() {
    let mut broker = Broker::start();
    for name in ["a", "b", "c", "d", "e", "f"] {
        create(&mut broker, name, 1, &[]);
    }
    let one = ("retention.ms", SET, Some("1"));
    let threads = ("num.io.threads", SET, Some("9"));
    use ErrorCode::{InvalidConfig, InvalidRequest, UnknownTopicOrPartition};
    let cases = [
        (
            resource(TOPIC, "nosuch", &[one]),
            UnknownTopicOrPartition,
            "The topic 'nosuch' does not exist.",
        ),
        (resource(TOPIC, "", &[one]), InvalidRequest, "Default topic resources are not allowed."),
        (
            resource(TOPIC, "a", &[("nope", SET, Some("1"))]),
            InvalidConfig,
            "Unknown topic config name: nope",
        ),
        (
            resource(TOPIC, "b", &[("retention.ms", SET, Some("x"))]),
            InvalidConfig,
            "Invalid value x for configuration retention.ms: Not a number of type LONG",
        ),
        (
            resource(TOPIC, "c", &[("retention.ms", SET, None)]),
            InvalidRequest,
            "Null value not supported for : retention.ms",
        ),
        (resource(TOPIC, "d", &[one, one]), InvalidRequest, "Error due to duplicate config keys"),
        (
            resource(TOPIC, "e", &[("retention.ms", APPEND, Some("1"))]),
            InvalidConfig,
            "Can't APPEND to key retention.ms because its type is not LIST.",
        ),
        (
            resource(TOPIC, "f", &[("retention.ms", 9, Some("1"))]),
            InvalidRequest,
            "Unknown operations type 9",
        ),
        (
            resource(BROKER, "2", &[threads]),
            InvalidRequest,
            "Unexpected broker id, expected 1, but received 2",
        ),
        (
            resource(BROKER, "x", &[threads]),
            InvalidRequest,
            "Node id must be an integer, but it is: x",
        ),
        (
            resource(BROKER, "1", &[("node.id", SET, Some("9"))]),
            InvalidRequest,
            "Cannot update these configs dynamically: [node.id]",
        ),
        (
            resource(CLIENT_METRICS, "bad", &[("nope", SET, Some("1"))]),
            InvalidRequest,
            "Unknown client metrics configuration: nope",
        ),
        (resource(1, "x", &[one]), InvalidRequest, "Unknown resource type 1"),
        (resource(99, "x", &[one]), InvalidRequest, "Unknown resource type 99"),
        (
            resource(LOGGER, "2", &[("root", SET, Some("DEBUG"))]),
            InvalidRequest,
            "Unexpected node id. Expected 1, but received 2",
        ),
        (
            resource(LOGGER, "", &[("root", SET, Some("DEBUG"))]),
            InvalidRequest,
            "Node id must be an integer, but it is: ",
        ),
        (
            resource(LOGGER, "1", &[("root", APPEND, Some("DEBUG"))]),
            InvalidRequest,
            "APPEND operation is not allowed for the BROKER_LOGGER resource",
        ),
    ];
    let expected: Vec<_> =
        cases.iter().map(|(one, code, text)| bad(&one.resource_name, *code, text)).collect();
    let response = broker.ask(1, &request(cases.into_iter().map(|(one, _, _)| one).collect()));
    assert_eq!(told(&response), expected);
    assert_eq!(broker.image.config_resources().count(), 0);
}

#[test]
fn a_logger_that_is_not_there_cannot_be_set() {
    let mut broker = Broker::start();
    let asked = request(vec![resource(LOGGER, "1", &[("kafka.log", SET, Some("DEBUG"))])]);
    let response = broker.ask(1, &asked);
    let expected = bad("1", ErrorCode::InvalidConfig, "Logger kafka.log does not exist!");
    assert_eq!(told(&response), [expected]);
    let response = broker.ask(1, &request(vec![resource(LOGGER, "1", &[])]));
    assert_eq!(told(&response), [good("1")]);
}

#[test]
fn a_resource_named_twice_is_not_altered_at_all() {
    let mut broker = Broker::start();
    create(&mut broker, "t", 1, &[]);
    let response = broker.ask(
        1,
        &request(vec![
            resource(TOPIC, "t", &[("retention.ms", SET, Some("1"))]),
            resource(TOPIC, "t", &[("cleanup.policy", SET, Some("compact"))]),
        ]),
    );
    let text = "Each resource must appear at most once.";
    let refused = bad("t", ErrorCode::InvalidRequest, text);
    assert_eq!(told(&response), [refused.clone(), refused]);
    assert_eq!(value(&broker, ConfigResourceKind::Topic, "t", "retention.ms"), None);
}

#[test]
fn validating_only_changes_nothing() {
    let mut broker = Broker::start();
    create(&mut broker, "t", 1, &[]);
    let asked = IncrementalAlterConfigsRequest {
        validate_only: true,
        ..request(vec![resource(TOPIC, "t", &[("retention.ms", SET, Some("1"))])])
    };
    assert_eq!(told(&broker.ask(0, &asked)), [good("t")]);
    assert_eq!(value(&broker, ConfigResourceKind::Topic, "t", "retention.ms"), None);
}

#[test]
fn a_silent_controller_is_waited_for_as_long_as_configured() {
    let mut broker = Broker::start();
    create(&mut broker, "t", 1, &[]);
    broker.controller_answers = false;
    let asked = request(vec![
        resource(TOPIC, "t", &[("retention.ms", SET, Some("1"))]),
        resource(1, "x", &[]),
    ]);
    broker.send(1, &asked);
    broker.pass(29_999);
    assert!(broker.answer::<IncrementalAlterConfigsRequest>(1).is_none());
    broker.pass(1);
    let response = broker.answer::<IncrementalAlterConfigsRequest>(1).expect("an answer");
    let expected = [
        bare("t", ErrorCode::RequestTimedOut),
        bad("x", ErrorCode::InvalidRequest, "Unknown resource type 1"),
    ];
    assert_eq!(told(&response), expected);
}

#[test]
fn too_many_resources_are_refused_with_a_bounded_answer() {
    let mut broker = Broker::start();
    let wide = [("retention.ms", SET, Some("1")); 20_001];
    let response = broker.ask(1, &request(vec![resource(TOPIC, "t", &wide)]));
    let text = "Unable to perform excessively large batch operation.";
    assert_eq!(told(&response), [bad("t", ErrorCode::PolicyViolation, text)]);
    let many = (0..50_000).map(|n| resource(TOPIC, &n.to_string(), &[])).collect();
    let response = broker.ask(1, &request(many));
    assert_eq!(response.responses.len(), 20_000);
    let policy = ErrorCode::PolicyViolation.code();
    assert!(response.responses.iter().all(|one| one.error_code == policy));
}

/// Configs by name; `None` is a null value.
type Entries<'a> = &'a [(&'a str, Option<&'a str>)];

/// The older request: resource and its configs.
fn replace(
    broker: &mut Broker,
    resources: &[(i8, &str, Entries<'_>)],
    validate_only: bool,
) -> Vec<Outcome> {
    use alter_configs::{AlterConfigsRequest, AlterConfigsResource, AlterableConfig};
    let resources = resources.iter().map(|&(resource_type, name, configs)| AlterConfigsResource {
        resource_type,
        resource_name: text(name),
        configs: configs
            .iter()
            .map(|&(name, value)| AlterableConfig {
                name: text(name),
                value: value.map(text),
                ..AlterableConfig::default()
            })
            .collect(),
        ..AlterConfigsResource::default()
    });
    let request = AlterConfigsRequest {
        resources: resources.collect(),
        validate_only,
        ..AlterConfigsRequest::default()
    };
    let response = broker.ask(2, &request);
    let responses = response.responses.iter();
    responses
        .map(|one| outcome(&one.resource_name, one.error_code, one.error_message.as_ref()))
        .collect()
}

#[test]
fn the_older_request_replaces_all_that_is_set() {
    let mut broker = Broker::start();
    create(&mut broker, "t", 1, &[("retention.ms", "1"), ("cleanup.policy", "compact")]);
    let change: &[_] = &[("retention.ms", Some("2"))];
    assert_eq!(replace(&mut broker, &[(TOPIC, "t", change)], true), [good("t")]);
    let policy = |broker: &Broker| value(broker, ConfigResourceKind::Topic, "t", "cleanup.policy");
    assert_eq!(policy(&broker).as_deref(), Some("compact"), "only checked");
    assert_eq!(replace(&mut broker, &[(TOPIC, "t", change)], false), [good("t")]);
    assert_eq!(policy(&broker), None, "it was not named");
    let retention = value(&broker, ConfigResourceKind::Topic, "t", "retention.ms");
    assert_eq!(retention.as_deref(), Some("2"));
}

#[test]
fn the_older_request_fails_with_kafkas_codes_and_words() {
    let mut broker = Broker::start();
    for name in ["a", "b"] {
        create(&mut broker, name, 1, &[]);
    }
    let one: &[_] = &[("retention.ms", Some("1"))];
    let outcomes = replace(
        &mut broker,
        &[
            (TOPIC, "nosuch", one),
            (TOPIC, "a", &[("retention.ms", None)]),
            (TOPIC, "b", &[("retention.ms", Some("1")), ("retention.ms", Some("2"))]),
            (LOGGER, "1", &[("root", Some("INFO"))]),
            (BROKER, "2", &[("num.io.threads", Some("9"))]),
            (1, "x", &[]),
            (GROUP, "g", &[]),
            (GROUP, "g", &[]),
        ],
        false,
    );
    use ErrorCode::{InvalidRequest, UnknownTopicOrPartition};
    let twice = bad("g", InvalidRequest, "Each resource must appear at most once.");
    let expected = [
        bad("nosuch", UnknownTopicOrPartition, "The topic 'nosuch' does not exist."),
        bad("a", InvalidRequest, "Null value not supported for : retention.ms"),
        bad("b", InvalidRequest, "Error due to duplicate config keys"),
        bad("1", InvalidRequest, "Unknown resource type 8"),
        bad("2", InvalidRequest, "Unexpected broker id, expected 1, but received 2"),
        bad("x", InvalidRequest, "Unknown resource type 1"),
        twice.clone(),
        twice,
    ];
    assert_eq!(outcomes, expected);
}
