//! Makes indexes, snapshots and epochs anew from segments that hold whole batches only.

use super::repair::write_if_other;
use super::shadow::Shadow;
use crate::checkpoint::epochs_to_text;
use crate::disk::{Disk, DiskError, DiskTask, OpenMode, read_whole};
use crate::log::parts::{EPOCHS, file_path};
use crate::log::{FileKind, Marker, Scanner, Step, WINDOW_WHOLE, parse_snapshot};
use std::collections::BTreeSet;
use std::path::Path;

/// Log bytes between two entries of an index: Apache Kafka's default.
const INDEX_INTERVAL_BYTES: u32 = 4096;

/// What is to be made anew.
#[derive(Debug, Default)]
pub(super) struct Wanted {
    /// Indexes of segments.
    pub indexes: BTreeSet<(i64, FileKind)>,
    /// Offsets of snapshots.
    pub snapshots: BTreeSet<i64>,
    pub epochs: bool,
}

impl Wanted {
    fn is_nothing(&self) -> bool {
        self.indexes.is_empty() && self.snapshots.is_empty() && !self.epochs
    }
}

/// Makes it anew. Producers from before the first segment are told by one of the `right` snapshots.
pub(super) fn rebuild(
    disk: &dyn Disk,
    folder: &Path,
    bases: &[i64],
    right: &BTreeSet<i64>,
    mut wanted: Wanted,
) -> Result<(), DiskError> {
    if wanted.is_nothing() {
        return Ok(());
    }
    let first = bases.first().copied().unwrap_or(0);
    let lines = match right.range(..=first).next_back() {
        Some(at) => {
            let path = file_path(folder, *at, FileKind::Snapshot);
            let bytes = read_whole(disk, &path, 1 << 30)?.unwrap_or_default();
            parse_snapshot(&bytes).unwrap_or_default()
        }
        None => Vec::new(),
    };
    let mut shadow = Shadow::new(&lines, INDEX_INTERVAL_BYTES);
    let mut end = first;
    for base in bases.iter().copied() {
        shadow.begin_segment(base);
        let path = file_path(folder, base, FileKind::Log);
        let file = disk.open(&path, OpenMode::Read)?;
        let mut scanner = Scanner::new(&*file, 0, file.length()?, WINDOW_WHOLE);
        end = end.max(base);
        while let Step::Batch(found) = scanner.step()? {
            let head = &found.head;
            write_snapshots(disk, folder, &shadow, &mut wanted.snapshots, head.base)?;
            let marker = match head.is_control() && head.producer >= 0 {
                true => Marker::parse(&scanner.read(&found)?),
                false => None,
            };
            shadow.note(&found, marker.as_ref());
            end = head.last.saturating_add(1);
        }
        let indexes = shadow.indexes();
        // The index whose absence is seen by everybody comes last.
        for (kind, bytes) in [
            (FileKind::TxnIndex, indexes.aborted),
            (FileKind::TimeIndex, indexes.times),
            (FileKind::OffsetIndex, indexes.offsets),
        ] {
            let path = file_path(folder, base, kind);
            match wanted.indexes.contains(&(base, kind)) {
                false => {}
                true if bytes.is_empty() && kind == FileKind::TxnIndex => {
                    disk.run(&DiskTask::Unlink(path))?;
                }
                true => write_if_other(disk, &path, &bytes)?,
            }
        }
    }
    write_snapshots(disk, folder, &shadow, &mut wanted.snapshots, end)?;
    if wanted.epochs {
        let text = epochs_to_text(shadow.epochs.entries());
        write_if_other(disk, &folder.join(EPOCHS), text.as_bytes())?;
    }
    Ok(())
}

/// Writes the snapshots that are due before an offset.
fn write_snapshots(
    disk: &dyn Disk,
    folder: &Path,
    shadow: &Shadow,
    due: &mut BTreeSet<i64>,
    up_to: i64,
) -> Result<(), DiskError> {
    while due.first().is_some_and(|at| *at <= up_to) {
        let Some(at) = due.pop_first() else { break };
        let path = file_path(folder, at, FileKind::Snapshot);
        write_if_other(disk, &path, &shadow.producers.to_snapshot())?;
    }
    Ok(())
}
