//! Kafka's wire protocol without I/O: frames, every API at every version, record batches and compression
