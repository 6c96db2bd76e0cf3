//! All file I/O of this crate goes through [`Disk`], so that tests can lose power, tear writes and
//! fail any operation by its ordinal.
//!
//! Operations on the request path (open, pread, pwritev) run at once on the caller's thread. What
//! may take long (sync, unlink, ...) is a [`DiskTask`]: either run at once with [`Disk::run`], at
//! start, stop and recovery, or submitted with a token, in which case a [`Completion`] comes to the
//! sink that the disk was made with. Every error names the path it is about.

mod memory;
mod real;
mod slice;

pub use memory::{
    Entry, FailurePlan, Fate, MemoryDisk, Moment, Node, OperationKind, PendingEffect, Trace,
    TraceStep,
};
pub use real::{DiskOptions, RealDisk};
pub use slice::FileSlice;

use crate::journal::commit::{Commit, Reclaim};
use bytes::Bytes;
use rustix::io::Errno;
use std::fmt;
use std::io;
use std::os::fd::BorrowedFd;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Where files live.
pub trait Disk: Send + Sync + fmt::Debug {
    /// Opens a file.
    ///
    /// # Errors
    /// When the file system refuses.
    fn open(&self, path: &Path, mode: OpenMode) -> Result<Arc<dyn DiskFile>, DiskError>;

    /// Opens a file for reading through a bounded cache of handles, shared by all who read it.
    ///
    /// # Errors
    /// When the file system refuses.
    fn open_shared(&self, path: &Path) -> Result<Arc<dyn DiskFile>, DiskError>;

    /// Drops a handle that [`Disk::open_shared`] may have kept: before its file is renamed or
    /// removed.
    fn forget_shared(&self, path: &Path);

    /// What a folder holds, in the order of names.
    ///
    /// # Errors
    /// When the folder cannot be read, also when there is none.
    fn list(&self, folder: &Path) -> Result<Vec<FolderEntry>, DiskError>;

    /// Creates a folder and what is missing above it; no error when it is there.
    ///
    /// # Errors
    /// When the file system refuses.
    fn create_folder(&self, folder: &Path) -> Result<(), DiskError>;

    /// Renames a file or folder at once, replacing a file that is there. It is durable only after
    /// the folder was synced.
    ///
    /// # Errors
    /// When the file system refuses.
    fn rename(&self, from: &Path, to: &Path) -> Result<(), DiskError>;

    /// Runs a task on the calling thread.
    ///
    /// # Errors
    /// When the file system refuses.
    fn run(&self, task: &DiskTask) -> Result<(), DiskError>;

    /// Queues a task for the I/O threads; its [`Completion`] carries the token.
    ///
    /// # Errors
    /// When the queue is full: run the task at once, or keep it for later.
    fn submit(&self, token: u64, task: DiskTask) -> Result<(), QueueFull>;

    /// Whether so many files are open that whoever can do without one should close it.
    fn handles_are_scarce(&self) -> bool {
        false
    }

    /// Free and total bytes of the file system that holds a path.
    ///
    /// # Errors
    /// When the file system cannot tell.
    fn space(&self, path: &Path) -> Result<Space, DiskError>;

    /// Takes the advisory lock of a file, which is created when missing; it is held until the
    /// returned guard is dropped.
    ///
    /// # Errors
    /// [`LockError::Held`] when another process (or another folder object of this one) has it.
    fn lock(&self, path: &Path) -> Result<Box<dyn LockGuard>, LockError>;
}

/// An open file.
pub trait DiskFile: Send + Sync + fmt::Debug {
    /// Reads into `into` at a position; less than asked means that the file ends there.
    ///
    /// # Errors
    /// When the file system refuses.
    fn read_at(&self, into: &mut [u8], position: u64) -> Result<usize, DiskError>;

    /// Writes all pieces one after the other at a position.
    ///
    /// # Errors
    /// When the file system refuses; some of the bytes may have been written.
    fn write_at(&self, pieces: &[&[u8]], position: u64) -> Result<(), DiskError>;

    /// Length in bytes.
    ///
    /// # Errors
    /// When the file system refuses.
    fn length(&self) -> Result<u64, DiskError>;

