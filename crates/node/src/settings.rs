//! From the table of configs to what the parts of the node run by.

use headwater_log::{
    CompressionChoice, LogConfig, RecordValidation as LogValidation,
    TimestampType as LogTimestampType,
};
use headwater_metadata::config::{
    BrokerConfig, CompressionType, Durability as ConfiguredDurability, Layers, RecordValidation,
    ServerConfig, TimestampType, TopicConfig,
};
use headwater_metadata::image::{ConfigResource, Configs, Image, TopicImage};
use headwater_replication::Durability;
use headwater_types::BrokerId;
use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;

/// No configs.
static NONE: Configs = Configs::new();

/// The layers of settings as this broker sees them in an image.
pub(crate) fn layers<'a>(server: &'a ServerConfig, image: &'a Image, me: BrokerId) -> Layers<'a> {
    let set = |resource: &ConfigResource| image.configs(resource).map_or(&NONE, |set| &**set);
    Layers {
        server,
        cluster_default: set(&ConfigResource::all_brokers()),
        broker: set(&ConfigResource::broker(me)),
    }
}

/// What is in force for a topic.
pub(crate) fn topic_config(
    server: &ServerConfig,
    image: &Image,
    me: BrokerId,
    topic: &TopicImage,
) -> Arc<TopicConfig> {
    Arc::new(TopicConfig::resolve(layers(server, image, me), &topic.configs))
}

/// The bounds that the shell keeps on the network's side.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NetworkSettings {
    /// `socket.request.max.bytes`: the largest frame.
    pub request_bytes_max: usize,
    /// `connections.max.idle.ms`.
    pub idle_max_ms: u64,
    /// `max.connections`.
    pub connections_max: usize,
    /// `max.connections.per.ip`.
    pub connections_per_ip_max: usize,
    /// `max.connections.per.ip.overrides`: address to count.
    pub connections_per_ip_overrides: BTreeMap<IpAddr, usize>,
    /// `max.connection.creation.rate`, a second.
    pub connection_creation_rate: usize,
    /// `socket.send.buffer.bytes`, where it was set.
    pub send_buffer_bytes: Option<usize>,
    /// `socket.receive.buffer.bytes`, where it was set.
    pub receive_buffer_bytes: Option<usize>,
}

impl NetworkSettings {
    pub(crate) fn of(settings: &BrokerConfig) -> Self {
        Self {
            request_bytes_max: settings.socket_request_max_bytes,
            idle_max_ms: settings.connections_max_idle_ms.unwrap_or(u64::MAX),
            connections_max: settings.max_connections,
            connections_per_ip_max: settings.max_connections_per_ip,
            // Names were checked when they were set; those that are no addresses match nobody.
            connections_per_ip_overrides: settings
                .max_connections_per_ip_overrides
                .iter()
                .filter_map(|(host, count)| Some((host.parse().ok()?, *count)))
                .collect(),
            connection_creation_rate: settings.max_connection_creation_rate,
            send_buffer_bytes: settings.socket_send_buffer_bytes,
            receive_buffer_bytes: settings.socket_receive_buffer_bytes,
        }
    }
}

/// When a topic's records count as committed.
pub(crate) fn durability(config: &TopicConfig) -> Durability {
    match config.durability {
        ConfiguredDurability::Fsync => Durability::Fsync,
        ConfiguredDurability::Replicated => Durability::Replicated,
    }
}

/// What a topic's logs run by.
pub(crate) fn log_config(config: &TopicConfig, producer_id_expiration_ms: i64) -> LogConfig {
    LogConfig {
        segment_bytes: unsigned(config.segment_bytes),
        segment_ms: config.segment_ms,
        segment_jitter_ms: config.segment_jitter_ms,
        segment_index_bytes: unsigned(config.segment_index_bytes),
        index_interval_bytes: unsigned(config.index_interval_bytes),
        retention_ms: u64::try_from(config.retention_ms).ok(),
        retention_bytes: u64::try_from(config.retention_bytes).ok(),
        flush_messages: u64::try_from(config.flush_messages).unwrap_or(u64::MAX),
        flush_ms: u64::try_from(config.flush_ms).unwrap_or(u64::MAX),
        max_message_bytes: unsigned(config.max_message_bytes),
        timestamp_type: match config.message_timestamp_type {
            TimestampType::CreateTime => LogTimestampType::CreateTime,
            TimestampType::LogAppendTime => LogTimestampType::LogAppendTime,
        },
        timestamp_before_max_ms: config.message_timestamp_before_max_ms,
        timestamp_after_max_ms: config.message_timestamp_after_max_ms,
        compression: match config.compression_type {
            CompressionType::Producer => CompressionChoice::Producer,
            CompressionType::Uncompressed => CompressionChoice::Uncompressed,
            CompressionType::Gzip => CompressionChoice::Gzip(config.compression_gzip_level),
            CompressionType::Snappy => CompressionChoice::Snappy,
            CompressionType::Lz4 => CompressionChoice::Lz4(config.compression_lz4_level),
            CompressionType::Zstd => CompressionChoice::Zstd(config.compression_zstd_level),
        },
        preallocate: config.preallocate,
        cleanup_delete: config.cleanup_policy.delete,
        cleanup_compact: config.cleanup_policy.compact,
        delete_retention_ms: u64::try_from(config.delete_retention_ms).unwrap_or(0),
        file_delete_delay_ms: u64::try_from(config.file_delete_delay_ms).unwrap_or(0),
        producer_id_expiration_ms: u64::try_from(producer_id_expiration_ms).unwrap_or(u64::MAX),
        record_validation: match config.record_validation {
            RecordValidation::Header => LogValidation::Header,
            RecordValidation::Full => LogValidation::Full,
        },
        journaled: durability(config) == Durability::Fsync,
    }
}

fn unsigned(value: i32) -> u32 {
    u32::try_from(value).unwrap_or(0)
}
