//! Identities and epochs.

use crate::TopicId;
use std::fmt;

/// Declares a number that must not be mixed up with another number.
macro_rules! number {
    ($(#[$doc:meta])* $name:ident($inner:ty)) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name(pub $inner);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }
    };
}

number! {
    /// The `node.id` of a broker or controller; `>= 0`.
    BrokerId(i32)
}
number! {
    /// Counts the leaders of one partition; a batch carries that of the leader that appended it.
    LeaderEpoch(i32)
}
number! {
    /// A partition's number within its topic, counted from 0.
    PartitionIndex(i32)
}
number! {
    /// Names one idempotent or transactional producer session family.
    ProducerId(i64)
}
number! {
    /// Counts the incarnations of a producer id; a higher one fences the lower.
    ProducerEpoch(i16)
}

impl LeaderEpoch {
    /// What the protocol sends where no epoch is known.
    pub const NONE: LeaderEpoch = LeaderEpoch(-1);
}

impl ProducerId {
    /// What a batch carries that was written without idempotence.
    pub const NONE: ProducerId = ProducerId(-1);
}

impl ProducerEpoch {
    /// What a batch carries that was written without idempotence.
    pub const NONE: ProducerEpoch = ProducerEpoch(-1);
}

/// One partition of one topic, by identity: a topic deleted and created anew under the same name
/// is another topic.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TopicPartition {
    /// The topic's id.
    pub topic: TopicId,
    /// The partition within it.
    pub partition: PartitionIndex,
}

impl fmt::Display for TopicPartition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.topic, self.partition)
    }
}
