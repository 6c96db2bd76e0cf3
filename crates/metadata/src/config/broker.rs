//! What is in force for one broker, typed: the numbers that its parts run by.
//!
//! Identity, listeners and folders are not here: they never change while a broker runs, see
//! [`ServerConfig`](super::ServerConfig).

use super::layers::Layers;
use super::spec::{Value, split_list};
use super::topic::missing;
use std::collections::BTreeMap;

/// The broker configs that running parts read. Times in ms, sizes in bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct BrokerConfig {
    /// `num.partitions`: of a topic created without a count.
    pub num_partitions: i32,
    /// `default.replication.factor`: of a topic created without one; `None` where nobody set it,
    /// so that the cluster takes what it can hold.
    pub default_replication_factor: Option<i16>,
    /// `min.insync.replicas`; `None` where nobody set it.
    pub min_insync_replicas: Option<i32>,
    /// `auto.create.topics.enable`.
    pub auto_create_topics_enable: bool,
    /// `delete.topic.enable`.
    pub delete_topic_enable: bool,
    /// `message.max.bytes`.
    pub message_max_bytes: i32,
    /// `fetch.max.bytes`: the most that one Fetch answers with.
    pub fetch_max_bytes: i32,
    /// `max.incremental.fetch.session.cache.slots`.
    pub fetch_session_slots: usize,
    /// `max.request.partition.size.limit`: partitions in one DescribeTopicPartitions answer.
    pub max_request_partitions: usize,
    /// `socket.request.max.bytes`: the largest frame taken.
    pub socket_request_max_bytes: usize,
    /// `socket.send.buffer.bytes`; `None` leaves it to the system.
    pub socket_send_buffer_bytes: Option<usize>,
    /// `socket.receive.buffer.bytes`; `None` leaves it to the system.
    pub socket_receive_buffer_bytes: Option<usize>,
    /// `socket.listen.backlog.size`, or 1024 where nobody set it.
    pub socket_listen_backlog_size: i32,
    /// `max.connections`.
    pub max_connections: usize,
    /// `max.connections.per.ip`.
    pub max_connections_per_ip: usize,
    /// `max.connections.per.ip.overrides`: host name or address to count.
    pub max_connections_per_ip_overrides: BTreeMap<String, usize>,
    /// `max.connection.creation.rate`, a second.
    pub max_connection_creation_rate: usize,
    /// `connections.max.idle.ms`; `None` means never.
    pub connections_max_idle_ms: Option<u64>,
    /// `queued.max.requests`.
    pub queued_max_requests: usize,
    /// `request.timeout.ms`: of requests to the controller.
    pub request_timeout_ms: u64,
    /// `log.retention.check.interval.ms`.
    pub log_retention_check_interval_ms: u64,
    /// `log.scrub.bytes.per.second`; 0 means never.
    pub log_scrub_bytes_per_second: u64,
    /// `log.flush.scheduler.interval.ms`.
    pub log_flush_scheduler_interval_ms: u64,
    /// `log.flush.offset.checkpoint.interval.ms`.
    pub log_flush_offset_checkpoint_interval_ms: u64,
    /// `log.flush.start.offset.checkpoint.interval.ms`.
    pub log_flush_start_offset_checkpoint_interval_ms: u64,
    /// `replica.high.watermark.checkpoint.interval.ms`.
    pub replica_high_watermark_checkpoint_interval_ms: u64,
    /// `log.initial.task.delay.ms`: before the first round of retention, flushes, checkpoints.
    pub log_initial_task_delay_ms: u64,
    /// `cordoned.log.dirs`, as they were named.
    pub cordoned_log_dirs: Vec<String>,
    /// `replica.alter.log.dirs.io.max.bytes.per.second`, where it is set.
    pub replica_alter_log_dirs_bytes_per_second: Option<u64>,
    /// `num.recovery.threads.per.data.dir`.
    pub num_recovery_threads_per_data_dir: usize,
    /// `producer.id.expiration.ms`.
    pub producer_id_expiration_ms: i64,
    /// `producer.id.expiration.check.interval.ms`.
    pub producer_id_expiration_check_interval_ms: u64,
    /// `transactional.id.expiration.ms`.
    pub transactional_id_expiration_ms: i64,
    /// `transaction.max.timeout.ms`.
    pub transaction_max_timeout_ms: i32,
    /// `replica.lag.time.max.ms`.
    pub replica_lag_time_max_ms: u64,
    /// `broker.heartbeat.interval.ms`.
    pub broker_heartbeat_interval_ms: u64,
    /// `broker.session.timeout.ms`.
    pub broker_session_timeout_ms: u64,
    /// `metadata.log.max.record.bytes.between.snapshots`.
    pub metadata_snapshot_bytes: u64,
    /// `metadata.log.max.snapshot.interval.ms`; 0 means never by time.
    pub metadata_snapshot_interval_ms: u64,
    /// `metadata.log.segment.bytes`.
    pub metadata_log_segment_bytes: i32,
    /// `group.initial.rebalance.delay.ms`.
    pub group_initial_rebalance_delay_ms: u64,
    /// `group.min.session.timeout.ms`.
    pub group_min_session_timeout_ms: i32,
    /// `group.max.session.timeout.ms`.
    pub group_max_session_timeout_ms: i32,
    /// `group.max.size`.
    pub group_max_size: usize,
    /// `offset.metadata.max.bytes`.
    pub offset_metadata_max_bytes: usize,
    /// `offsets.retention.minutes`, in ms.
    pub offsets_retention_ms: u64,
    /// `offsets.topic.num.partitions`.
    pub offsets_topic_num_partitions: i32,
    /// `offsets.topic.replication.factor`.
    pub offsets_topic_replication_factor: i16,
    /// `offsets.topic.segment.bytes`.
    pub offsets_topic_segment_bytes: i32,
    /// `transaction.state.log.num.partitions`.
    pub transaction_state_log_num_partitions: i32,
    /// `transaction.state.log.replication.factor`.
    pub transaction_state_log_replication_factor: i16,
}

