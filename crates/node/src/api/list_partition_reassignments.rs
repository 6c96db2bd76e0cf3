//! ListPartitionReassignments: partitions on their way between brokers (KIP-455). There are none:
//! see `alter_partition_reassignments.rs`.

use super::support::CLUSTER_NOT_ALLOWED;
use crate::authorizer::Operation;
use crate::call::{Answer, Call};
use headwater_protocol::messages::list_partition_reassignments::{
    ListPartitionReassignmentsRequest, ListPartitionReassignmentsResponse,
};
use headwater_types::ErrorCode;

pub(super) fn handle(
    call: &mut Call<'_>,
    _: ListPartitionReassignmentsRequest,
) -> Answer<ListPartitionReassignmentsResponse> {
    if call.allows_on_cluster(Operation::Describe) {
        return Answer::Now(ListPartitionReassignmentsResponse::default());
    }
    Answer::Now(ListPartitionReassignmentsResponse {
        error_code: ErrorCode::ClusterAuthorizationFailed.code(),
        error_message: Some(CLUSTER_NOT_ALLOWED),
        ..ListPartitionReassignmentsResponse::default()
    })
}
