//! Broker configs: groups of every kind and the topics behind them.

use crate::config::spec::Check::*;

configs! {
    ROWS =
    Int "group.consumer.assignment.interval.ms" = "1000", AtLeast(0), Medium, ClusterWide, Later:
        "TODO";
    List "group.consumer.assignors" = "uniform,range", NonEmptyList, Medium, ReadOnly, Later:
        "TODO";
    Int "group.consumer.heartbeat.interval.ms" = "5000", AtLeast(1), Medium, ReadOnly, Later:
        "TODO";
    Int "group.consumer.max.assignment.interval.ms" = "15000", AtLeast(0), Medium, ReadOnly, Later:
        "TODO";
    Int "group.consumer.max.heartbeat.interval.ms" = "15000", AtLeast(1), Medium, ReadOnly, Later:
        "TODO";
    Int "group.consumer.max.session.timeout.ms" = "60000", AtLeast(1), Medium, ReadOnly, Later:
        "TODO";
    Int "group.consumer.max.size" = "2147483647", AtLeast(1), Medium, ReadOnly, Later:
        "TODO";
    String "group.consumer.migration.policy" = "bidirectional", OneOfAnyCase(&["DISABLED", "DOWNGRADE", "UPGRADE", "BIDIRECTIONAL"]), Medium, ReadOnly, Later:
        "TODO";
    Int "group.consumer.min.assignment.interval.ms" = "0", AtLeast(0), Medium, ReadOnly, Later:
        "TODO";
    Int "group.consumer.min.heartbeat.interval.ms" = "5000", AtLeast(1), Medium, ReadOnly, Later:
        "TODO";
    Int "group.consumer.min.session.timeout.ms" = "45000", AtLeast(1), Medium, ReadOnly, Later:
        "TODO";
    Int "group.consumer.regex.refresh.interval.ms" = "600000", AtLeast(10000), Medium, ReadOnly, Later, internal:
        "TODO";
    Int "group.consumer.session.timeout.ms" = "45000", AtLeast(1), Medium, ReadOnly, Later:
        "TODO";
    Int "group.coordinator.append.linger.ms" = "-1", AtLeast(-1), Medium, ReadOnly, Later:
        "TODO";
    Int "group.coordinator.background.threads" = "2", AtLeast(1), High, ReadOnly, Later:
        "TODO";
    Int "group.coordinator.cached.buffer.max.bytes" = "1048588", AtLeast(524288), Medium, ClusterWide, Later:
        "TODO";
    List "group.coordinator.rebalance.protocols" = "classic,consumer,streams", AtLeastOneOf(&["consumer", "classic", "share", "streams"]), Medium, ReadOnly, Later:
        "TODO";
    Int "group.coordinator.threads" = "4", AtLeast(1), High, ReadOnly, Later:
        "TODO";
    Int "group.initial.rebalance.delay.ms" = "3000", Any, Medium, ReadOnly, Later:
        "TODO";
    Int "group.max.session.timeout.ms" = "1800000", Any, Medium, ReadOnly, Later:
        "TODO";
    Int "group.max.size" = "2147483647", AtLeast(1), Medium, ReadOnly, Later:
        "TODO";
    Int "group.min.session.timeout.ms" = "6000", Any, Medium, ReadOnly, Later:
        "TODO";
    Int "group.share.assignment.interval.ms" = "1000", AtLeast(0), Medium, ClusterWide, Later:
        "TODO";
    List "group.share.assignors" = "simple", NonEmptyList, Medium, ReadOnly, Later:
        "TODO";
    Int "group.share.delivery.count.limit" = "5", Between(2, 10), Medium, ReadOnly, Later:
        "TODO";
    Int "group.share.heartbeat.interval.ms" = "5000", AtLeast(1), Medium, ReadOnly, Later:
        "TODO";
    Int "group.share.initialize.retry.interval.ms" = "30000", AtLeast(1), Low, ReadOnly, Later, internal:
        "TODO";
    Int "group.share.max.assignment.interval.ms" = "15000", AtLeast(0), Medium, ReadOnly, Later:
        "TODO";
    Int "group.share.max.delivery.count.limit" = "10", Between(5, 25), Medium, ReadOnly, Later:
        "TODO";
    Int "group.share.max.heartbeat.interval.ms" = "15000", AtLeast(1), Medium, ReadOnly, Later:
        "TODO";
    Int "group.share.max.partition.max.record.locks" = "4000", Between(2000, 10000), Medium, ReadOnly, Later:
        "TODO";
    Int "group.share.max.record.lock.duration.ms" = "60000", Between(30000, 3600000), Medium, ReadOnly, Later:
        "TODO";
    Int "group.share.max.session.timeout.ms" = "60000", AtLeast(1), Medium, ReadOnly, Later:
        "TODO";
    Int "group.share.max.share.sessions" = "2000", AtLeast(1), Medium, ReadOnly, Later:
        "TODO";
    Int "group.share.max.size" = "200", Between(1, 1000), Medium, ReadOnly, Later:
        "TODO";
    Int "group.share.min.assignment.interval.ms" = "0", AtLeast(0), Medium, ReadOnly, Later:
        "TODO";
    Int "group.share.min.delivery.count.limit" = "2", Between(2, 5), Medium, ReadOnly, Later:
        "TODO";
    Int "group.share.min.heartbeat.interval.ms" = "5000", AtLeast(1), Medium, ReadOnly, Later:
        "TODO";
    Int "group.share.min.partition.max.record.locks" = "100", Between(100, 2000), Medium, ReadOnly, Later:
        "TODO";
    Int "group.share.min.record.lock.duration.ms" = "15000", Between(1000, 30000), Medium, ReadOnly, Later:
        "TODO";
    Int "group.share.min.session.timeout.ms" = "45000", AtLeast(1), Medium, ReadOnly, Later:
        "TODO";
    Int "group.share.partition.max.record.locks" = "2000", Between(100, 10000), Medium, ReadOnly, Later:
        "TODO";
    String "group.share.persister.class.name" = "org.apache.kafka.server.share.persister.DefaultStatePersister", Any, Medium, ReadOnly, Later, internal:
        "TODO";
    Int "group.share.record.lock.duration.ms" = "30000", Between(1000, 3600000), Medium, ReadOnly, Later:
        "TODO";
    Int "group.share.session.timeout.ms" = "45000", AtLeast(1), Medium, ReadOnly, Later:
        "TODO";
    Int "group.streams.assignment.interval.ms" = "1000", AtLeast(0), Medium, ClusterWide, Later:
        "TODO";
    Int "group.streams.heartbeat.interval.ms" = "5000", AtLeast(1), Medium, ReadOnly, Later:
        "TODO";
    Int "group.streams.initial.rebalance.delay.ms" = "3000", AtLeast(0), Medium, ReadOnly, Later:
        "TODO";
    Int "group.streams.max.assignment.interval.ms" = "15000", AtLeast(0), Medium, ReadOnly, Later:
        "TODO";
    Int "group.streams.max.heartbeat.interval.ms" = "15000", AtLeast(1), Medium, ReadOnly, Later:
        "TODO";
    Int "group.streams.max.session.timeout.ms" = "60000", AtLeast(1), Medium, ReadOnly, Later:
        "TODO";
    Int "group.streams.max.size" = "2147483647", AtLeast(1), Medium, ReadOnly, Later:
        "TODO";
    Int "group.streams.max.standby.replicas" = "2", AtLeast(0), Medium, ReadOnly, Later:
        "TODO";
    Int "group.streams.min.assignment.interval.ms" = "0", AtLeast(0), Medium, ReadOnly, Later:
        "TODO";
    Int "group.streams.min.heartbeat.interval.ms" = "5000", AtLeast(1), Medium, ReadOnly, Later:
        "TODO";
    Int "group.streams.min.session.timeout.ms" = "45000", AtLeast(1), Medium, ReadOnly, Later:
        "TODO";
    Int "group.streams.num.standby.replicas" = "0", AtLeast(0), Medium, ReadOnly, Later:
        "TODO";
    Int "group.streams.session.timeout.ms" = "45000", AtLeast(1), Medium, ReadOnly, Later:
        "TODO";
    Int "offset.metadata.max.bytes" = "4096", Any, High, ReadOnly, Later:
        "TODO";
    Int "offsets.commit.timeout.ms" = "5000", AtLeast(1), High, ReadOnly, Later:
        "TODO";
    Int "offsets.load.buffer.size" = "5242880", AtLeast(1), High, ReadOnly, Later:
        "TODO";
    Long "offsets.retention.check.interval.ms" = "600000", AtLeast(1), High, ReadOnly, Later:
        "TODO";
    Int "offsets.retention.minutes" = "10080", AtLeast(1), High, ReadOnly, Later:
        "TODO";
    Int "offsets.topic.compression.codec" = "0", Any, High, ReadOnly, Later:
        "TODO";
    Int "offsets.topic.num.partitions" = "50", AtLeast(1), High, ReadOnly, Later:
        "TODO";
    Short "offsets.topic.replication.factor" = "3", AtLeast(1), High, ReadOnly, Later:
        "TODO";
    Int "offsets.topic.segment.bytes" = "104857600", AtLeast(1), High, ReadOnly, Later:
        "TODO";
    Int "share.coordinator.append.linger.ms" = "-1", AtLeast(-1), Medium, ReadOnly, Later:
        "TODO";
    Int "share.coordinator.cached.buffer.max.bytes" = "1048588", AtLeast(524288), Medium, ClusterWide, Later:
        "TODO";
    Int "share.coordinator.cold.partition.snapshot.interval.ms" = "300000", AtLeast(1), Low, ReadOnly, Later, internal:
        "TODO";
    Int "share.coordinator.load.buffer.size" = "5242880", AtLeast(1), High, ReadOnly, Later:
        "TODO";
    Int "share.coordinator.snapshot.update.records.per.snapshot" = "500", Between(0, 500), Medium, ReadOnly, Later:
        "TODO";
    Int "share.coordinator.state.topic.compression.codec" = "0", Any, High, ReadOnly, Later:
        "TODO";
    Short "share.coordinator.state.topic.min.isr" = "2", AtLeast(1), High, ReadOnly, Later:
        "TODO";
    Int "share.coordinator.state.topic.num.partitions" = "50", AtLeast(1), High, ReadOnly, Later:
        "TODO";
    Int "share.coordinator.state.topic.prune.interval.ms" = "300000", AtLeast(1), Low, ReadOnly, Later, internal:
        "TODO";
    Short "share.coordinator.state.topic.replication.factor" = "3", AtLeast(1), High, ReadOnly, Later:
        "TODO";
    Int "share.coordinator.state.topic.segment.bytes" = "104857600", AtLeast(1), High, ReadOnly, Later:
        "TODO";
    Int "share.coordinator.threads" = "1", AtLeast(1), Medium, ReadOnly, Later:
        "TODO";
    Int "share.coordinator.write.timeout.ms" = "5000", AtLeast(1), High, ReadOnly, Later:
        "TODO";
    Int "share.fetch.purgatory.purge.interval.requests" = "1000", Any, Medium, ReadOnly, Later:
        "TODO";
}
