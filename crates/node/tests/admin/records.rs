//! DeleteRecords and DescribeProducers.

use crate::support::{Broker, ME, produce, produce_as};
use crate::{bad, bare, code, create, outcome, text};
use headwater_log::{Disk, Fate, FolderOptions, LogFolder, OperationKind, PendingEffect};
use headwater_protocol::messages::delete_records::{
    DeleteRecordsPartition, DeleteRecordsRequest, DeleteRecordsTopic,
};
use headwater_protocol::messages::describe_producers::{DescribeProducersRequest, TopicRequest};
use headwater_types::{ErrorCode, Offset, PartitionIndex, ProducerId, Uuid};
use std::io::ErrorKind;
use std::path::Path;
use std::sync::Arc;

fn request(topics: &[(&str, &[(i32, i64)])]) -> DeleteRecordsRequest {
    let topics = topics.iter().map(|(name, partitions)| DeleteRecordsTopic {
        name: text(name),
        partitions: partitions
            .iter()
            .map(|&(partition_index, offset)| DeleteRecordsPartition {
                partition_index,
                offset,
                ..DeleteRecordsPartition::default()
            })
            .collect(),
        ..DeleteRecordsTopic::default()
    });
    DeleteRecordsRequest {
        topics: topics.collect(),
        timeout_ms: 1_000,
        ..DeleteRecordsRequest::default()
    }
}

/// Topic, partition, code and low watermark of each answer.
fn delete(
    broker: &mut Broker,
    topics: &[(&str, &[(i32, i64)])],
) -> Vec<(String, i32, ErrorCode, i64)> {
    let response = broker.ask(2, &request(topics));
    let topics = response.topics.iter();
    topics
        .flat_map(|topic| {
            topic.partitions.iter().map(|one| {
                let error = code(one.error_code);
                (topic.name.to_string(), one.partition_index, error, one.low_watermark)
            })
        })
        .collect()
}

#[test]
fn records_are_deleted_up_to_the_high_watermark() {
    let mut broker = Broker::start();
    create(&mut broker, "t", 1, &[]);
    create(&mut broker, "c", 1, &[("cleanup.policy", "compact")]);
    create(&mut broker, "both", 1, &[("cleanup.policy", "compact,delete")]);
    create(&mut broker, "__consumer_offsets", 1, &[]);
    produce(&mut broker, "t", 0, 10);
    use ErrorCode::{
        InvalidTopicException, OffsetOutOfRange, PolicyViolation, UnknownTopicOrPartition,
    };
    let steps = [
        ("t", (0, 4), (ErrorCode::None, 4)),
        ("t", (0, 2), (ErrorCode::None, 4)),
        ("t", (0, 11), (OffsetOutOfRange, -1)),
        ("t", (0, -2), (OffsetOutOfRange, -1)),
        ("t", (0, 10), (ErrorCode::None, 10)),
        ("t", (0, -1), (ErrorCode::None, 10)),
        ("t", (7, 1), (UnknownTopicOrPartition, -1)),
        ("nope", (0, 1), (UnknownTopicOrPartition, -1)),
        ("__cluster_metadata", (0, 1), (UnknownTopicOrPartition, -1)),
        ("__consumer_offsets", (0, 0), (InvalidTopicException, -1)),
        ("c", (0, 0), (PolicyViolation, -1)),
        ("both", (0, 0), (ErrorCode::None, 0)),
    ];
    for (topic, (index, offset), (error, low)) in steps {
        let outcomes = delete(&mut broker, &[(topic, &[(index, offset)])]);
        assert_eq!(outcomes, [(topic.to_owned(), index, error, low)], "up to {offset}");
    }
}

#[test]
fn what_was_deleted_stays_deleted_after_a_crash() {
    let mut broker = Broker::start();
    create(&mut broker, "t", 1, &[]);
    produce(&mut broker, "t", 0, 10);
    let outcomes = delete(&mut broker, &[("t", &[(0, 4)])]);
    assert_eq!(outcomes, [("t".to_owned(), 0, ErrorCode::None, 4)]);
    // Nothing syncs the root of all folders itself.
    let is_root = |effect: &PendingEffect| matches!(effect, PendingEffect::Link { path, .. } if path == Path::new("/"));
    let fate = |effect: &PendingEffect| if is_root(effect) { Fate::Kept } else { Fate::Lost };
    let disk = broker.disk.crash(fate);
    let disk: Arc<dyn Disk> = Arc::new(disk);
    let options = FolderOptions::new(ME, None, Uuid([100; 16]));
    let folder = LogFolder::open(disk, Path::new("/logs-0"), options).expect("it is ours");
    assert_eq!(folder.checkpoint("t", PartitionIndex(0)).log_start, Offset(4));
}

