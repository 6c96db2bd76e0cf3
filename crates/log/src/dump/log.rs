//! `.log` files, batch by batch.

use super::rows::{BatchRow, BrokenRow, ControlRow, HeaderRow, LogRow, RecordRow};
use super::{DumpError, base_of};
use crate::batch::{
    BatchLimits, Codec, DECOMPRESSED_BYTES_MAX, ReceivedBatch, ReceivedBatches, Record,
};
use crate::disk::{Disk, DiskFile, OpenMode};
use crate::log::{Found, Marker, Scanner, Step, WINDOW_WHOLE};
use bytes::Bytes;
use std::collections::VecDeque;
use std::path::Path;
use std::sync::Arc;

/// Walks a `.log` file. The last row says what is broken, if anything is.
#[derive(Debug)]
pub struct LogDump {
    file: Arc<dyn DiskFile>,
    /// Offset in the file's name.
    base: i64,
    position: u64,
    length: u64,
    ahead: VecDeque<LogRow>,
}

impl LogDump {
    /// Opens a file.
    ///
    /// # Errors
    /// When it cannot be opened or its name is not that of a log file.
    pub fn open(disk: &dyn Disk, path: &Path) -> Result<Self, DumpError> {
        let base = base_of(path)?;
        let file = disk.open(path, OpenMode::Read)?;
        let length = file.length()?;
        Ok(Self { file, base, position: 0, length, ahead: VecDeque::new() })
    }

    /// The offset at which the file starts, by its name.
    pub fn base_offset(&self) -> i64 {
        self.base
    }

    /// Reads some batches ahead, so that small ones share a read.
    fn fill(&mut self) -> Result<(), DumpError> {
        let file = Arc::clone(&self.file);
        let mut scanner = Scanner::new(&*file, self.position, self.length, WINDOW_WHOLE);
        let mut bytes_ahead = 0;
        while bytes_ahead < AHEAD_BYTES_MAX {
            match scanner.step()? {
                Step::End => break,
                Step::Broken { position, problem } => {
                    let bytes_left = self.length - position;
                    self.position = self.length;
                    let problem = problem.to_owned();
                    let broken = BrokenRow { position, bytes_left, problem };
                    self.ahead.push_back(LogRow::Broken(broken));
                    break;
                }
                Step::Batch(found) => {
                    let is_valid = scanner.checksum_is_right(&found)?;
                    let bytes = Bytes::from(scanner.read(&found)?);
                    self.position = found.end();
                    bytes_ahead += bytes.len();
                    self.ahead.push_back(LogRow::Batch(BatchRow::new(&found, is_valid, bytes)));
                }
            }
        }
        Ok(())
    }
}

/// Bytes of batches read ahead.
const AHEAD_BYTES_MAX: usize = 1 << 20;

impl Iterator for LogDump {
    type Item = Result<LogRow, DumpError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.ahead.is_empty()
            && self.position < self.length
            && let Err(error) = self.fill()
        {
            self.position = self.length;
            return Some(Err(error));
        }
        self.ahead.pop_front().map(Ok)
    }
}

impl BatchRow {
    fn new(found: &Found, is_valid: bool, bytes: Bytes) -> Self {
        let head = &found.head;
        let codec = u8::try_from(head.attributes & 7).ok().and_then(Codec::from_bits);
        Self {
            position: found.position,
            size: head.size,
            base_offset: head.base,
            last_offset: head.last,
            count: head.count,
            base_sequence: head.base_sequence,
            last_sequence: head.last_sequence(),
            producer_id: head.producer,
            producer_epoch: head.producer_epoch,
            partition_leader_epoch: head.epoch,
            is_transactional: head.is_transactional(),
            is_control: head.is_control(),
            delete_horizon_ms: head.delete_horizon_ms(),
            is_log_append_time: head.has_log_append_time(),
            max_timestamp: head.max_timestamp,
            magic: head.magic,
            codec: codec.map_or("unknown", Codec::name),
            crc: head.crc,
            is_valid,
            bytes,
        }
    }

    /// The batch's records, decompressed.
    ///
    /// # Errors
    /// Says what is wrong with the batch.
    pub fn records(&self) -> Result<Vec<RecordRow>, String> {
        let received = ReceivedBatches::parse(self.bytes.clone(), BatchLimits::NONE)
            .map_err(|error| error.to_string())?;
        let mut rows = Vec::new();
        for batch in received {
            if self.magic < 2 {
                return self.legacy_records(&batch);
            }
            let batch = batch.validate().map_err(|error| error.to_string())?;
            let records =
                batch.records(DECOMPRESSED_BYTES_MAX).map_err(|error| error.to_string())?;
            for record in records.views() {
                let record = record.map_err(|error| error.to_string())?;
                let headers = record.headers().map(|header| HeaderRow {
                    key: Bytes::copy_from_slice(header.key),
                    value: header.value.map(Bytes::copy_from_slice),
                });
                rows.push(RecordRow {
                    offset: record.offset.0,
                    timestamp: record.timestamp,
                    is_log_append_time: self.is_log_append_time,
                    sequence: self.sequence_of(record.offset.0),
                    key: record.key.map(Bytes::copy_from_slice),
                    value: record.value.map(Bytes::copy_from_slice),
                    headers: headers.collect(),
                    control: self.control(),
                });
            }
        }
        Ok(rows)
    }

    fn legacy_records(&self, batch: &ReceivedBatch) -> Result<Vec<RecordRow>, String> {
        let records =
            batch.legacy_records(DECOMPRESSED_BYTES_MAX).map_err(|error| error.to_string())?;
        let row = |record: Record| RecordRow {
            offset: record.offset.0,
            timestamp: record.timestamp,
            is_log_append_time: self.is_log_append_time,
            sequence: -1,
            key: record.key,
            value: record.value,
            headers: Vec::new(),
            control: None,
        };
        Ok(records.into_iter().map(row).collect())
    }

    fn sequence_of(&self, offset: i64) -> i32 {
        if self.base_sequence < 0 {
            return -1;
        }
        let sequence = i64::from(self.base_sequence) + offset.saturating_sub(self.base_offset);
        i32::try_from(sequence % (1 << 31)).unwrap_or(-1)
    }

    fn control(&self) -> Option<ControlRow> {
        let marker = Marker::parse(&self.bytes).filter(|_| self.is_control)?;
        Some(match marker.ends_transaction() {
            Some(aborted) => ControlRow::EndTransaction {
                committed: !aborted,
                coordinator_epoch: marker.coordinator_epoch,
            },
            None => ControlRow::Other(marker.kind),
        })
    }
}
