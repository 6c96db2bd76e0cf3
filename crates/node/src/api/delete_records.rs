//! DeleteRecords: moves the first offset of partitions forward.

use super::support::{ANSWERED_MAX, refusal_of_size};
use crate::authorizer::Operation;
use crate::call::{Answer, Call};
use crate::error::code_of;
use crate::partition::PartitionError;
use crate::topic_name::is_internal;
use headwater_protocol::messages::delete_records::{
    DeleteRecordsPartitionResult, DeleteRecordsRequest, DeleteRecordsResponse,
    DeleteRecordsTopicResult,
};
use headwater_protocol::wire::Str;
use headwater_types::{ErrorCode, LeaderEpoch, Offset};
use std::collections::BTreeMap;

/// Stands for the high watermark: everything that is committed.
const EVERYTHING: i64 = -1;
/// The answer's low watermark where there is none to tell.
const NO_LOW_WATERMARK: i64 = -1;

pub(super) fn handle(
    call: &mut Call<'_>,
    request: DeleteRecordsRequest,
) -> Answer<DeleteRecordsResponse> {
    let wishes: usize = request.topics.iter().map(|topic| topic.partitions.len()).sum();
    let refusal = refusal_of_size(wishes).map(|(error, _)| error);
    // A partition that is named twice is answered once; its last wish holds.
    let mut topics: BTreeMap<Str, BTreeMap<i32, i64>> = BTreeMap::new();
    let mut room = ANSWERED_MAX;
    for topic in request.topics.into_iter().take(ANSWERED_MAX) {
        let partitions = topics.entry(topic.name).or_default();
        for partition in topic.partitions.into_iter().take(room) {
            partitions.insert(partition.partition_index, partition.offset);
            room = room.saturating_sub(1);
        }
    }
    let results = topics.into_iter().map(|(name, partitions)| {
        let allowed = call.allows_on_topic(Operation::Delete, &name);
        let partitions = partitions.into_iter().map(|(index, offset)| {
            let outcome = match refusal {
                Some(error) => Err(error),
                None if !allowed => Err(ErrorCode::TopicAuthorizationFailed),
                None => delete(call, &name, index, offset),
            };
            DeleteRecordsPartitionResult {
                partition_index: index,
                low_watermark: outcome.map_or(NO_LOW_WATERMARK, |offset| offset.0),
                error_code: outcome.err().unwrap_or(ErrorCode::None).code(),
                ..DeleteRecordsPartitionResult::default()
            }
        });
        let partitions = partitions.collect();
        DeleteRecordsTopicResult { partitions, name, ..DeleteRecordsTopicResult::default() }
    });
    Answer::Now(DeleteRecordsResponse {
        topics: results.collect(),
        ..DeleteRecordsResponse::default()
    })
}

/// Deletes what is before `offset`; the low watermark then, which with one replica is the first
/// offset of its log.
fn delete(call: &Call<'_>, topic: &str, index: i32, offset: i64) -> Result<Offset, ErrorCode> {
    let partition = call.held_partition(topic, index)?;
    if is_internal(topic) {
        return Err(ErrorCode::InvalidTopicException);
    }
    if !partition.config().cleanup_policy.delete {
        return Err(ErrorCode::PolicyViolation);
    }
    partition
        .with_log(LeaderEpoch::NONE, call.now, |view| {
            let high_watermark = view.ends.high_watermark;
            let before = match offset {
                EVERYTHING => high_watermark.next(),
                asked => Offset(asked),
            };
            if before < Offset(0) || before.as_end() > high_watermark {
                return Ok(None);
            }
            let deleted = view.log.delete_records(before, high_watermark);
            deleted.map(Some).map_err(PartitionError::from)
        })
        .and_then(|deleted| deleted)
        .map_err(|error| code_of(&error))?
        .ok_or(ErrorCode::OffsetOutOfRange)
}
