//! DescribeQuorum.

use crate::support::{Broker, ME, Options};
use crate::{code, text};
use headwater_metadata::image::{Endpoint, SecurityProtocol};
use headwater_node::quorum::{QuorumReplica, QuorumSource, QuorumStatus};
use headwater_protocol::messages::describe_quorum::{
    DescribeQuorumRequest, DescribeQuorumResponse, PartitionData, TopicData,
};
use headwater_types::{BrokerId, ErrorCode, Uuid};
use std::sync::Arc;

pub(crate) struct Fixed(pub QuorumStatus);

impl QuorumSource for Fixed {
    fn status(&self) -> QuorumStatus {
        self.0.clone()
    }
}

pub(crate) fn quorum() -> QuorumStatus {
    let voter = QuorumReplica {
        node: ME,
        directory: Uuid([9; 16]),
        log_end: 42,
        last_fetch_ms: -1,
        last_caught_up_ms: -1,
    };
    let observer = QuorumReplica { node: BrokerId(2), log_end: 40, last_fetch_ms: 5, ..voter };
    QuorumStatus {
        leader: Some(ME),
        epoch: 3,
        high_watermark: 41,
        voters: vec![voter],
        observers: vec![observer],
        endpoints: vec![(
            ME,
            vec![Endpoint {
                name: Arc::from("CONTROLLER"),
                host: Arc::from("localhost"),
                port: 9093,
                security_protocol: SecurityProtocol::Plaintext,
            }],
        )],
    }
}

fn ask(status: QuorumStatus, topics: &[(&str, &[i32])]) -> DescribeQuorumResponse {
    let mut broker =
        Broker::start_with(Options { quorum: Arc::new(Fixed(status)), ..Options::default() });
    let topics = topics.iter().map(|(name, partitions)| TopicData {
        topic_name: text(name),
        partitions: partitions
            .iter()
            .map(|&partition_index| PartitionData { partition_index, ..PartitionData::default() })
            .collect(),
        ..TopicData::default()
    });
    let request =
        DescribeQuorumRequest { topics: topics.collect(), ..DescribeQuorumRequest::default() };
    broker.ask(2, &request)
}

#[test]
fn the_metadata_log_has_voters_observers_and_endpoints() {
    let response = ask(quorum(), &[("__cluster_metadata", &[0])]);
    assert_eq!((response.error_code, response.error_message), (0, Some(text(""))));
    let partition = &response.topics[0].partitions[0];
    assert_eq!((partition.leader_id, partition.leader_epoch, partition.high_watermark), (1, 3, 41));
    let voter = &partition.current_voters[0];
    assert_eq!((voter.replica_id, voter.log_end_offset), (1, 42));
    assert_eq!(voter.replica_directory_id, Uuid([9; 16]));
    assert_eq!(voter.last_caught_up_timestamp, 1_700_000_000_000, "the leader is, now");
    let observer = &partition.observers[0];
    assert_eq!((observer.last_fetch_timestamp, observer.last_caught_up_timestamp), (5, -1));
    let listener = &response.nodes[0].listeners[0];
    assert_eq!((&*listener.name, listener.port), ("CONTROLLER", 9093));
}

#[test]
fn any_other_partition_is_unknown() {
    for topics in [
        &[("a", &[0][..])][..],
        &[("__cluster_metadata", &[1])],
        &[("__cluster_metadata", &[0, 1])],
        &[("__cluster_metadata", &[0]), ("a", &[0])],
    ] {
        let response = ask(quorum(), topics);
        assert_eq!(response.error_code, 0);
        assert_eq!(response.topics.len(), topics.len());
        let unknown = response.topics.iter().flat_map(|topic| &topic.partitions).all(|one| {
            code(one.error_code) == ErrorCode::UnknownTopicOrPartition
                && one.error_message.is_some()
        });
        assert!(unknown, "{topics:?}");
    }
    assert_eq!(ask(quorum(), &[]).topics, []);
}

#[test]
fn without_a_leader_there_is_nothing_to_tell_yet() {
    let response = ask(QuorumStatus::default(), &[("__cluster_metadata", &[0])]);
    assert_eq!(code(response.error_code), ErrorCode::LeaderNotAvailable);
}
