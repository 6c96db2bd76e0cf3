//! Batches that foreign clients produced to Apache Kafka 4.3.1, as they lay in its log, and
//! messages of the formats 0 and 1 by kafka-python.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
#![cfg(all(feature = "gzip", feature = "snappy", feature = "lz4", feature = "zstd"))]

use bytes::Bytes;
use headwater_protocol::records::{
    BatchBuilder, BatchLimits, BatchOptions, Codec, EndTransactionMarker, NewRecord,
    ReceivedBatches, Record, RecordHeader, ValidBatch,
};
use headwater_types::{Offset, ProducerId};

const BATCHES: &str = include_str!("golden/batches-of-clients.txt");
const OLD: &str = include_str!("golden/messages-of-old-formats.txt");
const LIMIT: usize = 1 << 20;

/// The batches of one producer, by its name and that of its codec.
fn batches_of(wanted_client: &str, wanted_codec: &str) -> Vec<ValidBatch> {
    for line in BATCHES.lines() {
        let [client, codec, hex] = line.split(' ').collect::<Vec<_>>()[..] else { panic!() };
        if client == wanted_client && codec == wanted_codec {
            return ReceivedBatches::parse(from_hex(hex), BatchLimits::NONE)
                .unwrap()
                .into_iter()
                .map(|batch| batch.validate().unwrap())
                .collect();
        }
    }
    panic!("no batch of {wanted_client} with {wanted_codec}")
}

fn records_of(batch: &ValidBatch) -> Vec<Record> {
    batch.records(LIMIT).unwrap().into_iter().collect::<Result<_, _>>().unwrap()
}

fn text(bytes: &Option<Bytes>) -> &str {
    bytes.as_ref().map_or("(null)", |bytes| std::str::from_utf8(bytes).unwrap())
}

#[test]
fn every_client_and_codec_is_read() {
    for client in ["kcat", "java", "kafkapython", "aiokafka"] {
        for codec in Codec::ALL {
            let batches = batches_of(client, codec.name());
            let [batch] = &batches[..] else { panic!("{client} {codec}: {}", batches.len()) };
            assert_eq!(batch.codec(), codec);
            assert_eq!(batch.header().records_count, 3);

            let records = records_of(batch);
            assert_eq!(
                records.iter().map(|r| text(&r.key)).collect::<Vec<_>>(),
                ["key-1", "key-2", "key-3"]
            );
            for (index, record) in records.iter().enumerate() {
                assert_eq!(record.offset, Offset(index as i64));
                assert!(text(&record.value).starts_with(&format!("value number {}", index + 1)));
                let headers: Vec<_> = record.headers().collect();
                if client != "java" {
                    assert_eq!(headers[0], RecordHeader { key: b"head", value: Some(b"tail") });
                }
                if client == "kcat" {
                    assert_eq!(headers[1], RecordHeader { key: b"empty", value: None });
                }
            }
            let summary = batch.summarize(LIMIT).unwrap();
            assert_eq!(summary.records, 3);
            assert_eq!(summary.max_timestamp, batch.header().max_timestamp);
            assert!(!summary.has_null_key);
        }
    }
}

#[test]
fn uncompressed_batches_are_built_byte_for_byte() {
    for client in ["kcat", "kafkapython", "aiokafka"] {
        let batch = batches_of(client, "none").remove(0);
        let header = batch.header();
        let producer =
            header.has_producer().then_some(headwater_protocol::records::ProducerStamp {
                id: header.producer_id,
                epoch: header.producer_epoch,
                base_sequence: header.base_sequence,
            });
        let mut builder = BatchBuilder::new(BatchOptions {
            leader_epoch: header.leader_epoch,
            producer,
            ..BatchOptions::default()
        });
        for record in records_of(&batch) {
            let headers: Vec<_> = record.headers().collect();
            builder
                .push(NewRecord {
                    timestamp: record.timestamp,
                    key: record.key.as_deref(),
                    value: record.value.as_deref(),
                    headers: &headers,
                })
                .unwrap();
        }
        let mut ours = builder.finish().unwrap().into_bytes().to_vec();
        // aiokafka leaves the base sequence at 0 where there is no producer.
        if !header.has_producer() {
            let theirs = batch.bytes();
            ours[17..21].copy_from_slice(&theirs[17..21]);
            ours[53..57].copy_from_slice(&theirs[53..57]);
        }
        assert_eq!(&ours[..], &batch.bytes()[..], "{client}");
    }
}

#[test]
fn transactions_end_with_markers() {
    let batches = batches_of("txn", "none");
    let kinds: Vec<_> = batches
        .iter()
        .map(|batch| {
            let header = batch.header();
            assert!(header.attributes.is_transactional());
            assert!(header.producer_id > ProducerId::NONE);
            let marker = records_of(batch).first().and_then(EndTransactionMarker::from_record);
            (header.attributes.is_control(), header.base_sequence, marker.map(|m| m.commit))
        })
        .collect();
    assert_eq!(
        kinds,
        [(false, 0, None), (true, -1, Some(true)), (false, 3, None), (true, -1, Some(false)),]
    );
    // The coordinator's markers, made again.
    let header = batches[1].header();
    let record = &records_of(&batches[1])[0];
    let again = EndTransactionMarker::from_record(record)
        .unwrap()
        .to_batch(header.producer_id, header.producer_epoch, header.base_timestamp)
        .unwrap()
        .with_place(header.base_offset, header.leader_epoch)
        .to_bytes();
    assert_eq!(&again, batches[1].bytes());
}

#[test]
fn messages_of_old_formats_are_read() {
    for line in OLD.lines() {
        let [magic, codec, hex] = line.split(' ').collect::<Vec<_>>()[..] else { panic!() };
        let magic: i8 = magic.parse().unwrap();
        let mut records = Vec::new();
        for message in ReceivedBatches::parse(from_hex(hex), BatchLimits::NONE).unwrap() {
            assert_eq!(message.magic(), magic);
            records.extend(message.legacy_records(LIMIT).unwrap());
            assert!(message.validate().is_err());
        }
        let seen: Vec<_> = records
            .iter()
            .map(|r| (r.offset.0, r.timestamp, text(&r.key).to_owned(), r.value.is_some()))
            .collect();
        let time = |n: i64| if magic == 0 { -1 } else { 1_700_000_000_000 + n };
        // Whole sets have the offset of their last message, 0 as producers send it.
        let base = if magic == 1 && codec != "none" { -2 } else { 0 };
        assert_eq!(
            seen,
            [
                (base, time(1), "key-1".to_owned(), true),
                (base + 1, time(2), "key-2".to_owned(), false),
                (base + 2, time(3), "key-3".to_owned(), true),
            ],
            "format {magic} with {codec}"
        );
    }
}

fn from_hex(text: &str) -> Bytes {
    let digit = |at: usize| u8::from_str_radix(&text[at..at + 2], 16).unwrap();
    (0..text.len()).step_by(2).map(digit).collect()
}
