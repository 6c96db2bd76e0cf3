//! The tokio shell against brokers in memory, on a paused clock: time passes only when nothing
//! else can happen, so no test waits for it.

// A test that meets what it does not expect ends there.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

mod fake;

use fake::{Asked, Handler, Memory, Reply, api_versions, handler, metadata};
use headwater_client::core::admin::{
    CreateTopics, DescribeCluster, ListOffsets, NewTopic, OffsetSpec, PartitionKey,
};
use headwater_client::core::{
    AdminError, CallError, ConnectionConfig, ConnectionError, Destination, Disposition, FrameError,
    LeaderHint, MetadataRequestFor, Route,
};
use headwater_client::{
    Address, AdminClient, Client, ClientConfig, ConnectFuture, Connection, Streams, Transport,
};
use headwater_protocol::ApiKey;
use headwater_protocol::messages::create_topics::{
    CreatableTopicResult, CreateTopicsRequest, CreateTopicsResponse,
};
use headwater_protocol::messages::describe_cluster::{
    DescribeClusterRequest, DescribeClusterResponse,
};
use headwater_protocol::messages::list_offsets::{
    ListOffsetsPartitionResponse, ListOffsetsRequest, ListOffsetsResponse, ListOffsetsTopicResponse,
};
use headwater_protocol::messages::metadata::MetadataResponse;
use headwater_protocol::wire::Str;
use headwater_types::{BrokerId, ErrorCode, LeaderEpoch};
use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::Poll;
use std::time::Duration;
use tokio::io::AsyncReadExt;

const SECOND: Duration = Duration::from_secs(1);

fn address(text: &str) -> Address {
    let (host, port) = text.split_once(':').unwrap();
    Address { host: host.to_owned(), port: port.parse().unwrap() }
}

fn config(bootstrap: &[&str]) -> ClientConfig {
    ClientConfig {
        seed: Some(7),
        request_timeout: 5 * SECOND,
        ..ClientConfig::new(bootstrap.iter().map(|text| address(text)).collect())
    }
}

fn client(brokers: &Memory, bootstrap: &[&str]) -> Client {
    Client::with_transport(config(bootstrap), Box::new(brokers.clone()))
}

async fn open(brokers: &Memory, config: ConnectionConfig) -> Result<Connection, CallError> {
    Connection::open(brokers, &address("one:1"), None, config, SECOND).await
}

/// A broker that offers these APIs and answers Metadata; `answer` does the rest.
fn broker(
    apis: &'static [ApiKey],
    answer: impl Fn(&Asked) -> Reply + Send + Sync + 'static,
) -> Handler {
    handler(move |asked| match asked.api {
        ApiKey::ApiVersions => api_versions(asked, apis),
        ApiKey::Metadata => metadata(asked),
        _ => answer(asked),
    })
}

const DESCRIBE: &[ApiKey] = &[ApiKey::Metadata, ApiKey::DescribeCluster];

fn described(asked: &Asked, id: &'static str) -> Reply {
    asked
        .answer(&DescribeClusterResponse { cluster_id: Str::from_static(id), ..Default::default() })
}

fn created(asked: &Asked) -> Reply {
    let request: CreateTopicsRequest = asked.decode();
    let result = |name: Str| CreatableTopicResult { name, ..Default::default() };
    asked.answer(&CreateTopicsResponse {
        topics: request.topics.into_iter().map(|topic| result(topic.name)).collect(),
        ..Default::default()
    })
}

fn creation(topics: &[&str]) -> CreateTopics {
    let topics = topics.iter().map(|name| ((*name).to_owned(), NewTopic::default()));
    CreateTopics { topics: topics.collect(), ..Default::default() }
}