    /// Makes what was written so far durable (the data and what is needed to find it).
    ///
    /// # Errors
    /// When the file system refuses: the file must not be trusted any more.
    fn sync(&self) -> Result<(), DiskError>;

    /// Cuts the file, or extends it with zeros.
    ///
    /// # Errors
    /// When the file system refuses.
    fn set_length(&self, length: u64) -> Result<(), DiskError>;

    /// Reserves space up to a length without changing the file's length.
    ///
    /// # Errors
    /// When the file system refuses; where it knows no such thing this is no error.
    fn reserve(&self, length: u64) -> Result<(), DiskError>;

    /// The descriptor to give to sendfile, where there is one.
    fn fd(&self) -> Option<BorrowedFd<'_>>;

    /// The name under which it was opened, for messages.
    fn path(&self) -> &Path;
}

/// How [`Disk::open`] opens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OpenMode {
    /// The file must be there.
    Read,
    /// The file must be there.
    ReadWrite,
    /// Creates it when missing.
    Create,
    /// Creates it, or empties it.
    Truncate,
}

/// What is in a folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FolderEntry {
    /// Its name within the folder.
    pub name: String,
    /// Whether it is a folder itself.
    pub is_folder: bool,
    /// Length in bytes, of a file.
    pub length: u64,
    /// When it was last changed, in ms since 1970, where the file system knows it.
    pub modified_ms: Option<i64>,
}

/// Work that may take long.
#[derive(Clone, Debug)]
pub enum DiskTask {
    /// Syncs files, then the folders whose entries changed.
    Sync {
        /// Files whose data must be durable.
        files: Vec<Arc<dyn DiskFile>>,
        /// Folders whose entries must be durable, synced after the files.
        folders: Vec<PathBuf>,
    },
    /// Syncs one folder's entries.
    SyncFolder(PathBuf),
    /// Syncs all that is on the file system of a folder: better than very many single syncs.
    /// "Unsupported" where the system has no such call, or does not tell when it fails.
    SyncFileSystem(PathBuf),
    /// Renames a file or folder.
    Rename {
        /// Name before.
        from: PathBuf,
        /// Name afterwards.
        to: PathBuf,
    },
    /// Removes a file; no error when it is gone already.
    Unlink(PathBuf),
    /// Removes a folder with all that is in it; no error when it is gone already.
    RemoveFolder(PathBuf),
    /// Reserves space.
    Reserve {
        /// Of this file.
        file: Arc<dyn DiskFile>,
        /// Up to this length.
        length: u64,
    },
    /// Cuts a file.
    SetLength {
        /// This file.
        file: Arc<dyn DiskFile>,
        /// To this length.
        length: u64,
    },
    /// Makes durable what several logs of a folder appended: see
    /// [`LogFolder::commit_task`](crate::LogFolder::commit_task).
    Commit(Commit),
    /// Syncs what one of the folder's journal files vouches for, before its next use.
    Reclaim(Reclaim),
}

/// The token of tasks whose end nobody waits for.
pub const NO_TOKEN: u64 = u64::MAX;

/// The end of a submitted task.
#[derive(Debug)]
pub struct Completion {
    /// The token it was submitted with.
    pub token: u64,
    /// What came of it.
    pub result: Result<(), DiskError>,
}

/// Takes completions; called on an I/O thread.
pub type CompletionSink = Arc<dyn Fn(Completion) + Send + Sync>;

/// A task was not taken because too many are waiting. It is given back.
#[derive(Debug, thiserror::Error)]
#[error("the disk's queue is full")]
pub struct QueueFull(pub DiskTask);

/// Bytes of a file system.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Space {
    /// All of it.
    pub total_bytes: u64,
    /// What an ordinary process may still use.
    pub usable_bytes: u64,
}

/// Holds a lock until it is dropped.
pub trait LockGuard: Send + Sync + fmt::Debug {}

