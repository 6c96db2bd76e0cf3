//! The words of the Raft log: entries, Raft's own state, and marks of snapshots.

use bytes::Bytes;
use headwater_metadata::image::Position;
use headwater_types::{EndOffset, LeaderEpoch, Offset};
use raft::eraftpb;

/// What an entry holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum EntryKind {
    /// A [`MetadataEntry`](headwater_metadata::record::MetadataEntry), or nothing: a new leader's
    /// first entry.
    Metadata = 0,
    /// A change of the voters.
    Voters = 1,
    /// The same in the form of joint consensus.
    VotersJoint = 2,
}

impl EntryKind {
    /// The kind behind a number.
    pub const fn from_code(code: u32) -> Option<Self> {
        match code {
            0 => Some(Self::Metadata),
            1 => Some(Self::Voters),
            2 => Some(Self::VotersJoint),
            _ => None,
        }
    }
}

/// An entry of the Raft log.
#[derive(Clone, PartialEq, Eq)]
pub struct LogEntry {
    /// Its place, counted from 1.
    pub index: u64,
    /// The term in which it was proposed.
    pub term: u64,
    /// What `data` is.
    pub kind: EntryKind,
    /// The content.
    pub data: Bytes,
}

impl std::fmt::Debug for LogEntry {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { index, term, kind, data } = self;
        write!(f, "entry {index} of term {term} ({kind:?}, {} bytes)", data.len())
    }
}

impl LogEntry {
    /// Its offset in the log: `index - 1`.
    pub fn offset(&self) -> Offset {
        Offset(to_i64(self.index).saturating_sub(1))
    }

    /// Where an image stands that holds everything up to this entry.
    pub fn position(&self) -> Position {
        Position { end: EndOffset(to_i64(self.index)), epoch: epoch(self.term) }
    }

    pub(crate) fn from_raft(entry: &eraftpb::Entry) -> Self {
        let kind = match entry.get_entry_type() {
            eraftpb::EntryType::EntryNormal => EntryKind::Metadata,
            eraftpb::EntryType::EntryConfChange => EntryKind::Voters,
            eraftpb::EntryType::EntryConfChangeV2 => EntryKind::VotersJoint,
        };
        Self { index: entry.index, term: entry.term, kind, data: entry.data.clone() }
    }

    pub(crate) fn to_raft(&self) -> eraftpb::Entry {
        let mut entry = eraftpb::Entry::default();
        entry.set_entry_type(match self.kind {
            EntryKind::Metadata => eraftpb::EntryType::EntryNormal,
            EntryKind::Voters => eraftpb::EntryType::EntryConfChange,
            EntryKind::VotersJoint => eraftpb::EntryType::EntryConfChangeV2,
        });
        entry.index = self.index;
        entry.term = self.term;
        entry.data = self.data.clone();
        entry
    }
}

/// The epoch that stands for a term. Terms of a real log fit; others were refused when read.
pub(crate) fn epoch(term: u64) -> LeaderEpoch {
    LeaderEpoch(i32::try_from(term).unwrap_or(i32::MAX))
}

pub(crate) fn to_i64(index: u64) -> i64 {
    i64::try_from(index).unwrap_or(i64::MAX)
}

/// What a Raft node must never forget.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct HardState {
    /// The highest term seen.
    pub term: u64,
    /// Whom it voted for in that term; 0 for nobody.
    pub vote: u64,
    /// An index up to which entries are committed; may lag behind.
    pub commit: u64,
}

impl HardState {
    pub(crate) fn from_raft(state: &eraftpb::HardState) -> Self {
        Self { term: state.term, vote: state.vote, commit: state.commit }
    }

    pub(crate) fn to_raft(self) -> eraftpb::HardState {
        let Self { term, vote, commit } = self;
        eraftpb::HardState { term, vote, commit, ..eraftpb::HardState::default() }
    }
}

/// Names a snapshot: the last entry it covers, and the voters then.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SnapshotMark {
    /// The last index it covers; 0 for none.
    pub index: u64,
    /// That entry's term.
    pub term: u64,
    /// The voters' Raft ids.
    pub voters: Vec<u64>,
    /// The learners' Raft ids.
    pub learners: Vec<u64>,
}

impl SnapshotMark {
    pub(crate) fn conf_state(&self) -> eraftpb::ConfState {
        eraftpb::ConfState {
            voters: self.voters.clone(),
            learners: self.learners.clone(),
            ..eraftpb::ConfState::default()
        }
    }
}
