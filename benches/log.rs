//! Appending to and reading from one log, on the file system of the temporary folder.

#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used)]

use bytes::Bytes;
use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use headwater_log::{
    AppendOptions, Disk, DiskOptions, Log, LogConfig, LogIdentity, OpenKind, ReadLimit, ReadSlice,
    RealDisk,
};
use headwater_protocol::records::{BatchBuilder, BatchOptions, NewRecord, ValidBatch};
use headwater_types::{EndOffset, LeaderEpoch, Offset, PartitionIndex, Uuid};
use std::hint::black_box;
use std::sync::Arc;

const NOW_MS: i64 = 1_700_000_000_000;

/// Records of 1 KB, as many as fill about so many bytes.
fn batch(bytes: usize) -> ValidBatch {
    let value = vec![b'v'; 1000];
    let mut builder = BatchBuilder::new(BatchOptions::default());
    for _ in 0..(bytes / 1024).max(1) {
        builder
            .push(NewRecord {
                timestamp: NOW_MS,
                key: None,
                value: Some(&value),
                ..NewRecord::default()
            })
            .unwrap();
    }
    builder.finish().unwrap()
}

fn new_log(folder: &tempfile::TempDir) -> Log {
    let disk: Arc<dyn Disk> = Arc::new(RealDisk::start(DiskOptions::default()).unwrap());
    let identity = LogIdentity {
        topic: "bench".into(),
        topic_id: Uuid([1; 16]),
        partition: PartitionIndex(0),
    };
    let config = Arc::new(LogConfig { max_message_bytes: 2 << 20, ..LogConfig::default() });
    let path = folder.path().join("bench-0");
    Log::open(disk, &path, identity, config, NOW_MS, OpenKind::UNKNOWN).unwrap()
}

/// Bytes after which a log is begun anew, so that the page cache stays small.
const LOG_BYTES_MAX: u64 = 256 << 20;

fn append(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("append");
    for (name, bytes) in [("1k", 1 << 10), ("16k", 16 << 10), ("1m", 1 << 20)] {
        let batch = batch(bytes);
        let folder = tempfile::tempdir().unwrap();
        let mut log = new_log(&folder);
        group.throughput(Throughput::Bytes(batch.size_bytes() as u64));
        group.bench_function(name, |bencher| {
            bencher.iter_batched(
                || vec![batch.clone()],
                |batches| {
                    if log.size_bytes() > LOG_BYTES_MAX {
                        log.truncate_fully_and_start_at(Offset(0), NOW_MS).unwrap();
                        log.apply_retention(NOW_MS, EndOffset(0)).unwrap();
                    }
                    let options = AppendOptions::default();
                    log.append_as_leader(batches, LeaderEpoch(0), NOW_MS, options).unwrap()
                },
                BatchSize::SmallInput,
            );
        });
    }
    group.finish();
}

/// Finding what to send, without sending it.
fn read(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("read");
    let folder = tempfile::tempdir().unwrap();
    let mut log = new_log(&folder);
    let small = batch(1 << 10);
    for _ in 0..50_000 {
        let options = AppendOptions::default();
        log.append_as_leader(vec![small.clone()], LeaderEpoch(0), NOW_MS, options).unwrap();
    }
    let end = log.log_end();
    let limit = |max_bytes| ReadLimit { max_bytes, at_least_one: true, upper: end };
    group.bench_function("newest", |bencher| {
        bencher.iter(|| log.read(black_box(Offset(end.0 - 1)), limit(1 << 20)).unwrap());
    });
    group.bench_function("next_1m", |bencher| {
        let mut at = Offset(0);
        bencher.iter(|| {
            let read = log.read(at, limit(1 << 20)).unwrap();
            at = if end.covers(read.next) { read.next } else { Offset(0) };
            read
        });
    });
    group.bench_function("random_64k", |bencher| {
        let mut at = 1u64;
        bencher.iter(|| {
            at = at.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            log.read(Offset((at >> 33) as i64 % end.0), limit(64 << 10)).unwrap()
        });
    });
    group.bench_function("random_64k_into_memory", |bencher| {
        let mut at = 1u64;
        bencher.iter(|| {
            at = at.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            let read = log.read(Offset((at >> 33) as i64 % end.0), limit(64 << 10)).unwrap();
            read.slices
                .into_iter()
                .map(|slice| match slice {
                    ReadSlice::Memory(bytes) => bytes,
                    ReadSlice::File(file) => file.read(usize::MAX).unwrap(),
                })
                .collect::<Vec<Bytes>>()
        });
    });
    group.finish();
}

criterion_group!(benches, append, read);
criterion_main!(benches);
