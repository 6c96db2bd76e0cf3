//! ListOffsets: the offset at a timestamp, and the special ones.
//!
//! What depends on the high watermark waits for this broker's own sync first: see `own_sync.rs`.

use super::opening::once_open;
use super::own_sync::{OWN_SYNC_WAIT_MAX_MS, after_own_sync};
use crate::authorizer::{Operation, Resource};
use crate::call::{Answer, Call};
use crate::error::code_of;
use crate::partition::{LogView, Partition, PartitionError};
use headwater_protocol::messages::list_offsets::{
    ListOffsetsPartition, ListOffsetsPartitionResponse, ListOffsetsRequest, ListOffsetsResponse,
    ListOffsetsTopicResponse,
};
use headwater_types::{EndOffset, ErrorCode, LeaderEpoch};
use std::collections::BTreeSet;
use std::sync::Arc;

/// The isolation level of those who see committed transactions only.
const READ_COMMITTED: i8 = 1;
/// First version that carries the epoch of what was found.
const SAYS_EPOCH_FROM: i16 = 4;
/// The replica id of consumers.
const CONSUMER: i32 = -1;

/// What a timestamp in the request stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Target {
    Latest,
    Earliest,
    MaxTimestamp,
    /// The first that is stored here; everything is, until there is tiered storage.
    EarliestLocal,
    /// The last that is in tiered storage: nothing is.
    LatestTiered,
    /// The first that is still to be copied to tiered storage: nothing is.
    EarliestPendingUpload,
    AtOrAfter(i64),
}

impl Target {
    /// `None` where the request's version does not know it yet.
    fn parse(timestamp: i64, api_version: i16) -> Option<Self> {
        let (target, since) = match timestamp {
            -1 => (Target::Latest, 1),
            -2 => (Target::Earliest, 1),
            -3 => (Target::MaxTimestamp, 7),
            -4 => (Target::EarliestLocal, 8),
            -5 => (Target::LatestTiered, 9),
            -6 => (Target::EarliestPendingUpload, 11),
            at if at >= 0 => (Target::AtOrAfter(at), 1),
            _ => return None,
        };
        (api_version >= since).then_some(target)
    }

    /// Whether what is found depends on what is committed.
    fn looks_at_end(self) -> bool {
        matches!(self, Self::Latest | Self::MaxTimestamp | Self::AtOrAfter(_))
    }
}

/// An offset with its timestamp and epoch; -1 each where there is none.
struct Found {
    offset: i64,
    timestamp: i64,
    epoch: LeaderEpoch,
}

impl Found {
    const NOTHING: Found = Found { offset: -1, timestamp: -1, epoch: LeaderEpoch::NONE };
}

pub(super) fn handle(
    call: &mut Call<'_>,
    request: ListOffsetsRequest,
) -> Answer<ListOffsetsResponse> {
    let asked = request.topics.iter().flat_map(|topic| {
        topic.partitions.iter().map(move |one| (&*topic.name, one.partition_index))
    });
    let unopened = call.unopened(asked);
    once_open(call, unopened, move |call| once_synced(call, request))
}

fn once_synced(call: &mut Call<'_>, request: ListOffsetsRequest) -> Answer<ListOffsetsResponse> {
    let lagging = lagging(call, &request);
    let wait_ms = match i64::from(request.timeout_ms) {
        asked_ms if asked_ms > 0 => asked_ms.min(OWN_SYNC_WAIT_MAX_MS),
        _ => OWN_SYNC_WAIT_MAX_MS,
    };
    after_own_sync(call, lagging, wait_ms, move |call| answer(call, request))
}

/// The partitions whose end is asked for and is about to move.
fn lagging(call: &Call<'_>, request: &ListOffsetsRequest) -> Vec<(Arc<Partition>, EndOffset)> {
    let mut lagging = Vec::new();
    for topic in &request.topics {
        let Some(id) = call.view.image.topic_id(&topic.name) else { continue };
        for asked in &topic.partitions {
            let target = Target::parse(asked.timestamp, call.api_version);
            if target.is_some_and(Target::looks_at_end)
                && let Some(partition) = call.view.partition(id, asked.partition_index)
                && let Some(lag) = partition.own_lag()
            {
                lagging.push((Arc::clone(partition), lag.log_end));
            }
        }
    }
    // One that the sender may not ask about is not worth a wait.
    lagging.retain(|(partition, _)| {
        call.allows(Operation::Describe, Resource::Topic(partition.name()))
    });
    lagging
}

