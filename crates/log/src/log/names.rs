//! The names of a log's files.

use std::path::{Path, PathBuf};

/// What a file of a segment holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum FileKind {
    Log,
    OffsetIndex,
    TimeIndex,
    TxnIndex,
    Snapshot,
}

impl FileKind {
    /// The files that go away with a segment.
    pub const OF_SEGMENT: [FileKind; 4] =
        [Self::Log, Self::OffsetIndex, Self::TimeIndex, Self::TxnIndex];

    fn extension(self) -> &'static str {
        match self {
            Self::Log => "log",
            Self::OffsetIndex => "index",
            Self::TimeIndex => "timeindex",
            Self::TxnIndex => "txnindex",
            Self::Snapshot => "snapshot",
        }
    }
}

/// What marks a file that is on its way out.
pub(crate) const DELETED: &str = "deleted";
/// `leader-epoch-checkpoint`.
pub(crate) const EPOCHS: &str = "leader-epoch-checkpoint";
/// `partition.metadata`.
pub(crate) const METADATA: &str = "partition.metadata";

/// A file's path, e.g. `00000000000000000042.index`.
pub(crate) fn file_path(folder: &Path, base: i64, kind: FileKind) -> PathBuf {
    folder.join(format!("{base:020}.{}", kind.extension()))
}

/// The path with `.deleted` behind it.
pub(crate) fn deleted_path(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".");
    name.push(DELETED);
    PathBuf::from(name)
}

/// What a file's name says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Name {
    /// A file of a segment, or a snapshot.
    Live { base: i64, kind: FileKind },
    /// Left from a removal, a cleaning that was broken off, or a write that was.
    Leftover,
    /// A cleaned segment about to take the place of others (`.swap`).
    Swap { base: i64, kind: FileKind },
    /// Something else.
    Other,
}

impl Name {
    pub fn parse(name: &str) -> Self {
        let (stem, extension) = name.rsplit_once('.').unwrap_or((name, ""));
        match extension {
            DELETED | "cleaned" | "tmp" => Self::Leftover,
            "swap" => match Self::parse(stem) {
                Self::Live { base, kind } => Self::Swap { base, kind },
                _ => Self::Other,
            },
            _ => Self::live(stem, extension).unwrap_or(Self::Other),
        }
    }

    fn live(stem: &str, extension: &str) -> Option<Self> {
        let kind = match extension {
            "log" => FileKind::Log,
            "index" => FileKind::OffsetIndex,
            "timeindex" => FileKind::TimeIndex,
            "txnindex" => FileKind::TxnIndex,
            "snapshot" => FileKind::Snapshot,
            _ => return None,
        };
        let digits = stem.len() == 20 && stem.bytes().all(|byte| byte.is_ascii_digit());
        let base = stem.parse().ok().filter(|_| digits)?;
        Some(Self::Live { base, kind })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_told_apart() {
        let live = |base, kind| Name::Live { base, kind };
        assert_eq!(Name::parse("00000000000000000042.log"), live(42, FileKind::Log));
        assert_eq!(Name::parse("00000000000000000042.timeindex"), live(42, FileKind::TimeIndex));
        assert_eq!(Name::parse("00000000000000000042.log.deleted"), Name::Leftover);
        assert_eq!(Name::parse("00000000000000000042.log.cleaned"), Name::Leftover);
        let swap = Name::Swap { base: 42, kind: FileKind::Log };
        assert_eq!(Name::parse("00000000000000000042.log.swap"), swap);
        for other in
            ["partition.metadata", "42.log", "99999999999999999999.log", "+0000000000000000042.log"]
        {
            assert_eq!(Name::parse(other), Name::Other, "{other}");
        }
        let path = file_path(Path::new("/d"), 42, FileKind::Snapshot);
        assert_eq!(path, Path::new("/d/00000000000000000042.snapshot"));
    }
}
