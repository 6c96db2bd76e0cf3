//! What a check can find, and how bad that is.

use headwater_types::{EndOffset, Offset};
use std::fmt;
use std::path::PathBuf;

/// How bad something is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// Worth knowing; nothing is wrong.
    Note,
    /// Costs no record: it is cut, cleared away or made anew by the next start.
    Minor,
    /// Records are gone, cannot be read, or stand under a wrong header.
    Damage,
}

/// What a finding means for whoever runs the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Meaning {
    /// Bytes that a repair kept beside the log.
    KeptAside,
    /// A folder of no known topic, or of one on its way out.
    Stray,
    /// A file that a removal or a rewriting left behind.
    Leftover,
    /// The end of a write that was never finished.
    TornTail,
    /// A file that is made anew from the log.
    Rebuildable,
    /// The part of a batch's header that its checksum does not cover is wrong; its records are not.
    WrongHeader,
    /// The checksum is right and the records make no sense: they were appended so.
    Unreadable,
    /// Bytes that are not what was once written.
    Damaged,
    /// What was on stable storage is not there.
    Missing,
}

impl Meaning {
    /// How bad it is.
    pub fn severity(self) -> Severity {
        match self {
            Self::KeptAside | Self::Stray => Severity::Note,
            Self::Leftover | Self::TornTail | Self::Rebuildable => Severity::Minor,
            Self::WrongHeader | Self::Unreadable | Self::Damaged | Self::Missing => {
                Severity::Damage
            }
        }
    }

    /// A word for programs.
    pub fn name(self) -> &'static str {
        match self {
            Self::KeptAside => "kept-aside",
            Self::Stray => "stray",
            Self::Leftover => "leftover",
            Self::TornTail => "torn-tail",
            Self::Rebuildable => "rebuildable",
            Self::WrongHeader => "wrong-header",
            Self::Unreadable => "unreadable",
            Self::Damaged => "damaged",
            Self::Missing => "missing",
        }
    }

    /// What it means, for people.
    pub fn explanation(self) -> &'static str {
        match self {
            Self::KeptAside => "kept by a repair; remove it when nobody wants it any more",
            Self::Stray => "not served; kept until somebody adopts or removes it",
            Self::Leftover => "harmless: cleared away at the next start",
            Self::TornTail => {
                "harmless: a write that was not finished; the next start cuts or completes it"
            }
            Self::Rebuildable => "harmless: made anew from the log",
            Self::WrongHeader => "damage: the records are whole, their header is not",
            Self::Unreadable => "the bytes are as they were appended, but no reader can use them",
            Self::Damaged => "damage: these are not the bytes that were written",
            Self::Missing => "damage: what was once on stable storage is gone",
        }
    }
}

impl fmt::Display for Meaning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The offsets that a finding is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OffsetRange {
    /// The first.
    pub first: Offset,
    /// Behind the last, where that is known.
    pub end: Option<EndOffset>,
}

impl OffsetRange {
    pub(super) fn new(first: i64, end: Option<i64>) -> Self {
        Self { first: Offset(first), end: end.map(EndOffset) }
    }
}

impl OffsetRange {
    /// Whether there is none in it.
    pub fn is_empty(&self) -> bool {
        self.end.is_some_and(|end| end.0 <= self.first.0)
    }
}

impl fmt::Display for OffsetRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.end {
            Some(end) if end.0.checked_sub(1) == Some(self.first.0) => {
                write!(f, "offset {}", self.first)
            }
            Some(_) if self.is_empty() => write!(f, "no offsets (before {})", self.first),
            Some(end) => write!(f, "offsets {}..{}", self.first, end.0.saturating_sub(1)),
            None => write!(f, "offsets from {} on", self.first),
        }
    }
}

/// One thing that a check found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// The file or folder.
    pub file: PathBuf,
    /// Where in it, in bytes, where it is about a place.
    pub position: Option<u64>,
    /// How many bytes it is about.
    pub bytes: Option<u64>,
    /// The offsets concerned.
    pub offsets: Option<OffsetRange>,
    /// What it means.
    pub meaning: Meaning,
    /// What is wrong, in words.
    pub problem: String,
}

impl Finding {
    pub(super) fn of(
        file: impl Into<PathBuf>,
        meaning: Meaning,
        problem: impl Into<String>,
    ) -> Self {
        Self {
            file: file.into(),
            position: None,
            bytes: None,
            offsets: None,
            meaning,
            problem: problem.into(),
        }
    }

    pub(super) fn at(mut self, position: u64, bytes: u64) -> Self {
        (self.position, self.bytes) = (Some(position), Some(bytes));
        self
    }

    pub(super) fn offsets(mut self, first: i64, end: Option<i64>) -> Self {
        self.offsets = Some(OffsetRange::new(first, end));
        self
    }

    /// How bad it is.
    pub fn severity(&self) -> Severity {
        self.meaning.severity()
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.file.display())?;
        if let Some(position) = self.position {
            write!(f, ": byte {position}")?;
        }
        if let Some(offsets) = &self.offsets {
            write!(f, ", {offsets}")?;
        }
        write!(f, ": {} ({})", self.problem, self.meaning.explanation())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_finding_is_one_line() {
        let finding = Finding::of("/d/a-0/0.log", Meaning::Damaged, "its checksum is wrong");
        assert_eq!(
            finding.clone().at(70, 9).offsets(3, Some(5)).to_string(),
            "/d/a-0/0.log: byte 70, offsets 3..4: its checksum is wrong \
             (damage: these are not the bytes that were written)"
        );
        let range = |first, end| OffsetRange::new(first, end).to_string();
        assert_eq!(range(3, Some(4)), "offset 3");
        assert_eq!(range(3, None), "offsets from 3 on");
        assert_eq!(range(3, Some(3)), "no offsets (before 3)");
    }
}