/// Connections that may wait to be accepted where nobody set a number. Kafka's 50 are used up by a
/// burst of clients within a millisecond, and each one beyond waits a second for the system to try
/// again.
pub const LISTEN_BACKLOG: i32 = 1024;

/// Typed look-up in the layers.
struct Finder<'a>(Layers<'a>);

impl Finder<'_> {
    fn long(&self, name: &str) -> i64 {
        self.0.int(name).unwrap_or_else(|| missing(name))
    }

    fn int(&self, name: &str) -> i32 {
        i32::try_from(self.long(name)).unwrap_or(i32::MAX)
    }

    fn short(&self, name: &str) -> i16 {
        i16::try_from(self.long(name)).unwrap_or(i16::MAX)
    }

    /// A count or size; a negative number counts as none.
    fn count(&self, name: &str) -> usize {
        usize::try_from(self.long(name).max(0)).unwrap_or(usize::MAX)
    }

    /// A time; a negative number counts as none.
    fn ms(&self, name: &str) -> u64 {
        u64::try_from(self.long(name)).unwrap_or(0)
    }

    fn bool(&self, name: &str) -> bool {
        match self.0.value(name) {
            Some(Value::Bool(b)) => b,
            _ => missing(name),
        }
    }

    fn text(&self, name: &str) -> &str {
        self.0.text(name).unwrap_or_default()
    }
}

