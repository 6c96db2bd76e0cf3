//! A writer with acks=1 is answered before its records are synced; who asks right afterwards where
//! the log ends is told of them, as on a single Apache Kafka broker.

use super::{batch, broker_with_topic, produce_request};
use crate::support::Broker;
use headwater_protocol::messages::delete_records::{
    DeleteRecordsPartition, DeleteRecordsRequest, DeleteRecordsTopic,
};
use headwater_protocol::messages::list_offsets::{
    ListOffsetsPartition, ListOffsetsRequest, ListOffsetsTopic,
};
use headwater_protocol::messages::produce::ProduceRequest;
use headwater_types::ErrorCode;

const LATEST: i64 = -1;
const EARLIEST: i64 = -2;
const MAX_TIMESTAMP: i64 = -3;

/// Appends to partitions of `t` with acks=1; the answer comes although the disk may be held.
fn written(broker: &mut Broker, partitions: &[i32]) {
    let batches = partitions.iter().map(|&index| (index, batch(broker, &["a", "b", "c"], None)));
    let request = produce_request(1, batches.collect());
    broker.send(9, &request);
    assert!(broker.answer::<ProduceRequest>(9).is_some(), "answered at append");
}

fn offsets_request(timestamp: i64, partitions: &[i32], timeout_ms: i32) -> ListOffsetsRequest {
    ListOffsetsRequest {
        replica_id: -1,
        topics: vec![ListOffsetsTopic {
            name: "t".into(),
            partitions: partitions
                .iter()
                .map(|&partition_index| ListOffsetsPartition {
                    partition_index,
                    timestamp,
                    current_leader_epoch: -1,
                    ..ListOffsetsPartition::default()
                })
                .collect(),
            ..ListOffsetsTopic::default()
        }],
        timeout_ms,
        ..ListOffsetsRequest::default()
    }
}

/// Error and offset of each partition in the next answer, if it is there.
fn offsets(broker: &mut Broker, version: i16) -> Option<Vec<(ErrorCode, i64)>> {
    let response = broker.answer::<ListOffsetsRequest>(version)?;
    let partitions = response.topics.into_iter().flat_map(|topic| topic.partitions);
    let outcome = |code| ErrorCode::from_code(code).expect("a known code");
    Some(partitions.map(|one| (outcome(one.error_code), one.offset)).collect())
}

#[test]
fn the_end_waits_for_the_sync_of_what_was_written() {
    for isolation_level in [0, 1] {
        for (timestamp, expected) in [(LATEST, 3), (MAX_TIMESTAMP, 0), (0, 0)] {
            let mut broker = broker_with_topic(&[]);
            broker.hold_disk(true);
            written(&mut broker, &[0]);
            let request =
                ListOffsetsRequest { isolation_level, ..offsets_request(timestamp, &[0], 0) };
            broker.send(9, &request);
            assert_eq!(offsets(&mut broker, 9), None, "{timestamp}: the sync is outstanding");
            broker.hold_disk(false);
            let found = offsets(&mut broker, 9).expect("synced");
            assert_eq!(found, [(ErrorCode::None, expected)], "{timestamp}");
        }
    }
}

#[test]
fn the_end_of_two_partitions_waits_for_both() {
    let mut broker = broker_with_topic(&[]);
    broker.hold_disk(true);
    written(&mut broker, &[0]);
    // Its sync begins when the first has ended.
    written(&mut broker, &[1]);
    broker.send(9, &offsets_request(LATEST, &[0, 1], 0));
    broker.finish_one_sync();
    assert_eq!(offsets(&mut broker, 9), None, "one of two");
    broker.hold_disk(false);
    let found = offsets(&mut broker, 9).expect("both are synced");
    assert_eq!(found, [(ErrorCode::None, 3), (ErrorCode::None, 3)]);
}

