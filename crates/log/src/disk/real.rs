//! The file system of the machine, with a few threads for what may take long.

use super::{
    Completion, CompletionSink, Disk, DiskError, DiskFile, DiskTask, FolderEntry, LockError,
    LockGuard, OpenMode, QueueFull, Space,
};
use parking_lot::Mutex;
use rustix::fs::FlockOperation;
use rustix::io::Errno;
use std::collections::BTreeMap;
use std::fmt;
use std::fs::{self, File, OpenOptions};
use std::io::{self, IoSlice};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::thread::JoinHandle;
use std::time::UNIX_EPOCH;

/// Pieces that the system takes in one call (`IOV_MAX` is 1024 on Linux).
const WRITE_PIECES_MAX: usize = 512;

/// Open files that are enough for any broker.
const HANDLES_MAX: usize = 32 * 1024;

/// The other half is for connections.
fn half_of_allowed_files() -> usize {
    let allowed = rustix::process::getrlimit(rustix::process::Resource::Nofile).current;
    usize::try_from(allowed.unwrap_or(u64::MAX) / 2).unwrap_or(usize::MAX)
}

/// How a [`RealDisk`] is made.
#[derive(Clone)]
pub struct DiskOptions {
    /// I/O threads; `>= 1`.
    pub threads: usize,
    /// Tasks that may wait for a thread.
    pub queued_max: usize,
    /// Handles kept open for reading cold files.
    pub shared_handles_max: usize,
    /// Open files from which on those are closed that can be opened again.
    pub handles_max: usize,
    /// Takes the ends of submitted tasks.
    pub sink: CompletionSink,
}

impl Default for DiskOptions {
    fn default() -> Self {
        Self {
            threads: 2,
            queued_max: 4096,
            shared_handles_max: 512,
            handles_max: HANDLES_MAX.min(half_of_allowed_files()),
            sink: Arc::new(|_| {}),
        }
    }
}

impl fmt::Debug for DiskOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DiskOptions").field("threads", &self.threads).finish_non_exhaustive()
    }
}

/// The machine's file system. Dropping it finishes what was submitted and ends its threads.
pub struct RealDisk {
    queue: Option<SyncSender<(u64, DiskTask)>>,
    threads: Vec<JoinHandle<()>>,
    shared: Arc<Mutex<SharedHandles>>,
    handles_max: usize,
    handles: Arc<AtomicUsize>,
}

impl fmt::Debug for RealDisk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RealDisk").field("threads", &self.threads.len()).finish_non_exhaustive()
    }
}

impl RealDisk {
    /// Starts the I/O threads.
    ///
    /// # Errors
    /// When the system gives no thread.
    pub fn start(options: DiskOptions) -> io::Result<Self> {
        let (queue, tasks) = sync_channel::<(u64, DiskTask)>(options.queued_max);
        let tasks = Arc::new(Mutex::new(tasks));
        let shared = SharedHandles::new(options.shared_handles_max.max(1));
        let shared = Arc::new(Mutex::new(shared));
        let threads = (0..options.threads.max(1))
            .map(|index| {
                let tasks = Arc::clone(&tasks);
                let sink = Arc::clone(&options.sink);
                let shared = Arc::clone(&shared);
                std::thread::Builder::new()
                    .name(format!("disk-{index}"))
                    .spawn(move || serve(&tasks, &shared, &sink))
            })
            .collect::<io::Result<Vec<_>>>()?;
        Ok(Self {
            queue: Some(queue),
            threads,
            shared,
            handles_max: options.handles_max,
            handles: Arc::default(),
        })
    }
}

impl Drop for RealDisk {
    fn drop(&mut self) {
        drop(self.queue.take());
        for thread in std::mem::take(&mut self.threads) {
            // The sink may own the last handle to the disk: then a thread drops it, and must not
            // wait for itself.
            if thread.thread().id() != std::thread::current().id() {
                let _ = thread.join();
            }
        }
    }
}

