//! `headwater log dump` on sound, damaged, torn and foreign files.

// A test that meets what it does not expect ends there.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use headwater_protocol::records::{
    BatchBuilder, BatchOptions, Codec, NewRecord, ProducerStamp, RecordHeader,
};
use headwater_types::{LeaderEpoch, Offset, ProducerEpoch, ProducerId};
use serde_json::Value;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use tempfile::TempDir;

const SEGMENT: &str = "00000000000000000010.log";

fn dump(arguments: &[&str], path: &Path) -> Output {
    Command::new(env!("CARGO_BIN_EXE_headwater"))
        .args(["log", "dump"])
        .args(arguments)
        .arg(path)
        .output()
        .unwrap()
}

fn text(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

fn stderr(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

fn json(output: &Output) -> Value {
    serde_json::from_slice(&output.stdout).unwrap()
}

/// A batch of two records at `offset`.
fn batch(offset: i64, codec: Codec) -> Vec<u8> {
    let stamp = ProducerStamp { id: ProducerId(7), epoch: ProducerEpoch(1), base_sequence: 5 };
    let mut builder = BatchBuilder::new(BatchOptions {
        compression: codec.into(),
        base_offset: Offset(offset),
        leader_epoch: LeaderEpoch(3),
        producer: Some(stamp),
        ..Default::default()
    });
    let headers = [RecordHeader { key: b"trace", value: Some(b"\xff\x01") }];
    let first =
        NewRecord { timestamp: 1_000, key: Some(b"k"), value: Some(b"v"), headers: &headers };
    builder.push(first).unwrap();
    builder.push(NewRecord { timestamp: 1_005, ..Default::default() }).unwrap();
    builder.finish().unwrap().bytes().to_vec()
}

fn folder(segment: &[u8]) -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join(SEGMENT);
    fs::write(&file, segment).unwrap();
    (folder, file)
}

fn sound() -> Vec<u8> {
    let codecs = [Codec::None, Codec::Gzip, Codec::Snappy, Codec::Lz4, Codec::Zstd];
    (0..).zip(codecs).flat_map(|(at, codec)| batch(10 + 2 * at, codec)).collect()
}

#[test]
fn batches_and_records_of_every_codec() {
    let (folder, _) = folder(&sound());
    let output = dump(&["--records"], folder.path());
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let text = text(&output);
    let lines: Vec<&str> = text.lines().skip(1).collect();
    assert_eq!(lines.len(), 15);
    let first = "  offsets 10..11  records 2  position 0  size 86  epoch 3  none  producer 7/1  \
                 sequence 5  CreateTime 1005";
    assert_eq!(lines[0], first);
    assert_eq!(lines[1], r#"    10  time 1000  key "k"  value "v"  "trace"=0xff01"#);
    assert_eq!(lines[2], "    11  time 1005  key null  value null");
    for (at, codec) in [(3, "gzip"), (6, "snappy"), (9, "lz4"), (12, "zstd")] {
        assert!(lines[at].contains(codec), "{}", lines[at]);
    }
}

#[test]
fn json_says_the_same() {
    let (_folder, file) = folder(&sound());
    let output = dump(&["-o", "json", "--records"], &file);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let document = json(&output);
    let file = &document["files"][0];
    assert_eq!(file["kind"], "batches");
    assert_eq!(file["problem"], Value::Null);
    let entries = file["entries"].as_array().unwrap();
    assert_eq!(entries.len(), 5);
    let first = &entries[0];
    assert_eq!((&first["base_offset"], &first["codec"]), (&10.into(), &"none".into()));
    assert_eq!(first["records"][0]["value"], "v");
    assert_eq!(first["records"][0]["headers"][0][1]["hex"], "ff01");
    assert_eq!(first["records"][1]["key"], Value::Null);
}

#[test]
fn a_range_of_offsets() {
    let (folder, _) = folder(&sound());
    let output = dump(&["-o", "json", "-r", "--from", "13", "--to", "14"], folder.path());
    let document = json(&output);
    let entries = document["files"][0]["entries"].as_array().unwrap();
    let offsets: Vec<&Value> = entries
        .iter()
        .flat_map(|batch| batch["records"].as_array().unwrap())
        .map(|record| &record["offset"])
        .collect();
    assert_eq!(offsets, [13, 14]);
}

#[test]
fn a_damaged_batch_is_reported_and_the_next_one_shown() {
    let mut bytes = sound();
    bytes[70] ^= 1;
    let (folder, _) = folder(&bytes);
    let output = dump(&[], folder.path());
    assert_eq!(output.status.code(), Some(1));
    let text = text(&output);
    let damaged: Vec<&str> = text.lines().filter(|line| line.contains("DAMAGED")).collect();
    assert!(matches!(damaged[..], [line] if line.contains("offsets 10..11")), "{text}");
    assert_eq!(text.lines().count(), 6);
    assert!(stderr(&output).contains("one batch is damaged"), "{}", stderr(&output));
}

#[test]
fn records_that_lie_under_a_right_crc_are_found() {
    let mut bytes = batch(10, Codec::None);
    // The first record claims to be longer than its batch; the CRC is made to fit.
    bytes[61] = 0x7e;
    let crc = headwater_protocol::records::crc32c(&bytes[21..]);
    bytes[17..21].copy_from_slice(&crc.to_be_bytes());
    let (folder, _) = folder(&bytes);
    let output = dump(&[], folder.path());
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output).contains("DAMAGED"), "{}", text(&output));
}

