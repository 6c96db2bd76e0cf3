//! Scripts of bytes: what a broker answers, and what the connection makes of it.

use super::*;
use crate::core::FrameError;
use headwater_protocol::Message;
use headwater_protocol::header::ResponseHeader;
use headwater_protocol::messages::api_versions::{ApiVersion, ApiVersionsResponse};
use headwater_protocol::messages::create_topics::CreateTopicsRequest;
use headwater_protocol::messages::describe_cluster::{
    DescribeClusterRequest, DescribeClusterResponse,
};
use headwater_protocol::messages::metadata::{MetadataRequest, MetadataResponse};
use headwater_protocol::wire::{Reader, Writer};
use proptest::prelude::*;

type Under = Connection<u32>;

/// An answer as a broker frames it.
fn answer<M: Message>(correlation_id: i32, header_version: i16, body: &M, version: i16) -> Vec<u8> {
    let mut writer = Writer::new();
    let header = ResponseHeader { correlation_id, ..Default::default() };
    header.encode(&mut writer, header_version).unwrap();
    body.encode(&mut writer, version).unwrap();
    joined(&writer.finish_frame().unwrap())
}

fn joined(segments: &[Segment]) -> Vec<u8> {
    segments
        .iter()
        .flat_map(|segment| match segment {
            Segment::Memory(bytes) => bytes.to_vec(),
            Segment::External { .. } => panic!("a client has no files"),
        })
        .collect()
}

fn versions(apis: &[(i16, i16, i16)]) -> ApiVersionsResponse {
    let api = |&(api_key, min_version, max_version): &(i16, i16, i16)| ApiVersion {
        api_key,
        min_version,
        max_version,
        ..Default::default()
    };
    ApiVersionsResponse { api_keys: apis.iter().map(api).collect(), ..Default::default() }
}

/// What every test broker takes: ApiVersions, Metadata up to 12, DescribeCluster 0.
fn usual() -> ApiVersionsResponse {
    versions(&[(18, 0, 4), (3, 0, 12), (60, 0, 0)])
}

/// Key, version and correlation id of each frame that waits to be written.
fn sent(connection: &mut Under) -> Vec<(i16, i16, i32)> {
    let mut inbox = Inbox::new(1 << 20);
    inbox.push(&joined(&connection.take_output()));
    let mut frames = Vec::new();
    while let Some(frame) = inbox.next_frame().unwrap() {
        let short = |at: usize| i16::from_be_bytes(frame[at..at + 2].try_into().unwrap());
        let id = i32::from_be_bytes(frame[4..8].try_into().unwrap());
        frames.push((short(0), short(2), id));
    }
    frames
}

fn events(connection: &mut Under) -> Vec<Event<u32>> {
    std::iter::from_fn(|| connection.poll_event()).collect()
}

fn connection() -> Under {
    Connection::new(ConnectionConfig::default(), 1_000)
}

fn ready() -> Under {
    let mut connection = connection();
    assert_eq!(sent(&mut connection), [(18, 4, 0)]);
    connection.received_bytes(1_001, &answer(0, 0, &usual(), 4));
    assert!(matches!(events(&mut connection)[..], [Event::Ready(_)]));
    connection
}

fn ask(connection: &mut Under, token: u32) {
    let options = SendOptions { version: 0, timeout_ms: 100 };
    connection.send(2_000, &DescribeClusterRequest::default(), options, token).unwrap();
}

fn cluster(id: &'static str) -> DescribeClusterResponse {
    DescribeClusterResponse { cluster_id: Str::from_static(id), ..Default::default() }
}

fn closed_with(connection: &mut Under) -> ConnectionError {
    assert!(connection.is_closed());
    match events(connection).pop() {
        Some(Event::Closed(error)) => error,
        other => panic!("{other:?}"),
    }
}

#[test]
fn the_best_common_version_is_used() {
    let connection = ready();
    assert_eq!(connection.version::<MetadataRequest>(), Ok(12));
    assert_eq!(connection.version::<DescribeClusterRequest>(), Ok(0));
    let unsupported = connection.version::<CreateTopicsRequest>().unwrap_err();
    assert!(matches!(unsupported, SendError::Unsupported(Unsupported { theirs: None, .. })));
}

