//! What the admin APIs answer to those who may not ask.

use crate::support::{Broker, Options};
use crate::{code, create, text};
use headwater_node::RequestContext;
use headwater_node::authorizer::{Authorizer, Operation, Resource, Verdict};
use headwater_protocol::messages::*;
use headwater_types::{ErrorCode, Uuid};
use parking_lot::Mutex;
use std::sync::Arc;

/// Allows everything until it is told what to deny.
#[derive(Default)]
struct Denying {
    denied: Mutex<Vec<Operation>>,
}

impl Authorizer for Denying {
    fn authorize(&self, _: &RequestContext, operation: Operation, _: Resource<'_>) -> Verdict {
        if self.denied.lock().contains(&operation) { Verdict::Denied } else { Verdict::Allowed }
    }
}

/// A broker with a topic `t`, and what denies.
fn broker() -> (Broker, Arc<Denying>, Uuid) {
    let authorizer = Arc::new(Denying::default());
    let mut broker =
        Broker::start_with(Options { authorizer: authorizer.clone(), ..Options::default() });
    let id = create(&mut broker, "t", 1, &[]);
    (broker, authorizer, id)
}

#[test]
fn topics_are_created_widened_and_deleted_by_those_who_may() {
    let (mut broker, authorizer, id) = broker();
    *authorizer.denied.lock() = vec![Operation::Create, Operation::Alter, Operation::Delete];
    let topic = create_topics::CreatableTopic {
        name: text("new"),
        num_partitions: 1,
        replication_factor: 1,
        ..Default::default()
    };
    let request = create_topics::CreateTopicsRequest { topics: vec![topic], ..Default::default() };
    let refused = &broker.ask(7, &request).topics[0];
    assert_eq!(code(refused.error_code), ErrorCode::TopicAuthorizationFailed);
    assert_eq!(refused.error_message.as_deref(), Some("Authorization failed."));

    let topic = create_partitions::CreatePartitionsTopic {
        name: text("t"),
        count: 2,
        ..Default::default()
    };
    let request = create_partitions::CreatePartitionsRequest {
        topics: vec![topic],
        timeout_ms: 1_000,
        ..Default::default()
    };
    let refused = &broker.ask(3, &request).results[0];
    assert_eq!(code(refused.error_code), ErrorCode::TopicAuthorizationFailed);

    let delete = |name: Option<&str>, topic_id| delete_topics::DeleteTopicsRequest {
        topics: vec![delete_topics::DeleteTopicState {
            name: name.map(text),
            topic_id,
            ..Default::default()
        }],
        timeout_ms: 1_000,
        ..Default::default()
    };
    let mut told = |request: &delete_topics::DeleteTopicsRequest| {
        let one = broker.ask(6, request).responses.remove(0);
        (code(one.error_code), one.name.map(|name| name.to_string()))
    };
    let name = |name: &str| Some(name.to_owned());
    use ErrorCode::{TopicAuthorizationFailed, UnknownTopicOrPartition};
    assert_eq!(told(&delete(Some("t"), Uuid::ZERO)), (TopicAuthorizationFailed, name("t")));
    assert_eq!(told(&delete(Some("no"), Uuid::ZERO)), (UnknownTopicOrPartition, name("no")));
    assert_eq!(told(&delete(None, id)), (TopicAuthorizationFailed, name("t")));
    authorizer.denied.lock().push(Operation::Describe);
    assert_eq!(told(&delete(Some("no"), Uuid::ZERO)), (TopicAuthorizationFailed, name("no")));
    assert_eq!(told(&delete(None, id)), (TopicAuthorizationFailed, None), "the name is a secret");
    assert_eq!(broker.image.topic_count(), 1);
}

#[test]
fn a_new_topics_configs_are_for_those_who_may_see_them() {
    let (mut broker, authorizer, _) = broker();
    *authorizer.denied.lock() = vec![Operation::DescribeConfigs];
    let topic = create_topics::CreatableTopic {
        name: text("new"),
        num_partitions: 1,
        replication_factor: 1,
        ..Default::default()
    };
    let request = create_topics::CreateTopicsRequest { topics: vec![topic], ..Default::default() };
    let created = &broker.ask(7, &request).topics[0];
    assert_eq!((created.error_code, created.num_partitions), (0, -1));
    assert_eq!(code(created.topic_config_error_code), ErrorCode::TopicAuthorizationFailed);
}

