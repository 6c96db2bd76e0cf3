//! `headwater log verify`.

use super::offline::{self, Target};
use super::progress::{Progress, shown_bytes};
use crate::arguments::Format;
use crate::exit::{Failure, Failures};
use crate::output::{print, printable};
use clap::Args;
use headwater_log::Disk;
use headwater_log::check::{
    CheckOptions, Finding, FolderReport, PartitionReport, Severity, check_folder, check_partition,
    check_segment,
};
use serde::Serialize;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// Exit code where what was found costs no record.
const MINOR: u8 = 1;
/// Exit code where something is damaged.
const DAMAGE: u8 = 2;
/// Exit code where something could not be checked.
const UNKNOWN: u8 = 3;

/// Proves that logs are what they should be.
///
/// Reads every batch and compares what is beside the batches with them. Works while the broker runs
/// and changes nothing.
#[derive(Debug, Args)]
#[command(
    after_help = "Exit codes: 0 nothing is wrong, 1 what was found costs no record, 2 damage, 3 something could not be checked."
)]
pub struct Verify {
    /// Log folders, folders of partitions, or single segments
    #[arg(required = true, value_name = "PATH")]
    paths: Vec<PathBuf>,

    /// Also decompress and decode every record
    #[arg(long)]
    deep: bool,

    /// As `--output json`
    #[arg(long)]
    json: bool,

    /// No bar, whoever watches
    #[arg(long)]
    no_progress: bool,
}

#[derive(Debug, Default, Serialize)]
struct Document {
    folders: Vec<FolderRow>,
    partitions: Vec<PartitionRow>,
    summary: Summary,
    errors: Vec<String>,
}

#[derive(Debug, Serialize)]
struct FolderRow {
    path: String,
    clean_stop: bool,
    findings: Vec<Row>,
}

#[derive(Debug, Serialize)]
struct PartitionRow {
    folder: String,
    topic: Option<String>,
    partition: Option<i32>,
    topic_id: Option<String>,
    segments: usize,
    batches: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    records: Option<u64>,
    bytes: u64,
    first_offset: i64,
    end_offset: i64,
    gaps: u64,
    findings: Vec<Row>,
}

/// A finding as programs read it.
#[derive(Debug, Serialize)]
pub struct Row {
    file: String,
    position: Option<u64>,
    bytes: Option<u64>,
    first_offset: Option<i64>,
    end_offset: Option<i64>,
    meaning: &'static str,
    severity: &'static str,
    problem: String,
    #[serde(skip)]
    text: String,
}

#[derive(Debug, Default, Serialize)]
struct Summary {
    partitions: usize,
    segments: usize,
    batches: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    records: Option<u64>,
    bytes: u64,
    notes: usize,
    minor: usize,
    damage: usize,
}

impl From<&Finding> for Row {
    fn from(finding: &Finding) -> Self {
        Self {
            file: finding.file.display().to_string(),
            position: finding.position,
            bytes: finding.bytes,
            first_offset: finding.offsets.map(|offsets| offsets.first.0),
            end_offset: finding.offsets.and_then(|offsets| offsets.end).map(|end| end.0),
            meaning: finding.meaning.name(),
            severity: match finding.severity() {
                Severity::Note => "note",
                Severity::Minor => "minor",
                Severity::Damage => "damage",
            },
            problem: finding.problem.clone(),
            text: finding.to_string(),
        }
    }
}

/// What is to be checked.
enum Job {
    Partition { folder: PathBuf, data: PathBuf },
    Segment(PathBuf),
}

impl Verify {
    pub fn run(self, format: Format) -> Result<(), Failures> {
        let format = if self.json { Format::Json } else { format };
        let disk = offline::disk()?;
        let mut document = Document::default();
        let mut jobs = Vec::new();
        for path in &self.paths {
            if let Err(failure) = find_jobs(&*disk, path, &mut jobs, &mut document) {
                document.errors.push(failure.to_string());
            }
        }
        let sizes = jobs.iter().map(|job| job.size_bytes(&*disk));
        let mut progress = match self.no_progress {
            false => Some(Progress::new("checking", sizes.sum())),
            true => None,
        };
        let options = CheckOptions { deep: self.deep };
        for job in jobs {
            let checked = job.check(&*disk, options, &mut |bytes| {
                progress.iter_mut().for_each(|progress| progress.add(bytes));
            });
            match checked {
                Ok(report) => document.add(&report),
                Err(error) => document.errors.push(error.to_string()),
            }
        }
        drop(progress);
        document.count();
        print(format, &document, table)?;
        for error in &document.errors {
            let _ = writeln!(io::stderr(), "headwater: {}", printable(error));
        }
        match document.exit_code() {
            0 => Ok(()),
            code => Err(Failures::Told(code)),
        }
    }
}