impl BrokerConfig {
    /// What is in force on a broker with these layers.
    pub fn resolve(layers: Layers<'_>) -> BrokerConfig {
        let find = Finder(layers);
        // Kafka's default would switch the system's own tuning off, which costs throughput.
        let buffer =
            |name: &str| layers.set_text(name).and_then(|_| usize::try_from(find.long(name)).ok());
        let idle_ms = find.long("connections.max.idle.ms");
        BrokerConfig {
            num_partitions: find.int("num.partitions"),
            default_replication_factor: layers
                .set_text("default.replication.factor")
                .map(|_| find.short("default.replication.factor")),
            min_insync_replicas: layers
                .set_text("min.insync.replicas")
                .map(|_| find.int("min.insync.replicas")),
            auto_create_topics_enable: find.bool("auto.create.topics.enable"),
            delete_topic_enable: find.bool("delete.topic.enable"),
            message_max_bytes: find.int("message.max.bytes"),
            fetch_max_bytes: find.int("fetch.max.bytes"),
            fetch_session_slots: find.count("max.incremental.fetch.session.cache.slots"),
            max_request_partitions: find.count("max.request.partition.size.limit"),
            socket_request_max_bytes: find.count("socket.request.max.bytes"),
            socket_send_buffer_bytes: buffer("socket.send.buffer.bytes"),
            socket_receive_buffer_bytes: buffer("socket.receive.buffer.bytes"),
            socket_listen_backlog_size: layers
                .set_text("socket.listen.backlog.size")
                .map_or(LISTEN_BACKLOG, |_| find.int("socket.listen.backlog.size")),
            max_connections: find.count("max.connections"),
            max_connections_per_ip: find.count("max.connections.per.ip"),
            max_connections_per_ip_overrides: parse_counts(
                find.text("max.connections.per.ip.overrides"),
            ),
            max_connection_creation_rate: find.count("max.connection.creation.rate"),
            connections_max_idle_ms: u64::try_from(idle_ms).ok(),
            queued_max_requests: find.count("queued.max.requests"),
            request_timeout_ms: find.ms("request.timeout.ms"),
            log_retention_check_interval_ms: find.ms("log.retention.check.interval.ms"),
            log_scrub_bytes_per_second: u64::try_from(find.long("log.scrub.bytes.per.second"))
                .unwrap_or(0),
            log_flush_scheduler_interval_ms: find.ms("log.flush.scheduler.interval.ms"),
            log_flush_offset_checkpoint_interval_ms: find
                .ms("log.flush.offset.checkpoint.interval.ms"),
            log_flush_start_offset_checkpoint_interval_ms: find
                .ms("log.flush.start.offset.checkpoint.interval.ms"),
            replica_high_watermark_checkpoint_interval_ms: find
                .ms("replica.high.watermark.checkpoint.interval.ms"),
            log_initial_task_delay_ms: find.ms("log.initial.task.delay.ms"),
            cordoned_log_dirs: split_list(find.text("cordoned.log.dirs")),
            replica_alter_log_dirs_bytes_per_second: layers
                .set_text("replica.alter.log.dirs.io.max.bytes.per.second")
                .and_then(|_| {
                    u64::try_from(find.long("replica.alter.log.dirs.io.max.bytes.per.second")).ok()
                }),
            num_recovery_threads_per_data_dir: find.count("num.recovery.threads.per.data.dir"),
            producer_id_expiration_ms: find.long("producer.id.expiration.ms"),
            producer_id_expiration_check_interval_ms: find
                .ms("producer.id.expiration.check.interval.ms"),
            transactional_id_expiration_ms: find.long("transactional.id.expiration.ms"),
            transaction_max_timeout_ms: find.int("transaction.max.timeout.ms"),
            replica_lag_time_max_ms: find.ms("replica.lag.time.max.ms"),
            broker_heartbeat_interval_ms: find.ms("broker.heartbeat.interval.ms"),
            broker_session_timeout_ms: find.ms("broker.session.timeout.ms"),
            metadata_snapshot_bytes: find.ms("metadata.log.max.record.bytes.between.snapshots"),
            metadata_snapshot_interval_ms: find.ms("metadata.log.max.snapshot.interval.ms"),
            metadata_log_segment_bytes: find.int("metadata.log.segment.bytes"),
            group_initial_rebalance_delay_ms: find.ms("group.initial.rebalance.delay.ms"),
            group_min_session_timeout_ms: find.int("group.min.session.timeout.ms"),
            group_max_session_timeout_ms: find.int("group.max.session.timeout.ms"),
            group_max_size: find.count("group.max.size"),
            offset_metadata_max_bytes: find.count("offset.metadata.max.bytes"),
            offsets_retention_ms: find.ms("offsets.retention.minutes").saturating_mul(60_000),
            offsets_topic_num_partitions: find.int("offsets.topic.num.partitions"),
            offsets_topic_replication_factor: find.short("offsets.topic.replication.factor"),
            offsets_topic_segment_bytes: find.int("offsets.topic.segment.bytes"),
            transaction_state_log_num_partitions: find.int("transaction.state.log.num.partitions"),
            transaction_state_log_replication_factor: find
                .short("transaction.state.log.replication.factor"),
        }
    }
}

/// `host:count,host:count`; parts that are no such pair were refused before.
fn parse_counts(text: &str) -> BTreeMap<String, usize> {
    text.split(',')
        .filter_map(|pair| {
            let (host, count) = pair.trim().rsplit_once(':')?;
            Some((host.trim().to_owned(), count.trim().parse().ok()?))
        })
        .collect()
}
