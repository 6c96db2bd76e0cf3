//! Produce: what is appended, what is refused, and when the answer leaves.

use super::{
    batch, broker_with_topic, create, fetch_request, outcomes, partitions, produce_request, values,
};
use bytes::{Bytes, BytesMut};
use headwater_protocol::messages::init_producer_id::InitProducerIdRequest;
use headwater_protocol::messages::produce::ProduceRequest;
use headwater_protocol::wire::Records;
use headwater_types::ErrorCode;

const V: i16 = 9;

#[test]
fn offsets_are_given_in_order_by_partition() {
    let mut broker = broker_with_topic(&[]);
    let records =
        |broker: &_| vec![(0, batch(broker, &["a", "b"], None)), (1, batch(broker, &["c"], None))];
    let first = produce_request(-1, records(&broker));
    assert_eq!(
        outcomes(&broker.ask(V, &first)),
        [(0, ErrorCode::None, 0), (1, ErrorCode::None, 0)]
    );
    let second = produce_request(1, records(&broker));
    assert_eq!(
        outcomes(&broker.ask(V, &second)),
        [(0, ErrorCode::None, 2), (1, ErrorCode::None, 1)]
    );
}

#[test]
fn one_bad_partition_does_not_spoil_the_others() {
    let mut broker = broker_with_topic(&[]);
    let good = batch(&broker, &["a"], None);
    let mut spoiled = BytesMut::from(&good.clone().into_memory().expect("memory")[..]);
    *spoiled.last_mut().expect("bytes") ^= 1;
    let request = produce_request(
        -1,
        vec![
            (0, Records::in_memory(spoiled.freeze())),
            (1, good),
            (7, batch(&broker, &["b"], None)),
        ],
    );
    assert_eq!(
        outcomes(&broker.ask(V, &request)),
        [
            (0, ErrorCode::CorruptMessage, -1),
            (1, ErrorCode::None, 0),
            (7, ErrorCode::UnknownTopicOrPartition, -1)
        ]
    );
}

#[test]
fn a_request_holds_exactly_one_batch_a_partition() {
    let mut broker = broker_with_topic(&[]);
    let one = batch(&broker, &["a"], None).into_memory().expect("memory");
    let two = [&one[..], &one[..]].concat();
    for (records, expected) in [
        (Bytes::new(), ErrorCode::InvalidRecord),
        (Bytes::from(two), ErrorCode::InvalidRecord),
        (one.slice(..20), ErrorCode::CorruptMessage),
    ] {
        let request = produce_request(-1, vec![(0, Records::in_memory(records))]);
        assert_eq!(outcomes(&broker.ask(V, &request)), [(0, expected, -1)]);
    }
}

#[test]
fn acks_beyond_the_three_are_refused() {
    let mut broker = broker_with_topic(&[]);
    let request = produce_request(2, vec![(0, batch(&broker, &["a"], None))]);
    assert_eq!(outcomes(&broker.ask(V, &request)), [(0, ErrorCode::InvalidRequiredAcks, -1)]);
}

#[test]
fn acks_0_is_never_answered_and_closes_the_connection_on_an_error() {
    let mut broker = broker_with_topic(&[]);
    let request = produce_request(0, vec![(0, batch(&broker, &["a"], None))]);
    broker.send(V, &request);
    assert!(broker.answer::<ProduceRequest>(V).is_none());
    let read = broker.ask(4, &fetch_request(&[(0, 0)]));
    assert_eq!(values(partitions(&read)[0]), [(0, "a".to_owned())], "but it was appended");

    let request = produce_request(0, vec![(9, batch(&broker, &["a"], None))]);
    assert!(broker.try_send(V, &request).is_err());
}

#[test]
fn acks_all_waits_for_the_sync_and_acks_1_does_not() {
    let mut broker = broker_with_topic(&[("durability", "fsync")]);
    broker.hold_disk(true);
    let all = produce_request(-1, vec![(0, batch(&broker, &["a"], None))]);
    broker.send(V, &all);
    assert!(broker.answer::<ProduceRequest>(V).is_none(), "nothing is on stable storage");
    broker.hold_disk(false);
    let response = broker.answer::<ProduceRequest>(V).expect("synced by now");
    assert_eq!(outcomes(&response), [(0, ErrorCode::None, 0)]);

    broker.hold_disk(true);
    let leader = produce_request(1, vec![(0, batch(&broker, &["b"], None))]);
    assert_eq!(outcomes(&broker.ask(V, &leader)), [(0, ErrorCode::None, 1)]);
    let read = broker.ask(4, &fetch_request(&[(0, 0)]));
    assert_eq!(values(partitions(&read)[0]), [(0, "a".to_owned())], "b is not committed");
    broker.hold_disk(false);
    let read = broker.ask(4, &fetch_request(&[(0, 1)]));
    assert_eq!(values(partitions(&read)[0]), [(1, "b".to_owned())], "but synced all the same");
}

#[test]
fn with_durability_replicated_nothing_waits_for_the_disk() {
    let mut broker = broker_with_topic(&[("durability", "replicated")]);
    broker.hold_disk(true);
    let all = produce_request(-1, vec![(0, batch(&broker, &["a"], None))]);
    assert_eq!(outcomes(&broker.ask(V, &all)), [(0, ErrorCode::None, 0)]);
}

