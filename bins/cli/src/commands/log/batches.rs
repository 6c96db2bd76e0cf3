//! Reads a segment batch by batch, in memory for one batch at a time.

use super::entry::{Batch, Entry, Record};
use bytes::Bytes;
use headwater_protocol::records::{
    BatchError, BatchHeader, ControlType, HEADER_BYTES, LENGTH_OVERHEAD_BYTES, MAGIC,
    ReceivedBatch, TimestampType,
};
use std::fs::File;
use std::io::{self, BufReader, Read};
use std::path::Path;

/// Bytes that the records of one batch may have when decompressed.
const RECORDS_BYTES_MAX: usize = 1 << 30;

/// What of a segment is wanted.
#[derive(Clone, Copy, Debug)]
pub struct Wanted {
    /// Batches that end before this offset are passed over.
    pub from: i64,
    /// Batches that begin behind this offset are passed over.
    pub to: i64,
    /// Whether to show the records.
    pub records: bool,
}

/// How a segment ended.
#[derive(Debug, PartialEq, Eq)]
pub enum End {
    /// With a whole batch.
    Clean,
    /// With zeros, as files do that were allocated ahead.
    Zeros {
        /// How many.
        bytes: u64,
    },
    /// With something that is no batch.
    Torn {
        /// Where it begins.
        position: u64,
        /// What it is.
        reason: String,
    },
}

/// Goes through a segment and gives each batch to `found`.
///
/// # Errors
/// When the file cannot be read, or `found` fails.
pub fn read(
    path: &Path,
    wanted: Wanted,
    mut found: impl FnMut(Entry) -> io::Result<()>,
) -> io::Result<End> {
    let file = File::open(path)?;
    let length = file.metadata()?.len();
    let mut reader = BufReader::with_capacity(1 << 20, file);
    let mut position = 0;
    loop {
        let mut head = [0; LENGTH_OVERHEAD_BYTES];
        match fill(&mut reader, &mut head)? {
            0 => return Ok(End::Clean),
            LENGTH_OVERHEAD_BYTES => {}
            some => {
                let reason = format!("{some} bytes are too few for a batch");
                return Ok(End::Torn { position, reason });
            }
        }
        let left = length.saturating_sub(position);
        if head.iter().all(|&byte| byte == 0) {
            let reason = "zeros, and something behind them".to_owned();
            return Ok(match only_zeros(&mut reader)? {
                true => End::Zeros { bytes: left },
                false => End::Torn { position, reason },
            });
        }
        let size = match size(&head) {
            Some(size) if size <= left => size,
            Some(size) => {
                let reason = format!("a batch of {size} bytes where {left} are left");
                return Ok(End::Torn { position, reason });
            }
            None => {
                return Ok(End::Torn { position, reason: "a length below zero".to_owned() });
            }
        };
        // Not longer than the file, so the claim costs no more than the file is large.
        let mut bytes = head.to_vec();
        let rest = size - LENGTH_OVERHEAD_BYTES as u64;
        reader.by_ref().take(rest).read_to_end(&mut bytes)?;
        match ReceivedBatch::from_bytes(bytes.into()) {
            Ok(batch) => {
                if let Some(entry) = entry(batch, position, wanted) {
                    found(entry)?;
                }
            }
            Err(error) => {
                return Ok(End::Torn { position, reason: error.to_string() });
            }
        }
        position += size;
    }
}

fn size(head: &[u8; LENGTH_OVERHEAD_BYTES]) -> Option<u64> {
    let length = head.last_chunk::<4>().map(|bytes| i32::from_be_bytes(*bytes))?;
    u64::try_from(length).ok().map(|length| length + LENGTH_OVERHEAD_BYTES as u64)
}

/// Reads until `buffer` is full or the file ends; says how much was read.
fn fill(reader: &mut impl Read, buffer: &mut [u8]) -> io::Result<usize> {
    let limit = u64::try_from(buffer.len()).unwrap_or(u64::MAX);
    let mut taken = reader.by_ref().take(limit);
    let mut bytes = Vec::with_capacity(buffer.len());
    taken.read_to_end(&mut bytes)?;
    for (to, from) in buffer.iter_mut().zip(&bytes) {
        *to = *from;
    }
    Ok(bytes.len())
}

/// Whether the rest of the file is zeros. Reads up to the first other byte only.
fn only_zeros(reader: &mut impl Read) -> io::Result<bool> {
    let mut buffer = [0; 4_096];
    loop {
        match reader.read(&mut buffer)? {
            0 => return Ok(true),
            some if buffer.iter().take(some).any(|&byte| byte != 0) => return Ok(false),
            _ => {}
        }
    }
}

fn entry(batch: ReceivedBatch, position: u64, wanted: Wanted) -> Option<Entry> {
    let size = u64::try_from(batch.size_bytes()).unwrap_or(u64::MAX);
    let mut shown = match batch.header() {
        Ok(header) => of_header(&header, position, size),
        Err(_) => of_legacy(&batch, position, size),
    };
    if shown.last_offset < wanted.from || shown.base_offset > wanted.to {
        return None;
    }
    if shown.magic == MAGIC {
        let records = batch.validate().and_then(|batch| {
            let records = batch.records(RECORDS_BYTES_MAX)?;
            // Proves the records as well.
            records.into_iter().map(|record| Ok(of_record(&record?, shown.control))).collect()
        });
        keep(&mut shown, records, wanted);
    } else {
        let records = batch.legacy_records(RECORDS_BYTES_MAX);
        let records = records.map(|records| {
            records.iter().map(|record| of_record(record, false)).collect::<Vec<_>>()
        });
        if let Ok(records) = &records {
            shown.records_count = i32::try_from(records.len()).unwrap_or(i32::MAX);
            shown.base_offset = records.first().map_or(shown.base_offset, |first| first.offset);
        }
        keep(&mut shown, records, wanted);
    }
    Some(Entry::Batch(Box::new(shown)))
}

