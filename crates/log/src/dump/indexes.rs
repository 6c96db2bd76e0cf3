//! Index files, snapshots and epochs, and whether indexes fit their log.

use super::log::LogDump;
use super::rows::{
    BatchRow, EpochRow, LogRow, OffsetIndexRow, ProducerRow, TimeIndexRow, TxnIndexRow,
};
use super::{DumpError, base_of};
use crate::checkpoint::parse_epochs;
use crate::disk::{Disk, read_whole};
use crate::log::{
    INDEX_BYTES_MAX, OffsetEntry, TimeEntry, parse_aborted, parse_snapshot, snapshot_first_sequence,
};
use bytes::Bytes;
use std::fmt;
use std::path::{Path, PathBuf};

/// Where an index does not fit its log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IndexProblem {
    /// The index file.
    pub file: PathBuf,
    /// The offset in the entry.
    pub offset: i64,
    /// What is wrong.
    pub problem: String,
}

impl fmt::Display for IndexProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: entry of offset {}: {}", self.file.display(), self.offset, self.problem)
    }
}

fn read(disk: &dyn Disk, path: &Path) -> Result<Bytes, DumpError> {
    read_whole(disk, path, INDEX_BYTES_MAX)?.ok_or_else(|| damaged(path, "there is no such file"))
}

fn damaged(path: &Path, problem: impl Into<String>) -> DumpError {
    DumpError::Damaged { file: path.to_owned(), problem: problem.into() }
}

/// The entries of an `.index` file. Space that was set aside (zeros at the end) is left out.
///
/// # Errors
/// When the file cannot be read, or its length is wrong.
pub fn offset_index(disk: &dyn Disk, path: &Path) -> Result<Vec<OffsetIndexRow>, DumpError> {
    let base = base_of(path)?;
    let bytes = read(disk, path)?;
    let (entries, rest) = bytes.as_chunks();
    if !rest.is_empty() {
        return Err(damaged(path, "its length is no multiple of 8"));
    }
    let entries = entries.iter().map(OffsetEntry::parse);
    let used = entries.enumerate().take_while(|(n, entry)| *n == 0 || entry.relative > 0);
    Ok(used
        .map(|(_, entry)| OffsetIndexRow {
            offset: base.saturating_add(i64::from(entry.relative)),
            position: entry.position,
        })
        .collect())
}

/// The entries of a `.timeindex` file. Space that was set aside (zeros at the end) is left out.
///
/// # Errors
/// When the file cannot be read, or its length is wrong.
pub fn time_index(disk: &dyn Disk, path: &Path) -> Result<Vec<TimeIndexRow>, DumpError> {
    let base = base_of(path)?;
    let bytes = read(disk, path)?;
    let (entries, rest) = bytes.as_chunks();
    if !rest.is_empty() {
        return Err(damaged(path, "its length is no multiple of 12"));
    }
    let entries = entries.iter().map(TimeEntry::parse);
    let used = entries.enumerate().take_while(|(n, entry)| *n == 0 || entry.timestamp > 0);
    Ok(used
        .map(|(_, entry)| TimeIndexRow {
            timestamp: entry.timestamp,
            offset: base.saturating_add(i64::from(entry.relative)),
        })
        .collect())
}

/// The entries of a `.txnindex` file.
///
/// # Errors
/// When the file cannot be read, or is no such file.
pub fn txn_index(disk: &dyn Disk, path: &Path) -> Result<Vec<TxnIndexRow>, DumpError> {
    let bytes = read(disk, path)?;
    let entries = parse_aborted(&bytes)
        .ok_or_else(|| damaged(path, "it is no index of aborted transactions"))?;
    let row = |entry: &crate::log::AbortedTransaction| TxnIndexRow {
        producer_id: entry.producer.0,
        first_offset: entry.first.0,
        last_offset: entry.last.0,
        last_stable_offset: entry.last_stable.0,
    };
    Ok(entries.iter().map(row).collect())
}

