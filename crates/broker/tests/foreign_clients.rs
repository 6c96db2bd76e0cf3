//! Clients that other people wrote, unmodified, against a broker in this process: librdkafka (in C)
//! and rskafka (in Rust, with a codec of its own).

#![allow(clippy::expect_used, clippy::indexing_slicing, reason = "helpers of tests")]

use headwater_broker::{Broker, BrokerOptions, ServerConfig};
use rdkafka::config::ClientConfig;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::message::{Header, Headers, Message, OwnedHeaders};
use rdkafka::producer::{FutureProducer, FutureRecord};
use rdkafka::{Offset, TopicPartitionList};
use rskafka::client::ClientBuilder;
use rskafka::client::partition::{Compression, OffsetAt, UnknownTopicHandling};
use rskafka::record::Record;
use std::collections::BTreeMap;
use std::time::Duration;

/// Long enough for a loaded machine; nothing here waits for it to pass.
const PATIENCE: Duration = Duration::from_secs(60);

async fn broker() -> Broker {
    let options = BrokerOptions::ephemeral().expect("the settings are fixed");
    Broker::start(options).await.expect("a broker starts")
}

fn producer(bootstrap: &str, settings: &[(&str, &str)]) -> FutureProducer {
    let mut config = ClientConfig::new();
    config.set("bootstrap.servers", bootstrap).set("message.timeout.ms", "60000");
    for (name, value) in settings {
        config.set(*name, *value);
    }
    config.create().expect("a producer")
}

/// A consumer of one partition from its start.
fn reader(bootstrap: &str, topic: &str) -> BaseConsumer {
    let consumer: BaseConsumer = ClientConfig::new()
        .set("bootstrap.servers", bootstrap)
        // Partitions are assigned by hand; a commit would wait for groups, which come later.
        .set("group.id", "none")
        .set("enable.auto.commit", "false")
        .create()
        .expect("a consumer");
    let mut partitions = TopicPartitionList::new();
    partitions.add_partition_offset(topic, 0, Offset::Beginning).expect("a partition");
    consumer.assign(&partitions).expect("assigned");
    consumer
}

/// Reads a partition from the start until `count` records came.
fn read(bootstrap: &str, topic: &str, count: usize) -> Vec<(Option<Vec<u8>>, Vec<u8>, i64)> {
    let consumer = reader(bootstrap, topic);
    let mut records = Vec::new();
    while records.len() < count {
        let message = consumer.poll(PATIENCE).expect("a record in time").expect("no error");
        records.push((
            message.key().map(<[u8]>::to_vec),
            message.payload().unwrap_or_default().to_vec(),
            message.offset(),
        ));
    }
    records
}

async fn send_numbers(producer: &FutureProducer, topic: &str, numbers: std::ops::Range<usize>) {
    let mut sent = Vec::new();
    for number in numbers {
        let (key, value) = (format!("k{number}"), format!("value {number}"));
        let record = FutureRecord::to(topic).partition(0).key(&key).payload(&value);
        sent.push(producer.send_result(record).map_err(|(error, _)| error).expect("queued"));
    }
    for delivery in sent {
        delivery.await.expect("not cancelled").expect("delivered");
    }
}

fn expected(numbers: std::ops::Range<usize>) -> Vec<(Option<Vec<u8>>, Vec<u8>, i64)> {
    numbers
        .map(|n| (Some(format!("k{n}").into_bytes()), format!("value {n}").into_bytes(), n as i64))
        .collect()
}

#[tokio::test]
async fn librdkafka_reads_what_it_produced_in_order() {
    let broker = broker().await;
    let bootstrap = broker.bootstrap();
    let producer = producer(
        &bootstrap,
        &[("acks", "all"), ("enable.idempotence", "true"), ("linger.ms", "1")],
    );
    send_numbers(&producer, "numbers", 0..2000).await;

    let records = tokio::task::spawn_blocking(move || read(&bootstrap, "numbers", 2000)).await;
    assert_eq!(records.expect("read"), expected(0..2000));
    drop(producer);
    broker.shutdown().await.expect("a clean stop");
}

#[tokio::test]
async fn large_records_headers_and_every_ack_level_come_through() {
    let broker = broker().await;
    let bootstrap = broker.bootstrap();
    for acks in ["0", "1", "all"] {
        let topic = format!("acks-{acks}");
        let producer = producer(&bootstrap, &[("acks", acks)]);
        let large = vec![b'x'; 900_000];
        let headers = OwnedHeaders::new()
            .insert(Header { key: "trace", value: Some("abc") })
            .insert(Header::<&[u8]> { key: "empty", value: None });
        let record =
            FutureRecord::<(), _>::to(&topic).payload(&large).headers(headers).partition(0);
        producer.send(record, PATIENCE).await.map_err(|(error, _)| error).expect("delivered");

        let consumer = reader(&bootstrap, &topic);
        let message = consumer.poll(PATIENCE).expect("a record in time").expect("no error");
        assert_eq!(message.payload(), Some(large.as_slice()), "acks={acks}");
        let headers = message.headers().expect("headers");
        assert_eq!(headers.get(0), Header { key: "trace", value: Some(&b"abc"[..]) });
        assert_eq!(headers.get(1), Header { key: "empty", value: None });
    }
    broker.shutdown().await.expect("a clean stop");
}

