//! The shell around the Headwater node: listeners, worker threads, timers, metrics; embed a Kafka-compatible broker in a Rust program