#[test]
fn a_file_may_end_anywhere() {
    let whole = sound();
    let ends: Vec<usize> = {
        let sizes = [Codec::None, Codec::Gzip, Codec::Snappy, Codec::Lz4, Codec::Zstd]
            .map(|codec| batch(10, codec).len());
        let mut end = 0;
        std::iter::once(0)
            .chain(sizes.iter().map(|size| {
                end += size;
                end
            }))
            .collect()
    };
    // Ends and the bytes about them: a torn head, a torn body.
    let about = |end: usize| [end, end + 1, end + 11, end + 12, end + 60, end.saturating_sub(1)];
    for length in ends.iter().flat_map(|&end| about(end)).filter(|&end| end <= whole.len()) {
        let (folder, _) = folder(&whole[..length]);
        let output = dump(&["-o", "json"], folder.path());
        let clean = ends.contains(&length);
        assert_eq!(output.status.code(), Some(i32::from(!clean)), "{length}: {}", stderr(&output));
        let document = json(&output);
        let file = &document["files"][0];
        let batches = file["entries"].as_array().unwrap().len();
        let expected = ends.iter().filter(|&&end| end > 0 && end <= length).count();
        assert_eq!(batches, expected, "{length}");
        assert_eq!(file["problem"].is_null(), clean, "{length}");
    }
}

#[test]
fn zeros_behind_the_last_batch_are_no_damage_and_something_behind_them_is() {
    let mut bytes = batch(10, Codec::None);
    bytes.extend([0; 10_000]);
    let (folder, file) = folder(&bytes);
    let output = dump(&[], folder.path());
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    bytes.push(1);
    fs::write(file, &bytes).unwrap();
    let output = dump(&[], folder.path());
    assert_eq!(output.status.code(), Some(1));
    assert!(stderr(&output).contains("at position 86: "), "{}", stderr(&output));
}

