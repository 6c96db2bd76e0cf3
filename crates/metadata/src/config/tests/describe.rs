//! What DescribeConfigs shows; the shapes were read from Apache Kafka 4.3.1.

use super::{Broker, overrides};
use crate::config::{
    ConfigType, DescribedConfig, Overrides, describe_broker, describe_client_metrics,
    describe_cluster_default, describe_group, describe_topic,
};

/// `value|source|synonym source:name=value; ...`, as a person would compare it.
fn line(all: &[DescribedConfig], name: &str) -> String {
    let config = all.iter().find(|config| config.name == name).unwrap_or_else(|| panic!("{name}"));
    let text = |value: &Option<String>| value.clone().unwrap_or_else(|| "null".into());
    let synonyms: Vec<String> = config
        .synonyms
        .iter()
        .map(|s| format!("{}:{}={}", s.source.code(), s.name, text(&s.value)))
        .collect();
    format!("{}|{}|{}", text(&config.value), config.source.code(), synonyms.join("; "))
}

#[test]
fn a_topic_shows_its_layers_under_the_brokers_name() {
    let broker = Broker::new(&[("log.retention.bytes", "7"), ("log.segment.bytes", "2000000")])
        .cluster(&[("min.insync.replicas", "1"), ("log.segment.bytes", "3000000")])
        .own(&[("log.segment.bytes", "4000000")]);
    let all = describe_topic(broker.layers(), &overrides(&[("segment.bytes", " 5000000 ")]));
    assert_eq!(line(&all, "cleanup.policy"), "delete|5|5:log.cleanup.policy=delete");
    assert_eq!(
        line(&all, "segment.bytes"),
        "5000000|1|1:segment.bytes=5000000; 2:log.segment.bytes=4000000; \
         3:log.segment.bytes=3000000; 4:log.segment.bytes=2000000; \
         5:log.segment.bytes=1073741824"
    );
    assert_eq!(
        line(&all, "retention.bytes"),
        "7|4|4:log.retention.bytes=7; 5:log.retention.bytes=-1"
    );
    assert_eq!(
        line(&all, "min.insync.replicas"),
        "1|3|3:min.insync.replicas=1; 5:min.insync.replicas=1"
    );
    assert_eq!(line(&all, "remote.storage.enable"), "false|5|", "no broker has that name");
    assert_eq!(line(&all, "durability"), "fsync|5|5:durability=fsync");
    assert!(all.iter().all(|config| !config.read_only && !config.sensitive));
    assert!(all.iter().all(|config| config.name != "internal.segment.bytes"));
    assert_eq!(all.len(), 33 + 2);
}

#[test]
fn a_topic_config_without_a_default_name_shows_no_synonyms() {
    let broker = Broker::new(&[]);
    let all = describe_topic(broker.layers(), &Overrides::new());
    assert_eq!(line(&all, "retention.ms"), "604800000|5|");
    assert_eq!(line(&all, "segment.ms"), "604800000|5|");
    assert_eq!(line(&all, "flush.ms"), "9223372036854775807|5|");
    let broker = Broker::new(&[("log.retention.hours", "1")]);
    let all = describe_topic(broker.layers(), &Overrides::new());
    assert_eq!(line(&all, "retention.ms"), "3600000|5|");
    let broker = Broker::new(&[("log.retention.hours", "1")]).cluster(&[("log.retention.ms", "2")]);
    let all = describe_topic(broker.layers(), &Overrides::new());
    assert_eq!(
        line(&all, "retention.ms"),
        "2|3|3:log.retention.ms=2; 4:log.retention.hours=1; 5:log.retention.hours=168"
    );
}

