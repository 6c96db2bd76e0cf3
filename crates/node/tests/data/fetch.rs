//! Fetch: limits, long polls, errors, offsets by time.

use super::{batch, broker_with_topic, create, fetch_request, partitions, produce_request, values};
use headwater_protocol::messages::fetch::FetchRequest;
use headwater_protocol::messages::list_offsets::{
    ListOffsetsPartition, ListOffsetsRequest, ListOffsetsTopic,
};
use headwater_types::ErrorCode;

const V: i16 = 12;

#[test]
fn a_fetch_waits_for_records_and_is_woken_by_them() {
    let mut broker = broker_with_topic(&[]);
    broker.send(V, &fetch_request(&[(0, 0), (1, 0)]));
    assert!(broker.answer::<FetchRequest>(V).is_none(), "it waits");
    let other = broker.connect();
    let request = produce_request(-1, vec![(1, batch(&broker, &["a"], None))]);
    broker.ask_on(other, 9, &request);
    let response = broker.answer::<FetchRequest>(V).expect("woken");
    let parts = partitions(&response);
    assert!(values(parts[0]).is_empty());
    assert_eq!(values(parts[1]), [(0, "a".to_owned())]);
    assert_eq!(parts[1].high_watermark, 1);
}

#[test]
fn a_fetch_that_finds_nothing_ends_with_its_time() {
    let mut broker = broker_with_topic(&[]);
    broker.send(V, &fetch_request(&[(0, 0)]));
    broker.pass(499);
    assert!(broker.answer::<FetchRequest>(V).is_none());
    broker.pass(1);
    let response = broker.answer::<FetchRequest>(V).expect("its time is up");
    assert!(values(partitions(&response)[0]).is_empty());
    assert_eq!(partitions(&response)[0].error_code, 0);
    assert_eq!(broker.worker.parked_count(), 0, "its place is free again");
}

#[test]
fn min_bytes_is_waited_for() {
    let mut broker = broker_with_topic(&[]);
    let size = |broker: &_| batch(broker, &["a"], None).length() as i32;
    let request = FetchRequest { min_bytes: 2 * size(&broker), ..fetch_request(&[(0, 0), (1, 0)]) };
    broker.send(V, &request);
    let other = broker.connect();
    let one = produce_request(-1, vec![(0, batch(&broker, &["a"], None))]);
    broker.ask_on(other, 9, &one);
    assert!(broker.answer::<FetchRequest>(V).is_none(), "half of it");
    let two = produce_request(-1, vec![(1, batch(&broker, &["b"], None))]);
    broker.ask_on(other, 9, &two);
    let response = broker.answer::<FetchRequest>(V).expect("enough");
    assert_eq!(values(partitions(&response)[0]).len() + values(partitions(&response)[1]).len(), 2);
}

#[test]
fn the_first_batch_comes_whole_however_small_the_limits() {
    let mut broker = broker_with_topic(&[]);
    let records = vec![(0, batch(&broker, &["a", "b"], None)), (1, batch(&broker, &["c"], None))];
    broker.ask(9, &produce_request(-1, records));
    let mut request = FetchRequest { max_bytes: 1, ..fetch_request(&[(0, 1), (1, 0)]) };
    for partition in &mut request.topics[0].partitions {
        partition.partition_max_bytes = 1;
    }
    let response = broker.ask(V, &request);
    let parts = partitions(&response);
    assert_eq!(values(parts[0]).len(), 2, "from the batch's own begin");
    assert!(values(parts[1]).is_empty(), "the others keep to the limit");
}

#[test]
fn offsets_outside_the_log_are_told_and_its_end_is_not_outside() {
    let mut broker = broker_with_topic(&[]);
    broker.ask(9, &produce_request(-1, vec![(0, batch(&broker, &["a"], None))]));
    for (offset, expected) in
        [(0, ErrorCode::None), (2, ErrorCode::OffsetOutOfRange), (-1, ErrorCode::OffsetOutOfRange)]
    {
        let response = broker.ask(V, &fetch_request(&[(0, offset)]));
        let data = partitions(&response)[0];
        assert_eq!(data.error_code, expected.code(), "at {offset}");
        if expected != ErrorCode::None {
            assert_eq!((data.high_watermark, data.log_start_offset), (-1, -1));
        }
    }
    let at_end = FetchRequest { max_wait_ms: 0, ..fetch_request(&[(0, 1)]) };
    assert_eq!(partitions(&broker.ask(V, &at_end))[0].error_code, 0);
}

#[test]
fn epochs_are_held_against_the_leaders() {
    let mut broker = broker_with_topic(&[]);
    for (epoch, expected) in
        [(-1, ErrorCode::None), (0, ErrorCode::None), (1, ErrorCode::UnknownLeaderEpoch)]
    {
        let mut request = FetchRequest { max_wait_ms: 0, ..fetch_request(&[(0, 0)]) };
        request.topics[0].partitions[0].current_leader_epoch = epoch;
        let response = broker.ask(V, &request);
        assert_eq!(partitions(&response)[0].error_code, expected.code(), "epoch {epoch}");
    }
}

