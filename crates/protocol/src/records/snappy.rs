//! Snappy in both of its shapes: one raw block, as librdkafka and franz-go write, or the framing
//! of snappy-java, as Java and Python clients write. The first bytes tell them apart.

use super::CompressionError;
use super::codec::damaged;
use bytes::{Buf, BufMut, Bytes, BytesMut};
use snap::raw::{Decoder, Encoder, decompress_len};

/// What the framing begins with.
const MAGIC: [u8; 8] = *b"\x82SNAPPY\0";

/// Bytes of magic, version and oldest compatible version.
const HEADER_BYTES: usize = 16;

/// Input of one block, as in snappy-java.
const BLOCK_BYTES: usize = 32 * 1024;

/// No block grows more than this: the best element turns 3 bytes into 64.
const GROWTH_MAX: usize = 22;

pub(super) fn compress(input: &[u8]) -> Result<Bytes, CompressionError> {
    let mut output = BytesMut::with_capacity(HEADER_BYTES + input.len() / 2 + 64);
    output.extend_from_slice(&MAGIC);
    output.put_i32(1);
    output.put_i32(1);
    let mut encoder = Encoder::new();
    for block in input.chunks(BLOCK_BYTES) {
        let packed = encoder.compress_vec(block).map_err(damaged)?;
        let length = i32::try_from(packed.len()).map_err(damaged)?;
        output.put_i32(length);
        output.extend_from_slice(&packed);
    }
    Ok(output.freeze())
}

pub(super) fn decompress(input: &[u8], limit_bytes: usize) -> Result<Bytes, CompressionError> {
    let mut output = Vec::new();
    if !input.starts_with(&MAGIC) {
        append_block(input, limit_bytes, &mut output)?;
        return Ok(Bytes::from(output));
    }
    let mut rest = input;
    while !rest.is_empty() {
        // Streams may follow upon each other.
        if rest.starts_with(&MAGIC) {
            rest = rest.get(HEADER_BYTES..).ok_or_else(|| damaged("the framing is cut short"))?;
            continue;
        }
        let length = rest.try_get_u32().map_err(|_| damaged("a block's length is cut short"))?;
        let split = usize::try_from(length).ok().and_then(|length| rest.split_at_checked(length));
        let (block, behind) = split.ok_or_else(|| damaged("a block is cut short"))?;
        append_block(block, limit_bytes, &mut output)?;
        rest = behind;
    }
    Ok(Bytes::from(output))
}

fn append_block(
    block: &[u8],
    limit_bytes: usize,
    output: &mut Vec<u8>,
) -> Result<(), CompressionError> {
    let claimed = decompress_len(block).map_err(damaged)?;
    if claimed > block.len().saturating_mul(GROWTH_MAX) {
        return Err(damaged("a block claims more than it can hold"));
    }
    let begin = output.len();
    if claimed > limit_bytes.saturating_sub(begin) {
        return Err(CompressionError::TooLarge { limit_bytes });
    }
    output.resize(begin + claimed, 0);
    let room = output.get_mut(begin..).unwrap_or_default();
    let written = Decoder::new().decompress(block, room).map_err(damaged)?;
    output.truncate(begin + written);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_shapes_are_read() {
        let text: Vec<u8> = (0..100_000u32).map(|n| (n / 97) as u8).collect();
        let framed = compress(&text).unwrap();
        assert!(framed.starts_with(&MAGIC));
        assert_eq!(decompress(&framed, text.len()).unwrap(), text);

        let raw = Encoder::new().compress_vec(&text).unwrap();
        assert_eq!(decompress(&raw, text.len()).unwrap(), text);

        let twice = [framed.as_ref(), framed.as_ref()].concat();
        assert_eq!(decompress(&twice, 2 * text.len()).unwrap().len(), 2 * text.len());
    }

    #[test]
    fn a_claim_is_not_believed() {
        // 2 GiB claimed by six bytes.
        let claim = [0xff, 0xff, 0xff, 0xff, 0x07, 0x00];
        assert!(matches!(decompress(&claim, usize::MAX), Err(CompressionError::Damaged(_))));
    }

    #[test]
    fn the_limit_holds_over_all_blocks() {
        let zeros = vec![0; 4 * BLOCK_BYTES];
        let packed = compress(&zeros).unwrap();
        assert!(decompress(&packed, zeros.len()).is_ok());
        let limit_bytes = zeros.len() - 1;
        assert_eq!(
            decompress(&packed, limit_bytes),
            Err(CompressionError::TooLarge { limit_bytes })
        );
    }
}