fn find_jobs(
    disk: &dyn Disk,
    path: &Path,
    jobs: &mut Vec<Job>,
    document: &mut Document,
) -> Result<(), Failure> {
    match offline::target(path)? {
        Target::Segment(file) => jobs.push(Job::Segment(file)),
        Target::Partition(folder) => {
            let data = offline::parent(&folder);
            jobs.push(Job::Partition { folder, data });
        }
        Target::Data(data) => {
            let report = check_folder(disk, &data).map_err(Failure::failed)?;
            document.folders.push(FolderRow {
                path: data.display().to_string(),
                clean_stop: report.clean_stop,
                findings: report.findings.iter().map(Row::from).collect(),
            });
            jobs.extend(
                report
                    .partitions
                    .into_iter()
                    .map(|(_, _, folder)| Job::Partition { folder, data: data.clone() }),
            );
        }
    }
    Ok(())
}

impl Job {
    fn size_bytes(&self, disk: &dyn Disk) -> u64 {
        match self {
            Self::Partition { folder, .. } => offline::size_bytes(disk, folder),
            Self::Segment(file) => std::fs::metadata(file).map_or(0, |metadata| metadata.len()),
        }
    }

    fn check(
        &self,
        disk: &dyn Disk,
        options: CheckOptions,
        progress: &mut dyn FnMut(u64),
    ) -> Result<PartitionReport, headwater_log::DiskError> {
        let (folder, data) = match self {
            Self::Segment(file) => return check_segment(disk, file, options, progress),
            Self::Partition { folder, data } => (folder, data),
        };
        let (report, clean_stop) = check_once(disk, folder, data, options, progress)?;
        let in_doubt = report.severity().is_some_and(|worst| worst > Severity::Note);
        if clean_stop || !in_doubt {
            return Ok(report);
        }
        // A broker may have been writing just there: then a second look finds it whole.
        let (report, _) = check_once(disk, folder, data, options, &mut |_| {})?;
        Ok(report)
    }
}

fn check_once(
    disk: &dyn Disk,
    folder: &Path,
    data: &Path,
    options: CheckOptions,
    progress: &mut dyn FnMut(u64),
) -> Result<(PartitionReport, bool), headwater_log::DiskError> {
    // The checkpoints first: what they vouch for is there afterwards too.
    let around = surroundings(&check_folder(disk, data)?, folder);
    let report = check_partition(disk, folder, &around, options, progress)?;
    Ok((report, around.clean_stop))
}

fn surroundings(data: &FolderReport, folder: &Path) -> headwater_log::check::Surroundings {
    let found = data.partitions.iter().find(|(_, _, path)| path.file_name() == folder.file_name());
    found.map(|(topic, partition, _)| data.surroundings(topic, *partition)).unwrap_or_default()
}

impl Document {
    fn add(&mut self, report: &PartitionReport) {
        self.summary.partitions += 1;
        self.summary.segments += report.segments;
        self.summary.batches += report.batches;
        self.summary.bytes += report.bytes;
        if let Some(records) = report.records {
            *self.summary.records.get_or_insert(0) += records;
        }
        let (topic, partition) = report.partition.clone().unzip();
        self.partitions.push(PartitionRow {
            folder: report.folder.display().to_string(),
            topic,
            partition: partition.map(|partition| partition.0),
            topic_id: report.topic_id.map(|id| id.to_string()),
            segments: report.segments,
            batches: report.batches,
            records: report.records,
            bytes: report.bytes,
            first_offset: report.first.0,
            end_offset: report.end.0,
            gaps: report.gaps,
            findings: report.findings.iter().map(Row::from).collect(),
        });
    }

    fn rows(&self) -> impl Iterator<Item = &Row> {
        let of_folders = self.folders.iter().flat_map(|folder| &folder.findings);
        of_folders.chain(self.partitions.iter().flat_map(|partition| &partition.findings))
    }

    fn count(&mut self) {
        let count = |severity| self.rows().filter(|row| row.severity == severity).count();
        let (notes, minor, damage) = (count("note"), count("minor"), count("damage"));
        self.summary.notes = notes;
        self.summary.minor = minor;
        self.summary.damage = damage;
    }

    fn exit_code(&self) -> u8 {
        let Summary { minor, damage, .. } = self.summary;
        match (damage, self.errors.len(), minor) {
            (1.., _, _) => DAMAGE,
            (0, 1.., _) => UNKNOWN,
            (0, 0, 1..) => MINOR,
            (0, 0, 0) => 0,
        }
    }
}

fn table(document: &Document, out: &mut dyn Write) -> io::Result<()> {
    for row in document.rows() {
        writeln!(out, "{:<6}  {}", row.severity, printable(&row.text))?;
    }
    let Summary { partitions, segments, batches, records, bytes, minor, damage, .. } =
        &document.summary;
    write!(out, "{partitions} partitions, {segments} segments, {batches} batches")?;
    if let Some(records) = records {
        write!(out, ", {records} records")?;
    }
    write!(out, ", {}: ", shown_bytes(*bytes))?;
    match (minor, damage) {
        (0, 0) => writeln!(out, "nothing is wrong"),
        (minor, 0) => writeln!(out, "{minor} findings that cost no record"),
        (0, damage) => writeln!(out, "{damage} findings of damage"),
        (minor, damage) => {
            writeln!(out, "{damage} findings of damage, {minor} that cost no record")
        }
    }
}
