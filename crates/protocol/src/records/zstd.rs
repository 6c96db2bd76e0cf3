//! Zstandard, by the C library.
//!
//! Frames are decompressed in one go into memory whose size the block headers prove, so that no
//! window has to be kept besides the output and no frame's claim is believed.

use super::codec::damaged;
use super::{Codec, CompressionError};
use bytes::{Buf, Bytes};
use std::cell::RefCell;
use std::io;
use zstd::bulk::{Compressor, Decompressor};

/// Kafka's default.
const LEVEL_DEFAULT: i32 = 3;

/// The largest window that Java clients accept, 128 MiB. Frames of larger ones are refused, so
/// that nobody stores what consumers cannot read.
const WINDOW_LOG_MAX: u8 = 27;

/// What a compressed block yields at most.
const BLOCK_BYTES_MAX: usize = 128 * 1024;

const FRAME_MAGIC: u32 = 0xfd2f_b528;
const SKIPPABLE_MAGIC: u32 = 0x184d_2a50;

thread_local! {
    // Setting up the library's state costs more than a small batch does.
    static COMPRESSOR: RefCell<Option<(i32, Compressor<'static>)>> = const { RefCell::new(None) };
    static DECOMPRESSOR: RefCell<Option<Decompressor<'static>>> = const { RefCell::new(None) };
}

pub(super) fn compress(input: &[u8], level: Option<i32>) -> Result<Bytes, CompressionError> {
    let level = level.unwrap_or(LEVEL_DEFAULT);
    if !zstd::compression_level_range().contains(&level) {
        return Err(CompressionError::Level { codec: Codec::Zstd, level });
    }
    with_compressor(level, |compressor| compressor.compress(input))
        .map(Bytes::from)
        .map_err(damaged)
}

fn with_compressor<T>(
    level: i32,
    work: impl FnOnce(&mut Compressor<'static>) -> io::Result<T>,
) -> io::Result<T> {
    COMPRESSOR.with_borrow_mut(|slot| match slot {
        Some((current, compressor)) if *current == level => work(compressor),
        _ => work(&mut slot.insert((level, Compressor::new(level)?)).1),
    })
}

fn with_decompressor<T>(
    work: impl FnOnce(&mut Decompressor<'static>) -> io::Result<T>,
) -> io::Result<T> {
    DECOMPRESSOR.with_borrow_mut(|slot| match slot {
        Some(decompressor) => work(decompressor),
        None => work(slot.insert(Decompressor::new()?)),
    })
}

pub(super) fn decompress(input: &[u8], limit_bytes: usize) -> Result<Bytes, CompressionError> {
    let possible = output_bytes_max(input).ok_or_else(|| damaged("no frame of Zstandard"))?;
    let room = possible.min(limit_bytes);
    match with_decompressor(|decompressor| decompressor.decompress(input, room)) {
        Ok(mut output) => {
            // Frames that do not say their size need room for whole blocks.
            if output.capacity() / 2 > output.len() {
                output.shrink_to_fit();
            }
            Ok(Bytes::from(output))
        }
        // It is the only error that a smaller buffer can cause.
        Err(error) if possible > limit_bytes && error.to_string().contains("too small") => {
            Err(CompressionError::TooLarge { limit_bytes })
        }
        Err(error) => Err(damaged(error)),
    }
}

/// What all frames can yield at most, by their blocks; none where something is no frame.
fn output_bytes_max(mut input: &[u8]) -> Option<usize> {
    let mut bytes = 0usize;
    while !input.is_empty() {
        let magic = input.try_get_u32_le().ok()?;
        if magic & 0xffff_fff0 == SKIPPABLE_MAGIC {
            let size = usize::try_from(input.try_get_u32_le().ok()?).ok()?;
            input = input.get(size..)?;
        } else if magic == FRAME_MAGIC {
            bytes = bytes.saturating_add(frame_bytes_max(&mut input)?);
        } else {
            return None;
        }
    }
    Some(bytes)
}

/// Steps over a frame behind its magic.
fn frame_bytes_max(input: &mut &[u8]) -> Option<usize> {
    let descriptor = input.try_get_u8().ok()?;
    let single_segment = descriptor & 0x20 != 0;
    let has_checksum = descriptor & 0x04 != 0;
    let dictionary_bytes = match descriptor & 0x03 {
        3 => 4,
        other => usize::from(other),
    };
    let size_bytes = match descriptor >> 6 {
        0 => usize::from(single_segment),
        other => 1 << other,
    };
    if !single_segment {
        let window_log = 10 + (input.try_get_u8().ok()? >> 3);
        if window_log > WINDOW_LOG_MAX {
            return None;
        }
    }
    *input = input.get(dictionary_bytes..)?;
    let claimed = match size_bytes {
        0 => u64::MAX,
        // By definition: two bytes count from 256.
        2 => input.try_get_uint_le(2).ok()? + 256,
        other => input.try_get_uint_le(other).ok()?,
    };

    let mut bytes = 0usize;
    loop {
        let header = input.try_get_uint_le(3).ok()?;
        let size = usize::try_from(header >> 3).ok()?;
        let (stored, yields) = match (header >> 1) & 3 {
            0 => (size, size),
            1 => (1, size),
            2 => (size, BLOCK_BYTES_MAX),
            _ => return None,
        };
        *input = input.get(stored..)?;
        bytes = bytes.saturating_add(yields);
        if header & 1 == 1 {
            break;
        }
    }
    if has_checksum {
        *input = input.get(4..)?;
    }
    Some(bytes.min(usize::try_from(claimed).unwrap_or(usize::MAX)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    #[test]
    fn frames_without_a_size_are_read() {
        // As Java writes them: streamed, with a checksum, here two upon each other.
        let text: Vec<u8> = (0..500_000u32).map(|n| (n % 251) as u8).collect();
        let mut encoder = zstd::stream::write::Encoder::new(Vec::new(), 3).unwrap();
        encoder.include_checksum(true).unwrap();
        encoder.write_all(&text).unwrap();
        let packed = encoder.finish().unwrap();
        assert_eq!(decompress(&packed, text.len()).unwrap(), text);
        let twice = [packed.as_slice(), packed.as_slice()].concat();
        assert_eq!(decompress(&twice, 2 * text.len()).unwrap().len(), 2 * text.len());
        let limit_bytes = text.len() - 1;
        assert_eq!(
            decompress(&packed, limit_bytes),
            Err(CompressionError::TooLarge { limit_bytes })
        );
    }

    #[test]
    fn a_window_that_java_refuses_is_refused() {
        // Window descriptor 0x90: 2^28 bytes; then one empty last block.
        let frame = |window| [0x28, 0xb5, 0x2f, 0xfd, 0x00, window, 0x01, 0x00, 0x00];
        assert!(decompress(&frame(0x88), 10).unwrap().is_empty());
        assert!(matches!(decompress(&frame(0x90), 10), Err(CompressionError::Damaged(_))));
    }
}