/// A lock was not taken.
#[derive(Debug, thiserror::Error)]
pub enum LockError {
    /// Someone else has it.
    #[error("{path} is locked by another process")]
    Held {
        /// The lock file.
        path: PathBuf,
    },
    /// The lock file cannot be opened.
    #[error(transparent)]
    Disk(#[from] DiskError),
}

/// A file operation failed.
#[derive(Clone, Debug, thiserror::Error)]
#[error("cannot {operation} {path}: {cause}")]
pub struct DiskError {
    operation: &'static str,
    path: PathBuf,
    kind: io::ErrorKind,
    cause: Arc<io::Error>,
}

impl DiskError {
    /// Wraps what the system said.
    pub fn new(operation: &'static str, path: &Path, cause: impl Into<io::Error>) -> Self {
        let cause = cause.into();
        Self { operation, path: path.to_owned(), kind: cause.kind(), cause: Arc::new(cause) }
    }

    /// The system's classification.
    pub fn kind(&self) -> io::ErrorKind {
        self.kind
    }

    /// Whether there is no such file or folder.
    pub fn is_not_found(&self) -> bool {
        self.kind == io::ErrorKind::NotFound
    }

    /// Whether something ran out that may be there again later: space, a quota, open files.
    pub fn is_full(&self) -> bool {
        self.lacks_handles()
            || matches!(
                self.kind,
                io::ErrorKind::StorageFull
                    | io::ErrorKind::QuotaExceeded
                    | io::ErrorKind::FileTooLarge
            )
    }

    /// Whether a sync failed: then what was written is not known to be there, and a second sync
    /// would say that it is.
    pub fn is_of_sync(&self) -> bool {
        self.operation == "sync" && !self.is_not_found() && !self.lacks_handles()
    }

    fn lacks_handles(&self) -> bool {
        let no_handle = [Errno::MFILE, Errno::NFILE].map(|errno| Some(errno.raw_os_error()));
        no_handle.contains(&self.cause.raw_os_error())
    }

    /// The file or folder it is about.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

/// Reads a whole file of at most `limit_bytes`; `None` when there is none.
///
/// # Errors
/// When it cannot be read, or is longer than the limit.
pub fn read_whole(
    disk: &dyn Disk,
    path: &Path,
    limit_bytes: u64,
) -> Result<Option<Bytes>, DiskError> {
    let file = match disk.open(path, OpenMode::Read) {
        Ok(file) => file,
        Err(error) if error.is_not_found() => return Ok(None),
        Err(error) => return Err(error),
    };
    let length = file.length()?;
    if length > limit_bytes {
        let message = format!("{length} bytes are more than the {limit_bytes} expected at most");
        return Err(DiskError::new("read", path, io::Error::other(message)));
    }
    let mut bytes = vec![0; usize::try_from(length).unwrap_or(usize::MAX)];
    let read = file.read_at(&mut bytes, 0)?;
    bytes.truncate(read);
    Ok(Some(Bytes::from(bytes)))
}

/// Writes a file so that after a crash it holds either its old content or the new one: a temporary
/// file beside it, synced, renamed over it, the folder synced.
///
/// # Errors
/// When any step fails; the old content is then still there, unless only the last sync failed.
pub fn write_whole_durably(disk: &dyn Disk, path: &Path, content: &[u8]) -> Result<(), DiskError> {
    let temporary = temporary_name(path);
    let file = disk.open(&temporary, OpenMode::Truncate)?;
    file.write_at(&[content], 0)?;
    file.sync()?;
    disk.rename(&temporary, path)?;
    match path.parent() {
        Some(folder) => disk.run(&DiskTask::SyncFolder(folder.to_owned())),
        None => Ok(()),
    }
}

/// Writes a file through a temporary one without syncing anything; the caller syncs the returned
/// file and the folder later. After a crash before that the file may hold anything, so its reader
/// must be able to do without it.
///
/// # Errors
/// When any step fails.
pub(crate) fn write_whole_unsynced(
    disk: &dyn Disk,
    path: &Path,
    content: &[u8],
) -> Result<Arc<dyn DiskFile>, DiskError> {
    let temporary = temporary_name(path);
    let file = disk.open(&temporary, OpenMode::Truncate)?;
    file.write_at(&[content], 0)?;
    disk.rename(&temporary, path)?;
    Ok(file)
}

/// Kafka's name for a file that is being written anew.
fn temporary_name(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".tmp");
    PathBuf::from(name)
}
