//! The newest batches of a log: where they are, and the bytes of small ones.
//!
//! Small batches are copied once into a block, which serves the write and the consumers at the end
//! of the log. The copies are slices of blocks, so that a batch of 1 KB never keeps a network
//! buffer of 1 MB alive.

use super::head::Head;
use bytes::{Bytes, BytesMut};
use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Sets from this size on are not copied; readers get them from the page cache by sendfile.
pub(crate) const COPIED_BYTES_MAX: usize = 16 * 1024;
/// Batches whose place is remembered.
const BATCHES_MAX: usize = 128;
/// Bytes of batches held.
const HELD_BYTES_MAX: usize = 64 * 1024;
/// The first block of a log; later ones double until [`BLOCK_BYTES_MAX`].
const BLOCK_BYTES_MIN: usize = 4 * 1024;
const BLOCK_BYTES_MAX: usize = 32 * 1024;

/// A batch at the end of the log.
#[derive(Clone, Debug)]
pub(crate) struct TailBatch {
    pub base: i64,
    pub last: i64,
    pub position: u64,
    pub size: usize,
    pub bytes: Option<Bytes>,
}

impl TailBatch {
    pub fn end(&self) -> u64 {
        self.position.saturating_add(self.size as u64)
    }
}

/// Memory that the tails of a folder's logs hold together.
#[derive(Debug, Default)]
pub(crate) struct TailBudget {
    held_bytes: AtomicUsize,
}

/// Bytes that the tails of a folder's logs may hold together: a thousand busy logs. Beyond it the
/// newest batches are read from the page cache, like older ones.
const FOLDER_BYTES_MAX: usize = 64 << 20;

/// The newest batches, oldest first; each starts where the one before ends.
#[derive(Debug, Default)]
pub(crate) struct Tail {
    batches: VecDeque<TailBatch>,
    held_bytes: usize,
    block: BytesMut,
    block_bytes: usize,
    budget: Arc<TailBudget>,
}

impl Tail {
    pub fn new(budget: &Arc<TailBudget>) -> Self {
        Self {
            batches: VecDeque::new(),
            held_bytes: 0,
            block: BytesMut::new(),
            block_bytes: 0,
            budget: Arc::clone(budget),
        }
    }

    /// Copies pieces into the block, one behind the other.
    pub fn copy<'a>(&mut self, pieces: impl Iterator<Item = &'a [u8]>, bytes: usize) -> Bytes {
        if self.block.capacity() - self.block.len() < bytes {
            let next = (self.block_bytes * 2).clamp(BLOCK_BYTES_MIN, BLOCK_BYTES_MAX).max(bytes);
            self.block_bytes = next;
            self.block = BytesMut::with_capacity(next);
        }
        for piece in pieces {
            self.block.extend_from_slice(piece);
        }
        self.block.split().freeze()
    }

    /// Adds a batch that was written at a position. What does not continue the tail replaces it.
    pub fn push(&mut self, head: &Head, position: u64, bytes: Option<Bytes>) {
        if self.batches.back().is_some_and(|last| last.end() != position) {
            self.clear();
        }
        let bytes = bytes.filter(|bytes| self.reserve(bytes.len()));
        self.batches.push_back(TailBatch {
            base: head.base,
            last: head.last,
            position,
            size: head.size,
            bytes,
        });
        if self.batches.len() > BATCHES_MAX {
            let oldest = self.batches.pop_front().and_then(|oldest| oldest.bytes);
            self.give_back(oldest.map_or(0, |bytes| bytes.len()));
        }
        if self.held_bytes > HELD_BYTES_MAX {
            self.let_go_of(self.held_bytes - HELD_BYTES_MAX);
        }
    }

    /// Lets go of the bytes of the oldest batches.
    fn let_go_of(&mut self, bytes_min: usize) {
        let mut released = 0;
        for batch in &mut self.batches {
            if released >= bytes_min {
                break;
            }
            released += batch.bytes.take().map_or(0, |bytes| bytes.len());
        }
        self.give_back(released);
    }

    fn reserve(&mut self, bytes: usize) -> bool {
        let before = self.budget.held_bytes.fetch_add(bytes, Ordering::Relaxed);
        self.held_bytes += bytes;
        let fits = before + bytes <= FOLDER_BYTES_MAX;
        if !fits {
            self.give_back(bytes);
        }
        fits
    }

    fn give_back(&mut self, bytes: usize) {
        self.held_bytes -= bytes;
        self.budget.held_bytes.fetch_sub(bytes, Ordering::Relaxed);
    }

    /// The batch that holds an offset or the next one behind it, and those behind that; `None` when
    /// the offset is before the tail.
    pub fn from(&self, offset: i64) -> Option<impl Iterator<Item = &TailBatch>> {
        self.batches.front().filter(|first| first.base <= offset)?;
        let skip = self.batches.partition_point(|batch| batch.last < offset);
        Some(self.batches.range(skip..))
    }

    pub fn clear(&mut self) {
        self.batches.clear();
        self.give_back(self.held_bytes);
    }

    /// Gives all memory back.
    pub fn release(&mut self) {
        self.clear();
        self.block = BytesMut::new();
        self.block_bytes = 0;
    }
}

impl Drop for Tail {
    fn drop(&mut self) {
        self.give_back(self.held_bytes);
    }
}
