//! The data path: produce, fetch, offsets, producer ids, and how answers wait and leave.

#![allow(clippy::expect_used, clippy::indexing_slicing, reason = "helpers of tests")]

#[path = "../support/mod.rs"]
mod support;

mod damage;
mod fetch;
mod lifecycle;
mod moves;
mod opening;
mod ordering;
mod own_sync;
mod produce;
mod sessions;
mod versions;

use headwater_protocol::messages::create_topics::{
    CreatableTopic, CreatableTopicConfig, CreateTopicsRequest,
};
use headwater_protocol::messages::fetch::{
    FetchPartition, FetchRequest, FetchResponse, FetchTopic, PartitionData,
};
use headwater_protocol::messages::produce::{
    PartitionProduceData, PartitionProduceResponse, ProduceRequest, ProduceResponse,
    TopicProduceData,
};
use headwater_protocol::records::{
    BatchBuilder, BatchLimits, BatchOptions, NewRecord, ProducerStamp, ReceivedBatches,
};
use headwater_protocol::wire::Records;
use headwater_types::{ErrorCode, ProducerEpoch, ProducerId};
use support::Broker;

/// A broker with topic `t` of two partitions.
fn broker_with_topic(configs: &[(&str, &str)]) -> Broker {
    let mut broker = Broker::start();
    create(&mut broker, "t", 2, configs);
    broker
}

fn create(broker: &mut Broker, name: &str, partitions: i32, configs: &[(&str, &str)]) {
    let configs = configs.iter().map(|(name, value)| CreatableTopicConfig {
        name: (*name).into(),
        value: Some((*value).into()),
        ..CreatableTopicConfig::default()
    });
    let request = CreateTopicsRequest {
        topics: vec![CreatableTopic {
            name: name.into(),
            num_partitions: partitions,
            replication_factor: 1,
            configs: configs.collect(),
            ..CreatableTopic::default()
        }],
        timeout_ms: 1_000,
        ..CreateTopicsRequest::default()
    };
    let response = broker.ask(5, &request);
    assert_eq!(response.topics[0].error_code, 0, "{response:?}");
}

/// A batch of records with these values, by a producer if one is named.
fn batch(broker: &Broker, values: &[&str], producer: Option<(i64, i16, i32)>) -> Records {
    let producer = producer.map(|(id, epoch, base_sequence)| ProducerStamp {
        id: ProducerId(id),
        epoch: ProducerEpoch(epoch),
        base_sequence,
    });
    let mut batch = BatchBuilder::new(BatchOptions { producer, ..BatchOptions::default() });
    for value in values {
        let record = NewRecord {
            timestamp: broker.now.wall_ms,
            value: Some(value.as_bytes()),
            ..NewRecord::default()
        };
        batch.push(record).expect("a small record");
    }
    Records::in_memory(batch.finish().expect("a batch").into_bytes())
}

fn produce_request(acks: i16, partitions: Vec<(i32, Records)>) -> ProduceRequest {
    ProduceRequest {
        acks,
        timeout_ms: 1_000,
        topic_data: vec![TopicProduceData {
            name: "t".into(),
            partition_data: partitions
                .into_iter()
                .map(|(index, records)| PartitionProduceData {
                    index,
                    records: Some(records),
                    ..PartitionProduceData::default()
                })
                .collect(),
            ..TopicProduceData::default()
        }],
        ..ProduceRequest::default()
    }
}

/// Code and base offset of each partition of the first topic, by partition.
fn outcomes(response: &ProduceResponse) -> Vec<(i32, ErrorCode, i64)> {
    let outcome = |one: &PartitionProduceResponse| {
        let error = ErrorCode::from_code(one.error_code).expect("a known code");
        (one.index, error, one.base_offset)
    };
    response.responses[0].partition_responses.iter().map(outcome).collect()
}

fn fetch_request(partitions: &[(i32, i64)]) -> FetchRequest {
    FetchRequest {
        replica_id: -1,
        max_wait_ms: 500,
        min_bytes: 1,
        max_bytes: 1 << 20,
        session_epoch: -1,
        topics: vec![FetchTopic {
            topic: "t".into(),
            partitions: partitions
                .iter()
                .map(|&(partition, fetch_offset)| FetchPartition {
                    partition,
                    fetch_offset,
                    partition_max_bytes: 1 << 20,
                    ..FetchPartition::default()
                })
                .collect(),
            ..FetchTopic::default()
        }],
        ..FetchRequest::default()
    }
}

/// What each partition of the response holds, in the response's order.
fn partitions(response: &FetchResponse) -> Vec<&PartitionData> {
    response.responses.iter().flat_map(|topic| &topic.partitions).collect()
}

/// The values in a partition's part of a response, with their offsets.
fn values(data: &PartitionData) -> Vec<(i64, String)> {
    let Some(bytes) = data.records.clone().and_then(Records::into_memory) else {
        return Vec::new();
    };
    let batches = ReceivedBatches::parse(bytes, BatchLimits::NONE).expect("whole batches");
    let mut values = Vec::new();
    for batch in batches {
        let batch = batch.validate().expect("the CRC still fits");
        for record in batch.records(1 << 20).expect("readable") {
            let record = record.expect("a whole record");
            let value = record.value.as_deref().unwrap_or_default();
            values.push((record.offset.0, String::from_utf8_lossy(value).into_owned()));
        }
    }
    values
}
