//! Every bound of the metadata, in one place.
//!
//! A command beyond one of them is answered with an error that names it; nothing grows until
//! memory ends.

/// Records that one command may emit. Kafka's bound for one user operation; keeps an entry of the
/// metadata log, which is written and applied as a whole, at a few MiB.
pub const RECORDS_PER_COMMAND_MAX: usize = 10_000;

/// Topics, resources or partitions that one command may name. More could never succeed within
/// [`RECORDS_PER_COMMAND_MAX`], and refused ones cost an answer each.
pub const ITEMS_PER_COMMAND_MAX: usize = 20_000;

/// Partitions of one topic. Each costs about 300 bytes in the image of every node.
pub const PARTITIONS_PER_TOPIC_MAX: usize = 10_000;

/// Partitions of the whole cluster. Bounds the image at about 300 MB and a snapshot below the
/// largest file that start-up reads in one piece.
pub const PARTITIONS_PER_CLUSTER_MAX: usize = 1_000_000;

/// Replicas of one partition. A record lists them all several times.
pub const REPLICAS_PER_PARTITION_MAX: usize = 1_000;

/// Bytes of one config's value: that of Kafka's own strings in older request versions, so that any
/// value can be described to any client.
pub const CONFIG_VALUE_BYTES_MAX: usize = 32_767;

/// Bytes of one config's name.
pub const CONFIG_NAME_BYTES_MAX: usize = 255;

/// Bytes of the name of a resource that is no topic (a group, a metrics subscription).
pub const RESOURCE_NAME_BYTES_MAX: usize = 32_767;

/// Configs of one resource. Kafka knows about 300 names in all.
pub const CONFIGS_PER_RESOURCE_MAX: usize = 1_000;

/// Characters of a topic's name (Kafka's bound: the folder `name-partition` must fit 255 bytes).
pub const TOPIC_NAME_CHARS_MAX: usize = 249;

/// Producer ids handed to a broker at a time (Kafka's figure).
pub const PRODUCER_ID_BLOCK: i64 = 1_000;

/// Brokers of a cluster. Each registration is one record and is listed in every Metadata answer.
pub const BROKERS_MAX: usize = 10_000;

/// Listeners, log folders and features of one broker, each.
pub const BROKER_LIST_MAX: usize = 1_000;

const _: () = assert!(PARTITIONS_PER_TOPIC_MAX <= RECORDS_PER_COMMAND_MAX);
const _: () = assert!(PARTITIONS_PER_TOPIC_MAX <= PARTITIONS_PER_CLUSTER_MAX);
const _: () = assert!(RECORDS_PER_COMMAND_MAX <= ITEMS_PER_COMMAND_MAX);
