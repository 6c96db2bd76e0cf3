//! DescribeTopicPartitions, OffsetForLeaderEpoch and AlterPartitionReassignments.

use crate::support::{Broker, Options, produce};
use crate::{code, create, text};
use headwater_protocol::messages::alter_partition_reassignments::{
    AlterPartitionReassignmentsRequest, ReassignablePartition, ReassignableTopic,
};
use headwater_protocol::messages::describe_topic_partitions::{
    Cursor, DescribeTopicPartitionsRequest, DescribeTopicPartitionsResponse, TopicRequest,
};
use headwater_protocol::messages::offset_for_leader_epoch::{
    OffsetForLeaderEpochRequest, OffsetForLeaderPartition, OffsetForLeaderTopic,
};
use headwater_types::ErrorCode;

fn request(
    topics: &[&str],
    limit: i32,
    cursor: Option<(&str, i32)>,
) -> DescribeTopicPartitionsRequest {
    DescribeTopicPartitionsRequest {
        topics: topics
            .iter()
            .map(|name| TopicRequest { name: text(name), ..TopicRequest::default() })
            .collect(),
        response_partition_limit: limit,
        cursor: cursor.map(|(topic, partition_index)| Cursor {
            topic_name: text(topic),
            partition_index,
            ..Cursor::default()
        }),
        ..DescribeTopicPartitionsRequest::default()
    }
}

/// What an answer holds in short: topic, code, partitions; and where to go on.
type Page = (Vec<(String, ErrorCode, Vec<i32>)>, Option<(String, i32)>);

fn page(response: &DescribeTopicPartitionsResponse) -> Page {
    let topics = response.topics.iter().map(|topic| {
        let name = topic.name.as_ref().map(ToString::to_string).unwrap_or_default();
        let partitions = topic.partitions.iter().map(|one| one.partition_index).collect();
        (name, code(topic.error_code), partitions)
    });
    let next = response.next_cursor.as_ref();
    let next = next.map(|cursor| (cursor.topic_name.to_string(), cursor.partition_index));
    (topics.collect(), next)
}

fn expected(topics: &[(&str, ErrorCode, &[i32])], next: Option<(&str, i32)>) -> Page {
    let topics = topics
        .iter()
        .map(|(name, error, partitions)| ((*name).to_owned(), *error, partitions.to_vec()));
    (topics.collect(), next.map(|(name, index)| (name.to_owned(), index)))
}

#[test]
fn topics_come_in_the_order_of_their_names_each_once() {
    let mut broker = Broker::start();
    create(&mut broker, "b", 1, &[]);
    let id = create(&mut broker, "a", 2, &[]);
    let response = broker.ask(0, &request(&["b", "nope", "a", "bad name", "a"], 2000, None));
    use ErrorCode::{InvalidTopicException, UnknownTopicOrPartition};
    assert_eq!(
        page(&response),
        expected(
            &[
                ("a", ErrorCode::None, &[0, 1]),
                ("b", ErrorCode::None, &[0]),
                ("bad name", InvalidTopicException, &[]),
                ("nope", UnknownTopicOrPartition, &[]),
            ],
            None
        )
    );
    let first = &response.topics[0];
    assert_eq!((first.topic_id, first.topic_authorized_operations), (id, 3576));
    let partition = &first.partitions[0];
    assert_eq!((partition.leader_id, partition.leader_epoch), (1, 0));
    assert_eq!((&*partition.replica_nodes, &*partition.isr_nodes), (&[1][..], &[1][..]));
    assert_eq!(partition.eligible_leader_replicas, Some(Vec::new()));
    assert_eq!(partition.last_known_elr, Some(Vec::new()));
}

#[test]
fn pages_are_as_long_as_asked_and_end_where_the_next_begins() {
    let mut broker = Broker::start();
    create(&mut broker, "a", 4, &[]);
    create(&mut broker, "b", 1, &[]);
    create(&mut broker, "c", 1, &[]);
    use ErrorCode::None as Fine;
    type Case<'a> = (
        &'a [&'a str],
        i32,
        Option<(&'a str, i32)>,
        &'a [(&'a str, ErrorCode, &'a [i32])],
        Option<(&'a str, i32)>,
    );
    let cases: [Case<'_>; 9] = [
        (&["b", "a"], 2, None, &[("a", Fine, &[0, 1])], Some(("a", 2))),
        (&[], 3, None, &[("a", Fine, &[0, 1, 2])], Some(("a", 3))),
        (&[], 3, Some(("a", 2)), &[("a", Fine, &[2, 3]), ("b", Fine, &[0])], Some(("c", 0))),
        (&["b", "a"], 3, Some(("a", 3)), &[("a", Fine, &[3]), ("b", Fine, &[0])], None),
        (&["a"], 3, Some(("a", 30)), &[("a", Fine, &[])], None),
        (&["b", "a"], 0, None, &[("a", Fine, &[0])], Some(("a", 1))),
        (&["b", "a"], -1, None, &[("a", Fine, &[0])], Some(("a", 1))),
        (&["b", "nope"], 1, None, &[("b", Fine, &[0])], Some(("nope", 0))),
        (&[], 2000, Some(("bb", 0)), &[("c", Fine, &[0])], None),
    ];
    for (topics, limit, cursor, told, next) in cases {
        let response = broker.ask(0, &request(topics, limit, cursor));
        assert_eq!(page(&response), expected(told, next), "{topics:?} {limit} {cursor:?}");
    }
}

