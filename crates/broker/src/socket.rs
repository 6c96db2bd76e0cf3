//! Sending answers: bytes from memory by writev, ranges of files by sendfile.
//!
//! What only Linux has (sendfile to a socket, `MSG_MORE`) stands behind this module; elsewhere a
//! range is read into memory and written.

use bytes::{Buf, Bytes};
use headwater_log::FileSlice;
use headwater_node::ReplyPart;
use std::collections::VecDeque;
use std::io::{self, IoSlice};
use tokio::io::Interest;
use tokio::net::TcpStream;

/// Pieces given to one writev.
const WRITE_PIECES_MAX: usize = 64;
/// Bytes read into memory at once where sendfile cannot be used.
const COPY_CHUNK_BYTES: usize = 256 * 1024;

/// What is waiting to be sent on one connection.
#[derive(Default)]
pub(crate) struct SendQueue {
    parts: VecDeque<ReplyPart>,
}

/// How far [`SendQueue::flush`] got.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Flushed {
    /// Everything is with the kernel.
    All,
    /// The socket takes no more for now.
    Blocked,
}

impl SendQueue {
    pub fn extend(&mut self, parts: Vec<ReplyPart>) {
        self.parts.extend(parts);
    }

    pub fn is_empty(&self) -> bool {
        self.parts.is_empty()
    }

    /// How much is waiting, in memory and in files.
    pub fn bytes(&self) -> u64 {
        let bytes = |part: &ReplyPart| match part {
            ReplyPart::Memory(bytes) => bytes.len() as u64,
            ReplyPart::File(slice) => u64::from(slice.length),
        };
        self.parts.iter().map(bytes).sum()
    }

    /// Hands as much to the kernel as it takes.
    pub fn flush(&mut self, stream: &TcpStream) -> io::Result<Flushed> {
        while let Some(front) = self.parts.front_mut() {
            let sent = match front {
                ReplyPart::Memory(_) => self.send_memory(stream),
                ReplyPart::File(slice) => match send_file(stream, slice) {
                    Ok(FileSent::Some) => {
                        if slice.length == 0 {
                            self.parts.pop_front();
                        }
                        Ok(())
                    }
                    Ok(FileSent::ReadInstead(bytes)) => {
                        if slice.length == 0 {
                            self.parts.pop_front();
                        }
                        self.parts.push_front(ReplyPart::Memory(bytes));
                        Ok(())
                    }
                    Err(error) => Err(error),
                },
            };
            match sent {
                Ok(()) => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    return Ok(Flushed::Blocked);
                }
                Err(error) => return Err(error),
            }
        }
        Ok(Flushed::All)
    }

    fn send_memory(&mut self, stream: &TcpStream) -> io::Result<()> {
        let mut pieces = [IoSlice::new(&[]); WRITE_PIECES_MAX];
        let mut count = 0;
        let mut file_follows = false;
        for (piece, part) in pieces.iter_mut().zip(&self.parts) {
            match part {
                ReplyPart::Memory(bytes) => *piece = IoSlice::new(bytes),
                ReplyPart::File(_) => {
                    file_follows = true;
                    break;
                }
            }
            count += 1;
        }
        let pieces = pieces.get(..count).unwrap_or_default();
        let sent = if file_follows && count == 1 {
            send_more(stream, pieces)?
        } else {
            stream.try_write_vectored(pieces)?
        };
        self.advance(sent);
        Ok(())
    }

    fn advance(&mut self, mut sent: usize) {
        while let Some(ReplyPart::Memory(bytes)) = self.parts.front_mut() {
            if sent < bytes.len() {
                bytes.advance(sent);
                return;
            }
            sent -= bytes.len();
            self.parts.pop_front();
        }
    }
}

/// Sends a header with a promise that its file range follows, so that both share packets.
#[cfg(target_os = "linux")]
fn send_more(stream: &TcpStream, pieces: &[IoSlice<'_>]) -> io::Result<usize> {
    let Some(first) = pieces.first() else { return Ok(0) };
    stream.try_io(Interest::WRITABLE, || {
        Ok(rustix::net::send(stream, first, rustix::net::SendFlags::MORE)?)
    })
}

#[cfg(not(target_os = "linux"))]
fn send_more(stream: &TcpStream, pieces: &[IoSlice<'_>]) -> io::Result<usize> {
    stream.try_write_vectored(pieces)
}

enum FileSent {
    /// The slice was shortened by what was sent.
    Some,
    /// The slice was shortened by these bytes, which are to be sent from memory.
    ReadInstead(Bytes),
}

fn send_file(stream: &TcpStream, slice: &mut FileSlice) -> io::Result<FileSent> {
    #[cfg(target_os = "linux")]
    if slice.fd().is_some() {
        let mut position = slice.position;
        let sent = stream.try_io(Interest::WRITABLE, || {
            let Some(file) = slice.fd() else { return Ok(0) };
            Ok(rustix::fs::sendfile(stream, file, Some(&mut position), slice.length as usize)?)
        })?;
        if sent == 0 {
            return Err(shorter_than_promised());
        }
        slice.consume(sent);
        return Ok(FileSent::Some);
    }
    let wanted = (slice.length as usize).min(COPY_CHUNK_BYTES);
    let bytes = slice.read(wanted).map_err(io::Error::other)?;
    if bytes.is_empty() {
        return Err(shorter_than_promised());
    }
    slice.consume(bytes.len());
    Ok(FileSent::ReadInstead(bytes))
}

/// The length of a response has been announced; without its bytes the connection is of no use.
fn shorter_than_promised() -> io::Error {
    io::Error::new(io::ErrorKind::UnexpectedEof, "a log file is shorter than it was")
}
