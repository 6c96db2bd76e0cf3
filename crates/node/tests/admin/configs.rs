//! DescribeConfigs and ListConfigResources.

use crate::support::{Broker, Options};
use crate::{Outcome, bad, code, create, good, outcome, text};
use headwater_metadata::command::{
    Command, ConfigChange, ConfigOp, IncrementalAlterConfigs, ResourceChanges,
};
use headwater_metadata::image::{ConfigResource, ConfigResourceKind};
use headwater_protocol::messages::describe_configs::{
    DescribeConfigsRequest, DescribeConfigsResource, DescribeConfigsResourceResult,
    DescribeConfigsResult,
};
use headwater_protocol::messages::list_config_resources::ListConfigResourcesRequest;
use headwater_types::ErrorCode;
use std::sync::Arc;

const TOPIC: i8 = 2;
const BROKER: i8 = 4;
const LOGGER: i8 = 8;
const CLIENT_METRICS: i8 = 16;
const GROUP: i8 = 32;

fn resource(resource_type: i8, name: &str, keys: Option<&[&str]>) -> DescribeConfigsResource {
    DescribeConfigsResource {
        resource_type,
        resource_name: text(name),
        configuration_keys: keys.map(|keys| keys.iter().map(|key| text(key)).collect()),
        ..DescribeConfigsResource::default()
    }
}

fn describe(
    broker: &mut Broker,
    resources: Vec<DescribeConfigsResource>,
) -> Vec<DescribeConfigsResult> {
    let request = DescribeConfigsRequest {
        resources,
        include_synonyms: true,
        ..DescribeConfigsRequest::default()
    };
    broker.ask(4, &request).results
}

/// One config: value, source, and its synonyms as name, value, source.
type Shown = (Option<String>, i8, Vec<(String, Option<String>, i8)>);

fn shown(results: &[DescribeConfigsResult], place: usize, name: &str) -> Shown {
    let configs = &results.get(place).expect("that many results").configs;
    let config = configs.iter().find(|config| &*config.name == name).expect(name);
    let value = |value: &Option<_>| value.as_ref().map(ToString::to_string);
    let synonyms = config
        .synonyms
        .iter()
        .map(|one| (one.name.to_string(), value(&one.value), one.source))
        .collect();
    (value(&config.value), config.config_source, synonyms)
}

fn set(broker: &mut Broker, kind: ConfigResourceKind, name: &str, config: (&str, &str)) {
    broker.command(Command::IncrementalAlterConfigs(IncrementalAlterConfigs {
        resources: vec![ResourceChanges {
            resource: ConfigResource { kind, name: Arc::from(name) },
            changes: vec![ConfigChange {
                name: config.0.to_owned(),
                op: ConfigOp::Set,
                value: Some(config.1.to_owned()),
            }],
        }],
        validate_only: false,
    }));
}

fn some(text: &str) -> Option<String> {
    Some(text.to_owned())
}

