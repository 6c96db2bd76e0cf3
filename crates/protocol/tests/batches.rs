//! Properties of batches: what is built is read back with every codec, and damage is found.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
#![cfg(all(feature = "gzip", feature = "snappy", feature = "lz4", feature = "zstd"))]

use bytes::Bytes;
use headwater_protocol::records::*;
use headwater_types::{EndOffset, LeaderEpoch, Offset, ProducerEpoch, ProducerId};
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;

const LIMIT: usize = 1 << 20;

type Headers = Vec<(Vec<u8>, Option<Vec<u8>>)>;

#[derive(Clone, Debug)]
struct Plan {
    timestamp: i64,
    key: Option<Vec<u8>>,
    value: Option<Vec<u8>>,
    headers: Headers,
}

fn plan() -> impl Strategy<Value = Plan> {
    let bytes = || vec(any::<u8>(), 0..200);
    let headers = vec((bytes(), option::of(bytes())), 0..3);
    (any::<i64>(), option::of(bytes()), option::of(bytes()), headers)
        .prop_map(|(timestamp, key, value, headers)| Plan { timestamp, key, value, headers })
}

fn codec() -> impl Strategy<Value = Codec> {
    proptest::sample::select(Codec::ALL.to_vec())
}

fn build(plans: &[Plan], options: BatchOptions) -> ValidBatch {
    let mut builder = BatchBuilder::new(options);
    for plan in plans {
        let headers: Vec<_> = plan
            .headers
            .iter()
            .map(|(key, value)| RecordHeader { key, value: value.as_deref() })
            .collect();
        let record = NewRecord {
            timestamp: plan.timestamp,
            key: plan.key.as_deref(),
            value: plan.value.as_deref(),
            headers: &headers,
        };
        let at_most = builder.size_bytes_with(&record);
        builder.push(record).unwrap();
        assert!(builder.size_bytes() <= at_most);
    }
    builder.finish().unwrap()
}

fn plans_of(batch: &ValidBatch) -> Vec<Plan> {
    let records = batch.records(LIMIT).unwrap();
    records
        .into_iter()
        .map(|record| {
            let record = record.unwrap();
            let owned = |value: &Option<Bytes>| value.as_ref().map(|value| value.to_vec());
            Plan {
                timestamp: record.timestamp,
                key: owned(&record.key),
                value: owned(&record.value),
                headers: record
                    .headers()
                    .map(|header| (header.key.to_vec(), header.value.map(<[u8]>::to_vec)))
                    .collect(),
            }
        })
        .collect()
}

fn same(left: &[Plan], right: &[Plan]) -> bool {
    format!("{left:?}") == format!("{right:?}")
}

