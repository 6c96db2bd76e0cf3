//! Configs of one topic.

use crate::config::spec::Check::*;

configs! {
    ROWS =
    List "cleanup.policy" = "delete", SomeOf(&["compact", "delete"]), Medium, ClusterWide, Later:
        "TODO";
    Int "compression.gzip.level" = "-1", GzipLevel, Medium, ClusterWide, Later:
        "TODO";
    Int "compression.lz4.level" = "9", Between(1, 17), Medium, ClusterWide, Later:
        "TODO";
    String "compression.type" = "producer", OneOf(&["uncompressed", "zstd", "lz4", "snappy", "gzip", "producer"]), Medium, ClusterWide, Later:
        "TODO";
    Int "compression.zstd.level" = "3", Between(-131072, 22), Medium, ClusterWide, Later:
        "TODO";
    Long "delete.retention.ms" = "86400000", AtLeast(0), Medium, ClusterWide, Later:
        "TODO";
    String "durability" = "fsync", OneOf(&["fsync", "replicated"]), High, ClusterWide, Works, own:
        "When acks=all counts as done: `fsync` once every in-sync replica has it on stable storage, `replicated` once every in-sync replica has it in memory, as Kafka does.";
    Long "file.delete.delay.ms" = "60000", AtLeast(0), Medium, ClusterWide, Later:
        "TODO";
    Long "flush.messages" = "9223372036854775807", AtLeast(1), Medium, ClusterWide, Later:
        "TODO";
    Long "flush.ms" = "9223372036854775807", AtLeast(0), Medium, ClusterWide, Later:
        "TODO";
    List "follower.replication.throttled.replicas" = "", ThrottledReplicas, Medium, ClusterWide, Later:
        "TODO";
    Int "index.interval.bytes" = "4096", AtLeast(0), Medium, ClusterWide, Later:
        "TODO";
    Int "internal.segment.bytes" = null, Any, Medium, ClusterWide, Later, internal:
        "TODO";
    List "leader.replication.throttled.replicas" = "", ThrottledReplicas, Medium, ClusterWide, Later:
        "TODO";
    Long "local.retention.bytes" = "-2", AtLeast(-2), Medium, ClusterWide, Later:
        "TODO";
    Long "local.retention.ms" = "-2", AtLeast(-2), Medium, ClusterWide, Later:
        "TODO";
    Long "max.compaction.lag.ms" = "9223372036854775807", AtLeast(1), Medium, ClusterWide, Later:
        "TODO";
    Int "max.message.bytes" = "1048588", AtLeast(0), Medium, ClusterWide, Later:
        "TODO";
    Long "message.timestamp.after.max.ms" = "3600000", AtLeast(0), Medium, ClusterWide, Later:
        "TODO";
    Long "message.timestamp.before.max.ms" = "9223372036854775807", AtLeast(0), Medium, ClusterWide, Later:
        "TODO";
    String "message.timestamp.type" = "CreateTime", OneOf(&["CreateTime", "LogAppendTime"]), Medium, ClusterWide, Later:
        "TODO";
    Double "min.cleanable.dirty.ratio" = "0.5", Ratio(0.0, 1.0), Medium, ClusterWide, Later:
        "TODO";
    Long "min.compaction.lag.ms" = "0", AtLeast(0), Medium, ClusterWide, Later:
        "TODO";
    Int "min.insync.replicas" = "1", AtLeast(1), Medium, ClusterWide, Later:
        "TODO";
    Boolean "preallocate" = "false", Any, Medium, ClusterWide, Later:
        "TODO";
    String "record.validation" = "header", OneOf(&["header", "full"]), Medium, ClusterWide, Works, own:
        "How closely produced batches are looked at: `header` checks lengths, CRC and header, `full` unpacks and checks each record as well.";
    Boolean "remote.log.copy.disable" = "false", Any, Medium, ClusterWide, Later:
        "TODO";
    Boolean "remote.log.delete.on.disable" = "false", Any, Medium, ClusterWide, Later:
        "TODO";
    Boolean "remote.storage.enable" = "false", Any, Medium, ClusterWide, Later:
        "TODO";
    Long "retention.bytes" = "-1", Any, Medium, ClusterWide, Later:
        "TODO";
    Long "retention.ms" = "604800000", AtLeast(-1), Medium, ClusterWide, Later:
        "TODO";
    Int "segment.bytes" = "1073741824", AtLeast(1048576), Medium, ClusterWide, Later:
        "TODO";
    Int "segment.index.bytes" = "10485760", AtLeast(4), Medium, ClusterWide, Later:
        "TODO";
    Long "segment.jitter.ms" = "0", AtLeast(0), Medium, ClusterWide, Later:
        "TODO";
    Long "segment.ms" = "604800000", AtLeast(1), Medium, ClusterWide, Later:
        "TODO";
    Boolean "unclean.leader.election.enable" = "false", Any, Medium, ClusterWide, Later:
        "TODO";
}