fn keep(shown: &mut Batch, records: Result<Vec<Record>, BatchError>, wanted: Wanted) {
    match records {
        Ok(records) if wanted.records => {
            let within = |record: &Record| (wanted.from..=wanted.to).contains(&record.offset);
            shown.records = Some(records.into_iter().filter(within).collect());
        }
        Ok(_) => {}
        Err(error) => shown.problem = Some(chain(&error)),
    }
}

/// An error with its causes.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    text
}

fn of_header(header: &BatchHeader, position: u64, size: u64) -> Batch {
    let attributes = header.attributes;
    let with_producer = header.has_producer();
    let horizon = attributes.has_delete_horizon();
    Batch {
        position,
        size,
        magic: header.magic,
        base_offset: header.base_offset.0,
        last_offset: header.last_offset().0,
        records_count: header.records_count,
        leader_epoch: header.leader_epoch.0,
        codec: match attributes.codec() {
            Ok(codec) => codec.name().to_owned(),
            Err(error) => error.to_string(),
        },
        timestamp_type: match attributes.timestamp_type() {
            TimestampType::CreateTime => "CreateTime",
            TimestampType::LogAppendTime => "LogAppendTime",
        },
        base_timestamp: header.base_timestamp,
        max_timestamp: header.max_timestamp,
        delete_horizon: horizon.then_some(header.base_timestamp),
        transactional: attributes.is_transactional(),
        control: attributes.is_control(),
        producer_id: with_producer.then_some(header.producer_id.0),
        producer_epoch: with_producer.then_some(header.producer_epoch.0),
        base_sequence: (header.base_sequence >= 0).then_some(header.base_sequence),
        crc: header.crc,
        problem: None,
        records: None,
    }
}

/// A message of the formats 0 and 1: offset, length, CRC and magic stand in the same places.
fn of_legacy(batch: &ReceivedBatch, position: u64, size: u64) -> Batch {
    let mut bytes: [u8; HEADER_BYTES] = [0; HEADER_BYTES];
    for (to, from) in bytes.iter_mut().zip(batch.bytes()) {
        *to = *from;
    }
    let long = |at: usize| bytes.get(at..).and_then(<[u8]>::first_chunk::<8>);
    let offset = long(0).map_or(-1, |bytes| i64::from_be_bytes(*bytes));
    let crc = bytes.get(12..).and_then(<[u8]>::first_chunk::<4>);
    let attributes = bytes.get(17).copied().unwrap_or(0);
    let timestamp = match batch.magic() {
        1 => long(18).map_or(-1, |bytes| i64::from_be_bytes(*bytes)),
        _ => -1,
    };
    let codec = headwater_protocol::records::Codec::from_bits(attributes & 7);
    Batch {
        position,
        size,
        magic: batch.magic(),
        base_offset: offset,
        last_offset: offset,
        records_count: 1,
        leader_epoch: -1,
        codec: codec.map_or_else(|| "unknown".to_owned(), |codec| codec.name().to_owned()),
        timestamp_type: if attributes & 8 == 0 { "CreateTime" } else { "LogAppendTime" },
        base_timestamp: timestamp,
        max_timestamp: timestamp,
        delete_horizon: None,
        transactional: false,
        control: false,
        producer_id: None,
        producer_epoch: None,
        base_sequence: None,
        crc: crc.map_or(0, |bytes| u32::from_be_bytes(*bytes)),
        problem: None,
        records: None,
    }
}

fn of_record(record: &headwater_protocol::records::Record, control: bool) -> Record {
    let blob = |bytes: &Bytes| bytes.as_ref().into();
    Record {
        offset: record.offset.0,
        timestamp: record.timestamp,
        control: control.then(|| control_text(record)),
        key: record.key.as_ref().map(blob),
        value: record.value.as_ref().map(blob),
        headers: record
            .headers()
            .map(|header| (header.key.into(), header.value.map(Into::into)))
            .collect(),
    }
}

fn control_text(record: &headwater_protocol::records::Record) -> String {
    match record.key.as_deref().and_then(ControlType::from_key) {
        Some(ControlType::Abort) => "abort".to_owned(),
        Some(ControlType::Commit) => "commit".to_owned(),
        Some(ControlType::LeaderChange) => "leader-change".to_owned(),
        Some(ControlType::SnapshotHeader) => "snapshot-header".to_owned(),
        Some(ControlType::SnapshotFooter) => "snapshot-footer".to_owned(),
        Some(ControlType::KraftVersion) => "kraft-version".to_owned(),
        Some(ControlType::KraftVoters) => "kraft-voters".to_owned(),
        Some(ControlType::Unknown(kind)) => format!("kind {kind}"),
        None => "unknown".to_owned(),
    }
}
