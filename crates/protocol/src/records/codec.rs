//! The codecs of record batches, each behind a feature of its own and each with a limit.

use bytes::Bytes;
use std::fmt;
use thiserror::Error;

/// How the records of a batch are compressed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Codec {
    /// Not at all.
    #[default]
    None,
    /// gzip (RFC 1952).
    Gzip,
    /// Snappy: read as one raw block or in the framing of snappy-java, written in the latter.
    Snappy,
    /// LZ4 frames of independent blocks, the only kind that Java clients read.
    Lz4,
    /// Zstandard frames.
    Zstd,
}

/// A codec, and how hard it tries.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Compression {
    /// The codec.
    pub codec: Codec,
    /// Kafka's level for the codec (gzip 1 to 9, zstd -131072 to 22); none for Kafka's default.
    /// Snappy has none, and LZ4 is always written at its fastest.
    pub level: Option<i32>,
}

/// Why compressing or decompressing failed.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum CompressionError {
    /// The crate was built without the codec.
    #[error("{0} was not compiled in")]
    NotBuilt(Codec),
    /// The output would be larger than allowed.
    #[error("more than {limit_bytes} bytes when decompressed")]
    TooLarge {
        /// The limit.
        limit_bytes: usize,
    },
    /// The input is nothing that the codec wrote.
    #[error("damaged: {0}")]
    Damaged(String),
    /// The codec does not know the level.
    #[error("no level {level} for {codec}")]
    Level {
        /// The codec.
        codec: Codec,
        /// The level asked for.
        level: i32,
    },
}

impl Codec {
    /// Every codec, in the order of the format's numbers.
    pub const ALL: [Codec; 5] = [Codec::None, Codec::Gzip, Codec::Snappy, Codec::Lz4, Codec::Zstd];

    /// The codec behind the number in a batch's attributes.
    pub const fn from_bits(bits: u8) -> Option<Self> {
        Some(match bits {
            0 => Codec::None,
            1 => Codec::Gzip,
            2 => Codec::Snappy,
            3 => Codec::Lz4,
            4 => Codec::Zstd,
            _ => return None,
        })
    }

    /// The number in a batch's attributes.
    pub const fn bits(self) -> u8 {
        self as u8
    }

    /// Kafka's name of the codec, as in `compression.type`.
    pub const fn name(self) -> &'static str {
        match self {
            Codec::None => "none",
            Codec::Gzip => "gzip",
            Codec::Snappy => "snappy",
            Codec::Lz4 => "lz4",
            Codec::Zstd => "zstd",
        }
    }

    /// The codec of that name; topics say `uncompressed` where producers say `none`.
    pub fn from_name(name: &str) -> Option<Self> {
        if name == "uncompressed" {
            return Some(Codec::None);
        }
        Codec::ALL.into_iter().find(|codec| codec.name() == name)
    }

    /// Whether the crate was built with it.
    pub const fn is_built(self) -> bool {
        match self {
            Codec::None => true,
            Codec::Gzip => cfg!(feature = "gzip"),
            Codec::Snappy => cfg!(feature = "snappy"),
            Codec::Lz4 => cfg!(feature = "lz4"),
            Codec::Zstd => cfg!(feature = "zstd"),
        }
    }
}

impl fmt::Display for Codec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl From<Codec> for Compression {
    fn from(codec: Codec) -> Self {
        Self { codec, level: None }
    }
}

/// Compresses.
///
/// # Errors
///
/// The codec was not compiled in, or does not know the level.
pub fn compress(compression: Compression, input: &[u8]) -> Result<Bytes, CompressionError> {
    let Compression { codec, level } = compression;
    match codec {
        Codec::None => Ok(Bytes::copy_from_slice(input)),
        #[cfg(feature = "gzip")]
        Codec::Gzip => super::gzip::compress(input, level),
        #[cfg(feature = "snappy")]
        Codec::Snappy => super::snappy::compress(input),
        #[cfg(feature = "lz4")]
        Codec::Lz4 => super::lz4::compress(input),
        #[cfg(feature = "zstd")]
        Codec::Zstd => super::zstd::compress(input, level),
        #[allow(unreachable_patterns, reason = "where all codecs are compiled in")]
        other => {
            let _ = level;
            Err(CompressionError::NotBuilt(other))
        }
    }
}

/// Decompresses to at most `limit_bytes`. Memory for output is claimed as it is produced, or
/// where the input proves that it can produce it.
///
/// # Errors
///
/// The codec was not compiled in, the input is damaged, or the output would be larger.
pub fn decompress(
    codec: Codec,
    input: &[u8],
    limit_bytes: usize,
) -> Result<Bytes, CompressionError> {
    match codec {
        Codec::None if input.len() > limit_bytes => Err(CompressionError::TooLarge { limit_bytes }),
        Codec::None => Ok(Bytes::copy_from_slice(input)),
        #[cfg(feature = "gzip")]
        Codec::Gzip => super::gzip::decompress(input, limit_bytes),
        #[cfg(feature = "snappy")]
        Codec::Snappy => super::snappy::decompress(input, limit_bytes),
        #[cfg(feature = "lz4")]
        Codec::Lz4 => super::lz4::decompress(input, limit_bytes),
        #[cfg(feature = "zstd")]
        Codec::Zstd => super::zstd::decompress(input, limit_bytes),
        #[allow(unreachable_patterns, reason = "where all codecs are compiled in")]
        other => Err(CompressionError::NotBuilt(other)),
    }
}

/// Reads to the end, or fails beyond the limit. `guess_bytes` is what the output may well have.
#[cfg(any(feature = "gzip", feature = "lz4"))]
pub(super) fn read_limited(
    reader: impl std::io::Read,
    guess_bytes: usize,
    limit_bytes: usize,
) -> Result<Bytes, CompressionError> {
    use std::io::Read;
    let mut output = Vec::with_capacity(guess_bytes.min(limit_bytes));
    let one_more = u64::try_from(limit_bytes).unwrap_or(u64::MAX).saturating_add(1);
    reader.take(one_more).read_to_end(&mut output).map_err(damaged)?;
    if output.len() > limit_bytes {
        return Err(CompressionError::TooLarge { limit_bytes });
    }
    Ok(Bytes::from(output))
}

#[cfg(any(feature = "gzip", feature = "lz4", feature = "snappy", feature = "zstd"))]
pub(super) fn damaged(error: impl fmt::Display) -> CompressionError {
    CompressionError::Damaged(error.to_string())
}
