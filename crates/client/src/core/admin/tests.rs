//! Every call at every version, and what is particular to some.

use super::*;
use crate::core::operation::Operation;
use crate::core::{ConnectionConfig, Refusal, Subject, encode_request};
use headwater_protocol::messages::create_topics::CreateTopicsResponse;
use headwater_protocol::messages::delete_topics::{DeletableTopicResult, DeleteTopicsResponse};
use headwater_protocol::messages::describe_topic_partitions::{
    Cursor, DescribeTopicPartitionsResponse, DescribeTopicPartitionsResponsePartition,
    DescribeTopicPartitionsResponseTopic,
};
use headwater_protocol::messages::list_offsets::{
    ListOffsetsPartitionResponse, ListOffsetsResponse, ListOffsetsTopicResponse,
};
use headwater_protocol::{ApiKey, Request};
use headwater_types::{BrokerId, EndOffset, Uuid};

/// The versions in which a call can be said; in each of them its request must be encodable.
fn sayable<O: Operation>(operation: &O) -> Vec<i16> {
    let keys = operation.keys();
    let versions = <O::Request as Request>::VERSIONS;
    let sayable = versions.filter(|&version| {
        let Ok(request) = operation.request(&keys, version) else { return false };
        let client_id = ConnectionConfig::default().client_id;
        let encoded = encode_request(&request, version, 1, client_id);
        assert!(encoded.is_ok(), "{:?} version {version}: {encoded:?}", O::Request::KEY);
        true
    });
    sayable.collect()
}

fn all<O: Operation>() -> Vec<i16> {
    <O::Request as Request>::VERSIONS.collect()
}

fn names(names: &[&str]) -> Vec<String> {
    names.iter().map(|&name| name.to_owned()).collect()
}

#[test]
fn every_call_can_be_sent_in_every_version_that_can_express_it() {
    let topic = NewTopic {
        partitions: Some(3),
        replication_factor: Some(1),
        configs: [("a".to_owned(), "b".to_owned())].into(),
        ..Default::default()
    };
    let creation = |topic: NewTopic| CreateTopics {
        topics: [("t".to_owned(), topic)].into(),
        validate_only: true,
        timeout_ms: 1,
    };
    assert_eq!(sayable(&creation(topic)), all::<CreateTopics>());
    let placed = NewTopic { assignment: [(0, vec![BrokerId(1)])].into(), ..Default::default() };
    assert_eq!(sayable(&creation(placed)), all::<CreateTopics>());
    // "As the cluster says" has a number for it since version 4.
    assert_eq!(sayable(&creation(NewTopic::default())), [4, 5, 6, 7]);

    let deletion = |key| DeleteTopics { topics: vec![key], timeout_ms: 1 };
    let by_name = deletion(TopicKey::Name("t".to_owned()));
    assert_eq!(sayable(&by_name), all::<DeleteTopics>());
    assert_eq!(sayable(&deletion(TopicKey::Id(Uuid([1; 16])))), [6]);

    let more = MorePartitions { total: 3, assignment: Some(vec![vec![BrokerId(1)]]) };
    let more = CreatePartitions {
        topics: [("t".to_owned(), more)].into(),
        validate_only: true,
        timeout_ms: 1,
    };
    assert_eq!(sayable(&more), all::<CreatePartitions>());
    assert_eq!(sayable(&ListTopics), all::<ListTopics>());
    let pages = TopicPages::new(names(&["t"]));
    assert_eq!(sayable(pages.next().unwrap()), [0]);
    let described = DescribeTopicsByMetadata { topics: names(&["t"]) };
    assert_eq!(sayable(&described), all::<DescribeTopicsByMetadata>());

    let resource = ConfigResource::topic("t");
    let configs = DescribeConfigs {
        resources: [(resource.clone(), Some(names(&["a"])))].into(),
        synonyms: true,
        documentation: false,
    };
    assert_eq!(sayable(&configs), all::<DescribeConfigs>());
    let documented = DescribeConfigs { documentation: true, ..configs };
    assert_eq!(sayable(&documented), all::<DescribeConfigs>(), "what it lacks is left out");
    let change = |operation| ConfigChange { name: "a".to_owned(), operation };
    let changes = vec![
        change(ConfigOperation::Set("1".to_owned())),
        change(ConfigOperation::Delete),
        change(ConfigOperation::Append("1".to_owned())),
        change(ConfigOperation::Subtract("1".to_owned())),
    ];
    let alteration = AlterConfigs { resources: [(resource, changes)].into(), validate_only: true };
    assert_eq!(sayable(&alteration), all::<AlterConfigs>());

    let cluster = DescribeCluster { include_fenced: true };
    assert_eq!(sayable(&cluster), all::<DescribeCluster>());
    assert_eq!(sayable(&DescribeClusterByMetadata), all::<DescribeClusterByMetadata>());
    let log_dirs = DescribeLogDirs { brokers: vec![BrokerId(1)] };
    assert_eq!(sayable(&log_dirs), all::<DescribeLogDirs>());
    let deletion = DeleteRecords {
        before: [
            (PartitionKey::new("t", 0), Some(EndOffset(7))),
            (PartitionKey::new("t", 1), None),
        ]
        .into(),
        timeout_ms: 1,
    };
    assert_eq!(sayable(&deletion), all::<DeleteRecords>());
}

