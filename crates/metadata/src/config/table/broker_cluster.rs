//! Broker configs: identity, controllers, the metadata log.

use crate::config::spec::Check::*;

configs! {
    ROWS =
    Int "broker.heartbeat.interval.ms" = "2000", Any, Medium, ReadOnly, Later:
        "How often a broker reports to the controller.";
    Int "broker.id" = "-1", Any, High, ReadOnly, Works:
        "An older name of `node.id`.";
    String "broker.rack" = null, Any, Medium, ReadOnly, Works:
        "Where the broker stands; replicas are spread over racks.";
    Int "broker.session.timeout.ms" = "9000", Any, Medium, ReadOnly, Later:
        "A broker that is silent this long is taken for dead.";
    Boolean "controlled.shutdown.enable" = "true", Any, Medium, ReadOnly, Later:
        "Hand leadership over before stopping.";
    Long "controller.performance.always.log.threshold.ms" = "2000", AtLeast(0),
        Medium, ReadOnly, Inapplicable, internal:
        "Instrument of Kafka's own controller.";
    Long "controller.performance.sample.period.ms" = "60000", AtLeast(100),
        Medium, ReadOnly, Inapplicable, internal:
        "Instrument of Kafka's own controller.";
    Int "controller.quorum.append.linger.ms" = "25", AtLeast(0), Medium, ReadOnly, Later:
        "How long the metadata leader waits for more to write at once.";
    Boolean "controller.quorum.auto.join.enable" = "false", Any, Low, ReadOnly, Later:
        "Whether a controller joins the quorum by itself.";
    List "controller.quorum.bootstrap.servers" = "", Any, High, ReadOnly, Later:
        "Controllers to ask for the quorum's members.";
    Int "controller.quorum.election.backoff.max.ms" = "1000", AtLeast(0), High, ReadOnly, Later:
        "The longest pause after an election that nobody won.";
    Int "controller.quorum.election.timeout.ms" = "1000", AtLeast(0), High, ReadOnly, Later:
        "How long a candidate waits for votes.";
    Int "controller.quorum.fetch.max.bytes" = "1048576", AtLeast(1), Low, ReadOnly, Later:
        "The most that a controller fetches at once.";
    Int "controller.quorum.fetch.snapshot.max.bytes" = "1048576", AtLeast(1), Low, ReadOnly, Later:
        "The most of a snapshot that a controller fetches at once.";
    Int "controller.quorum.fetch.timeout.ms" = "2000", AtLeast(0), High, ReadOnly, Later:
        "A controller that hears nothing of the leader this long stands for election.";
    Int "controller.quorum.request.timeout.ms" = "2000", AtLeast(0), Medium, ReadOnly, Later:
        "How long controllers wait for each other's answers.";
    Int "controller.quorum.retry.backoff.ms" = "20", AtLeast(0), Low, ReadOnly, Later:
        "Pause before a controller asks again.";
    List "controller.quorum.voters" = "", Any, High, ReadOnly, Works:
        "The controllers, as id@host:port; so far this node alone.";
    Int "initial.broker.registration.timeout.ms" = "60000", Any, Medium, ReadOnly, Later:
        "How long a starting broker tries to register.";
    Long "internal.metadata.delete.delay.millis" = "60000", Any,
        Low, ReadOnly, Inapplicable, internal:
        "For Kafka's own tests.";
    Int "internal.metadata.log.segment.bytes" = null, Any, Low, ReadOnly, Inapplicable, internal:
        "For Kafka's own tests.";
    Int "internal.metadata.max.batch.size.in.bytes" = "8388608", Any,
        Low, ReadOnly, Inapplicable, internal:
        "For Kafka's own tests.";
    String "metadata.log.dir" = null, Any, High, ReadOnly, Works:
        "The folder of the metadata log; the first of `log.dirs` where not set.";
    Long "metadata.log.max.record.bytes.between.snapshots" = "20971520", AtLeast(1),
        High, ReadOnly, Works:
        "Write a snapshot of the metadata after this much.";
    Long "metadata.log.max.snapshot.interval.ms" = "3600000", AtLeast(0), High, ReadOnly, Later:
        "Write a snapshot of the metadata after this time, if anything changed; 0 turns that off.";
    Int "metadata.log.segment.bytes" = "1073741824", AtLeast(8388608),
        High, ReadOnly, Inapplicable:
        "Segment size of the metadata log.";
    Long "metadata.log.segment.ms" = "604800000", Any, High, ReadOnly, Later:
        "Age at which the metadata log begins a new segment.";
    Int "metadata.max.idle.interval.ms" = "500", AtLeast(0), Low, ReadOnly, Inapplicable:
        "Kafka's leader writes empty records when idle; Headwater's needs none.";
    Long "metadata.max.retention.bytes" = "104857600", Any, High, ReadOnly, Later:
        "How much of the metadata log is kept beside its snapshots.";
    Long "metadata.max.retention.ms" = "604800000", Any, High, ReadOnly, Later:
        "How long the metadata log is kept beside its snapshots.";
    Int "node.id" = "1", AtLeast(0), High, ReadOnly, Works:
        "The number of this node, its own in the cluster; 1 where not set.";
    List "process.roles" = required, AtLeastOneOf(&["broker", "controller"]), High, ReadOnly, Works:
        "What this node does: `broker,controller`; one alone when clusters work.";
    Long "server.max.startup.time.ms" = "9223372036854775807", AtLeast(0),
        Medium, ReadOnly, Inapplicable, internal:
        "For Kafka's own tests.";
    Boolean "unstable.api.versions.enable" = "false", Any, High, ReadOnly, Inapplicable, internal:
        "For developers of Kafka.";
    Boolean "unstable.feature.versions.enable" = "false", Any,
        High, ReadOnly, Inapplicable, internal:
        "For developers of Kafka.";
}
