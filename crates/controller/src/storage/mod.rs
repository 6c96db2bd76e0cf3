//! Where the controller's state lasts: one folder with the log, Raft's own state, and snapshots.
//!
//! Two snapshots are kept, and the log from the older one on: should the newer one prove
//! unreadable, the older one and a longer log give the same image.

mod batch;
mod entry_log;
mod hard_state;
mod snapshot;
#[cfg(test)]
mod tests;

pub use batch::BatchError;
pub use entry_log::{METADATA_TOPIC, METADATA_TOPIC_ID};

use self::entry_log::EntryLog;
use self::hard_state::HardStateFile;
use self::snapshot::SnapshotFile;
use crate::core::{Restored, SnapshotMark, Write};
use headwater_log::{AppendError, ChangeError, Disk, DiskError, DiskTask, OpenError, ReadError};
use headwater_metadata::image::Image;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The file in which Kafka's controller keeps its vote.
const KAFKA_QUORUM_STATE: &str = "quorum-state";

/// Snapshots that are kept.
const SNAPSHOTS_KEPT: usize = 2;

/// The folder cannot be read or written.
#[derive(Debug, thiserror::Error)]
pub enum StorageError {
    /// A file operation failed.
    #[error(transparent)]
    Disk(#[from] DiskError),
    /// The log cannot be opened.
    #[error("opening the metadata log: {0}")]
    OpenLog(#[from] OpenError),
    /// The log cannot be read.
    #[error("reading the metadata log: {0}")]
    ReadLog(#[from] ReadError),
    /// The log cannot be appended to.
    #[error("writing the metadata log: {0}")]
    AppendLog(#[from] AppendError),
    /// The log cannot be cut.
    #[error("cutting the metadata log: {0}")]
    ChangeLog(#[from] ChangeError),
    /// A batch of the log is no entry.
    #[error("the metadata log is damaged: {0}")]
    Batch(#[from] BatchError),
    /// The log gave an entry another place than Raft has.
    #[error("entry {expected} was written as entry {found}")]
    Misplaced {
        /// Raft's index.
        expected: u64,
        /// The log's.
        found: u64,
    },
    /// Neither slot of Raft's state can be read.
    #[error(
        "{} is damaged: this node cannot know what it has voted for; remove its metadata folder \
         and let it join as a new voter", path.display()
    )]
    HardStateDamaged {
        /// The file.
        path: PathBuf,
    },
    /// Raft's state is gone, but not the log.
    #[error(
        "{} is missing though there is a metadata log: this node cannot know what it has voted \
         for; remove its metadata folder and let it join as a new voter", path.display()
    )]
    HardStateMissing {
        /// The file.
        path: PathBuf,
    },
    /// A snapshot cannot be read.
    #[error("the snapshot {} is damaged: {reason}", path.display())]
    SnapshotDamaged {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// The thread that wrote a snapshot ended without a word.
    #[error("writing a metadata snapshot was given up")]
    SnapshotAbandoned,
    /// The folder belongs to Apache Kafka.
    #[error(
        "{} was written by Apache Kafka's own controller, which Headwater cannot read: give \
         metadata.log.dir another folder, or move this one away", folder.display()
    )]
    OfKafka {
        /// The folder.
        folder: PathBuf,
    },
    /// The log begins behind the newest snapshot that can be read.
    #[error(
        "the metadata log begins with entry {log_start}, but the newest snapshot that can be read \
         ends with entry {snapshot}{}",
        damaged_list(damaged)
    )]
    Gap {
        /// The log's first entry.
        log_start: u64,
        /// The snapshot's last entry; 0 where there is none.
        snapshot: u64,
        /// What is wrong with newer snapshots.
        damaged: Vec<String>,
    },
}

impl StorageError {
    /// Whether only space is missing: nothing was written by halves, and it is worth another try.
    pub fn is_full(&self) -> bool {
        match self {
            Self::Disk(error) | Self::AppendLog(AppendError::Full(error)) => error.is_full(),
            _ => false,
        }
    }
}

fn damaged_list(damaged: &[String]) -> String {
    if damaged.is_empty() { String::new() } else { format!(" ({})", damaged.join("; ")) }
}

/// The open folder.
#[derive(Debug)]
pub struct Storage {
    disk: Arc<dyn Disk>,
    folder: PathBuf,
    log: EntryLog,
    hard_state: HardStateFile,
    /// Oldest first.
    snapshots: Vec<SnapshotFile>,
    /// The folder and the file of Raft's state are new, and their names not synced yet.
    fresh: bool,
}

/// A snapshot to be written.
#[derive(Debug)]
pub struct SnapshotJob {
    disk: Arc<dyn Disk>,
    folder: PathBuf,
    mark: SnapshotMark,
    image: Arc<Image>,
}

/// A snapshot that is durable.
#[derive(Debug)]
pub struct WrittenSnapshot {
    file: SnapshotFile,
    /// Its name.
    pub mark: SnapshotMark,
}

impl SnapshotJob {
    /// Writes it durably.
    ///
    /// # Errors
    ///
    /// It cannot be written; what was there before still is.
    pub fn run(self) -> Result<WrittenSnapshot, StorageError> {
        let file = snapshot::write(&*self.disk, &self.folder, &self.mark, &self.image)?;
        Ok(WrittenSnapshot { file, mark: self.mark })
    }
}

/// What was found when a folder was opened.
#[derive(Debug)]
pub struct Opened {
    /// The folder.
    pub storage: Storage,
    /// What the core starts from.
    pub restored: Restored,
    /// Snapshots that cannot be read, in words: worth a warning.
    pub damaged_snapshots: Vec<String>,
}

