//! The numbers and byte strings that records are made of.

/// Takes a zigzag varint off the front.
pub(crate) fn take_varint(rest: &mut &[u8]) -> Option<i64> {
    let mut value = 0u64;
    for shift in (0..70).step_by(7) {
        let byte = *rest.split_off_first()?;
        value |= u64::from(byte & 0x7f).checked_shl(shift).unwrap_or(0);
        if byte & 0x80 == 0 {
            return Some((value >> 1) as i64 ^ -((value & 1) as i64));
        }
    }
    None
}

/// Takes a length and as many bytes off the front; a negative length stands for `Some(None)`.
pub(crate) fn take_bytes<'a>(rest: &mut &'a [u8]) -> Option<Option<&'a [u8]>> {
    let Ok(length) = usize::try_from(take_varint(rest)?) else { return Some(None) };
    let (taken, left) = rest.split_at_checked(length)?;
    *rest = left;
    Some(Some(taken))
}
