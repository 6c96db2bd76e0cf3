//! Every row is a request that was put to Apache Kafka 4.3.1, with its answer.

use super::overrides;
use crate::command::CommandError;
use crate::config::{ConfigTable, Overrides, validate_topic_config};
use crate::decide::ConfigRules;
use crate::image::{ConfigResource, ConfigResourceKind};
use headwater_types::ErrorCode;

fn resource(kind: ConfigResourceKind, name: &str) -> ConfigResource {
    ConfigResource { kind, name: name.into() }
}

fn ask(kind: ConfigResourceKind, name: &str, pairs: &[(&str, &str)]) -> Result<(), CommandError> {
    let existing = Overrides::new();
    ConfigTable::get().validate(&resource(kind, name), &overrides(pairs), &existing)
}

/// The code and text of a refusal; `None` where it is allowed.
type Answer = Option<(ErrorCode, String)>;

fn answer(kind: ConfigResourceKind, name: &str, pairs: &[(&str, &str)]) -> Answer {
    ask(kind, name, pairs).err().map(|error| (error.code, error.message.unwrap_or_default()))
}

#[test]
fn topic_values_are_judged_as_kafka_does() {
    const ALLOWED: &[(&str, &str)] = &[
        ("cleanup.policy", ""),
        ("cleanup.policy", "delete,delete"),
        ("cleanup.policy", "delete, compact"),
        ("compression.gzip.level", "-1"),
        ("internal.segment.bytes", "1000"),
        ("leader.replication.throttled.replicas", "*"),
        ("leader.replication.throttled.replicas", "0:1,1:2"),
        ("leader.replication.throttled.replicas", ""),
        ("local.retention.ms", "5"),
        ("preallocate", "TRUE"),
        ("remote.log.copy.disable", "true"),
        ("retention.bytes", "-5"),
        ("retention.ms", " 77 "),
        ("retention.ms", "+5"),
        ("retention.ms", "0"),
        ("retention.ms", "-1"),
        ("segment.bytes", "1048576"),
        ("min.cleanable.dirty.ratio", "0"),
        ("min.cleanable.dirty.ratio", "1"),
    ];
    for (name, value) in ALLOWED {
        let found = answer(ConfigResourceKind::Topic, "t", &[(name, value)]);
        assert_eq!(found, None, "{name}={value}");
    }
    const REFUSED: &[(&str, &str, &str)] = &[
        ("retention.ms", "abc", "Not a number of type LONG"),
        ("retention.ms", "1_0", "Not a number of type LONG"),
        ("retention.ms", "", "Not a number of type LONG"),
        ("retention.ms", "-2", "Value must be at least -1"),
        ("cleanup.policy", "foo", "String must be one of: compact, delete"),
        ("cleanup.policy", "DELETE", "String must be one of: compact, delete"),
        ("segment.bytes", "1", "Value must be at least 1048576"),
        ("segment.bytes", "1048575", "Value must be at least 1048576"),
        ("segment.bytes", "99999999999", "Not a number of type INT"),
        (
            "compression.type",
            "GZIP",
            "String must be one of: uncompressed, zstd, lz4, snappy, gzip, producer",
        ),
        ("compression.gzip.level", "0", "Value must be between 1 and 9 or equal to -1"),
        ("compression.gzip.level", "10", "Value must be between 1 and 9 or equal to -1"),
        ("compression.lz4.level", "18", "Value must be no more than 17"),
        ("min.cleanable.dirty.ratio", "1.5", "Value must be no more than 1"),
        ("min.cleanable.dirty.ratio", "-1.0", "Value must be at least 0"),
        ("min.cleanable.dirty.ratio", "x", "Not a number of type DOUBLE"),
        ("min.cleanable.dirty.ratio", "inf", "Not a number of type DOUBLE"),
        ("preallocate", "yes", "Expected value to be either true or false"),
        ("message.timestamp.type", "foo", "String must be one of: CreateTime, LogAppendTime"),
        ("min.insync.replicas", "0", "Value must be at least 1"),
        ("local.retention.ms", "-3", "Value must be at least -2"),
        ("max.message.bytes", "-1", "Value must be at least 0"),
        ("segment.index.bytes", "3", "Value must be at least 4"),
        ("flush.messages", "0", "Value must be at least 1"),
        ("segment.jitter.ms", "-1", "Value must be at least 0"),
    ];
    for (name, value, why) in REFUSED {
        let text = format!("Invalid value {value} for configuration {name}: {why}");
        let found = answer(ConfigResourceKind::Topic, "t", &[(name, value)]);
        assert_eq!(found, Some((ErrorCode::InvalidConfig, text.clone())), "{name}={value}");
        assert_eq!(validate_topic_config(name, value).unwrap_err().message, text);
    }
}

