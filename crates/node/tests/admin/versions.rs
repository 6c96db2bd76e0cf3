//! Every admin API answers at every version that is offered: nothing that an older version cannot
//! say gets into its answer.

use crate::quorum::{Fixed, quorum};
use crate::support::{Broker, Options};
use crate::{create, text};
use headwater_protocol::messages::*;
use headwater_protocol::{Message, Request};
use std::sync::Arc;

fn at_every_version<R: Request + 'static>(
    broker: &mut Broker,
    request: impl Fn(i16) -> R,
    is_good: impl Fn(&R::Response) -> bool,
) {
    for version in <R as Request>::VERSIONS {
        let response = broker.ask(version, &request(version));
        assert!(is_good(&response), "{} v{version}", <R as Message>::NAME);
    }
}

fn broker() -> Broker {
    let quorum = Arc::new(Fixed(quorum()));
    let mut broker = Broker::start_with(Options { quorum, ..Options::default() });
    create(&mut broker, "t", 2, &[("retention.ms", "1000")]);
    broker
}

#[test]
fn topics() {
    let broker = &mut broker();
    at_every_version(
        broker,
        |version| create_topics::CreateTopicsRequest {
            topics: ["fine", "bad name"]
                .map(|name| create_topics::CreatableTopic {
                    name: text(&format!("{name}{version}")),
                    num_partitions: 1,
                    replication_factor: 1,
                    ..Default::default()
                })
                .to_vec(),
            ..Default::default()
        },
        |response| response.topics.iter().map(|one| one.error_code).eq([0, 17]),
    );
    at_every_version(
        broker,
        |version| create_partitions::CreatePartitionsRequest {
            topics: ["t", "nope"]
                .map(|name| create_partitions::CreatePartitionsTopic {
                    name: text(name),
                    count: 3 + i32::from(version),
                    assignments: None,
                    ..Default::default()
                })
                .to_vec(),
            timeout_ms: 1_000,
            ..Default::default()
        },
        |response| response.results.iter().map(|one| one.error_code).eq([0, 3]),
    );
    at_every_version(
        broker,
        |version| {
            let names = [text(&format!("fine{}", version + 1)), text("nope")];
            let mut request =
                delete_topics::DeleteTopicsRequest { timeout_ms: 1_000, ..Default::default() };
            if version < 6 {
                request.topic_names = names.to_vec();
            } else {
                let by_name = |name| delete_topics::DeleteTopicState {
                    name: Some(name),
                    ..Default::default()
                };
                request.topics = names.map(by_name).to_vec();
            }
            request
        },
        |response| response.responses.iter().map(|one| one.error_code).eq([0, 3]),
    );
}

#[test]
fn configs() {
    let broker = &mut broker();
    let kinds = [(2, "t"), (4, "1"), (4, ""), (8, "1"), (16, "sub"), (32, "g")];
    at_every_version(
        broker,
        |version| describe_configs::DescribeConfigsRequest {
            resources: kinds
                .map(|(resource_type, name)| describe_configs::DescribeConfigsResource {
                    resource_type,
                    resource_name: text(name),
                    ..Default::default()
                })
                .to_vec(),
            include_synonyms: true,
            include_documentation: version >= 3,
            ..Default::default()
        },
        |response| response.results.iter().all(|one| one.error_code == 0),
    );
    at_every_version(
        broker,
        |_| alter_configs::AlterConfigsRequest {
            resources: vec![alter_configs::AlterConfigsResource {
                resource_type: 2,
                resource_name: text("t"),
                ..Default::default()
            }],
            ..Default::default()
        },
        |response| response.responses.iter().map(|one| one.error_code).eq([0]),
    );
    at_every_version(
        broker,
        |_| incremental_alter_configs::IncrementalAlterConfigsRequest {
            resources: vec![incremental_alter_configs::AlterConfigsResource {
                resource_type: 2,
                resource_name: text("t"),
                ..Default::default()
            }],
            ..Default::default()
        },
        |response| response.responses.iter().map(|one| one.error_code).eq([0]),
    );
    at_every_version(
        broker,
        |_| list_config_resources::ListConfigResourcesRequest::default(),
        |response| response.error_code == 0,
    );
}

#[test]
fn partitions_and_records() {
    let broker = &mut broker();
    at_every_version(
        broker,
        |_| delete_records::DeleteRecordsRequest {
            topics: vec![delete_records::DeleteRecordsTopic {
                name: text("t"),
                partitions: vec![delete_records::DeleteRecordsPartition {
                    offset: -1,
                    ..Default::default()
                }],
                ..Default::default()
            }],
            ..Default::default()
        },
        |response| response.topics[0].partitions[0].error_code == 0,
    );
    at_every_version(
        broker,
        |_| offset_for_leader_epoch::OffsetForLeaderEpochRequest {
            topics: vec![offset_for_leader_epoch::OffsetForLeaderTopic {
                topic: text("t"),
                partitions: vec![Default::default()],
                ..Default::default()
            }],
            ..Default::default()
        },
        |response| response.topics[0].partitions[0].error_code == 0,
    );
    at_every_version(
        broker,
        |_| describe_producers::DescribeProducersRequest {
            topics: vec![describe_producers::TopicRequest {
                name: text("t"),
                partition_indexes: vec![0],
                ..Default::default()
            }],
            ..Default::default()
        },
        |response| response.topics[0].partitions[0].error_code == 0,
    );
    at_every_version(
        broker,
        |_| describe_topic_partitions::DescribeTopicPartitionsRequest {
            response_partition_limit: 1,
            ..Default::default()
        },
        |response| response.next_cursor.is_some(),
    );
}

#[test]
fn folders_and_quorum() {
    let broker = &mut broker();
    at_every_version(
        broker,
        |_| describe_log_dirs::DescribeLogDirsRequest { topics: None, ..Default::default() },
        |response| response.results[0].topics[0].partitions.len() == 2,
    );
    at_every_version(
        broker,
        |_| list_partition_reassignments::ListPartitionReassignmentsRequest::default(),
        |response| response.error_code == 0 && response.topics.is_empty(),
    );
    at_every_version(
        broker,
        |_| alter_partition_reassignments::AlterPartitionReassignmentsRequest {
            topics: ["t", "nope"]
                .map(|name| alter_partition_reassignments::ReassignableTopic {
                    name: text(name),
                    partitions: vec![alter_partition_reassignments::ReassignablePartition {
                        partition_index: 0,
                        replicas: Some(vec![1]),
                        ..Default::default()
                    }],
                    ..Default::default()
                })
                .to_vec(),
            ..Default::default()
        },
        |response| {
            let codes = response.responses.iter().map(|topic| topic.partitions[0].error_code);
            response.error_code == 0 && codes.eq([0, 3])
        },
    );
    at_every_version(
        broker,
        |_| alter_replica_log_dirs::AlterReplicaLogDirsRequest {
            dirs: vec![alter_replica_log_dirs::AlterReplicaLogDir {
                path: text("/logs-0"),
                topics: vec![alter_replica_log_dirs::AlterReplicaLogDirTopic {
                    name: text("t"),
                    partitions: vec![0],
                    ..Default::default()
                }],
                ..Default::default()
            }],
            ..Default::default()
        },
        |response| response.results[0].partitions[0].error_code == 0,
    );
    at_every_version(
        broker,
        |_| describe_quorum::DescribeQuorumRequest {
            topics: vec![describe_quorum::TopicData {
                topic_name: text("__cluster_metadata"),
                partitions: vec![Default::default()],
                ..Default::default()
            }],
            ..Default::default()
        },
        |response| response.topics[0].partitions[0].current_voters.len() == 1,
    );
}
