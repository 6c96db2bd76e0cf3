//! Every bound of the client core, in one place.

/// Bytes of one answer that a client takes by default; Kafka's own `socket.request.max.bytes` for
/// the other direction. A broker that claims more is not believed.
pub const RESPONSE_BYTES_MAX: usize = 100 * 1024 * 1024;

/// Requests that may wait for their answers on one connection.
pub const IN_FLIGHT_MAX: usize = 256;

/// Bytes of requests that may wait for the socket of one connection; a request is taken while
/// fewer wait, so one large request always fits.
pub const OUTBOX_BYTES_MAX: usize = 32 * 1024 * 1024;

/// Bytes asked from the socket at a time while the length of the next frame is unknown.
pub const READ_BYTES: usize = 8 * 1024;

/// Bytes of one frame that are reserved ahead of their arrival; a longer frame grows as its bytes
/// come, so that a claimed length alone costs little.
pub const RESERVED_BYTES_MAX: usize = 4 * 1024 * 1024;

/// Topics that one Metadata, CreateTopics or DescribeTopicPartitions request names.
pub const KEYS_PER_REQUEST_MAX: usize = 1_000;

/// Partitions that one page of DescribeTopicPartitions asks for: Kafka's own default limit
/// (`max.request.partition.size.limit`).
pub const PARTITIONS_PER_PAGE: i32 = 2_000;

const _: () = assert!(RESERVED_BYTES_MAX <= RESPONSE_BYTES_MAX);
const _: () = assert!(READ_BYTES <= RESERVED_BYTES_MAX);
