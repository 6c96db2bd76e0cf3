//! Broker configs: tiered storage.

use crate::config::spec::Check::*;

configs! {
    ROWS =
    Boolean "follower.fetch.last.tiered.offset.enable" = "false", Any, Medium, ClusterWide, Later:
        "A new follower begins where local data begins.";
    Long "log.local.retention.bytes" = "-2", AtLeast(-2), Medium, ClusterWide, Later:
        "Default of `local.retention.bytes`.";
    Long "log.local.retention.ms" = "-2", AtLeast(-2), Medium, ClusterWide, Later:
        "Default of `local.retention.ms`.";
    Int "remote.fetch.max.wait.ms" = "500", AtLeast(1), Medium, ClusterWide, Later:
        "How long a fetch waits for the remote tier.";
    Long "remote.list.offsets.request.timeout.ms" = "30000", AtLeast(1), Medium, ClusterWide, Later:
        "How long a look-up of offsets waits for the remote tier.";
    Long "remote.log.index.file.cache.total.size.bytes" = "1073741824", AtLeast(1),
        Low, ClusterWide, Later:
        "Disk for indexes of remote segments.";
    Long "remote.log.index.file.cache.ttl.ms" = "900000", AtLeast(-1),
        Low, ReadOnly, Later, internal:
        "How long such an index is kept unused.";
    Int "remote.log.manager.copier.thread.pool.size" = "10", AtLeast(1), Medium, ClusterWide, Later:
        "Copies to the remote tier at a time.";
    Long "remote.log.manager.copy.max.bytes.per.second" = "9223372036854775807", AtLeast(1),
        Medium, ClusterWide, Later:
        "The most that is copied to the remote tier a second.";
    Int "remote.log.manager.copy.quota.window.num" = "11", AtLeast(1), Medium, ReadOnly, Later:
        "Samples over which that is throttled.";
    Int "remote.log.manager.copy.quota.window.size.seconds" = "1", AtLeast(1),
        Medium, ReadOnly, Later:
        "Length of such a sample.";
    Int "remote.log.manager.expiration.thread.pool.size" = "10", AtLeast(1),
        Medium, ClusterWide, Later:
        "Deletions in the remote tier at a time.";
    Long "remote.log.manager.fetch.max.bytes.per.second" = "9223372036854775807", AtLeast(1),
        Medium, ClusterWide, Later:
        "The most that is read from the remote tier a second.";
    Int "remote.log.manager.fetch.quota.window.num" = "11", AtLeast(1), Medium, ReadOnly, Later:
        "Samples over which that is throttled.";
    Int "remote.log.manager.fetch.quota.window.size.seconds" = "1", AtLeast(1),
        Medium, ReadOnly, Later:
        "Length of such a sample.";
    Int "remote.log.manager.follower.thread.pool.size" = "2", AtLeast(1),
        Medium, ClusterWide, Later:
        "Follower tasks at a time.";
    Long "remote.log.manager.task.interval.ms" = "30000", AtLeast(1), Low, ReadOnly, Later:
        "How often segments are looked at for copying.";
    Long "remote.log.manager.task.retry.backoff.max.ms" = "30000", AtLeast(1),
        Low, ReadOnly, Later, internal:
        "The longest pause before a task is tried again.";
    Long "remote.log.manager.task.retry.backoff.ms" = "500", AtLeast(1),
        Low, ReadOnly, Later, internal:
        "The first such pause.";
    Double "remote.log.manager.task.retry.jitter" = "0.2", Ratio(0.0, 0.5),
        Low, ReadOnly, Later, internal:
        "Chance part of such a pause.";
    Int "remote.log.manager.thread.pool.size" = "2", AtLeast(1), Medium, ReadOnly, Later:
        "Tasks of tiered storage at a time.";
    Int "remote.log.metadata.custom.metadata.max.bytes" = "128", AtLeast(0), Low, ReadOnly, Later:
        "The longest note on a remote segment.";
    String "remote.log.metadata.manager.class.name" = "org.apache.kafka.server.log.remote.metadata.storage.TopicBasedRemoteLogMetadataManager",
        NonEmpty,
        Medium, ReadOnly, Inapplicable:
        "A Java class.";
    String "remote.log.metadata.manager.class.path" = null, Any, Medium, ReadOnly, Inapplicable:
        "Where that Java class is.";
    String "remote.log.metadata.manager.impl.prefix" = "rlmm.config.", NonEmpty,
        Medium, ReadOnly, Inapplicable:
        "How the names of its settings begin.";
    String "remote.log.metadata.manager.listener.name" = null, NonEmpty, Medium, ReadOnly, Later:
        "The listener that metadata of remote segments travels on.";
    Int "remote.log.reader.max.pending.tasks" = "100", AtLeast(1), Medium, ReadOnly, Later:
        "Reads from the remote tier that may wait.";
    Int "remote.log.reader.threads" = "10", AtLeast(1), Medium, ClusterWide, Later:
        "Reads from the remote tier at a time.";
    String "remote.log.storage.manager.class.name" = null, NonEmpty, Medium, ReadOnly, Inapplicable:
        "A Java class.";
    String "remote.log.storage.manager.class.path" = null, Any, Medium, ReadOnly, Inapplicable:
        "Where that Java class is.";
    String "remote.log.storage.manager.impl.prefix" = "rsm.config.", NonEmpty,
        Medium, ReadOnly, Inapplicable:
        "How the names of its settings begin.";
    Boolean "remote.log.storage.system.enable" = "false", Any, Medium, ReadOnly, Later:
        "Turn tiered storage on.";
}
