//! The small files beside a segment, as they are printed, and whether the indexes fit it.

use super::entry::{Entry, Producer};
use super::files::Kind;
use headwater_log::Disk;
use headwater_log::dump::{self, DumpError, FileKind, IndexProblem, ProducerRow};
use std::path::Path;

/// What a file holds, and what is wrong with it.
pub struct Content {
    /// In the file's order.
    pub entries: Vec<Entry>,
    /// Places where an index does not fit its segment.
    pub misfits: Vec<IndexProblem>,
}

/// Reads a file that is not a segment.
///
/// # Errors
/// When it cannot be read, or holds something else than its name says.
pub fn read(disk: &dyn Disk, path: &Path, kind: Kind) -> Result<Content, DumpError> {
    // An index alone can be shown and not be checked.
    let beside = path.with_extension("log").is_file();
    let mut misfits = Vec::new();
    let entries = match kind {
        Kind::Of(FileKind::OffsetIndex) => {
            if beside {
                misfits = dump::check_offset_index(disk, path)?;
            }
            let rows = dump::offset_index(disk, path)?.into_iter();
            rows.map(|row| Entry::OffsetPlace { offset: row.offset, position: row.position })
                .collect()
        }
        Kind::Of(FileKind::TimeIndex) => {
            if beside {
                misfits = dump::check_time_index(disk, path)?;
            }
            let rows = dump::time_index(disk, path)?.into_iter();
            rows.map(|row| Entry::TimePlace { timestamp: row.timestamp, offset: row.offset })
                .collect()
        }
        Kind::Of(FileKind::TxnIndex) => dump::txn_index(disk, path)?
            .into_iter()
            .map(|row| Entry::Aborted {
                producer_id: row.producer_id,
                first_offset: row.first_offset,
                last_offset: row.last_offset,
                last_stable_offset: row.last_stable_offset,
            })
            .collect(),
        Kind::Of(FileKind::Snapshot) => {
            dump::snapshot(disk, path)?.iter().map(|row| Entry::Producer(producer(row))).collect()
        }
        Kind::Of(FileKind::Epochs) => dump::epochs(disk, path)?
            .into_iter()
            .map(|row| Entry::Epoch { epoch: row.epoch, start_offset: row.start_offset })
            .collect(),
        Kind::Of(FileKind::Log) => Vec::new(),
        Kind::PartitionMetadata => {
            let damaged = |error: std::io::Error| DumpError::Damaged {
                file: path.to_owned(),
                problem: error.to_string(),
            };
            let text = std::fs::read_to_string(path).map_err(damaged)?;
            text.lines().map(|line| Entry::Line { line: line.escape_debug().to_string() }).collect()
        }
    };
    Ok(Content { entries, misfits })
}

fn producer(row: &ProducerRow) -> Producer {
    Producer {
        producer_id: row.producer_id,
        producer_epoch: row.producer_epoch,
        last_sequence: row.last_sequence,
        last_offset: row.last_offset,
        offset_delta: row.offset_delta,
        timestamp: row.timestamp,
        coordinator_epoch: row.coordinator_epoch,
        current_transaction_first_offset: row.current_txn_first_offset,
    }
}
