//! Configs of one consumer, share or streams group.

use crate::config::spec::Check::*;

configs! {
    ROWS =
    Int "consumer.assignment.interval.ms" = "1000", AtLeast(0), Medium, ClusterWide, Later:
        "The least time between two new assignments of a consumer group.";
    Int "consumer.heartbeat.interval.ms" = "5000", AtLeast(1), Medium, ClusterWide, Later:
        "How often members of a consumer group report.";
    Int "consumer.session.timeout.ms" = "45000", AtLeast(1), Medium, ClusterWide, Later:
        "A consumer-group member that is silent this long is taken out.";
    Int "share.assignment.interval.ms" = "1000", AtLeast(0), Medium, ClusterWide, Later:
        "The least time between two new assignments of a share group.";
    String "share.auto.offset.reset" = "latest", ShareOffsetReset, Medium, ClusterWide, Later:
        "Where a share group begins: `latest`, `earliest`, or `by_duration:` with how far back.";
    Int "share.delivery.count.limit" = "5", AtLeast(2), Medium, ClusterWide, Later:
        "How often a share group is given the same record at most.";
    Int "share.heartbeat.interval.ms" = "5000", AtLeast(1), Medium, ClusterWide, Later:
        "How often members of a share group report.";
    String "share.isolation.level" = "read_uncommitted",
        OneOf(&["read_committed", "read_uncommitted"]),
        Medium, ClusterWide, Later:
        "Whether a share group sees records of open and aborted transactions.";
    Int "share.partition.max.record.locks" = "2000", AtLeast(100), Medium, ClusterWide, Later:
        "How many records of a partition a share group may hold at a time.";
    Int "share.record.lock.duration.ms" = "30000", AtLeast(1000), Medium, ClusterWide, Later:
        "How long a share group's member may hold a record.";
    Boolean "share.renew.acknowledge.enable" = "true", Any, Medium, ClusterWide, Later:
        "Whether members may hold on to a record by renewing.";
    Int "share.session.timeout.ms" = "45000", AtLeast(1), Medium, ClusterWide, Later:
        "A share-group member that is silent this long is taken out.";
    Int "streams.assignment.interval.ms" = "1000", AtLeast(0), Medium, ClusterWide, Later:
        "The least time between two new assignments of a streams group.";
    Int "streams.heartbeat.interval.ms" = "5000", AtLeast(1), Medium, ClusterWide, Later:
        "How often members of a streams group report.";
    Int "streams.initial.rebalance.delay.ms" = "3000", AtLeast(0), Medium, ClusterWide, Later:
        "How long an empty streams group waits for more members before it begins.";
    Int "streams.num.standby.replicas" = "0", AtLeast(0), Medium, ClusterWide, Later:
        "Copies of each streams task that stand by.";
    Int "streams.session.timeout.ms" = "45000", AtLeast(1), Medium, ClusterWide, Later:
        "A streams-group member that is silent this long is taken out.";
}
