//! The words every Headwater crate shares: offsets, epochs, ids and Kafka's error codes.
//!
//! Nothing here does I/O or depends on another Headwater crate. Inclusive and exclusive positions
//! are different types ([`Offset`] and [`EndOffset`]), since mixing them up has cost other systems
//! their isolation guarantees.
//!
//! ```
//! use headwater_types::{EndOffset, Offset};
//!
//! let end = EndOffset::after(Offset(41));
//! assert_eq!(end, EndOffset(42));
//! assert!(end.covers(Offset(41)) && !end.covers(Offset(42)));
//! ```

mod error_code;
mod ids;
mod offset;
mod uuid;

pub use error_code::{ErrorCode, Retry};
pub use ids::{BrokerId, LeaderEpoch, PartitionIndex, ProducerEpoch, ProducerId, TopicPartition};
pub use offset::{EndOffset, Offset};
pub use uuid::{DirectoryId, TopicId, Uuid, UuidParseError};