fn serve(
    tasks: &Mutex<Receiver<(u64, DiskTask)>>,
    shared: &Mutex<SharedHandles>,
    sink: &CompletionSink,
) {
    loop {
        let next = tasks.lock().recv();
        let Ok((token, task)) = next else { return };
        let result = run_making_room(&task, shared);
        drop(task);
        sink(Completion { token, result });
    }
}

/// A folder is opened to be synced. Where that takes one file too many nothing was synced, so that
/// it may be tried again, without the handles that are kept for later.
fn run_making_room(task: &DiskTask, shared: &Mutex<SharedHandles>) -> Result<(), DiskError> {
    let of_sync = matches!(task, DiskTask::Sync { .. } | DiskTask::SyncFolder(_));
    match run_task(task) {
        Err(error) if of_sync && error.is_full() && !error.is_of_sync() => {
            shared.lock().by_path.clear();
            run_task(task)
        }
        result => result,
    }
}

fn run_task(task: &DiskTask) -> Result<(), DiskError> {
    match task {
        DiskTask::Sync { files, folders } => {
            sync_files(files)?;
            folders.iter().try_for_each(|folder| sync_folder(folder))
        }
        DiskTask::SyncFolder(folder) => sync_folder(folder),
        DiskTask::SyncFileSystem(folder) => File::open(folder)
            .and_then(|folder| platform::sync_file_system(&folder))
            .map_err(|error| DiskError::new("sync", folder, error)),
        DiskTask::Rename { from, to } => {
            fs::rename(from, to).map_err(|error| DiskError::new("rename", from, error))
        }
        DiskTask::Unlink(path) => match fs::remove_file(path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                Err(DiskError::new("remove", path, error))
            }
            _ => Ok(()),
        },
        DiskTask::RemoveFolder(path) => match fs::remove_dir_all(path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                Err(DiskError::new("remove", path, error))
            }
            _ => Ok(()),
        },
        DiskTask::Reserve { file, length } => file.reserve(*length),
        DiskTask::SetLength { file, length } => file.set_length(*length),
        DiskTask::Commit(commit) => commit.run(),
        DiskTask::Reclaim(reclaim) => reclaim.run(),
    }
}

/// Files from which on they are synced by several threads: the file system commits what waits
/// together.
const SYNC_FILES_SPREAD: usize = 32;
const SYNC_THREADS: usize = 4;

fn sync_files(files: &[Arc<dyn DiskFile>]) -> Result<(), DiskError> {
    if files.len() < SYNC_FILES_SPREAD {
        return files.iter().try_for_each(|file| file.sync());
    }
    std::thread::scope(|scope| {
        let workers: Vec<_> = files
            .chunks(files.len().div_ceil(SYNC_THREADS))
            .map(|files| scope.spawn(|| files.iter().try_for_each(|file| file.sync())))
            .collect();
        let mut result = Ok(());
        for worker in workers {
            let synced = worker.join().unwrap_or_else(|_| {
                let panicked = io::Error::other("the thread panicked");
                Err(DiskError::new("sync", Path::new(""), panicked))
            });
            result = result.and(synced);
        }
        result
    })
}

fn sync_folder(folder: &Path) -> Result<(), DiskError> {
    File::open(folder)
        .and_then(|folder| folder.sync_all())
        .map_err(|error| DiskError::new("sync", folder, error))
}

impl Disk for RealDisk {
    fn open(&self, path: &Path, mode: OpenMode) -> Result<Arc<dyn DiskFile>, DiskError> {
        RealFile::open(path, mode, &self.handles).map(|file| file as Arc<dyn DiskFile>)
    }

    fn open_shared(&self, path: &Path) -> Result<Arc<dyn DiskFile>, DiskError> {
        if let Some(file) = self.shared.lock().get(path) {
            return Ok(file);
        }
        let file = RealFile::open(path, OpenMode::Read, &self.handles)?;
        self.shared.lock().put(path, Arc::clone(&file) as Arc<dyn DiskFile>);
        Ok(file)
    }

    fn forget_shared(&self, path: &Path) {
        self.shared.lock().remove(path);
    }