#[tokio::test(start_paused = true)]
async fn requests_of_many_callers_share_one_connection_in_order() {
    let count = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&count);
    let brokers = Memory::default().with(
        "one:1",
        broker(DESCRIBE, move |asked| {
            let number = counted.fetch_add(1, Ordering::Relaxed);
            asked.answer(&DescribeClusterResponse {
                controller_id: i32::try_from(number).unwrap(),
                ..Default::default()
            })
        }),
    );
    // More callers than places: the later ones wait for room, not for each other's answers.
    let config = ConnectionConfig { in_flight_max: 10, ..Default::default() };
    let connection = open(&brokers, config).await.unwrap();
    let mut calls = Vec::new();
    for _ in 0..10 {
        let request = DescribeClusterRequest::default();
        calls.push(connection.send(&request, 0, 5 * SECOND).await.unwrap());
    }
    let mut numbers = Vec::new();
    for call in calls {
        numbers.push(call.await.unwrap().controller_id);
    }
    assert_eq!(numbers, (0..10).collect::<Vec<_>>());
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..100 {
        let connection = connection.clone();
        tasks.spawn(async move {
            connection.call(&DescribeClusterRequest::default(), 0, 5 * SECOND).await
        });
    }
    let answers = tasks.join_all().await;
    assert!(answers.iter().all(Result::is_ok));
    assert_eq!(count.load(Ordering::Relaxed), 110);
    assert_eq!(brokers.opened("one:1"), 1);
}

#[tokio::test(start_paused = true)]
async fn a_caller_that_goes_leaves_the_others_their_answers() {
    let brokers = Memory::default().with("one:1", broker(DESCRIBE, |asked| described(asked, "c")));
    let connection = open(&brokers, ConnectionConfig::default()).await.unwrap();
    let request = DescribeClusterRequest::default();
    let first = connection.send(&request, 0, SECOND).await.unwrap();
    let second = connection.send(&request, 0, SECOND).await.unwrap();
    drop(first);
    assert_eq!(second.await.unwrap().cluster_id, "c");
    assert!(!connection.is_closed());
}

#[tokio::test(start_paused = true)]
async fn an_answer_outlives_the_handle_of_its_connection() {
    let brokers = Memory::default().with("one:1", broker(DESCRIBE, |asked| described(asked, "c")));
    let connection = open(&brokers, ConnectionConfig::default()).await.unwrap();
    let pending = connection.send(&DescribeClusterRequest::default(), 0, SECOND).await.unwrap();
    drop(connection);
    assert_eq!(pending.await.unwrap().cluster_id, "c");
}

#[tokio::test(start_paused = true)]
async fn a_silent_broker_is_given_up_and_everybody_told() {
    let brokers = Memory::default().with("one:1", broker(DESCRIBE, |_| Reply::Silence));
    let connection = open(&brokers, ConnectionConfig::default()).await.unwrap();
    let request = DescribeClusterRequest::default();
    let patient = connection.send(&request, 0, 60 * SECOND).await.unwrap();
    let hasty = connection.send(&request, 0, SECOND).await.unwrap();
    for outcome in [hasty.await, patient.await] {
        let error = outcome.unwrap_err();
        assert_eq!(error.disposition(), Disposition::Retriable);
        let CallError::Connection { cause: ConnectionError::TimedOut { waited_ms, .. }, .. } =
            error
        else {
            panic!("{error}");
        };
        assert!((1_000..1_100).contains(&waited_ms), "{waited_ms}");
    }
    assert!(connection.is_closed());
    let refused = connection.send(&request, 0, SECOND).await.err().unwrap();
    assert!(matches!(refused, CallError::Send { .. }), "{refused}");
}

#[tokio::test(start_paused = true)]
async fn a_broker_that_never_negotiates_is_a_failure_to_connect() {
    let brokers = Memory::default().with("one:1", handler(|_| Reply::Silence));
    let error = open(&brokers, ConnectionConfig::default()).await.unwrap_err();
    assert!(error.is_unreachable(), "{error}");
    let brokers = Memory::default().with("one:1", handler(|_| Reply::Close));
    let error = open(&brokers, ConnectionConfig::default()).await.unwrap_err();
    assert!(error.is_unreachable(), "{error}");
    assert!(error.remedy().unwrap().contains("TLS"), "{:?}", error.remedy());
}

#[tokio::test(start_paused = true)]
async fn what_is_no_kafka_broker_is_fatal_and_says_so() {
    let http = b"HTTP/1.1 400 Bad Request\r\n\r\n".to_vec();
    let brokers = Memory::default().with("one:1", handler(move |_| Reply::Raw(http.clone())));
    let error = open(&brokers, ConnectionConfig::default()).await.unwrap_err();
    assert_eq!(error.disposition(), Disposition::Fatal);
    assert!(error.remedy().unwrap().contains("PLAINTEXT listener"));
}

