//! Broker configs: folders, segments, retention, cleaning; defaults of topics.

use crate::config::spec::Check::*;

configs! {
    ROWS =
    Boolean "auto.create.topics.enable" = "true", Any, High, ReadOnly, Works:
        "Create a topic when somebody asks for one that is not there.";
    Int "background.threads" = "10", AtLeast(1), High, ClusterWide, Inapplicable:
        "Threads for Kafka's background work; Headwater's own are few and fixed.";
    Int "compression.gzip.level" = "-1", GzipLevel, Medium, ClusterWide, Works:
        "Default of the topic config.";
    Int "compression.lz4.level" = "9", Between(1, 17), Medium, ClusterWide, Works:
        "Default of the topic config.";
    String "compression.type" = "producer",
        OneOf(&["uncompressed", "zstd", "lz4", "snappy", "gzip", "producer"]),
        High, ClusterWide, Works:
        "Default of the topic config.";
    Int "compression.zstd.level" = "3", Between(-131072, 22), Medium, ClusterWide, Works:
        "Default of the topic config.";
    List "cordoned.log.dirs" = "", Any, Medium, PerBroker, Works:
        "Log folders that get no new partitions, or `*` for all.";
    Boolean "delete.topic.enable" = "true", Any, High, ReadOnly, Works:
        "Whether topics can be deleted.";
    Long "log.cleaner.backoff.ms" = "15000", AtLeast(0), Medium, ClusterWide, Later:
        "How long the cleaner rests when nothing needs it.";
    Long "log.cleaner.dedupe.buffer.size" = "134217728", Any, Medium, ClusterWide, Later:
        "Memory of all cleaners for the keys they have seen.";
    Long "log.cleaner.delete.retention.ms" = "86400000", AtLeast(0), Medium, ClusterWide, Later:
        "Default of `delete.retention.ms`.";
    Boolean "log.cleaner.enable" = "true", Any, Medium, ReadOnly, Later:
        "Whether logs are compacted at all.";
    Double "log.cleaner.io.buffer.load.factor" = "0.9", Any, Medium, ClusterWide, Later:
        "How full the cleaner's memory may get.";
    Int "log.cleaner.io.buffer.size" = "524288", AtLeast(0), Medium, ClusterWide, Later:
        "Memory of all cleaners for reading and writing.";
    Double "log.cleaner.io.max.bytes.per.second" = "1.7976931348623157E308", Any,
        Medium, ClusterWide, Later:
        "The most that cleaners read and write a second.";
    Long "log.cleaner.max.compaction.lag.ms" = "9223372036854775807", AtLeast(1),
        Medium, ClusterWide, Later:
        "Default of `max.compaction.lag.ms`.";
    Double "log.cleaner.min.cleanable.ratio" = "0.5", Ratio(0.0, 1.0), Medium, ClusterWide, Later:
        "Default of `min.cleanable.dirty.ratio`.";
    Long "log.cleaner.min.compaction.lag.ms" = "0", AtLeast(0), Medium, ClusterWide, Later:
        "Default of `min.compaction.lag.ms`.";
    Int "log.cleaner.threads" = "1", AtLeast(0), Medium, ClusterWide, Later:
        "How many cleaners run.";
    List "log.cleanup.policy" = "delete", SomeOf(&["compact", "delete"]),
        Medium, ClusterWide, Later:
        "Default of `cleanup.policy`.";
    Long "log.dir.failure.timeout.ms" = "30000", AtLeast(1), Low, ReadOnly, Later:
        "Stop when the controller has not heard of a failed folder for this long.";
    List "log.dirs" = null, NonEmptyList, High, ReadOnly, Works:
        "The folders for the data, separated by commas; `./headwater-data` where neither this nor \
         `log.dir` is set.";
    List "log.dir" = "/tmp/kafka-logs", NonEmptyList, High, ReadOnly, Works:
        "One folder for the data, where `log.dirs` is not set.";
    Long "log.flush.interval.messages" = "9223372036854775807", AtLeast(1),
        High, ClusterWide, Works:
        "Default of `flush.messages`.";
    Long "log.flush.interval.ms" = null, Any, High, ClusterWide, Works:
        "Default of `flush.ms`.";
    Int "log.flush.offset.checkpoint.interval.ms" = "60000", AtLeast(0), High, ReadOnly, Works:
        "How often it is written down up to where logs are on disk.";
    Long "log.flush.scheduler.interval.ms" = "9223372036854775807", Any,
        High, ReadOnly, Inapplicable:
        "`flush.ms` is kept to half a second without it.";
    Int "log.flush.start.offset.checkpoint.interval.ms" = "60000", AtLeast(0),
        High, ReadOnly, Works:
        "How often it is written down where logs begin.";
    Int "log.index.interval.bytes" = "4096", AtLeast(0), Medium, ClusterWide, Works:
        "Default of `index.interval.bytes`.";
    Int "log.index.size.max.bytes" = "10485760", AtLeast(4), Medium, ClusterWide, Works:
        "Default of `segment.index.bytes`.";
    Long "log.initial.task.delay.ms" = "30000", AtLeast(0), Low, ReadOnly, Works, internal:
        "How long after start the first round of retention, flushes and checkpoints begins.";
    Long "log.message.timestamp.after.max.ms" = "3600000", AtLeast(0), Medium, ClusterWide, Works:
        "Default of the topic config without `log.`.";
    Long "log.message.timestamp.before.max.ms" = "9223372036854775807", AtLeast(0),
        Medium, ClusterWide, Works:
        "Default of the topic config without `log.`.";
    String "log.message.timestamp.type" = "CreateTime", OneOf(&["CreateTime", "LogAppendTime"]),
        Medium, ClusterWide, Works:
        "Default of the topic config without `log.`.";
    Boolean "log.preallocate" = "false", Any, Medium, ClusterWide, Works:
        "Default of `preallocate`.";
    Long "log.retention.bytes" = "-1", Any, High, ClusterWide, Works:
        "Default of `retention.bytes`.";
    Long "log.retention.check.interval.ms" = "300000", AtLeast(1), Medium, ReadOnly, Works:
        "How often old segments are looked for.";
    Int "log.retention.hours" = "168", Any, High, ReadOnly, Works:
        "Default of `retention.ms`, in hours; less than the two below.";
    Int "log.retention.minutes" = null, Any, High, ReadOnly, Works:
        "Default of `retention.ms`, in minutes; wins over hours.";
    Long "log.retention.ms" = null, Any, High, ClusterWide, Works:
        "Default of `retention.ms`; wins over minutes and hours.";
    Int "log.roll.hours" = "168", AtLeast(1), High, ReadOnly, Works:
        "Default of `segment.ms`, in hours.";
    Int "log.roll.jitter.hours" = "0", AtLeast(0), High, ReadOnly, Works:
        "Default of `segment.jitter.ms`, in hours.";
    Long "log.roll.jitter.ms" = null, Any, High, ClusterWide, Works:
        "Default of `segment.jitter.ms`; wins over hours.";
    Long "log.roll.ms" = null, Any, High, ClusterWide, Works:
        "Default of `segment.ms`; wins over hours.";
    Int "log.segment.bytes" = "1073741824", AtLeast(1048576), High, ClusterWide, Works:
        "Default of `segment.bytes`.";
    Long "log.segment.delete.delay.ms" = "60000", AtLeast(0), High, ClusterWide, Works:
        "Default of `file.delete.delay.ms`.";
    Int "message.max.bytes" = "1048588", AtLeast(0), High, ClusterWide, Works:
        "Default of `max.message.bytes`.";
    Int "num.partitions" = "1", AtLeast(1), Medium, ReadOnly, Works:
        "Partitions of a topic created without a number.";
    Int "num.recovery.threads.per.data.dir" = "2", AtLeast(1), High, ClusterWide, Inapplicable:
        "Logs are opened when they are first touched, not when the broker starts.";
}
