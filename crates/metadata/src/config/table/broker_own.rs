//! Headwater's own broker configs.

use crate::config::spec::Check::*;

configs! {
    ROWS =
    String "durability" = "fsync", OneOf(&["fsync", "replicated"]), High, ClusterWide, Works, own:
        "When acks=all counts as done: `fsync` once every in-sync replica has the records on \
         stable storage, `replicated` once every in-sync replica has them in memory, as in Kafka. \
         Topics may differ.";
    String "record.validation" = "header", OneOf(&["header", "full"]),
        Medium, ClusterWide, Works, own:
        "How closely produced batches are looked at: `header` checks lengths, CRC and header, \
         `full` unpacks and checks each record as well. Topics may differ.";
    Long "log.scrub.bytes.per.second" = "1048576", AtLeast(0), Low, ClusterWide, Works, own:
        "How much of the closed segments is read again each second, and every batch checked, to \
         find data that has rotted while nobody read it; 0 turns it off. It reads through the page \
         cache: what is cached is not read from the disk.";
    String "metrics.listener" = "127.0.0.1:9404", Any, Medium, ReadOnly, Works, own:
        "Where `/metrics`, `/healthz` and `/readyz` answer, as host:port; empty turns them off.";
    Int "worker.threads" = "0", Between(0, 1024), Medium, ReadOnly, Works, own:
        "Threads that serve connections; 0 takes one a processor core.";
}
