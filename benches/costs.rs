//! What a log costs, in CPU time of the calling thread for each GB: appending (CRC check included),
//! appending with a sync for every so many bytes, and finding what to send of data that this process
//! has not written, for the first time (every batch is checked) and again.
//!
//! `TMPDIR=/on/a/real/disk cargo bench -p headwater-benches --bench costs`. CPU time is read from
//! `/proc`, so that the figures are for Linux; the lines say wall time elsewhere.

#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::print_stdout)]

use headwater_log::{
    AppendOptions, Disk, DiskOptions, Log, LogConfig, LogIdentity, OpenKind, ReadLimit, RealDisk,
    ScrubCursor,
};
use headwater_protocol::records::{
    BatchBuilder, BatchLimits, BatchOptions, NewRecord, ReceivedBatches,
};
use headwater_types::{EndOffset, LeaderEpoch, Offset, PartitionIndex, Uuid};
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

const NOW_MS: i64 = 1_700_000_000_000;
const GB: f64 = 1e9;
/// After so many bytes the log begins anew, so that the page cache stays small.
const LOG_BYTES_MAX: u64 = 256 << 20;

/// CPU time of this thread, or what a clock says.
fn spent(started: Instant) -> Duration {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    match text.split(' ').next().and_then(|ns| ns.parse().ok()) {
        Some(ns) => Duration::from_nanos(ns),
        None => started.elapsed(),
    }
}

/// Runs something that gives the bytes it has worked through, and says what a GB has cost.
fn measure(name: &str, run: impl FnOnce() -> u64) {
    let started = Instant::now();
    let before = spent(started);
    let bytes = run();
    let cpu = spent(started) - before;
    let wall = started.elapsed();
    let gb = bytes as f64 / GB;
    println!(
        "{name:42} {:>6.0} CPU-ms/GB {:>7.2} GB/s",
        cpu.as_secs_f64() * 1000.0 / gb,
        gb / wall.as_secs_f64()
    );
}

fn batch(bytes: usize) -> bytes::Bytes {
    let value = vec![b'v'; 1000];
    let mut builder = BatchBuilder::new(BatchOptions::default());
    for _ in 0..(bytes / 1024).max(1) {
        let record = NewRecord { timestamp: NOW_MS, value: Some(&value), ..NewRecord::default() };
        builder.push(record).unwrap();
    }
    builder.finish().unwrap().into_bytes()
}

fn open(disk: &Arc<dyn Disk>, folder: &Path, kind: OpenKind) -> Log {
    let identity = LogIdentity {
        topic: "bench".into(),
        topic_id: Uuid([1; 16]),
        partition: PartitionIndex(0),
    };
    let config = LogConfig {
        max_message_bytes: 2 << 20,
        segment_bytes: 128 << 20,
        timestamp_after_max_ms: i64::MAX,
        ..LogConfig::default()
    };
    let path = folder.join("bench-0");
    Log::open(Arc::clone(disk), &path, identity, Arc::new(config), NOW_MS, kind).unwrap()
}

fn append(log: &mut Log, bytes: &bytes::Bytes) {
    let mut received = ReceivedBatches::parse(bytes.clone(), BatchLimits::NONE).unwrap();
    let valid = received.pop().unwrap().validate().unwrap();
    let options = AppendOptions::default();
    log.append_as_leader(vec![valid], LeaderEpoch(0), NOW_MS, options).unwrap();
}

/// Appends so many bytes, and syncs whenever so many are not.
fn appends(batch_bytes: usize, total_bytes: u64, synced_every: Option<u64>) -> u64 {
    let folder = tempfile::tempdir().unwrap();
    let disk: Arc<dyn Disk> = Arc::new(RealDisk::start(DiskOptions::default()).unwrap());
    let mut log = open(&disk, folder.path(), OpenKind::UNKNOWN);
    let batch = batch(batch_bytes);
    let (mut done, mut unsynced) = (0, 0);
    while done < total_bytes {
        append(&mut log, &batch);
        done += batch.len() as u64;
        unsynced += batch.len() as u64;
        if synced_every.is_some_and(|every| unsynced >= every)
            && let Some(plan) = log.begin_sync()
        {
            let result = plan.run(&*disk);
            log.complete_sync(plan, result).unwrap();
            unsynced = 0;
        }
        if log.size_bytes() > LOG_BYTES_MAX {
            log.truncate_fully_and_start_at(Offset(0), NOW_MS).unwrap();
            log.apply_retention(NOW_MS, EndOffset(0)).unwrap();
        }
    }
    done
}

fn read_all(log: &Log, max_bytes: usize) -> u64 {
    let end = log.log_end();
    let limit = ReadLimit { max_bytes, at_least_one: true, upper: end };
    let (mut at, mut bytes) = (Offset(0), 0);
    while end.covers(at) {
        let read = log.read(at, limit).unwrap();
        bytes += read.bytes as u64;
        at = read.next;
    }
    bytes
}

fn reads(batch_bytes: usize) {
    let folder = tempfile::tempdir().unwrap();
    let disk: Arc<dyn Disk> = Arc::new(RealDisk::start(DiskOptions::default()).unwrap());
    let mut log = open(&disk, folder.path(), OpenKind::UNKNOWN);
    let batch = batch(batch_bytes);
    while log.size_bytes() < 512 << 20 {
        append(&mut log, &batch);
    }
    let known = log.close_clean().unwrap();
    drop(log);
    let log = open(&disk, folder.path(), OpenKind::AfterCleanStop(known));
    let name = |what| format!("read, {} KB batches, {what}", batch_bytes / 1024);
    for what in ["the first time", "again", "and again"] {
        measure(&name(what), || read_all(&log, 1 << 20));
    }
    measure(&name("scrubbed"), || {
        let (mut at, mut bytes) = (Some(ScrubCursor::START), 0);
        while let Some(cursor) = at {
            let step = log.scrub(cursor, 128 * 1024).unwrap();
            bytes += step.bytes;
            at = step.next;
        }
        bytes
    });
}

fn main() {
    for kb in [1, 16, 64, 1024] {
        let total_bytes = if kb == 1 { 256 << 20 } else { 1 << 30 };
        let name = format!("append, {kb} KB batches, buffered");
        measure(&name, || appends(kb * 1024, total_bytes, None));
    }
    for kb in [1, 16, 64, 1024] {
        let name = format!("append, {kb} KB batches, a sync each MB");
        measure(&name, || appends(kb * 1024, 256 << 20, Some(1 << 20)));
    }
    for kb in [1, 16, 1024] {
        reads(kb * 1024);
    }
}
