//! Cutting a connection's bytes into frames without copying what is small.
//!
//! Bytes are read into a buffer that all connections of a worker share; whole frames are split off
//! it. Only what is left of an unfinished frame moves into a buffer of the connection's own, sized
//! for exactly that frame. An idle connection holds no buffer.

use bytes::{Buf, BufMut, Bytes, BytesMut};
use headwater_protocol::frame::{FrameError, FrameLen, PREFIX_BYTES};
use std::io;
use tokio::net::TcpStream;

/// Room offered to one read into the shared buffer.
const READ_BYTES: usize = 64 * 1024;

/// The unfinished frame of one connection.
#[derive(Debug, Default)]
pub(crate) struct Receiver {
    /// Prefix included; empty between frames.
    partial: BytesMut,
    /// Bytes of the whole frame, prefix included; 0 while the prefix is not complete.
    wanted: usize,
}

/// What one read brought.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Received {
    /// Perhaps frames; there may be more to read.
    Some,
    /// Nothing for now.
    Blocked,
    /// The peer has closed its side.
    End,
}

/// Why no more can be read.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ReceiveError {
    #[error("{0}")]
    Io(#[from] io::Error),
    #[error("{0}")]
    Frame(#[from] FrameError),
}

impl Receiver {
    /// Length of the frame under way, for which room is needed before more is read; 0 if unknown.
    pub fn frame_bytes(&self) -> usize {
        self.wanted
    }

    /// Whether a frame is half received.
    pub fn is_within_frame(&self) -> bool {
        !self.partial.is_empty()
    }

    /// Reads once and gives every frame that is now complete to `frames`, without its prefix.
    pub fn read(
        &mut self,
        stream: &TcpStream,
        shared: &mut BytesMut,
        frame_bytes_max: usize,
        frames: &mut Vec<Bytes>,
    ) -> Result<Received, ReceiveError> {
        if self.wanted > 0 {
            let missing = self.wanted.saturating_sub(self.partial.len());
            self.partial.reserve(missing);
            return match stream.try_read_buf(&mut (&mut self.partial).limit(missing)) {
                Ok(0) => Ok(Received::End),
                Ok(_) => {
                    if self.partial.len() == self.wanted {
                        self.wanted = 0;
                        let mut frame = std::mem::take(&mut self.partial);
                        frame.advance(PREFIX_BYTES);
                        frames.push(frame.freeze());
                    }
                    Ok(Received::Some)
                }
                Err(error) => blocked_or(error),
            };
        }
        shared.clear();
        shared.reserve(READ_BYTES);
        shared.extend_from_slice(&self.partial);
        let room = READ_BYTES.saturating_sub(shared.len());
        match stream.try_read_buf(&mut (&mut *shared).limit(room)) {
            Ok(0) => return Ok(Received::End),
            Ok(_) => {}
            Err(error) => return blocked_or(error),
        }
        self.partial.clear();
        self.cut(shared, frame_bytes_max, frames)?;
        Ok(Received::Some)
    }

    fn cut(
        &mut self,
        shared: &mut BytesMut,
        frame_bytes_max: usize,
        frames: &mut Vec<Bytes>,
    ) -> Result<(), FrameError> {
        while let Some(&prefix) = shared.first_chunk::<PREFIX_BYTES>() {
            let length = FrameLen::parse(prefix, frame_bytes_max)?.bytes();
            let whole = PREFIX_BYTES + length;
            if shared.len() < whole {
                self.wanted = whole;
                break;
            }
            let mut frame = shared.split_to(whole);
            frame.advance(PREFIX_BYTES);
            frames.push(frame.freeze());
        }
        if !shared.is_empty() {
            self.partial = BytesMut::with_capacity(shared.len());
            self.partial.extend_from_slice(shared);
        } else {
            self.partial = BytesMut::new();
        }
        Ok(())
    }
}

fn blocked_or(error: io::Error) -> Result<Received, ReceiveError> {
    if error.kind() == io::ErrorKind::WouldBlock {
        Ok(Received::Blocked)
    } else {
        Err(error.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn framed(body: &[u8]) -> Vec<u8> {
        let mut bytes = (body.len() as i32).to_be_bytes().to_vec();
        bytes.extend_from_slice(body);
        bytes
    }

    /// Feeds `bytes` as pieces of `piece` bytes through the cutting half, as reads would.
    fn frames_by_pieces(bytes: &[u8], piece: usize) -> Vec<Bytes> {
        let mut receiver = Receiver::default();
        let mut frames = Vec::new();
        for chunk in bytes.chunks(piece) {
            let mut chunk = chunk;
            while !chunk.is_empty() {
                if receiver.wanted > 0 {
                    let missing = receiver.wanted - receiver.partial.len();
                    let (now, later) = chunk.split_at(missing.min(chunk.len()));
                    receiver.partial.extend_from_slice(now);
                    chunk = later;
                    if receiver.partial.len() == receiver.wanted {
                        receiver.wanted = 0;
                        let mut frame = std::mem::take(&mut receiver.partial);
                        frame.advance(PREFIX_BYTES);
                        frames.push(frame.freeze());
                    }
                } else {
                    let mut shared = std::mem::take(&mut receiver.partial);
                    shared.extend_from_slice(chunk);
                    chunk = &[];
                    receiver.cut(&mut shared, 1 << 20, &mut frames).expect("good frames");
                }
            }
        }
        frames
    }

    #[test]
    fn frames_are_found_wherever_the_reads_end() {
        let bodies: [&[u8]; 4] = [b"first", b"", b"third, a longer one", b"x"];
        let bytes: Vec<u8> = bodies.iter().flat_map(|body| framed(body)).collect();
        for piece in 1..=bytes.len() {
            assert_eq!(frames_by_pieces(&bytes, piece), bodies, "in pieces of {piece}");
        }
    }

    #[test]
    fn a_wrong_length_is_an_error() {
        let mut receiver = Receiver::default();
        for prefix in [-1i32, 101] {
            let mut shared = BytesMut::from(&prefix.to_be_bytes()[..]);
            assert!(receiver.cut(&mut shared, 100, &mut Vec::new()).is_err(), "{prefix}");
        }
    }
}
