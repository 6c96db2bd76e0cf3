//! What a run wants done, and what it makes of the outcomes.

use super::*;
use crate::core::ConnectionError;
use crate::core::admin::{CreateTopics, ListOffsets, NewTopic, OffsetSpec, PartitionKey};
use headwater_protocol::messages::create_topics::{CreatableTopicResult, CreateTopicsResponse};
use headwater_protocol::messages::list_offsets::{
    ListOffsetsPartitionResponse, ListOffsetsResponse, ListOffsetsTopicResponse,
};
use headwater_protocol::messages::metadata::{
    MetadataResponse, MetadataResponseBroker, MetadataResponsePartition, MetadataResponseTopic,
};
use headwater_protocol::wire::Str;
use headwater_types::BrokerId;
use proptest::prelude::*;

const POLICY: RunPolicy = RunPolicy {
    deadline_ms: 10_000,
    attempts_max: 20,
    bootstrap_attempts_max: 2,
    unknown_attempts_max: 3,
    backoff: BackoffPolicy { initial_ms: 100, max_ms: 1_000 },
    seed: 1,
};

/// Brokers 1 to 3, broker 3 the controller; `leaders` are those of partitions 0.. of topic `t`.
fn cluster(leaders: &[i32]) -> Cluster {
    let partition = |(index, &leader): (i32, &i32)| MetadataResponsePartition {
        partition_index: index,
        leader_id: leader,
        ..Default::default()
    };
    let broker = |id: i32| MetadataResponseBroker {
        node_id: id,
        host: Str::from_static("h"),
        port: 1,
        ..Default::default()
    };
    let topic = MetadataResponseTopic {
        name: Some(Str::from_static("t")),
        partitions: (0..).zip(leaders).map(partition).collect(),
        ..Default::default()
    };
    Cluster::default().after_all_topics(&MetadataResponse {
        brokers: vec![broker(1), broker(2), broker(3)],
        controller_id: 3,
        topics: if leaders.is_empty() { vec![] } else { vec![topic] },
        ..Default::default()
    })
}

fn offsets(partitions: i32) -> Run<ListOffsets> {
    let partitions = (0..partitions)
        .map(|partition| (PartitionKey::new("t", partition), OffsetSpec::Latest))
        .collect();
    Run::new(Arc::new(ListOffsets { partitions, ..Default::default() }), POLICY, 0)
}

fn listed(partitions: &[(i32, i16, i64)]) -> ListOffsetsResponse {
    let partition = |&(partition_index, error_code, offset): &(i32, i16, i64)| {
        ListOffsetsPartitionResponse { partition_index, error_code, offset, ..Default::default() }
    };
    ListOffsetsResponse {
        topics: vec![ListOffsetsTopicResponse {
            name: Str::from_static("t"),
            partitions: partitions.iter().map(partition).collect(),
            ..Default::default()
        }],
        ..Default::default()
    }
}

fn broker(id: i32) -> Broker {
    Broker { id: Some(BrokerId(id)), address: "h:1".to_owned() }
}

fn sent<O: Operation>(
    run: &mut Run<O>,
    now_ms: u64,
    cluster: &Cluster,
) -> (CallId, Route, Vec<O::Key>)
where
    O::Key: std::fmt::Debug,
{
    match run.poll(now_ms, cluster) {
        Action::Send { call, route, keys } => (call, route, keys.to_vec()),
        other => panic!("{other:?}"),
    }
}

fn wait(run: &mut Run<ListOffsets>, now_ms: u64, cluster: &Cluster) -> u64 {
    match run.poll(now_ms, cluster) {
        Action::Wait { until_ms } => until_ms,
        other => panic!("{other:?}"),
    }
}

fn topic_t() -> Action<PartitionKey> {
    Action::Refresh(MetadataRequestFor::Topics(vec!["t".to_owned()]))
}

fn partitions(keys: &[PartitionKey]) -> Vec<i32> {
    keys.iter().map(|key| key.partition).collect()
}

fn lost(api: headwater_protocol::ApiKey) -> CallError {
    CallError::Connection { broker: broker(1), api, cause: ConnectionError::ClosedByPeer }
}

