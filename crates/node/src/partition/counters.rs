//! What a partition counts, and what is told of it to whoever watches.

use super::{Ends, LogState, Partition, PartitionError};
use headwater_log::Appended;

/// Counts since the broker started. Kept under the partition's lock, so counting costs nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PartitionCounters {
    /// Records appended.
    pub messages_in: u64,
    /// Bytes appended.
    pub bytes_in: u64,
    /// Bytes of answers to consumers.
    pub bytes_out: u64,
    /// Produces, failed ones included.
    pub produce_requests: u64,
    /// Answered reads, failed ones included.
    pub fetch_requests: u64,
    /// Produces that were refused.
    pub failed_produce: u64,
    /// Reads that were refused.
    pub failed_fetch: u64,
}

impl PartitionCounters {
    pub(super) fn produced(&mut self, outcome: &Result<Appended, PartitionError>) {
        self.produce_requests += 1;
        match outcome {
            Ok(appended) => {
                self.messages_in += appended.records;
                self.bytes_in += appended.bytes as u64;
            }
            Err(_) => self.failed_produce += 1,
        }
    }
}

/// How a partition stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PartitionStatus {
    /// What was counted.
    pub counters: PartitionCounters,
    /// Whether this broker leads it.
    pub is_leader: bool,
    /// Whether it is out of service.
    pub is_offline: bool,
    /// Whether its log is damaged: what is in front of the damage is served.
    pub is_damaged: bool,
    /// The ends of its log, once it was opened.
    pub ends: Option<Ends>,
    /// Bytes of its segments, once it was opened.
    pub size_bytes: Option<u64>,
    /// Its segments, once it was opened.
    pub segments: Option<usize>,
}

impl Partition {
    /// Counts an answer to a reader. Reads themselves are not counted: a fetch that waits reads
    /// again and again, and only the last of it is answered.
    pub fn count_answered(&self, bytes: usize, failed: bool) {
        let counters = &mut self.state.lock().counters;
        counters.fetch_requests += 1;
        counters.bytes_out += bytes as u64;
        counters.failed_fetch += u64::from(failed);
    }

    /// How it stands; does not open its log.
    pub fn status(&self) -> PartitionStatus {
        let state = self.state.lock();
        let common = PartitionStatus {
            counters: state.counters,
            is_leader: state.image.leader == Some(self.me),
            ..PartitionStatus::default()
        };
        match &state.log {
            LogState::Open(open) => PartitionStatus {
                is_damaged: open.log.damage().is_some(),
                ends: Some(open.ends()),
                size_bytes: Some(open.log.size_bytes()),
                segments: Some(open.log.segments_count()),
                ..common
            },
            LogState::Unopened { .. } | LogState::Opening => common,
            LogState::Offline(_) | LogState::Deleted => {
                PartitionStatus { is_offline: true, ..common }
            }
        }
    }
}
