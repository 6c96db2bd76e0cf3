//! ListOffsets.

use super::{PartitionKey, by_topic, text};
use crate::core::operation::{Answers, Operation};
use crate::core::{Destination, Refusal, Subject};
use headwater_protocol::Request;
use headwater_protocol::messages::list_offsets::{
    ListOffsetsPartition, ListOffsetsRequest, ListOffsetsResponse, ListOffsetsTopic,
};
use headwater_types::LeaderEpoch;
use std::collections::BTreeMap;

/// Which place of a log is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OffsetSpec {
    /// The first record that is still there.
    Earliest,
    /// Behind the last record that may be read.
    Latest,
    /// The first record whose timestamp is at least this, in milliseconds since 1970 (`>= 0`).
    Timestamp(i64),
    /// The record with the highest timestamp.
    MaxTimestamp,
    /// The first record that the broker holds itself, beside remote storage.
    EarliestLocal,
    /// Behind the last record that went to remote storage.
    LatestTiered,
    /// The first record that is to go to remote storage.
    EarliestPendingUpload,
}

impl OffsetSpec {
    /// The number that Kafka sends in place of a timestamp, and the first version that has it.
    fn wire(self) -> (i64, i16) {
        match self {
            Self::Timestamp(ms) => (ms.max(0), 1),
            Self::Latest => (-1, 1),
            Self::Earliest => (-2, 1),
            Self::MaxTimestamp => (-3, 7),
            Self::EarliestLocal => (-4, 8),
            Self::LatestTiered => (-5, 9),
            Self::EarliestPendingUpload => (-6, 11),
        }
    }
}

/// The place that was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ListedOffset {
    /// The offset, or `None` when no record is there, e.g. none is so young.
    pub offset: Option<i64>,
    /// The record's timestamp, where one was looked up.
    pub timestamp: Option<i64>,
    /// The epoch of the leader that wrote it, where it is known.
    pub leader_epoch: Option<LeaderEpoch>,
}

/// Looks up places in partitions' logs.
#[derive(Clone, Debug, Default)]
pub struct ListOffsets {
    /// Which place in which partition.
    pub partitions: BTreeMap<PartitionKey, OffsetSpec>,
    /// Whether records of open transactions count as not there.
    pub read_committed: bool,
    /// How long a broker may take that must ask remote storage, in milliseconds; 0 leaves it to
    /// the client.
    pub timeout_ms: i32,
}

impl Operation for ListOffsets {
    type Key = PartitionKey;
    type Value = ListedOffset;
    type Request = ListOffsetsRequest;

    fn keys(&self) -> Vec<PartitionKey> {
        self.partitions.keys().cloned().collect()
    }

    fn subject(&self, key: &PartitionKey) -> Subject {
        key.subject()
    }

    fn destination(&self, key: &PartitionKey) -> Destination {
        key.leader()
    }

    fn request(
        &self,
        keys: &[PartitionKey],
        version: i16,
    ) -> Result<ListOffsetsRequest, &'static str> {
        if self.read_committed && version < 2 {
            return Err("reading committed records only");
        }
        let mut topics = Vec::new();
        for (topic, partitions) in by_topic(keys) {
            let mut wanted = Vec::with_capacity(partitions.len());
            for partition in partitions {
                let key = PartitionKey::new(topic, partition);
                let Some(spec) = self.partitions.get(&key) else { continue };
                let (timestamp, since) = spec.wire();
                if version < since {
                    return Err("that kind of place in a log");
                }
                wanted.push(ListOffsetsPartition {
                    partition_index: partition,
                    current_leader_epoch: LeaderEpoch::NONE.0,
                    timestamp,
                    ..Default::default()
                });
            }
            topics.push(ListOffsetsTopic {
                name: text(topic),
                partitions: wanted,
                ..Default::default()
            });
        }
        Ok(ListOffsetsRequest {
            replica_id: -1,
            isolation_level: i8::from(self.read_committed),
            topics,
            timeout_ms: self.timeout_ms,
            ..Default::default()
        })
    }

    fn answered(
        &self,
        _keys: &[PartitionKey],
        response: ListOffsetsResponse,
        _version: i16,
    ) -> Answers<Self> {
        let api = ListOffsetsRequest::KEY;
        let known = |number: i64| (number >= 0).then_some(number);
        let mut results = Vec::new();
        for topic in &response.topics {
            for partition in &topic.partitions {
                let key = PartitionKey::new(topic.name.to_string(), partition.partition_index);
                let subject = || key.subject();
                let refusal = Refusal::from_code(api, subject, partition.error_code, None);
                let epoch = LeaderEpoch(partition.leader_epoch);
                let listed = ListedOffset {
                    offset: known(partition.offset),
                    timestamp: known(partition.timestamp),
                    leader_epoch: (epoch != LeaderEpoch::NONE).then_some(epoch),
                };
                results.push((key, refusal.map_or(Ok(listed), Err)));
            }
        }
        results
    }

    fn throttle_ms(&self, response: &ListOffsetsResponse) -> i32 {
        response.throttle_time_ms
    }
}
