//! Which value is in force, layer by layer.

use super::{Broker, overrides};
use crate::config::{
    BrokerConfig, CleanupPolicy, CompressionType, ConfigTable, Durability, Overrides,
    RecordValidation, TimestampType, TopicConfig,
};

const HOUR_MS: i64 = 3_600_000;

fn retention(broker: &Broker, topic: &[(&str, &str)]) -> i64 {
    TopicConfig::resolve(broker.layers(), &overrides(topic)).retention_ms
}

#[test]
fn defaults_are_kafkas() {
    let broker = Broker::new(&[]);
    let topic = TopicConfig::resolve(broker.layers(), &Overrides::new());
    assert_eq!(topic.cleanup_policy, CleanupPolicy { compact: false, delete: true });
    assert_eq!(topic.compression_type, CompressionType::Producer);
    assert_eq!(topic.message_timestamp_type, TimestampType::CreateTime);
    assert_eq!(topic.retention_ms, 168 * HOUR_MS);
    assert_eq!(topic.retention_bytes, -1);
    assert_eq!(topic.segment_ms, 168 * HOUR_MS);
    assert_eq!(topic.segment_bytes, 1 << 30);
    assert_eq!(topic.segment_jitter_ms, 0);
    assert_eq!(topic.flush_ms, i64::MAX);
    assert_eq!(topic.max_message_bytes, 1_048_588);
    assert_eq!(topic.min_insync_replicas, 1);
    assert_eq!(topic.message_timestamp_after_max_ms, HOUR_MS);
    assert!((topic.min_cleanable_dirty_ratio - 0.5).abs() < f64::EPSILON);
    assert_eq!(topic.durability, Durability::Fsync);
    assert_eq!(topic.record_validation, RecordValidation::Header);

    let broker = BrokerConfig::resolve(broker.layers());
    assert_eq!(broker.num_partitions, 1);
    assert_eq!(broker.default_replication_factor, None, "as many as the cluster can hold");
    assert_eq!(broker.min_insync_replicas, None);
    assert!(broker.auto_create_topics_enable);
    assert_eq!(broker.fetch_max_bytes, 57_671_680);
    assert_eq!(broker.socket_request_max_bytes, 104_857_600);
    assert_eq!(broker.connections_max_idle_ms, Some(600_000));
    assert_eq!(broker.socket_send_buffer_bytes, None, "the system tunes it unless it is set");
    assert_eq!(broker.offsets_retention_ms, 10_080 * 60_000);
    assert!(broker.max_connections_per_ip_overrides.is_empty());
}

#[test]
fn upper_layers_win() {
    let ms = "log.retention.ms";
    let broker = Broker::new(&[(ms, "1")]);
    assert_eq!(retention(&broker, &[]), 1);
    let broker = broker.cluster(&[(ms, "2")]);
    assert_eq!(retention(&broker, &[]), 2);
    let broker = broker.own(&[(ms, "3")]);
    assert_eq!(retention(&broker, &[]), 3);
    assert_eq!(retention(&broker, &[("retention.ms", "4")]), 4);
}

#[test]
fn finer_units_win_over_coarser() {
    assert_eq!(retention(&Broker::new(&[("log.retention.hours", "2")]), &[]), 2 * HOUR_MS);
    let both = [("log.retention.hours", "2"), ("log.retention.minutes", "3")];
    assert_eq!(retention(&Broker::new(&both), &[]), 180_000);
    let dynamic = Broker::new(&both).cluster(&[("log.retention.ms", "5")]);
    assert_eq!(retention(&dynamic, &[]), 5);
    assert_eq!(retention(&Broker::new(&[("log.retention.hours", "-1")]), &[]), -1, "never");

    let broker = Broker::new(&[("log.roll.hours", "1"), ("log.roll.jitter.hours", "2")]);
    let topic = TopicConfig::resolve(broker.layers(), &Overrides::new());
    assert_eq!((topic.segment_ms, topic.segment_jitter_ms), (HOUR_MS, 2 * HOUR_MS));

    let broker = Broker::new(&[("log.flush.scheduler.interval.ms", "7")]);
    assert_eq!(TopicConfig::resolve(broker.layers(), &Overrides::new()).flush_ms, 7);
}

#[test]
fn a_topic_takes_its_own_values() {
    let broker = Broker::new(&[("durability", "replicated"), ("record.validation", "full")]);
    let topic = TopicConfig::resolve(broker.layers(), &Overrides::new());
    assert_eq!(topic.durability, Durability::Replicated);
    assert_eq!(topic.record_validation, RecordValidation::Full);
    let topic = TopicConfig::resolve(
        broker.layers(),
        &overrides(&[
            ("durability", "fsync"),
            ("cleanup.policy", "compact, delete"),
            ("compression.type", "zstd"),
            ("message.timestamp.type", "LogAppendTime"),
            ("internal.segment.bytes", "1000"),
            ("leader.replication.throttled.replicas", "0:1,1:2"),
            ("min.cleanable.dirty.ratio", "1e-1"),
        ]),
    );
    assert_eq!(topic.durability, Durability::Fsync);
    assert_eq!(topic.cleanup_policy, CleanupPolicy { compact: true, delete: true });
    assert_eq!(topic.compression_type, CompressionType::Zstd);
    assert_eq!(topic.message_timestamp_type, TimestampType::LogAppendTime);
    assert_eq!(topic.segment_bytes, 1000);
    assert_eq!(topic.leader_replication_throttled_replicas, ["0:1", "1:2"]);
    assert!((topic.min_cleanable_dirty_ratio - 0.1).abs() < f64::EPSILON);
}

#[test]
fn a_broker_takes_what_was_set() {
    let broker = Broker::new(&[
        ("default.replication.factor", "3"),
        ("max.connections.per.ip.overrides", "127.0.0.1:5, host:7"),
        ("connections.max.idle.ms", "-1"),
        ("socket.send.buffer.bytes", "-1"),
    ])
    .cluster(&[("min.insync.replicas", "2"), ("max.connections", "10")]);
    let config = BrokerConfig::resolve(broker.layers());
    assert_eq!(config.default_replication_factor, Some(3));
    assert_eq!(config.min_insync_replicas, Some(2));
    assert_eq!(config.max_connections, 10);
    assert_eq!(config.connections_max_idle_ms, None);
    assert_eq!(config.socket_send_buffer_bytes, None);
    let overrides = config.max_connections_per_ip_overrides;
    assert_eq!(
        overrides.into_iter().collect::<Vec<_>>(),
        [("127.0.0.1".to_owned(), 5), ("host".to_owned(), 7)]
    );
}

#[test]
fn every_inherited_name_is_in_the_table() {
    let table = ConfigTable::get();
    for spec in table.topics() {
        for broker in crate::config::topic::broker_names(spec.name) {
            assert!(table.broker(broker.name).is_some(), "{}", broker.name);
        }
    }
}
