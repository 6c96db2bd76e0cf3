//! A log folder: a directory full of logs that fails as one.
//!
//! It belongs to one node of one cluster (`meta.properties`), is used by one process at a time
//! (`.lock`), remembers how far its logs were synced (the checkpoints), and proves a clean stop
//! (`.kafka_cleanshutdown`), a proof that is gone durably before anything is appended. A checkpoint
//! entry never outlives its partition: a topic created anew under the same name must not inherit a
//! recovery point.
//!
//! Its journal makes small appends to many logs durable at once: see [`Journal`].

mod checkpoints;
mod future;
mod names;
mod properties;

pub use future::FutureLog;
pub(crate) use names::parse_partition_metadata;

use crate::config::LogConfig;
use crate::disk::{
    Disk, DiskError, DiskTask, LockError, LockGuard, Space, read_whole, write_whole_durably,
};
use crate::error::OpenError;
use crate::journal::{Commit, FILE_BYTES_DEFAULT, Journal, ReplaySummary, key_of};
use crate::log::{Checkpointed, Log, LogIdentity, OpenKind, SyncPlan, TailBudget};
use checkpoints::Checkpoints;
use headwater_types::{BrokerId, DirectoryId, EndOffset, Offset, PartitionIndex, TopicId, Uuid};
use names::{FolderName, deleted_name, stray_name};
use parking_lot::Mutex;
use properties::MetaProperties;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

const LOCK: &str = ".lock";
pub(crate) const META: &str = "meta.properties";
pub(crate) const CLEAN_STOP: &str = ".kafka_cleanshutdown";
/// The controller's own log, which no topic stands behind.
pub(crate) const METADATA_TOPIC: &str = "__cluster_metadata";
/// Largest of the small files that is read.
const SMALL_FILE_BYTES_MAX: u64 = 64 * 1024;

/// A folder was not opened, or cannot be used any more.
#[derive(Debug, thiserror::Error)]
pub enum FolderError {
    /// Another broker has it.
    #[error("the log folder {} is in use by another broker", folder.display())]
    InUse {
        /// The folder.
        folder: PathBuf,
    },
    /// It belongs to another node or cluster, was written by a newer version, or by something else.
    #[error("{}: {problem}", file.display())]
    Foreign {
        /// The file that says so.
        file: PathBuf,
        /// What it says.
        problem: String,
    },
    /// A file operation failed.
    #[error(transparent)]
    Disk(#[from] DiskError),
    /// The log of one partition cannot be opened.
    #[error(transparent)]
    Log(#[from] OpenError),
}

impl From<LockError> for FolderError {
    fn from(error: LockError) -> Self {
        match error {
            LockError::Held { path } => {
                Self::InUse { folder: path.parent().unwrap_or(&path).to_owned() }
            }
            LockError::Disk(error) => Self::Disk(error),
        }
    }
}

/// How to open a folder.
#[derive(Clone, Debug)]
pub struct FolderOptions {
    /// This node.
    pub node: BrokerId,
    /// The cluster, where it is known already.
    pub cluster_id: Option<String>,
    /// The folder's id if it has none yet.
    pub new_directory_id: DirectoryId,
    /// Bytes of each of the journal's two files; [`FolderOptions::JOURNAL_BYTES`] in the ordinary
    /// case.
    pub journal_bytes: u64,
}

impl FolderOptions {
    /// Bytes of each of the journal's two files where nothing else is wanted.
    pub const JOURNAL_BYTES: u64 = FILE_BYTES_DEFAULT;

    /// The ordinary options of a node's folder.
    pub fn new(node: BrokerId, cluster_id: Option<String>, new_directory_id: DirectoryId) -> Self {
        Self { node, cluster_id, new_directory_id, journal_bytes: Self::JOURNAL_BYTES }
    }
}

/// Proof that a folder was stopped cleanly.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CleanStop {
    /// The epoch in which the broker was registered when it stopped, or -1.
    pub broker_epoch: i64,
}

/// A partition folder that was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FoundPartition {
    /// The topic's name.
    pub topic: String,
    /// The topic's id, where the folder says one.
    pub topic_id: Option<TopicId>,
    /// The partition.
    pub partition: PartitionIndex,
    /// Where it is.
    pub folder: PathBuf,
}