#[tokio::test(start_paused = true)]
async fn an_oversized_answer_is_refused() {
    let brokers = Memory::default()
        .with("one:1", broker(DESCRIBE, |_| Reply::Raw(i32::MAX.to_be_bytes().to_vec())));
    let connection = open(&brokers, ConnectionConfig::default()).await.unwrap();
    let error = connection.call(&DescribeClusterRequest::default(), 0, SECOND).await.unwrap_err();
    let cause = ConnectionError::Frame(FrameError::TooLarge {
        claimed_bytes: 0x7fff_ffff,
        limit_bytes: 100 * 1024 * 1024,
    });
    assert!(matches!(error, CallError::Connection { cause: found, .. } if found == cause));
}

#[tokio::test(start_paused = true)]
async fn changes_go_to_the_controller_and_survive_a_cut_connection() {
    let apis = &[ApiKey::Metadata, ApiKey::CreateTopics];
    let brokers = Memory::default()
        .with("one:1", broker(apis, |_| panic!("broker 1 is not the controller")))
        .with(
            "two:2",
            broker(apis, |asked| match asked.connection {
                0 => Reply::Close,
                1 => Reply::Raw(vec![0, 0, 0, 40, 1, 2, 3]),
                _ => created(asked),
            }),
        );
    // The second attempt ends when its request times out, the third one is answered.
    let admin = AdminClient::on(client(&brokers, &["one:1"]));
    let outcomes = admin.create_topics(creation(&["a", "b"])).await;
    assert_eq!(outcomes.len(), 2);
    for (topic, outcome) in outcomes {
        assert!(outcome.is_ok(), "{topic}: {outcome:?}");
    }
    assert_eq!(brokers.opened("two:2"), 3);
    assert_eq!(brokers.opened("one:1"), 1);
}

#[tokio::test(start_paused = true)]
async fn partitions_are_asked_of_their_leaders() {
    let apis = &[ApiKey::Metadata, ApiKey::ListOffsets];
    let leader = |id: i64| {
        broker(apis, move |asked| {
            let request: ListOffsetsRequest = asked.decode();
            let answered = |partition_index: i32| ListOffsetsPartitionResponse {
                partition_index,
                offset: id * 100 + i64::from(partition_index),
                ..Default::default()
            };
            let topics = request.topics.into_iter().map(|topic| ListOffsetsTopicResponse {
                name: topic.name,
                partitions: topic
                    .partitions
                    .iter()
                    .map(|each| answered(each.partition_index))
                    .collect(),
                ..Default::default()
            });
            let topics = topics.collect();
            asked.answer(&ListOffsetsResponse { topics, ..Default::default() })
        })
    };
    let brokers = Memory::default().with("one:1", leader(1)).with("two:2", leader(2));
    let client = client(&brokers, &["one:1"]);
    let admin = AdminClient::on(client.clone());
    let ask = || ListOffsets {
        partitions: [0, 1]
            .map(|partition| (PartitionKey::new("t", partition), OffsetSpec::Latest))
            .into(),
        ..Default::default()
    };
    let offsets = |outcomes: headwater_client::Outcomes<PartitionKey, _>| {
        let listed = |outcome: Result<headwater_client::core::admin::ListedOffset, AdminError>| {
            outcome.unwrap().offset.unwrap()
        };
        outcomes.into_values().map(listed).collect::<Vec<_>>()
    };
    assert_eq!(offsets(admin.list_offsets(ask()).await), [100, 201]);
    // A leader hint from an answer moves the next request.
    let hint = LeaderHint {
        topic: "t".to_owned(),
        partition: 0,
        leader: BrokerId(2),
        epoch: LeaderEpoch(1),
        address: None,
    };
    client.update_cluster(|cluster| cluster.after_hint(&hint));
    assert_eq!(offsets(admin.list_offsets(ask()).await), [200, 201]);
}