fn answer(call: &mut Call<'_>, request: ListOffsetsRequest) -> Answer<ListOffsetsResponse> {
    let mut seen = BTreeSet::new();
    let mut twice = BTreeSet::new();
    for topic in &request.topics {
        for partition in &topic.partitions {
            let key = (topic.name.clone(), partition.partition_index);
            if !seen.insert(key.clone()) {
                twice.insert(key);
            }
        }
    }
    let committed_only =
        request.replica_id == CONSUMER && request.isolation_level == READ_COMMITTED;
    let topics = request
        .topics
        .iter()
        .map(|topic| {
            let allowed = call.allows(Operation::Describe, Resource::Topic(&topic.name));
            let partitions = topic.partitions.iter().map(|partition| {
                let found = if !allowed {
                    Err(ErrorCode::TopicAuthorizationFailed)
                } else if twice.contains(&(topic.name.clone(), partition.partition_index)) {
                    Err(ErrorCode::InvalidRequest)
                } else {
                    find(call, &topic.name, partition, committed_only)
                };
                response(call.api_version, partition.partition_index, found)
            });
            ListOffsetsTopicResponse {
                partitions: partitions.collect(),
                name: topic.name.clone(),
                ..ListOffsetsTopicResponse::default()
            }
        })
        .collect();
    Answer::Now(ListOffsetsResponse { topics, ..ListOffsetsResponse::default() })
}

fn find(
    call: &Call<'_>,
    topic: &str,
    partition: &ListOffsetsPartition,
    committed_only: bool,
) -> Result<Found, ErrorCode> {
    let target = Target::parse(partition.timestamp, call.api_version)
        .ok_or(ErrorCode::UnsupportedVersion)?;
    let held = call.held_partition(topic, partition.partition_index)?;
    let epoch = LeaderEpoch(partition.current_leader_epoch);
    held.with_log(epoch, call.now, |log| look_up(log, target, committed_only))
        .and_then(|found| found)
        .map_err(|error| code_of(&error))
}

fn look_up(
    view: LogView<'_>,
    target: Target,
    committed_only: bool,
) -> Result<Found, PartitionError> {
    let visible_end = if committed_only { view.ends.last_stable } else { view.ends.high_watermark };
    let found = match target {
        Target::Latest => Found { offset: visible_end.0, timestamp: -1, epoch: view.epoch },
        Target::Earliest | Target::EarliestLocal => Found {
            offset: view.ends.log_start.0,
            timestamp: -1,
            epoch: view.log.epoch_of(view.ends.log_start).unwrap_or(LeaderEpoch::NONE),
        },
        Target::LatestTiered => Found::NOTHING,
        Target::EarliestPendingUpload => Found::NOTHING,
        Target::MaxTimestamp => match view.log.max_timestamp()? {
            // Like Kafka, which names nothing then rather than the largest of what may be seen.
            Some(at) if !visible_end.covers(at.offset) => Found::NOTHING,
            Some(at) => {
                Found { offset: at.offset.0, timestamp: at.timestamp, epoch: at.leader_epoch }
            }
            None => Found::NOTHING,
        },
        Target::AtOrAfter(timestamp) => {
            match view.log.offset_for_timestamp(timestamp, visible_end)? {
                Some(at) => {
                    Found { offset: at.offset.0, timestamp: at.timestamp, epoch: at.leader_epoch }
                }
                None => Found::NOTHING,
            }
        }
    };
    Ok(found)
}

fn response(
    api_version: i16,
    index: i32,
    found: Result<Found, ErrorCode>,
) -> ListOffsetsPartitionResponse {
    let (error, found) = match found {
        Ok(found) => (ErrorCode::None, found),
        Err(error) => (error, Found::NOTHING),
    };
    ListOffsetsPartitionResponse {
        partition_index: index,
        error_code: error.code(),
        timestamp: found.timestamp,
        offset: found.offset,
        leader_epoch: if api_version >= SAYS_EPOCH_FROM { found.epoch.0 } else { -1 },
        ..ListOffsetsPartitionResponse::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn special_timestamps_come_with_their_versions() {
        assert_eq!(Target::parse(-3, 6), None);
        assert_eq!(Target::parse(-3, 7), Some(Target::MaxTimestamp));
        assert_eq!(Target::parse(-6, 10), None);
        assert_eq!(Target::parse(-6, 11), Some(Target::EarliestPendingUpload));
        assert_eq!(Target::parse(-7, 11), None);
        assert_eq!(Target::parse(0, 1), Some(Target::AtOrAfter(0)));
    }
}
