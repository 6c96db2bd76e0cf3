//! Walks the batches of a `.log` file by their headers.

use super::head::{Checksum, HEAD_BYTES, Head};
use crate::disk::{DiskError, DiskFile};

/// A batch's place in its file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Found {
    pub head: Head,
    /// Where it starts, in bytes.
    pub position: u64,
}

impl Found {
    /// Where the next one starts.
    pub fn end(&self) -> u64 {
        self.position.saturating_add(self.head.size as u64)
    }
}

/// What a walk comes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// A batch whose header makes sense and that lies within the range.
    Batch(Found),
    /// The range ends here.
    End,
    /// What stands here is no whole batch.
    Broken { position: u64, problem: &'static str },
}

/// Reads a file's headers one after the other, through a buffer.
#[derive(Debug)]
pub(crate) struct Scanner<'a> {
    file: &'a dyn DiskFile,
    position: u64,
    end: u64,
    buffer: Vec<u8>,
    /// Where in the file the buffer starts.
    buffered_from: u64,
    window: usize,
    /// Bytes of the batch before.
    last_size: usize,
}

/// Enough for one header, on one page mostly.
const HEADER_WINDOW: usize = 512;
/// Enough for a few headers: to find one batch near an index entry.
pub(crate) const WINDOW_LOOKUP: usize = 8 * 1024;
/// Few calls, for walking a whole file.
pub(crate) const WINDOW_WHOLE: usize = 256 * 1024;

impl<'a> Scanner<'a> {
    /// Walks the bytes `from..end`; a batch must start at `from`.
    pub fn new(file: &'a dyn DiskFile, from: u64, end: u64, window: usize) -> Self {
        Self {
            file,
            position: from,
            end,
            buffer: Vec::new(),
            buffered_from: 0,
            window,
            last_size: 0,
        }
    }

    /// The next batch, without looking at its records.
    pub fn step(&mut self) -> Result<Step, DiskError> {
        let position = self.position;
        let left = self.end.saturating_sub(position);
        if left == 0 {
            return Ok(Step::End);
        }
        let broken = |problem| Ok(Step::Broken { position, problem });
        // Bodies of large batches need not be read to find the next header.
        let window = if self.last_size >= WINDOW_LOOKUP { HEADER_WINDOW } else { self.window };
        let header = self.bytes_at(position, HEAD_BYTES, window)?;
        // The old formats' headers are shorter than what we asked for.
        let Some(head) = Head::parse(header) else {
            return broken(if left < HEAD_BYTES as u64 {
                "the file ends within a batch's header"
            } else {
                "there is no batch's header"
            });
        };
        if head.size as u64 > left {
            return broken("the file ends within a batch");
        }
        let found = Found { head, position };
        self.position = found.end();
        self.last_size = head.size;
        Ok(Step::Batch(found))
    }

    /// The header of the next batch, if there is one.
    pub fn peek(&mut self) -> Result<Option<Head>, DiskError> {
        let header = self.bytes_at(self.position, HEAD_BYTES, self.window)?;
        Ok(Head::parse(header))
    }

    /// Where the next batch starts.
    pub fn position(&self) -> u64 {
        self.position
    }

    /// Whether the range ends here.
    pub fn is_at_end(&self) -> bool {
        self.position >= self.end
    }

    /// Whether a batch's checksum is right.
    pub fn checksum_is_right(&mut self, found: &Found) -> Result<bool, DiskError> {
        let mut checksum = Checksum::of(&found.head);
        let mut at = found.position.saturating_add(found.head.crc_from() as u64);
        let end = found.end();
        while at < end {
            let left = usize::try_from(end - at).unwrap_or(usize::MAX);
            let piece = self.bytes_at(at, left.min(WINDOW_WHOLE), WINDOW_WHOLE)?;
            if piece.is_empty() {
                return Ok(false);
            }
            let piece = piece.get(..left).unwrap_or(piece);
            at += piece.len() as u64;
            checksum.update(piece);
        }
        Ok(checksum.finish() == found.head.crc)
    }

    /// The bytes of a batch.
    pub fn read(&self, found: &Found) -> Result<Vec<u8>, DiskError> {
        let mut bytes = vec![0; found.head.size];
        let read = self.file.read_at(&mut bytes, found.position)?;
        bytes.truncate(read);
        Ok(bytes)
    }

    /// At least `wanted` bytes from `at` on, fewer where the range ends.
    fn bytes_at(&mut self, at: u64, wanted: usize, window: usize) -> Result<&[u8], DiskError> {
        let buffered_end = self.buffered_from.saturating_add(self.buffer.len() as u64);
        let available = self.end.saturating_sub(at);
        let wanted = u64::try_from(wanted).unwrap_or(u64::MAX).min(available);
        if at < self.buffered_from || at.saturating_add(wanted) > buffered_end {
            let fill = (window as u64).max(wanted).min(available);
            self.buffer.resize(usize::try_from(fill).unwrap_or(usize::MAX), 0);
            let read = self.file.read_at(&mut self.buffer, at)?;
            self.buffer.truncate(read);
            self.buffered_from = at;
        }
        let skip = usize::try_from(at - self.buffered_from).unwrap_or(usize::MAX);
        Ok(self.buffer.get(skip..).unwrap_or_default())
    }
}
