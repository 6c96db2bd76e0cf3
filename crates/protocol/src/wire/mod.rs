//! Reading and writing Kafka's primitive types: the ground that generated messages stand on.
//!
//! A [`Reader`] hands out slices of the frame it was given and never allocates more than a stated
//! multiple of it; a [`Writer`] collects the segments of an outgoing frame without copying large
//! record batches. Whether lengths are compact (flexible versions) is a state of both, set once
//! for each message, since no message mixes the two. Nothing here may panic on any input.

mod error;
mod reader;
mod records;
mod tagged;
mod varint;
mod writer;

pub use error::{DecodeError, EncodeError};
pub use reader::{MEMORY_BASE_BYTES, MEMORY_FACTOR, Reader};
pub use records::{Records, RecordsPart};
pub use tagged::TaggedFields;
pub(crate) use writer::absent;
pub use writer::{SEGMENT_BYTES_MIN, Segment, Writer};

/// Text in a message: a checked UTF-8 slice of the frame.
pub type Str = bytestring::ByteString;

pub(crate) use varint::{put_zigzag, put_zigzag_long, take_zigzag, take_zigzag_long};

/// A struct of a message: what generated code implements for each.
pub(crate) trait Body: Sized {
    /// The fewest bytes that the struct takes on the wire at any version.
    const BYTES_MIN: usize;

    /// Reads the fields that `version` has; others keep their defaults.
    fn read(r: &mut Reader, version: i16) -> Result<Self, DecodeError>;

    /// Writes the fields that `version` has.
    fn write(&self, w: &mut Writer, version: i16) -> Result<(), EncodeError>;
}
