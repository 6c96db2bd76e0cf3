//! Mends a log: what is broken is taken out and kept beside, headers are put right, and what is told
//! from the batches is made anew.
//!
//! A segment is written anew under `.cleaned`, synced, becomes `.swap` and then takes its place, with
//! the folder synced in between: after a crash at any point there is one whole segment or the other,
//! and doing it again ends in the same files. A batch that is whole is never lost.

use super::finding::{Finding, Meaning, OffsetRange};
use super::folder::Surroundings;
use super::partition::{CheckOptions, DAMAGED, Edit, Examined, PartitionReport, examine};
use super::rebuild::{Wanted, rebuild};
use super::walk::header_bytes;
use crate::disk::{Disk, DiskError, DiskFile, DiskTask, OpenMode, read_whole, write_whole_durably};
use crate::log::parts::{EPOCHS, METADATA, file_path};
use crate::log::{FileKind, FileName};
use std::fmt;
use std::path::{Path, PathBuf};

/// Bytes copied at a time.
const COPY_BYTES: u64 = 1 << 20;

const INDEXES: [FileKind; 3] = [FileKind::OffsetIndex, FileKind::TimeIndex, FileKind::TxnIndex];

/// One thing that a repair does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RepairStep {
    /// Bytes are taken out of a segment and kept in a file beside it.
    TakeOut {
        /// The segment.
        file: PathBuf,
        /// Where they begin.
        position: u64,
        /// How many.
        bytes: u64,
        /// The offsets that are not there afterwards.
        offsets: Option<OffsetRange>,
        /// Whether they are only the end of a write that was never finished.
        is_torn_tail: bool,
    },
    /// A batch's header is put right; its records stay as they are.
    MendHeader {
        /// The segment.
        file: PathBuf,
        /// Where the batch begins.
        position: u64,
        /// Its offsets afterwards.
        offsets: Option<OffsetRange>,
        /// What is wrong with it.
        problem: String,
    },
    /// A file is made anew from the batches.
    Rebuild {
        /// The file.
        file: PathBuf,
    },
    /// A file that is of no use is removed.
    Remove {
        /// The file.
        file: PathBuf,
    },
    /// A rewritten file takes its place.
    FinishSwap {
        /// The file.
        file: PathBuf,
    },
}

impl fmt::Display for RepairStep {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TakeOut { file, position, bytes, offsets, is_torn_tail } => {
                let what = if *is_torn_tail { "cut the torn tail of" } else { "take out" };
                write!(f, "{what} {bytes} bytes at byte {position} of {}", file.display())?;
                match offsets {
                    Some(offsets) if offsets.is_empty() => write!(f, ": no record is lost"),
                    Some(offsets) if !is_torn_tail => write!(f, ": {offsets} are lost"),
                    _ => Ok(()),
                }
            }
            Self::MendHeader { file, position, offsets, problem } => {
                write!(f, "put the header at byte {position} of {} right", file.display())?;
                match offsets {
                    Some(offsets) => write!(f, " for {offsets}: {problem}"),
                    None => write!(f, ": {problem}"),
                }
            }
            Self::Rebuild { file } => write!(f, "make {} anew", file.display()),
            Self::Remove { file } => write!(f, "remove {}", file.display()),
            Self::FinishSwap { file } => write!(f, "put {} in its place", file.display()),
        }
    }
}

/// What a repair of one partition would do.
#[derive(Debug)]
pub struct RepairPlan {
    examined: Examined,
    around: Surroundings,
    steps: Vec<RepairStep>,
    left: Vec<Finding>,
}

/// Checks a partition's folder and plans its repair; changes nothing.
///
/// # Errors
/// When the folder or a file in it cannot be read.
pub fn plan_repair(
    disk: &dyn Disk,
    folder: &Path,
    around: &Surroundings,
    progress: &mut dyn FnMut(u64),
) -> Result<RepairPlan, DiskError> {
    let examined = examine(disk, folder, around, CheckOptions::default(), progress)?;
    let mut plan = RepairPlan { examined, around: *around, steps: Vec::new(), left: Vec::new() };
    plan.make();
    Ok(plan)
}