#[test]
fn where_it_cannot_be_written_down_records_do_not_count_as_deleted() {
    let mut broker = Broker::start();
    create(&mut broker, "t", 1, &[]);
    produce(&mut broker, "t", 0, 10);
    broker.disk.plan_failures(|plan| {
        plan.by_kind.insert(OperationKind::Rename, ErrorKind::PermissionDenied);
    });
    let outcomes = delete(&mut broker, &[("t", &[(0, 4), (9, 0)])]);
    let expected = [
        ("t".to_owned(), 0, ErrorCode::KafkaStorageError, -1),
        ("t".to_owned(), 9, ErrorCode::UnknownTopicOrPartition, -1),
    ];
    assert_eq!(outcomes, expected);
}

#[test]
fn a_partition_named_twice_is_answered_once() {
    let mut broker = Broker::start();
    create(&mut broker, "t", 1, &[]);
    produce(&mut broker, "t", 0, 10);
    let outcomes = delete(&mut broker, &[("t", &[(0, 7), (0, 3)]), ("t", &[(0, 5)])]);
    assert_eq!(outcomes, [("t".to_owned(), 0, ErrorCode::None, 5)]);
    let many: Vec<(i32, i64)> = (0..50_000).map(|index| (index, 0)).collect();
    let outcomes = delete(&mut broker, &[("t", &many)]);
    assert_eq!(outcomes.len(), 20_000, "too much is refused with a bounded answer");
    assert!(outcomes.iter().all(|(_, _, error, _)| *error == ErrorCode::PolicyViolation));
}

fn producers(
    broker: &mut Broker,
    topics: &[(&str, &[i32])],
) -> Vec<headwater_protocol::messages::describe_producers::TopicResponse> {
    let topics = topics.iter().map(|(name, partitions)| TopicRequest {
        name: text(name),
        partition_indexes: partitions.to_vec(),
        ..TopicRequest::default()
    });
    let request = DescribeProducersRequest {
        topics: topics.collect(),
        ..DescribeProducersRequest::default()
    };
    broker.ask(0, &request).topics
}

#[test]
fn the_producers_of_a_partition_are_told() {
    let mut broker = Broker::start();
    create(&mut broker, "t", 2, &[]);
    produce(&mut broker, "t", 0, 1);
    produce_as(&mut broker, "t", 0, 10, ProducerId(7));
    let topics = producers(&mut broker, &[("t", &[0, 1, 0])]);
    let [first, second] = topics[0].partitions.as_slice() else { panic!("each once") };
    let [producer] = first.active_producers.as_slice() else { panic!("one has an id") };
    assert_eq!((producer.producer_id, producer.producer_epoch), (7, 0));
    assert_eq!((producer.last_sequence, producer.coordinator_epoch), (9, -1));
    assert_eq!(
        (producer.last_timestamp, producer.current_txn_start_offset),
        (1_700_000_000_000, -1)
    );
    assert_eq!((second.partition_index, second.active_producers.len()), (1, 0));
}

#[test]
fn a_request_for_the_producers_of_too_much_is_refused_with_a_bounded_answer() {
    let mut broker = Broker::start();
    create(&mut broker, "t", 1, &[]);
    let many: Vec<i32> = (0..50_000).collect();
    let topics = producers(&mut broker, &[("t", &many)]);
    let told: Vec<_> = topics[0].partitions.iter().map(|one| code(one.error_code)).collect();
    assert_eq!(told, [ErrorCode::PolicyViolation; 20_000]);
}

#[test]
fn producers_of_what_is_not_there_have_kafkas_code_and_words() {
    let mut broker = Broker::start();
    create(&mut broker, "t", 1, &[]);
    let topics = producers(&mut broker, &[("t", &[9]), ("nope", &[0]), ("bad name", &[0])]);
    let told: Vec<_> = topics
        .iter()
        .flat_map(|topic| {
            topic
                .partitions
                .iter()
                .map(|one| outcome(&topic.name, one.error_code, one.error_message.as_ref()))
        })
        .collect();
    let expected = [
        bare("t", ErrorCode::UnknownTopicOrPartition),
        bad(
            "nope",
            ErrorCode::UnknownTopicOrPartition,
            "This server does not host this topic-partition.",
        ),
        bad(
            "bad name",
            ErrorCode::InvalidTopicException,
            "Topic name is invalid: 'bad name' contains one or more characters other than ASCII \
             alphanumerics, '.', '_' and '-'",
        ),
    ];
    assert_eq!(told, expected);
}
