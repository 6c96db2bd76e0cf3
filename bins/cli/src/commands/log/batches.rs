//! A segment's batches as they are printed.

use super::entry::{Batch, Blob, Entry, Record};
use bytes::Bytes;
use headwater_log::Disk;
use headwater_log::dump::{BatchRow, BrokenRow, ControlRow, DumpError, LogDump, LogRow, RecordRow};
use headwater_protocol::records::LENGTH_OVERHEAD_BYTES;
use std::fs::File;
use std::io::{self, BufReader, Read, Seek, SeekFrom};
use std::path::Path;

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

/// Goes through a segment and gives each batch to `found`, until that says to stop. Says what is
/// wrong with the file's end, if anything.
///
/// # Errors
/// When the file cannot be read.
pub fn read(
    disk: &dyn Disk,
    path: &Path,
    wanted: Wanted,
    found: &mut dyn FnMut(Entry) -> bool,
) -> Result<Option<String>, DumpError> {
    for row in LogDump::open(disk, path)? {
        match row? {
            LogRow::Batch(row) if row.last_offset < wanted.from || row.base_offset > wanted.to => {}
            LogRow::Batch(row) => {
                if !found(Entry::Batch(Box::new(batch(&row, wanted)))) {
                    break;
                }
            }
            LogRow::Broken(BrokenRow { position, problem, bytes_left }) => {
                // A file that was allocated ahead ends with zeros, and so may a torn header begin.
                // It is for show only: a file that cannot be read again counts as torn.
                let unused = bytes_left >= LENGTH_OVERHEAD_BYTES as u64
                    && only_zeros_from(path, position).unwrap_or(false);
                return Ok((!unused).then(|| format!("at position {position}: {problem}")));
            }
        }
    }
    Ok(None)
}

fn only_zeros_from(path: &Path, position: u64) -> io::Result<bool> {
    let mut file = File::open(path)?;
    file.seek(SeekFrom::Start(position))?;
    for byte in BufReader::with_capacity(1 << 16, file).bytes() {
        if byte? != 0 {
            return Ok(false);
        }
    }
    Ok(true)
}

fn batch(row: &BatchRow, wanted: Wanted) -> Batch {
    let with_producer = row.producer_id >= 0;
    let mut shown = Batch {
        position: row.position,
        size: u64::try_from(row.size).unwrap_or(u64::MAX),
        magic: row.magic,
        base_offset: row.base_offset,
        last_offset: row.last_offset,
        records_count: row.count,
        leader_epoch: row.partition_leader_epoch,
        codec: row.codec,
        timestamp_type: if row.is_log_append_time { "LogAppendTime" } else { "CreateTime" },
        max_timestamp: row.max_timestamp,
        delete_horizon: row.delete_horizon_ms,
        transactional: row.is_transactional,
        control: row.is_control,
        producer_id: with_producer.then_some(row.producer_id),
        producer_epoch: with_producer.then_some(row.producer_epoch),
        base_sequence: (row.base_sequence >= 0).then_some(row.base_sequence),
        crc: row.crc,
        problem: None,
        records: None,
    };
    // Records are looked at even when they are not shown: a right CRC proves little about them.
    match row.records() {
        _ if !row.is_valid => shown.problem = Some("the CRC is wrong".to_owned()),
        Err(problem) => shown.problem = Some(problem),
        Ok(records) if wanted.records => {
            let within = |record: &&RecordRow| (wanted.from..=wanted.to).contains(&record.offset);
            shown.records = Some(records.iter().filter(within).map(record).collect());
        }
        Ok(_) => {}
    }
    shown
}

fn record(row: &RecordRow) -> Record {
    let blob = |bytes: &Bytes| Blob::from(bytes.as_ref());
    Record {
        offset: row.offset,
        timestamp: row.timestamp,
        key: row.key.as_ref().map(blob),
        value: row.value.as_ref().map(blob),
        headers: row
            .headers
            .iter()
            .map(|header| (blob(&header.key), header.value.as_ref().map(blob)))
            .collect(),
        control: row.control.map(control),
    }
}

fn control(row: ControlRow) -> String {
    let name = match row {
        ControlRow::EndTransaction { committed: true, .. } => "commit",
        ControlRow::EndTransaction { committed: false, .. } => "abort",
        // KIP-595, KIP-630, KIP-853.
        ControlRow::Other(2) => "leader-change",
        ControlRow::Other(3) => "snapshot-header",
        ControlRow::Other(4) => "snapshot-footer",
        ControlRow::Other(5) => "kraft-version",
        ControlRow::Other(6) => "kraft-voters",
        ControlRow::Other(kind) => return format!("kind-{kind}"),
    };
    name.to_owned()
}