impl RepairPlan {
    /// What was found.
    pub fn report(&self) -> &PartitionReport {
        &self.examined.report
    }

    /// What will be done, in order.
    pub fn steps(&self) -> &[RepairStep] {
        &self.steps
    }

    /// What was found and cannot be mended here.
    pub fn left(&self) -> &[Finding] {
        &self.left
    }

    /// Offsets of which the records are lost.
    pub fn lost(&self) -> Vec<OffsetRange> {
        let lost = |step: &RepairStep| match step {
            RepairStep::TakeOut { offsets, is_torn_tail: false, .. } => {
                offsets.filter(|offsets| !offsets.is_empty())
            }
            _ => None,
        };
        self.steps.iter().filter_map(lost).collect()
    }

    fn make(&mut self) {
        for finding in &self.examined.report.findings {
            let file = finding.file.clone();
            let (position, bytes) = (finding.position.unwrap_or(0), finding.bytes.unwrap_or(0));
            let name = file.file_name().map(|name| name.to_string_lossy().into_owned());
            let kind = name.as_deref().map(FileName::parse);
            let step = match (finding.meaning, kind) {
                (
                    Meaning::Damaged | Meaning::TornTail,
                    Some(FileName::Live { kind: FileKind::Log, .. }),
                ) if bytes > 0 => RepairStep::TakeOut {
                    file,
                    position,
                    bytes,
                    offsets: finding.offsets,
                    is_torn_tail: finding.meaning == Meaning::TornTail,
                },
                // The batches of an overlap are findings of their own.
                (Meaning::Damaged, Some(FileName::Live { kind: FileKind::Log, .. })) => continue,
                (Meaning::WrongHeader, _) => RepairStep::MendHeader {
                    file,
                    position,
                    offsets: finding.offsets,
                    problem: finding.problem.clone(),
                },
                (Meaning::Rebuildable, Some(FileName::Live { base, kind: FileKind::Snapshot })) => {
                    match self.may_have_snapshot(base) {
                        true => RepairStep::Rebuild { file },
                        false => RepairStep::Remove { file },
                    }
                }
                (Meaning::Rebuildable, _) if name.as_deref() != Some(METADATA) => {
                    RepairStep::Rebuild { file }
                }
                (Meaning::Leftover, Some(FileName::Swap { .. })) => RepairStep::FinishSwap { file },
                (Meaning::Leftover, _) => RepairStep::Remove { file },
                // The next start knows what to write there.
                (Meaning::Rebuildable | Meaning::KeptAside | Meaning::Stray, _) => continue,
                (
                    Meaning::Unreadable | Meaning::Damaged | Meaning::Missing | Meaning::TornTail,
                    _,
                ) => {
                    self.left.push(finding.clone());
                    continue;
                }
            };
            self.steps.push(step);
        }
        self.rebuild_behind_edits();
        self.steps.sort_by_key(|step| match step {
            RepairStep::FinishSwap { .. } => 0,
            RepairStep::TakeOut { .. } | RepairStep::MendHeader { .. } => 1,
            RepairStep::Rebuild { .. } => 2,
            RepairStep::Remove { .. } => 3,
        });
    }

    /// A snapshot is made anew where a segment begins, and at the end of the log.
    fn may_have_snapshot(&self, at: i64) -> bool {
        self.examined.segments.contains_key(&at) || at == self.examined.report.end.0
    }

    /// What a change of a segment makes wrong beside it.
    fn rebuild_behind_edits(&mut self) {
        let folder = self.examined.report.folder.clone();
        let edited: Vec<i64> = self
            .examined
            .segments
            .iter()
            .filter(|(_, (_, edits))| !edits.is_empty())
            .map(|(base, _)| *base)
            .collect();
        for base in &edited {
            for kind in [FileKind::OffsetIndex, FileKind::TimeIndex] {
                self.steps.push(RepairStep::Rebuild { file: file_path(&folder, *base, kind) });
            }
        }
        // What producers did in what is lost is not to be remembered: told from the batches that are
        // left when it is needed.
        let cut = self
            .examined
            .segments
            .iter()
            .find(|(_, (_, edits))| edits.iter().any(|edit| edit.head.is_none()));
        let Some((first, _)) = cut else { return };
        for at in self.examined.snapshots.iter().filter(|at| *at > first) {
            let file = file_path(&folder, *at, FileKind::Snapshot);
            self.steps.push(RepairStep::Remove { file });
        }
    }