#[test]
fn keys_are_grouped_by_leader_and_settled_by_their_answers() {
    let cluster = cluster(&[1, 2, 1]);
    let mut run = offsets(3);
    let (first, route, keys) = sent(&mut run, 0, &cluster);
    assert_eq!((route, partitions(&keys)), (Route::Broker(BrokerId(1)), vec![0, 2]));
    let (second, route, keys) = sent(&mut run, 0, &cluster);
    assert_eq!((route, partitions(&keys)), (Route::Broker(BrokerId(2)), vec![1]));
    assert_eq!(run.poll(0, &cluster), Action::Await);
    run.answered(1, second, Ok((broker(2), 7, listed(&[(1, 0, 11)]))));
    run.answered(1, first, Ok((broker(1), 7, listed(&[(0, 0, 10), (2, 0, 12)]))));
    assert_eq!(run.poll(1, &cluster), Action::Done);
    let offsets: Vec<_> =
        run.finish().into_values().map(|outcome| outcome.unwrap().offset.unwrap()).collect();
    assert_eq!(offsets, [10, 11, 12]);
}

#[test]
fn nothing_is_sent_before_the_leaders_are_known() {
    let mut run = offsets(1);
    assert_eq!(run.poll(0, &Cluster::default()), topic_t());
    assert_eq!(run.poll(0, &Cluster::default()), Action::Await);
    run.refreshed(5, Ok(()));
    let (_, route, _) = sent(&mut run, 5, &cluster(&[2]));
    assert_eq!(route, Route::Broker(BrokerId(2)), "the first look costs no back-off");
}

#[test]
fn a_moved_leader_is_looked_up_and_only_its_partitions_asked_again() {
    let before = cluster(&[1, 1]);
    let mut run = offsets(2);
    let (call, ..) = sent(&mut run, 0, &before);
    run.answered(10, call, Ok((broker(1), 7, listed(&[(0, 0, 10), (1, 6, -1)]))));
    let until_ms = wait(&mut run, 10, &before);
    assert!((90..=130).contains(&until_ms), "{until_ms}");
    assert_eq!(run.poll(until_ms, &before), topic_t());
    run.refreshed(until_ms, Ok(()));
    let after = cluster(&[1, 2]);
    let (call, route, keys) = sent(&mut run, until_ms, &after);
    assert_eq!((route, partitions(&keys)), (Route::Broker(BrokerId(2)), vec![1]));
    run.answered(200, call, Ok((broker(2), 7, listed(&[(1, 0, 11)]))));
    assert_eq!(run.poll(200, &after), Action::Done);
    assert!(run.finish().into_values().all(|outcome| outcome.is_ok()));
}

#[test]
fn a_lost_connection_is_tried_again_and_a_malformed_answer_is_not() {
    let cluster = cluster(&[1]);
    let mut run = offsets(1);
    let (call, ..) = sent(&mut run, 0, &cluster);
    run.answered(0, call, Err(lost(headwater_protocol::ApiKey::ListOffsets)));
    let until_ms = wait(&mut run, 0, &cluster);
    assert_eq!(run.poll(until_ms, &cluster), topic_t());
    run.refreshed(until_ms, Ok(()));
    let (call, ..) = sent(&mut run, until_ms, &cluster);
    let malformed = CallError::Decode {
        broker: broker(1),
        api: headwater_protocol::ApiKey::ListOffsets,
        version: 7,
        reason: "short".to_owned(),
    };
    run.answered(until_ms, call, Err(malformed.clone()));
    assert_eq!(run.poll(until_ms, &cluster), Action::Done);
    let outcome = run.finish().into_values().next().unwrap();
    assert_eq!(outcome, Err(AdminError::Call(malformed)));
}

#[test]
fn the_deadline_settles_everything_with_what_went_wrong_last() {
    let cluster = cluster(&[1, 2]);
    let mut run = offsets(2);
    let (first, ..) = sent(&mut run, 0, &cluster);
    let (late, ..) = sent(&mut run, 0, &cluster);
    run.answered(9_999, first, Ok((broker(1), 7, listed(&[(0, 6, -1)]))));
    assert_eq!(wait(&mut run, 9_999, &cluster), 10_000, "never beyond the deadline");
    assert_eq!(run.poll(10_000, &cluster), Action::Done);
    run.answered(10_001, late, Ok((broker(2), 7, listed(&[(1, 0, 1)]))));
    let outcomes = run.finish();
    let last = |partition| match &outcomes[&PartitionKey::new("t", partition)] {
        Err(AdminError::Call(CallError::TimedOut { waited_ms: 10_000, last, .. })) => {
            last.as_ref().and_then(|error| error.error_code())
        }
        other => panic!("{other:?}"),
    };
    assert_eq!(last(0), Some(ErrorCode::NotLeaderOrFollower));
    assert_eq!(last(1), None);
}