#[test]
fn nothing_is_taken_before_the_versions_are_known() {
    let mut connection = connection();
    let options = SendOptions { version: 0, timeout_ms: 1 };
    let request = DescribeClusterRequest::default();
    assert_eq!(connection.send(1_000, &request, options, 1), Err(SendError::NotReady));
}

#[test]
fn an_unknown_api_versions_version_is_asked_again_within_the_brokers_range() {
    let mut connection = connection();
    assert_eq!(sent(&mut connection), [(18, 4, 0)]);
    // The answer has the layout of version 0, whatever was asked.
    let mut refusal = versions(&[(18, 0, 2)]);
    refusal.error_code = 35;
    connection.received_bytes(1_001, &answer(0, 0, &refusal, 0));
    assert_eq!(sent(&mut connection), [(18, 2, 1)]);
    connection.received_bytes(1_002, &answer(1, 0, &usual(), 2));
    assert!(matches!(events(&mut connection)[..], [Event::Ready(_)]));
}

#[test]
fn a_broker_that_names_no_range_is_asked_in_version_zero() {
    let mut connection = connection();
    let mut refusal = versions(&[]);
    refusal.error_code = 35;
    connection.received_bytes(1_001, &answer(0, 0, &refusal, 0));
    assert_eq!(sent(&mut connection), [(18, 4, 0), (18, 0, 1)]);
    // And a broker that then refuses that as well knows nothing we say.
    connection.received_bytes(1_002, &answer(1, 0, &refusal, 0));
    assert!(matches!(closed_with(&mut connection), ConnectionError::NoCommonApiVersions { .. }));
}

#[test]
fn a_range_that_leads_nowhere_ends_the_negotiation() {
    // Only newer versions, or the very version that was just refused: asking again is no use.
    for range in [(18, 5, 9), (18, 0, 4), (18, -3, -1)] {
        let mut connection = connection();
        let mut refusal = versions(&[range]);
        refusal.error_code = 35;
        connection.received_bytes(1_001, &answer(0, 0, &refusal, 0));
        let error = closed_with(&mut connection);
        assert!(matches!(error, ConnectionError::NoCommonApiVersions { .. }), "{range:?}: {error}");
    }
}

#[test]
fn a_refused_software_name_is_left_out_once() {
    let mut connection = connection();
    let refusal = ApiVersionsResponse { error_code: 42, ..Default::default() };
    connection.received_bytes(1_001, &answer(0, 0, &refusal, 4));
    assert_eq!(sent(&mut connection), [(18, 4, 0), (18, 2, 1)]);
    connection.received_bytes(1_002, &answer(1, 0, &refusal, 2));
    assert_eq!(closed_with(&mut connection), ConnectionError::NegotiationRefused { code: 42 });
}

#[test]
fn a_broker_that_is_silent_at_first_is_given_up() {
    let mut connection = connection();
    assert_eq!(connection.deadline_ms(), Some(11_000));
    connection.tick(10_999);
    assert!(!connection.is_closed());
    connection.tick(11_000);
    let timed_out = ConnectionError::TimedOut { api: ApiKey::ApiVersions, waited_ms: 10_000 };
    assert_eq!(closed_with(&mut connection), timed_out);
}

#[test]
fn answers_find_their_callers_wherever_the_bytes_are_split() {
    let stream = [
        answer(0, 0, &usual(), 4),
        answer(1, 1, &cluster("first"), 0),
        answer(2, 1, &MetadataResponse::default(), 12),
        answer(3, 1, &cluster("third"), 0),
    ]
    .concat();
    let handshake = answer(0, 0, &usual(), 4).len();
    for split in handshake..=stream.len() {
        let mut connection = connection();
        connection.received_bytes(1_001, &stream[..handshake]);
        assert!(matches!(events(&mut connection)[..], [Event::Ready(_)]));
        ask(&mut connection, 10);
        let options = SendOptions { version: 12, timeout_ms: 100 };
        connection.send(2_000, &MetadataRequest::default(), options, 20).unwrap();
        ask(&mut connection, 30);
        connection.received_bytes(2_001, &stream[handshake..split]);
        connection.received_bytes(2_002, &stream[split..]);
        let mut answered = Vec::new();
        for event in events(&mut connection) {
            let Event::Answered { token, answer } = event else { panic!("{event:?}") };
            if answer.api == ApiKey::DescribeCluster {
                let mut reader = Reader::new(answer.body);
                let body = DescribeClusterResponse::decode(&mut reader, answer.version).unwrap();
                answered.push((token, body.cluster_id.to_string()));
            } else {
                answered.push((token, answer.api.name().to_owned()));
            }
        }
        let expected = [(10, "first"), (20, "Metadata"), (30, "third")];
        assert_eq!(answered, expected.map(|(token, text)| (token, text.to_owned())), "at {split}");
        assert_eq!(connection.in_flight(), 0);
        assert_eq!(connection.deadline_ms(), None);
    }
}

