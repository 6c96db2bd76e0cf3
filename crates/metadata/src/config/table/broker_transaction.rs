//! Broker configs: producer ids and transactions.

use crate::config::spec::Check::*;

configs! {
    ROWS =
    Int "add.partitions.to.txn.retry.backoff.max.ms" = "100", AtLeast(0), High, ReadOnly, Later:
        "TODO";
    Int "add.partitions.to.txn.retry.backoff.ms" = "20", AtLeast(1), High, ReadOnly, Later:
        "TODO";
    Int "producer.id.expiration.check.interval.ms" = "600000", AtLeast(1), Low, ReadOnly, Later, internal:
        "TODO";
    Int "producer.id.expiration.ms" = "86400000", AtLeast(1), Low, ClusterWide, Later:
        "TODO";
    Int "transaction.abort.timed.out.transaction.cleanup.interval.ms" = "10000", AtLeast(1), Low, ReadOnly, Later:
        "TODO";
    Int "transaction.max.timeout.ms" = "900000", AtLeast(1), High, ReadOnly, Later:
        "TODO";
    Boolean "transaction.partition.verification.enable" = "true", Any, Low, ClusterWide, Later:
        "TODO";
    Int "transaction.remove.expired.transaction.cleanup.interval.ms" = "3600000", AtLeast(1), Low, ReadOnly, Later:
        "TODO";
    Int "transaction.state.log.load.buffer.size" = "5242880", AtLeast(1), High, ReadOnly, Later:
        "TODO";
    Int "transaction.state.log.min.isr" = "2", AtLeast(1), High, ReadOnly, Later:
        "TODO";
    Int "transaction.state.log.num.partitions" = "50", AtLeast(1), High, ReadOnly, Later:
        "TODO";
    Short "transaction.state.log.replication.factor" = "3", AtLeast(1), High, ReadOnly, Later:
        "TODO";
    Int "transaction.state.log.segment.bytes" = "104857600", AtLeast(1), High, ReadOnly, Later:
        "TODO";
    Boolean "transaction.two.phase.commit.enable" = "false", Any, Low, ReadOnly, Later:
        "TODO";
    Int "transactional.id.expiration.ms" = "604800000", AtLeast(1), High, ReadOnly, Later:
        "TODO";
}
