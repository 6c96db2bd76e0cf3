//! Broker configs: replicas, their fetchers and leaders.

use crate::config::spec::Check::*;

configs! {
    ROWS =
    Int "alter.log.dirs.replication.quota.window.num" = "11", AtLeast(1), Low, ReadOnly, Later:
        "Samples over which moves between folders are throttled.";
    Int "alter.log.dirs.replication.quota.window.size.seconds" = "1", AtLeast(1),
        Low, ReadOnly, Later:
        "Length of such a sample.";
    Boolean "auto.leader.rebalance.enable" = "true", Any, High, ReadOnly, Later:
        "Give leadership back to the preferred replicas from time to time.";
    Int "default.replication.factor" = "1", Any, Medium, ReadOnly, Works:
        "Replicas of a topic created without a number; not set, a topic gets what the cluster can \
         hold, up to 3.";
    Long "follower.replication.throttled.rate" = null, AtLeast(0),
        Medium, ClusterWide, Later, internal:
        "Bytes a second that throttled replicas catch up with.";
    Long "leader.imbalance.check.interval.seconds" = "300", AtLeast(1), High, ReadOnly, Later:
        "How often leadership is looked at.";
    Long "leader.replication.throttled.rate" = null, AtLeast(0),
        Medium, ClusterWide, Later, internal:
        "Bytes a second that throttled replicas are served with.";
    Int "min.insync.replicas" = "1", AtLeast(1), High, ClusterWide, Works:
        "Default of the topic config; one number for the whole cluster.";
    Int "num.replica.alter.log.dirs.threads" = null, Any, High, ReadOnly, Inapplicable:
        "Threads for moves between folders; Headwater's few I/O threads do them.";
    Int "num.replica.fetchers" = "1", AtLeast(1), High, ClusterWide, Inapplicable:
        "Threads that fetch from a leader; Headwater's workers do.";
    Long "replica.alter.log.dirs.io.max.bytes.per.second" = null, AtLeast(0),
        Medium, ClusterWide, Works, internal:
        "Bytes a second that moves between folders take.";
    Int "replica.fetch.backoff.ms" = "1000", AtLeast(0), Medium, ReadOnly, Later:
        "Pause after a fetch from a leader that failed.";
    Int "replica.fetch.max.bytes" = "1048576", AtLeast(0), Medium, ReadOnly, Later:
        "The most that a follower fetches of one partition at once.";
    Int "replica.fetch.min.bytes" = "1", Any, High, ReadOnly, Later:
        "The least that a leader answers a follower with, unless time is up.";
    Int "replica.fetch.response.max.bytes" = "10485760", AtLeast(0), Medium, ReadOnly, Later:
        "The most that a follower fetches at once.";
    Int "replica.fetch.wait.max.ms" = "500", Any, High, ReadOnly, Later:
        "How long a follower's fetch waits for data.";
    Long "replica.high.watermark.checkpoint.interval.ms" = "5000", Any, High, ReadOnly, Later:
        "How often high watermarks are written down.";
    Long "replica.lag.time.max.ms" = "30000", Any, High, ReadOnly, Later:
        "A follower that has not caught up for this long is not in sync.";
    String "replica.selector.class" = null, Any, Medium, ReadOnly, Later:
        "Which replica a consumer is sent to.";
    Int "replica.socket.receive.buffer.bytes" = "65536", Any, High, ReadOnly, Later:
        "The system's receive buffer of connections to leaders.";
    Int "replica.socket.timeout.ms" = "30000", Any, High, ReadOnly, Later:
        "How long a follower waits for a leader's answer.";
    Int "replication.quota.window.num" = "11", AtLeast(1), Low, ReadOnly, Later:
        "Samples over which replication is throttled.";
    Int "replication.quota.window.size.seconds" = "1", AtLeast(1), Low, ReadOnly, Later:
        "Length of such a sample.";
    Boolean "unclean.leader.election.enable" = "false", Any, High, ClusterWide, Later:
        "Default of the topic config.";
    Long "unclean.leader.election.interval.ms" = "300000", AtLeast(1),
        Medium, ReadOnly, Later, internal:
        "How often leaderless partitions are looked at for such elections.";
}