#[tokio::test(start_paused = true)]
async fn nobody_listens() {
    let brokers = Memory::default();
    let config = ClientConfig { bootstrap_attempts_max: 1, ..config(&["one:1", "two:2"]) };
    let admin = AdminClient::on(Client::with_transport(config, Box::new(brokers.clone())));
    let error = admin.describe_cluster(DescribeCluster::default()).await.unwrap_err();
    assert!(error.is_unreachable());
    let text = error.to_string();
    assert!(text.contains("one:1") && text.contains("two:2"), "{text}");
    // A patient client tries until its time is up, and says what was wrong.
    let admin = AdminClient::on(client(&brokers, &["one:1"]));
    let error = admin.describe_cluster(DescribeCluster::default()).await.unwrap_err();
    let AdminError::Call(CallError::TimedOut { waited_ms, last, .. }) = error else {
        panic!("{error}");
    };
    assert!((60_000..60_100).contains(&waited_ms), "{waited_ms}");
    assert!(last.unwrap().to_string().contains("one:1"));
}

#[tokio::test(start_paused = true)]
async fn a_bootstrap_server_that_is_down_is_passed_over() {
    let brokers = Memory::default().with("two:2", broker(DESCRIBE, |asked| described(asked, "c")));
    let admin = AdminClient::on(client(&brokers, &["one:1", "two:2"]));
    let cluster = admin.describe_cluster(DescribeCluster::default()).await.unwrap();
    assert_eq!(cluster.cluster_id.as_deref(), Some("c"));
}

#[tokio::test(start_paused = true)]
async fn an_older_broker_is_asked_another_way() {
    let older = || broker(&[ApiKey::Metadata], |_| panic!("was not offered"));
    let brokers = Memory::default().with("one:1", older()).with("two:2", older());
    let admin = AdminClient::on(client(&brokers, &["one:1"]));
    let cluster = admin.describe_cluster(DescribeCluster::default()).await.unwrap();
    assert_eq!(cluster.controller, Some(BrokerId(2)));
    let topics = admin.describe_topics(["t".to_owned()]).await;
    let topic = topics["t"].as_ref().unwrap();
    assert_eq!(topic.partitions.len(), 2);
    assert_eq!(topic.partitions[0].eligible, None, "Metadata does not say");
    // Where there is no other way, it says so and does not try again.
    let outcomes = admin.create_topics(creation(&["a"])).await;
    let error = outcomes["a"].as_ref().unwrap_err();
    assert_eq!(error.disposition(), Disposition::Fatal);
    assert!(error.to_string().contains("does not offer CreateTopics"), "{error}");
}

#[tokio::test(start_paused = true)]
async fn a_throttled_client_is_quiet_on_that_connection() {
    let apis = &[ApiKey::Metadata, ApiKey::CreateTopics];
    let brokers = Memory::default().with("one:1", broker(apis, created)).with(
        "two:2",
        broker(apis, |asked| {
            let request: CreateTopicsRequest = asked.decode();
            let results = request
                .topics
                .into_iter()
                .map(|topic| CreatableTopicResult { name: topic.name, ..Default::default() });
            asked.answer(&CreateTopicsResponse {
                throttle_time_ms: 3_000,
                topics: results.collect(),
                ..Default::default()
            })
        }),
    );
    let admin = AdminClient::on(client(&brokers, &["one:1"]));
    let begin = tokio::time::Instant::now();
    assert!(admin.create_topics(creation(&["a"])).await["a"].is_ok());
    assert!(begin.elapsed() < SECOND, "the answer is not held back");
    assert!(admin.create_topics(creation(&["b"])).await["b"].is_ok());
    assert!(begin.elapsed() >= 3 * SECOND, "the next request is");
}

#[tokio::test(start_paused = true)]
async fn a_broken_connection_is_opened_anew_for_the_next_call() {
    let brokers =
        Memory::default().with(
            "one:1",
            broker(DESCRIBE, |asked| {
                if asked.connection == 0 { Reply::Close } else { described(asked, "c") }
            }),
        );
    let client = client(&brokers, &["one:1"]);
    let request = DescribeClusterRequest::default();
    let first = client.call(&Destination::AnyBroker, &request).await.unwrap_err();
    assert_eq!(first.disposition(), Disposition::Retriable);
    let second = client.call(&Destination::AnyBroker, &request).await.unwrap();
    assert_eq!(second.cluster_id, "c");
    assert_eq!(brokers.opened("one:1"), 2);
}

#[tokio::test(start_paused = true)]
async fn callers_who_need_a_broker_at_once_open_one_connection() {
    let brokers = Memory::default().with("one:1", broker(DESCRIBE, |asked| described(asked, "c")));
    let client = client(&brokers, &["one:1"]);
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..50 {
        let client = client.clone();
        tasks.spawn(async move { client.connection(Route::AnyBroker).await.map(drop) });
    }
    assert!(tasks.join_all().await.iter().all(Result::is_ok));
    assert_eq!(brokers.opened("one:1"), 1);
}

