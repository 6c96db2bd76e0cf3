//! OffsetForLeaderEpoch: where a leader's epoch ends, by which consumers and followers find out
//! whether their log has left the leader's (KIP-101, KIP-320).

use super::opening::once_open;
use crate::authorizer::Operation;
use crate::call::{Answer, Call};
use crate::error::code_of;
use crate::partition::LogView;
use headwater_protocol::messages::offset_for_leader_epoch::{
    EpochEndOffset, OffsetForLeaderEpochRequest, OffsetForLeaderEpochResponse,
    OffsetForLeaderPartition, OffsetForLeaderTopicResult,
};
use headwater_types::{EndOffset, ErrorCode, LeaderEpoch};

/// "Nothing is known of that epoch", as Kafka says it.
const UNKNOWN: (LeaderEpoch, EndOffset) = (LeaderEpoch::NONE, EndOffset(-1));
/// Partitions in one answer; a request for more is refused. As many as one broker may lead.
const PARTITIONS_ANSWERED_MAX: usize = 200_000;

pub(super) fn handle(
    call: &mut Call<'_>,
    request: OffsetForLeaderEpochRequest,
) -> Answer<OffsetForLeaderEpochResponse> {
    let asked = request
        .topics
        .iter()
        .flat_map(|topic| topic.partitions.iter().map(move |one| (&*topic.topic, one.partition)));
    let unopened = call.unopened(asked.take(PARTITIONS_ANSWERED_MAX));
    once_open(call, unopened, move |call| answer(call, request))
}

fn answer(
    call: &mut Call<'_>,
    request: OffsetForLeaderEpochRequest,
) -> Answer<OffsetForLeaderEpochResponse> {
    let asked: usize = request.topics.iter().map(|topic| topic.partitions.len()).sum();
    let too_many = asked > PARTITIONS_ANSWERED_MAX;
    let mut room = PARTITIONS_ANSWERED_MAX;
    // Followers ask as part of the cluster, consumers as readers.
    let is_broker = call.allows_on_cluster(Operation::ClusterAction);
    let topics = request.topics.into_iter().take(PARTITIONS_ANSWERED_MAX).map(|topic| {
        let allowed = is_broker || call.allows_on_topic(Operation::Describe, &topic.topic);
        let partitions = topic.partitions.iter().take(room).map(|asked| {
            let found = if too_many {
                Err(ErrorCode::InvalidRequest)
            } else if allowed {
                find(call, &topic.topic, asked)
            } else {
                Err(ErrorCode::TopicAuthorizationFailed)
            };
            let (epoch, end) = found.unwrap_or(UNKNOWN);
            EpochEndOffset {
                error_code: found.err().unwrap_or(ErrorCode::None).code(),
                partition: asked.partition,
                leader_epoch: epoch.0,
                end_offset: end.0,
                ..EpochEndOffset::default()
            }
        });
        let partitions: Vec<_> = partitions.collect();
        room = room.saturating_sub(partitions.len());
        OffsetForLeaderTopicResult {
            partitions,
            topic: topic.topic,
            ..OffsetForLeaderTopicResult::default()
        }
    });
    Answer::Now(OffsetForLeaderEpochResponse {
        topics: topics.collect(),
        ..OffsetForLeaderEpochResponse::default()
    })
}

fn find(
    call: &Call<'_>,
    topic: &str,
    asked: &OffsetForLeaderPartition,
) -> Result<(LeaderEpoch, EndOffset), ErrorCode> {
    let partition = call.held_partition(topic, asked.partition)?;
    let current = LeaderEpoch(asked.current_leader_epoch);
    let asked = LeaderEpoch(asked.leader_epoch);
    partition
        .with_log(current, call.now, |view| end_of(&view, asked))
        .map_err(|error| code_of(&error))
}

/// The largest epoch up to the asked one, and where it ends.
fn end_of(view: &LogView<'_>, asked: LeaderEpoch) -> (LeaderEpoch, EndOffset) {
    if asked == view.epoch {
        return (asked, view.ends.log_end);
    }
    if asked > view.epoch || asked < LeaderEpoch(0) {
        return UNKNOWN;
    }
    match view.log.latest_epoch() {
        // This leader has appended nothing yet, so what is there is its predecessors'.
        Some(latest) if asked >= latest => (latest, view.ends.log_end),
        _ => view.log.epoch_end(asked).map_or(UNKNOWN, |known| (known.epoch, known.end)),
    }
}
