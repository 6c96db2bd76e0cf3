//! Configs of one consumer, share or streams group.

use crate::config::spec::Check::*;

configs! {
    ROWS =
    Int "consumer.assignment.interval.ms" = "1000", AtLeast(0), Medium, ClusterWide, Later:
        "TODO";
    Int "consumer.heartbeat.interval.ms" = "5000", AtLeast(1), Medium, ClusterWide, Later:
        "TODO";
    Int "consumer.session.timeout.ms" = "45000", AtLeast(1), Medium, ClusterWide, Later:
        "TODO";
    Int "share.assignment.interval.ms" = "1000", AtLeast(0), Medium, ClusterWide, Later:
        "TODO";
    String "share.auto.offset.reset" = "latest", ShareOffsetReset, Medium, ClusterWide, Later:
        "TODO";
    Int "share.delivery.count.limit" = "5", AtLeast(2), Medium, ClusterWide, Later:
        "TODO";
    Int "share.heartbeat.interval.ms" = "5000", AtLeast(1), Medium, ClusterWide, Later:
        "TODO";
    String "share.isolation.level" = "read_uncommitted", OneOf(&["read_committed", "read_uncommitted"]), Medium, ClusterWide, Later:
        "TODO";
    Int "share.partition.max.record.locks" = "2000", AtLeast(100), Medium, ClusterWide, Later:
        "TODO";
    Int "share.record.lock.duration.ms" = "30000", AtLeast(1000), Medium, ClusterWide, Later:
        "TODO";
    Boolean "share.renew.acknowledge.enable" = "true", Any, Medium, ClusterWide, Later:
        "TODO";
    Int "share.session.timeout.ms" = "45000", AtLeast(1), Medium, ClusterWide, Later:
        "TODO";
    Int "streams.assignment.interval.ms" = "1000", AtLeast(0), Medium, ClusterWide, Later:
        "TODO";
    Int "streams.heartbeat.interval.ms" = "5000", AtLeast(1), Medium, ClusterWide, Later:
        "TODO";
    Int "streams.initial.rebalance.delay.ms" = "3000", AtLeast(0), Medium, ClusterWide, Later:
        "TODO";
    Int "streams.num.standby.replicas" = "0", AtLeast(0), Medium, ClusterWide, Later:
        "TODO";
    Int "streams.session.timeout.ms" = "45000", AtLeast(1), Medium, ClusterWide, Later:
        "TODO";
}
