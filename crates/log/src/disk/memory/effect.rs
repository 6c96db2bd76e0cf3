//! Changes that a crash may undo, and what becomes of them.

use super::image::Node;
use bytes::Bytes;
use std::path::PathBuf;
use std::sync::Arc;

/// What happens to a pending effect in a crash.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// It reached the disk.
    Kept,
    /// It did not.
    Lost,
    /// Of a write only this many bytes reached the disk (of other effects: nothing).
    Cut(usize),
    /// Of a write the file's new length reached the disk, and of the data only the sectors of 512
    /// bytes whose bit is set, the lowest bit for the first one; the last bit stands for all that
    /// follow. The others hold what was there before, or zeros. (Of other effects: nothing.)
    Sectors(u64),
}

/// A change that a crash may undo.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PendingEffect {
    /// Bytes in a file.
    Write {
        /// The file.
        file: u64,
        /// Where.
        position: usize,
        /// What.
        bytes: Bytes,
    },
    /// A file's length.
    SetLength {
        /// The file.
        file: u64,
        /// Its length then.
        length: usize,
    },
    /// A name for a new file or folder.
    Link {
        /// The name, as it was used.
        path: PathBuf,
        /// Where it stands.
        at: Entry,
        /// What it names.
        node: Node,
    },
    /// A new name for a file or folder.
    Rename {
        /// Name before.
        from: PathBuf,
        /// Name then.
        to: PathBuf,
        /// Where it stood.
        source: Entry,
        /// Where it stands.
        target: Entry,
        /// What is renamed.
        node: Node,
    },
    /// A name taken away.
    Unlink {
        /// The name, as it was used.
        path: PathBuf,
        /// Where it stood.
        at: Entry,
    },
}

/// A name in a folder, whatever the folder is called.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    pub(super) folder: u64,
    pub(super) name: Arc<str>,
}

impl PendingEffect {
    /// Whether syncing a file makes it durable.
    pub(super) fn is_of_file(&self, synced: u64) -> bool {
        match self {
            Self::Write { file, .. } | Self::SetLength { file, .. } => *file == synced,
            Self::Link { .. } | Self::Rename { .. } | Self::Unlink { .. } => false,
        }
    }

    /// Whether syncing a folder makes it durable.
    pub(super) fn is_of_folder(&self, synced: u64) -> bool {
        match self {
            Self::Write { .. } | Self::SetLength { .. } => false,
            Self::Link { at, .. } | Self::Unlink { at, .. } => at.folder == synced,
            Self::Rename { source, target, .. } => {
                source.folder == synced || target.folder == synced
            }
        }
    }
}
