//! What is in force for one topic, typed.
//!
//! [`TopicConfig::resolve`] is the only way to get one: override of the topic, else the layers of
//! the broker under the broker's name (`retention.ms` is `log.retention.ms` there, or
//! `log.retention.minutes`, or `log.retention.hours`), else the default.

use super::layers::{Layers, Overrides, default_value};
use super::spec::Value;
use super::table::ConfigTable;

/// What happens to data as it ages; `cleanup.policy`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CleanupPolicy {
    /// Old records of a key give way to newer ones.
    pub compact: bool,
    /// Old segments are deleted by age and size.
    pub delete: bool,
}

/// `compression.type`: how batches are stored.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum CompressionType {
    /// As the producer sent them.
    #[default]
    Producer,
    /// Plain.
    Uncompressed,
    /// gzip.
    Gzip,
    /// snappy.
    Snappy,
    /// lz4.
    Lz4,
    /// zstd.
    Zstd,
}

/// `message.timestamp.type`: whose clock stamps records.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TimestampType {
    /// The producer's.
    #[default]
    CreateTime,
    /// The broker's.
    LogAppendTime,
}

/// `durability`: when acks=all counts as done.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Durability {
    /// Once every in-sync replica has the records on stable storage.
    #[default]
    Fsync,
    /// Once every in-sync replica has them, in memory or on disk; what Kafka does.
    Replicated,
}

/// `record.validation`: how closely produced batches are looked at.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum RecordValidation {
    /// Lengths, CRC and the header's own consistency.
    #[default]
    Header,
    /// That, and every record in it.
    Full,
}

/// Every config of one topic, as it is in force. Times in ms, sizes in bytes.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct TopicConfig {
    /// `cleanup.policy`; neither means that data is kept forever.
    pub cleanup_policy: CleanupPolicy,
    /// `compression.type`.
    pub compression_type: CompressionType,
    /// `compression.gzip.level`; -1 is the codec's own default.
    pub compression_gzip_level: i32,
    /// `compression.lz4.level`.
    pub compression_lz4_level: i32,
    /// `compression.zstd.level`.
    pub compression_zstd_level: i32,
    /// `delete.retention.ms`: how long a tombstone stays readable.
    pub delete_retention_ms: i64,
    /// `file.delete.delay.ms`.
    pub file_delete_delay_ms: i64,
    /// `flush.messages`.
    pub flush_messages: i64,
    /// `flush.ms`.
    pub flush_ms: i64,
    /// `follower.replication.throttled.replicas`.
    pub follower_replication_throttled_replicas: Vec<String>,
    /// `index.interval.bytes`.
    pub index_interval_bytes: i32,
    /// `leader.replication.throttled.replicas`.
    pub leader_replication_throttled_replicas: Vec<String>,
    /// `local.retention.bytes`; -2 follows `retention.bytes`.
    pub local_retention_bytes: i64,
    /// `local.retention.ms`; -2 follows `retention.ms`.
    pub local_retention_ms: i64,
    /// `max.compaction.lag.ms`.
    pub max_compaction_lag_ms: i64,
    /// `max.message.bytes`: the largest batch, as stored, with its 12 bytes of log overhead.
    pub max_message_bytes: i32,
    /// `message.timestamp.after.max.ms`: how far ahead of the broker's clock a record may be.
    pub message_timestamp_after_max_ms: i64,
    /// `message.timestamp.before.max.ms`: how far behind.
    pub message_timestamp_before_max_ms: i64,
    /// `message.timestamp.type`.
    pub message_timestamp_type: TimestampType,
    /// `min.cleanable.dirty.ratio`, 0 to 1.
    pub min_cleanable_dirty_ratio: f64,
    /// `min.compaction.lag.ms`.
    pub min_compaction_lag_ms: i64,
    /// `min.insync.replicas`.
    pub min_insync_replicas: i32,
    /// `preallocate`.
    pub preallocate: bool,
    /// `remote.log.copy.disable`.
    pub remote_log_copy_disable: bool,
    /// `remote.log.delete.on.disable`.
    pub remote_log_delete_on_disable: bool,
    /// `remote.storage.enable`.
    pub remote_storage_enable: bool,
    /// `retention.bytes`; -1 keeps everything.
    pub retention_bytes: i64,
    /// `retention.ms`; -1 keeps everything.
    pub retention_ms: i64,
    /// `segment.bytes`, or `internal.segment.bytes` where that is set.
    pub segment_bytes: i32,
    /// `segment.index.bytes`.
    pub segment_index_bytes: i32,
    /// `segment.jitter.ms`.
    pub segment_jitter_ms: i64,
    /// `segment.ms`.
    pub segment_ms: i64,
    /// `unclean.leader.election.enable`.
    pub unclean_leader_election_enable: bool,
    /// `durability`.
    pub durability: Durability,
    /// `record.validation`.
    pub record_validation: RecordValidation,
}

