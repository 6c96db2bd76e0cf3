//! What the node tells of the metadata quorum; the shell knows it from the controller.

use headwater_metadata::image::Endpoint;
use headwater_types::{BrokerId, DirectoryId};

/// One member of the quorum, voter or observer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct QuorumReplica {
    /// Its node id.
    pub node: BrokerId,
    /// Its metadata folder.
    pub directory: DirectoryId,
    /// End of its metadata log.
    pub log_end: i64,
    /// When it last fetched, by the leader's wall clock in ms; -1 if unknown.
    pub last_fetch_ms: i64,
    /// When it last held everything the leader had, in ms; -1 if unknown.
    pub last_caught_up_ms: i64,
}

/// How the quorum stands.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct QuorumStatus {
    /// The leader, if one is known.
    pub leader: Option<BrokerId>,
    /// Its term.
    pub epoch: i32,
    /// Everything before it is committed.
    pub high_watermark: i64,
    /// Who votes.
    pub voters: Vec<QuorumReplica>,
    /// Who only follows.
    pub observers: Vec<QuorumReplica>,
    /// Where the voters' controllers can be reached, as far as known. A quorum of one opens no port
    /// and names none.
    pub endpoints: Vec<(BrokerId, Vec<Endpoint>)>,
}

/// Where the quorum's state is read from.
pub trait QuorumSource: Send + Sync {
    /// How the quorum stands now.
    fn status(&self) -> QuorumStatus;
}

/// A node without a quorum, for tests.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoQuorum;

impl QuorumSource for NoQuorum {
    fn status(&self) -> QuorumStatus {
        QuorumStatus::default()
    }
}
