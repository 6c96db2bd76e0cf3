//! Broker configs: replicas, their fetchers and leaders.

use crate::config::spec::Check::*;

configs! {
    ROWS =
    Int "alter.log.dirs.replication.quota.window.num" = "11", AtLeast(1), Low, ReadOnly, Later:
        "TODO";
    Int "alter.log.dirs.replication.quota.window.size.seconds" = "1", AtLeast(1), Low, ReadOnly, Later:
        "TODO";
    Boolean "auto.leader.rebalance.enable" = "true", Any, High, ReadOnly, Later:
        "TODO";
    Int "default.replication.factor" = "1", Any, Medium, ReadOnly, Later:
        "TODO";
    Long "leader.imbalance.check.interval.seconds" = "300", AtLeast(1), High, ReadOnly, Later:
        "TODO";
    Int "min.insync.replicas" = "1", AtLeast(1), High, ClusterWide, Later:
        "TODO";
    Int "num.replica.alter.log.dirs.threads" = null, Any, High, ReadOnly, Later:
        "TODO";
    Int "num.replica.fetchers" = "1", AtLeast(1), High, ClusterWide, Later:
        "TODO";
    Int "replica.fetch.backoff.ms" = "1000", AtLeast(0), Medium, ReadOnly, Later:
        "TODO";
    Int "replica.fetch.max.bytes" = "1048576", AtLeast(0), Medium, ReadOnly, Later:
        "TODO";
    Int "replica.fetch.min.bytes" = "1", Any, High, ReadOnly, Later:
        "TODO";
    Int "replica.fetch.response.max.bytes" = "10485760", AtLeast(0), Medium, ReadOnly, Later:
        "TODO";
    Int "replica.fetch.wait.max.ms" = "500", Any, High, ReadOnly, Later:
        "TODO";
    Long "replica.high.watermark.checkpoint.interval.ms" = "5000", Any, High, ReadOnly, Later:
        "TODO";
    Long "replica.lag.time.max.ms" = "30000", Any, High, ReadOnly, Later:
        "TODO";
    String "replica.selector.class" = null, Any, Medium, ReadOnly, Later:
        "TODO";
    Int "replica.socket.receive.buffer.bytes" = "65536", Any, High, ReadOnly, Later:
        "TODO";
    Int "replica.socket.timeout.ms" = "30000", Any, High, ReadOnly, Later:
        "TODO";
    Int "replication.quota.window.num" = "11", AtLeast(1), Low, ReadOnly, Later:
        "TODO";
    Int "replication.quota.window.size.seconds" = "1", AtLeast(1), Low, ReadOnly, Later:
        "TODO";
    Boolean "unclean.leader.election.enable" = "false", Any, High, ClusterWide, Later:
        "TODO";
    Long "unclean.leader.election.interval.ms" = "300000", AtLeast(1), Medium, ReadOnly, Later, internal:
        "TODO";
}
