//! How a broker ends that cannot go on, and what a part of it that fails costs.

#![allow(clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "helpers of tests")]

use headwater_broker::authorizer::{Authorizer, Operation, Resource, Verdict};
use headwater_broker::{
    Broker, BrokerOptions, RequestContext, ServerConfig, StartError, StopError,
};
use headwater_protocol::Request;
use headwater_protocol::header::{decode_response, encode_request};
use headwater_protocol::messages::create_topics::{CreatableTopic, CreateTopicsRequest};
use headwater_protocol::messages::fetch::{FetchPartition, FetchRequest, FetchTopic};
use headwater_protocol::messages::produce::{
    PartitionProduceData, ProduceRequest, TopicProduceData,
};
use headwater_protocol::records::{BatchBuilder, BatchOptions, NewRecord};
use headwater_protocol::wire::{Reader, Records, Writer};
use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

/// Long enough for a loaded machine; nothing here waits for it to pass.
const PATIENCE: Duration = Duration::from_secs(60);

struct Client {
    stream: TcpStream,
}

impl Client {
    fn connect(broker: &Broker) -> Self {
        let stream = TcpStream::connect(broker.bootstrap()).expect("the broker listens");
        stream.set_read_timeout(Some(PATIENCE)).expect("a timeout");
        Self { stream }
    }

    fn send<R: Request>(&mut self, request: &R, version: i16) {
        let mut writer = Writer::new();
        encode_request(&mut writer, request, version, 1, None).expect("it can be said");
        let frame = writer.into_bytes().expect("no external parts");
        let length = u32::try_from(frame.len()).expect("a small frame").to_be_bytes();
        self.stream.write_all(&length).and_then(|()| self.stream.write_all(&frame)).expect("sent");
    }

    /// The answer; `None` where the broker closed the connection.
    fn receive<R: Request>(&mut self, version: i16) -> Option<R::Response> {
        let mut length = [0; 4];
        self.stream.read_exact(&mut length).ok()?;
        let mut answer = vec![0; u32::from_be_bytes(length) as usize];
        self.stream.read_exact(&mut answer).expect("all of it");
        let mut reader = Reader::new(answer.into());
        Some(decode_response::<R>(&mut reader, version).expect("well-formed").1)
    }

    fn ask<R: Request>(&mut self, request: &R, version: i16) -> R::Response {
        self.send(request, version);
        self.receive::<R>(version).expect("an answer")
    }

    fn create_topic(&mut self, name: &str) -> i16 {
        let request = CreateTopicsRequest {
            topics: vec![CreatableTopic {
                name: name.into(),
                num_partitions: 1,
                replication_factor: 1,
                ..CreatableTopic::default()
            }],
            timeout_ms: 60_000,
            ..CreateTopicsRequest::default()
        };
        self.ask(&request, 5).topics[0].error_code
    }

    fn produce(&mut self, topic: &str) -> i16 {
        self.begin_produce(topic);
        let response = self.receive::<ProduceRequest>(9).expect("an answer");
        response.responses[0].partition_responses[0].error_code
    }

    fn begin_produce(&mut self, topic: &str) {
        let mut batch = BatchBuilder::new(BatchOptions::default());
        let record = NewRecord { value: Some(b"a"), ..NewRecord::default() };
        batch.push(record).expect("a small record");
        let records = Records::in_memory(batch.finish().expect("a batch").into_bytes());
        let request = ProduceRequest {
            acks: -1,
            timeout_ms: 60_000,
            topic_data: vec![TopicProduceData {
                name: topic.into(),
                partition_data: vec![PartitionProduceData {
                    index: 0,
                    records: Some(records),
                    ..PartitionProduceData::default()
                }],
                ..TopicProduceData::default()
            }],
            ..ProduceRequest::default()
        };
        self.send(&request, 9);
    }

    /// Asks for records of an empty partition and goes on.
    fn begin_fetch(&mut self, topic: &str, max_wait_ms: i32) {
        let request = FetchRequest {
            replica_id: -1,
            max_wait_ms,
            min_bytes: 1,
            max_bytes: 1 << 20,
            session_epoch: -1,
            topics: vec![FetchTopic {
                topic: topic.into(),
                partitions: vec![FetchPartition {
                    partition_max_bytes: 1 << 20,
                    ..FetchPartition::default()
                }],
                ..FetchTopic::default()
            }],
            ..FetchRequest::default()
        };
        self.send(&request, 12);
    }
}