#[test]
fn a_topic_nobody_knows_is_given_up_after_some_looks() {
    let nothing = cluster(&[]);
    let mut run = offsets(1);
    let mut now_ms = 0;
    let mut refreshes = 0;
    loop {
        match run.poll(now_ms, &nothing) {
            Action::Refresh(_) => {
                refreshes += 1;
                run.refreshed(now_ms, Ok(()));
            }
            Action::Wait { until_ms } => now_ms = until_ms,
            Action::Done => break,
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(refreshes, 2);
    assert!(now_ms < 1_000, "a mistyped name is reported soon: {now_ms} ms");
    let outcome = run.finish().into_values().next().unwrap().unwrap_err();
    assert!(matches!(
        outcome,
        AdminError::Call(CallError::Unroutable(Unroutable::UnknownTopic { .. }))
    ));
}

#[test]
fn attempts_are_bounded_apart_for_an_unreachable_cluster() {
    let mut run = offsets(1);
    let unreachable = CallError::NoBootstrap { reasons: "refused".to_owned() };
    assert_eq!(run.poll(0, &Cluster::default()), topic_t());
    run.refreshed(0, Err(unreachable.clone()));
    let outcome = run.finish().into_values().next();
    // The look at the empty picture was the first attempt, this the second of two.
    assert_eq!(outcome, Some(Err(AdminError::Call(unreachable))));
}

#[test]
fn a_broker_that_asks_for_patience_gets_it_and_one_that_is_away_does_not() {
    let cluster = cluster(&[1]);
    let policy = RunPolicy { attempts_max: 2, ..POLICY };
    let partitions = [(PartitionKey::new("t", 0), OffsetSpec::Latest)].into();
    let mut run = Run::new(Arc::new(ListOffsets { partitions, ..Default::default() }), policy, 0);
    let mut now_ms = 0;
    let mut answers = 0;
    loop {
        match run.poll(now_ms, &cluster) {
            Action::Send { call, .. } if answers < 5 => {
                answers += 1;
                run.answered(now_ms, call, Ok((broker(1), 7, listed(&[(0, 6, -1)]))));
            }
            Action::Send { call, .. } => {
                let api = headwater_protocol::ApiKey::ListOffsets;
                run.answered(now_ms, call, Err(lost(api)));
            }
            Action::Refresh(_) => run.refreshed(now_ms, Ok(())),
            Action::Wait { until_ms } => now_ms = until_ms,
            Action::Await => panic!("nothing is under way"),
            Action::Done => break,
        }
    }
    assert_eq!(answers, 5);
    assert!(now_ms < POLICY.deadline_ms);
    let outcome = run.finish().into_values().next().unwrap();
    assert!(matches!(outcome, Err(AdminError::Call(CallError::Connection { .. }))), "{outcome:?}");
}

#[test]
fn what_an_answer_leaves_out_is_reported() {
    let cluster = cluster(&[1, 1]);
    let mut run = offsets(2);
    let (call, ..) = sent(&mut run, 0, &cluster);
    run.answered(1, call, Ok((broker(1), 7, listed(&[(0, 0, 10), (7, 0, 1)]))));
    assert_eq!(run.poll(1, &cluster), Action::Done);
    let outcomes = run.finish();
    assert_eq!(outcomes.len(), 2, "partition 7 was not asked about");
    let left_out = &outcomes[&PartitionKey::new("t", 1)];
    assert!(matches!(left_out, Err(AdminError::NotAnswered { .. })));
}

#[test]
fn a_request_carries_a_bounded_number_of_keys() {
    let cluster = cluster(&[1; 2_500]);
    let mut run = offsets(2_500);
    let sizes: Vec<usize> = std::iter::from_fn(|| match run.poll(0, &cluster) {
        Action::Send { keys, .. } => Some(keys.len()),
        _ => None,
    })
    .collect();
    assert_eq!(sizes, [1_000, 1_000, 500]);
}

fn creation() -> Run<CreateTopics> {
    let topics = [("a".to_owned(), NewTopic::default())].into();
    Run::new(Arc::new(CreateTopics { topics, ..Default::default() }), POLICY, 0)
}

fn created(code: i16, throttle_time_ms: i32) -> CreateTopicsResponse {
    CreateTopicsResponse {
        throttle_time_ms,
        topics: vec![CreatableTopicResult {
            name: Str::from_static("a"),
            error_code: code,
            error_message: Some(Str::from_static("because")),
            ..Default::default()
        }],
        ..Default::default()
    }
}

#[test]
fn the_controller_is_looked_up_again_when_it_moved_and_obeyed_when_it_refuses() {
    let cluster = cluster(&[]);
    let mut run = creation();
    let (call, route, _) = sent(&mut run, 0, &cluster);
    assert_eq!(route, Route::Broker(BrokerId(3)));
    run.answered(0, call, Ok((broker(3), 7, created(41, 0))));
    let Action::Wait { until_ms } = run.poll(0, &cluster) else { panic!("no back-off") };
    assert_eq!(run.poll(until_ms, &cluster), Action::Refresh(MetadataRequestFor::NoTopics));
    run.refreshed(until_ms, Ok(()));
    let (call, ..) = sent(&mut run, until_ms, &cluster);
    // A throttled change is made when the broker said it may be.
    run.answered(until_ms, call, Ok((broker(3), 7, created(89, 5_000))));
    assert_eq!(run.poll(until_ms, &cluster), Action::Wait { until_ms: until_ms + 5_000 });
    let (call, ..) = sent(&mut run, until_ms + 5_000, &cluster);
    run.answered(until_ms + 5_001, call, Ok((broker(3), 7, created(36, 0))));
    assert_eq!(run.poll(until_ms + 5_001, &cluster), Action::Done);
    let outcome = run.finish().into_values().next().unwrap().unwrap_err();
    assert_eq!(outcome.error_code(), Some(ErrorCode::TopicAlreadyExists));
    let text = outcome.to_string();
    assert_eq!(text, "topic a: because [TOPIC_ALREADY_EXISTS] (CreateTopics, broker 3 at h:1)");
}

proptest! {
    /// Whatever brokers answer and however connections fail, every key is settled exactly once,
    /// by the deadline, and nothing is sent after it.
    #[test]
    fn every_key_is_settled_in_time(
        count in 1i32..20,
        leaders in prop::collection::vec(-1i32..4, 20),
        choices in prop::collection::vec((0usize..8, 0usize..4, 1u64..900), 1..60),
    ) {
        let cluster = cluster(&leaders);
        let mut run = offsets(count);
        let mut now_ms = 0;
        let mut under_way: Vec<(CallId, Vec<PartitionKey>)> = Vec::new();
        let mut refreshing = false;
        let mut choices = choices.iter().cycle();
        for _ in 0..10_000 {
            match run.poll(now_ms, &cluster) {
                Action::Done => break,
                Action::Send { call, keys, .. } => {
                    prop_assert!(now_ms < POLICY.deadline_ms);
                    prop_assert!(!keys.is_empty());
                    under_way.push((call, keys.to_vec()));
                    continue;
                }
                Action::Refresh(_) => {
                    prop_assert!(!refreshing, "one at a time");
                    refreshing = true;
                    continue;
                }
                Action::Wait { until_ms } => {
                    prop_assert!(now_ms < until_ms && until_ms <= POLICY.deadline_ms);
                    if under_way.is_empty() && !refreshing {
                        now_ms = until_ms;
                        continue;
                    }
                }
                Action::Await => prop_assert!(!under_way.is_empty() || refreshing),
            }
            // Something under way ends, one way or another.
            let &(outcome, which, pause_ms) = choices.next().unwrap();
            now_ms += pause_ms;
            if refreshing && (outcome == 0 || under_way.is_empty()) {
                refreshing = false;
                let failed = CallError::NoBootstrap { reasons: String::new() };
                run.refreshed(now_ms, if outcome == 1 { Err(failed) } else { Ok(()) });
                continue;
            }
            if under_way.is_empty() {
                continue;
            }
            let (call, keys) = under_way.swap_remove(which % under_way.len());
            let codes = [0, 0, 3, 6, 7, 29, 0, 0];
            let answered = |skip: usize| {
                let each = |key: &PartitionKey| (key.partition, codes[outcome], 5);
                listed(&keys.iter().skip(skip).map(each).collect::<Vec<_>>())
            };
            let api = headwater_protocol::ApiKey::ListOffsets;
            run.answered(now_ms, call, match outcome {
                6 => Err(lost(api)),
                7 => Ok((broker(1), 7, answered(1))),
                _ => Ok((broker(1), 7, answered(0))),
            });
        }
        prop_assert_eq!(run.poll(now_ms.max(POLICY.deadline_ms), &cluster), Action::Done);
        let keys: Vec<i32> = run.finish().into_keys().map(|key| key.partition).collect();
        prop_assert_eq!(keys, (0..count).collect::<Vec<_>>());
    }
}
