//! Broker configs: producer ids and transactions.

use crate::config::spec::Check::*;

configs! {
    ROWS =
    Int "add.partitions.to.txn.retry.backoff.max.ms" = "100", AtLeast(0), High, ReadOnly, Later:
        "The longest pause before a partition is added to a transaction again.";
    Int "add.partitions.to.txn.retry.backoff.ms" = "20", AtLeast(1), High, ReadOnly, Later:
        "The first such pause.";
    Int "producer.id.expiration.check.interval.ms" = "600000", AtLeast(1),
        Low, ReadOnly, Inapplicable, internal:
        "Idle producer ids are looked for with every round of retention.";
    Int "producer.id.expiration.ms" = "86400000", AtLeast(1), Low, ClusterWide, Works:
        "How long a partition remembers a producer id that is idle.";
    Int "transaction.abort.timed.out.transaction.cleanup.interval.ms" = "10000", AtLeast(1),
        Low, ReadOnly, Later:
        "How often overdue transactions are looked for.";
    Int "transaction.max.timeout.ms" = "900000", AtLeast(1), High, ReadOnly, Later:
        "The longest transaction timeout that a producer may ask for.";
    Boolean "transaction.partition.verification.enable" = "true", Any, Low, ClusterWide, Later:
        "Check that a partition belongs to the transaction before a write is taken.";
    Int "transaction.remove.expired.transaction.cleanup.interval.ms" = "3600000", AtLeast(1),
        Low, ReadOnly, Later:
        "How often stale transactional ids are looked for.";
    Int "transaction.state.log.load.buffer.size" = "5242880", AtLeast(1),
        High, ReadOnly, Inapplicable:
        "Batch size when Kafka loads transaction state.";
    Int "transaction.state.log.min.isr" = "2", AtLeast(1), High, ReadOnly, Later:
        "`min.insync.replicas` of the transaction topic.";
    Int "transaction.state.log.num.partitions" = "50", AtLeast(1), High, ReadOnly, Later:
        "Partitions of the transaction topic; fixed once it exists.";
    Short "transaction.state.log.replication.factor" = "3", AtLeast(1), High, ReadOnly, Later:
        "Replicas of the transaction topic.";
    Int "transaction.state.log.segment.bytes" = "104857600", AtLeast(1), High, ReadOnly, Later:
        "Segment size of the transaction topic.";
    Boolean "transaction.two.phase.commit.enable" = "false", Any, Low, ReadOnly, Later:
        "Whether outsiders may coordinate transactions.";
    Int "transactional.id.expiration.ms" = "604800000", AtLeast(1), High, ReadOnly, Later:
        "How long a transactional id that is idle is remembered.";
}