#[test]
fn the_handshake_may_arrive_in_any_two_pieces() {
    let bytes = answer(0, 0, &usual(), 4);
    for split in 0..=bytes.len() {
        let mut connection = connection();
        connection.received_bytes(1_001, &bytes[..split]);
        connection.received_bytes(1_002, &bytes[split..]);
        assert!(matches!(events(&mut connection)[..], [Event::Ready(_)]), "split at {split}");
    }
}

#[test]
fn a_wrong_number_ends_the_connection_and_fails_everybody() {
    let mut connection = ready();
    ask(&mut connection, 1);
    ask(&mut connection, 2);
    connection.received_bytes(2_001, &answer(2, 1, &cluster("x"), 0));
    let error = ConnectionError::WrongCorrelation { expected: 1, got: 2 };
    let failed =
        |token| Event::Failed { token, api: ApiKey::DescribeCluster, error: error.clone() };
    let expected = [failed(1), failed(2), Event::Closed(error.clone())];
    assert_eq!(events(&mut connection), expected);
    let options = SendOptions { version: 0, timeout_ms: 100 };
    let refused = connection.send(2_002, &DescribeClusterRequest::default(), options, 3);
    assert_eq!(refused, Err(SendError::Closed(error)));
    connection.received_bytes(2_003, &answer(2, 1, &cluster("x"), 0));
    assert_eq!(events(&mut connection), [], "nothing follows the end");
}

#[test]
fn an_answer_nobody_asked_for_ends_the_connection() {
    let mut connection = ready();
    connection.received_bytes(2_001, &answer(7, 1, &cluster("x"), 0));
    assert_eq!(closed_with(&mut connection), ConnectionError::Unasked { got: 7 });
}

#[test]
fn a_frame_without_room_for_a_header_ends_the_connection() {
    for length in 0..4i32 {
        let mut connection = ready();
        ask(&mut connection, 1);
        connection.received_bytes(2_001, &length.to_be_bytes());
        connection.received_bytes(2_001, &vec![0; usize::try_from(length).unwrap()]);
        let error = closed_with(&mut connection);
        assert!(matches!(error, ConnectionError::MalformedHeader { .. }), "{length}: {error}");
    }
    // The right number and no tagged fields behind it, where the header has them.
    let mut connection = ready();
    ask(&mut connection, 1);
    connection.received_bytes(2_001, &[0, 0, 0, 4, 0, 0, 0, 1]);
    assert!(matches!(closed_with(&mut connection), ConnectionError::MalformedHeader { .. }));
}

#[test]
fn an_answer_over_the_cap_ends_the_connection_before_it_is_read() {
    let config = ConnectionConfig { response_bytes_max: 1_000, ..Default::default() };
    let mut connection = Under::new(config, 1_000);
    connection.received_bytes(1_001, &answer(0, 0, &usual(), 4));
    assert!(matches!(events(&mut connection)[..], [Event::Ready(_)]));
    ask(&mut connection, 1);
    connection.received_bytes(2_001, &1_001i32.to_be_bytes());
    let error = FrameError::TooLarge { claimed_bytes: 1_001, limit_bytes: 1_000 };
    assert_eq!(closed_with(&mut connection), ConnectionError::Frame(error));
}

#[test]
fn an_overdue_answer_takes_the_connection_with_it() {
    let mut connection = ready();
    ask(&mut connection, 1);
    let options = SendOptions { version: 0, timeout_ms: 50 };
    connection.send(2_020, &DescribeClusterRequest::default(), options, 2).unwrap();
    assert_eq!(connection.deadline_ms(), Some(2_070));
    connection.tick(2_070);
    let timed_out = ConnectionError::TimedOut { api: ApiKey::DescribeCluster, waited_ms: 50 };
    assert_eq!(closed_with(&mut connection), timed_out);
}

