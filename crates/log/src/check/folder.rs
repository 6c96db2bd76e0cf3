//! A log folder's own files, and what is in it.

use super::finding::{Finding, Meaning};
use crate::checkpoint::{FILE_BYTES_MAX, Offsets, parse_offsets};
use crate::disk::{Disk, DiskError, read_whole};
use crate::folder::parts::{
    CLEAN_STOP, FolderName, HIGH_WATERMARKS, LOG_STARTS, META, METADATA_TOPIC, MetaProperties,
    RECOVERY_POINTS,
};
use headwater_types::{BrokerId, DirectoryId, EndOffset, Offset, PartitionIndex};
use std::path::{Path, PathBuf};

/// Largest of the small files that is read.
const SMALL_FILE_BYTES_MAX: u64 = 64 * 1024;

/// The topic and partition that a folder's name stands for.
pub(super) fn parse_folder_name(name: &str) -> Option<(String, PartitionIndex)> {
    match FolderName::parse(name) {
        FolderName::Partition { topic, partition } => Some((topic, partition)),
        FolderName::Deleted | FolderName::Other => None,
    }
}

/// What a log folder says about one of its partitions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Surroundings {
    /// The folder was stopped cleanly: nobody writes to it.
    pub clean_stop: bool,
    /// Everything before it was on stable storage; `None` where no checkpoint says so.
    pub recovery_point: Option<EndOffset>,
    /// Records before it were deleted.
    pub log_start: Offset,
    /// The high watermark, where a checkpoint says one.
    pub high_watermark: Option<EndOffset>,
}

/// Whose folder it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FolderIdentity {
    /// The node.
    pub node: BrokerId,
    /// The cluster.
    pub cluster_id: Option<String>,
    /// The folder.
    pub directory_id: Option<DirectoryId>,
}

/// What a log folder holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FolderReport {
    /// Whose it is; `None` where it has no `meta.properties`: then it is no log folder, or a broker
    /// has never used it.
    pub identity: Option<FolderIdentity>,
    /// Whether the proof of a clean stop is there.
    pub clean_stop: bool,
    /// Its partitions, with the metadata's own, in the order of names.
    pub partitions: Vec<(String, PartitionIndex, PathBuf)>,
    /// What was found about its own files.
    pub findings: Vec<Finding>,
    recovery_points: Option<Offsets>,
    log_starts: Option<Offsets>,
    high_watermarks: Option<Offsets>,
}

impl FolderReport {
    /// What the checkpoints say about a partition.
    pub fn surroundings(&self, topic: &str, partition: PartitionIndex) -> Surroundings {
        let get = |offsets: &Option<Offsets>| {
            offsets.as_ref()?.get(&(topic.to_owned(), partition.0)).copied()
        };
        Surroundings {
            // The metadata's own log is not part of the folder's clean stop.
            clean_stop: self.clean_stop && topic != METADATA_TOPIC,
            recovery_point: get(&self.recovery_points).map(EndOffset),
            log_start: Offset(get(&self.log_starts).unwrap_or(0)),
            high_watermark: get(&self.high_watermarks).map(EndOffset),
        }
    }
}

/// Reads whose folder it is; `None` where it does not say.
///
/// # Errors
/// When the file is there and cannot be read, or makes no sense.
pub fn folder_identity(
    disk: &dyn Disk,
    folder: &Path,
) -> Result<Option<FolderIdentity>, DiskError> {
    let path = folder.join(META);
    let Some(bytes) = read_whole(disk, &path, SMALL_FILE_BYTES_MAX)? else { return Ok(None) };
    let meta = MetaProperties::parse(&String::from_utf8_lossy(&bytes))
        .map_err(|problem| DiskError::new("use", &path, std::io::Error::other(problem)))?;
    Ok(Some(FolderIdentity {
        node: meta.node,
        cluster_id: meta.cluster_id,
        directory_id: meta.directory_id,
    }))
}