#[test]
fn topic_configs_are_judged_together() {
    const REFUSED: &[(&[(&str, &str)], &str)] = &[
        (&[("nope", "1")], "Unknown topic config name: nope"),
        (&[("retention.ms", "abc"), ("zzz", "1")], "Unknown topic config name: zzz"),
        (
            &[("message.downconversion.enable", "true")],
            "Unknown topic config name: message.downconversion.enable",
        ),
        (
            &[("cleanup.policy", "delete,,compact")],
            "Configuration 'cleanup.policy' values must not be empty.",
        ),
        (
            &[("min.compaction.lag.ms", "100"), ("max.compaction.lag.ms", "50")],
            "conflict topic config setting min.compaction.lag.ms (100) > max.compaction.lag.ms (50)",
        ),
        (
            &[("remote.storage.enable", "true")],
            "Tiered Storage functionality is disabled in the broker. Topic cannot be configured with \
          remote log storage.",
        ),
        (
            &[("leader.replication.throttled.replicas", "x, 0:1")],
            "Invalid value [x, 0:1] for configuration leader.replication.throttled.replicas: \
          leader.replication.throttled.replicas must be the literal '*' or a list of replicas in \
          the following format: [partitionId]:[brokerId],[partitionId]:[brokerId],...",
        ),
    ];
    for (pairs, text) in REFUSED {
        let found = answer(ConfigResourceKind::Topic, "t", pairs);
        assert_eq!(found, Some((ErrorCode::InvalidConfig, (*text).to_owned())), "{pairs:?}");
    }
}