#[test]
fn a_place_in_a_log_is_asked_for_since_the_version_that_has_it() {
    let since = |spec, read_committed| {
        let offsets = ListOffsets {
            partitions: [(PartitionKey::new("t", 0), spec)].into(),
            read_committed,
            timeout_ms: 1,
        };
        sayable(&offsets).first().copied()
    };
    assert_eq!(since(OffsetSpec::Latest, false), Some(1));
    assert_eq!(since(OffsetSpec::Earliest, false), Some(1));
    assert_eq!(since(OffsetSpec::Timestamp(5), false), Some(1));
    assert_eq!(since(OffsetSpec::Latest, true), Some(2));
    assert_eq!(since(OffsetSpec::MaxTimestamp, false), Some(7));
    assert_eq!(since(OffsetSpec::EarliestLocal, false), Some(8));
    assert_eq!(since(OffsetSpec::LatestTiered, false), Some(9));
    assert_eq!(since(OffsetSpec::EarliestPendingUpload, false), Some(11));
}

#[test]
fn an_offset_of_minus_one_is_none() {
    let key = PartitionKey::new("t", 0);
    let call = ListOffsets {
        partitions: [(key.clone(), OffsetSpec::Timestamp(1))].into(),
        ..Default::default()
    };
    let answer = |offset, timestamp, leader_epoch| ListOffsetsResponse {
        topics: vec![ListOffsetsTopicResponse {
            name: text("t"),
            partitions: vec![ListOffsetsPartitionResponse {
                offset,
                timestamp,
                leader_epoch,
                ..Default::default()
            }],
            ..Default::default()
        }],
        ..Default::default()
    };
    let listed = |response| {
        let answers = call.answered(std::slice::from_ref(&key), response, 7);
        answers.into_iter().next().unwrap().1.unwrap()
    };
    let nothing = ListedOffset { offset: None, timestamp: None, leader_epoch: None };
    assert_eq!(listed(answer(-1, -1, -1)), nothing);
    let found = ListedOffset {
        offset: Some(0),
        timestamp: Some(0),
        leader_epoch: Some(headwater_types::LeaderEpoch(0)),
    };
    assert_eq!(listed(answer(0, 0, 0)), found);
}

#[test]
fn a_deleted_topic_is_found_by_what_it_was_asked_by() {
    let id = Uuid([7; 16]);
    let by_name = TopicKey::Name("t".to_owned());
    let result = |name: Option<&str>, topic_id| DeleteTopicsResponse {
        responses: vec![DeletableTopicResult {
            name: name.map(text),
            topic_id,
            ..Default::default()
        }],
        ..Default::default()
    };
    let call = DeleteTopics::default();
    let key = |asked: &TopicKey, response| {
        let answers = call.answered(std::slice::from_ref(asked), response, 6);
        answers.into_iter().next().unwrap().0
    };
    assert_eq!(key(&by_name, result(Some("t"), Uuid::ZERO)), by_name, "before version 6");
    assert_eq!(key(&by_name, result(Some("t"), id)), by_name);
    assert_eq!(key(&TopicKey::Id(id), result(Some("t"), id)), TopicKey::Id(id));
    assert_eq!(key(&TopicKey::Id(id), result(None, id)), TopicKey::Id(id));
}

#[test]
fn a_created_topic_says_what_the_broker_says() {
    let call = CreateTopics::default();
    let mut response = CreateTopicsResponse::default();
    response.topics.push(Default::default());
    let created = |version| {
        let answers = call.answered(&[], response.clone(), version);
        answers.into_iter().next().unwrap().1.unwrap()
    };
    // Zeros before version 5 are the decoder's, not the broker's.
    assert_eq!(created(4).partitions, None);
}

