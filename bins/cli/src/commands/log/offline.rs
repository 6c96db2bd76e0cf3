//! What the commands share that work on log files without a broker.

use crate::exit::Failure;
use headwater_controller::storage::METADATA_TOPIC;
use headwater_log::check::{PartitionReport, Surroundings, check_folder, folder_identity};
use headwater_log::{
    Disk, DiskOptions, FolderError, FolderOptions, Log, LogConfig, LogFolder, LogIdentity,
    OpenKind, PartitionCheckpoint, RealDisk,
};
use headwater_types::{EndOffset, Offset, PartitionIndex, TopicId, Uuid};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

/// What a path stands for.
#[derive(Debug)]
pub enum Target {
    /// A log folder.
    Data(PathBuf),
    /// A partition's folder.
    Partition(PathBuf),
    /// One segment.
    Segment(PathBuf),
}

/// A disk on which everything is done at once.
pub fn disk() -> Result<Arc<dyn Disk>, Failure> {
    let options = DiskOptions { threads: 1, queued_max: 1, ..Default::default() };
    match RealDisk::start(options) {
        Ok(disk) => Ok(Arc::new(disk)),
        Err(error) => Err(Failure::failed(format!("cannot start a thread: {error}"))),
    }
}

/// Says what a path stands for.
pub fn target(path: &Path) -> Result<Target, Failure> {
    let failed = |error| Failure::failed(format!("{}: {error}", path.display()));
    // `.` has no name that could be a partition's.
    let path = match path.file_name() {
        Some(_) => path.to_owned(),
        None => fs::canonicalize(path).map_err(failed)?,
    };
    if !fs::metadata(&path).map_err(failed)?.is_dir() {
        return Ok(Target::Segment(path));
    }
    let (mut has_log, mut has_partition) = (path.join("partition.metadata").is_file(), false);
    for entry in fs::read_dir(&path).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        let name = entry.file_name().to_string_lossy().into_owned();
        let is_folder = entry.file_type().map_err(failed)?.is_dir();
        has_log |= !is_folder && name.ends_with(".log") && name.len() == 24;
        has_partition |= is_folder && name.rsplit_once('-').is_some();
    }
    if has_log {
        Ok(Target::Partition(path))
    } else if has_partition || path.join("meta.properties").is_file() {
        Ok(Target::Data(path))
    } else {
        let text = format!("{}: neither a log folder nor one of a partition", path.display());
        Err(Failure::failed(text))
    }
}

/// The folder that a partition's folder is in.
pub fn parent(folder: &Path) -> PathBuf {
    match folder.parent() {
        Some(parent) if parent != Path::new("") => parent.to_owned(),
        _ => PathBuf::from("."),
    }
}

/// The wall clock.
pub fn now_ms() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}

/// A new id.
pub fn random_id() -> Result<Uuid, Failure> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes)
        .map_err(|error| Failure::failed(format!("no random numbers: {error}")))?;
    Ok(Uuid::from_random(bytes))
}

/// Bytes of a folder's segments.
pub fn size_bytes(disk: &dyn Disk, folder: &Path) -> u64 {
    let entries = disk.list(folder).unwrap_or_default();
    entries.iter().filter(|entry| entry.name.ends_with(".log")).map(|entry| entry.length).sum()
}

/// What is opened without a broker keeps every producer: only the broker knows when they expire.
fn config() -> Arc<LogConfig> {
    Arc::new(LogConfig {
        producer_id_expiration_ms: u64::MAX,
        segment_ms: i64::MAX,
        retention_ms: None,
        ..LogConfig::default()
    })
}

/// A log folder that no broker uses, locked.
pub struct Offline {
    disk: Arc<dyn Disk>,
    folder: LogFolder,
    closed: Vec<(LogIdentity, PartitionCheckpoint)>,
    failed: bool,
}

impl Offline {
    /// Takes a folder for this process alone.
    pub fn open(disk: &Arc<dyn Disk>, path: &Path) -> Result<Self, Failure> {
        let identity = folder_identity(&**disk, path).map_err(Failure::failed)?;
        let identity = identity.ok_or_else(|| {
            let text =
                format!("{} is no broker's log folder: it has no meta.properties", path.display());
            Failure::failed(text)
        })?;
        let id = random_id()?;
        let options = FolderOptions::new(identity.node, identity.cluster_id.clone(), id);
        let folder = LogFolder::open(Arc::clone(disk), path, options).map_err(|error| {
            let failure = Failure::failed(&error);
            match error {
                FolderError::InUse { .. } => failure.with_remedy("stop the broker first"),
                _ => failure,
            }
        })?;
        Ok(Self { disk: Arc::clone(disk), folder, closed: Vec::new(), failed: false })
    }

    /// The folder.
    pub fn folder(&self) -> &LogFolder {
        &self.folder
    }

    /// Whether it was stopped cleanly before it was opened here.
    pub fn was_clean(&self) -> bool {
        self.folder.clean_stop().is_some()
    }

    /// What its checkpoints say of a partition; the proof of a clean stop counts though it is gone
    /// as long as the folder is open.
    pub fn surroundings(
        &self,
        topic: &str,
        partition: PartitionIndex,
    ) -> Result<Surroundings, Failure> {
        let report = check_folder(&*self.disk, self.folder.path()).map_err(Failure::failed)?;
        let around = report.surroundings(topic, partition);
        let clean_stop = self.was_clean() && topic != METADATA_TOPIC;
        Ok(Surroundings { clean_stop, ..around })
    }

