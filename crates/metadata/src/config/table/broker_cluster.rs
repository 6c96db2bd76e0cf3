//! Broker configs: identity, controllers, the metadata log.

use crate::config::spec::Check::*;

configs! {
    ROWS =
    Int "broker.heartbeat.interval.ms" = "2000", Any, Medium, ReadOnly, Later:
        "TODO";
    Int "broker.id" = "-1", Any, High, ReadOnly, Later:
        "TODO";
    String "broker.rack" = null, Any, Medium, ReadOnly, Later:
        "TODO";
    Int "broker.session.timeout.ms" = "9000", Any, Medium, ReadOnly, Later:
        "TODO";
    Boolean "controlled.shutdown.enable" = "true", Any, Medium, ReadOnly, Later:
        "TODO";
    List "controller.listener.names" = required, NonEmptyList, High, ReadOnly, Later:
        "TODO";
    Long "controller.performance.always.log.threshold.ms" = "2000", AtLeast(0), Medium, ReadOnly, Later, internal:
        "TODO";
    Long "controller.performance.sample.period.ms" = "60000", AtLeast(100), Medium, ReadOnly, Later, internal:
        "TODO";
    Int "controller.quorum.append.linger.ms" = "25", AtLeast(0), Medium, ReadOnly, Later:
        "TODO";
    Boolean "controller.quorum.auto.join.enable" = "false", Any, Low, ReadOnly, Later:
        "TODO";
    List "controller.quorum.bootstrap.servers" = "", Any, High, ReadOnly, Later:
        "TODO";
    Int "controller.quorum.election.backoff.max.ms" = "1000", AtLeast(0), High, ReadOnly, Later:
        "TODO";
    Int "controller.quorum.election.timeout.ms" = "1000", AtLeast(0), High, ReadOnly, Later:
        "TODO";
    Int "controller.quorum.fetch.max.bytes" = "1048576", AtLeast(1), Low, ReadOnly, Later:
        "TODO";
    Int "controller.quorum.fetch.snapshot.max.bytes" = "1048576", AtLeast(1), Low, ReadOnly, Later:
        "TODO";
    Int "controller.quorum.fetch.timeout.ms" = "2000", AtLeast(0), High, ReadOnly, Later:
        "TODO";
    Int "controller.quorum.request.timeout.ms" = "2000", AtLeast(0), Medium, ReadOnly, Later:
        "TODO";
    Int "controller.quorum.retry.backoff.ms" = "20", AtLeast(0), Low, ReadOnly, Later:
        "TODO";
    List "controller.quorum.voters" = "", Any, High, ReadOnly, Later:
        "TODO";
    Int "controller.quota.window.num" = "11", AtLeast(1), Low, ReadOnly, Later:
        "TODO";
    Int "controller.quota.window.size.seconds" = "1", AtLeast(1), Low, ReadOnly, Later:
        "TODO";
    Int "controller.socket.timeout.ms" = "30000", Any, Medium, ReadOnly, Later:
        "TODO";
    Int "initial.broker.registration.timeout.ms" = "60000", Any, Medium, ReadOnly, Later:
        "TODO";
    Long "internal.metadata.delete.delay.millis" = "60000", Any, Low, ReadOnly, Later, internal:
        "TODO";
    Int "internal.metadata.log.segment.bytes" = null, Any, Low, ReadOnly, Later, internal:
        "TODO";
    Int "internal.metadata.max.batch.size.in.bytes" = "8388608", Any, Low, ReadOnly, Later, internal:
        "TODO";
    String "metadata.log.dir" = null, Any, High, ReadOnly, Later:
        "TODO";
    Long "metadata.log.max.record.bytes.between.snapshots" = "20971520", AtLeast(1), High, ReadOnly, Later:
        "TODO";
    Long "metadata.log.max.snapshot.interval.ms" = "3600000", AtLeast(0), High, ReadOnly, Later:
        "TODO";
    Int "metadata.log.segment.bytes" = "1073741824", AtLeast(8388608), High, ReadOnly, Later:
        "TODO";
    Long "metadata.log.segment.ms" = "604800000", Any, High, ReadOnly, Later:
        "TODO";
    Int "metadata.max.idle.interval.ms" = "500", AtLeast(0), Low, ReadOnly, Later:
        "TODO";
    Long "metadata.max.retention.bytes" = "104857600", Any, High, ReadOnly, Later:
        "TODO";
    Long "metadata.max.retention.ms" = "604800000", Any, High, ReadOnly, Later:
        "TODO";
    Int "node.id" = "1", AtLeast(0), High, ReadOnly, Later:
        "TODO";
    List "process.roles" = required, AtLeastOneOf(&["broker", "controller"]), High, ReadOnly, Later:
        "TODO";
    Long "server.max.startup.time.ms" = "9223372036854775807", AtLeast(0), Medium, ReadOnly, Later, internal:
        "TODO";
    Boolean "unstable.api.versions.enable" = "false", Any, High, ReadOnly, Later, internal:
        "TODO";
    Boolean "unstable.feature.versions.enable" = "false", Any, High, ReadOnly, Later, internal:
        "TODO";
}
