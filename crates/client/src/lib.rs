//! A Kafka client core without I/O (connections, versions, metadata, routing, admin) and its tokio shell