    /// Does it, durably. The caller sees to it that nobody else uses the log. Returns what was found
    /// after it: nothing that could be mended.
    ///
    /// # Errors
    /// When a file cannot be read or written: what was done is whole, and doing it again goes on.
    pub fn execute(
        self,
        disk: &dyn Disk,
        progress: &mut dyn FnMut(u64),
    ) -> Result<PartitionReport, DiskError> {
        let folder = self.examined.report.folder.clone();
        let swaps = self.steps.iter().filter_map(|step| match step {
            RepairStep::FinishSwap { file } => Some(file),
            _ => None,
        });
        let swaps: Vec<_> = swaps.cloned().collect();
        if !swaps.is_empty() {
            // What was examined is not what will be there.
            for swap in swaps {
                disk.rename(&swap, &swap.with_extension(""))?;
            }
            disk.run(&DiskTask::SyncFolder(folder.clone()))?;
            return plan_repair(disk, &folder, &self.around, progress)?.execute(disk, progress);
        }
        let mut wanted = Wanted::default();
        for step in &self.steps {
            match step {
                RepairStep::Remove { file } => disk.run(&DiskTask::Unlink(file.clone()))?,
                RepairStep::Rebuild { file } => {
                    let name = file.file_name().map(|name| name.to_string_lossy().into_owned());
                    match name.as_deref().map(FileName::parse) {
                        Some(FileName::Live { base, kind: FileKind::Snapshot }) => {
                            wanted.snapshots.insert(base);
                        }
                        Some(FileName::Live { base, kind }) => {
                            wanted.indexes.insert((base, kind));
                            // A repair that was broken off behind the swap leaves none.
                            let missing = disk.open(file, OpenMode::Read);
                            if missing.is_err_and(|error| error.is_not_found()) {
                                wanted.indexes.extend(INDEXES.map(|kind| (base, kind)));
                            }
                        }
                        _ => wanted.epochs |= name.as_deref() == Some(EPOCHS),
                    }
                }
                _ => {}
            }
        }
        for (base, (length, edits)) in &self.examined.segments {
            if !edits.is_empty() {
                rewrite(disk, &folder, *base, *length, edits)?;
                wanted.indexes.extend(INDEXES.map(|kind| (*base, kind)));
            }
        }
        let bases: Vec<i64> = self.examined.segments.keys().copied().collect();
        rebuild(disk, &folder, &bases, &self.examined.snapshots, wanted)?;
        sync_all(disk, &folder)?;
        let after = examine(disk, &folder, &self.around, CheckOptions::default(), progress)?;
        Ok(after.report)
    }
}

/// Writes a segment anew with its edits.
fn rewrite(
    disk: &dyn Disk,
    folder: &Path,
    base: i64,
    length: u64,
    edits: &[Edit],
) -> Result<(), DiskError> {
    let path = file_path(folder, base, FileKind::Log);
    let file = disk.open(&path, OpenMode::Read)?;
    for edit in edits {
        keep_aside(disk, &*file, &path, edit)?;
    }
    let cleaned_path = with_suffix(&path, ".cleaned");
    let cleaned = disk.open(&cleaned_path, OpenMode::Truncate)?;
    let (mut from, mut to) = (0, 0);
    for edit in edits {
        copy(&*file, from, edit.position, &*cleaned, &mut to)?;
        from = edit.position;
        match &edit.head {
            None => from = edit.end,
            Some(head) => {
                let header = header_bytes(head);
                cleaned.write_at(&[&header], to)?;
                to += header.len() as u64;
                from += header.len() as u64;
            }
        }
    }
    copy(&*file, from, length, &*cleaned, &mut to)?;
    cleaned.sync()?;
    // Indexes first: without one it is made anew, with one of another segment it may be believed.
    for kind in INDEXES {
        let index = file_path(folder, base, kind);
        disk.forget_shared(&index);
        disk.run(&DiskTask::Unlink(index))?;
    }
    disk.run(&DiskTask::SyncFolder(folder.to_owned()))?;
    let swap = with_suffix(&path, ".swap");
    disk.rename(&cleaned_path, &swap)?;
    disk.run(&DiskTask::SyncFolder(folder.to_owned()))?;
    disk.forget_shared(&path);
    disk.rename(&swap, &path)?;
    disk.run(&DiskTask::SyncFolder(folder.to_owned()))
}

