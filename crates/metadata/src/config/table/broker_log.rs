//! Broker configs: folders, segments, retention, cleaning; defaults of topics.

use crate::config::spec::Check::*;

configs! {
    ROWS =
    Boolean "auto.create.topics.enable" = "true", Any, High, ReadOnly, Later:
        "TODO";
    Int "background.threads" = "10", AtLeast(1), High, ClusterWide, Later:
        "TODO";
    Int "compression.gzip.level" = "-1", GzipLevel, Medium, ClusterWide, Later:
        "TODO";
    Int "compression.lz4.level" = "9", Between(1, 17), Medium, ClusterWide, Later:
        "TODO";
    String "compression.type" = "producer", OneOf(&["uncompressed", "zstd", "lz4", "snappy", "gzip", "producer"]), High, ClusterWide, Later:
        "TODO";
    Int "compression.zstd.level" = "3", Between(-131072, 22), Medium, ClusterWide, Later:
        "TODO";
    List "cordoned.log.dirs" = "", Any, Medium, PerBroker, Later:
        "TODO";
    Boolean "delete.topic.enable" = "true", Any, High, ReadOnly, Later:
        "TODO";
    Long "log.cleaner.backoff.ms" = "15000", AtLeast(0), Medium, ClusterWide, Later:
        "TODO";
    Long "log.cleaner.dedupe.buffer.size" = "134217728", Any, Medium, ClusterWide, Later:
        "TODO";
    Long "log.cleaner.delete.retention.ms" = "86400000", AtLeast(0), Medium, ClusterWide, Later:
        "TODO";
    Boolean "log.cleaner.enable" = "true", Any, Medium, ReadOnly, Later:
        "TODO";
    Double "log.cleaner.io.buffer.load.factor" = "0.9", Any, Medium, ClusterWide, Later:
        "TODO";
    Int "log.cleaner.io.buffer.size" = "524288", AtLeast(0), Medium, ClusterWide, Later:
        "TODO";
    Double "log.cleaner.io.max.bytes.per.second" = "1.7976931348623157E308", Any, Medium, ClusterWide, Later:
        "TODO";
    Long "log.cleaner.max.compaction.lag.ms" = "9223372036854775807", AtLeast(1), Medium, ClusterWide, Later:
        "TODO";
    Double "log.cleaner.min.cleanable.ratio" = "0.5", Ratio(0.0, 1.0), Medium, ClusterWide, Later:
        "TODO";
    Long "log.cleaner.min.compaction.lag.ms" = "0", AtLeast(0), Medium, ClusterWide, Later:
        "TODO";
    Int "log.cleaner.threads" = "1", AtLeast(0), Medium, ClusterWide, Later:
        "TODO";
    List "log.cleanup.policy" = "delete", SomeOf(&["compact", "delete"]), Medium, ClusterWide, Later:
        "TODO";
    List "log.dir" = "/tmp/kafka-logs", NonEmptyList, High, ReadOnly, Later:
        "TODO";
    Long "log.dir.failure.timeout.ms" = "30000", AtLeast(1), Low, ReadOnly, Later:
        "TODO";
    List "log.dirs" = null, NonEmptyList, High, ReadOnly, Later:
        "TODO";
    Long "log.flush.interval.messages" = "9223372036854775807", AtLeast(1), High, ClusterWide, Later:
        "TODO";
    Long "log.flush.interval.ms" = null, Any, High, ClusterWide, Later:
        "TODO";
    Int "log.flush.offset.checkpoint.interval.ms" = "60000", AtLeast(0), High, ReadOnly, Later:
        "TODO";
    Long "log.flush.scheduler.interval.ms" = "9223372036854775807", Any, High, ReadOnly, Later:
        "TODO";
    Int "log.flush.start.offset.checkpoint.interval.ms" = "60000", AtLeast(0), High, ReadOnly, Later:
        "TODO";
    Int "log.index.interval.bytes" = "4096", AtLeast(0), Medium, ClusterWide, Later:
        "TODO";
    Int "log.index.size.max.bytes" = "10485760", AtLeast(4), Medium, ClusterWide, Later:
        "TODO";
    Long "log.initial.task.delay.ms" = "30000", AtLeast(0), Low, ReadOnly, Later, internal:
        "TODO";
    Long "log.message.timestamp.after.max.ms" = "3600000", AtLeast(0), Medium, ClusterWide, Later:
        "TODO";
    Long "log.message.timestamp.before.max.ms" = "9223372036854775807", AtLeast(0), Medium, ClusterWide, Later:
        "TODO";
    String "log.message.timestamp.type" = "CreateTime", OneOf(&["CreateTime", "LogAppendTime"]), Medium, ClusterWide, Later:
        "TODO";
    Boolean "log.preallocate" = "false", Any, Medium, ClusterWide, Later:
        "TODO";
    Long "log.retention.bytes" = "-1", Any, High, ClusterWide, Later:
        "TODO";
    Long "log.retention.check.interval.ms" = "300000", AtLeast(1), Medium, ReadOnly, Later:
        "TODO";
    Int "log.retention.hours" = "168", Any, High, ReadOnly, Later:
        "TODO";
    Int "log.retention.minutes" = null, Any, High, ReadOnly, Later:
        "TODO";
    Long "log.retention.ms" = null, Any, High, ClusterWide, Later:
        "TODO";
    Int "log.roll.hours" = "168", AtLeast(1), High, ReadOnly, Later:
        "TODO";
    Int "log.roll.jitter.hours" = "0", AtLeast(0), High, ReadOnly, Later:
        "TODO";
    Long "log.roll.jitter.ms" = null, Any, High, ClusterWide, Later:
        "TODO";
    Long "log.roll.ms" = null, Any, High, ClusterWide, Later:
        "TODO";
    Int "log.segment.bytes" = "1073741824", AtLeast(1048576), High, ClusterWide, Later:
        "TODO";
    Long "log.segment.delete.delay.ms" = "60000", AtLeast(0), High, ClusterWide, Later:
        "TODO";
    Int "message.max.bytes" = "1048588", AtLeast(0), High, ClusterWide, Later:
        "TODO";
    Int "num.partitions" = "1", AtLeast(1), Medium, ReadOnly, Later:
        "TODO";
    Int "num.recovery.threads.per.data.dir" = "2", AtLeast(1), High, ClusterWide, Later:
        "TODO";
}
