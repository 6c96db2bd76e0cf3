//! Looking into the files of a log.

use crate::common::*;
use headwater_log::dump::*;
use headwater_log::*;
use std::path::{Path, PathBuf};

const FIXTURE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/kafka-4.3.1");

fn disk() -> RealDisk {
    RealDisk::start(DiskOptions::default()).unwrap()
}

fn fixture(name: &str) -> PathBuf {
    Path::new(FIXTURE).join(name)
}

fn lines<T: ToString>(rows: &[T]) -> Vec<String> {
    rows.iter().map(T::to_string).collect()
}

/// The expected lines are those that kafka-dump-log of Apache Kafka 4.3.1 prints.
#[test]
fn rows_read_as_those_of_kafka() {
    let rows: Vec<_> = LogDump::open(&disk(), &fixture("txn-0/00000000000000000003.log"))
        .unwrap()
        .map(Result::unwrap)
        .collect();
    let [LogRow::Batch(marker), LogRow::Batch(data), ..] = &rows[..] else { panic!("{rows:?}") };
    assert_eq!(
        marker.to_string(),
        "baseOffset: 3 lastOffset: 3 count: 1 baseSequence: -1 lastSequence: -1 producerId: 6 \
         producerEpoch: 0 partitionLeaderEpoch: 0 isTransactional: true isControl: true \
         deleteHorizonMs: OptionalLong.empty position: 0 CreateTime: 1795532691652 size: 78 \
         magic: 2 compresscodec: none crc: 3230041377 isvalid: true"
    );
    assert_eq!(
        lines(&marker.records().unwrap()),
        ["| offset: 3 CreateTime: 1795532691652 keySize: 4 valueSize: 6 sequence: -1 \
          headerKeys: [] endTxnMarker: COMMIT coordinatorEpoch: 0"]
    );
    assert_eq!(
        lines(&data.records().unwrap()),
        ["| offset: 4 CreateTime: 1700001500000 keySize: 1 valueSize: 4 sequence: 3 \
          headerKeys: [] key: k payload: t1-0"]
    );
    let rows = offset_index(&disk(), &fixture("plain-0/00000000000000000055.index")).unwrap();
    let expected = [
        "offset: 57 position: 238",
        "offset: 59 position: 476",
        "offset: 61 position: 714",
        "offset: 63 position: 952",
    ];
    assert_eq!(lines(&rows), expected);
    let rows = time_index(&disk(), &fixture("plain-0/00000000000000000055.timeindex")).unwrap();
    let expected = ["timestamp: 1700007202000 offset: 57", "timestamp: 1700007204000 offset: 59"];
    assert_eq!(lines(&rows), expected);
    let rows = txn_index(&disk(), &fixture("txn-0/00000000000000000003.txnindex")).unwrap();
    assert_eq!(rows.len(), 5);
    assert_eq!(
        rows[4].to_string(),
        "version: 0 producerId: 6 firstOffset: 25 lastOffset: 26 lastStableOffset: 24"
    );
    let rows = snapshot(&disk(), &fixture("txn-0/00000000000000000027.snapshot")).unwrap();
    assert_eq!(
        lines(&rows),
        [
            "producerId: 6 producerEpoch: 0 coordinatorEpoch: 0 currentTxnFirstOffset: \
             OptionalLong.empty lastTimestamp: 1795532691891 firstSequence: 18 lastSequence: 18 \
             lastOffset: 25 offsetDelta: 0 timestamp: 1795532691891",
            "producerId: 7 producerEpoch: 0 coordinatorEpoch: -1 currentTxnFirstOffset: \
             OptionalLong[24] lastTimestamp: 1700010500000 firstSequence: 0 lastSequence: 0 \
             lastOffset: 24 offsetDelta: 0 timestamp: 1700010500000",
        ]
    );
    let rows = epochs(&disk(), &fixture("plain-0/leader-epoch-checkpoint")).unwrap();
    assert_eq!(lines(&rows), ["epoch: 0 startOffset: 0"]);
}

#[test]
fn every_codec_is_read_and_every_index_fits() {
    let mut codecs = Vec::new();
    let mut records = 0;
    for entry in std::fs::read_dir(fixture("plain-0")).unwrap() {
        let path = entry.unwrap().path();
        match file_kind(&path) {
            Some((FileKind::Log, _)) => {
                for row in LogDump::open(&disk(), &path).unwrap() {
                    let LogRow::Batch(batch) = row.unwrap() else { panic!("broken") };
                    assert!(batch.is_valid);
                    codecs.push(batch.codec);
                    records += batch.records().unwrap().len();
                }
            }
            Some((FileKind::OffsetIndex, _)) => {
                assert_eq!(check_offset_index(&disk(), &path).unwrap(), []);
            }
            Some((FileKind::TimeIndex, _)) => {
                assert_eq!(check_time_index(&disk(), &path).unwrap(), []);
            }
            _ => {}
        }
    }
    assert_eq!(records, 70);
    codecs.sort_unstable();
    codecs.dedup();
    assert_eq!(codecs, ["gzip", "lz4", "none", "snappy", "zstd"]);
}

#[test]
fn what_is_wrong_is_said() {
    let (disk, mut log) = new_log(LogConfig { segment_bytes: 1 << 20, ..small() });
    for _ in 0..20 {
        append(&mut log, &records(1, 100)).unwrap();
    }
    log.close_clean().unwrap();
    let path = |extension: &str| folder().join(format!("00000000000000000000.{extension}"));
    assert_eq!(check_offset_index(&disk, &path("index")).unwrap(), []);
    assert_eq!(check_time_index(&disk, &path("timeindex")).unwrap(), []);
    let index = disk.open(&path("index"), OpenMode::ReadWrite).unwrap();
    index.write_at(&[&77u32.to_be_bytes()], 4).unwrap();
    let problems = check_offset_index(&disk, &path("index")).unwrap();
    assert_eq!(problems.len(), 1);
    assert!(problems[0].problem.contains("no batch starts at 77"), "{}", problems[0]);
    let file = disk.open(&path("log"), OpenMode::ReadWrite).unwrap();
    let size = log.size_bytes() / 20;
    file.write_at(&[b"xx"], size * 3 + 70).unwrap();
    file.write_at(&[b"xx"], size * 5 + 16).unwrap();
    let rows: Vec<_> = LogDump::open(&disk, &path("log")).unwrap().map(Result::unwrap).collect();
    assert_eq!(rows.len(), 6);
    assert!(matches!(&rows[3], LogRow::Batch(batch) if !batch.is_valid));
    let LogRow::Broken(broken) = &rows[5] else { panic!("{rows:?}") };
    assert_eq!((broken.position, broken.bytes_left), (size * 5, size * 15));
}
