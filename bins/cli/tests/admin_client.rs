//! The client library against a real broker in this process: what the program has no command for.

// A test that meets what it does not expect ends there.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use headwater_broker::{Broker, BrokerOptions};
use headwater_client::core::admin::{
    CreateTopics, DeleteRecords, DeleteTopics, DescribeLogDirs, ListOffsets, NewTopic, OffsetSpec,
    PartitionKey, TopicKey,
};
use headwater_client::core::{AdminError, Destination, Disposition};
use headwater_client::{AdminClient, ClientConfig, parse_bootstrap};
use headwater_protocol::messages::produce::{
    PartitionProduceData, ProduceRequest, TopicProduceData,
};
use headwater_protocol::records::{BatchBuilder, BatchOptions, NewRecord};
use headwater_protocol::wire::{Records, Str};
use headwater_types::{BrokerId, EndOffset, ErrorCode, Offset};
use std::time::Duration;

async fn start() -> (Broker, AdminClient) {
    let broker = Broker::start(BrokerOptions::ephemeral().unwrap()).await.unwrap();
    let config = ClientConfig::new(parse_bootstrap(&broker.bootstrap()).unwrap());
    (broker, AdminClient::new(config))
}

async fn create(admin: &AdminClient, topic: &str, partitions: i32) {
    let new = NewTopic { partitions: Some(partitions), ..Default::default() };
    let call = CreateTopics { topics: [(topic.to_owned(), new)].into(), ..Default::default() };
    for (_, outcome) in admin.create_topics(call).await {
        outcome.unwrap();
    }
}

/// Writes one batch whose records have these timestamps; gives the first offset.
async fn produce(admin: &AdminClient, key: &PartitionKey, timestamps: &[i64]) -> i64 {
    let mut builder = BatchBuilder::new(BatchOptions::default());
    for &timestamp in timestamps {
        builder.push(NewRecord { timestamp, value: Some(b"v"), ..Default::default() }).unwrap();
    }
    let batch = builder.finish().unwrap().into_bytes();
    let client = admin.client();
    let destination = Destination::Leader { topic: key.topic.clone(), partition: key.partition };
    let connection = client.connection_to(&destination).await.unwrap();
    let request = ProduceRequest {
        acks: -1,
        timeout_ms: 5_000,
        topic_data: vec![TopicProduceData {
            name: Str::from(key.topic.as_str()),
            partition_data: vec![PartitionProduceData {
                index: key.partition,
                records: Some(Records::in_memory(batch)),
                ..Default::default()
            }],
            ..Default::default()
        }],
        ..Default::default()
    };
    // By name: version 13 wants the topic's id.
    let version = connection.version::<ProduceRequest>().unwrap().min(12);
    let timeout = Duration::from_secs(10);
    let response = connection.call(&request, version, timeout).await.unwrap();
    let partition = &response.responses[0].partition_responses[0];
    assert_eq!(partition.error_code, 0);
    partition.base_offset
}

async fn offset(admin: &AdminClient, key: &PartitionKey, spec: OffsetSpec) -> Option<i64> {
    let partitions = [(key.clone(), spec)].into();
    let call = ListOffsets { partitions, ..Default::default() };
    admin.list_offsets(call).await.remove(key).unwrap().unwrap().offset
}

