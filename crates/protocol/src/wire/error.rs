//! What can be wrong with a message, in either direction.

use thiserror::Error;

/// Why bytes are no message of the expected kind and version.
///
/// A peer whose bytes give one of these speaks another protocol, or is broken: the connection
/// cannot be used any longer, since the position in the stream means nothing any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum DecodeError {
    /// The frame ends within a field.
    #[error("{needed} more bytes needed where {remaining} are left")]
    Truncated {
        /// Bytes of the field.
        needed: usize,
        /// Bytes that the frame still has.
        remaining: usize,
    },
    /// An array claims more elements than the rest of the frame could hold.
    #[error("{claimed} elements claimed where {remaining} bytes are left")]
    Count {
        /// Elements claimed.
        claimed: usize,
        /// Bytes that the frame still has.
        remaining: usize,
    },
    /// A length or count below -1.
    #[error("a length of {0}")]
    NegativeLength(i32),
    /// A variable-length integer with more bits than its type.
    #[error("a variable-length integer of too many bits")]
    Varint,
    /// A text that is no UTF-8.
    #[error("a text that is not UTF-8")]
    Utf8,
    /// Null where the version knows no null.
    #[error("null where a value must stand")]
    Null,
    /// The version is none of the message's.
    #[error("{message} has no version {version}")]
    Version {
        /// The message's name.
        message: &'static str,
        /// The version asked for.
        version: i16,
    },
    /// Tags out of order, or one of them twice.
    #[error("tag {0} does not follow its predecessor in order")]
    TagOrder(u32),
    /// A tagged field with more bytes than its value has.
    #[error("tag {0} claims more bytes than its value takes")]
    TagSize(u32),
    /// The message would need more memory than its frame is allowed to cost.
    #[error("decoding needs more than {limit_bytes} bytes of memory")]
    Memory {
        /// The bound, see [`Reader::with_memory_limit`](super::Reader::with_memory_limit).
        limit_bytes: usize,
    },
    /// Bytes are left after the last field.
    #[error("{0} bytes left after the message")]
    Trailing(usize),
}

/// Why a message cannot be written at a version.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum EncodeError {
    /// The version is none of the message's.
    #[error("{message} has no version {version}")]
    Version {
        /// The message's name.
        message: &'static str,
        /// The version asked for.
        version: i16,
    },
    /// A field that matters has a value that the version cannot carry.
    #[error("version {version} has no field {field}, which is set")]
    Absent {
        /// The field's name.
        field: &'static str,
        /// The version asked for.
        version: i16,
    },
    /// Null where the version knows no null.
    #[error("null where a value must stand")]
    Null,
    /// A text, array or frame that is longer than its length field can say.
    #[error("{length} is more than the length field holds")]
    TooLong {
        /// The length or count.
        length: usize,
    },
    /// An unknown tagged field has the tag of a known one, or the version has no tagged fields.
    #[error("the unknown tagged field {0} cannot be written here")]
    Tag(u32),
    /// The bytes of record parts outside of memory were asked for.
    #[error("the message has parts outside of memory")]
    External,
}
