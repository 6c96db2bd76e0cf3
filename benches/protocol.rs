//! The hot paths of the codec: Produce and Fetch, the proof of a batch, and the CRC alone.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a bench that fails should say so")]

use bytes::Bytes;
use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use headwater_protocol::Message;
use headwater_protocol::messages::fetch::{FetchResponse, FetchableTopicResponse, PartitionData};
use headwater_protocol::messages::produce::{
    PartitionProduceData, ProduceRequest, TopicProduceData,
};
use headwater_protocol::records::{
    BatchBuilder, BatchLimits, BatchOptions, Codec, NewRecord, ReceivedBatch, ReceivedBatches,
    crc32c,
};
use headwater_protocol::wire::{Reader, Writer};
use std::hint::black_box;

/// A batch of about `bytes` in records of 100.
fn batch(bytes: usize, codec: Codec) -> Bytes {
    let mut builder =
        BatchBuilder::new(BatchOptions { compression: codec.into(), ..BatchOptions::default() });
    let mut value = [0u8; 100];
    while builder.size_bytes() < bytes {
        for (at, byte) in value.iter_mut().enumerate() {
            *byte = (builder.records() * 31 + at * at) as u8 | 1;
        }
        builder
            .push(NewRecord { timestamp: 1, key: None, value: Some(&value), headers: &[] })
            .unwrap();
    }
    builder.finish().unwrap().into_bytes()
}

fn encoded(message: &impl Message, version: i16) -> Bytes {
    let mut writer = Writer::new();
    message.encode(&mut writer, version).unwrap();
    writer.into_bytes().unwrap()
}

fn produce_request(partitions: i32, bytes: usize) -> ProduceRequest {
    let records = batch(bytes, Codec::None);
    let partition = |index| PartitionProduceData {
        index,
        records: Some(records.clone().into()),
        ..PartitionProduceData::default()
    };
    ProduceRequest {
        acks: -1,
        timeout_ms: 30_000,
        topic_data: vec![TopicProduceData {
            name: "orders".into(),
            partition_data: (0..partitions).map(partition).collect(),
            ..TopicProduceData::default()
        }],
        ..ProduceRequest::default()
    }
}

fn fetch_response(partitions: i32, bytes: usize) -> FetchResponse {
    let records = batch(bytes, Codec::None);
    let partition = |partition_index| PartitionData {
        partition_index,
        high_watermark: 1000,
        records: Some(records.clone().into()),
        ..PartitionData::default()
    };
    FetchResponse {
        responses: vec![FetchableTopicResponse {
            topic: "orders".into(),
            partitions: (0..partitions).map(partition).collect(),
            ..FetchableTopicResponse::default()
        }],
        ..FetchResponse::default()
    }
}

fn messages(c: &mut Criterion) {
    let mut group = c.benchmark_group("messages");
    for (partitions, bytes) in [(1, 1024), (1, 1 << 20), (50, 1024)] {
        let produce = encoded(&produce_request(partitions, bytes), 9);
        group.throughput(Throughput::Bytes(produce.len() as u64));
        group.bench_function(format!("produce/decode/{partitions}x{bytes}"), |b| {
            b.iter(|| {
                ProduceRequest::decode(&mut Reader::new(black_box(&produce).clone()), 9).unwrap()
            });
        });
        let response = fetch_response(partitions, bytes);
        let fetch = encoded(&response, 12);
        group.throughput(Throughput::Bytes(fetch.len() as u64));
        group.bench_function(format!("fetch/decode/{partitions}x{bytes}"), |b| {
            b.iter(|| {
                FetchResponse::decode(&mut Reader::new(black_box(&fetch).clone()), 12).unwrap()
            });
        });
        group.bench_function(format!("fetch/encode/{partitions}x{bytes}"), |b| {
            b.iter(|| {
                let mut writer = Writer::new();
                black_box(&response).encode(&mut writer, 12).unwrap();
                writer.finish_frame().unwrap()
            });
        });
    }
    group.finish();
}

fn batches(c: &mut Criterion) {
    let mut group = c.benchmark_group("batches");
    for bytes in [1024, 16 * 1024, 1 << 20] {
        let batch = batch(bytes, Codec::None);
        group.throughput(Throughput::Bytes(batch.len() as u64));
        group.bench_function(format!("crc32c/{bytes}"), |b| {
            b.iter(|| crc32c(black_box(&batch)));
        });
        group.bench_function(format!("parse and validate/{bytes}"), |b| {
            b.iter_batched(
                || batch.clone(),
                |bytes| {
                    let received = ReceivedBatches::parse(bytes, BatchLimits::NONE).unwrap();
                    received.into_iter().map(ReceivedBatch::validate).all(|batch| batch.is_ok())
                },
                BatchSize::SmallInput,
            );
        });
        group.bench_function(format!("records/{bytes}"), |b| {
            let received = ReceivedBatches::parse(batch.clone(), BatchLimits::NONE).unwrap();
            let valid = received.into_iter().next().unwrap().validate().unwrap();
            b.iter(|| valid.records(1 << 30).unwrap().into_iter().count());
        });
    }
    group.finish();
}

fn codecs(c: &mut Criterion) {
    let mut group = c.benchmark_group("codecs");
    for codec in Codec::ALL {
        group.bench_function(format!("build 16 KiB/{codec}"), |b| {
            b.iter(|| batch(black_box(16 * 1024), codec));
        });
        let received = ReceivedBatches::parse(batch(16 * 1024, codec), BatchLimits::NONE).unwrap();
        let valid = received.into_iter().next().unwrap().validate().unwrap();
        group.bench_function(format!("read 16 KiB/{codec}"), |b| {
            b.iter(|| valid.records(1 << 30).unwrap().into_iter().count());
        });
    }
    group.finish();
}

criterion_group!(benches, messages, batches, codecs);
criterion_main!(benches);