#[tokio::test]
async fn places_in_a_log_and_records_deleted() {
    let (broker, admin) = start().await;
    create(&admin, "t", 2).await;
    let key = PartitionKey::new("t", 1);
    assert_eq!(produce(&admin, &key, &[1_000, 3_000]).await, 0);
    assert_eq!(produce(&admin, &key, &[2_000]).await, 2);
    assert_eq!(offset(&admin, &key, OffsetSpec::Earliest).await, Some(0));
    assert_eq!(offset(&admin, &key, OffsetSpec::Latest).await, Some(3));
    assert_eq!(offset(&admin, &key, OffsetSpec::Timestamp(1_500)).await, Some(1));
    assert_eq!(offset(&admin, &key, OffsetSpec::Timestamp(3_001)).await, None);
    assert_eq!(offset(&admin, &key, OffsetSpec::MaxTimestamp).await, Some(1));
    assert_eq!(offset(&admin, &PartitionKey::new("t", 0), OffsetSpec::Latest).await, Some(0));

    let delete =
        |before| DeleteRecords { before: [(key.clone(), before)].into(), ..Default::default() };
    let outcome = admin.delete_records(delete(Some(EndOffset(1)))).await.remove(&key).unwrap();
    assert_eq!(outcome, Ok(Offset(1)));
    assert_eq!(offset(&admin, &key, OffsetSpec::Earliest).await, Some(1));
    let beyond = admin.delete_records(delete(Some(EndOffset(9)))).await.remove(&key).unwrap();
    assert_eq!(beyond.unwrap_err().error_code(), Some(ErrorCode::OffsetOutOfRange));
    let all = admin.delete_records(delete(None)).await.remove(&key).unwrap();
    assert_eq!(all, Ok(Offset(3)));

    let id = admin.client().cluster().brokers().next().unwrap().id;
    let call = DescribeLogDirs { brokers: vec![id] };
    let folders = admin.describe_log_dirs(call).await.remove(&id).unwrap().unwrap();
    assert!(folders[0].replicas[&key].size_bytes > 0);
    broker.shutdown().await.unwrap();
}

#[tokio::test]
async fn a_topic_or_broker_nobody_knows_is_reported_soon() {
    let (broker, admin) = start().await;
    let key = PartitionKey::new("absent", 0);
    let partitions = [(key.clone(), OffsetSpec::Latest)].into();
    let call = ListOffsets { partitions, ..Default::default() };
    let error = admin.list_offsets(call).await.remove(&key).unwrap().unwrap_err();
    assert_eq!(error.disposition(), Disposition::Fatal);
    assert!(error.to_string().contains("topic absent does not exist"), "{error}");
    let nobody = BrokerId(4_711);
    let call = DescribeLogDirs { brokers: vec![nobody] };
    let error = admin.describe_log_dirs(call).await.remove(&nobody).unwrap().unwrap_err();
    assert!(matches!(error, AdminError::Call(_)), "{error}");
    broker.shutdown().await.unwrap();
}

#[tokio::test]
async fn many_topics_are_described_page_by_page() {
    let (broker, admin) = start().await;
    // More partitions than one page has.
    for topic in ["a", "b", "c"] {
        create(&admin, topic, 900).await;
    }
    let names = ["a", "b", "c"].map(str::to_owned);
    let described = admin.describe_topics(names.clone()).await;
    for name in &names {
        let topic = described[name].as_ref().unwrap();
        let indexes: Vec<i32> = topic.partitions.iter().map(|each| each.index).collect();
        assert_eq!(indexes, (0..900).collect::<Vec<_>>(), "{name}");
    }
    let topics = names.iter().cloned().map(TopicKey::Name).collect();
    let call = DeleteTopics { topics, ..Default::default() };
    assert!(admin.delete_topics(call).await.values().all(Result::is_ok));
    assert_eq!(admin.list_topics().await, Ok(Vec::new()));
    broker.shutdown().await.unwrap();
}

#[tokio::test]
async fn a_client_outlives_its_broker() {
    let (broker, admin) = start().await;
    create(&admin, "t", 1).await;
    let address = broker.bootstrap();
    broker.shutdown().await.unwrap();
    let config = ClientConfig {
        bootstrap_attempts_max: 1,
        ..ClientConfig::new(parse_bootstrap(&address).unwrap())
    };
    let fresh = AdminClient::new(config);
    assert!(fresh.list_topics().await.unwrap_err().is_unreachable());
    let connected = admin.client().connection(headwater_client::core::Route::AnyBroker).await;
    assert!(connected.unwrap_err().is_unreachable());
}
