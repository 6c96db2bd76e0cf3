//! Broker configs: listeners, connections, requests.

use crate::config::spec::Check::*;

configs! {
    ROWS =
    List "advertised.listeners" = null, NonEmptyList, High, ReadOnly, Later:
        "TODO";
    Long "connections.max.idle.ms" = "600000", Any, Medium, ReadOnly, Later:
        "TODO";
    Int "delete.records.purgatory.purge.interval.requests" = "1", Any, Medium, ReadOnly, Later:
        "TODO";
    List "early.start.listeners" = null, Any, High, ReadOnly, Later:
        "TODO";
    Int "fetch.max.bytes" = "57671680", AtLeast(1024), Medium, ReadOnly, Later:
        "TODO";
    Int "fetch.purgatory.purge.interval.requests" = "1000", Any, Medium, ReadOnly, Later:
        "TODO";
    String "inter.broker.listener.name" = null, Any, Medium, ReadOnly, Later:
        "TODO";
    String "listener.security.protocol.map" = "SASL_SSL:SASL_SSL,PLAINTEXT:PLAINTEXT,SSL:SSL,SASL_PLAINTEXT:SASL_PLAINTEXT", Any, Low, PerBroker, Later:
        "TODO";
    List "listeners" = "PLAINTEXT://127.0.0.1:9092", NonEmptyList, High, PerBroker, Later:
        "TODO";
    Int "max.connection.creation.rate" = "2147483647", AtLeast(0), Medium, ClusterWide, Later:
        "TODO";
    Int "max.connections" = "2147483647", AtLeast(0), Medium, ClusterWide, Later:
        "TODO";
    Int "max.connections.per.ip" = "2147483647", AtLeast(0), Medium, ClusterWide, Later:
        "TODO";
    String "max.connections.per.ip.overrides" = "", Any, Medium, ClusterWide, Later:
        "TODO";
    Int "max.incremental.fetch.session.cache.slots" = "1000", AtLeast(0), Medium, ReadOnly, Later:
        "TODO";
    Int "max.request.partition.size.limit" = "2000", AtLeast(1), Medium, ReadOnly, Later:
        "TODO";
    Int "num.io.threads" = "8", AtLeast(1), High, ClusterWide, Later:
        "TODO";
    Int "num.network.threads" = "3", AtLeast(1), High, ClusterWide, Later:
        "TODO";
    Int "producer.purgatory.purge.interval.requests" = "1000", Any, Medium, ReadOnly, Later:
        "TODO";
    Long "queued.max.request.bytes" = "-1", Any, Medium, ReadOnly, Later:
        "TODO";
    Int "queued.max.requests" = "500", AtLeast(1), High, ReadOnly, Later:
        "TODO";
    Int "request.timeout.ms" = "30000", Any, High, ReadOnly, Later:
        "TODO";
    Long "socket.connection.setup.timeout.max.ms" = "30000", Any, Medium, ReadOnly, Later:
        "TODO";
    Long "socket.connection.setup.timeout.ms" = "10000", Any, Medium, ReadOnly, Later:
        "TODO";
    Int "socket.listen.backlog.size" = "50", AtLeast(1), Medium, ReadOnly, Later:
        "TODO";
    Int "socket.receive.buffer.bytes" = "102400", Any, High, ReadOnly, Later:
        "TODO";
    Int "socket.request.max.bytes" = "104857600", AtLeast(1), High, ReadOnly, Later:
        "TODO";
    Int "socket.send.buffer.bytes" = "102400", Any, High, ReadOnly, Later:
        "TODO";
}
