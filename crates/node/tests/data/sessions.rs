//! Incremental fetch sessions from end to end.

use super::{batch, broker_with_topic, fetch_request, partitions, produce_request, values};
use headwater_protocol::messages::fetch::{FetchRequest, ForgottenTopic};
use headwater_types::ErrorCode;

const V: i16 = 12;

fn next(id: i32, epoch: i32) -> FetchRequest {
    FetchRequest {
        session_id: id,
        session_epoch: epoch,
        topics: Vec::new(),
        max_wait_ms: 0,
        ..fetch_request(&[])
    }
}

#[test]
fn a_session_tells_only_news() {
    let mut broker = broker_with_topic(&[]);
    let open =
        FetchRequest { session_epoch: 0, max_wait_ms: 0, ..fetch_request(&[(0, 0), (1, 0)]) };
    let response = broker.ask(V, &open);
    let id = response.session_id;
    assert_ne!(id, 0);
    assert_eq!(partitions(&response).len(), 2, "the first answer is full");

    assert!(partitions(&broker.ask(V, &next(id, 1))).is_empty(), "nothing is new");

    broker.ask(9, &produce_request(-1, vec![(1, batch(&broker, &["a"], None))]));
    let response = broker.ask(V, &next(id, 2));
    let parts = partitions(&response);
    assert_eq!(parts.len(), 1);
    assert_eq!((parts[0].partition_index, values(parts[0])), (1, vec![(0, "a".to_owned())]));

    let moved = FetchRequest {
        session_id: id,
        session_epoch: 3,
        max_wait_ms: 0,
        forgotten_topics_data: vec![ForgottenTopic {
            topic: "t".into(),
            partitions: vec![0],
            ..ForgottenTopic::default()
        }],
        ..fetch_request(&[(1, 1)])
    };
    assert!(partitions(&broker.ask(V, &moved)).is_empty(), "its place in the log moved on");
}

#[test]
fn a_session_out_of_step_is_told_so() {
    let mut broker = broker_with_topic(&[]);
    let open = FetchRequest { session_epoch: 0, max_wait_ms: 0, ..fetch_request(&[(0, 0)]) };
    let id = broker.ask(V, &open).session_id;
    let wrong = broker.ask(V, &next(id, 7));
    assert_eq!(wrong.error_code, ErrorCode::InvalidFetchSessionEpoch.code());
    let unknown = broker.ask(V, &next(id ^ 1, 1));
    assert_eq!(unknown.error_code, ErrorCode::FetchSessionIdNotFound.code());
}
