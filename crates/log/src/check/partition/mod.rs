//! One partition's folder: segments, and everything beside them.

mod beside;
mod inventory;
mod records;

use super::finding::{Finding, Meaning, Severity};
use super::folder::{Surroundings, parse_folder_name};
use super::index_checks::{Completeness, IndexChecks, check_aborted};
use super::shadow::Shadow;
use super::walk::{Bounds, Piece, Walker, header_bytes};
use crate::disk::{Disk, DiskError, OpenMode};
use crate::log::parts::{EpochCache, Head, WINDOW_LOOKUP, file_path};
use crate::log::{FileKind, FileName, Found, Marker, Scanner, SnapshotLine, Step};
use headwater_types::{EndOffset, LeaderEpoch, Offset, PartitionIndex, ProducerId, TopicId};
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// Ends the name of what a repair keeps: `….log.damaged-4096`.
pub(super) const DAMAGED: &str = ".damaged-";

/// How to check.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CheckOptions {
    /// Whether every record is decoded.
    pub deep: bool,
}

/// What was found in a partition's folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PartitionReport {
    /// The folder.
    pub folder: PathBuf,
    /// The topic and the partition, where the folder's name says them.
    pub partition: Option<(String, PartitionIndex)>,
    /// The topic's id, where the folder says one.
    pub topic_id: Option<TopicId>,
    /// Segments.
    pub segments: usize,
    /// Whole batches.
    pub batches: u64,
    /// Records, where they were decoded.
    pub records: Option<u64>,
    /// Bytes of all segments.
    pub bytes: u64,
    /// First offset that is there.
    pub first: Offset,
    /// End of the last whole batch.
    pub end: EndOffset,
    /// Leader epoch of the last batch, where it has one.
    pub epoch: Option<LeaderEpoch>,
    /// The largest producer id that the batches and snapshots name.
    pub last_producer: Option<ProducerId>,
    /// Places where offsets were left out.
    pub gaps: u64,
    /// What was found, in the order of files and positions.
    pub findings: Vec<Finding>,
}

impl PartitionReport {
    /// How bad the worst finding is.
    pub fn severity(&self) -> Option<Severity> {
        self.findings.iter().map(Finding::severity).max()
    }
}

/// Something in a segment that a repair changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Edit {
    pub position: u64,
    pub end: u64,
    /// What the batch's header should say; `None`: the bytes are taken out.
    pub head: Option<Head>,
}

/// What a check learned that a repair needs.
#[derive(Debug)]
pub(super) struct Examined {
    pub report: PartitionReport,
    /// By base: length, and what is to be changed.
    pub segments: BTreeMap<i64, (u64, Vec<Edit>)>,
    /// Offsets of the snapshots that are right.
    pub snapshots: BTreeSet<i64>,
}

/// Checks a partition's folder. `progress` is given the bytes that were gone through since the last
/// call.
///
/// # Errors
/// When the folder or a file in it cannot be read.
pub fn check_partition(
    disk: &dyn Disk,
    folder: &Path,
    around: &Surroundings,
    options: CheckOptions,
    progress: &mut dyn FnMut(u64),
) -> Result<PartitionReport, DiskError> {
    examine(disk, folder, around, options, progress).map(|examined| examined.report)
}

/// Checks one `.log` file, with the indexes beside it where there are any.
///
/// # Errors
/// When a file cannot be read, or its name is not that of a segment.
pub fn check_segment(
    disk: &dyn Disk,
    file: &Path,
    options: CheckOptions,
    progress: &mut dyn FnMut(u64),
) -> Result<PartitionReport, DiskError> {
    let name = file.file_name().map(|name| name.to_string_lossy().into_owned());
    let Some(FileName::Live { base, kind: FileKind::Log }) = name.as_deref().map(FileName::parse)
    else {
        let cause = std::io::Error::other("its name is not that of a segment");
        return Err(DiskError::new("check", file, cause));
    };
    let folder = file.parent().unwrap_or(Path::new("")).to_owned();
    let length = disk.open(file, OpenMode::Read)?.length()?;
    let mut check = Check::new(disk, &folder, Surroundings::default(), options, progress);
    check.inventory.logs.insert(base, length);
    check.is_alone = true;
    check.run()?;
    Ok(check.into_examined().report)
}

