//! Raft's messages as they travel, and what makes one fit to be taken in.
//!
//! The crate `raft` trusts its peers and aborts the process on what cannot be. So whatever comes
//! from outside is read from our own form, never by its protobuf code, and passes
//! [`check`] first.

use super::entry::{EntryKind, LogEntry};
use crate::generated::controller as wire;
use raft::eraftpb::{Message, MessageType};

/// The largest index and term taken from a peer: far beyond any real one, and far enough from the
/// end of their type that adding to them is safe.
const NUMBER_MAX: u64 = 1 << 31;

/// What a node knows when it judges a message.
pub(super) struct Known<'a> {
    /// Its own Raft id.
    pub(super) own: u64,
    /// Whether a Raft id belongs to the quorum.
    pub(super) is_peer: &'a dyn Fn(u64) -> bool,
    /// The cluster, once known.
    pub(super) cluster_id: Option<&'a str>,
    /// The last index of its log.
    pub(super) last_index: u64,
    /// The index up to which its log is committed.
    pub(super) committed: u64,
    /// The term of an entry of its log.
    pub(super) term_of: &'a dyn Fn(u64) -> Option<u64>,
}

/// A message was refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MessageError {
    /// Of another cluster.
    #[error("a message of cluster {found:?}")]
    OtherCluster {
        /// The cluster it names.
        found: String,
    },
    /// For somebody else.
    #[error("a message for Raft node {to}")]
    NotForUs {
        /// The receiver it names.
        to: u64,
    },
    /// From nobody in the quorum.
    #[error("a message from Raft node {from}, which is no peer")]
    NoPeer {
        /// The sender it names.
        from: u64,
    },
    /// Of a kind that does not travel, or that is not known.
    #[error("a message of kind {kind}")]
    Kind {
        /// The number of its kind.
        kind: u32,
    },
    /// Content that no honest peer sends.
    #[error("a {kind:?} message with an impossible {field}")]
    Impossible {
        /// Its kind.
        kind: MessageType,
        /// What is wrong with it.
        field: &'static str,
    },
}

/// Reads a message and proves that it may be taken in.
pub(super) fn check(
    message: wire::RaftMessage,
    known: &Known<'_>,
) -> Result<Message, MessageError> {
    // A new voter does not know its cluster before the first leader has named it.
    if let Some(cluster_id) = known.cluster_id
        && !message.cluster_id.is_empty()
        && message.cluster_id != cluster_id
    {
        return Err(MessageError::OtherCluster { found: message.cluster_id });
    }
    if message.to != known.own {
        return Err(MessageError::NotForUs { to: message.to });
    }
    if message.from == known.own || !(known.is_peer)(message.from) {
        return Err(MessageError::NoPeer { from: message.from });
    }
    let kind = kind(message.kind).ok_or(MessageError::Kind { kind: message.kind })?;
    let impossible = |field| MessageError::Impossible { kind, field };
    let numbers = [
        message.term,
        message.log_term,
        message.index,
        message.commit,
        message.commit_term,
        message.reject_hint,
    ];
    if message.term == 0 || numbers.iter().any(|&number| number > NUMBER_MAX) {
        return Err(impossible("number"));
    }
    match kind {
        MessageType::MsgAppend => check_entries(&message, kind, known)?,
        _ if !message.entries.is_empty() => return Err(impossible("entry")),
        // A leader says to each follower only what that one has acknowledged.
        MessageType::MsgHeartbeat if message.commit > known.last_index => {
            return Err(impossible("commit index"));
        }
        MessageType::MsgAppendResponse if !message.reject && message.index > known.last_index => {
            return Err(impossible("index"));
        }
        _ => {}
    }
    let mut checked = Message::default();
    checked.set_msg_type(kind);
    checked.to = message.to;
    checked.from = message.from;
    checked.term = message.term;
    checked.log_term = message.log_term;
    checked.index = message.index;
    checked.commit = message.commit;
    checked.commit_term = message.commit_term;
    checked.reject = message.reject;
    checked.reject_hint = message.reject_hint;
    checked.priority = message.priority;
    // The context answers read requests, which are not sent: nobody may claim that one was.
    for entry in message.entries {
        // This version changes no voters, so nobody may claim that it was agreed.
        let kind = EntryKind::from_code(entry.kind)
            .filter(|&kind| kind == EntryKind::Metadata)
            .ok_or(impossible("kind of an entry"))?;
        let entry = LogEntry { index: entry.index, term: entry.term, kind, data: entry.data };
        checked.mut_entries().push(entry.to_raft());
    }
    Ok(checked)
}

/// The kinds that travel. A proposal, a request to take over or to read is ours to make, and
/// snapshots go their own way.
fn kind(code: u32) -> Option<MessageType> {
    use MessageType::{
        MsgAppend, MsgAppendResponse, MsgHeartbeat, MsgHeartbeatResponse, MsgRequestPreVote,
        MsgRequestPreVoteResponse, MsgRequestVote, MsgRequestVoteResponse, MsgTimeoutNow,
    };
    let kinds = [
        MsgAppend,
        MsgAppendResponse,
        MsgRequestVote,
        MsgRequestVoteResponse,
        MsgHeartbeat,
        MsgHeartbeatResponse,
        MsgTimeoutNow,
        MsgRequestPreVote,
        MsgRequestPreVoteResponse,
    ];
    kinds.into_iter().find(|kind| *kind as u32 == code)
}

/// Whether entries continue one another, and contradict nothing that is committed here.
fn check_entries(
    message: &wire::RaftMessage,
    kind: MessageType,
    known: &Known<'_>,
) -> Result<(), MessageError> {
    let impossible = |field| MessageError::Impossible { kind, field };
    let mut index = message.index;
    let mut term = message.log_term;
    if message.log_term > message.term {
        return Err(impossible("log term"));
    }
    for entry in &message.entries {
        index += 1;
        if entry.index != index {
            return Err(impossible("index of an entry"));
        }
        if entry.term < term || entry.term > message.term || entry.term == 0 {
            return Err(impossible("term of an entry"));
        }
        term = entry.term;
        if index <= known.committed {
            let own = (known.term_of)(index);
            if own.is_some_and(|own| own != entry.term) {
                return Err(impossible("entry, which contradicts a committed one"));
            }
        }
    }
    Ok(())
}

/// A message in the form in which it travels.
pub(super) fn to_wire(message: Message, cluster_id: &str) -> wire::RaftMessage {
    let snapshot = message.snapshot.as_ref().map(|snapshot| {
        let metadata = snapshot.get_metadata();
        wire::SnapshotMark {
            index: metadata.index,
            term: metadata.term,
            voters: metadata.get_conf_state().voters.clone(),
            learners: metadata.get_conf_state().learners.clone(),
        }
    });
    wire::RaftMessage {
        cluster_id: cluster_id.to_owned(),
        kind: message.get_msg_type() as u32,
        to: message.to,
        from: message.from,
        term: message.term,
        log_term: message.log_term,
        index: message.index,
        entries: message
            .entries
            .iter()
            .map(LogEntry::from_raft)
            .map(|entry| wire::RaftEntry {
                kind: entry.kind as u32,
                term: entry.term,
                index: entry.index,
                data: entry.data,
            })
            .collect(),
        commit: message.commit,
        commit_term: message.commit_term,
        snapshot,
        reject: message.reject,
        reject_hint: message.reject_hint,
        context: bytes::Bytes::new(),
        priority: message.priority,
    }
}