    fn list(&self, folder: &Path) -> Result<Vec<FolderEntry>, DiskError> {
        let wrap = |error| DiskError::new("list", folder, error);
        let mut entries = Vec::new();
        for entry in fs::read_dir(folder).map_err(wrap)? {
            let entry = entry.map_err(wrap)?;
            // A file may go away between the listing and the look at it.
            let Ok(metadata) = entry.metadata() else { continue };
            // A name that is no text cannot be one of ours.
            let Ok(name) = entry.file_name().into_string() else { continue };
            let modified = metadata.modified().ok();
            let since = modified.and_then(|time| time.duration_since(UNIX_EPOCH).ok());
            entries.push(FolderEntry {
                modified_ms: since.and_then(|since| i64::try_from(since.as_millis()).ok()),
                name,
                is_folder: metadata.is_dir(),
                length: metadata.len(),
            });
        }
        entries.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(entries)
    }

    fn create_folder(&self, folder: &Path) -> Result<(), DiskError> {
        fs::create_dir_all(folder).map_err(|error| DiskError::new("create", folder, error))
    }

    fn rename(&self, from: &Path, to: &Path) -> Result<(), DiskError> {
        fs::rename(from, to).map_err(|error| DiskError::new("rename", from, error))
    }

    fn run(&self, task: &DiskTask) -> Result<(), DiskError> {
        run_making_room(task, &self.shared)
    }

    fn submit(&self, token: u64, task: DiskTask) -> Result<(), QueueFull> {
        let Some(queue) = &self.queue else { return Err(QueueFull(task)) };
        queue.try_send((token, task)).map_err(|refused| match refused {
            TrySendError::Full((_, task)) | TrySendError::Disconnected((_, task)) => {
                QueueFull(task)
            }
        })
    }

    fn handles_are_scarce(&self) -> bool {
        self.handles.load(Ordering::Relaxed) > self.handles_max
    }

    fn space(&self, path: &Path) -> Result<Space, DiskError> {
        let stat = rustix::fs::statvfs(path)
            .map_err(|error| DiskError::new("measure the space of", path, error))?;
        Ok(Space {
            total_bytes: stat.f_blocks.saturating_mul(stat.f_frsize),
            usable_bytes: stat.f_bavail.saturating_mul(stat.f_frsize),
        })
    }

    fn lock(&self, path: &Path) -> Result<Box<dyn LockGuard>, LockError> {
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(path)
            .map_err(|error| DiskError::new("open", path, error))?;
        // Two kinds of lock that do not know each other: one also keeps out other folder objects of
        // this process, the other is the one that Java programs take.
        let exclusive = FlockOperation::NonBlockingLockExclusive;
        let locked = rustix::fs::flock(&file, exclusive)
            .and_then(|()| rustix::fs::fcntl_lock(&file, exclusive));
        match locked {
            Ok(()) => Ok(Box::new(FileLock { _file: file })),
            Err(Errno::WOULDBLOCK | Errno::ACCESS) => {
                Err(LockError::Held { path: path.to_owned() })
            }
            Err(error) => Err(DiskError::new("lock", path, error).into()),
        }
    }
}

/// Closing the file gives the lock back.
#[derive(Debug)]
struct FileLock {
    _file: File,
}

impl LockGuard for FileLock {}

/// Handles for reading, the least recently used closed first.
#[derive(Debug)]
struct SharedHandles {
    max: usize,
    /// Counts uses, to know the oldest.
    clock: u64,
    by_path: BTreeMap<PathBuf, (u64, Arc<dyn DiskFile>)>,
}

impl SharedHandles {
    fn new(max: usize) -> Self {
        Self { max, clock: 0, by_path: BTreeMap::new() }
    }

    fn get(&mut self, path: &Path) -> Option<Arc<dyn DiskFile>> {
        self.clock += 1;
        let (used, file) = self.by_path.get_mut(path)?;
        *used = self.clock;
        Some(Arc::clone(file))
    }