#[test]
fn a_value_is_told_with_where_it_comes_from() {
    let mut broker = Broker::start();
    create(&mut broker, "t", 1, &[("retention.ms", "6000")]);
    set(&mut broker, ConfigResourceKind::Broker, "", ("log.retention.ms", "88888"));
    set(&mut broker, ConfigResourceKind::Broker, "1", ("log.retention.ms", "77777"));
    set(&mut broker, ConfigResourceKind::ClientMetrics, "sub", ("interval.ms", "1000"));
    set(&mut broker, ConfigResourceKind::Group, "g", ("consumer.session.timeout.ms", "46000"));
    let results = describe(
        &mut broker,
        vec![
            resource(TOPIC, "t", Some(&["retention.ms", "nope"])),
            resource(BROKER, "1", Some(&["log.retention.ms", "num.io.threads", "node.id"])),
            resource(BROKER, "", None),
            resource(CLIENT_METRICS, "sub", None),
            resource(GROUP, "g", Some(&["consumer.session.timeout.ms"])),
            resource(LOGGER, "1", None),
        ],
    );
    assert!(results.iter().all(|one| one.error_code == 0 && one.error_message == Some(text(""))));
    let synonym = |name: &str, value: &str, source| (name.to_owned(), some(value), source);
    let behind = [
        synonym("log.retention.ms", "77777", 2),
        synonym("log.retention.ms", "88888", 3),
        synonym("log.retention.hours", "168", 5),
    ];
    let mut topics = vec![synonym("retention.ms", "6000", 1)];
    topics.extend(behind.clone());
    assert_eq!(results[0].configs.len(), 1, "a name that does not exist is left out");
    assert_eq!(shown(&results, 0, "retention.ms"), (some("6000"), 1, topics));
    assert_eq!(shown(&results, 1, "log.retention.ms"), (some("77777"), 2, behind.to_vec()));
    assert_eq!(
        shown(&results, 1, "num.io.threads"),
        (some("8"), 5, vec![synonym("num.io.threads", "8", 5)])
    );
    let read_only = |name| {
        let config = results[1].configs.iter().find(|config| &*config.name == name);
        config.map(|config| config.read_only)
    };
    assert_eq!((read_only("node.id"), read_only("num.io.threads")), (Some(true), Some(false)));
    assert_eq!(results[2].configs.len(), 1, "only what is set for all brokers");
    assert_eq!(
        shown(&results, 2, "log.retention.ms"),
        (some("88888"), 3, vec![synonym("log.retention.ms", "88888", 3)])
    );
    assert_eq!(shown(&results, 3, "interval.ms").0, some("1000"));
    assert_eq!(
        shown(&results, 4, "consumer.session.timeout.ms"),
        (
            some("46000"),
            8,
            vec![
                synonym("consumer.session.timeout.ms", "46000", 8),
                synonym("group.consumer.session.timeout.ms", "45000", 5)
            ]
        )
    );
    assert_eq!(results[5].configs, []);
}

#[test]
fn no_keys_and_an_empty_list_of_keys_both_mean_all() {
    let mut broker = Broker::start();
    create(&mut broker, "t", 1, &[]);
    let results = describe(
        &mut broker,
        vec![
            resource(TOPIC, "t", None),
            resource(TOPIC, "t", Some(&[])),
            resource(BROKER, "1", None),
        ],
    );
    assert!(results[0].configs.len() >= 33, "{}", results[0].configs.len());
    assert_eq!(results[0].configs, results[1].configs);
    assert!(results[2].configs.len() >= 300, "{}", results[2].configs.len());
    let password = results[2].configs.iter().find(|one| &*one.name == "ssl.key.password");
    let password = password.expect("it is listed");
    assert_eq!((password.is_sensitive, password.value.clone()), (true, None));
}

#[test]
fn synonyms_and_documentation_are_told_to_those_who_ask() {
    let mut broker = Broker::start();
    create(&mut broker, "t", 1, &[]);
    let ask = |broker: &mut Broker, synonyms, documentation| -> DescribeConfigsResourceResult {
        let request = DescribeConfigsRequest {
            resources: vec![resource(TOPIC, "t", Some(&["cleanup.policy"]))],
            include_synonyms: synonyms,
            include_documentation: documentation,
            ..DescribeConfigsRequest::default()
        };
        let results = broker.ask(4, &request).results;
        results[0].configs[0].clone()
    };
    let neither = ask(&mut broker, false, false);
    assert_eq!((neither.synonyms.len(), neither.documentation), (0, None));
    assert_eq!(neither.config_type, 7, "a list");
    assert_eq!(ask(&mut broker, true, false).synonyms.len(), 1);
    assert!(ask(&mut broker, false, true).documentation.is_some_and(|doc| !doc.is_empty()));
}

fn told(results: &[DescribeConfigsResult]) -> Vec<Outcome> {
    results
        .iter()
        .map(|one| outcome(&one.resource_name, one.error_code, one.error_message.as_ref()))
        .collect()
}

