//! What was appended to one log since its last sync began, as far as it is small enough to be
//! journaled.

use super::{JOURNALED_BYTES_MAX, Journal, Retained};
use crate::log::LogIdentity;
use bytes::Bytes;
use headwater_types::EndOffset;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize};

/// Bytes that were appended to one segment, one behind the other.
#[derive(Clone, Debug)]
pub(crate) struct Extent {
    /// The segment.
    pub base: i64,
    /// Where they begin in it.
    pub position: u64,
    /// Their end in the log.
    pub end: EndOffset,
    pub pieces: Vec<Bytes>,
    pub bytes: usize,
}

/// Appended and not synced.
#[derive(Debug, Default)]
pub(crate) struct Unsynced {
    extents: Vec<Extent>,
    retained: Vec<Retained>,
    bytes: usize,
    /// Something is missing: the log's own files must be synced.
    incomplete: bool,
}

impl Unsynced {
    /// Notes an append; `pieces` are kept until [`take`](Self::take).
    pub fn push(
        &mut self,
        segment: i64,
        position: u64,
        end: EndOffset,
        pieces: impl Iterator<Item = Bytes>,
        bytes: usize,
        budget: &Arc<AtomicUsize>,
    ) {
        let fits = !self.incomplete && self.bytes.saturating_add(bytes) <= JOURNALED_BYTES_MAX;
        let Some(retained) = fits.then(|| Retained::take(bytes, budget)).flatten() else {
            return self.give_up();
        };
        self.bytes += bytes;
        self.retained.push(retained);
        match self.extents.last_mut() {
            Some(last) if last.base == segment => {
                last.pieces.extend(pieces);
                last.bytes += bytes;
                last.end = end;
            }
            _ => {
                let pieces = pieces.collect();
                self.extents.push(Extent { base: segment, position, end, pieces, bytes });
            }
        }
    }

    /// The log's own files must be synced.
    pub fn give_up(&mut self) {
        *self = Self { incomplete: true, ..Self::default() };
    }

    /// What is to be journaled; `None` when the log's own files must be synced.
    pub fn take(&mut self) -> Option<(Vec<Extent>, Vec<Retained>)> {
        let taken = std::mem::take(self);
        (!taken.incomplete).then_some((taken.extents, taken.retained))
    }
}

/// What a sync that was begun has for the journal.
#[derive(Debug)]
pub(crate) struct Journalable {
    pub journal: Arc<Journal>,
    pub identity: Arc<LogIdentity>,
    /// The log's.
    pub folder: PathBuf,
    /// Counts the log's truncations.
    pub truncations: Arc<AtomicU64>,
    /// What was appended; `None` when the log's own files must be synced.
    pub extents: Option<Vec<Extent>>,
    /// Room for them.
    pub _retained: Vec<Retained>,
}