/// Keeps the bytes that an edit takes away.
fn keep_aside(
    disk: &dyn Disk,
    file: &dyn DiskFile,
    path: &Path,
    edit: &Edit,
) -> Result<(), DiskError> {
    let end = match edit.head {
        // Only the header changes.
        Some(_) => edit.end.min(edit.position + header_bytes_max()),
        None => edit.end,
    };
    let mut number = 0u32;
    loop {
        let suffix = match number {
            0 => format!("{DAMAGED}{}", edit.position),
            number => format!("{DAMAGED}{}-{number}", edit.position),
        };
        let aside = with_suffix(path, &suffix);
        match disk.open(&aside, OpenMode::Read) {
            Ok(kept) if same(file, edit.position, end, &*kept)? => return Ok(()),
            // Of another repair.
            Ok(_) => number += 1,
            Err(error) if error.is_not_found() => {
                let temporary = with_suffix(&aside, ".tmp");
                let kept = disk.open(&temporary, OpenMode::Truncate)?;
                copy(file, edit.position, end, &*kept, &mut 0)?;
                kept.sync()?;
                return disk.rename(&temporary, &aside);
            }
            Err(error) => return Err(error),
        }
    }
}

fn header_bytes_max() -> u64 {
    crate::log::parts::HEAD_BYTES as u64
}

fn same(file: &dyn DiskFile, from: u64, end: u64, other: &dyn DiskFile) -> Result<bool, DiskError> {
    if other.length()? != end - from {
        return Ok(false);
    }
    let mut at = from;
    while at < end {
        let size = usize::try_from((end - at).min(COPY_BYTES)).unwrap_or(0);
        let (mut one, mut two) = (vec![0; size], vec![0; size]);
        let read = file.read_at(&mut one, at)?;
        if other.read_at(&mut two, at - from)? != read || one != two || read == 0 {
            return Ok(false);
        }
        at += read as u64;
    }
    Ok(true)
}

/// Copies a range to a place, which moves on.
pub(super) fn copy(
    from_file: &dyn DiskFile,
    from: u64,
    end: u64,
    to_file: &dyn DiskFile,
    to: &mut u64,
) -> Result<(), DiskError> {
    let mut at = from;
    let mut buffer = Vec::new();
    while at < end {
        let size = usize::try_from((end - at).min(COPY_BYTES)).unwrap_or(0);
        buffer.resize(size, 0);
        let read = from_file.read_at(&mut buffer, at)?;
        if read == 0 {
            break;
        }
        to_file.write_at(&[buffer.get(..read).unwrap_or_default()], *to)?;
        at += read as u64;
        *to += read as u64;
    }
    Ok(())
}

pub(super) fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}

/// Makes all files of a folder durable, and their names.
pub(super) fn sync_all(disk: &dyn Disk, folder: &Path) -> Result<(), DiskError> {
    for entry in disk.list(folder)?.into_iter().filter(|entry| !entry.is_folder) {
        disk.open(&folder.join(entry.name), OpenMode::ReadWrite)?.sync()?;
    }
    disk.run(&DiskTask::SyncFolder(folder.to_owned()))
}

/// Writes a file unless it holds just that.
pub(super) fn write_if_other(
    disk: &dyn Disk,
    path: &Path,
    content: &[u8],
) -> Result<(), DiskError> {
    let limit = content.len() as u64;
    if let Ok(Some(there)) = read_whole(disk, path, limit)
        && *there == *content
    {
        return Ok(());
    }
    disk.forget_shared(path);
    write_whole_durably(disk, path, content)
}
