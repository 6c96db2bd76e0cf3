//! Makes checksums and lengths right, so that a fuzzer reaches what lies behind them.

use headwater_protocol::records::{HEADER_BYTES, crc32c};

/// Signs nothing: for files without checksums.
pub fn nothing(_: &mut Vec<u8>) {}

/// Signs batches, one after the other, as far as their lengths lead.
pub fn batches(file: &mut Vec<u8>) {
    let mut rest = file.as_mut_slice();
    while rest.len() >= HEADER_BYTES {
        let claimed = i32::from_be_bytes([rest[8], rest[9], rest[10], rest[11]]);
        // A length that leads nowhere is made to lead to the end.
        let whole = usize::try_from(claimed).ok().and_then(|length| length.checked_add(12));
        let whole = whole.filter(|whole| (HEADER_BYTES..=rest.len()).contains(whole));
        let (batch, behind) = rest.split_at_mut(whole.unwrap_or(usize::MAX).min(rest.len()));
        let length = (batch.len() - 12) as i32;
        batch[8..12].copy_from_slice(&length.to_be_bytes());
        batch[16] = 2;
        let crc = crc32c(&batch[21..]);
        batch[17..21].copy_from_slice(&crc.to_be_bytes());
        rest = behind;
    }
}

/// Signs a producer snapshot.
pub fn snapshot(file: &mut Vec<u8>) {
    if file.len() >= 10 {
        file[0..2].copy_from_slice(&1_i16.to_be_bytes());
        let count = (file.len() - 10) / 46;
        file.truncate(10 + count * 46);
        file[6..10].copy_from_slice(&(count as i32).to_be_bytes());
        let crc = crc32c(&file[6..]);
        file[2..6].copy_from_slice(&crc.to_be_bytes());
    }
}

/// Signs a journal file's header and its frames, one after the other, as far as their lengths lead.
pub fn journal(file: &mut Vec<u8>) {
    const PREFIX_BYTES: usize = 8;
    let Some((header, mut rest)) = file.split_at_mut_checked(20) else { return };
    header[..8].copy_from_slice(b"HWJRNL01");
    let crc = crc32fast::hash(&header[..16]);
    header[16..].copy_from_slice(&crc.to_be_bytes());
    while rest.len() > PREFIX_BYTES {
        let claimed = u32::from_be_bytes([rest[0], rest[1], rest[2], rest[3]]) as usize;
        let length = claimed.min(rest.len() - PREFIX_BYTES);
        let (frame, behind) = rest.split_at_mut(PREFIX_BYTES + length);
        frame[..4].copy_from_slice(&(length as u32).to_be_bytes());
        let mut hasher = crc32fast::Hasher::new();
        hasher.update(&header[8..16]);
        hasher.update(&frame[PREFIX_BYTES..]);
        frame[4..8].copy_from_slice(&hasher.finalize().to_be_bytes());
        rest = behind;
    }
}
