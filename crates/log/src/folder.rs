//! A log folder.

use crate::config::LogConfig;
use crate::disk::{Disk, DiskError, LockError, Space};
use crate::error::OpenError;
use crate::log::{Checkpointed, Log, LogIdentity};
use headwater_types::{BrokerId, DirectoryId, EndOffset, Offset, PartitionIndex, TopicId, Uuid};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// A folder was not opened, or cannot be used any more.
#[derive(Debug, thiserror::Error)]
pub enum FolderError {
    /// Another broker has it.
    #[error("the log folder {} is in use by another broker", folder.display())]
    InUse {
        /// The folder.
        folder: PathBuf,
    },
    /// It belongs to another node or cluster, or was written by a newer version.
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
    /// Everything before it is on stable storage.
    pub recovery_point: EndOffset,
    /// First offset that can be read.
    pub log_start: Offset,
    /// The high watermark.
    pub high_watermark: EndOffset,
}

/// A folder full of logs.
#[derive(Debug)]
pub struct LogFolder {
    disk: Arc<dyn Disk>,
    path: PathBuf,
    directory_id: DirectoryId,
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
        Ok(Self { disk, path: path.to_owned(), directory_id: options.new_directory_id })
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Its id (KIP-858).
    pub fn directory_id(&self) -> DirectoryId {
        self.directory_id
    }

    /// The cluster it belongs to, once known.
    pub fn cluster_id(&self) -> Option<String> {
        None
    }

    /// Durably notes the cluster it belongs to.
    ///
    /// # Errors
    /// When it belongs to another one already, or the file cannot be written.
    pub fn adopt_cluster(&self, _cluster_id: &str) -> Result<(), FolderError> {
        Ok(())
    }

    /// How it was stopped before: `None` after a crash (or when it is new).
    pub fn clean_stop(&self) -> Option<CleanStop> {
        None
    }

    /// The partition folders found at open, in the order of names.
    pub fn found(&self) -> &[FoundPartition] {
        &[]
    }

    /// What the checkpoints say about a partition.
    pub fn checkpoint(&self, _topic: &str, _partition: PartitionIndex) -> PartitionCheckpoint {
        PartitionCheckpoint::default()
    }

    /// Opens (or makes ready to create) the log of a partition. May take long after a crash.
    ///
    /// # Errors
    /// As [`Log::open`].
    pub fn open_log(
        &self,
        identity: LogIdentity,
        config: Arc<LogConfig>,
        now_ms: i64,
    ) -> Result<Log, OpenError> {
        let folder = self.path.join(identity.folder_name());
        let kind = crate::log::OpenKind::AfterCrash(Checkpointed::default());
        Log::open(Arc::clone(&self.disk), &folder, identity, config, now_ms, kind)
    }

    /// Durably writes the three offset checkpoints: what is given replaces what was known of those
    /// partitions, the others stay.
    ///
    /// # Errors
    /// When a file cannot be written.
    pub fn write_checkpoints(
        &self,
        _logs: &[(LogIdentity, PartitionCheckpoint)],
    ) -> Result<(), FolderError> {
        Ok(())
    }

    /// Renames a partition's folder to `topic-partition.unique-delete`; it is removed by
    /// [`remove_deleted`](Self::remove_deleted). No error when it has no folder. `unique` is 128
    /// random bits.
    ///
    /// # Errors
    /// When it cannot be renamed.
    pub fn delete_log(&self, _identity: &LogIdentity, _unique: Uuid) -> Result<(), FolderError> {
        Ok(())
    }

    /// Removes the folders of deleted partitions, also those left by an earlier run. May take long.
    ///
    /// # Errors
    /// When one cannot be removed.
    pub fn remove_deleted(&self) -> Result<(), FolderError> {
        Ok(())
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
    /// the proof, durably. The lock is given back when the folder is dropped.
    ///
    /// # Errors
    /// When a file cannot be written: the next start takes it for a crash.
    pub fn close_clean(
        &self,
        _logs: &[(LogIdentity, PartitionCheckpoint)],
        _broker_epoch: i64,
    ) -> Result<(), FolderError> {
        Ok(())
    }
}
