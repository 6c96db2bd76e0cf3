//! Positions in a partition's log.

use std::fmt;

/// The place of one record in its partition: inclusive, `>= 0` for a real record.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Offset(pub i64);

/// The place just behind a range of records: exclusive. A log end, a high watermark and a last
/// stable offset are of this kind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct EndOffset(pub i64);

impl EndOffset {
    /// The end of a range whose last record stands at `last`.
    pub const fn after(last: Offset) -> Self {
        Self(last.0.saturating_add(1))
    }

    /// Whether the record at `offset` lies before this end.
    pub const fn covers(self, offset: Offset) -> bool {
        offset.0 < self.0
    }

    /// The offset that the next record will get.
    pub const fn next(self) -> Offset {
        Offset(self.0)
    }
}

impl Offset {
    /// The end of the (empty) range that stops just before this record.
    pub const fn as_end(self) -> EndOffset {
        EndOffset(self.0)
    }
}

impl fmt::Display for Offset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Display for EndOffset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