#[tokio::test(start_paused = true)]
async fn a_refresh_keeps_what_it_did_not_ask_about() {
    let brokers = Memory::default().with("one:1", broker(DESCRIBE, |_| Reply::Close));
    let client = client(&brokers, &["one:1"]);
    for topic in ["a", "b"] {
        client.refresh(&MetadataRequestFor::Topics(vec![topic.to_owned()])).await.unwrap();
    }
    let cluster = client.cluster();
    let names: Vec<_> = cluster.topics().map(|topic| topic.name.as_str()).collect();
    assert_eq!(names, ["a", "b"]);
    assert_eq!(cluster.topic_error("a"), None);
    assert_eq!(ErrorCode::from_code(0), Some(ErrorCode::None));
}

/// A transport whose first connection ends after so many bytes in one direction.
struct Cut {
    brokers: Memory,
    after: usize,
    outgoing: bool,
    cut: std::sync::atomic::AtomicBool,
}

impl Transport for Cut {
    fn connect<'a>(&'a self, address: &'a Address, timeout: Duration) -> ConnectFuture<'a> {
        Box::pin(async move {
            let Streams { mut reader, mut writer } = self.brokers.connect(address, timeout).await?;
            if self.cut.swap(true, Ordering::Relaxed) {
                return Ok(Streams { reader, writer });
            }
            let (outgoing, after) = (self.outgoing, u64::try_from(self.after).unwrap());
            let (ours, theirs) = tokio::io::duplex(4_096);
            tokio::spawn(async move {
                let (their_reader, mut their_writer) = tokio::io::split(theirs);
                let unlimited = u64::MAX;
                let (out, back) = if outgoing { (after, unlimited) } else { (unlimited, after) };
                let mut requests = their_reader.take(out);
                let mut answers = (&mut reader).take(back);
                // Whichever direction ends first takes both with it.
                tokio::select! {
                    _ = tokio::io::copy(&mut requests, &mut writer) => {}
                    _ = tokio::io::copy(&mut answers, &mut their_writer) => {}
                }
            });
            let (reader, writer) = tokio::io::split(ours);
            Ok(Streams { reader: Box::new(reader), writer: Box::new(writer) })
        })
    }
}

#[tokio::test(start_paused = true)]
async fn a_connection_cut_at_any_byte_is_made_good() {
    for outgoing in [false, true] {
        for after in 0..400 {
            let describe = broker(DESCRIBE, |asked| described(asked, "c"));
            let transport = Cut {
                brokers: Memory::default().with("one:1", describe),
                after,
                outgoing,
                cut: false.into(),
            };
            let client = Client::with_transport(config(&["one:1"]), Box::new(transport));
            let admin = AdminClient::on(client);
            let described = admin.describe_cluster(DescribeCluster::default()).await;
            let id = described.map(|cluster| cluster.cluster_id);
            assert_eq!(id, Ok(Some("c".to_owned())), "cut after {after}, outgoing {outgoing}");
        }
    }
}

/// Polls a future so many times, then drops it; says whether it had ended.
async fn dropped_after<F: Future>(polls: usize, future: F) -> bool {
    let mut future = Box::pin(future);
    let mut left = polls;
    std::future::poll_fn(|cx| {
        if left == 0 {
            return Poll::Ready(false);
        }
        left -= 1;
        match future.as_mut().poll(cx) {
            Poll::Ready(_) => Poll::Ready(true),
            Poll::Pending => Poll::Pending,
        }
    })
    .await
}

#[tokio::test(start_paused = true)]
async fn a_call_may_be_dropped_at_every_poll() {
    let brokers = Memory::default().with("one:1", broker(DESCRIBE, |asked| described(asked, "c")));
    let client = client(&brokers, &["one:1"]);
    let request = DescribeClusterRequest::default();
    let mut ended = false;
    for polls in 0.. {
        let call = client.call(&Destination::AnyBroker, &request);
        ended = dropped_after(polls, call).await;
        // Whatever was under way, the next caller gets its own answer.
        let answer = client.call(&Destination::AnyBroker, &request).await.unwrap();
        assert_eq!(answer.cluster_id, "c", "dropped after {polls}");
        if ended || polls > 100 {
            break;
        }
    }
    assert!(ended, "some number of polls is enough");
}