fn page(topics: &[(&str, &[i32])], next: Option<(&str, i32)>) -> TopicPage {
    let partition = |&index: &i32| DescribeTopicPartitionsResponsePartition {
        partition_index: index,
        leader_id: if index == 1 { -1 } else { 3 },
        eligible_leader_replicas: Some(vec![4]),
        ..Default::default()
    };
    let response = DescribeTopicPartitionsResponse {
        topics: topics
            .iter()
            .map(|(name, partitions)| DescribeTopicPartitionsResponseTopic {
                name: Some(text(name)),
                partitions: partitions.iter().map(partition).collect(),
                error_code: if partitions.is_empty() { 3 } else { 0 },
                ..Default::default()
            })
            .collect(),
        next_cursor: next.map(|(topic, partition_index)| Cursor {
            topic_name: text(topic),
            partition_index,
            ..Default::default()
        }),
        ..Default::default()
    };
    let call = TopicPages::new(names(&["any"]));
    let answers = call.next().unwrap().answered(&[()], response, 0);
    answers.into_iter().next().unwrap().1.unwrap()
}

type Place = Option<(String, i32)>;

/// The topics and the cursor that the next page is asked by.
fn asked(pages: &TopicPages) -> Option<(Vec<String>, Place)> {
    let request = pages.next()?.request(&[()], 0).unwrap();
    let topics = request.topics.iter().map(|topic| topic.name.to_string()).collect();
    let cursor = request.cursor.map(|at| (at.topic_name.to_string(), at.partition_index));
    Some((topics, cursor))
}

#[test]
fn pages_are_put_together() {
    let mut pages = TopicPages::new(names(&["c", "a", "b", "a"]));
    assert_eq!(asked(&pages), Some((names(&["a", "b", "c"]), None)));
    pages.answered(page(&[("a", &[0, 1, 2]), ("b", &[0])], Some(("b", 1))));
    assert_eq!(asked(&pages), Some((names(&["b", "c"]), Some(("b".to_owned(), 1)))));
    pages.answered(page(&[("b", &[2, 1]), ("c", &[])], None));
    assert_eq!(asked(&pages), None);
    let found = pages.finish();
    let partitions = |name: &str| {
        let topic = found[name].as_ref().unwrap();
        topic.partitions.iter().map(|each| each.index).collect::<Vec<_>>()
    };
    assert_eq!(partitions("a"), [0, 1, 2]);
    assert_eq!(partitions("b"), [0, 1, 2]);
    let first = &found["a"].as_ref().unwrap().partitions;
    assert_eq!((first[0].leader, first[1].leader), (Some(BrokerId(3)), None));
    assert_eq!(first[0].eligible.as_deref(), Some(&[BrokerId(4)][..]));
    assert_eq!(first[0].last_known_eligible, None);
    assert!(found["c"].is_err());
}

#[test]
fn a_cursor_that_does_not_move_on_ends_the_paging() {
    let mut pages = TopicPages::new(names(&["a", "b"]));
    pages.answered(page(&[("a", &[0])], Some(("a", 1))));
    pages.answered(page(&[("a", &[1])], Some(("a", 1))));
    assert_eq!(asked(&pages), None);
    let found = pages.finish();
    assert!(found["a"].is_ok());
    assert!(matches!(found["b"], Err(crate::core::AdminError::NotAnswered { .. })));
}

#[test]
fn no_topics_need_no_page() {
    let pages = TopicPages::new([]);
    assert!(pages.next().is_none());
    assert!(pages.finish().is_empty());
}

#[test]
fn resources_go_where_they_are_known() {
    use crate::core::Destination;
    let configs = DescribeConfigs::default();
    let alteration = AlterConfigs::default();
    let broker = ConfigResource::broker(BrokerId(7));
    assert_eq!(configs.destination(&broker), Destination::Broker(BrokerId(7)));
    assert_eq!(alteration.destination(&broker), Destination::Broker(BrokerId(7)));
    for shared in [ConfigResource::topic("7"), ConfigResource::cluster_default()] {
        assert_eq!(configs.destination(&shared), Destination::AnyBroker);
        assert_eq!(alteration.destination(&shared), Destination::Controller);
    }
}

#[test]
fn a_refusal_tells_who_what_and_why() {
    let refusal = |code, message| {
        let subject = || Subject::Topic("t".to_owned());
        Refusal::from_code(ApiKey::CreateTopics, subject, code, message)
    };
    assert_eq!(refusal(0, Some("fine")), None);
    let text = |code, message| refusal(code, message).unwrap().to_string();
    assert_eq!(
        text(3, None),
        "topic t: does not exist [UNKNOWN_TOPIC_OR_PARTITION] (CreateTopics)"
    );
    assert_eq!(text(36, Some("")), "topic t: TOPIC_ALREADY_EXISTS (CreateTopics)");
    assert_eq!(text(36, Some("why")), "topic t: why [TOPIC_ALREADY_EXISTS] (CreateTopics)");
    let unknown = "topic t: error 999, which this client does not know (CreateTopics)";
    assert_eq!(text(999, None), unknown);
    assert_eq!(text(999, Some("why")), "topic t: why [error 999] (CreateTopics)");
}
