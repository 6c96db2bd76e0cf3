//! Which files a folder holds, and what each is by its name.

use std::fmt;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// Digits of the offset in a file's name.
const OFFSET_DIGITS: usize = 20;

/// What a file in a partition's folder holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FileKind {
    /// Record batches: `*.log`, and snapshots of the metadata, `*.checkpoint`.
    Batches,
    /// Where offsets stand in the `*.log`: `*.index`.
    OffsetIndex,
    /// From which offset on records are younger: `*.timeindex`.
    TimeIndex,
    /// Aborted transactions: `*.txnindex`.
    TransactionIndex,
    /// What idempotent producers have written last: `*.snapshot`.
    ProducerSnapshot,
    /// Lines of text: `leader-epoch-checkpoint`, `partition.metadata`.
    Text,
}

impl FileKind {
    /// What a file is, by its name.
    pub fn of(path: &Path) -> Option<Self> {
        let name = path.file_name()?.to_str()?;
        // What is being deleted or written carries a further suffix.
        let name = name.trim_end_matches(".deleted").trim_end_matches(".cleaned");
        if matches!(name, "leader-epoch-checkpoint" | "partition.metadata") {
            return Some(Self::Text);
        }
        match name.rsplit_once('.')?.1 {
            "log" | "checkpoint" => Some(Self::Batches),
            "index" => Some(Self::OffsetIndex),
            "timeindex" => Some(Self::TimeIndex),
            "txnindex" => Some(Self::TransactionIndex),
            "snapshot" => Some(Self::ProducerSnapshot),
            _ => None,
        }
    }
}

impl fmt::Display for FileKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Batches => "batches",
            Self::OffsetIndex => "offset-index",
            Self::TimeIndex => "time-index",
            Self::TransactionIndex => "transaction-index",
            Self::ProducerSnapshot => "producer-snapshot",
            Self::Text => "text",
        })
    }
}

/// The base offset that stands in a file's name; 0 where none does.
pub fn base_offset(path: &Path) -> i64 {
    let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    let digits: String = name.chars().take_while(char::is_ascii_digit).collect();
    digits.parse().unwrap_or(0)
}

fn numbered(path: &Path) -> bool {
    let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    name.chars().take_while(char::is_ascii_digit).count() == OFFSET_DIGITS
}

/// The files that a path stands for: itself, or those in the folder, by name. Without `all`, only
/// the batches of a folder.
///
/// # Errors
/// When the path is not there, or holds nothing of a log.
pub fn expand(path: &Path, all: bool) -> Result<Vec<(PathBuf, FileKind)>, String> {
    let failed = |error: io::Error| format!("{}: {error}", path.display());
    if !fs::metadata(path).map_err(failed)?.is_dir() {
        // A file that somebody renamed is most likely a segment.
        return Ok(vec![(path.to_owned(), FileKind::of(path).unwrap_or(FileKind::Batches))]);
    }
    let mut files = Vec::new();
    for entry in fs::read_dir(path).map_err(failed)? {
        let file = entry.map_err(failed)?.path();
        // Other programs write files of the name `*.log`, too; ours begin with an offset.
        let kind = FileKind::of(&file).filter(|&kind| kind == FileKind::Text || numbered(&file));
        if let Some(kind) = kind
            && file.is_file()
            && (all || kind == FileKind::Batches)
        {
            files.push((file, kind));
        }
    }
    files.sort();
    if files.is_empty() {
        let path = path.display();
        return Err(format!("{path}: no log file is in it; name the folder of a partition"));
    }
    Ok(files)
}

impl PartialOrd for FileKind {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for FileKind {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        (*self as u8).cmp(&(*other as u8))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_what_its_name_says() {
        let kind = |name: &str| FileKind::of(Path::new(name));
        assert_eq!(kind("a-0/00000000000000000042.log"), Some(FileKind::Batches));
        assert_eq!(kind("00000000000000000042.log.deleted"), Some(FileKind::Batches));
        assert_eq!(kind("00000000000000000042.timeindex"), Some(FileKind::TimeIndex));
        assert_eq!(kind("leader-epoch-checkpoint"), Some(FileKind::Text));
        assert_eq!(kind("00000000000000000042-0000000001.checkpoint"), Some(FileKind::Batches));
        assert_eq!(kind("meta.properties"), None);
        assert_eq!(base_offset(Path::new("a-0/00000000000000000042.index")), 42);
        assert_eq!(base_offset(Path::new("renamed")), 0);
    }
}
