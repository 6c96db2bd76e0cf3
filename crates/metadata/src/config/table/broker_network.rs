//! Broker configs: listeners, connections, requests.

use crate::config::spec::Check::*;

configs! {
    ROWS =
    List "advertised.listeners" = null, NonEmptyList, High, ReadOnly, Works:
        "What clients are told to connect to, where that differs from `listeners`.";
    Long "connections.max.idle.ms" = "600000", Any, Medium, ReadOnly, Works:
        "Close connections that were silent for this long.";
    List "controller.listener.names" = required, NonEmptyList, High, ReadOnly, Works:
        "The names among `listeners` that belong to the controller; nothing answers there until \
         clusters work.";
    Int "controller.socket.timeout.ms" = "30000", Any, Medium, ReadOnly, Inapplicable:
        "A leftover of ZooKeeper's days.";
    Int "delete.records.purgatory.purge.interval.requests" = "1", Any,
        Medium, ReadOnly, Inapplicable:
        "Housekeeping of Kafka's lists of waiting requests; Headwater's need none.";
    List "early.start.listeners" = null, Any, High, ReadOnly, Later:
        "Listeners that answer before the broker has caught up.";
    Int "fetch.max.bytes" = "57671680", AtLeast(1024), Medium, ReadOnly, Works:
        "The most that one fetch is answered with, whatever the client asks for.";
    Int "fetch.purgatory.purge.interval.requests" = "1000", Any, Medium, ReadOnly, Inapplicable:
        "Housekeeping of Kafka's lists of waiting requests; Headwater's need none.";
    String "inter.broker.listener.name" = null, Any, Medium, ReadOnly, Works:
        "The listener that brokers use between themselves.";
    String "listener.security.protocol.map" = "SASL_SSL:SASL_SSL,PLAINTEXT:PLAINTEXT,SSL:SSL,SASL_PLAINTEXT:SASL_PLAINTEXT",
        Any,
        Low, PerBroker, Works:
        "Which protocol each listener name speaks; so far only PLAINTEXT.";
    List "listeners" = "PLAINTEXT://127.0.0.1:9092", NonEmptyList, High, PerBroker, Works:
        "What to listen on, as NAME://host:port separated by commas; an empty host is every \
         interface, port 0 a free one, IPv6 stands in brackets.";
    Int "max.connection.creation.rate" = "2147483647", AtLeast(0), Medium, ClusterWide, Works:
        "New connections a second at most.";
    String "max.connections.per.ip.overrides" = "", Any, Medium, ClusterWide, Works:
        "Other limits for single addresses, as address:count.";
    Int "max.connections.per.ip" = "2147483647", AtLeast(0), Medium, ClusterWide, Works:
        "Open connections from one address at most.";
    Int "max.connections" = "2147483647", AtLeast(0), Medium, ClusterWide, Works:
        "Open connections at most.";
    Int "max.incremental.fetch.session.cache.slots" = "1000", AtLeast(0), Medium, ReadOnly, Works:
        "How many fetch sessions are remembered.";
    Int "max.request.partition.size.limit" = "2000", AtLeast(1), Medium, ReadOnly, Works:
        "How many partitions one DescribeTopicPartitions answer holds at most.";
    Int "num.io.threads" = "8", AtLeast(1), High, ClusterWide, Inapplicable:
        "Threads that work on requests; in Headwater the threads that read them do, see \
         `worker.threads`.";
    Int "num.network.threads" = "3", AtLeast(1), High, ClusterWide, Inapplicable:
        "Threads that read requests; see `worker.threads`.";
    Int "producer.purgatory.purge.interval.requests" = "1000", Any, Medium, ReadOnly, Inapplicable:
        "Housekeeping of Kafka's lists of waiting requests; Headwater's need none.";
    Long "queued.max.request.bytes" = "-1", Any, Medium, ReadOnly, Inapplicable:
        "Bound of the queue between Kafka's two kinds of threads; Headwater has a budget of frame \
         bytes instead.";
    Int "queued.max.requests" = "500", AtLeast(1), High, ReadOnly, Inapplicable:
        "Length of the queue between Kafka's two kinds of threads; Headwater has none.";
    Int "request.timeout.ms" = "30000", Any, High, ReadOnly, Later:
        "How long the broker waits for answers of other nodes.";
    Long "socket.connection.setup.timeout.max.ms" = "30000", Any, Medium, ReadOnly, Later:
        "The longest wait for a connection to another node, after several attempts.";
    Long "socket.connection.setup.timeout.ms" = "10000", Any, Medium, ReadOnly, Later:
        "The first wait for a connection to another node.";
    Int "socket.listen.backlog.size" = "50", AtLeast(1), Medium, ReadOnly, Works:
        "Connections that may wait to be accepted; 1024 where this is not set.";
    Int "socket.receive.buffer.bytes" = "102400", Any, High, ReadOnly, Works:
        "The system's receive buffer of a connection, where this is set; else the system tunes it.";
    Int "socket.request.max.bytes" = "104857600", AtLeast(1), High, ReadOnly, Works:
        "The largest request that is read.";
    Int "socket.send.buffer.bytes" = "102400", Any, High, ReadOnly, Works:
        "The system's send buffer of a connection, where this is set; else the system tunes it.";
}