/// Checks what a log folder has besides its partitions.
///
/// # Errors
/// When the folder cannot be read.
pub fn check_folder(disk: &dyn Disk, folder: &Path) -> Result<FolderReport, DiskError> {
    let mut report = FolderReport {
        identity: None,
        clean_stop: false,
        partitions: Vec::new(),
        findings: Vec::new(),
        recovery_points: None,
        log_starts: None,
        high_watermarks: None,
    };
    match folder_identity(disk, folder) {
        Ok(identity) => report.identity = identity,
        Err(error) => {
            let finding = Finding::of(folder.join(META), Meaning::Damaged, error.to_string());
            report.findings.push(finding);
        }
    }
    let entries = disk.list(folder)?;
    report.clean_stop = entries.iter().any(|entry| entry.name == CLEAN_STOP);
    for entry in entries {
        let path = folder.join(&entry.name);
        if !entry.is_folder {
            if entry.name.ends_with(".tmp") {
                let problem = "a file that was being written is left";
                report.findings.push(Finding::of(path, Meaning::Leftover, problem));
            }
            continue;
        }
        match (parse_folder_name(&entry.name), FolderName::parse(&entry.name)) {
            (Some((topic, partition)), _) => report.partitions.push((topic, partition, path)),
            (None, FolderName::Deleted) if report.clean_stop => {
                let problem = "a deleted partition is left";
                report.findings.push(Finding::of(path, Meaning::Leftover, problem));
            }
            (None, _) if entry.name.ends_with("-stray") || entry.name.ends_with("-future") => {
                let problem = "a partition that was moved aside";
                report.findings.push(Finding::of(path, Meaning::Stray, problem));
            }
            (None, _) => {}
        }
    }
    report.recovery_points = offsets(disk, folder, RECOVERY_POINTS, &mut report.findings)?;
    report.log_starts = offsets(disk, folder, LOG_STARTS, &mut report.findings)?;
    report.high_watermarks = offsets(disk, folder, HIGH_WATERMARKS, &mut report.findings)?;
    check_entries(folder, &mut report);
    Ok(report)
}

/// Checkpoints of partitions that are not there. One that a start would take for the state of a
/// topic created anew under its name is forgotten then.
fn check_entries(folder: &Path, report: &mut FolderReport) {
    for (name, offsets) in
        [(RECOVERY_POINTS, &report.recovery_points), (LOG_STARTS, &report.log_starts)]
    {
        let gone = offsets.iter().flatten().filter(|((topic, partition), _)| {
            let here =
                |one: &(String, PartitionIndex, PathBuf)| one.0 == *topic && one.1.0 == *partition;
            !report.partitions.iter().any(here)
        });
        for ((topic, partition), offset) in gone {
            // Where nothing is said to be durable there need not be anything.
            if *offset > 0 && report.clean_stop && topic != METADATA_TOPIC {
                let problem = format!("it speaks of {topic}-{partition}, which is not there");
                let finding = Finding::of(folder.join(name), Meaning::Leftover, problem);
                report.findings.push(finding);
            }
        }
    }
}

fn offsets(
    disk: &dyn Disk,
    folder: &Path,
    name: &str,
    findings: &mut Vec<Finding>,
) -> Result<Option<Offsets>, DiskError> {
    let path = folder.join(name);
    let bytes = read_whole(disk, &path, FILE_BYTES_MAX)?;
    // Apache Kafka makes them empty, and fills them later.
    let Some(bytes) = bytes.filter(|bytes| !bytes.is_empty()) else { return Ok(None) };
    match parse_offsets(&String::from_utf8_lossy(&bytes)) {
        Ok(offsets) => Ok(Some(offsets)),
        Err(problem) => {
            // The next start checks every log from its beginning then.
            findings.push(Finding::of(path, Meaning::Rebuildable, problem));
            Ok(None)
        }
    }
}