#[test]
fn unknown_topics_are_told_by_name_and_by_id() {
    let mut broker = broker_with_topic(&[]);
    let mut request = fetch_request(&[(0, 0), (9, 0)]);
    let response = broker.ask(V, &request);
    assert_eq!(partitions(&response)[1].error_code, ErrorCode::UnknownTopicOrPartition.code());
    request.topics[0].topic = "".into();
    request.topics[0].topic_id.0[3] = 9;
    let response = broker.ask(13, &request);
    assert_eq!(partitions(&response)[0].error_code, ErrorCode::UnknownTopicId.code());
}

#[test]
fn aborted_transactions_are_null_for_those_who_do_not_ask() {
    let mut broker = broker_with_topic(&[]);
    let mut request = FetchRequest { max_wait_ms: 0, ..fetch_request(&[(0, 0)]) };
    assert_eq!(partitions(&broker.ask(V, &request))[0].aborted_transactions, None);
    request.isolation_level = 1;
    assert_eq!(partitions(&broker.ask(V, &request))[0].aborted_transactions, Some(Vec::new()));
}

#[test]
fn a_closed_connection_leaves_nothing_behind() {
    let mut broker = broker_with_topic(&[]);
    let other = broker.connect();
    broker.send_on(other, V, &fetch_request(&[(0, 0)]));
    assert_eq!(broker.worker.parked_count(), 1);
    broker.disconnect(other);
    assert_eq!(broker.worker.parked_count(), 0);
    let request = produce_request(-1, vec![(0, batch(&broker, &["a"], None))]);
    assert_eq!(broker.ask(9, &request).responses.len(), 1, "nobody is woken in vain");
}

#[test]
fn log_append_time_is_the_brokers() {
    let mut broker = broker_with_topic(&[("message.timestamp.type", "LogAppendTime")]);
    let records = batch(&broker, &["a"], None);
    broker.pass(5_000);
    let response = broker.ask(9, &produce_request(-1, vec![(0, records)]));
    let appended = response.responses[0].partition_responses[0].log_append_time_ms;
    assert_eq!(appended, broker.now.wall_ms);
    let read = broker.ask(V, &fetch_request(&[(0, 0)]));
    assert_eq!(values(partitions(&read)[0]).len(), 1, "with a CRC that fits");
}

#[test]
fn offsets_are_found_by_time_and_by_name() {
    let mut broker = broker_with_topic(&[]);
    create(&mut broker, "empty", 1, &[]);
    let start = broker.now.wall_ms;
    for value in ["a", "b", "c"] {
        broker.ask(9, &produce_request(-1, vec![(0, batch(&broker, &[value], None))]));
        broker.pass(1_000);
    }
    let mut offset = |topic: &str, timestamp: i64, version: i16| {
        let request = ListOffsetsRequest {
            replica_id: -1,
            topics: vec![ListOffsetsTopic {
                name: topic.into(),
                partitions: vec![ListOffsetsPartition {
                    timestamp,
                    ..ListOffsetsPartition::default()
                }],
                ..ListOffsetsTopic::default()
            }],
            ..ListOffsetsRequest::default()
        };
        let response = broker.ask(version, &request);
        let one = &response.topics[0].partitions[0];
        (ErrorCode::from_code(one.error_code).expect("known"), one.offset, one.timestamp)
    };
    assert_eq!(offset("t", -1, 7), (ErrorCode::None, 3, -1), "the end");
    assert_eq!(offset("t", -2, 7), (ErrorCode::None, 0, -1), "the start");
    assert_eq!(offset("t", -3, 7), (ErrorCode::None, 2, start + 2_000), "the latest time");
    assert_eq!(offset("t", -3, 6), (ErrorCode::UnsupportedVersion, -1, -1));
    assert_eq!(offset("t", -4, 8), (ErrorCode::None, 0, -1), "everything is local");
    assert_eq!(offset("t", -5, 9), (ErrorCode::None, -1, -1), "nothing is tiered");
    assert_eq!(offset("t", start + 1, 7), (ErrorCode::None, 1, start + 1_000));
    assert_eq!(offset("t", start + 9_000, 7), (ErrorCode::None, -1, -1), "none so late");
    assert_eq!(offset("empty", -3, 7), (ErrorCode::None, -1, -1));
    assert_eq!(offset("none", -1, 7), (ErrorCode::UnknownTopicOrPartition, -1, -1));
}

#[test]
fn a_partition_named_very_often_is_answered_once() {
    let mut broker = broker_with_topic(&[]);
    let often: Vec<_> = std::iter::repeat_n((0, 0), 100_000).collect();
    let request = FetchRequest { max_wait_ms: 0, ..fetch_request(&often) };
    assert_eq!(partitions(&broker.ask(V, &request)).len(), 1);
    // And where it waits, it is woken and goes like any other.
    broker.send(V, &fetch_request(&[(0, 0), (0, 0)]));
    broker.pass(500);
    assert!(broker.answer::<FetchRequest>(V).is_some());
    assert_eq!(broker.worker.parked_count(), 0);
}