#[test]
fn requests_in_flight_are_bounded() {
    let config = ConnectionConfig { in_flight_max: 2, ..Default::default() };
    let mut connection = Under::new(config, 1_000);
    connection.received_bytes(1_001, &answer(0, 0, &usual(), 4));
    ask(&mut connection, 1);
    ask(&mut connection, 2);
    let options = SendOptions { version: 0, timeout_ms: 100 };
    let third = connection.send(2_000, &DescribeClusterRequest::default(), options, 3);
    assert_eq!(third, Err(SendError::Full { in_flight: 2 }));
    connection.received_bytes(2_001, &answer(1, 1, &cluster("x"), 0));
    ask(&mut connection, 3);
}

#[test]
fn a_version_that_one_side_does_not_know_is_not_sent() {
    let mut connection = ready();
    for version in [-1, 1, 13] {
        let options = SendOptions { version, timeout_ms: 100 };
        let refused = connection.send(2_000, &DescribeClusterRequest::default(), options, 1);
        assert!(matches!(refused, Err(SendError::Unsupported(_))), "{version}");
    }
    assert_eq!(sent(&mut connection), []);
}

#[test]
fn numbers_wrap_before_they_become_negative() {
    let mut connection = ready();
    connection.next_correlation_id = i32::MAX;
    ask(&mut connection, 1);
    ask(&mut connection, 2);
    assert_eq!(sent(&mut connection), [(60, 0, i32::MAX), (60, 0, 0)]);
}

#[test]
fn a_request_without_answer_takes_no_place() {
    let mut connection = ready();
    connection.send_unanswered(&DescribeClusterRequest::default(), 0).unwrap();
    ask(&mut connection, 1);
    assert_eq!(connection.in_flight(), 1);
    assert_eq!(sent(&mut connection), [(60, 0, 1), (60, 0, 2)]);
    connection.received_bytes(2_001, &answer(2, 1, &cluster("x"), 0));
    assert!(matches!(events(&mut connection)[..], [Event::Answered { token: 1, .. }]));
}

#[test]
fn output_is_counted_until_it_is_taken() {
    let mut connection = ready();
    assert_eq!(connection.output_bytes(), 0);
    ask(&mut connection, 1);
    let bytes = connection.output_bytes();
    assert_eq!(joined(&connection.take_output()).len(), bytes);
    assert_eq!(connection.output_bytes(), 0);
}

#[test]
fn a_throttle_only_ever_grows() {
    let mut connection = ready();
    connection.throttled(2_000, 500);
    connection.throttled(2_100, 10);
    assert_eq!(connection.quiet_until_ms(), 2_500);
}

proptest! {
    /// Whatever a peer sends, the connection answers or ends; it does not panic.
    #[test]
    fn no_bytes_bring_it_down(
        after_handshake in any::<bool>(),
        parts in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..64), 0..8),
    ) {
        let mut connection = if after_handshake { ready() } else { connection() };
        if after_handshake {
            ask(&mut connection, 1);
        }
        for part in parts {
            connection.received_bytes(2_001, &part);
        }
        let closings = events(&mut connection)
            .iter()
            .filter(|event| matches!(event, Event::Closed(_)))
            .count();
        prop_assert_eq!(closings, usize::from(connection.is_closed()));
    }

    /// Answers that were cut into any pieces arrive in the order of the requests.
    #[test]
    fn order_is_kept(count in 1usize..40, cuts in prop::collection::vec(1usize..50, 1..40)) {
        let mut connection = ready();
        let mut bytes = Vec::new();
        for number in 0..count {
            ask(&mut connection, u32::try_from(number).unwrap());
            let id = i32::try_from(number).unwrap() + 1;
            bytes.extend(answer(id, 1, &cluster("x"), 0));
        }
        let mut cuts = cuts.iter().cycle();
        let mut rest = &bytes[..];
        while !rest.is_empty() {
            let (head, tail) = rest.split_at(rest.len().min(*cuts.next().unwrap()));
            connection.received_bytes(2_001, head);
            rest = tail;
        }
        let tokens: Vec<u32> = events(&mut connection)
            .into_iter()
            .map(|event| match event {
                Event::Answered { token, .. } => token,
                other => panic!("{other:?}"),
            })
            .collect();
        let expected: Vec<u32> = (0..u32::try_from(count).unwrap()).collect();
        prop_assert_eq!(tokens, expected);
    }
}
