//! Configs of one topic.

use crate::config::spec::Check::*;

configs! {
    ROWS =
    List "cleanup.policy" = "delete", SomeOf(&["compact", "delete"]), Medium, ClusterWide, Later:
        "What becomes of old data: `delete` drops old segments, `compact` keeps the newest record \
         of each key; both may be combined.";
    Int "compression.gzip.level" = "-1", GzipLevel, Medium, ClusterWide, Works:
        "How hard gzip tries, 1 to 9; -1 leaves it to the codec.";
    Int "compression.lz4.level" = "9", Between(1, 17), Medium, ClusterWide, Works:
        "How hard lz4 tries, 1 to 17.";
    String "compression.type" = "producer",
        OneOf(&["uncompressed", "zstd", "lz4", "snappy", "gzip", "producer"]),
        Medium, ClusterWide, Works:
        "How batches are stored: as the producer sent them, plain, or always with one codec.";
    Int "compression.zstd.level" = "3", Between(-131072, 22), Medium, ClusterWide, Works:
        "How hard zstd tries, -131072 to 22.";
    Long "delete.retention.ms" = "86400000", AtLeast(0), Medium, ClusterWide, Later:
        "How long a delete marker stays readable in a compacted topic.";
    String "durability" = "fsync", OneOf(&["fsync", "replicated"]), High, ClusterWide, Works, own:
        "When acks=all counts as done: `fsync` once every in-sync replica has the records on \
         stable storage, `replicated` once every in-sync replica has them in memory, as in Kafka.";
    Long "file.delete.delay.ms" = "60000", AtLeast(0), Medium, ClusterWide, Works:
        "How long files of a deleted segment stay on disk, for readers that still hold them.";
    Long "flush.messages" = "9223372036854775807", AtLeast(1), Medium, ClusterWide, Works:
        "Force data to disk after this many records, beyond what `durability` demands.";
    Long "flush.ms" = "9223372036854775807", AtLeast(0), Medium, ClusterWide, Works:
        "Force data to disk after this time, beyond what `durability` demands.";
    List "follower.replication.throttled.replicas" = "", ThrottledReplicas,
        Medium, ClusterWide, Later:
        "Replicas whose catching up is throttled, as partition:broker pairs, or `*` for all.";
    Int "index.interval.bytes" = "4096", AtLeast(0), Medium, ClusterWide, Works:
        "About how many bytes of records lie between two entries of the offset index.";
    Int "internal.segment.bytes" = null, Any, Medium, ClusterWide, Works, internal:
        "Segment size without the lower bound of `segment.bytes`; for tests.";
    List "leader.replication.throttled.replicas" = "", ThrottledReplicas,
        Medium, ClusterWide, Later:
        "Replicas whose serving to followers is throttled, as partition:broker pairs, or `*` for \
         all.";
    Long "local.retention.bytes" = "-2", AtLeast(-2), Medium, ClusterWide, Later:
        "With tiered storage: how much stays on local disk; -2 follows `retention.bytes`.";
    Long "local.retention.ms" = "-2", AtLeast(-2), Medium, ClusterWide, Later:
        "With tiered storage: how long data stays on local disk; -2 follows `retention.ms`.";
    Long "max.compaction.lag.ms" = "9223372036854775807", AtLeast(1), Medium, ClusterWide, Later:
        "A record is compacted at the latest after this time.";
    Int "max.message.bytes" = "1048588", AtLeast(0), Medium, ClusterWide, Works:
        "The largest batch that is accepted, as it arrives and as it would be stored.";
    Long "message.timestamp.after.max.ms" = "3600000", AtLeast(0), Medium, ClusterWide, Works:
        "How far a record's timestamp may lie ahead of the broker's clock.";
    Long "message.timestamp.before.max.ms" = "9223372036854775807", AtLeast(0),
        Medium, ClusterWide, Works:
        "How far a record's timestamp may lie behind the broker's clock.";
    String "message.timestamp.type" = "CreateTime", OneOf(&["CreateTime", "LogAppendTime"]),
        Medium, ClusterWide, Works:
        "Whose time a record carries: that of the producer (`CreateTime`) or of the broker \
         (`LogAppendTime`).";
    Double "min.cleanable.dirty.ratio" = "0.5", Ratio(0.0, 1.0), Medium, ClusterWide, Later:
        "Compact once this share of the log is not yet compacted.";
    Long "min.compaction.lag.ms" = "0", AtLeast(0), Medium, ClusterWide, Later:
        "A record stays as it is for at least this time.";
    Int "min.insync.replicas" = "1", AtLeast(1), Medium, ClusterWide, Works:
        "With acks=all, refuse writes while fewer replicas than this are in sync.";
    Boolean "preallocate" = "false", Any, Medium, ClusterWide, Works:
        "Reserve the whole segment on disk when it is opened.";
    String "record.validation" = "header", OneOf(&["header", "full"]),
        Medium, ClusterWide, Works, own:
        "How closely produced batches are looked at: `header` checks lengths, CRC and header, \
         `full` unpacks and checks each record as well.";
    Boolean "remote.log.copy.disable" = "false", Any, Medium, ClusterWide, Later:
        "With tiered storage: copy nothing more to the remote tier.";
    Boolean "remote.log.delete.on.disable" = "false", Any, Medium, ClusterWide, Later:
        "Delete what lies in the remote tier when tiered storage is turned off for the topic.";
    Boolean "remote.storage.enable" = "false", Any, Medium, ClusterWide, Later:
        "Keep old segments in the remote tier.";
    Long "retention.bytes" = "-1", Any, Medium, ClusterWide, Works:
        "Delete the oldest segments beyond this size of a partition; -1 keeps everything.";
    Long "retention.ms" = "604800000", AtLeast(-1), Medium, ClusterWide, Works:
        "Delete segments whose newest record is older than this; -1 keeps everything.";
    Int "segment.bytes" = "1073741824", AtLeast(1048576), Medium, ClusterWide, Works:
        "Begin a new segment file at this size.";
    Int "segment.index.bytes" = "10485760", AtLeast(4), Medium, ClusterWide, Works:
        "The most that a segment's index takes; it decides when a segment is full, too.";
    Long "segment.jitter.ms" = "0", AtLeast(0), Medium, ClusterWide, Works:
        "Take up to this much off `segment.ms`, at random, so that segments do not roll all at \
         once.";
    Long "segment.ms" = "604800000", AtLeast(1), Medium, ClusterWide, Works:
        "Begin a new segment file after this time even if the old one is not full.";
    Boolean "unclean.leader.election.enable" = "false", Any, Medium, ClusterWide, Later:
        "Whether a replica that is not in sync may lead when no other is left; records can be \
         lost.";
}