#[test]
fn the_files_beside_a_segment() {
    let (folder, _) = folder(&batch(10, Codec::None));
    let write = |name: &str, bytes: &[u8]| fs::write(folder.path().join(name), bytes).unwrap();
    let index = |offset, position| [&[0, 0, 0, offset, 0, 0, 0, position][..], &[0; 32]].concat();
    write("00000000000000000010.index", &index(1, 0));
    let time = [&1_005i64.to_be_bytes()[..], &[0, 0, 0, 1], &[0; 36]].concat();
    write("00000000000000000010.timeindex", &time);
    let numbers = [7i64, 10, 11, 12].map(i64::to_be_bytes).concat();
    write("00000000000000000010.txnindex", &[&[0, 0][..], &numbers].concat());
    write("partition.metadata", b"version: 0\ntopic_id: x\n");
    write("leader-epoch-checkpoint", b"0\n1\n3 10\n");
    let mut entries = 1i32.to_be_bytes().to_vec();
    entries.extend(7i64.to_be_bytes());
    entries.extend(1i16.to_be_bytes());
    entries.extend(6i32.to_be_bytes());
    entries.extend(11i64.to_be_bytes());
    entries.extend(1i32.to_be_bytes());
    entries.extend(1_005i64.to_be_bytes());
    entries.extend((-1i32).to_be_bytes());
    entries.extend((-1i64).to_be_bytes());
    let crc = headwater_protocol::records::crc32c(&entries);
    let mut snapshot = 1i16.to_be_bytes().to_vec();
    snapshot.extend(crc.to_be_bytes());
    snapshot.extend(&entries);
    write("00000000000000000012.snapshot", &snapshot);
    // Neither of these is a log's.
    write("server.log", b"[info] started");
    write("meta.properties", b"version=1");
    let output = dump(&["--all"], folder.path());
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let text = text(&output);
    for line in [
        "  offset 11  position 0",
        "  timestamp 1005  offset 11",
        "  producer 7  aborted 10..11  last stable 12",
        "  topic_id: x",
        "  epoch 3  from offset 10",
        "  producer 7/1  last sequence 6  last offset 11  offset delta 1  time 1005",
    ] {
        assert_eq!(text.lines().filter(|found| *found == line).count(), 1, "{line} in\n{text}");
    }
    // Without --all: the segment, its one batch.
    let output = dump(&[], folder.path());
    assert_eq!(String::from_utf8(output.stdout).unwrap().lines().count(), 2);
    write("00000000000000000010.index", &index(1, 7));
    let output = dump(&["--all"], folder.path());
    assert_eq!(output.status.code(), Some(1), "an index that does not fit its segment");
    assert!(stderr(&output).contains("entry of offset 11"), "{}", stderr(&output));
    write("00000000000000000010.index", &index(1, 0));
    snapshot[30] ^= 1;
    write("00000000000000000012.snapshot", &snapshot);
    let output = dump(&["--all"], folder.path());
    assert_eq!(output.status.code(), Some(1));
    assert!(stderr(&output).contains("checksum is wrong"), "{}", stderr(&output));
}

#[test]
fn what_is_not_there_fails_and_the_rest_is_shown() {
    let (folder, file) = folder(&batch(10, Codec::None));
    let empty = tempfile::tempdir().unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_headwater"))
        .args(["log", "dump"])
        .args([&folder.path().join("absent.log"), empty.path(), &file])
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output).contains("offsets 10..11"));
    assert!(stderr(&output).contains("absent.log"), "{}", stderr(&output));
    assert!(stderr(&output).contains("no log file is in it"), "{}", stderr(&output));
}

#[test]
fn many_failures_are_counted_rather_than_told() {
    let output = Command::new(env!("CARGO_BIN_EXE_headwater"))
        .args(["log", "dump"])
        .args((0..30).map(|number| format!("/no/such/folder/{number}.log")))
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(1));
    let errors = stderr(&output);
    assert_eq!(errors.lines().count(), 21, "{errors}");
    assert!(errors.contains("... and 10 more failures"), "{errors}");
}

#[test]
fn a_reader_that_goes_away_ends_it_quietly() {
    let many: Vec<u8> = (0..5_000).flat_map(|at| batch(10 + 2 * at, Codec::None)).collect();
    let (folder, _) = folder(&many);
    for format in ["table", "json"] {
        let mut child = Command::new(env!("CARGO_BIN_EXE_headwater"))
            .args(["log", "dump", "--records", "-o", format])
            .arg(folder.path())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        // More than a pipe holds is never read.
        drop(child.stdout.take());
        let output = child.wait_with_output().unwrap();
        assert_eq!(output.status.code(), Some(0), "{format}");
        assert_eq!(stderr(&output), "", "{format}");
    }
}
