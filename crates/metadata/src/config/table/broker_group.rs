//! Broker configs: groups of every kind and the topics behind them.

use crate::config::spec::Check::*;

configs! {
    ROWS =
    Int "group.consumer.assignment.interval.ms" = "1000", AtLeast(0), Medium, ClusterWide, Later:
        "The least time between two new assignments of a consumer group.";
    List "group.consumer.assignors" = "uniform,range", NonEmptyList, Medium, ReadOnly, Later:
        "How partitions may be dealt out in consumer groups; the first is the default.";
    Int "group.consumer.heartbeat.interval.ms" = "5000", AtLeast(1), Medium, ReadOnly, Later:
        "How often members of a consumer group report.";
    Int "group.consumer.max.assignment.interval.ms" = "15000", AtLeast(0), Medium, ReadOnly, Later:
        "The longest assignment interval that a group may set.";
    Int "group.consumer.max.heartbeat.interval.ms" = "15000", AtLeast(1), Medium, ReadOnly, Later:
        "The longest heartbeat interval that a group may set.";
    Int "group.consumer.max.session.timeout.ms" = "60000", AtLeast(1), Medium, ReadOnly, Later:
        "The longest session timeout that a group may set.";
    Int "group.consumer.max.size" = "2147483647", AtLeast(1), Medium, ReadOnly, Later:
        "Members of a consumer group at most.";
    String "group.consumer.migration.policy" = "bidirectional",
        OneOfAnyCase(&["DISABLED", "DOWNGRADE", "UPGRADE", "BIDIRECTIONAL"]),
        Medium, ReadOnly, Later:
        "Whether groups move between the classic and the consumer protocol while running.";
    Int "group.consumer.min.assignment.interval.ms" = "0", AtLeast(0), Medium, ReadOnly, Later:
        "The shortest assignment interval that a group may set.";
    Int "group.consumer.min.heartbeat.interval.ms" = "5000", AtLeast(1), Medium, ReadOnly, Later:
        "The shortest heartbeat interval that a group may set.";
    Int "group.consumer.min.session.timeout.ms" = "45000", AtLeast(1), Medium, ReadOnly, Later:
        "The shortest session timeout that a group may set.";
    Int "group.consumer.regex.refresh.interval.ms" = "600000", AtLeast(10000),
        Medium, ReadOnly, Later, internal:
        "How often topic patterns of groups are matched anew.";
    Int "group.consumer.session.timeout.ms" = "45000", AtLeast(1), Medium, ReadOnly, Later:
        "A consumer-group member that is silent this long is taken out.";
    Int "group.coordinator.append.linger.ms" = "-1", AtLeast(-1), Medium, ReadOnly, Later:
        "How long a coordinator waits for more to write at once; -1 adapts to the load.";
    Int "group.coordinator.background.threads" = "2", AtLeast(1), High, ReadOnly, Inapplicable:
        "Threads for heavy work of coordinators; Headwater's workers do it.";
    Int "group.coordinator.cached.buffer.max.bytes" = "1048588", AtLeast(524288),
        Medium, ClusterWide, Inapplicable:
        "Buffers that Kafka's coordinators keep.";
    List "group.coordinator.rebalance.protocols" = "classic,consumer,streams",
        AtLeastOneOf(&["consumer", "classic", "share", "streams"]),
        Medium, ReadOnly, Later:
        "Which kinds of groups are served.";
    Int "group.coordinator.threads" = "4", AtLeast(1), High, ReadOnly, Inapplicable:
        "Threads of coordinators; Headwater's workers do it.";
    Int "group.initial.rebalance.delay.ms" = "3000", Any, Medium, ReadOnly, Later:
        "How long a new group waits for more members before it begins.";
    Int "group.max.session.timeout.ms" = "1800000", Any, Medium, ReadOnly, Later:
        "The longest session timeout that a classic member may ask for.";
    Int "group.max.size" = "2147483647", AtLeast(1), Medium, ReadOnly, Later:
        "Members of a classic group at most.";
    Int "group.min.session.timeout.ms" = "6000", Any, Medium, ReadOnly, Later:
        "The shortest session timeout that a classic member may ask for.";
    Int "group.share.assignment.interval.ms" = "1000", AtLeast(0), Medium, ClusterWide, Later:
        "The least time between two new assignments of a share group.";
    List "group.share.assignors" = "simple", NonEmptyList, Medium, ReadOnly, Later:
        "How partitions are dealt out in share groups.";
    Int "group.share.delivery.count.limit" = "5", Between(2, 10), Medium, ReadOnly, Later:
        "How often a share group is given the same record at most.";
    Int "group.share.heartbeat.interval.ms" = "5000", AtLeast(1), Medium, ReadOnly, Later:
        "How often members of a share group report.";
    Int "group.share.initialize.retry.interval.ms" = "30000", AtLeast(1),
        Low, ReadOnly, Later, internal:
        "Pause before the state of a share group is set up again.";
    Int "group.share.max.assignment.interval.ms" = "15000", AtLeast(0), Medium, ReadOnly, Later:
        "The longest assignment interval that a group may set.";
    Int "group.share.max.delivery.count.limit" = "10", Between(5, 25), Medium, ReadOnly, Later:
        "The highest delivery count that a group may set.";
    Int "group.share.max.heartbeat.interval.ms" = "15000", AtLeast(1), Medium, ReadOnly, Later:
        "The longest heartbeat interval that a group may set.";
    Int "group.share.max.partition.max.record.locks" = "4000", Between(2000, 10000),
        Medium, ReadOnly, Later:
        "The most records to hold that a group may set.";
    Int "group.share.max.record.lock.duration.ms" = "60000", Between(30000, 3600000),
        Medium, ReadOnly, Later:
        "The longest hold that a group may set.";
    Int "group.share.max.session.timeout.ms" = "60000", AtLeast(1), Medium, ReadOnly, Later:
        "The longest session timeout that a group may set.";
    Int "group.share.max.share.sessions" = "2000", AtLeast(1), Medium, ReadOnly, Later:
        "Share sessions of a broker at most.";
    Int "group.share.max.size" = "200", Between(1, 1000), Medium, ReadOnly, Later:
        "Members of a share group at most.";
    Int "group.share.min.assignment.interval.ms" = "0", AtLeast(0), Medium, ReadOnly, Later:
        "The shortest assignment interval that a group may set.";
    Int "group.share.min.delivery.count.limit" = "2", Between(2, 5), Medium, ReadOnly, Later:
        "The lowest delivery count that a group may set.";
    Int "group.share.min.heartbeat.interval.ms" = "5000", AtLeast(1), Medium, ReadOnly, Later:
        "The shortest heartbeat interval that a group may set.";
    Int "group.share.min.partition.max.record.locks" = "100", Between(100, 2000),
        Medium, ReadOnly, Later:
        "The fewest records to hold that a group may set.";
    Int "group.share.min.record.lock.duration.ms" = "15000", Between(1000, 30000),
        Medium, ReadOnly, Later:
        "The shortest hold that a group may set.";
    Int "group.share.min.session.timeout.ms" = "45000", AtLeast(1), Medium, ReadOnly, Later:
        "The shortest session timeout that a group may set.";
    Int "group.share.partition.max.record.locks" = "2000", Between(100, 10000),
        Medium, ReadOnly, Later:
        "How many records of a partition a share group may hold at a time.";
    String "group.share.persister.class.name" = "org.apache.kafka.server.share.persister.DefaultStatePersister",
        Any,
        Medium, ReadOnly, Inapplicable, internal:
        "A Java class.";
    Int "group.share.record.lock.duration.ms" = "30000", Between(1000, 3600000),
        Medium, ReadOnly, Later:
        "How long a share group's member may hold a record.";
    Int "group.share.session.timeout.ms" = "45000", AtLeast(1), Medium, ReadOnly, Later:
        "A share-group member that is silent this long is taken out.";
    Int "group.streams.assignment.interval.ms" = "1000", AtLeast(0), Medium, ClusterWide, Later:
        "The least time between two new assignments of a streams group.";
    Int "group.streams.heartbeat.interval.ms" = "5000", AtLeast(1), Medium, ReadOnly, Later:
        "How often members of a streams group report.";
    Int "group.streams.initial.rebalance.delay.ms" = "3000", AtLeast(0), Medium, ReadOnly, Later:
        "How long an empty streams group waits for more members before it begins.";
    Int "group.streams.max.assignment.interval.ms" = "15000", AtLeast(0), Medium, ReadOnly, Later:
        "The longest assignment interval that a group may set.";
    Int "group.streams.max.heartbeat.interval.ms" = "15000", AtLeast(1), Medium, ReadOnly, Later:
        "The longest heartbeat interval that a group may set.";
    Int "group.streams.max.session.timeout.ms" = "60000", AtLeast(1), Medium, ReadOnly, Later:
        "The longest session timeout that a group may set.";
    Int "group.streams.max.size" = "2147483647", AtLeast(1), Medium, ReadOnly, Later:
        "Members of a streams group at most.";
    Int "group.streams.max.standby.replicas" = "2", AtLeast(0), Medium, ReadOnly, Later:
        "The most standby copies that a group may set.";
    Int "group.streams.min.assignment.interval.ms" = "0", AtLeast(0), Medium, ReadOnly, Later:
        "The shortest assignment interval that a group may set.";
    Int "group.streams.min.heartbeat.interval.ms" = "5000", AtLeast(1), Medium, ReadOnly, Later:
        "The shortest heartbeat interval that a group may set.";
    Int "group.streams.min.session.timeout.ms" = "45000", AtLeast(1), Medium, ReadOnly, Later:
        "The shortest session timeout that a group may set.";
    Int "group.streams.num.standby.replicas" = "0", AtLeast(0), Medium, ReadOnly, Later:
        "Copies of each streams task that stand by.";
    Int "group.streams.session.timeout.ms" = "45000", AtLeast(1), Medium, ReadOnly, Later:
        "A streams-group member that is silent this long is taken out.";
    Int "offset.metadata.max.bytes" = "4096", Any, High, ReadOnly, Later:
        "The longest note that a committed offset may carry.";
    Int "offsets.commit.timeout.ms" = "5000", AtLeast(1), High, ReadOnly, Later:
        "How long a commit waits for its replicas.";
    Int "offsets.load.buffer.size" = "5242880", AtLeast(1), High, ReadOnly, Inapplicable:
        "Batch size when Kafka loads committed offsets.";
    Long "offsets.retention.check.interval.ms" = "600000", AtLeast(1), High, ReadOnly, Later:
        "How often stale committed offsets are looked for.";
    Int "offsets.retention.minutes" = "10080", AtLeast(1), High, ReadOnly, Later:
        "How long the offsets of an empty group are kept.";
    Int "offsets.topic.compression.codec" = "0", Any, High, ReadOnly, Later:
        "How the offsets topic is stored: 0 plain, 1 gzip, 2 snappy, 3 lz4, 4 zstd.";
    Int "offsets.topic.num.partitions" = "50", AtLeast(1), High, ReadOnly, Later:
        "Partitions of the offsets topic; fixed once it exists.";
    Short "offsets.topic.replication.factor" = "3", AtLeast(1), High, ReadOnly, Later:
        "Replicas of the offsets topic.";
    Int "offsets.topic.segment.bytes" = "104857600", AtLeast(1), High, ReadOnly, Later:
        "Segment size of the offsets topic.";
    Int "share.coordinator.append.linger.ms" = "-1", AtLeast(-1), Medium, ReadOnly, Later:
        "How long a share coordinator waits for more to write at once; -1 adapts to the load.";
    Int "share.coordinator.cached.buffer.max.bytes" = "1048588", AtLeast(524288),
        Medium, ClusterWide, Inapplicable:
        "Buffers that Kafka's share coordinators keep.";
    Int "share.coordinator.cold.partition.snapshot.interval.ms" = "300000", AtLeast(1),
        Low, ReadOnly, Later, internal:
        "How often the state of quiet share partitions is written anew.";
    Int "share.coordinator.load.buffer.size" = "5242880", AtLeast(1), High, ReadOnly, Inapplicable:
        "Batch size when Kafka loads share state.";
    Int "share.coordinator.snapshot.update.records.per.snapshot" = "500", Between(0, 500),
        Medium, ReadOnly, Later:
        "Changes of share state between two whole copies of it.";
    Int "share.coordinator.state.topic.compression.codec" = "0", Any, High, ReadOnly, Later:
        "How the share-state topic is stored, by number as for the offsets topic.";
    Short "share.coordinator.state.topic.min.isr" = "2", AtLeast(1), High, ReadOnly, Later:
        "`min.insync.replicas` of the share-state topic.";
    Int "share.coordinator.state.topic.num.partitions" = "50", AtLeast(1), High, ReadOnly, Later:
        "Partitions of the share-state topic; fixed once it exists.";
    Int "share.coordinator.state.topic.prune.interval.ms" = "300000", AtLeast(1),
        Low, ReadOnly, Later, internal:
        "How often the share-state topic is shortened.";
    Short "share.coordinator.state.topic.replication.factor" = "3", AtLeast(1),
        High, ReadOnly, Later:
        "Replicas of the share-state topic.";
    Int "share.coordinator.state.topic.segment.bytes" = "104857600", AtLeast(1),
        High, ReadOnly, Later:
        "Segment size of the share-state topic.";
    Int "share.coordinator.threads" = "1", AtLeast(1), Medium, ReadOnly, Inapplicable:
        "Threads of share coordinators; Headwater's workers do it.";
    Int "share.coordinator.write.timeout.ms" = "5000", AtLeast(1), High, ReadOnly, Later:
        "How long a write of share state waits for its replicas.";
    Int "share.fetch.purgatory.purge.interval.requests" = "1000", Any,
        Medium, ReadOnly, Inapplicable:
        "Housekeeping of Kafka's lists of waiting requests; Headwater's need none.";
}