/// Kafka keeps its vote in a file of its own; we must not take its log for ours, and not change it.
fn refuse_kafka(disk: &dyn Disk, folder: &Path) -> Result<(), StorageError> {
    match disk.list(folder) {
        Ok(entries) if entries.iter().any(|entry| entry.name == KAFKA_QUORUM_STATE) => {
            Err(StorageError::OfKafka { folder: folder.to_owned() })
        }
        Ok(_) => Ok(()),
        Err(error) if error.is_not_found() => Ok(()),
        Err(error) => Err(error.into()),
    }
}

impl Storage {
    /// Opens the metadata partition's folder within a log folder, or creates it.
    ///
    /// # Errors
    ///
    /// It cannot be read, or what is in it cannot be trusted; the error says what to do.
    pub fn open(
        disk: Arc<dyn Disk>,
        log_folder: &Path,
        now_ms: i64,
    ) -> Result<Opened, StorageError> {
        let folder = log_folder.join(format!("{METADATA_TOPIC}-0"));
        refuse_kafka(&*disk, &folder)?;
        // Before there is a folder: then the log has nothing to do until something is written.
        let mut log = EntryLog::open(Arc::clone(&disk), &folder, now_ms)?;
        disk.create_folder(&folder)?;
        let snapshots = snapshot::list(&*disk, &folder)?;
        let (log_start, log_next) = log.range();

        let (hard_state_file, hard_state) = HardStateFile::open(&*disk, &folder)?;
        if hard_state.is_none() && (log_next > 1 || !snapshots.is_empty()) {
            return Err(StorageError::HardStateMissing { path: hard_state::path(&folder) });
        }
        let mut damaged = Vec::new();
        let mut newest = (SnapshotMark::default(), Image::default());
        let mut kept = snapshots.clone();
        while let Some(file) = kept.last() {
            match snapshot::read(&*disk, file) {
                Ok(found) => {
                    newest = found;
                    break;
                }
                // It may be damaged or written by a newer version; either way an older one and a
                // longer log may do.
                Err(StorageError::SnapshotDamaged { path, reason }) => {
                    damaged.push(format!("{}: {reason}", path.display()));
                    kept.pop();
                }
                Err(error) => return Err(error),
            }
        }
        let (mark, image) = newest;
        if log_next <= mark.index {
            // The log is gone, or was being replaced by a peer's snapshot.
            log.restart_behind(mark.index, now_ms)?;
        } else if log_start > mark.index.saturating_add(1) {
            return Err(StorageError::Gap { log_start, snapshot: mark.index, damaged });
        }
        let entries = log.read_from(mark.index.saturating_add(1))?;
        let restored =
            Restored { hard_state: hard_state.unwrap_or_default(), snapshot: mark, image, entries };
        let storage = Self {
            disk,
            folder,
            log,
            hard_state: hard_state_file,
            snapshots: kept,
            fresh: hard_state.is_none(),
        };
        Ok(Opened { storage, restored, damaged_snapshots: damaged })
    }

    /// Makes a write of the core durable.
    ///
    /// # Errors
    ///
    /// Something cannot be written; nothing may be promised any more.
    pub fn persist(&mut self, write: &Write, now_ms: i64) -> Result<(), StorageError> {
        if let Some(mark) = &write.install {
            self.log.restart_behind(mark.index, now_ms)?;
        }
        if let Some(state) = write.hard_state {
            self.hard_state.write(state)?;
        }
        if std::mem::take(&mut self.fresh) {
            // Names of one folder may reach the disk in any order: this one goes before the log's.
            // The folder's own name is synced with the first entries, where there are some.
            let levels = if write.entries.is_empty() { 2 } else { 1 };
            let folders = self.folder.ancestors().take(levels).map(Path::to_owned).collect();
            self.disk.run(&DiskTask::Sync { files: Vec::new(), folders })?;
        }
        self.log.append(&write.entries, now_ms)
    }

    /// Prepares a snapshot: the job may run on another thread while the log goes on.
    ///
    /// # Errors
    ///
    /// The log cannot begin a new segment.
    pub fn prepare_snapshot(
        &mut self,
        mark: SnapshotMark,
        image: Arc<Image>,
        now_ms: i64,
    ) -> Result<SnapshotJob, StorageError> {
        self.log.roll(now_ms)?;
        Ok(SnapshotJob { disk: Arc::clone(&self.disk), folder: self.folder.clone(), mark, image })
    }

    /// Takes a finished snapshot for its newest one.
    pub fn adopt_snapshot(&mut self, written: WrittenSnapshot) {
        let WrittenSnapshot { file, .. } = written;
        self.snapshots.retain(|known| known.path != file.path);
        self.snapshots.push(file);
    }

    /// Deletes the log up to an entry, and snapshots beyond the two newest.
    ///
    /// # Errors
    ///
    /// A file cannot be removed.
    pub fn delete_to(&mut self, index: u64, now_ms: i64) -> Result<(), StorageError> {
        self.log.delete_to(index, now_ms)?;
        while self.snapshots.len() > SNAPSHOTS_KEPT {
            let oldest = self.snapshots.remove(0);
            self.disk.run(&DiskTask::Unlink(oldest.path))?;
        }
        Ok(())
    }

    /// Bytes of the log.
    pub fn log_bytes(&self) -> u64 {
        self.log.size_bytes()
    }

    /// The folder of the metadata partition.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Ends cleanly.
    ///
    /// # Errors
    ///
    /// Something cannot be written; the next start checks the log as after a crash.
    pub fn close(&mut self) -> Result<(), StorageError> {
        self.log.close()
    }
}