pub(super) fn examine(
    disk: &dyn Disk,
    folder: &Path,
    around: &Surroundings,
    options: CheckOptions,
    progress: &mut dyn FnMut(u64),
) -> Result<Examined, DiskError> {
    let mut check = Check::new(disk, folder, *around, options, progress);
    check.take_inventory()?;
    check.check_metadata()?;
    check.run()?;
    Ok(check.into_examined())
}

#[derive(Debug, Default)]
struct Inventory {
    logs: BTreeMap<i64, u64>,
    snapshots: BTreeSet<i64>,
    /// Bases of the other files.
    indexes: BTreeSet<(i64, FileKind)>,
}

struct Check<'a> {
    disk: &'a dyn Disk,
    folder: PathBuf,
    around: Surroundings,
    options: CheckOptions,
    progress: &'a mut dyn FnMut(u64),
    inventory: Inventory,
    /// One segment out of a folder.
    is_alone: bool,
    report: PartitionReport,
    edits: BTreeMap<i64, (u64, Vec<Edit>)>,
    shadow: Shadow,
    /// Offsets from which on producers are known.
    known_from: i64,
    /// No offset was left out since `known_from`.
    unbroken: bool,
    snapshots_left: BTreeMap<i64, Vec<SnapshotLine>>,
    snapshots_right: BTreeSet<i64>,
    epochs: Option<EpochCache>,
    epochs_problem: Option<String>,
}

impl<'a> Check<'a> {
    fn new(
        disk: &'a dyn Disk,
        folder: &Path,
        around: Surroundings,
        options: CheckOptions,
        progress: &'a mut dyn FnMut(u64),
    ) -> Self {
        let name = folder.file_name().map(|name| name.to_string_lossy().into_owned());
        Self {
            disk,
            folder: folder.to_owned(),
            around,
            options,
            progress,
            inventory: Inventory::default(),
            is_alone: false,
            report: PartitionReport {
                folder: folder.to_owned(),
                partition: name.as_deref().and_then(parse_folder_name),
                topic_id: None,
                segments: 0,
                batches: 0,
                records: options.deep.then_some(0),
                bytes: 0,
                first: around.log_start,
                end: EndOffset(around.log_start.0),
                epoch: None,
                last_producer: None,
                gaps: 0,
                findings: Vec::new(),
            },
            edits: BTreeMap::new(),
            shadow: Shadow::new(&[], 4096),
            known_from: 0,
            unbroken: true,
            snapshots_left: BTreeMap::new(),
            snapshots_right: BTreeSet::new(),
            epochs: None,
            epochs_problem: None,
        }
    }

    fn find(&mut self, finding: Finding) {
        self.report.findings.push(finding);
    }

    fn run(&mut self) -> Result<(), DiskError> {
        if !self.is_alone {
            self.load_epochs()?;
            self.load_snapshots()?;
        }
        let segments: Vec<(i64, u64)> =
            self.inventory.logs.iter().map(|(base, length)| (*base, *length)).collect();
        let (mut expected, mut epoch) = (i64::MIN, -1);
        if let Some((base, _)) = segments.first() {
            self.report.first = self.report.first.max(Offset(*base));
            self.report.end = self.report.end.max(EndOffset(*base));
        }
        for (at, (base, length)) in segments.iter().copied().enumerate() {
            let next_base = segments.get(at + 1).map(|(next, _)| *next);
            if base < expected {
                let path = file_path(&self.folder, base, FileKind::Log);
                let problem =
                    format!("it begins at offset {base}, the one before ends at {expected}");
                self.find(
                    Finding::of(path, Meaning::Damaged, problem).offsets(base, Some(expected)),
                );
            }
            (expected, epoch) = self.segment(base, length, next_base, expected, epoch)?;
        }
        let end = self.report.end.0;
        self.report.epoch = (epoch >= 0).then_some(LeaderEpoch(epoch));
        let already =
            self.report.findings.iter().any(|finding| finding.severity() == Severity::Damage);
        if let Some(point) = self.around.recovery_point.filter(|point| point.0 > end)
            && !(already && self.report.findings.iter().any(|one| covers(one, end)))
        {
            let last = segments.last();
            let file = last.map(|(base, _)| file_path(&self.folder, *base, FileKind::Log));
            let problem = format!(
                "the log ends at {end}, but everything before {point} was on stable storage"
            );
            let finding =
                Finding::of(file.unwrap_or(self.folder.clone()), Meaning::Missing, problem);
            let finding = match last {
                Some((_, length)) => finding.at(*length, 0),
                None => finding,
            };
            self.find(finding.offsets(end, Some(point.0)));
        }
        self.finish_snapshots();
        self.finish_epochs();
        Ok(())
    }