#[test]
fn resources_that_are_not_there_have_kafkas_code_and_words() {
    let mut broker = Broker::start();
    let results = describe(
        &mut broker,
        vec![
            resource(TOPIC, "nosuch", None),
            resource(TOPIC, "", None),
            resource(BROKER, "2", None),
            resource(BROKER, "x", None),
            resource(LOGGER, "", None),
            resource(LOGGER, "2", None),
            resource(LOGGER, "x", None),
            resource(CLIENT_METRICS, "", None),
            resource(GROUP, "", None),
        ],
    );
    use ErrorCode::{InvalidRequest, InvalidTopicException, UnknownTopicOrPartition};
    let expected = [
        bad("nosuch", UnknownTopicOrPartition, ""),
        bad("", InvalidTopicException, "Topic name is invalid: the empty string is not allowed"),
        bad(
            "2",
            InvalidRequest,
            "Unexpected broker id, expected 1 or empty string, but received 2",
        ),
        bad("x", InvalidRequest, "Broker id must be an integer, but it is: x"),
        bad("", InvalidRequest, "Broker id must not be empty"),
        bad("2", InvalidRequest, "Unexpected broker id, expected 1 but received 2"),
        bad("x", InvalidRequest, "Broker id must be an integer, but it is: x"),
        bad("", InvalidRequest, "Client metrics subscription name must not be empty"),
        bad("", InvalidRequest, "Group name must not be empty"),
    ];
    assert_eq!(told(&results), expected);
}

#[test]
fn one_kind_that_does_not_exist_spoils_the_whole_request() {
    let mut broker = Broker::start();
    create(&mut broker, "t", 1, &[]);
    for kind in [0, 1, 3, 99, -1] {
        let asked = vec![resource(TOPIC, "t", None), resource(kind, "x", None)];
        let results = describe(&mut broker, asked);
        assert!(results.iter().all(|one| code(one.error_code) == ErrorCode::InvalidRequest));
    }
}

#[test]
fn a_request_for_the_same_topic_over_and_over_is_cut_off() {
    let mut broker = Broker::start();
    create(&mut broker, "t", 1, &[]);
    let asked = (0..20_000).map(|_| resource(TOPIC, "t", None)).collect();
    let results = describe(&mut broker, asked);
    assert_eq!(results.len(), 20_000);
    let configs: usize = results.iter().map(|one| one.configs.len()).sum();
    assert_eq!(configs, 400_000);
    let last = results.last().expect("some");
    assert_eq!(code(last.error_code), ErrorCode::PolicyViolation);
}

#[test]
fn resources_are_listed_by_kind() {
    let mut broker = Broker::start_with(Options::default());
    create(&mut broker, "b", 1, &[]);
    create(&mut broker, "a", 1, &[]);
    set(&mut broker, ConfigResourceKind::ClientMetrics, "sub", ("interval.ms", "1000"));
    set(&mut broker, ConfigResourceKind::Group, "g", ("consumer.session.timeout.ms", "46000"));
    let mut list = |version, kinds: &[i8]| {
        let request = ListConfigResourcesRequest {
            resource_types: kinds.to_vec(),
            ..ListConfigResourcesRequest::default()
        };
        let response = broker.ask(version, &request);
        let found: Vec<_> = response
            .config_resources
            .iter()
            .map(|one| (one.resource_name.to_string(), one.resource_type))
            .collect();
        (code(response.error_code), found)
    };
    let named = |all: &[(&str, i8)]| -> Vec<(String, i8)> {
        all.iter().map(|(name, kind)| ((*name).to_owned(), *kind)).collect()
    };
    let all = named(&[("g", 32), ("sub", 16), ("1", 8), ("1", 4), ("a", 2), ("b", 2)]);
    assert_eq!(list(1, &[]), (ErrorCode::None, all));
    assert_eq!(list(1, &[2, 16, 2]).1, named(&[("sub", 16), ("a", 2), ("b", 2)]));
    assert_eq!(list(0, &[]).1, named(&[("sub", 16)]), "client metrics are all it knows");
    for kind in [0, 1, 3, 99] {
        assert_eq!(list(1, &[16, kind]), (ErrorCode::UnsupportedVersion, Vec::new()));
    }
}

#[test]
fn what_is_good_is_told_without_words() {
    let mut broker = Broker::start();
    create(&mut broker, "t", 1, &[]);
    let results = describe(&mut broker, vec![resource(TOPIC, "t", None)]);
    let told: Vec<_> = told(&results);
    assert_eq!(told, [("t".to_owned(), ErrorCode::None, some(""))]);
    assert_ne!(told, [good("t")], "an empty text, never null");
}