    fn put(&mut self, path: &Path, file: Arc<dyn DiskFile>) {
        self.clock += 1;
        self.by_path.insert(path.to_owned(), (self.clock, file));
        if self.by_path.len() > self.max {
            // A tenth at once, so that finding the oldest does not cost on every open.
            let mut uses: Vec<u64> = self.by_path.values().map(|(used, _)| *used).collect();
            uses.sort_unstable();
            let keep_after = uses.get(self.max / 10).copied().unwrap_or(0);
            self.by_path.retain(|_, (used, _)| *used > keep_after);
        }
    }

    fn remove(&mut self, path: &Path) {
        self.by_path.remove(path);
    }
}

#[derive(Debug)]
struct RealFile {
    file: File,
    path: PathBuf,
    /// Counts open files.
    handles: Arc<AtomicUsize>,
}

impl Drop for RealFile {
    fn drop(&mut self) {
        self.handles.fetch_sub(1, Ordering::Relaxed);
    }
}

impl RealFile {
    fn open(
        path: &Path,
        mode: OpenMode,
        handles: &Arc<AtomicUsize>,
    ) -> Result<Arc<Self>, DiskError> {
        let mut options = OpenOptions::new();
        options.read(true);
        match mode {
            OpenMode::Read => {}
            OpenMode::ReadWrite => {
                options.write(true);
            }
            OpenMode::Create => {
                options.write(true).create(true).truncate(false);
            }
            OpenMode::Truncate => {
                options.write(true).create(true).truncate(true);
            }
        }
        match options.open(path) {
            Ok(file) => {
                handles.fetch_add(1, Ordering::Relaxed);
                Ok(Arc::new(Self { file, path: path.to_owned(), handles: Arc::clone(handles) }))
            }
            Err(error) => Err(DiskError::new("open", path, error)),
        }
    }

    fn error(&self, operation: &'static str, cause: impl Into<io::Error>) -> DiskError {
        DiskError::new(operation, &self.path, cause)
    }
}

impl DiskFile for RealFile {
    fn read_at(&self, into: &mut [u8], position: u64) -> Result<usize, DiskError> {
        let mut done = 0;
        while let Some(rest) = into.get_mut(done..).filter(|rest| !rest.is_empty()) {
            match self.file.read_at(rest, position.saturating_add(done as u64)) {
                Ok(0) => break,
                Ok(read) => done += read,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(self.error("read", error)),
            }
        }
        Ok(done)
    }

    fn write_at(&self, pieces: &[&[u8]], mut position: u64) -> Result<(), DiskError> {
        let mut slices: Vec<IoSlice<'_>> = pieces.iter().map(|piece| IoSlice::new(piece)).collect();
        let mut left = slices.as_mut_slice();
        IoSlice::advance_slices(&mut left, 0);
        while !left.is_empty() {
            let now = left.get(..WRITE_PIECES_MAX).unwrap_or(left);
            match rustix::io::pwritev(&self.file, now, position) {
                Ok(0) => return Err(self.error("write", io::ErrorKind::WriteZero)),
                Ok(written) => {
                    position = position.saturating_add(written as u64);
                    IoSlice::advance_slices(&mut left, written);
                }
                Err(Errno::INTR) => {}
                Err(error) => return Err(self.error("write", error)),
            }
        }
        Ok(())
    }

    fn length(&self) -> Result<u64, DiskError> {
        match self.file.metadata() {
            Ok(metadata) => Ok(metadata.len()),
            Err(error) => Err(self.error("measure", error)),
        }
    }

    fn sync(&self) -> Result<(), DiskError> {
        platform::sync(&self.file).map_err(|error| self.error("sync", error))
    }

    fn set_length(&self, length: u64) -> Result<(), DiskError> {
        self.file.set_len(length).map_err(|error| self.error("cut", error))
    }

    fn reserve(&self, length: u64) -> Result<(), DiskError> {
        platform::reserve(&self.file, length).map_err(|error| self.error("reserve", error))
    }

    fn fd(&self) -> Option<BorrowedFd<'_>> {
        Some(self.file.as_fd())
    }

    fn path(&self) -> &Path {
        &self.path
    }
}

