//! Which files a folder holds, and what each is by its name.

use headwater_log::dump::{FileKind, file_kind};
use std::fmt;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// What a file in a partition's folder holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Part of the log.
    Of(FileKind),
    /// Which topic the folder is of: `partition.metadata`.
    PartitionMetadata,
}

impl Kind {
    /// What a file is, by its name.
    pub fn of(path: &Path) -> Option<Self> {
        if path.file_name()? == "partition.metadata" {
            return Some(Self::PartitionMetadata);
        }
        file_kind(path).map(|(kind, _)| Self::Of(kind))
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Of(FileKind::Log) => "batches",
            Self::Of(FileKind::OffsetIndex) => "offset-index",
            Self::Of(FileKind::TimeIndex) => "time-index",
            Self::Of(FileKind::TxnIndex) => "transaction-index",
            Self::Of(FileKind::Snapshot) => "producer-snapshot",
            Self::Of(FileKind::Epochs) => "leader-epochs",
            Self::PartitionMetadata => "text",
        })
    }
}

/// The files that a path stands for: itself, or those in the folder, by name. Without `all`, only
/// the segments of a folder.
///
/// # Errors
/// When the path is not there, or holds nothing of a log.
pub fn expand(path: &Path, all: bool) -> Result<Vec<(PathBuf, Kind)>, String> {
    let failed = |error: io::Error| format!("{}: {error}", path.display());
    if !fs::metadata(path).map_err(failed)?.is_dir() {
        let kind = Kind::of(path).ok_or_else(|| {
            let path = path.display();
            format!("{path}: its name is not that of a log's file, as 00000000000000000000.log is")
        })?;
        return Ok(vec![(path.to_owned(), kind)]);
    }
    let mut files = Vec::new();
    for entry in fs::read_dir(path).map_err(failed)? {
        let file = entry.map_err(failed)?.path();
        if let Some(kind) = Kind::of(&file)
            && file.is_file()
            && (all || kind == Kind::Of(FileKind::Log))
        {
            files.push((file, kind));
        }
    }
    files.sort_by(|(one, _), (other, _)| one.cmp(other));
    if files.is_empty() {
        let path = path.display();
        return Err(format!("{path}: no log file is in it; name the folder of a partition"));
    }
    Ok(files)
}
