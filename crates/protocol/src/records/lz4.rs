//! LZ4 frames, by lz4_flex.

use super::CompressionError;
use super::codec::{damaged, read_limited};
use bytes::Bytes;
use lz4_flex::frame::{BlockMode, BlockSize, FrameDecoder, FrameEncoder, FrameInfo};
use std::io::Write;

/// Where the descriptor begins that the header's checksum covers.
const DESCRIPTOR_AT: usize = 4;

/// Flag of a frame that says its content's size in 8 bytes.
const HAS_CONTENT_SIZE: u8 = 0x08;

pub(super) fn compress(input: &[u8]) -> Result<Bytes, CompressionError> {
    // Java reads nothing but independent blocks.
    let info = FrameInfo::new()
        .block_mode(BlockMode::Independent)
        .block_size(BlockSize::Max64KB)
        .content_checksum(false)
        .block_checksums(false);
    let output = Vec::with_capacity(input.len() / 2 + 64);
    let mut encoder = FrameEncoder::with_frame_info(info, output);
    encoder.write_all(input).map_err(damaged)?;
    encoder.finish().map(Bytes::from).map_err(damaged)
}

pub(super) fn decompress(input: &[u8], limit_bytes: usize) -> Result<Bytes, CompressionError> {
    read_limited(FrameDecoder::new(input), input.len().saturating_mul(3), limit_bytes)
}

/// As [`decompress`], for messages of format 0, whose writers computed the header's checksum over
/// the wrong bytes (KAFKA-3160).
pub(super) fn decompress_misheaded(
    input: &[u8],
    limit_bytes: usize,
) -> Result<Bytes, CompressionError> {
    let descriptor_bytes = match input.get(DESCRIPTOR_AT) {
        Some(flags) if flags & HAS_CONTENT_SIZE != 0 => 10,
        _ => 2,
    };
    let mut mended = input.to_vec();
    let checksum_at = DESCRIPTOR_AT + descriptor_bytes;
    let checksum = input.get(DESCRIPTOR_AT..checksum_at).map(|bytes| xxh32_short(bytes) >> 8);
    if let (Some(checksum), Some(stored)) = (checksum, mended.get_mut(checksum_at)) {
        *stored = checksum as u8;
    }
    decompress(&mended, limit_bytes)
}

/// xxHash of fewer than 16 bytes with seed 0.
fn xxh32_short(bytes: &[u8]) -> u32 {
    const P1: u32 = 2_654_435_761;
    const P2: u32 = 2_246_822_519;
    const P3: u32 = 3_266_489_917;
    const P4: u32 = 668_265_263;
    const P5: u32 = 374_761_393;
    let mut hash = P5.wrapping_add(bytes.len() as u32);
    let (words, rest) = bytes.as_chunks::<4>();
    for word in words {
        hash = hash.wrapping_add(u32::from_le_bytes(*word).wrapping_mul(P3));
        hash = hash.rotate_left(17).wrapping_mul(P4);
    }
    for byte in rest {
        hash = hash.wrapping_add(u32::from(*byte).wrapping_mul(P5));
        hash = hash.rotate_left(11).wrapping_mul(P1);
    }
    hash = (hash ^ (hash >> 15)).wrapping_mul(P2);
    hash = (hash ^ (hash >> 13)).wrapping_mul(P3);
    hash ^ (hash >> 16)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_are_independent_and_of_version_1() {
        let packed = compress(&vec![7; 200_000]).unwrap();
        let flags = packed[DESCRIPTOR_AT];
        assert_eq!(flags >> 6, 1, "the version");
        assert_ne!(flags & 0x20, 0, "independent blocks");
        assert_eq!(packed[DESCRIPTOR_AT + 1] >> 4, 4, "blocks of 64 KiB");
    }

    #[test]
    fn a_wrong_header_checksum_of_old_writers_is_mended() {
        let text = b"hello hello hello hello hello hello".repeat(20);
        let mut packed = compress(&text).unwrap().to_vec();
        assert_eq!(packed[6], (xxh32_short(&packed[4..6]) >> 8) as u8);
        packed[6] ^= 0x55;
        assert!(decompress(&packed, text.len()).is_err());
        assert_eq!(decompress_misheaded(&packed, text.len()).unwrap(), text);
    }
}
