//! Variable-length integers: unsigned in messages, zigzag in records.

use super::DecodeError;
use bytes::{Buf, BufMut, Bytes, BytesMut};

/// Takes an unsigned varint of at most 32 bits off the front.
pub(crate) fn take_unsigned(from: &mut Bytes) -> Result<u32, DecodeError> {
    // Nearly all lengths, counts and tags fit one byte.
    if let Some(&first) = from.first()
        && first < 0x80
    {
        from.advance(1);
        return Ok(u32::from(first));
    }
    let (value, length) = decode(from, 5)?;
    let value = u32::try_from(value).map_err(|_| DecodeError::Varint)?;
    from.advance(length);
    Ok(value)
}

/// Takes a zigzag varint of at most 32 bits off the front.
pub(crate) fn take_zigzag(from: &mut &[u8]) -> Result<i32, DecodeError> {
    let (value, length) = decode(from, 5)?;
    let value = u32::try_from(value).map_err(|_| DecodeError::Varint)?;
    from.advance(length);
    Ok(((value >> 1) as i32) ^ -((value & 1) as i32))
}

/// Takes a zigzag varint of at most 64 bits off the front.
pub(crate) fn take_zigzag_long(from: &mut &[u8]) -> Result<i64, DecodeError> {
    let (value, length) = decode(from, 10)?;
    from.advance(length);
    Ok(((value >> 1) as i64) ^ -((value & 1) as i64))
}

/// The value at the front and the bytes it takes, at most `bytes_max` of them.
fn decode(from: &[u8], bytes_max: usize) -> Result<(u64, usize), DecodeError> {
    let mut value = 0u64;
    for (index, &byte) in from.iter().take(bytes_max).enumerate() {
        let bits = u64::from(byte & 0x7f);
        let shift = 7 * index as u32;
        // The tenth byte has room for one bit only.
        if shift == 63 && bits > 1 {
            return Err(DecodeError::Varint);
        }
        value |= bits << shift;
        if byte < 0x80 {
            return Ok((value, index + 1));
        }
    }
    if from.len() >= bytes_max {
        return Err(DecodeError::Varint);
    }
    Err(DecodeError::Truncated { needed: from.len() + 1, remaining: from.len() })
}

/// Appends an unsigned varint.
pub(crate) fn put_unsigned(to: &mut BytesMut, mut value: u32) {
    while value >= 0x80 {
        to.put_u8(value as u8 | 0x80);
        value >>= 7;
    }
    to.put_u8(value as u8);
}

/// Appends a zigzag varint.
pub(crate) fn put_zigzag(to: &mut BytesMut, value: i32) {
    put_unsigned(to, ((value << 1) ^ (value >> 31)) as u32);
}

/// Appends a zigzag varint of 64 bits.
pub(crate) fn put_zigzag_long(to: &mut BytesMut, value: i64) {
    let mut value = ((value << 1) ^ (value >> 63)) as u64;
    while value >= 0x80 {
        to.put_u8(value as u8 | 0x80);
        value >>= 7;
    }
    to.put_u8(value as u8);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unsigned_values_are_those_of_kafka() {
        for (value, hex) in [
            (0, &[0x00][..]),
            (127, &[0x7f]),
            (300, &[0xac, 0x02]),
            (16383, &[0xff, 0x7f]),
            (16384, &[0x80, 0x80, 0x01]),
            (2147483647, &[0xff, 0xff, 0xff, 0xff, 0x07]),
            (u32::MAX, &[0xff, 0xff, 0xff, 0xff, 0x0f]),
        ] {
            let mut out = BytesMut::new();
            put_unsigned(&mut out, value);
            assert_eq!(&out[..], hex);
            let mut back = out.freeze();
            assert_eq!(take_unsigned(&mut back), Ok(value));
            assert!(back.is_empty());
        }
    }

    #[test]
    fn zigzag_values_are_those_of_kafka() {
        for (value, hex) in [
            (0, &[0x00][..]),
            (-1, &[0x01]),
            (1, &[0x02]),
            (63, &[0x7e]),
            (-64, &[0x7f]),
            (64, &[0x80, 0x01]),
            (-65, &[0x81, 0x01]),
            (8191, &[0xfe, 0x7f]),
            (-8192, &[0xff, 0x7f]),
            (i32::MAX, &[0xfe, 0xff, 0xff, 0xff, 0x0f]),
            (i32::MIN, &[0xff, 0xff, 0xff, 0xff, 0x0f]),
        ] {
            let mut out = BytesMut::new();
            put_zigzag(&mut out, value);
            assert_eq!(&out[..], hex);
            assert_eq!(take_zigzag(&mut &out[..]), Ok(value));
            assert_eq!(take_zigzag_long(&mut &out[..]), Ok(i64::from(value)));
        }
        for value in [i64::MIN, i64::MAX, 1 << 40] {
            let mut out = BytesMut::new();
            put_zigzag_long(&mut out, value);
            assert_eq!(take_zigzag_long(&mut &out[..]), Ok(value));
        }
    }

    #[test]
    fn too_many_bits_and_too_few_bytes_are_told_apart() {
        let over = |bytes: &'static [u8]| take_unsigned(&mut Bytes::from_static(bytes));
        assert_eq!(over(&[0xff, 0xff, 0xff, 0xff, 0x10]), Err(DecodeError::Varint));
        assert_eq!(over(&[0x80, 0x80, 0x80, 0x80, 0x80, 0x00]), Err(DecodeError::Varint));
        assert_eq!(over(&[0x80]), Err(DecodeError::Truncated { needed: 2, remaining: 1 }));
        assert_eq!(over(&[]), Err(DecodeError::Truncated { needed: 1, remaining: 0 }));
        let long = [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x02];
        assert_eq!(take_zigzag_long(&mut &long[..]), Err(DecodeError::Varint));
    }
}