#[test]
fn broker_configs_are_judged_as_kafka_does() {
    const ALLOWED: &[(&str, &str, &str)] = &[
        ("1", "nope.x", "5"),
        ("", "nope.x", "5"),
        ("1", "listener.name.plaintext.ssl.keystore.location", "/a"),
        ("", "listener.name.plaintext.max.connections", "5"),
        ("1", "log.cleanup.policy", ""),
        ("1", "log.cleanup.policy", "delete,delete"),
        ("", "min.insync.replicas", "2"),
        ("", "leader.replication.throttled.rate", "5"),
        ("1", "sasl.jaas.config", "foo"),
        ("1", "max.connections.per.ip.overrides", "127.0.0.1:5"),
        ("1", "log.retention.ms", "-1"),
    ];
    for (broker, name, value) in ALLOWED {
        let found = answer(ConfigResourceKind::Broker, broker, &[(name, value)]);
        assert_eq!(found, None, "{broker:?} {name}={value}");
    }
    const NOT_DYNAMIC: &str = "Cannot update these configs dynamically";
    const PER_LISTENER: &str = "These security configs can be dynamically updated only \
                                per-listener using the listener prefix";
    const PER_BROKER: &str =
        "Cannot update these configs at default cluster level, broker id must be specified";
    type Pairs<'a> = &'a [(&'a str, &'a str)];
    let refused: &[(&str, Pairs<'_>, String)] = &[
        ("1", &[("log.retention.hours", "5")], format!("{NOT_DYNAMIC}: [log.retention.hours]")),
        ("1", &[("node.id", "7"), ("log.dirs", "/a")], format!("{NOT_DYNAMIC}: [log.dirs, node.id]")),
        ("1", &[("num.partitions", "5")], format!("{NOT_DYNAMIC}: [num.partitions]")),
        ("1", &[("advertised.listeners", "A://a:1")], format!("{NOT_DYNAMIC}: [advertised.listeners]")),
        ("", &[("ssl.keystore.location", "/a")], format!("{PER_LISTENER}: [ssl.keystore.location]")),
        ("1", &[("ssl.keystore.location", "/a")], format!("{PER_LISTENER}: [ssl.keystore.location]")),
        ("", &[("listeners", "PLAINTEXT://:1")], format!("{PER_BROKER}: [listeners]")),
        (
            "",
            &[("listener.name.plaintext.ssl.keystore.location", "/a")],
            format!("{PER_BROKER}: [listener.name.plaintext.ssl.keystore.location]"),
        ),
        (
            "1",
            &[("log.retention.ms", "abc")],
            "Invalid value abc for configuration log.retention.ms: Not a number of type LONG".into(),
        ),
        (
            "1",
            &[("log.retention.ms", "0")],
            "requirement failed: log.retention.ms must be unlimited (-1) or, greater than or equal \
             to 1"
                .into(),
        ),
        (
            "1",
            &[("max.connections.per.ip", "0")],
            "requirement failed: max.connections.per.ip can be set to zero only if \
             max.connections.per.ip.overrides property is set."
                .into(),
        ),
        (
            "1",
            &[("log.roll.ms", "0")],
            "requirement failed: log.roll.ms must be greater than or equal to 1".into(),
        ),
        (
            "",
            &[("min.insync.replicas", "0")],
            "Invalid value 0 for configuration min.insync.replicas: Value must be at least 1".into(),
        ),
        (
            "1",
            &[("leader.replication.throttled.rate", "-1")],
            "Invalid value -1 for configuration leader.replication.throttled.rate: Value must be \
             at least 0"
                .into(),
        ),
        (
            "1",
            &[("unclean.leader.election.enable", "maybe")],
            "Invalid value maybe for configuration unclean.leader.election.enable: Expected value \
             to be either true or false"
                .into(),
        ),
    ];
    for (broker, pairs, text) in refused {
        let found = answer(ConfigResourceKind::Broker, broker, pairs);
        assert_eq!(found, Some((ErrorCode::InvalidRequest, text.clone())), "{broker:?} {pairs:?}");
    }
}

#[test]
fn min_insync_replicas_is_one_number_for_the_cluster() {
    let table = ConfigTable::get();
    let two = overrides(&[("min.insync.replicas", "2")]);
    let none = Overrides::new();
    let one_broker = resource(ConfigResourceKind::Broker, "1");
    let cluster = resource(ConfigResourceKind::Broker, "");
    let refused = table.validate(&one_broker, &two, &none).unwrap_err();
    assert_eq!(refused.code, ErrorCode::InvalidConfig);
    assert_eq!(
        refused.message.unwrap_or_default(),
        "Broker-level min.insync.replicas cannot be altered while ELR is enabled."
    );
    let refused = table.validate(&cluster, &none, &two).unwrap_err();
    assert_eq!(
        refused.message.unwrap_or_default(),
        "Cluster-level min.insync.replicas cannot be removed while ELR is enabled."
    );
    assert!(table.validate(&cluster, &two, &none).is_ok());
    assert!(table.validate(&cluster, &two, &two).is_ok());
}

#[test]
fn group_configs_are_judged_as_kafka_does() {
    let at_least = "must be greater than or equal to";
    let at_most = "must be less than or equal to";
    let refused: &[(&str, &str, String)] = &[
        ("nope", "1", "Unknown group config name: nope".into()),
        ("consumer.session.timeout.ms", "abc",
         "Invalid value abc for configuration consumer.session.timeout.ms: Not a number of type INT"
             .into()),
        ("consumer.session.timeout.ms", "1",
         format!("consumer.session.timeout.ms {at_least} group.consumer.min.session.timeout.ms")),
        ("consumer.session.timeout.ms", "60001",
         format!("consumer.session.timeout.ms {at_most} group.consumer.max.session.timeout.ms")),
        ("consumer.heartbeat.interval.ms", "1",
         format!("consumer.heartbeat.interval.ms {at_least} group.consumer.min.heartbeat.interval.ms")),
        ("consumer.assignment.interval.ms", "20000",
         format!("consumer.assignment.interval.ms {at_most} group.consumer.max.assignment.interval.ms")),
        ("share.record.lock.duration.ms", "1000",
         format!("share.record.lock.duration.ms {at_least} group.share.min.record.lock.duration.ms")),
        ("share.delivery.count.limit", "1",
         "Invalid value 1 for configuration share.delivery.count.limit: Value must be at least 2"
             .into()),
        ("share.delivery.count.limit", "11",
         format!("share.delivery.count.limit {at_most} group.share.max.delivery.count.limit")),
        ("share.partition.max.record.locks", "4001",
         format!("share.partition.max.record.locks {at_most} group.share.max.partition.max.record.locks")),
        ("streams.num.standby.replicas", "3",
         format!("streams.num.standby.replicas {at_most} group.streams.max.standby.replicas")),
        ("share.isolation.level", "foo",
         "Invalid value foo for configuration share.isolation.level: String must be one of: \
          read_committed, read_uncommitted".into()),
        ("share.auto.offset.reset", "by_duration:-PT1H",
         "Invalid value by_duration:-PT1H for configuration share.auto.offset.reset: Invalid value \
          `by_duration:-PT1H` for configuration share.auto.offset.reset. The value must be either \
          'earliest', 'latest' or of the format 'by_duration:<PnDTnHnMn.nS>'.".into()),
    ];
    for (name, value, text) in refused {
        let found = answer(ConfigResourceKind::Group, "g", &[(name, value)]);
        assert_eq!(found, Some((ErrorCode::InvalidConfig, text.clone())), "{name}={value}");
    }
    for (name, value) in [
        ("consumer.session.timeout.ms", "60000"),
        ("share.auto.offset.reset", "by_duration:PT1H"),
        ("share.auto.offset.reset", "by_duration:P1DT2H3M4.5S"),
        ("share.auto.offset.reset", "earliest"),
    ] {
        let found = answer(ConfigResourceKind::Group, "g", &[(name, value)]);
        assert_eq!(found, None, "{name}={value}");
    }
    for bad in ["P", "PT", "1H", "PT1", "PT1M1H", "P1H", "PT1.5H", "PTS"] {
        let value = format!("by_duration:{bad}");
        let found = answer(ConfigResourceKind::Group, "g", &[("share.auto.offset.reset", &value)]);
        assert!(found.is_some(), "{value}");
    }
}

#[test]
fn client_metrics_are_judged_as_kafka_does() {
    use ErrorCode::{InvalidConfig, InvalidRequest};
    let refused: &[(&str, &str, ErrorCode, &str)] = &[
        (
            "interval.ms",
            "50",
            InvalidRequest,
            "Invalid value 50 for interval.ms, interval must be between 100 and 3600000 (1 hour)",
        ),
        (
            "interval.ms",
            "abc",
            InvalidConfig,
            "Invalid value abc for configuration interval.ms: Not a number of type INT",
        ),
        ("nope", "1", InvalidRequest, "Unknown client metrics configuration: nope"),
        ("metrics", "a,,b", InvalidConfig, "Configuration 'metrics' values must not be empty."),
        ("match", "foo=x", InvalidConfig, "Illegal client matching pattern: foo=x"),
        ("match", "client_id", InvalidConfig, "Illegal client matching pattern: client_id"),
    ];
    for (name, value, code, text) in refused {
        let found = answer(ConfigResourceKind::ClientMetrics, "c", &[(name, value)]);
        assert_eq!(found, Some((*code, (*text).to_owned())), "{name}={value}");
    }
    for (name, value) in
        [("interval.ms", "100"), ("metrics", ""), ("metrics", "a,b"), ("match", "client_id=x")]
    {
        let found = answer(ConfigResourceKind::ClientMetrics, "c", &[(name, value)]);
        assert_eq!(found, None, "{name}={value}");
    }
}

#[test]
fn lists_are_known_by_resource() {
    let table = ConfigTable::get();
    let topic = resource(ConfigResourceKind::Topic, "t");
    assert!(table.is_list(&topic, "cleanup.policy"));
    assert!(!table.is_list(&topic, "retention.ms"));
    assert!(!table.is_list(&topic, "nope"));
    assert_eq!(table.default_value(&topic, "cleanup.policy").as_deref(), Some("delete"));
    assert!(table.is_list(&resource(ConfigResourceKind::Broker, ""), "log.cleanup.policy"));
    assert!(!table.is_list(&resource(ConfigResourceKind::ClientMetrics, "c"), "metrics"));
}