#[tokio::test]
async fn the_end_counts_what_was_answered_before_its_sync() {
    let folder = tempfile::tempdir().expect("a folder");
    let server = ServerConfig::embedded()
        .set("log.dirs", &folder.path().display().to_string())
        .set("durability", "fsync")
        .build()
        .expect("a good configuration");
    let broker = Broker::start(server).await.expect("a broker starts");
    let bootstrap = broker.bootstrap();
    let producer = producer(&bootstrap, &[("acks", "1"), ("linger.ms", "0")]);
    let consumer: BaseConsumer =
        ClientConfig::new().set("bootstrap.servers", &bootstrap).create().expect("a consumer");
    for number in 0..50usize {
        send_numbers(&producer, "ends", number..number + 1).await;
        let (start, end) = consumer.fetch_watermarks("ends", 0, PATIENCE).expect("told");
        assert_eq!((start, end), (0, number as i64 + 1));
    }
    drop((producer, consumer));
    broker.shutdown().await.expect("a clean stop");
}

#[tokio::test]
async fn a_second_start_finds_everything_as_it_was() {
    let folder = tempfile::tempdir().expect("a folder");
    let server = || {
        ServerConfig::embedded()
            .set("log.dirs", &folder.path().display().to_string())
            .build()
            .expect("a good configuration")
    };
    let first = Broker::start(server()).await.expect("a broker starts");
    let cluster = first.cluster_id().to_owned();
    let writing = producer(&first.bootstrap(), &[("acks", "all")]);
    send_numbers(&writing, "kept", 0..500).await;
    drop(writing);
    first.shutdown().await.expect("a clean stop");

    let second = Broker::start(server()).await.expect("it starts again");
    assert_eq!(second.cluster_id(), cluster);
    let bootstrap = second.bootstrap();
    let writing = producer(&bootstrap, &[("acks", "all")]);
    send_numbers(&writing, "kept", 500..600).await;
    let records = tokio::task::spawn_blocking(move || read(&bootstrap, "kept", 600)).await;
    assert_eq!(records.expect("read"), expected(0..600));
    drop(writing);
    second.shutdown().await.expect("a clean stop");
}

#[tokio::test]
async fn two_brokers_live_in_one_process() {
    let (one, other) = (broker().await, broker().await);
    assert_ne!(one.bootstrap(), other.bootstrap());
    assert_ne!(one.cluster_id(), other.cluster_id());
    send_numbers(&producer(&one.bootstrap(), &[]), "t", 0..1).await;
    send_numbers(&producer(&other.bootstrap(), &[]), "t", 0..2).await;
    let bootstrap = other.bootstrap();
    let records = tokio::task::spawn_blocking(move || read(&bootstrap, "t", 2)).await;
    assert_eq!(records.expect("read"), expected(0..2));
    one.shutdown().await.expect("a clean stop");
    other.shutdown().await.expect("a clean stop");
}

#[tokio::test]
async fn rskafka_creates_produces_and_reads_with_every_codec_it_has() {
    let broker = broker().await;
    let client = ClientBuilder::new(vec![broker.bootstrap()]).build().await.expect("connected");
    let controller = client.controller_client().expect("a controller");
    controller.create_topic("pure", 2, 1, 10_000).await.expect("created");
    let partition =
        client.partition_client("pure", 1, UnknownTopicHandling::Retry).await.expect("a partition");
    let mut expected = Vec::new();
    for compression in [Compression::NoCompression, Compression::Gzip, Compression::Lz4] {
        let record = Record {
            key: Some(format!("{compression:?}").into_bytes()),
            value: Some(b"value ".repeat(100)),
            headers: BTreeMap::from([("h".to_owned(), b"1".to_vec())]),
            timestamp: chrono::DateTime::from_timestamp_millis(1_700_000_000_123).expect("a time"),
        };
        partition.produce(vec![record.clone()], compression).await.expect("produced");
        expected.push(record);
    }
    let (records, high_watermark) =
        partition.fetch_records(0, 1..1_000_000, 10_000).await.expect("fetched");
    let records: Vec<_> = records.into_iter().map(|one| one.record).collect();
    assert_eq!(records, expected);
    assert_eq!(high_watermark, 3);
    assert_eq!(partition.get_offset(OffsetAt::Latest).await.expect("an offset"), 3);
    assert_eq!(partition.get_offset(OffsetAt::Earliest).await.expect("an offset"), 0);
    broker.shutdown().await.expect("a clean stop");
}