#[tokio::test(start_paused = true)]
async fn an_admin_call_may_be_dropped_at_every_poll() {
    let apis = &[ApiKey::Metadata, ApiKey::CreateTopics];
    for polls in 0..20 {
        let brokers = Memory::default()
            .with("one:1", broker(apis, created))
            .with("two:2", broker(apis, created));
        let admin = AdminClient::on(client(&brokers, &["one:1"]));
        dropped_after(polls, admin.create_topics(creation(&["a"]))).await;
        let outcomes = admin.create_topics(creation(&["b"])).await;
        assert!(outcomes["b"].is_ok(), "dropped after {polls}");
        assert!(brokers.opened("one:1") <= 2 && brokers.opened("two:2") <= 2, "{polls}");
    }
}

#[tokio::test(start_paused = true)]
async fn callers_that_wait_for_room_are_told_of_the_end() {
    let brokers = Memory::default().with("one:1", broker(DESCRIBE, |_| Reply::Silence));
    let config = ConnectionConfig { in_flight_max: 1, ..Default::default() };
    let connection = open(&brokers, config).await.unwrap();
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..10 {
        let connection = connection.clone();
        tasks.spawn(
            async move { connection.call(&DescribeClusterRequest::default(), 0, SECOND).await },
        );
    }
    assert!(tasks.join_all().await.iter().all(Result::is_err));
}

#[tokio::test(start_paused = true)]
async fn an_address_that_only_the_brokers_know_is_explained() {
    let apis = &[ApiKey::Metadata, ApiKey::CreateTopics];
    let brokers = Memory::default().with("one:1", broker(apis, created));
    let config = ClientConfig { attempts_max: 2, ..config(&["one:1"]) };
    let admin = AdminClient::on(Client::with_transport(config, Box::new(brokers)));
    let outcomes = admin.create_topics(creation(&["a"])).await;
    let error = outcomes["a"].as_ref().unwrap_err();
    assert!(error.to_string().contains("broker 2 at two:2"), "{error}");
    assert!(error.remedy().unwrap().contains("advertised.listeners"), "{:?}", error.remedy());
}

#[tokio::test(start_paused = true)]
async fn a_broker_may_send_the_client_back_to_the_bootstrap_servers() {
    // Broker 1 left its cluster and says so, once it has been asked before.
    let asked_before = AtomicUsize::new(0);
    let leaving = handler(move |asked: &Asked| match asked.api {
        ApiKey::ApiVersions => api_versions(asked, DESCRIBE),
        ApiKey::Metadata if asked_before.fetch_add(1, Ordering::Relaxed) == 1 => {
            let error_code = ErrorCode::RebootstrapRequired.code();
            asked.answer(&MetadataResponse { error_code, ..Default::default() })
        }
        ApiKey::Metadata => metadata(asked),
        _ => described(asked, "c"),
    });
    let brokers = Memory::default().with("one:1", leaving);
    let client = client(&brokers, &["one:1"]);
    client.refresh(&MetadataRequestFor::NoTopics).await.unwrap();
    assert_eq!(client.cluster().brokers().len(), 2);
    let error = client.refresh(&MetadataRequestFor::NoTopics).await.unwrap_err();
    assert!(matches!(error, CallError::Rebootstrap { .. }), "{error}");
    assert_eq!(error.disposition(), Disposition::Retriable);
    assert_eq!(client.cluster().brokers().len(), 0, "nothing it knew is believed");
    client.refresh(&MetadataRequestFor::NoTopics).await.unwrap();
    assert_eq!(brokers.opened("one:1"), 2);
}

#[tokio::test(start_paused = true)]
async fn callers_who_wait_for_one_attempt_share_its_failure() {
    let brokers = Memory::default();
    let client = client(&brokers, &["one:1"]);
    let begin = tokio::time::Instant::now();
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..100 {
        let client = client.clone();
        tasks.spawn(async move { client.connection(Route::AnyBroker).await.map(drop) });
    }
    assert!(tasks.join_all().await.iter().all(Result::is_err));
    assert!(begin.elapsed() < SECOND, "not one back-off after the other");
}