fn revalidated(bytes: &Bytes) -> Result<ValidBatch, BatchError> {
    ReceivedBatch::from_bytes(bytes.clone())?.validate()
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 128, failure_persistence: None, ..ProptestConfig::default()
    })]

    #[test]
    fn what_is_built_is_read(plans in vec(plan(), 1..20), codec in codec(), other in codec()) {
        let batch = build(&plans, BatchOptions { compression: codec.into(), ..Default::default() });
        prop_assert_eq!(revalidated(batch.bytes()), Ok(batch.clone()));
        prop_assert!(batch.check_from_client().is_ok());
        prop_assert!(same(&plans_of(&batch), &plans));
        let summary = batch.summarize(LIMIT).unwrap();
        prop_assert_eq!(summary.records, plans.len());
        prop_assert_eq!(summary.has_null_key, plans.iter().any(|plan| plan.key.is_none()));
        let largest = plans.iter().map(|plan| plan.timestamp).max();
        prop_assert_eq!(Some(summary.max_timestamp), largest);

        let again = batch.recompressed(other.into(), LIMIT).unwrap();
        prop_assert_eq!(again.codec(), other);
        prop_assert!(revalidated(again.bytes()).is_ok());
        prop_assert!(same(&plans_of(&again), &plans));
    }

    #[test]
    fn any_flipped_bit_is_found(plans in vec(plan(), 1..4), at in any::<prop::sample::Index>(), bit in 0..8) {
        let batch = build(&plans, BatchOptions::default());
        let mut bytes = batch.bytes().to_vec();
        // Base offset and leader epoch are the log's, and not covered.
        let at = 16 + at.index(bytes.len() - 16);
        bytes[at] ^= 1u8 << bit;
        prop_assert!(revalidated(&Bytes::from(bytes)).is_err());
    }

    #[test]
    fn lying_records_end_in_an_error(plans in vec(plan(), 1..6), codec in codec(), noise in vec((any::<prop::sample::Index>(), any::<u8>()), 1..4)) {
        // A right CRC over damaged records: nothing may panic, and no walk may go on for ever.
        let batch = build(&plans, BatchOptions { compression: codec.into(), ..Default::default() });
        let mut bytes = batch.bytes().to_vec();
        for (at, byte) in noise {
            let at = 57 + at.index(bytes.len() - 57);
            bytes[at] = byte;
        }
        let crc = crc32c(&bytes[21..]);
        bytes[17..21].copy_from_slice(&crc.to_be_bytes());
        if let Ok(batch) = revalidated(&Bytes::from(bytes)) {
            let _ = batch.summarize(LIMIT);
            if let Ok(records) = batch.records(LIMIT) {
                prop_assert!(records.into_iter().count() <= LIMIT);
            }
        }
    }

    #[test]
    fn a_fetch_may_end_anywhere(count in 1..5usize, cut in any::<prop::sample::Index>()) {
        let batch = build(&[Plan { timestamp: 1, key: None, value: None, headers: vec![] }], BatchOptions::default());
        let all = batch.bytes().repeat(count);
        let cut = cut.index(all.len() + 1);
        let bytes = Bytes::from(all[..cut].to_vec());
        let fetched = ReceivedBatches::parse_fetched(bytes.clone()).unwrap();
        prop_assert_eq!(fetched.batches.len(), cut / batch.size_bytes());
        prop_assert_eq!(fetched.partial_bytes, cut % batch.size_bytes());
        let whole = ReceivedBatches::parse(bytes, BatchLimits::NONE);
        prop_assert_eq!(whole.is_ok(), cut % batch.size_bytes() == 0);
    }

    #[test]
    fn noise_is_no_batch(noise in vec(any::<u8>(), 0..200)) {
        let noise = Bytes::from(noise);
        let _ = ReceivedBatches::parse_fetched(noise.clone());
        if let Ok(batches) = ReceivedBatches::parse(noise.clone(), BatchLimits::NONE) {
            for batch in batches {
                let _ = batch.legacy_records(LIMIT);
                let _ = batch.validate();
            }
        }
        for codec in Codec::ALL {
            let _ = decompress(codec, &noise, LIMIT);
        }
    }
}

fn one() -> ValidBatch {
    let plan = Plan {
        timestamp: 5,
        key: Some(b"k".to_vec()),
        value: Some(b"v".to_vec()),
        headers: vec![],
    };
    build(&[plan], BatchOptions::default())
}

/// The batch with some bytes changed and the CRC made right again.
fn forged(batch: &ValidBatch, at: usize, bytes: &[u8]) -> Result<ValidBatch, BatchError> {
    let mut forged = batch.bytes().to_vec();
    forged[at..at + bytes.len()].copy_from_slice(bytes);
    let crc = crc32c(&forged[21..]);
    forged[17..21].copy_from_slice(&crc.to_be_bytes());
    revalidated(&Bytes::from(forged))
}