/// The entries of a `.snapshot` file.
///
/// # Errors
/// When the file cannot be read, or its checksum is wrong.
pub fn snapshot(disk: &dyn Disk, path: &Path) -> Result<Vec<ProducerRow>, DumpError> {
    let bytes = read(disk, path)?;
    let lines = parse_snapshot(&bytes).map_err(|problem| damaged(path, problem))?;
    let row = |line: &crate::log::SnapshotLine| ProducerRow {
        producer_id: line.producer,
        producer_epoch: line.epoch,
        coordinator_epoch: line.coordinator_epoch,
        current_txn_first_offset: (line.transaction_first >= 0).then_some(line.transaction_first),
        first_sequence: snapshot_first_sequence(line.last_sequence, line.offset_delta),
        last_sequence: line.last_sequence,
        last_offset: line.last_offset,
        offset_delta: line.offset_delta,
        timestamp: line.timestamp,
    };
    Ok(lines.iter().map(row).collect())
}

/// The lines of `leader-epoch-checkpoint`.
///
/// # Errors
/// When the file cannot be read, or makes no sense.
pub fn epochs(disk: &dyn Disk, path: &Path) -> Result<Vec<EpochRow>, DumpError> {
    let bytes = read(disk, path)?;
    let entries =
        parse_epochs(&String::from_utf8_lossy(&bytes)).map_err(|problem| damaged(path, problem))?;
    Ok(entries
        .iter()
        .map(|entry| EpochRow { epoch: entry.epoch, start_offset: entry.start })
        .collect())
}

/// Compares an `.index` file with the `.log` file beside it: every entry must lead to a batch that
/// ends with its offset, or to the first of several that were appended together.
///
/// # Errors
/// When a file cannot be read.
pub fn check_offset_index(disk: &dyn Disk, path: &Path) -> Result<Vec<IndexProblem>, DumpError> {
    let rows = offset_index(disk, path)?;
    let batches = batches_beside(disk, path)?;
    let mut problems = Vec::new();
    let mut last: Option<OffsetIndexRow> = None;
    for row in rows {
        let at = batches.binary_search_by_key(&u64::from(row.position), |batch| batch.position);
        let found = at.ok().and_then(|at| batches.get(at));
        let problem = match found {
            _ if last.is_some_and(|last| last.offset >= row.offset) => {
                Some(String::from("it does not ascend"))
            }
            None => Some(format!("no batch starts at {}", row.position)),
            Some(batch) if batch.base_offset > row.offset => Some(format!(
                "the batch at {} starts at offset {}",
                row.position, batch.base_offset
            )),
            Some(_) => None,
        };
        last = Some(row);
        problems.extend(problem.map(|problem| IndexProblem {
            file: path.to_owned(),
            offset: row.offset,
            problem,
        }));
    }
    Ok(problems)
}

/// Compares a `.timeindex` file with the `.log` file beside it: every entry must name a batch that
/// has its timestamp, and timestamps must ascend.
///
/// # Errors
/// When a file cannot be read.
pub fn check_time_index(disk: &dyn Disk, path: &Path) -> Result<Vec<IndexProblem>, DumpError> {
    let rows = time_index(disk, path)?;
    let batches = batches_beside(disk, path)?;
    let mut problems = Vec::new();
    let mut last: Option<TimeIndexRow> = None;
    for row in rows {
        let at = batches.partition_point(|batch| batch.last_offset < row.offset);
        let found = batches.get(at).filter(|batch| batch.base_offset <= row.offset);
        let problem = match found {
            _ if last.is_some_and(|last| last.timestamp >= row.timestamp) => {
                Some(String::from("it does not ascend"))
            }
            None => Some(String::from("there is no such batch")),
            Some(batch) if batch.max_timestamp != row.timestamp => Some(format!(
                "the batch's largest timestamp is {}, not {}",
                batch.max_timestamp, row.timestamp
            )),
            Some(_) => None,
        };
        last = Some(row);
        problems.extend(problem.map(|problem| IndexProblem {
            file: path.to_owned(),
            offset: row.offset,
            problem,
        }));
    }
    Ok(problems)
}

/// The batches of the log file beside an index, without their bytes.
fn batches_beside(disk: &dyn Disk, path: &Path) -> Result<Vec<BatchRow>, DumpError> {
    let mut batches = Vec::new();
    for row in LogDump::open(disk, &path.with_extension("log"))? {
        if let LogRow::Batch(batch) = row? {
            batches.push(BatchRow { bytes: Bytes::new(), ..batch });
        }
    }
    Ok(batches)
}