#[test]
fn a_sync_that_takes_too_long_times_the_request_out_and_keeps_the_records() {
    let mut broker = broker_with_topic(&[]);
    broker.hold_disk(true);
    broker.send(V, &produce_request(-1, vec![(0, batch(&broker, &["a"], None))]));
    broker.pass(999);
    assert!(broker.answer::<ProduceRequest>(V).is_none());
    broker.pass(1);
    let response = broker.answer::<ProduceRequest>(V).expect("its deadline has passed");
    assert_eq!(outcomes(&response), [(0, ErrorCode::RequestTimedOut, -1)]);
    broker.hold_disk(false);
    let read = broker.ask(4, &fetch_request(&[(0, 0)]));
    assert_eq!(values(partitions(&read)[0]).len(), 1);
}

#[test]
fn a_failed_sync_is_told_and_takes_the_folder_out_of_service() {
    let mut broker = broker_with_topic(&[]);
    broker.fail_syncs(true);
    let first = produce_request(-1, vec![(0, batch(&broker, &["a"], None))]);
    assert_eq!(outcomes(&broker.ask(V, &first)), [(0, ErrorCode::KafkaStorageError, -1)]);
    broker.fail_syncs(false);
    let later = produce_request(-1, vec![(1, batch(&broker, &["b"], None))]);
    assert_eq!(
        outcomes(&broker.ask(V, &later)),
        [(1, ErrorCode::KafkaStorageError, -1)],
        "nothing in that folder is trusted again"
    );
}

#[test]
fn repeats_are_answered_with_their_first_offset_and_gaps_are_refused() {
    let mut broker = broker_with_topic(&[]);
    let id = broker.ask(
        4,
        &InitProducerIdRequest {
            transactional_id: None,
            producer_id: -1,
            producer_epoch: -1,
            ..InitProducerIdRequest::default()
        },
    );
    assert_eq!(id.error_code, 0);
    let mut produce = |sequence: i32, values: &[&str]| {
        let records = batch(&broker, values, Some((id.producer_id, id.producer_epoch, sequence)));
        outcomes(&broker.ask(V, &produce_request(-1, vec![(0, records)])))[0]
    };
    assert_eq!(produce(0, &["a", "b"]), (0, ErrorCode::None, 0));
    assert_eq!(produce(2, &["c"]), (0, ErrorCode::None, 2));
    assert_eq!(produce(0, &["a", "b"]), (0, ErrorCode::None, 0), "a repeat");
    assert_eq!(produce(4, &["e"]), (0, ErrorCode::OutOfOrderSequenceNumber, -1), "a gap");
    assert_eq!(produce(3, &["d"]), (0, ErrorCode::None, 3), "nothing was appended twice");
}

#[test]
fn producer_ids_are_never_given_twice() {
    let mut broker = broker_with_topic(&[]);
    let request = InitProducerIdRequest {
        transactional_id: None,
        producer_id: -1,
        producer_epoch: -1,
        ..InitProducerIdRequest::default()
    };
    let mut ids: Vec<_> = (0..2_500).map(|_| broker.ask(4, &request).producer_id).collect();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), 2_500, "over several blocks");
}

#[test]
fn transactions_and_internal_topics_are_refused() {
    let mut broker = broker_with_topic(&[]);
    let transactional = InitProducerIdRequest {
        transactional_id: Some("tx".into()),
        producer_id: -1,
        producer_epoch: -1,
        ..InitProducerIdRequest::default()
    };
    let answer = broker.ask(4, &transactional);
    assert_eq!(answer.error_code, ErrorCode::UnsupportedVersion.code());

    create(&mut broker, "__consumer_offsets", 1, &[]);
    let mut request = produce_request(-1, vec![(0, batch(&broker, &["a"], None))]);
    request.topic_data[0].name = "__consumer_offsets".into();
    assert_eq!(outcomes(&broker.ask(V, &request)), [(0, ErrorCode::InvalidTopicException, -1)]);
}

#[test]
fn from_version_13_on_topics_go_by_id() {
    let mut broker = broker_with_topic(&[]);
    let topic_id = broker.image.topic_id("t").expect("created");
    let mut request = produce_request(-1, vec![(0, batch(&broker, &["a"], None))]);
    request.topic_data[0].name = "".into();
    request.topic_data[0].topic_id = topic_id;
    let response = broker.ask(13, &request);
    assert_eq!(outcomes(&response), [(0, ErrorCode::None, 0)]);
    assert_eq!(response.responses[0].topic_id, topic_id);

    request.topic_data[0].topic_id.0[0] ^= 1;
    assert_eq!(outcomes(&broker.ask(13, &request)), [(0, ErrorCode::UnknownTopicId, -1)]);
}

#[test]
fn a_topic_deleted_while_a_producer_waits_is_told() {
    let mut broker = broker_with_topic(&[]);
    broker.hold_disk(true);
    broker.send(V, &produce_request(-1, vec![(0, batch(&broker, &["a"], None))]));
    broker.delete_topic("t");
    let response = broker.answer::<ProduceRequest>(V).expect("woken");
    assert_eq!(outcomes(&response), [(0, ErrorCode::UnknownTopicOrPartition, -1)]);
}