/// What Linux has and other systems do differently.
mod platform {
    use std::fs::File;
    use std::io;

    #[cfg(target_os = "linux")]
    pub fn sync(file: &File) -> io::Result<()> {
        Ok(rustix::fs::fdatasync(file)?)
    }

    #[cfg(target_os = "linux")]
    pub fn sync_file_system(folder: &File) -> io::Result<()> {
        Ok(rustix::fs::syncfs(folder)?)
    }

    #[cfg(not(target_os = "linux"))]
    pub fn sync_file_system(_folder: &File) -> io::Result<()> {
        Err(io::ErrorKind::Unsupported.into())
    }

    #[cfg(not(target_os = "linux"))]
    pub fn sync(file: &File) -> io::Result<()> {
        file.sync_data()
    }

    #[cfg(target_os = "linux")]
    pub fn reserve(file: &File, length: u64) -> io::Result<()> {
        use rustix::fs::{FallocateFlags, fallocate};
        match fallocate(file, FallocateFlags::KEEP_SIZE, 0, length) {
            // A file system without the call works without the reservation.
            Ok(()) | Err(rustix::io::Errno::OPNOTSUPP) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    #[cfg(not(target_os = "linux"))]
    pub fn reserve(_file: &File, _length: u64) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc::channel;

    fn disk() -> (tempfile::TempDir, RealDisk) {
        let folder = tempfile::tempdir().unwrap();
        (folder, RealDisk::start(DiskOptions::default()).unwrap())
    }

    #[test]
    fn pieces_are_written_one_after_the_other() {
        let (folder, disk) = disk();
        let file = disk.open(&folder.path().join("f"), OpenMode::Create).unwrap();
        let many: Vec<&[u8]> = std::iter::repeat_n(b"abc".as_slice(), 2000).collect();
        file.write_at(&many, 5).unwrap();
        let mut back = vec![0; 7000];
        assert_eq!(file.read_at(&mut back, 0).unwrap(), 6005);
        assert_eq!(&back[..8], b"\0\0\0\0\0abc");
        assert_eq!(&back[6002..6005], b"abc");
    }

    #[test]
    fn a_second_lock_is_refused_until_the_first_is_dropped() {
        let (folder, disk) = disk();
        let path = folder.path().join(".lock");
        let first = disk.lock(&path).unwrap();
        assert!(matches!(disk.lock(&path), Err(LockError::Held { .. })));
        drop(first);
        assert!(disk.lock(&path).is_ok());
    }

    #[test]
    fn submitted_tasks_complete_with_their_token() {
        let folder = tempfile::tempdir().unwrap();
        let (sender, ends) = channel();
        let sink: CompletionSink = Arc::new(move |end| sender.send(end).unwrap());
        let disk = RealDisk::start(DiskOptions { sink, ..DiskOptions::default() }).unwrap();
        let file = disk.open(&folder.path().join("f"), OpenMode::Create).unwrap();
        let task = DiskTask::Sync { files: vec![file], folders: vec![folder.path().to_owned()] };
        disk.submit(7, task).unwrap();
        let end = ends.recv().unwrap();
        assert_eq!(end.token, 7);
        assert!(end.result.is_ok());
        disk.submit(8, DiskTask::SyncFolder(folder.path().join("none"))).unwrap();
        let end = ends.recv().unwrap();
        assert!(end.result.unwrap_err().to_string().contains("none"));
    }

    #[test]
    fn shared_handles_are_bounded_and_forgotten() {
        let (folder, _) = disk();
        let disk = RealDisk::start(DiskOptions { shared_handles_max: 4, ..Default::default() });
        let disk = disk.unwrap();
        for name in 0..20 {
            let path = folder.path().join(name.to_string());
            fs::write(&path, b"x").unwrap();
            disk.open_shared(&path).unwrap();
            assert!(disk.shared.lock().by_path.len() <= 4);
        }
        let last = folder.path().join("19");
        assert!(disk.shared.lock().by_path.contains_key(&last));
        disk.forget_shared(&last);
        assert!(!disk.shared.lock().by_path.contains_key(&last));
    }
}