/// What is checkpointed about one log.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PartitionCheckpoint {
    /// Everything before it is on stable storage in the log's own files:
    /// [`Log::recovery_point`], which is at most its durable end.
    pub recovery_point: EndOffset,
    /// First offset that can be read.
    pub log_start: Offset,
    /// The high watermark.
    pub high_watermark: EndOffset,
}

/// A folder full of logs. The lock is given back when it is dropped.
#[derive(Debug)]
pub struct LogFolder {
    disk: Arc<dyn Disk>,
    path: PathBuf,
    _lock: Box<dyn LockGuard>,
    clean_stop: Option<CleanStop>,
    found: Vec<FoundPartition>,
    state: Mutex<State>,
    /// Partitions of deleted topics whose folders are still to be renamed.
    doomed: Mutex<BTreeSet<(TopicId, PartitionIndex)>>,
    /// When the folders of deleted partitions were first seen.
    deleted_seen_ms: Mutex<BTreeMap<String, i64>>,
    /// Bounds what its logs cache together.
    tail_budget: Arc<TailBudget>,
    journal: Arc<Journal>,
    replayed: ReplaySummary,
}

#[derive(Debug)]
struct State {
    meta: MetaProperties,
    checkpoints: Checkpoints,
    /// Folders whose log was opened since the start, and of which topic: the clean stop says
    /// nothing about them now.
    opened: BTreeMap<String, TopicId>,
}

impl LogFolder {
    /// Opens a folder (creating it when missing), takes its lock, checks whose it is, reads its
    /// checkpoints and whether it was stopped cleanly, and durably removes the proof of that.
    ///
    /// # Errors
    /// When it is in use, foreign, or cannot be read or written.
    pub fn open(
        disk: Arc<dyn Disk>,
        path: &Path,
        options: FolderOptions,
    ) -> Result<Self, FolderError> {
        create(&*disk, path)?;
        let lock = disk.lock(&path.join(LOCK))?;
        let journal_bytes = options.journal_bytes;
        // Drawn at random at every start.
        let (salt, _) = options.new_directory_id.0.split_first_chunk().unwrap_or((&[0; 8], &[]));
        let salt = u64::from_be_bytes(*salt);
        let meta = claim(&*disk, path, options)?;
        let (journal, replayed) = Journal::open(Arc::clone(&disk), path, journal_bytes, salt)?;
        let clean_stop = take_clean_stop(&*disk, path)?;
        future::put_futures_away(&*disk, path)?;
        let found = find_partitions(&*disk, path)?;
        let mut checkpoints = Checkpoints::load(&*disk, path)?;
        if checkpoints.retain(&found) {
            checkpoints.write(&*disk, path)?;
        }
        let state = Mutex::new(State { meta, checkpoints, opened: BTreeMap::new() });
        Ok(Self {
            disk,
            path: path.to_owned(),
            _lock: lock,
            clean_stop,
            found,
            state,
            doomed: Mutex::default(),
            deleted_seen_ms: Mutex::default(),
            tail_budget: Arc::default(),
            journal,
            replayed,
        })
    }

