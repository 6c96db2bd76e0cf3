//! The Headwater broker: one binary, Kafka's protocol, no JVM
fn main() {}
