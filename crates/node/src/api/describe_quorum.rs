//! DescribeQuorum: who leads, votes in and follows the metadata log (KIP-595, KIP-836, KIP-853).

use super::support::{CLUSTER_NOT_ALLOWED, NOT_HOSTED};
use crate::authorizer::Operation;
use crate::call::{Answer, Call};
use crate::quorum::{QuorumReplica, QuorumStatus};
use crate::topic_name::METADATA_TOPIC;
use headwater_protocol::messages::describe_quorum::{
    DescribeQuorumRequest, DescribeQuorumResponse, Listener, Node, PartitionData, ReplicaState,
    ResponsePartitionData, ResponseTopicData, TopicData,
};
use headwater_protocol::wire::Str;
use headwater_types::{DirectoryId, ErrorCode};

/// The only partition of the metadata log.
const METADATA_PARTITION: i32 = 0;
/// First version that tells the voters' folders and endpoints (KIP-853).
const NAMES_DIRECTORIES_FROM: i16 = 2;
/// How many topics, and of each how many partitions, are told that they are unknown.
const TOLD_MAX: usize = 100;

pub(super) fn handle(
    call: &mut Call<'_>,
    request: DescribeQuorumRequest,
) -> Answer<DescribeQuorumResponse> {
    if !call.allows_on_cluster(Operation::Describe) {
        return Answer::Now(refused(ErrorCode::ClusterAuthorizationFailed, CLUSTER_NOT_ALLOWED));
    }
    let [topic] = request.topics.as_slice() else {
        return Answer::Now(not_hosted(request.topics));
    };
    if !is_metadata_log(topic) {
        return Answer::Now(not_hosted(request.topics));
    }
    let status = call.node.quorum();
    let Some(leader) = status.leader else {
        let text = "The metadata quorum has no leader now.";
        return Answer::Now(refused(ErrorCode::LeaderNotAvailable, Str::from_static(text)));
    };
    let partition = ResponsePartitionData {
        partition_index: METADATA_PARTITION,
        error_message: Some(Str::new()),
        leader_id: leader.0,
        leader_epoch: status.epoch,
        high_watermark: status.high_watermark,
        current_voters: replicas(call, &status.voters),
        observers: replicas(call, &status.observers),
        ..ResponsePartitionData::default()
    };
    Answer::Now(DescribeQuorumResponse {
        error_message: Some(Str::new()),
        topics: vec![ResponseTopicData {
            topic_name: topic.topic_name.clone(),
            partitions: vec![partition],
            ..ResponseTopicData::default()
        }],
        nodes: if call.api_version >= NAMES_DIRECTORIES_FROM { nodes(&status) } else { Vec::new() },
        ..DescribeQuorumResponse::default()
    })
}

fn is_metadata_log(topic: &TopicData) -> bool {
    &*topic.topic_name == METADATA_TOPIC
        && matches!(topic.partitions.as_slice(), [partition] if is_metadata_partition(partition))
}

fn is_metadata_partition(partition: &PartitionData) -> bool {
    partition.partition_index == METADATA_PARTITION
}

fn replicas(call: &Call<'_>, replicas: &[QuorumReplica]) -> Vec<ReplicaState> {
    // The leader is always up to date with itself.
    let or_now = |time_ms| if time_ms < 0 { call.now.wall_ms } else { time_ms };
    let leader = call.node.quorum().leader;
    replicas
        .iter()
        .map(|replica| {
            let leads = leader == Some(replica.node);
            let time = |time_ms| if leads { or_now(time_ms) } else { time_ms };
            ReplicaState {
                replica_id: replica.node.0,
                replica_directory_id: if call.api_version >= NAMES_DIRECTORIES_FROM {
                    replica.directory
                } else {
                    DirectoryId::ZERO
                },
                log_end_offset: replica.log_end,
                last_fetch_timestamp: time(replica.last_fetch_ms),
                last_caught_up_timestamp: time(replica.last_caught_up_ms),
                ..ReplicaState::default()
            }
        })
        .collect()
}

/// Where the voters' controllers can be reached.
fn nodes(status: &QuorumStatus) -> Vec<Node> {
    let nodes = status.endpoints.iter().map(|(node, endpoints)| Node {
        node_id: node.0,
        listeners: endpoints
            .iter()
            .map(|endpoint| Listener {
                name: Str::from(&*endpoint.name),
                host: Str::from(&*endpoint.host),
                port: endpoint.port,
                ..Listener::default()
            })
            .collect(),
        ..Node::default()
    });
    nodes.collect()
}

/// Every partition asked for is unknown: the request must name the metadata log and nothing else.
fn not_hosted(topics: Vec<TopicData>) -> DescribeQuorumResponse {
    let topics = topics.into_iter().take(TOLD_MAX).map(|topic| ResponseTopicData {
        partitions: topic
            .partitions
            .iter()
            .take(TOLD_MAX)
            .map(|partition| ResponsePartitionData {
                partition_index: partition.partition_index,
                error_code: ErrorCode::UnknownTopicOrPartition.code(),
                error_message: Some(NOT_HOSTED),
                ..ResponsePartitionData::default()
            })
            .collect(),
        topic_name: topic.topic_name,
        ..ResponseTopicData::default()
    });
    DescribeQuorumResponse {
        error_message: Some(Str::new()),
        topics: topics.collect(),
        ..DescribeQuorumResponse::default()
    }
}

fn refused(error: ErrorCode, message: Str) -> DescribeQuorumResponse {
    DescribeQuorumResponse {
        error_code: error.code(),
        error_message: Some(message),
        ..DescribeQuorumResponse::default()
    }
}