    /// Notes that a partition was mended: everything that is left of it is whole and on stable
    /// storage, and nothing behind that is to be looked for.
    pub fn note_whole(
        &self,
        identity: &LogIdentity,
        report: &PartitionReport,
    ) -> Result<(), Failure> {
        let known = self.folder.checkpoint(&identity.topic, identity.partition);
        let log_start = known.log_start.min(Offset(report.end.0));
        let checkpoint = PartitionCheckpoint {
            recovery_point: report.end,
            log_start,
            high_watermark: known.high_watermark.min(report.end),
        };
        self.folder.forget_end(identity).map_err(Failure::failed)?;
        let logs = [(identity.clone(), checkpoint)];
        self.folder.write_checkpoints(&logs).map_err(Failure::failed)
    }

    /// Takes in a log that was closed cleanly elsewhere.
    pub fn note_closed(
        &mut self,
        identity: LogIdentity,
        checkpoint: PartitionCheckpoint,
    ) -> Result<(), Failure> {
        let logs = [(identity, checkpoint)];
        self.folder.write_checkpoints(&logs).map_err(Failure::failed)?;
        self.closed.extend(logs);
        Ok(())
    }

    /// Opens a partition's log as a start would, and closes it cleanly. Returns it as it was open.
    pub fn recover(&mut self, identity: LogIdentity) -> Result<Recovered, Failure> {
        let outcome = self.try_recover(identity);
        self.failed |= outcome.is_err();
        outcome
    }

    fn try_recover(&mut self, identity: LogIdentity) -> Result<Recovered, Failure> {
        let name = identity.folder_name();
        let failed = |error: &dyn std::fmt::Display| Failure::failed(format!("{name}: {error}"));
        let known = self.folder.checkpoint(&identity.topic, identity.partition);
        let opened = self.folder.open_log(identity.clone(), config(), now_ms());
        let log = opened.map_err(|error| {
            failed(&error).with_remedy("`headwater log repair` says what can be saved")
        })?;
        let recovered = Recovered::of(&log);
        let closed = close(log).map_err(|error| failed(&error))?;
        let high_watermark = known
            .high_watermark
            .clamp(EndOffset(recovered.start.0), recovered.end.max(EndOffset(recovered.start.0)));
        let checkpoint =
            PartitionCheckpoint { recovery_point: closed.0, log_start: closed.1, high_watermark };
        self.closed.push((identity, checkpoint));
        Ok(recovered)
    }

    /// Gives the folder back. Where nothing in it is in doubt, the proof of a clean stop is left.
    pub fn close(self) -> Result<(), Failure> {
        let opened = |topic: &str, partition| {
            self.closed.iter().any(|(one, _)| one.topic == topic && one.partition == partition)
        };
        let all = self.folder.found().iter().all(|found| opened(&found.topic, found.partition));
        let outcome = match (self.failed, self.folder.clean_stop()) {
            (false, Some(stop)) => self.folder.close_clean(&self.closed, stop.broker_epoch),
            (false, None) if all => self.folder.close_clean(&self.closed, -1),
            _ => self.folder.write_checkpoints(&self.closed),
        };
        outcome.map_err(Failure::failed)
    }
}

/// What opening a log came to.
#[derive(Clone, Copy, Debug)]
pub struct Recovered {
    pub start: Offset,
    pub end: EndOffset,
    pub walked_bytes: u64,
    pub cut_bytes: u64,
}

impl Recovered {
    pub fn of(log: &Log) -> Self {
        let done = log.recovered().unwrap_or_default();
        Self {
            start: log.log_start(),
            end: log.log_end(),
            walked_bytes: done.walked_bytes,
            cut_bytes: done.cut_bytes,
        }
    }
}

/// Closes a log; gives its recovery point and start.
fn close(mut log: Log) -> Result<(EndOffset, Offset), Box<dyn std::error::Error>> {
    let known = log.close_clean()?;
    Ok((known.recovery_point, known.log_start))
}

/// Opens and closes a log that is in no broker's folder, all of which is known to be whole.
pub fn settle(
    disk: &Arc<dyn Disk>,
    folder: &Path,
    identity: LogIdentity,
    whole: &PartitionReport,
) -> Result<Recovered, Failure> {
    let mut known = OpenKind::UNKNOWN.checkpointed();
    known.recovery_point = whole.end;
    known.log_start = whole.first;
    open_and_close(disk, folder, identity, OpenKind::AfterCrash(known))
}

/// The same for one of which nothing is known.
pub fn recover_alone(
    disk: &Arc<dyn Disk>,
    folder: &Path,
    identity: LogIdentity,
) -> Result<Recovered, Failure> {
    open_and_close(disk, folder, identity, OpenKind::UNKNOWN)
}

fn open_and_close(
    disk: &Arc<dyn Disk>,
    folder: &Path,
    identity: LogIdentity,
    kind: OpenKind,
) -> Result<Recovered, Failure> {
    let failed =
        |error: &dyn std::fmt::Display| Failure::failed(format!("{}: {error}", folder.display()));
    let log = Log::open(Arc::clone(disk), folder, identity, config(), now_ms(), kind)
        .map_err(|error| failed(&error))?;
    let recovered = Recovered::of(&log);
    close(log).map_err(|error| failed(&error))?;
    Ok(recovered)
}

/// The name of a partition with the id that its folder says.
pub fn identity_of(report: &PartitionReport) -> Result<LogIdentity, Failure> {
    let folder = report.folder.display();
    let Some((topic, partition)) = report.partition.clone() else {
        return Err(Failure::failed(format!("{folder}: its name is not that of a partition")));
    };
    let topic_id: TopicId = report.topic_id.ok_or_else(|| {
        Failure::failed(format!("{folder}: partition.metadata does not say which topic it is of"))
    })?;
    Ok(LogIdentity { topic, topic_id, partition })
}