/// Panics when it is asked about reading `boom` for the third time: a fetch asks twice before it
/// waits, and once more when it is resumed.
#[derive(Default)]
struct Panics {
    asked: AtomicUsize,
}

impl Authorizer for Panics {
    fn authorize(&self, _: &RequestContext, operation: Operation, on: Resource<'_>) -> Verdict {
        if operation == Operation::Read && on == Resource::Topic("boom") {
            let before = self.asked.fetch_add(1, Ordering::Relaxed);
            assert!(before < 2, "on purpose");
        }
        Verdict::Allowed
    }
}

async fn broker_that_panics() -> Broker {
    let mut options = BrokerOptions::ephemeral().expect("the settings are fixed");
    options.authorizer = Arc::new(Panics::default());
    Broker::start(options).await.expect("a broker starts")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_that_panics_when_it_is_resumed_costs_its_connection_alone() {
    let broker = broker_that_panics().await;
    let (mut reader, mut other) = (Client::connect(&broker), Client::connect(&broker));
    assert_eq!(other.create_topic("boom"), 0);
    reader.begin_fetch("boom", 60_000);
    // Behind the fetch, which waits by then, and which it wakes.
    reader.begin_produce("boom");
    assert!(reader.receive::<FetchRequest>(12).is_none(), "closed");
    assert_eq!(other.produce("boom"), 0, "the others are served");
    broker.shutdown().await.expect("stopped cleanly");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_that_panics_at_its_deadline_costs_its_connection_alone() {
    let broker = broker_that_panics().await;
    let (mut reader, mut other) = (Client::connect(&broker), Client::connect(&broker));
    assert_eq!(other.create_topic("boom"), 0);
    reader.begin_fetch("boom", 1);
    assert!(reader.receive::<FetchRequest>(12).is_none(), "closed");
    // Deadlines are still kept.
    assert_eq!(other.create_topic("quiet"), 0);
    other.begin_fetch("quiet", 1);
    assert!(other.receive::<FetchRequest>(12).is_some());
    broker.shutdown().await.expect("stopped cleanly");
}

fn stored(folder: &Path) -> ServerConfig {
    let log_dirs = folder.to_str().expect("a name in Unicode");
    ServerConfig::embedded().set("log.dirs", log_dirs).build().expect("sound settings")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_start_that_fails_leaves_nothing_running() {
    let folder = tempfile::tempdir().expect("a folder");
    let broker = Broker::start(stored(folder.path())).await.expect("a broker starts");
    broker.shutdown().await.expect("stopped cleanly");

    // The metadata knows another cluster: that is found out when the controller runs already.
    let file = folder.path().join("meta.properties");
    let right = std::fs::read_to_string(&file).expect("there");
    let wrong: String = right
        .lines()
        .map(|line| match line.starts_with("cluster.id=") {
            true => "cluster.id=another\n".to_owned(),
            false => format!("{line}\n"),
        })
        .collect();
    std::fs::write(&file, wrong).expect("written");
    let refused = Broker::start(stored(folder.path())).await.expect_err("another cluster");
    assert!(matches!(refused, StartError::Folder(_)), "{refused}");

    std::fs::write(&file, right).expect("written");
    let broker = Broker::start(stored(folder.path())).await.expect("the lock was given back");
    broker.shutdown().await.expect("stopped cleanly");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broker_whose_metadata_cannot_be_written_stops_by_itself() {
    let folder = tempfile::tempdir().expect("a folder");
    let log_dirs = folder.path().to_str().expect("a name in Unicode");
    let server = ServerConfig::embedded()
        .set("log.dirs", log_dirs)
        // A snapshot, and with it a new segment, after each command.
        .set("metadata.log.max.record.bytes.between.snapshots", "1")
        .build()
        .expect("sound settings");
    let mut broker = Broker::start(server).await.expect("a broker starts");
    let mut client = Client::connect(&broker);
    assert_eq!(client.create_topic("first"), 0);
    let metadata = folder.path().join("__cluster_metadata-0");
    std::fs::rename(&metadata, folder.path().join("gone")).expect("renamed");
    let names = ["a", "b", "c"];
    let refused = names.iter().filter(|name| client.create_topic(name) != 0).count();
    assert!(refused > 0);
    let error = tokio::time::timeout(PATIENCE, broker.stopped_by_itself()).await.expect("in time");
    let StopError::Died { cause } = error else { panic!("{error}") };
    assert!(cause.starts_with("the metadata cannot be kept: "), "{cause}");
    broker.shutdown().await.expect("nothing is left to stop");
}
