//! AlterPartitionReassignments: which brokers shall hold a partition (KIP-455).
//!
//! Until brokers replicate, a partition can only stay where it is: that assignment is fine and done
//! at once, as in Kafka, and tools that move replicas between log folders ask for it first. What
//! could never be is refused in Kafka's words.

use super::support::{ANSWERED_MAX, CLUSTER_NOT_ALLOWED, Refusal, refusal_of, refusal_of_size};
use crate::authorizer::Operation;
use crate::call::{Answer, Call};
use headwater_metadata::decide::check_assignment;
use headwater_protocol::messages::alter_partition_reassignments::{
    AlterPartitionReassignmentsRequest, AlterPartitionReassignmentsResponse, ReassignablePartition,
    ReassignablePartitionResponse, ReassignableTopicResponse,
};
use headwater_protocol::wire::Str;
use headwater_types::{BrokerId, ErrorCode, PartitionIndex};

pub(super) fn handle(
    call: &mut Call<'_>,
    request: AlterPartitionReassignmentsRequest,
) -> Answer<AlterPartitionReassignmentsResponse> {
    let allow_replication_factor_change = request.allow_replication_factor_change;
    let wishes = request.topics.iter().map(|topic| topic.partitions.len()).sum();
    let refusal = match call.allows_on_cluster(Operation::Alter) {
        false => Some((ErrorCode::ClusterAuthorizationFailed, Some(CLUSTER_NOT_ALLOWED))),
        true => refusal_of_size(request.topics.len().max(wishes)),
    };
    if let Some((error, error_message)) = refusal {
        return Answer::Now(AlterPartitionReassignmentsResponse {
            allow_replication_factor_change,
            error_code: error.code(),
            error_message,
            ..AlterPartitionReassignmentsResponse::default()
        });
    }
    let responses = request.topics.into_iter().take(ANSWERED_MAX).map(|topic| {
        let partitions = topic.partitions.iter().map(|wish| {
            let (error, error_message) = match check(call, &topic.name, wish) {
                Ok(()) => (ErrorCode::None, None),
                Err(refusal) => refusal,
            };
            ReassignablePartitionResponse {
                partition_index: wish.partition_index,
                error_code: error.code(),
                error_message,
                ..ReassignablePartitionResponse::default()
            }
        });
        let partitions = partitions.collect();
        ReassignableTopicResponse {
            partitions,
            name: topic.name,
            ..ReassignableTopicResponse::default()
        }
    });
    Answer::Now(AlterPartitionReassignmentsResponse {
        allow_replication_factor_change,
        responses: responses.collect(),
        ..AlterPartitionReassignmentsResponse::default()
    })
}

/// Kafka's checks, in its order.
fn check(call: &Call<'_>, topic: &str, wish: &ReassignablePartition) -> Result<(), Refusal> {
    let unknown = |text: String| (ErrorCode::UnknownTopicOrPartition, Some(Str::from(text)));
    let index = wish.partition_index;
    let image = &call.view.image;
    let found = image
        .topic_named(topic)
        .ok_or_else(|| unknown(format!("Unable to find a topic named {topic}.")))?;
    let partition = found
        .partition(PartitionIndex(index))
        .ok_or_else(|| unknown(format!("Unable to find partition {topic}:{index}.")))?;
    let Some(replicas) = &wish.replicas else {
        let text = Str::from_static("No partition reassignment is in progress.");
        return Err((ErrorCode::NoReassignmentInProgress, Some(text)));
    };
    let replicas: Vec<BrokerId> = replicas.iter().map(|&id| BrokerId(id)).collect();
    check_assignment(image, &replicas, None).map_err(refusal_of)?;
    if replicas == partition.replicas {
        return Ok(());
    }
    let text = Str::from_static("Replicas cannot move between brokers yet.");
    Err((ErrorCode::InvalidReplicaAssignment, Some(text)))
}