/// A broker config that gives a topic config its default, and what one of its units is in the
/// topic's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct BrokerName {
    pub name: &'static str,
    pub factor: i64,
}

const fn same(name: &'static str) -> BrokerName {
    BrokerName { name, factor: 1 }
}

const MINUTE_MS: i64 = 60_000;
const HOUR_MS: i64 = 3_600_000;

const RETENTION: &[BrokerName] = &[
    same("log.retention.ms"),
    BrokerName { name: "log.retention.minutes", factor: MINUTE_MS },
    BrokerName { name: "log.retention.hours", factor: HOUR_MS },
];
const ROLL: &[BrokerName] =
    &[same("log.roll.ms"), BrokerName { name: "log.roll.hours", factor: HOUR_MS }];
const JITTER: &[BrokerName] =
    &[same("log.roll.jitter.ms"), BrokerName { name: "log.roll.jitter.hours", factor: HOUR_MS }];
const FLUSH: &[BrokerName] =
    &[same("log.flush.interval.ms"), same("log.flush.scheduler.interval.ms")];

/// The names under which brokers know a topic config, the first that is set wins; empty where a
/// topic config has no broker-wide default.
pub(super) fn broker_names(topic_config: &str) -> &'static [BrokerName] {
    match topic_config {
        "cleanup.policy" => const { &[same("log.cleanup.policy")] },
        "compression.gzip.level" => const { &[same("compression.gzip.level")] },
        "compression.lz4.level" => const { &[same("compression.lz4.level")] },
        "compression.type" => const { &[same("compression.type")] },
        "compression.zstd.level" => const { &[same("compression.zstd.level")] },
        "delete.retention.ms" => const { &[same("log.cleaner.delete.retention.ms")] },
        "durability" => const { &[same("durability")] },
        "file.delete.delay.ms" => const { &[same("log.segment.delete.delay.ms")] },
        "flush.messages" => const { &[same("log.flush.interval.messages")] },
        "flush.ms" => FLUSH,
        "index.interval.bytes" => const { &[same("log.index.interval.bytes")] },
        "local.retention.bytes" => const { &[same("log.local.retention.bytes")] },
        "local.retention.ms" => const { &[same("log.local.retention.ms")] },
        "max.compaction.lag.ms" => const { &[same("log.cleaner.max.compaction.lag.ms")] },
        "max.message.bytes" => const { &[same("message.max.bytes")] },
        "message.timestamp.after.max.ms" => const { &[same("log.message.timestamp.after.max.ms")] },
        "message.timestamp.before.max.ms" => {
            const { &[same("log.message.timestamp.before.max.ms")] }
        }
        "message.timestamp.type" => const { &[same("log.message.timestamp.type")] },
        "min.cleanable.dirty.ratio" => const { &[same("log.cleaner.min.cleanable.ratio")] },
        "min.compaction.lag.ms" => const { &[same("log.cleaner.min.compaction.lag.ms")] },
        "min.insync.replicas" => const { &[same("min.insync.replicas")] },
        "preallocate" => const { &[same("log.preallocate")] },
        "record.validation" => const { &[same("record.validation")] },
        "retention.bytes" => const { &[same("log.retention.bytes")] },
        "retention.ms" => RETENTION,
        "segment.bytes" => const { &[same("log.segment.bytes")] },
        "segment.index.bytes" => const { &[same("log.index.size.max.bytes")] },
        "segment.jitter.ms" => JITTER,
        "segment.ms" => ROLL,
        "unclean.leader.election.enable" => const { &[same("unclean.leader.election.enable")] },
        _ => &[],
    }
}

/// Where values of one topic are looked up.
struct Finder<'a> {
    layers: Layers<'a>,
    overrides: &'a Overrides,
}

impl Finder<'_> {
    fn value(&self, name: &str) -> Option<Value> {
        let spec = ConfigTable::get().topic(name)?;
        self.overrides
            .get(name)
            .and_then(|text| spec.parse(text).ok())
            .or_else(|| inherited(self.layers, name))
            .or_else(|| default_value(spec))
    }

    fn long(&self, name: &str) -> i64 {
        match self.value(name) {
            Some(Value::Int(n)) => n,
            _ => missing(name),
        }
    }

    fn int(&self, name: &str) -> i32 {
        i32::try_from(self.long(name)).unwrap_or(i32::MAX)
    }

    fn bool(&self, name: &str) -> bool {
        match self.value(name) {
            Some(Value::Bool(b)) => b,
            _ => missing(name),
        }
    }

    fn double(&self, name: &str) -> f64 {
        match self.value(name) {
            Some(Value::Double(d)) => d,
            _ => missing(name),
        }
    }

    fn list(&self, name: &str) -> Vec<String> {
        match self.value(name) {
            Some(Value::List(parts)) => parts,
            _ => missing(name),
        }
    }

    fn text(&self, name: &str) -> String {
        match self.value(name) {
            Some(Value::Text(text)) => text,
            _ => missing(name),
        }
    }
}

