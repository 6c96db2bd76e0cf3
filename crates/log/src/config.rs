//! What a log must know of its topic's configuration, as plain values.

/// Which timestamp the records of a topic carry.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TimestampType {
    /// The producer's.
    #[default]
    CreateTime,
    /// The broker's clock at append.
    LogAppendTime,
}

/// How much of a batch is looked at before it is appended (`record.validation`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum RecordValidation {
    /// Header and CRC.
    #[default]
    Header,
    /// Every record, as Apache Kafka does.
    Full,
}

/// What a batch is compressed with (`compression.type`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum CompressionChoice {
    /// What the producer chose.
    #[default]
    Producer,
    /// Nothing.
    Uncompressed,
    /// gzip at a level (-1: the codec's default).
    Gzip(i32),
    /// snappy.
    Snappy,
    /// lz4 at a level.
    Lz4(i32),
    /// zstd at a level.
    Zstd(i32),
}

/// The configuration of one log. Limits that may be "unlimited" are `None` then.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogConfig {
    /// `segment.bytes`: a segment is closed rather than grown beyond it.
    pub segment_bytes: u32,
    /// `segment.ms`: a segment is closed when its records span more than this.
    pub segment_ms: i64,
    /// `segment.jitter.ms`: at most this much is taken off `segment_ms`, other for each segment.
    pub segment_jitter_ms: i64,
    /// `segment.index.bytes`: an index file's size limit.
    pub segment_index_bytes: u32,
    /// `index.interval.bytes`: log bytes between two index entries.
    pub index_interval_bytes: u32,
    /// `retention.ms`.
    pub retention_ms: Option<u64>,
    /// `retention.bytes`.
    pub retention_bytes: Option<u64>,
    /// `flush.messages`: a sync is due after this many records.
    pub flush_messages: u64,
    /// `flush.ms`: a sync is due when the oldest unsynced record is this old.
    pub flush_ms: u64,
    /// `max.message.bytes`: the largest batch.
    pub max_message_bytes: u32,
    /// `message.timestamp.type`.
    pub timestamp_type: TimestampType,
    /// `message.timestamp.before.max.ms`.
    pub timestamp_before_max_ms: i64,
    /// `message.timestamp.after.max.ms`.
    pub timestamp_after_max_ms: i64,
    /// `compression.type` with the codec's level.
    pub compression: CompressionChoice,
    /// `preallocate`.
    pub preallocate: bool,
    /// `cleanup.policy` contains `delete`.
    pub cleanup_delete: bool,
    /// `cleanup.policy` contains `compact`: records need a key.
    pub cleanup_compact: bool,
    /// `delete.retention.ms`: how long a tombstone is kept.
    pub delete_retention_ms: u64,
    /// `file.delete.delay.ms`: how long a removed segment stays as `.deleted`.
    pub file_delete_delay_ms: u64,
    /// `producer.id.expiration.ms`.
    pub producer_id_expiration_ms: u64,
    /// `record.validation`.
    pub record_validation: RecordValidation,
    /// Whether small appends are made durable by the folder's journal: for a log that is synced
    /// after every append (`durability=fsync`). One that is synced now and then needs no journal.
    pub journaled: bool,
}

impl Default for LogConfig {
    /// Apache Kafka's defaults.
    fn default() -> Self {
        Self {
            segment_bytes: 1 << 30,
            segment_ms: 7 * 24 * 3_600_000,
            segment_jitter_ms: 0,
            segment_index_bytes: 10 << 20,
            index_interval_bytes: 4096,
            retention_ms: Some(7 * 24 * 3_600_000),
            retention_bytes: None,
            flush_messages: u64::MAX,
            flush_ms: u64::MAX,
            max_message_bytes: 1_048_588,
            timestamp_type: TimestampType::CreateTime,
            timestamp_before_max_ms: i64::MAX,
            timestamp_after_max_ms: 3_600_000,
            compression: CompressionChoice::Producer,
            preallocate: false,
            cleanup_delete: true,
            cleanup_compact: false,
            delete_retention_ms: 86_400_000,
            file_delete_delay_ms: 60_000,
            producer_id_expiration_ms: 86_400_000,
            record_validation: RecordValidation::Header,
            journaled: true,
        }
    }
}