#[test]
fn a_broker_shows_everything_it_was_given() {
    let broker = Broker::new(&[
        ("node.id", "5"),
        ("log.retention.hours", "1"),
        ("listeners", "A://:1, B://:2"),
        ("listener.security.protocol.map", "A:PLAINTEXT,B:PLAINTEXT"),
        ("ssl.key.password", "secret"),
        ("my.plugin.key", "x"),
        ("log.initial.task.delay.ms", "500"),
    ])
    .cluster(&[("max.connections", "77")])
    .own(&[
        ("log.cleaner.threads", "2"),
        ("leader.replication.throttled.rate", "5"),
        ("listener.name.a.max.connections", "50"),
        ("listener.name.a.scram-sha-256.sasl.jaas.config", "x"),
    ]);
    let all = describe_broker(broker.layers());
    let find = |name: &str| all.iter().find(|config| config.name == name).unwrap();
    assert_eq!(line(&all, "node.id"), "5|4|4:node.id=5; 5:node.id=1");
    assert_eq!(line(&all, "broker.id"), "5|4|4:broker.id=5; 5:broker.id=-1");
    assert_eq!(line(&all, "log.retention.ms"), "null|5|");
    assert_eq!(
        line(&all, "log.retention.hours"),
        "1|4|4:log.retention.hours=1; 5:log.retention.hours=168"
    );
    assert_eq!(
        line(&all, "listeners"),
        "A://:1,B://:2|4|4:listeners=A://:1, B://:2; 5:listeners=PLAINTEXT://127.0.0.1:9092"
    );
    assert_eq!(
        line(&all, "log.cleaner.threads"),
        "2|2|2:log.cleaner.threads=2; 5:log.cleaner.threads=1"
    );
    assert!(find("node.id").read_only);
    assert!(!find("log.cleaner.threads").read_only);
    assert_eq!(line(&all, "ssl.key.password"), "null|4|4:ssl.key.password=null");
    assert!(find("ssl.key.password").sensitive);
    assert_eq!(line(&all, "my.plugin.key"), "null|4|4:my.plugin.key=null", "might be a secret");
    assert_eq!(find("my.plugin.key").config_type, None);
    assert_eq!(
        line(&all, "listener.name.a.max.connections"),
        "50|2|2:listener.name.a.max.connections=50; 3:max.connections=77; \
         5:max.connections=2147483647"
    );
    assert!(find("listener.name.a.max.connections").read_only, "as Kafka says, though it is not");
    assert_eq!(find("listener.name.a.max.connections").config_type, Some(ConfigType::Int));
    assert!(find("listener.name.a.scram-sha-256.sasl.jaas.config").sensitive);
    let rate = "leader.replication.throttled.rate";
    assert_eq!(line(&all, rate), "5|2|2:leader.replication.throttled.rate=5");
    assert!(!find(rate).read_only);
    assert_eq!(
        line(&all, "log.initial.task.delay.ms"),
        "500|4|4:log.initial.task.delay.ms=500; 5:log.initial.task.delay.ms=30000",
        "internal, but given"
    );
    assert!(all.iter().all(|config| config.name != "unstable.api.versions.enable"));
    let names: Vec<&str> = all.iter().map(|config| config.name.as_str()).collect();
    assert!(names.is_sorted());
}

#[test]
fn the_cluster_default_shows_only_what_is_dynamic() {
    let broker = Broker::new(&[("log.retention.ms", "1")])
        .cluster(&[("log.retention.ms", "2"), ("max.connections", "9")]);
    let all = describe_cluster_default(broker.layers());
    assert_eq!(all.len(), 2);
    assert_eq!(line(&all, "log.retention.ms"), "2|3|3:log.retention.ms=2");
    assert_eq!(line(&all, "max.connections"), "9|3|3:max.connections=9");
}

#[test]
fn a_group_shows_the_brokers_settings_behind_its_own() {
    let broker = Broker::new(&[("group.share.heartbeat.interval.ms", "6000")]);
    let group = overrides(&[("consumer.session.timeout.ms", "50000")]);
    let all = describe_group(broker.layers(), &group);
    assert_eq!(
        line(&all, "consumer.session.timeout.ms"),
        "50000|8|8:consumer.session.timeout.ms=50000; 5:group.consumer.session.timeout.ms=45000"
    );
    assert_eq!(
        line(&all, "consumer.heartbeat.interval.ms"),
        "5000|5|5:group.consumer.heartbeat.interval.ms=5000"
    );
    assert_eq!(
        line(&all, "share.heartbeat.interval.ms"),
        "6000|4|4:group.share.heartbeat.interval.ms=6000; \
         5:group.share.heartbeat.interval.ms=5000"
    );
    assert_eq!(line(&all, "share.auto.offset.reset"), "latest|5|5:share.auto.offset.reset=latest");
    assert_eq!(all.len(), 17);
}

#[test]
fn a_subscription_shows_its_own_and_the_defaults() {
    let all = describe_client_metrics(&overrides(&[("interval.ms", " 100")]));
    assert_eq!(all.len(), 3);
    assert_eq!(line(&all, "interval.ms"), "100|7|7:interval.ms=100");
    assert_eq!(line(&all, "metrics"), "|5|");
}