    /// Whether an offset was on stable storage when a checkpoint was last written.
    fn was_durable(&self, offset: i64) -> bool {
        self.around.recovery_point.is_some_and(|point| offset < point.0)
    }

    fn segment(
        &mut self,
        base: i64,
        length: u64,
        next_base: Option<i64>,
        expected: i64,
        epoch: i32,
    ) -> Result<(i64, i32), DiskError> {
        let path = file_path(&self.folder, base, FileKind::Log);
        let file = match self.disk.open(&path, OpenMode::Read) {
            Ok(file) => file,
            // Retention was faster.
            Err(error) if error.is_not_found() => return Ok((expected, epoch)),
            Err(error) => return Err(error),
        };
        self.report.segments += 1;
        self.report.bytes += length;
        // Of the first segment nobody knows what was before.
        if (0..base).contains(&expected) {
            self.report.gaps += 1;
            self.unbroken = false;
        }
        let mut indexes = IndexChecks::load(self.disk, &path, base)?;
        let known_end = self.around.recovery_point.filter(|_| self.around.clean_stop);
        let known_end = known_end.map(|end| end.0);
        let next_epoch = self.next_epoch(next_base)?;
        let bounds = Bounds { base, next_base, known_end, next_epoch };
        let mut walker = Walker::new(&*file, length, bounds, expected, epoch);
        let mut edits = Vec::new();
        self.shadow.begin_segment(base);
        let mut reported = 0;
        loop {
            let gone_by = walker.expected();
            let Some(piece) = walker.next()? else { break };
            let (found, end) = match &piece {
                Piece::Good(found) => (Some(*found), found.end()),
                Piece::Mendable { found, problem } => {
                    edits.push(edit(found.position, found.end(), Some(found.head)));
                    let finding = Finding::of(&path, Meaning::WrongHeader, problem.clone())
                        .at(found.position, found.head.size as u64)
                        .offsets(found.head.base, found.head.last.checked_add(1));
                    self.find(finding);
                    (Some(*found), found.end())
                }
                Piece::Broken(broken) => {
                    edits.push(edit(broken.position, broken.end, None));
                    let is_tail = !broken.followed && next_base.is_none();
                    let meaning = if is_tail && !self.was_durable(broken.first) {
                        Meaning::TornTail
                    } else {
                        Meaning::Damaged
                    };
                    let until = broken.until.or_else(|| {
                        let point = self.around.recovery_point.map(|point| point.0);
                        point.filter(|point| *point > broken.first)
                    });
                    let finding = Finding::of(&path, meaning, broken.problem.clone())
                        .at(broken.position, broken.end - broken.position)
                        .offsets(broken.first, until);
                    self.find(finding);
                    (None, broken.end)
                }
            };
            if let Some(found) = found {
                if gone_by < found.head.base {
                    self.report.gaps += 1;
                    self.unbroken = false;
                }
                let is_good = matches!(piece, Piece::Good(_));
                self.batch(&path, &walker, &found, is_good)?;
                indexes.note(&found, self.shadow.largest_timestamp());
            }
            if end - reported >= PROGRESS_BYTES {
                (self.progress)(end - reported);
                reported = end;
            }
        }
        (self.progress)(length.saturating_sub(reported));
        // Where batches moved or are gone, indexes are made anew anyhow.
        if edits.is_empty() {
            let is_closed = next_base.is_some()
                || self.around.clean_stop && self.around.recovery_point == Some(self.report.end);
            let completeness = if is_closed { Completeness::Whole } else { Completeness::SoFar };
            let largest = self.shadow.largest_timestamp();
            indexes.finish(completeness, largest, &mut self.report.findings);
            let known = self.unbroken.then_some(self.known_from);
            let known = known.filter(|_| !self.is_alone);
            let aborted = std::mem::take(&mut self.shadow.aborted);
            let finding = check_aborted(self.disk, &path, &aborted, known, completeness)?;
            self.report.findings.extend(finding);
        }
        self.edits.insert(base, (length, edits));
        Ok((walker.expected(), walker.epoch()))
    }