/// For a name that the table does not have, or has with another type: a slip of ours that
/// [`TopicConfig::resolve`]'s first test finds.
pub(super) fn missing<T: Default>(name: &str) -> T {
    debug_assert!(false, "the table lacks {name}, or a default of the expected type");
    T::default()
}

/// What the broker's layers say about a topic config.
pub(super) fn inherited(layers: Layers<'_>, topic_config: &str) -> Option<Value> {
    let names = broker_names(topic_config);
    names.iter().find_map(|broker| match layers.value(broker.name)? {
        // A negative time means "never" in each of the units.
        Value::Int(n) if broker.factor > 1 && n < 0 => Some(Value::Int(-1)),
        Value::Int(n) => Some(Value::Int(n.saturating_mul(broker.factor))),
        other => Some(other),
    })
}

impl TopicConfig {
    /// What is in force for a topic with these overrides.
    pub fn resolve(layers: Layers<'_>, overrides: &Overrides) -> TopicConfig {
        let find = Finder { layers, overrides };
        let policy = find.list("cleanup.policy");
        let internal_segment_bytes = match find.value("internal.segment.bytes") {
            Some(Value::Int(n)) => i32::try_from(n).ok(),
            _ => None,
        };
        TopicConfig {
            cleanup_policy: CleanupPolicy {
                compact: policy.iter().any(|p| p.eq_ignore_ascii_case("compact")),
                delete: policy.iter().any(|p| p.eq_ignore_ascii_case("delete")),
            },
            compression_type: match find.text("compression.type").as_str() {
                "uncompressed" => CompressionType::Uncompressed,
                "gzip" => CompressionType::Gzip,
                "snappy" => CompressionType::Snappy,
                "lz4" => CompressionType::Lz4,
                "zstd" => CompressionType::Zstd,
                _ => CompressionType::Producer,
            },
            compression_gzip_level: find.int("compression.gzip.level"),
            compression_lz4_level: find.int("compression.lz4.level"),
            compression_zstd_level: find.int("compression.zstd.level"),
            delete_retention_ms: find.long("delete.retention.ms"),
            file_delete_delay_ms: find.long("file.delete.delay.ms"),
            flush_messages: find.long("flush.messages"),
            flush_ms: find.long("flush.ms"),
            follower_replication_throttled_replicas: find
                .list("follower.replication.throttled.replicas"),
            index_interval_bytes: find.int("index.interval.bytes"),
            leader_replication_throttled_replicas: find
                .list("leader.replication.throttled.replicas"),
            local_retention_bytes: find.long("local.retention.bytes"),
            local_retention_ms: find.long("local.retention.ms"),
            max_compaction_lag_ms: find.long("max.compaction.lag.ms"),
            max_message_bytes: find.int("max.message.bytes"),
            message_timestamp_after_max_ms: find.long("message.timestamp.after.max.ms"),
            message_timestamp_before_max_ms: find.long("message.timestamp.before.max.ms"),
            message_timestamp_type: match find.text("message.timestamp.type").as_str() {
                "LogAppendTime" => TimestampType::LogAppendTime,
                _ => TimestampType::CreateTime,
            },
            min_cleanable_dirty_ratio: find.double("min.cleanable.dirty.ratio"),
            min_compaction_lag_ms: find.long("min.compaction.lag.ms"),
            min_insync_replicas: find.int("min.insync.replicas"),
            preallocate: find.bool("preallocate"),
            remote_log_copy_disable: find.bool("remote.log.copy.disable"),
            remote_log_delete_on_disable: find.bool("remote.log.delete.on.disable"),
            remote_storage_enable: find.bool("remote.storage.enable"),
            retention_bytes: find.long("retention.bytes"),
            retention_ms: find.long("retention.ms"),
            segment_bytes: internal_segment_bytes.unwrap_or_else(|| find.int("segment.bytes")),
            segment_index_bytes: find.int("segment.index.bytes"),
            segment_jitter_ms: find.long("segment.jitter.ms"),
            segment_ms: find.long("segment.ms"),
            unclean_leader_election_enable: find.bool("unclean.leader.election.enable"),
            durability: match find.text("durability").as_str() {
                "replicated" => Durability::Replicated,
                _ => Durability::Fsync,
            },
            record_validation: match find.text("record.validation").as_str() {
                "full" => RecordValidation::Full,
                _ => RecordValidation::Header,
            },
        }
    }
}
