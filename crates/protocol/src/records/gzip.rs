//! gzip, by flate2.

use super::codec::{damaged, read_limited};
use super::{Codec, CompressionError};
use bytes::Bytes;
use flate2::bufread::MultiGzDecoder;
use flate2::write::GzEncoder;
use std::io::Write;

/// What Kafka calls -1: the level that zlib thinks best.
const LEVEL_DEFAULT: u32 = 6;

pub(super) fn compress(input: &[u8], level: Option<i32>) -> Result<Bytes, CompressionError> {
    let level = match level {
        None | Some(-1) => LEVEL_DEFAULT,
        Some(level @ 1..=9) => level.unsigned_abs(),
        Some(level) => return Err(CompressionError::Level { codec: Codec::Gzip, level }),
    };
    let output = Vec::with_capacity(input.len() / 2 + 64);
    let mut encoder = GzEncoder::new(output, flate2::Compression::new(level));
    encoder.write_all(input).and_then(|()| encoder.finish()).map(Bytes::from).map_err(damaged)
}

pub(super) fn decompress(input: &[u8], limit_bytes: usize) -> Result<Bytes, CompressionError> {
    read_limited(MultiGzDecoder::new(input), input.len().saturating_mul(3), limit_bytes)
}