    /// The epoch of what follows a segment: of the next one's first batch, or, behind the last one of
    /// a log that was stopped cleanly, the latest that was written down.
    fn next_epoch(&self, next_base: Option<i64>) -> Result<Option<i32>, DiskError> {
        let Some(base) = next_base else {
            let epochs = self.epochs.as_ref().filter(|_| self.around.clean_stop);
            return Ok(epochs.and_then(EpochCache::latest).map(|epoch| epoch.0));
        };
        let file =
            match self.disk.open(&file_path(&self.folder, base, FileKind::Log), OpenMode::Read) {
                Ok(file) => file,
                Err(error) if error.is_not_found() => return Ok(None),
                Err(error) => return Err(error),
            };
        let mut scanner = Scanner::new(&*file, 0, file.length()?, WINDOW_LOOKUP);
        Ok(match scanner.step()? {
            Step::Batch(found) => Some(found.head.epoch).filter(|epoch| *epoch >= 0),
            Step::End | Step::Broken { .. } => None,
        })
    }

    fn batch(
        &mut self,
        path: &Path,
        walker: &Walker<'_>,
        found: &Found,
        is_good: bool,
    ) -> Result<(), DiskError> {
        let head = &found.head;
        self.compare_snapshots(head.base);
        let bytes = match self.options.deep || head.is_control() && head.producer >= 0 {
            true => {
                let mut bytes = walker.read(found)?;
                // As it will be after a repair.
                if !is_good {
                    let places = bytes.iter_mut().zip(header_bytes(head));
                    places.for_each(|(place, byte)| *place = byte);
                }
                Some(bytes)
            }
            false => None,
        };
        let marker = bytes.as_deref().filter(|_| head.is_control()).and_then(Marker::parse);
        self.shadow.note(found, marker.as_ref());
        if let Some(bytes) = bytes.filter(|_| self.options.deep) {
            match records::decode(bytes, head) {
                Ok(records) => *self.report.records.get_or_insert(0) += records,
                Err(problem) => {
                    let finding = Finding::of(path, Meaning::Unreadable, problem)
                        .at(found.position, head.size as u64)
                        .offsets(head.base, head.last.checked_add(1));
                    self.find(finding);
                }
            }
        }
        self.note_producer(head.producer);
        self.compare_epoch(head);
        self.report.batches += 1;
        self.report.end = EndOffset(head.last.saturating_add(1));
        Ok(())
    }

    fn into_examined(mut self) -> Examined {
        self.report.findings.sort_by(|a, b| {
            (&a.file, a.position, a.meaning).cmp(&(&b.file, b.position, b.meaning))
        });
        Examined { report: self.report, segments: self.edits, snapshots: self.snapshots_right }
    }
}

/// Bytes between two reports of progress.
const PROGRESS_BYTES: u64 = 1 << 20;

fn edit(position: u64, end: u64, head: Option<Head>) -> Edit {
    Edit { position, end, head }
}

/// Whether a finding is about the offsets from one on.
fn covers(finding: &Finding, offset: i64) -> bool {
    finding
        .offsets
        .is_some_and(|range| range.first.0 <= offset && range.end.is_none_or(|end| end.0 > offset))
}