#[test]
fn configs_have_an_error_for_each_kind() {
    let (mut broker, authorizer, _) = broker();
    *authorizer.denied.lock() = vec![Operation::DescribeConfigs, Operation::AlterConfigs];
    use ErrorCode::{
        ClusterAuthorizationFailed, GroupAuthorizationFailed, TopicAuthorizationFailed,
    };
    let kinds = [
        (2, "t", TopicAuthorizationFailed),
        (4, "1", ClusterAuthorizationFailed),
        (4, "", ClusterAuthorizationFailed),
        (8, "1", ClusterAuthorizationFailed),
        (16, "sub", ClusterAuthorizationFailed),
        (32, "g", GroupAuthorizationFailed),
    ];
    for (resource_type, name, expected) in kinds {
        let resource = describe_configs::DescribeConfigsResource {
            resource_type,
            resource_name: text(name),
            ..Default::default()
        };
        let request = describe_configs::DescribeConfigsRequest {
            resources: vec![resource],
            ..Default::default()
        };
        let refused = &broker.ask(4, &request).results[0];
        assert_eq!((code(refused.error_code), refused.configs.len()), (expected, 0), "{name}");
        let resource = incremental_alter_configs::AlterConfigsResource {
            resource_type,
            resource_name: text(name),
            ..Default::default()
        };
        let request = incremental_alter_configs::IncrementalAlterConfigsRequest {
            resources: vec![resource],
            ..Default::default()
        };
        let refused = &broker.ask(1, &request).responses[0];
        assert_eq!(code(refused.error_code), expected, "{name}");
        assert!(refused.error_message.as_ref().is_some_and(|text| text.ends_with(" failed.")));
    }
    let request = list_config_resources::ListConfigResourcesRequest::default();
    let refused = broker.ask(1, &request);
    assert_eq!(code(refused.error_code), ClusterAuthorizationFailed);
    assert_eq!(refused.config_resources, []);
}

#[test]
fn the_state_of_broker_and_cluster_is_for_those_who_may_see_it() {
    let (mut broker, authorizer, _) = broker();
    *authorizer.denied.lock() = vec![
        Operation::Describe,
        Operation::Alter,
        Operation::ClusterAction,
        Operation::Read,
        Operation::Delete,
    ];
    use ErrorCode::{ClusterAuthorizationFailed, TopicAuthorizationFailed};
    let refused = broker.ask(5, &describe_log_dirs::DescribeLogDirsRequest::default());
    assert_eq!((code(refused.error_code), refused.results.len()), (ClusterAuthorizationFailed, 0));
    let refused = broker.ask(2, &describe_quorum::DescribeQuorumRequest::default());
    assert_eq!(code(refused.error_code), ClusterAuthorizationFailed);

    let topics = vec![alter_replica_log_dirs::AlterReplicaLogDirTopic {
        name: text("t"),
        partitions: vec![0],
        ..Default::default()
    }];
    let dir = alter_replica_log_dirs::AlterReplicaLogDir {
        path: text("/logs-0"),
        topics,
        ..Default::default()
    };
    let request = alter_replica_log_dirs::AlterReplicaLogDirsRequest {
        dirs: vec![dir],
        ..Default::default()
    };
    let refused = broker.ask(2, &request);
    let error = refused.results[0].partitions[0].error_code;
    assert_eq!(code(error), ClusterAuthorizationFailed);

    let topic = describe_producers::TopicRequest {
        name: text("t"),
        partition_indexes: vec![0],
        ..Default::default()
    };
    let request =
        describe_producers::DescribeProducersRequest { topics: vec![topic], ..Default::default() };
    let refused = broker.ask(0, &request);
    assert_eq!(code(refused.topics[0].partitions[0].error_code), TopicAuthorizationFailed);

    let topic = offset_for_leader_epoch::OffsetForLeaderTopic {
        topic: text("t"),
        partitions: vec![Default::default()],
        ..Default::default()
    };
    let request = offset_for_leader_epoch::OffsetForLeaderEpochRequest {
        topics: vec![topic],
        ..Default::default()
    };
    let refused = broker.ask(4, &request);
    assert_eq!(code(refused.topics[0].partitions[0].error_code), TopicAuthorizationFailed);

    let topic = delete_records::DeleteRecordsTopic {
        name: text("t"),
        partitions: vec![Default::default()],
        ..Default::default()
    };
    let request =
        delete_records::DeleteRecordsRequest { topics: vec![topic], ..Default::default() };
    let refused = broker.ask(2, &request);
    assert_eq!(code(refused.topics[0].partitions[0].error_code), TopicAuthorizationFailed);
}

#[test]
fn a_topic_that_may_not_be_seen_is_not_listed() {
    let (mut broker, authorizer, _) = broker();
    *authorizer.denied.lock() = vec![Operation::Describe];
    let ask = |broker: &mut Broker, names: &[&str]| {
        let topics = names.iter().map(|name| describe_topic_partitions::TopicRequest {
            name: text(name),
            ..Default::default()
        });
        let request = describe_topic_partitions::DescribeTopicPartitionsRequest {
            topics: topics.collect(),
            ..Default::default()
        };
        broker.ask(0, &request).topics
    };
    assert_eq!(ask(&mut broker, &[]), [], "hidden among all");
    for name in ["t", "nope"] {
        let topics = ask(&mut broker, &[name]);
        assert_eq!(code(topics[0].error_code), ErrorCode::TopicAuthorizationFailed);
        assert!(topics[0].topic_id.is_zero() && topics[0].partitions.is_empty());
    }
}