#[test]
fn headers_that_contradict_themselves_are_refused() {
    let batch = one();
    assert!(forged(&batch, 57, &1i32.to_be_bytes()).is_ok());
    let count = |records_count| forged(&batch, 57, &i32::to_be_bytes(records_count));
    assert_eq!(count(2), Err(BatchError::Count { records_count: 2, last_offset_delta: 0 }));
    assert_eq!(count(-1), Err(BatchError::Count { records_count: -1, last_offset_delta: 0 }));
    assert_eq!(
        forged(&batch, 23, &(-1i32).to_be_bytes()),
        Err(BatchError::Count { records_count: 1, last_offset_delta: -1 })
    );
    assert_eq!(forged(&batch, 21, &5i16.to_be_bytes()), Err(BatchError::Codec(5)));
    assert_eq!(forged(&batch, 0, &(-1i64).to_be_bytes()), Err(BatchError::Offset(-1)));
    assert_eq!(forged(&batch, 0, &i64::MAX.to_be_bytes()), Err(BatchError::Offset(i64::MAX)));
    assert_eq!(forged(&batch, 16, &[3]), Err(BatchError::Magic { found: 3, expected: 2 }));
    let mut damaged = batch.bytes().to_vec();
    damaged[17] ^= 1;
    assert!(matches!(revalidated(&damaged.into()), Err(BatchError::Crc { .. })));
}

#[test]
fn lengths_that_cannot_be_are_refused() {
    let batch = one();
    let size = batch.size_bytes();
    let length = |length: i32| {
        let mut bytes = batch.bytes().to_vec();
        bytes[8..12].copy_from_slice(&length.to_be_bytes());
        ReceivedBatches::parse(Bytes::from(bytes), BatchLimits { batch_bytes_max: 1000 })
    };
    assert!(length(size as i32 - 12).is_ok());
    for wrong in [size as i32 - 11, size as i32 - 13, 48, 0, -1, -12, -13, i32::MIN] {
        assert!(
            matches!(length(wrong), Err(BatchError::Length { .. } | BatchError::TooShort { .. })),
            "{wrong}"
        );
    }
    assert_eq!(length(989), Err(BatchError::TooLarge { bytes: 1001, limit_bytes: 1000 }));
    let limit = |batch_bytes_max| {
        ReceivedBatches::parse(batch.bytes().clone(), BatchLimits { batch_bytes_max })
    };
    assert!(limit(size).is_ok());
    assert_eq!(limit(size - 1), Err(BatchError::TooLarge { bytes: size, limit_bytes: size - 1 }));
}

#[test]
fn clients_must_not_send_everything() {
    let batch = one();
    assert_eq!(batch.check_from_client(), Ok(()));
    let forged = |at, bytes: &[u8]| forged(&batch, at, bytes).unwrap().check_from_client();
    assert_eq!(forged(0, &7i64.to_be_bytes()), Err(BatchError::Offset(7)));
    assert_eq!(forged(21, &0x20i16.to_be_bytes()), Err(BatchError::Control));
    assert_eq!(forged(21, &0x08i16.to_be_bytes()), Err(BatchError::LogAppendTime));
    assert_eq!(
        forged(23, &1i32.to_be_bytes()),
        Err(BatchError::Count { records_count: 1, last_offset_delta: 1 })
    );
    assert_eq!(
        forged(57, &0i32.to_be_bytes()),
        Err(BatchError::Count { records_count: 0, last_offset_delta: 0 })
    );
    assert_eq!(
        forged(43, &9i64.to_be_bytes()),
        Err(BatchError::Producer { producer_id: 9, producer_epoch: -1, base_sequence: -1 })
    );
}

