//! What goes into the core and what comes out of it.

use super::{HardState, LogEntry, SnapshotMark};
use crate::generated::controller as wire;
use headwater_metadata::command::{CommandError, CommandReply, InitializeCluster};
use headwater_metadata::decide::Policy;
use headwater_metadata::image::{ApplyError, Delta, Image};
use std::sync::Arc;

/// Entries after which a snapshot is due.
pub const SNAPSHOT_ENTRIES: u64 = 10_000;

/// Bytes of entries after which a snapshot is due (Kafka's figure).
pub const SNAPSHOT_BYTES: u64 = 20 * 1024 * 1024;

/// Bytes of one entry. The largest is that of a broker with a million partitions that comes or goes.
pub const ENTRY_BYTES_MAX: usize = 200 * 1024 * 1024;

/// Bytes of entries that may be proposed and not yet committed. Beyond it, proposals are refused.
pub const UNCOMMITTED_BYTES_MAX: u64 = 256 * 1024 * 1024;

/// The feature whose level says which records there may be.
pub const VERSION_FEATURE: &str = "headwater.version";

/// What a node knows of itself.
#[derive(Clone)]
pub struct CoreOptions {
    /// Its Raft id, not 0 and never used again by another folder.
    pub raft_id: u64,
    /// The voters of a new quorum; an older one's are in its snapshot and log.
    pub voters: Vec<u64>,
    /// Where election timeouts come from.
    pub seed: u64,
    /// What the first leader of a new cluster does first.
    pub initialize: InitializeCluster,
    /// The rules of decisions.
    pub policy: Policy,
    /// When a snapshot is due.
    pub snapshot_every: SnapshotEvery,
}

/// When a snapshot is due: at whatever comes first.
#[derive(Clone, Copy, Debug)]
pub struct SnapshotEvery {
    /// After so many entries.
    pub entries: u64,
    /// After so many bytes of entries.
    pub bytes: u64,
}

impl Default for SnapshotEvery {
    fn default() -> Self {
        Self { entries: SNAPSHOT_ENTRIES, bytes: SNAPSHOT_BYTES }
    }
}

/// What was found on disk at start.
#[derive(Debug, Default)]
pub struct Restored {
    /// Raft's own state.
    pub hard_state: HardState,
    /// The newest snapshot that can be read, index 0 where there is none.
    pub snapshot: SnapshotMark,
    /// The image of that snapshot.
    pub image: Image,
    /// The entries behind the snapshot, without gaps.
    pub entries: Vec<LogEntry>,
}

/// The world as far as the core may look at it.
pub struct Environment<'a> {
    /// The wall clock in milliseconds.
    pub now_ms: i64,
    /// Gives 16 random bytes a call.
    pub ids: &'a mut dyn FnMut() -> [u8; 16],
}

/// Metadata that is committed now.
#[derive(Clone, Debug)]
pub struct Committed {
    /// All of it.
    pub image: Arc<Image>,
    /// How it differs from what was committed before.
    pub delta: Arc<Delta>,
}

/// What is to be made durable, in this order and as a whole.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Write {
    /// A snapshot that came from a peer: it replaces the log.
    pub install: Option<SnapshotMark>,
    /// Raft's own state, where it changed; before the entries, for they may be of its new term.
    pub hard_state: Option<HardState>,
    /// To be appended; what is in the log from the first one's index on is cut off before.
    pub entries: Vec<LogEntry>,
}

/// What is to be done.
#[derive(Debug)]
pub enum Effect<T> {
    /// True whatever the disk does: send at once.
    Send(wire::RaftMessage),
    /// Make `write` durable, then send `then` and call [`Core::handle_persisted`](super::Core::handle_persisted).
    Persist {
        /// What.
        write: Write,
        /// Messages that promise it.
        then: Vec<wire::RaftMessage>,
    },
    /// New committed metadata, before any answer that speaks of it.
    Publish(Committed),
    /// The end of a command.
    Answer {
        /// Whose.
        ticket: T,
        /// What became of it.
        outcome: Result<CommandReply, CommandError>,
    },
    /// Write a snapshot of an image, then call [`Core::handle_snapshot_written`](super::Core::handle_snapshot_written) or
    /// [`Core::handle_snapshot_failed`](super::Core::handle_snapshot_failed); meanwhile everything else may go on.
    Snapshot {
        /// Its name.
        mark: SnapshotMark,
        /// What it holds.
        image: Arc<Image>,
    },
}

/// The controller cannot go on.
#[derive(Debug, thiserror::Error)]
pub enum CoreError {
    /// A committed entry is no metadata of this version.
    #[error("entry {index} of the metadata log cannot be read: {reason}")]
    Unreadable {
        /// The entry's index.
        index: u64,
        /// Why.
        reason: String,
    },
    /// A committed entry cannot be applied.
    #[error("entry {index} of the metadata log cannot be applied: {error}")]
    Apply {
        /// The entry's index.
        index: u64,
        /// Why.
        error: ApplyError,
    },
    /// The metadata was written by a newer version.
    #[error(
        "the cluster's metadata is at {VERSION_FEATURE} {level}, and this version of Headwater \
         reads up to {supported}: start a newer one"
    )]
    Newer {
        /// The finalised level.
        level: i16,
        /// The highest level that this version knows.
        supported: i16,
    },
    /// What was found on disk does not go together.
    #[error("the metadata folder is damaged: {0}")]
    Inconsistent(String),
    /// The consensus library refused.
    #[error("consensus: {0}")]
    Raft(#[from] raft::Error),
}