#[test]
fn the_start_waits_for_nothing() {
    let mut broker = broker_with_topic(&[]);
    broker.hold_disk(true);
    written(&mut broker, &[0]);
    broker.send(9, &offsets_request(EARLIEST, &[0], 0));
    assert_eq!(offsets(&mut broker, 9), Some(vec![(ErrorCode::None, 0)]));
}

#[test]
fn a_disk_that_hangs_is_not_waited_for_for_ever() {
    // Version 10 says how long the sender waits.
    for (version, timeout_ms, wait_ms) in [(9, 0, 5_000), (10, 200, 200), (10, 60_000, 5_000)] {
        let mut broker = broker_with_topic(&[]);
        broker.hold_disk(true);
        written(&mut broker, &[0]);
        broker.send(version, &offsets_request(LATEST, &[0], timeout_ms));
        broker.pass(wait_ms - 1);
        assert_eq!(offsets(&mut broker, version), None);
        broker.pass(1);
        let found = offsets(&mut broker, version).expect("what there is");
        assert_eq!(found, [(ErrorCode::None, 0)]);
        assert_eq!(broker.worker.parked_count(), 0);
    }
}

#[test]
fn a_topic_deleted_meanwhile_is_told_of() {
    let mut broker = broker_with_topic(&[]);
    broker.hold_disk(true);
    written(&mut broker, &[0]);
    broker.send(9, &offsets_request(LATEST, &[0], 0));
    broker.delete_topic("t");
    let found = offsets(&mut broker, 9).expect("there is nothing to wait for");
    assert_eq!(found, [(ErrorCode::UnknownTopicOrPartition, -1)]);
}

#[test]
fn a_failed_sync_is_told_of() {
    let mut broker = broker_with_topic(&[]);
    broker.hold_disk(true);
    written(&mut broker, &[0]);
    broker.send(9, &offsets_request(LATEST, &[0], 0));
    broker.fail_syncs(true);
    broker.hold_disk(false);
    let found = offsets(&mut broker, 9).expect("it never will be synced");
    assert_eq!(found, [(ErrorCode::KafkaStorageError, -1)]);
}

#[test]
fn who_has_gone_is_not_waited_with() {
    let mut broker = broker_with_topic(&[]);
    broker.hold_disk(true);
    written(&mut broker, &[0]);
    let connection = broker.connect();
    broker.send_on(connection, 9, &offsets_request(LATEST, &[0], 0));
    assert_eq!(broker.worker.parked_count(), 1);
    broker.disconnect(connection);
    assert_eq!(broker.worker.parked_count(), 0);
    broker.hold_disk(false);
}

#[test]
fn what_was_written_can_be_deleted() {
    for offset in [-1, 2] {
        let mut broker = broker_with_topic(&[]);
        broker.hold_disk(true);
        written(&mut broker, &[0]);
        let request = DeleteRecordsRequest {
            topics: vec![DeleteRecordsTopic {
                name: "t".into(),
                partitions: vec![DeleteRecordsPartition {
                    partition_index: 0,
                    offset,
                    ..DeleteRecordsPartition::default()
                }],
                ..DeleteRecordsTopic::default()
            }],
            timeout_ms: 1_000,
            ..DeleteRecordsRequest::default()
        };
        broker.send(2, &request);
        assert!(broker.answer::<DeleteRecordsRequest>(2).is_none(), "not committed yet");
        broker.hold_disk(false);
        let response = broker.answer::<DeleteRecordsRequest>(2).expect("synced");
        let result = &response.topics[0].partitions[0];
        assert_eq!(result.error_code, 0);
        assert_eq!(result.low_watermark, if offset == -1 { 3 } else { offset });
    }
}

#[test]
fn the_sync_begins_though_nobody_waits() {
    let mut broker = broker_with_topic(&[]);
    broker.hold_disk(true);
    written(&mut broker, &[0]);
    assert!(broker.finish_one_sync(), "begun at the end of the round");
    let view = broker.node.view();
    let committed = view.partitions.values().filter_map(|one| one.status().ends);
    assert_eq!(committed.map(|ends| ends.high_watermark.0).max(), Some(3));
}