    /// What its journal was found to hold when it was opened.
    pub fn replayed(&self) -> ReplaySummary {
        self.replayed
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Its id (KIP-858).
    pub fn directory_id(&self) -> DirectoryId {
        self.state.lock().meta.directory_id.unwrap_or_default()
    }

    /// The cluster it belongs to, once known.
    pub fn cluster_id(&self) -> Option<String> {
        self.state.lock().meta.cluster_id.clone()
    }

    /// Durably notes the cluster it belongs to.
    ///
    /// # Errors
    /// When it belongs to another one already, or the file cannot be written.
    pub fn adopt_cluster(&self, cluster_id: &str) -> Result<(), FolderError> {
        let mut state = self.state.lock();
        check_cluster(&self.path, &state.meta, cluster_id)?;
        if state.meta.cluster_id.is_none() {
            let meta =
                MetaProperties { cluster_id: Some(cluster_id.to_owned()), ..state.meta.clone() };
            write_whole_durably(&*self.disk, &self.path.join(META), meta.to_text().as_bytes())?;
            state.meta = meta;
        }
        Ok(())
    }

    /// How it was stopped before: `None` after a crash (or when it is new).
    pub fn clean_stop(&self) -> Option<CleanStop> {
        self.clean_stop
    }

    /// The partition folders found at open, in the order of names. Those of topics that do not
    /// exist are strays: they are kept.
    pub fn found(&self) -> &[FoundPartition] {
        &self.found
    }

    /// What the checkpoints say about a partition.
    pub fn checkpoint(&self, topic: &str, partition: PartitionIndex) -> PartitionCheckpoint {
        self.state.lock().checkpoints.get(topic, partition)
    }

    /// Opens (or makes ready to create) the log of a partition. May take long after a crash.
    ///
    /// A folder of another topic in its place is moved aside first: whoever opens a log knows that
    /// its topic has the name now. It is a deleted one where the other topic is known to be deleted
    /// ([`will_delete`](Self::will_delete)), else a stray, which is kept.
    ///
    /// # Errors
    /// As [`Log::open`], and when a stale checkpoint cannot be removed.
    pub fn open_log(
        &self,
        identity: LogIdentity,
        config: Arc<LogConfig>,
        now_ms: i64,
    ) -> Result<Log, OpenError> {
        let name = identity.folder_name();
        let folder = self.path.join(&name);
        let kind = {
            let mut state = self.state.lock();
            self.move_other_topic_aside(&identity, &folder)
                .inspect_err(|error| self.journal.fail(error))?;
            if self.disk.list(&folder).is_err_and(|error| error.is_not_found()) {
                state.checkpoints.forget(&identity.topic, identity.partition);
                if state.checkpoints.file_has_forgotten(&identity.topic, identity.partition) {
                    state.checkpoints.write(&*self.disk, &self.path)?;
                }
            }
            let checkpoint = state.checkpoints.get(&identity.topic, identity.partition);
            let checkpointed = self.what_is_known(&identity, checkpoint);
            let before = state.opened.insert(name, identity.topic_id);
            match self.clean_stop {
                Some(_) if before.is_none() => OpenKind::AfterCleanStop(checkpointed),
                _ => OpenKind::AfterCrash(checkpointed),
            }
        };
        let mut log = Log::open(Arc::clone(&self.disk), &folder, identity, config, now_ms, kind)
            .inspect_err(|error| match error {
                OpenError::Disk(error) => self.journal.fail(error),
                OpenError::OtherTopic { .. } | OpenError::Damaged { .. } => {}
            })?;
        log.share_tail_budget(&self.tail_budget);
        log.use_journal(&self.journal);
        Ok(log)
    }

    /// What a checkpoint and the journal say together.
    fn what_is_known(
        &self,
        identity: &LogIdentity,
        checkpoint: PartitionCheckpoint,
    ) -> Checkpointed {
        let PartitionCheckpoint { recovery_point, log_start, .. } = checkpoint;
        let Some(known) = self.journal.known(key_of(identity)) else {
            return Checkpointed { recovery_point, known_end: recovery_point, log_start };
        };
        let recovery_point = match known.truncated {
            true => known.recovery_point,
            false => known.recovery_point.max(recovery_point),
        };
        let log_start = log_start.max(Offset(known.start));
        Checkpointed { recovery_point, known_end: known.end.max(recovery_point), log_start }
    }

    fn move_other_topic_aside(
        &self,
        identity: &LogIdentity,
        folder: &Path,
    ) -> Result<(), DiskError> {
        let Some(found) = topic_of(&*self.disk, folder)? else { return Ok(()) };
        if found == identity.topic_id {
            return Ok(());
        }
        let LogIdentity { topic, partition, .. } = identity;
        // A topic's id is drawn at random and never used again.
        let aside = if self.doomed.lock().contains(&(found, *partition)) {
            deleted_name(topic, *partition, found)
        } else {
            // It is kept, under a name that the journal does not know.
            self.journal.settle(folder)?;
            stray_name(topic, *partition, found)
        };
        self.journal.forget(&LogIdentity { topic_id: found, ..identity.clone() })?;
        self.disk.rename(folder, &self.path.join(aside))?;
        self.disk.run(&DiskTask::SyncFolder(self.path.clone()))
    }

    /// Whether a partition has a folder.
    ///
    /// # Errors
    /// When the disk cannot tell.
    pub fn has_log(&self, identity: &LogIdentity) -> Result<bool, DiskError> {
        match self.disk.list(&self.path.join(identity.folder_name())) {
            Ok(_) => Ok(true),
            Err(error) if error.is_not_found() => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Durably writes the three offset checkpoints: what is given replaces what was known of those
    /// partitions, the others stay. To be called now and then, and after a truncation before the
    /// log is appended to again. What is given of a topic whose name another one has by now is
    /// left out.
    ///
    /// # Errors
    /// When a file cannot be written.
    pub fn write_checkpoints(
        &self,
        logs: &[(LogIdentity, PartitionCheckpoint)],
    ) -> Result<(), FolderError> {
        let mut state = self.state.lock();
        for (identity, checkpoint) in logs {
            if state.belongs_to_other(identity) {
                continue;
            }
            state.checkpoints.set(&identity.topic, identity.partition, *checkpoint);
        }
        state.checkpoints.write(&*self.disk, &self.path).inspect_err(|e| self.journal.fail(e))?;
        drop(state);
        for (identity, checkpoint) in logs {
            self.journal.checkpointed(key_of(identity), checkpoint.recovery_point);
        }
        Ok(())
    }

    /// A log was mended while nobody had it open: what the journal knows of its end holds no more.
    /// Its new recovery point is to be checkpointed next.
    ///
    /// # Errors
    /// When the journal cannot be written.
    pub fn forget_end(&self, identity: &LogIdentity) -> Result<(), FolderError> {
        Ok(self.journal.forget(identity)?)
    }

    /// A partition's topic was deleted: [`delete_log`](Self::delete_log) follows. Does not touch the
    /// disk.
    pub fn will_delete(&self, topic: TopicId, partition: PartitionIndex) {
        self.doomed.lock().insert((topic, partition));
    }

    /// Durably renames a partition's folder to `topic-partition.unique-delete`; it is removed by
    /// [`remove_deleted`](Self::remove_deleted). No error when it has no folder, or when the folder
    /// of that name belongs to another topic. `unique` is 128 random bits.
    ///
    /// # Errors
    /// When it cannot be renamed.
    pub fn delete_log(&self, identity: &LogIdentity, unique: Uuid) -> Result<(), FolderError> {
        let name = identity.folder_name();
        let folder = self.path.join(&name);
        let mut state = self.state.lock();
        self.doomed.lock().remove(&(identity.topic_id, identity.partition));
        if state.belongs_to_other(identity) {
            return Ok(());
        }
        if topic_of(&*self.disk, &folder)?.is_some_and(|found| found != identity.topic_id) {
            return Ok(());
        }
        self.journal.forget(identity)?;
        let deleted = self.path.join(deleted_name(&identity.topic, identity.partition, unique));
        match self.disk.rename(&folder, &deleted) {
            Ok(()) => self
                .disk
                .run(&DiskTask::SyncFolder(self.path.clone()))
                .inspect_err(|error| self.journal.fail(error))?,
            Err(error) if error.is_not_found() => {}
            Err(error) => return Err(error.into()),
        }
        state.opened.remove(&name);
        state.checkpoints.forget(&identity.topic, identity.partition);
        Ok(())
    }

    /// Removes the folders of deleted partitions, also those left by an earlier run. May take long.
    ///
    /// # Errors
    /// When one cannot be removed; the others are removed all the same.
    pub fn remove_deleted(&self) -> Result<(), FolderError> {
        let mut outcome = Ok(());
        for name in self.deleted()? {
            outcome = outcome.and(self.remove_folder(&name));
        }
        Ok(outcome?)
    }

    /// Removes the folders of deleted partitions that a call at least `delay_ms` ago has seen
    /// already. Gives what could not be removed. May take long.
    pub fn remove_deleted_after(&self, now_ms: i64, delay_ms: i64) -> Vec<FolderError> {
        let deleted = match self.deleted() {
            Ok(deleted) => deleted,
            Err(error) => return vec![error.into()],
        };
        let mut seen_ms = self.deleted_seen_ms.lock();
        seen_ms.retain(|name, _| deleted.contains(name));
        let mut errors = Vec::new();
        for name in deleted {
            let since_ms = *seen_ms.entry(name.clone()).or_insert(now_ms);
            if now_ms.saturating_sub(since_ms) >= delay_ms {
                errors.extend(self.remove_folder(&name).err().map(FolderError::from));
            }
        }
        errors
    }

    fn deleted(&self) -> Result<Vec<String>, DiskError> {
        let entries = self.disk.list(&self.path)?.into_iter();
        let deleted = entries.filter(|entry| {
            entry.is_folder && FolderName::parse(&entry.name) == FolderName::Deleted
        });
        Ok(deleted.map(|entry| entry.name).collect())
    }

    fn remove_folder(&self, name: &str) -> Result<(), DiskError> {
        self.disk.run(&DiskTask::RemoveFolder(self.path.join(name)))
    }

    /// One task that makes durable what all of `plans` would: group commit. Give each plan back to
    /// its log with the task's result.
    pub fn commit_task<'a>(&self, plans: impl IntoIterator<Item = &'a SyncPlan>) -> DiskTask {
        DiskTask::Commit(Commit::cheapest(&self.journal, plans.into_iter().cloned().collect()))
    }

    /// Room on its file system.
    ///
    /// # Errors
    /// When the system cannot tell.
    pub fn space(&self) -> Result<Space, DiskError> {
        self.disk.space(&self.path)
    }

    /// The disk it is on.
    pub fn disk(&self) -> &Arc<dyn Disk> {
        &self.disk
    }

    /// Ends a clean stop, after every log's [`Log::close_clean`]: writes the checkpoints and then
    /// the proof, durably. Logs that were opened must all be among those given.
    ///
    /// # Errors
    /// When a file cannot be written: the next start takes it for a crash.
    pub fn close_clean(
        &self,
        logs: &[(LogIdentity, PartitionCheckpoint)],
        broker_epoch: i64,
    ) -> Result<(), FolderError> {
        self.write_checkpoints(logs)?;
        self.journal.close()?;
        let proof = format!("{{\"version\":0,\"brokerEpoch\":{broker_epoch}}}");
        Ok(write_whole_durably(&*self.disk, &self.path.join(CLEAN_STOP), proof.as_bytes())?)
    }
}

/// What a check of the files looks at besides.
pub(crate) mod parts {
    pub(crate) use super::checkpoints::{HIGH_WATERMARKS, LOG_STARTS, RECOVERY_POINTS};
    pub(crate) use super::names::FolderName;
    pub(crate) use super::properties::MetaProperties;
    pub(crate) use super::{CLEAN_STOP, META, METADATA_TOPIC};
}

impl State {
    /// Whether the partition's name was opened as another topic's.
    fn belongs_to_other(&self, identity: &LogIdentity) -> bool {
        let opened = self.opened.get(&identity.folder_name());
        opened.is_some_and(|topic| *topic != identity.topic_id)
    }
}

/// The topic that a partition's folder says it belongs to, where there is one and it says so.
pub(crate) fn topic_of(disk: &dyn Disk, folder: &Path) -> Result<Option<TopicId>, DiskError> {
    let bytes = read_whole(disk, &folder.join("partition.metadata"), SMALL_FILE_BYTES_MAX)?;
    Ok(bytes.and_then(|bytes| parse_partition_metadata(&bytes).ok()))
}

/// Creates a folder durably, where there is none, with what is missing above it.
fn create(disk: &dyn Disk, path: &Path) -> Result<(), FolderError> {
    let is_missing = |folder: &&Path| {
        **folder != *Path::new("") && disk.list(folder).is_err_and(|error| error.is_not_found())
    };
    let missing: Vec<&Path> = path.ancestors().take_while(is_missing).collect();
    disk.create_folder(path)?;
    for parent in missing.into_iter().filter_map(Path::parent) {
        let parent = if parent == Path::new("") { Path::new(".") } else { parent };
        disk.run(&DiskTask::SyncFolder(parent.to_owned()))?;
    }
    Ok(())
}

/// Reads whose folder it is, and makes it ours when it is nobody's.
fn claim(
    disk: &dyn Disk,
    path: &Path,
    options: FolderOptions,
) -> Result<MetaProperties, FolderError> {
    let file = path.join(META);
    let foreign = |problem: String| FolderError::Foreign { file: file.clone(), problem };
    let Some(bytes) = read_whole(disk, &file, SMALL_FILE_BYTES_MAX)? else {
        let ours = [LOCK, "meta.properties.tmp", "lost+found"];
        let other = disk.list(path)?.into_iter().find(|entry| !ours.contains(&entry.name.as_str()));
        if let Some(other) = other {
            let problem = format!("it is missing, but the folder holds {:?}", other.name);
            return Err(foreign(problem));
        }
        let meta = MetaProperties {
            node: options.node,
            cluster_id: options.cluster_id,
            directory_id: Some(options.new_directory_id),
        };
        write_whole_durably(disk, &file, meta.to_text().as_bytes())?;
        return Ok(meta);
    };
    let mut meta = MetaProperties::parse(&String::from_utf8_lossy(&bytes)).map_err(foreign)?;
    if meta.node != options.node {
        return Err(foreign(format!("it belongs to node {}, not {}", meta.node, options.node)));
    }
    if let Some(cluster_id) = &options.cluster_id {
        check_cluster(path, &meta, cluster_id)?;
    }
    let cluster_id = meta.cluster_id.clone().or(options.cluster_id);
    let directory_id = meta.directory_id.or(Some(options.new_directory_id));
    if (&cluster_id, &directory_id) != (&meta.cluster_id, &meta.directory_id) {
        meta = MetaProperties { cluster_id, directory_id, ..meta };
        write_whole_durably(disk, &file, meta.to_text().as_bytes())?;
    }
    Ok(meta)
}

fn check_cluster(path: &Path, meta: &MetaProperties, expected: &str) -> Result<(), FolderError> {
    match &meta.cluster_id {
        Some(found) if found != expected => Err(FolderError::Foreign {
            file: path.join(META),
            problem: format!("it belongs to cluster {found}, not {expected}"),
        }),
        _ => Ok(()),
    }
}

/// Reads the proof of a clean stop and durably takes it away.
fn take_clean_stop(disk: &dyn Disk, path: &Path) -> Result<Option<CleanStop>, FolderError> {
    let file = path.join(CLEAN_STOP);
    let Some(bytes) = read_whole(disk, &file, SMALL_FILE_BYTES_MAX)? else { return Ok(None) };
    disk.run(&DiskTask::Unlink(file))?;
    disk.run(&DiskTask::SyncFolder(path.to_owned()))?;
    Ok(Some(CleanStop { broker_epoch: parse_broker_epoch(&String::from_utf8_lossy(&bytes)) }))
}

/// The epoch in `{"version":0,"brokerEpoch":11}`; -1 where there is none (older files are empty).
fn parse_broker_epoch(text: &str) -> i64 {
    let value = text.split_once("\"brokerEpoch\"").and_then(|(_, rest)| rest.split_once(':'));
    let digits = value.map(|(_, value)| value.trim_start());
    let digits = digits.and_then(|value| value.split(|c: char| !c.is_ascii_digit()).next());
    digits.and_then(|digits| digits.parse().ok()).unwrap_or(-1)
}

fn find_partitions(disk: &dyn Disk, path: &Path) -> Result<Vec<FoundPartition>, FolderError> {
    let mut found = Vec::new();
    for entry in disk.list(path)?.into_iter().filter(|entry| entry.is_folder) {
        let FolderName::Partition { topic, partition } = FolderName::parse(&entry.name) else {
            continue;
        };
        if topic == METADATA_TOPIC {
            continue;
        }
        let folder = path.join(entry.name);
        let topic_id = topic_of(disk, &folder).unwrap_or_default();
        found.push(FoundPartition { topic, topic_id, partition, folder });
    }
    Ok(found)
}
