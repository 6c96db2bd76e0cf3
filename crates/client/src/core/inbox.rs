//! Bytes of a connection in, whole frames out.
//!
//! A frame leaves as a slice of the buffer it arrived in, so records in a Fetch answer are never
//! copied. The length that a peer claims is checked against a cap before anything is reserved.

use super::limits::{READ_BYTES, RESERVED_BYTES_MAX};
use bytes::{Buf, Bytes, BytesMut};
use headwater_protocol::frame::{FrameError, FrameLen, PREFIX_BYTES};

/// What has arrived and is not yet a whole frame.
#[derive(Debug)]
pub struct Inbox {
    buffer: BytesMut,
    /// Length of the frame whose prefix was read already.
    expected: Option<usize>,
    limit_bytes: usize,
}

impl Inbox {
    /// An empty inbox that refuses frames of more than `limit_bytes`. Between frames it holds room
    /// for one small read at most.
    pub fn new(limit_bytes: usize) -> Self {
        Self { buffer: BytesMut::new(), expected: None, limit_bytes }
    }

    /// Where the shell reads into: room for the rest of the frame under way, or for a small read.
    pub fn space(&mut self) -> &mut BytesMut {
        let missing = match self.expected {
            Some(length) => length.saturating_sub(self.buffer.len()).min(RESERVED_BYTES_MAX),
            None => READ_BYTES,
        };
        // Reserve only when there is little room, else each small read would move the buffer.
        if self.buffer.capacity() - self.buffer.len() < missing.max(PREFIX_BYTES) {
            self.buffer.reserve(missing.max(PREFIX_BYTES));
        }
        &mut self.buffer
    }

    /// Adds bytes that were read elsewhere.
    pub fn push(&mut self, bytes: &[u8]) {
        self.buffer.extend_from_slice(bytes);
    }

    /// The next whole frame without its length, if it is there.
    ///
    /// # Errors
    /// When the length is none that the connection takes; the connection is useless then.
    pub fn next_frame(&mut self) -> Result<Option<Bytes>, FrameError> {
        let length = match self.expected {
            Some(length) => length,
            None => {
                let Some(prefix) = self.buffer.first_chunk::<PREFIX_BYTES>() else {
                    return Ok(None);
                };
                let length = FrameLen::parse(*prefix, self.limit_bytes)?.bytes();
                self.buffer.advance(PREFIX_BYTES);
                self.expected = Some(length);
                length
            }
        };
        if self.buffer.len() < length {
            return Ok(None);
        }
        self.expected = None;
        let frame = self.buffer.split_to(length).freeze();
        if self.buffer.is_empty() {
            // Let go of the memory: it belongs to the frame now, and an idle connection keeps none.
            self.buffer = BytesMut::new();
        }
        Ok(Some(frame))
    }

    /// Bytes of a frame that has begun and not ended.
    pub fn pending_bytes(&self) -> usize {
        self.buffer.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(body: &[u8]) -> Vec<u8> {
        let mut bytes = i32::try_from(body.len()).unwrap().to_be_bytes().to_vec();
        bytes.extend_from_slice(body);
        bytes
    }

    #[test]
    fn frames_come_out_whole_wherever_the_bytes_are_split() {
        let bytes = [frame(b"first"), frame(b""), frame(b"third one")].concat();
        for split in 0..=bytes.len() {
            let mut inbox = Inbox::new(64);
            let mut frames = Vec::new();
            let (head, tail) = bytes.split_at(split);
            for part in [head, tail] {
                inbox.push(part);
                while let Some(frame) = inbox.next_frame().unwrap() {
                    frames.push(frame);
                }
            }
            assert_eq!(frames, [&b"first"[..], b"", b"third one"], "split at {split}");
            assert_eq!(inbox.pending_bytes(), 0);
        }
    }

    #[test]
    fn lengths_are_bounded_at_the_edge() {
        let claim = |length: i32| {
            let mut inbox = Inbox::new(10);
            inbox.push(&length.to_be_bytes());
            inbox.next_frame()
        };
        assert_eq!(claim(10), Ok(None));
        assert_eq!(claim(11), Err(FrameError::TooLarge { claimed_bytes: 11, limit_bytes: 10 }));
        assert_eq!(
            claim(i32::MAX),
            Err(FrameError::TooLarge { claimed_bytes: 0x7fff_ffff, limit_bytes: 10 })
        );
        assert_eq!(claim(-1), Err(FrameError::Negative { claimed: -1 }));
        assert_eq!(claim(i32::MIN), Err(FrameError::Negative { claimed: i32::MIN }));
    }

    #[test]
    fn a_claimed_length_reserves_little() {
        let mut inbox = Inbox::new(1 << 30);
        inbox.push(&(1i32 << 30).to_be_bytes());
        assert_eq!(inbox.next_frame(), Ok(None));
        assert!(inbox.space().capacity() <= 2 * RESERVED_BYTES_MAX);
    }

    #[test]
    fn a_frame_is_a_slice_of_what_was_read() {
        let mut inbox = Inbox::new(1 << 20);
        let body = vec![7; 100_000];
        inbox.push(&frame(&body));
        let before = inbox.space().as_ptr() as usize;
        let out = inbox.next_frame().unwrap().unwrap();
        assert_eq!(out.as_ptr() as usize, before + PREFIX_BYTES);
        assert_eq!(inbox.space().len(), 0);
    }
}