#[test]
fn a_cursor_that_does_not_fit_is_refused_with_every_topic() {
    let mut broker = Broker::start();
    create(&mut broker, "a", 1, &[]);
    for (topics, cursor) in [(&["b", "a"][..], ("aa", 1)), (&["a"][..], ("a", -1))] {
        let response = broker.ask(0, &request(topics, 2000, Some(cursor)));
        let refused: Vec<_> =
            topics.iter().map(|name| (*name, ErrorCode::InvalidRequest, &[][..])).collect();
        assert_eq!(page(&response), expected(&refused, None));
    }
}

#[test]
fn the_broker_has_a_limit_of_its_own() {
    let mut broker = Broker::start_with(Options {
        settings: vec![("max.request.partition.size.limit", "3")],
        ..Options::default()
    });
    create(&mut broker, "a", 5, &[]);
    let response = broker.ask(0, &request(&[], 2000, None));
    assert_eq!(page(&response).1, Some(("a".to_owned(), 3)));
    let unknown: Vec<String> = (0..100).map(|n| format!("x{n:03}")).collect();
    let unknown: Vec<&str> = unknown.iter().map(String::as_str).collect();
    let response = broker.ask(0, &request(&unknown, 2000, None));
    assert_eq!(response.topics.len(), 3, "errors take room, too");
    assert_eq!(page(&response).1, Some(("x003".to_owned(), 0)));
}

/// Code, epoch and end for a partition's asked epoch.
fn end_of(
    broker: &mut Broker,
    topic: &str,
    (partition, leader_epoch, current_leader_epoch): (i32, i32, i32),
) -> (ErrorCode, i32, i64) {
    let request = OffsetForLeaderEpochRequest {
        topics: vec![OffsetForLeaderTopic {
            topic: text(topic),
            partitions: vec![OffsetForLeaderPartition {
                partition,
                current_leader_epoch,
                leader_epoch,
                ..OffsetForLeaderPartition::default()
            }],
            ..OffsetForLeaderTopic::default()
        }],
        ..OffsetForLeaderEpochRequest::default()
    };
    let response = broker.ask(4, &request);
    let found = &response.topics[0].partitions[0];
    assert_eq!(found.partition, partition);
    (code(found.error_code), found.leader_epoch, found.end_offset)
}

#[test]
fn an_epoch_ends_where_the_next_begins_or_the_log_ends() {
    let mut broker = Broker::start();
    create(&mut broker, "a", 1, &[]);
    create(&mut broker, "empty", 1, &[]);
    produce(&mut broker, "a", 0, 10);
    use ErrorCode::{UnknownLeaderEpoch, UnknownTopicOrPartition};
    let cases = [
        ("a", (0, 0, -1), (ErrorCode::None, 0, 10)),
        ("a", (0, 0, 0), (ErrorCode::None, 0, 10)),
        ("a", (0, 5, -1), (ErrorCode::None, -1, -1)),
        ("a", (0, -1, -1), (ErrorCode::None, -1, -1)),
        ("a", (0, 0, 9), (UnknownLeaderEpoch, -1, -1)),
        ("a", (7, 0, -1), (UnknownTopicOrPartition, -1, -1)),
        ("nope", (0, 0, -1), (UnknownTopicOrPartition, -1, -1)),
        ("empty", (0, 0, -1), (ErrorCode::None, 0, 0)),
    ];
    for (topic, asked, expected) in cases {
        assert_eq!(end_of(&mut broker, topic, asked), expected, "{topic} {asked:?}");
    }
}

/// Code and words of the answer to a wish for replicas.
fn reassign(
    broker: &mut Broker,
    topic: &str,
    index: i32,
    replicas: Option<&[i32]>,
) -> (ErrorCode, Option<String>) {
    let request = AlterPartitionReassignmentsRequest {
        topics: vec![ReassignableTopic {
            name: text(topic),
            partitions: vec![ReassignablePartition {
                partition_index: index,
                replicas: replicas.map(<[i32]>::to_vec),
                ..ReassignablePartition::default()
            }],
            ..ReassignableTopic::default()
        }],
        ..AlterPartitionReassignmentsRequest::default()
    };
    let response = broker.ask(1, &request);
    assert_eq!(response.error_code, 0);
    let one = &response.responses[0].partitions[0];
    (code(one.error_code), one.error_message.as_ref().map(ToString::to_string))
}

#[test]
fn a_partition_may_stay_where_it_is() {
    let mut broker = Broker::start();
    create(&mut broker, "a", 1, &[]);
    assert_eq!(reassign(&mut broker, "a", 0, Some(&[1])), (ErrorCode::None, None));
    use ErrorCode::{InvalidReplicaAssignment, NoReassignmentInProgress, UnknownTopicOrPartition};
    type Case<'a> = (&'a str, i32, Option<&'a [i32]>, ErrorCode, &'a str);
    let cases: [Case<'_>; 6] = [
        ("nope", 0, Some(&[1]), UnknownTopicOrPartition, "Unable to find a topic named nope."),
        ("a", 7, Some(&[1]), UnknownTopicOrPartition, "Unable to find partition a:7."),
        ("a", 0, None, NoReassignmentInProgress, "No partition reassignment is in progress."),
        (
            "a",
            0,
            Some(&[]),
            InvalidReplicaAssignment,
            "The manual partition assignment includes an empty replica list.",
        ),
        (
            "a",
            0,
            Some(&[1, 1]),
            InvalidReplicaAssignment,
            "The manual partition assignment includes the broker 1 more than once.",
        ),
        (
            "a",
            0,
            Some(&[1, 9]),
            InvalidReplicaAssignment,
            "The manual partition assignment includes broker 9, but no such broker is registered.",
        ),
    ];
    for (topic, index, replicas, error, words) in cases {
        let expected = (error, Some(words.to_owned()));
        assert_eq!(reassign(&mut broker, topic, index, replicas), expected);
    }
}
