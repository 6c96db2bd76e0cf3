//! Many requests on one connection: answers leave in the order of the requests.

use super::{batch, broker_with_topic, fetch_request, produce_request};
use headwater_protocol::messages::fetch::FetchRequest;
use headwater_protocol::messages::produce::ProduceRequest;

#[test]
fn a_quick_answer_waits_for_the_slow_one_before_it() {
    let mut broker = broker_with_topic(&[]);
    broker.send(12, &fetch_request(&[(0, 0)]));
    // Sent behind a fetch that waits: it is carried out at once, and so ends the wait.
    broker.send(9, &produce_request(1, vec![(0, batch(&broker, &["a"], None))]));
    let fetched = broker.answer::<FetchRequest>(12).expect("the fetch comes first");
    assert_eq!(fetched.responses.len(), 1);
    assert!(broker.answer::<ProduceRequest>(9).is_some());
}

#[test]
fn pipelined_produces_are_appended_and_answered_in_order() {
    let mut broker = broker_with_topic(&[]);
    broker.hold_disk(true);
    for value in ["a", "b", "c", "d", "e"] {
        broker.send(9, &produce_request(-1, vec![(0, batch(&broker, &[value], None))]));
    }
    assert!(broker.answer::<ProduceRequest>(9).is_none());
    broker.hold_disk(false);
    for offset in 0..5 {
        let response = broker.answer::<ProduceRequest>(9).expect("synced");
        assert_eq!(response.responses[0].partition_responses[0].base_offset, offset);
    }
}