#[test]
fn records_and_header_must_agree() {
    let plan =
        |key: &[u8]| Plan { timestamp: 5, key: Some(key.to_vec()), value: None, headers: vec![] };
    let two = build(&[plan(b"a"), plan(b"b")], BatchOptions::default());
    let fewer = forged(&two, 57, &1i32.to_be_bytes()).unwrap();
    assert_eq!(fewer.summarize(LIMIT), Err(BatchError::RecordsCount { found: 2, claimed: 1 }));
    let more = forged(&two, 23, &2i32.to_be_bytes())
        .and_then(|batch| forged(&batch, 57, &3i32.to_be_bytes()))
        .unwrap();
    assert_eq!(more.summarize(LIMIT), Err(BatchError::RecordsCount { found: 2, claimed: 3 }));

    let mut builder = BatchBuilder::new(BatchOptions::default());
    builder.push_at(0, NewRecord::default()).unwrap();
    builder.push_at(2, NewRecord::default()).unwrap();
    assert_eq!(
        builder.push_at(2, NewRecord::default()),
        Err(BatchError::RecordOffset { index: 2, found: 2 })
    );
    let gaps = builder.finish().unwrap();
    assert_eq!(gaps.header().last_offset_delta, 2);
    let offsets: Vec<_> =
        gaps.records(LIMIT).unwrap().into_iter().map(|record| record.unwrap().offset.0).collect();
    assert_eq!(offsets, [0, 2]);
    assert_eq!(gaps.summarize(LIMIT), Err(BatchError::RecordOffset { index: 1, found: 2 }));
}

#[test]
fn a_place_changes_the_prefix_only() {
    let batch = one();
    let bytes = batch.bytes().clone();
    let placed = batch.with_place(Offset(41), LeaderEpoch(6));
    assert_eq!(placed.header.last_offset(), Offset(41));
    assert_eq!(placed.header.end_offset(), EndOffset(42));
    assert_eq!(placed.rest.as_ptr(), bytes[16..].as_ptr(), "not copied");
    let valid = revalidated(&placed.to_bytes()).unwrap();
    assert_eq!(valid.header().base_offset, Offset(41));
    assert_eq!(valid.header().leader_epoch, LeaderEpoch(6));
    assert_eq!(valid.bytes()[16..], bytes[16..]);
}

#[test]
fn log_append_time_counts_for_every_record() {
    let shared = one();
    for batch in [shared.clone(), one()] {
        let stamped = batch.with_log_append_time(1234).unwrap();
        assert!(revalidated(stamped.bytes()).is_ok());
        assert_eq!(stamped.header().attributes.timestamp_type(), TimestampType::LogAppendTime);
        assert_eq!(stamped.summarize(LIMIT).unwrap().max_timestamp, 1234);
    }
    assert_eq!(shared.summarize(LIMIT).unwrap().max_timestamp, 5);
}

#[test]
fn compaction_may_leave_nothing_but_the_producer() {
    let empty = BatchBuilder::new(BatchOptions {
        base_offset: Offset(100),
        producer: Some(ProducerStamp {
            id: ProducerId(1),
            epoch: ProducerEpoch(0),
            base_sequence: 4,
        }),
        last_offset_delta: Some(9),
        delete_horizon_ms: Some(777),
        ..BatchOptions::default()
    })
    .finish()
    .unwrap();
    assert!(revalidated(empty.bytes()).is_ok());
    assert_eq!(empty.header().end_offset(), EndOffset(110));
    assert_eq!(empty.header().last_sequence(), 13);
    assert_eq!(empty.header().delete_horizon_ms(), Some(777));
    assert_eq!(empty.records(LIMIT).unwrap().into_iter().count(), 0);
}

#[test]
fn a_level_that_does_not_exist_is_named() {
    for (codec, level) in [(Codec::Gzip, 10), (Codec::Gzip, 0), (Codec::Zstd, 23)] {
        assert_eq!(
            compress(Compression { codec, level: Some(level) }, b"x"),
            Err(CompressionError::Level { codec, level })
        );
    }
    for (codec, level) in [
        (Codec::Gzip, 9),
        (Codec::Gzip, -1),
        (Codec::Zstd, 22),
        (Codec::Zstd, -5),
        (Codec::Lz4, 17),
    ] {
        let packed = compress(Compression { codec, level: Some(level) }, b"xxxxxxxxxxx").unwrap();
        assert_eq!(decompress(codec, &packed, 11).unwrap(), &b"xxxxxxxxxxx"[..]);
    }
}
