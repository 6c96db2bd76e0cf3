//! Looks into the files of a log, for people: what `kafka-dump-log` tells, as rows.
//!
//! Nothing here needs a log to be open, and nothing is changed. Each row's `Display` is the line
//! that Apache Kafka's tool prints.
//!
//! ```no_run
//! use headwater_log::dump::{LogDump, LogRow};
//! use headwater_log::{DiskOptions, RealDisk};
//!
//! let disk = RealDisk::start(DiskOptions::default())?;
//! let file = "data/orders-0/00000000000000000000.log".as_ref();
//! for row in LogDump::open(&disk, file)? {
//!     match row? {
//!         LogRow::Batch(batch) => println!("{} records at {}", batch.count, batch.base_offset),
//!         LogRow::Broken(broken) => println!("{broken}"),
//!     }
//! }
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod indexes;
mod log;
mod rows;

pub use indexes::{
    IndexProblem, check_offset_index, check_time_index, epochs, offset_index, snapshot, time_index,
    txn_index,
};
pub use log::LogDump;
pub use rows::{
    BatchRow, BrokenRow, ControlRow, EpochRow, HeaderRow, LogRow, OffsetIndexRow, ProducerRow,
    RecordRow, TimeIndexRow, TxnIndexRow,
};

use crate::disk::DiskError;
use crate::log::FileKind as SegmentFile;
use crate::log::FileName;
use std::path::{Path, PathBuf};

/// Which kind of file a name stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FileKind {
    /// `.log`.
    Log,
    /// `.index`.
    OffsetIndex,
    /// `.timeindex`.
    TimeIndex,
    /// `.txnindex`.
    TxnIndex,
    /// `.snapshot`.
    Snapshot,
    /// `leader-epoch-checkpoint`.
    Epochs,
}

/// A file cannot be looked into.
#[derive(Debug, thiserror::Error)]
pub enum DumpError {
    /// It cannot be read.
    #[error(transparent)]
    Disk(#[from] DiskError),
    /// Its name or content is not that of such a file.
    #[error("{}: {problem}", file.display())]
    Damaged {
        /// The file.
        file: PathBuf,
        /// What is wrong.
        problem: String,
    },
}

/// What a file's name says about it, with the offset in it; `None` for other files.
pub fn file_kind(path: &Path) -> Option<(FileKind, i64)> {
    let name = path.file_name()?.to_str()?;
    if name == "leader-epoch-checkpoint" {
        return Some((FileKind::Epochs, 0));
    }
    let FileName::Live { base, kind } = FileName::parse(name) else { return None };
    let kind = match kind {
        SegmentFile::Log => FileKind::Log,
        SegmentFile::OffsetIndex => FileKind::OffsetIndex,
        SegmentFile::TimeIndex => FileKind::TimeIndex,
        SegmentFile::TxnIndex => FileKind::TxnIndex,
        SegmentFile::Snapshot => FileKind::Snapshot,
    };
    Some((kind, base))
}

/// The offset in a file's name.
fn base_of(path: &Path) -> Result<i64, DumpError> {
    match file_kind(path) {
        Some((_, base)) => Ok(base),
        None => Err(DumpError::Damaged {
            file: path.to_owned(),
            problem: String::from("its name is not that of a log's file"),
        }),
    }
}
