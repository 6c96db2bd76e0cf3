//! The headwater command line: topics, configs, cluster and log files of any Kafka cluster
fn main() {}
