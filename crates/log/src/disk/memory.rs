//! A disk in memory that keeps what is durable apart from what is not.
//!
//! Every change is an effect that stays pending until its file (or, for names, its folder) is
//! synced. [`MemoryDisk::crash`] makes the disk that a machine would find after losing power, with
//! a choice for each pending effect. Any operation can be made to fail by its ordinal.

use super::{
    Completion, Disk, DiskError, DiskFile, DiskTask, FolderEntry, LockError, LockGuard, OpenMode,
    QueueFull, Space,
};
use parking_lot::Mutex;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::io;
use std::os::fd::BorrowedFd;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// What kind of operation an ordinal stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum OperationKind {
    /// Opening or creating a file, listing or creating a folder.
    Open,
    /// Reading.
    Read,
    /// Writing.
    Write,
    /// Syncing a file.
    Sync,
    /// Syncing a folder.
    SyncFolder,
    /// Renaming.
    Rename,
    /// Removing.
    Remove,
    /// Cutting or extending.
    SetLength,
}

/// Which operations fail, and how.
#[derive(Clone, Debug, Default)]
pub struct FailurePlan {
    /// By ordinal, counted over all operations from 0.
    pub by_ordinal: BTreeMap<u64, io::ErrorKind>,
    /// Every operation of a kind, until taken out again.
    pub by_kind: BTreeMap<OperationKind, io::ErrorKind>,
    /// Every operation from this ordinal on: the machine has lost power, though the program has not
    /// noticed.
    pub all_from: Option<u64>,
    /// Bytes that files may hold in all; a write beyond fails with "storage full", having written
    /// what fits.
    pub capacity_bytes: Option<u64>,
}

/// What happens to a pending effect in a crash.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// It reached the disk.
    Kept,
    /// It did not.
    Lost,
    /// Of a write only this many bytes reached the disk (of other effects: nothing).
    Cut(usize),
}

/// A change that a crash may undo.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PendingEffect {
    /// Bytes in a file.
    Write {
        /// The file.
        file: u64,
        /// Where.
        position: usize,
        /// What.
        bytes: Vec<u8>,
    },
    /// A file's length.
    SetLength {
        /// The file.
        file: u64,
        /// Its length then.
        length: usize,
    },
    /// A name for a new file or folder.
    Link {
        /// The name.
        path: PathBuf,
        /// The file, or `None` for a folder.
        file: Option<u64>,
    },
    /// A new name for a file or folder.
    Rename {
        /// Name before.
        from: PathBuf,
        /// Name then.
        to: PathBuf,
    },
    /// A name taken away.
    Unlink {
        /// The name.
        path: PathBuf,
    },
}

/// Names and contents.
#[derive(Clone, Debug, Default)]
struct Image {
    /// A file's id, or `None` for a folder.
    names: BTreeMap<PathBuf, Option<u64>>,
    files: BTreeMap<u64, Vec<u8>>,
}

impl Image {
    /// Drops what no folder holds any more.
    fn drop_orphans(&mut self) {
        // Names ascend, so a folder comes before what is in it.
        let mut reachable: BTreeMap<PathBuf, Option<u64>> = BTreeMap::new();
        for (path, target) in std::mem::take(&mut self.names) {
            let held = path.parent().is_none_or(|parent| reachable.get(parent) == Some(&None));
            if held {
                reachable.insert(path, target);
            }
        }
        self.names = reachable;
    }

    fn apply(&mut self, effect: &PendingEffect) {
        match effect {
            PendingEffect::Write { file, position, bytes } => {
                let content = self.files.entry(*file).or_default();
                let end = position.saturating_add(bytes.len());
                if content.len() < end {
                    content.resize(end, 0);
                }
                if let Some(target) = content.get_mut(*position..end) {
                    target.copy_from_slice(bytes);
                }
            }
            PendingEffect::SetLength { file, length } => {
                self.files.entry(*file).or_default().resize(*length, 0);
            }
            PendingEffect::Link { path, file } => {
                self.names.insert(path.clone(), *file);
            }
            PendingEffect::Rename { from, to } => {
                let moved: Vec<_> =
                    self.names.keys().filter(|path| path.starts_with(from)).cloned().collect();
                for path in moved {
                    let Some(target) = self.names.remove(&path) else { continue };
                    let name = match path.strip_prefix(from) {
                        Ok(rest) if !rest.as_os_str().is_empty() => to.join(rest),
                        _ => to.clone(),
                    };
                    self.names.insert(name, target);
                }
            }
            PendingEffect::Unlink { path } => {
                self.names.remove(path);
            }
        }
    }
}

#[derive(Debug, Default)]
struct State {
    now: Image,
    durable: Image,
    pending: Vec<PendingEffect>,
    next_file: u64,
    operations: u64,
    failures: FailurePlan,
    submitted: VecDeque<(u64, DiskTask)>,
    locks: BTreeSet<PathBuf>,
}

impl State {
    fn count(
        &mut self,
        kind: OperationKind,
        name: &'static str,
        path: &Path,
    ) -> Result<(), DiskError> {
        let ordinal = self.operations;
        self.operations += 1;
        if self.failures.all_from.is_some_and(|from| ordinal >= from) {
            return Err(DiskError::new(name, path, io::ErrorKind::Other));
        }
        let planned = self.failures.by_ordinal.get(&ordinal);
        match planned.or_else(|| self.failures.by_kind.get(&kind)) {
            Some(failure) => Err(DiskError::new(name, path, *failure)),
            None => Ok(()),
        }
    }

    fn change(&mut self, effect: PendingEffect) {
        self.now.apply(&effect);
        self.pending.push(effect);
    }

    /// Makes the pending effects that `concerns` names durable, in their order.
    fn settle(&mut self, concerns: impl Fn(&PendingEffect) -> bool) {
        let (settled, pending): (Vec<_>, Vec<_>) =
            std::mem::take(&mut self.pending).into_iter().partition(concerns);
        self.pending = pending;
        for effect in &settled {
            self.durable.apply(effect);
        }
    }

    fn used_bytes(&self) -> u64 {
        self.now.files.values().map(|content| content.len() as u64).sum()
    }
}

/// A disk in memory; clones are the same disk.
#[derive(Clone, Debug, Default)]
pub struct MemoryDisk {
    state: Arc<Mutex<State>>,
}

impl MemoryDisk {
    /// An empty disk.
    pub fn new() -> Self {
        Self::default()
    }

    /// Changes which operations fail.
    pub fn plan_failures(&self, change: impl FnOnce(&mut FailurePlan)) {
        change(&mut self.state.lock().failures);
    }

    /// Operations seen so far: the ordinal of the next one.
    pub fn operations(&self) -> u64 {
        self.state.lock().operations
    }

    /// What a crash now may undo.
    pub fn pending(&self) -> Vec<PendingEffect> {
        self.state.lock().pending.clone()
    }

    /// The disk as it would be found after losing power now. `fate` decides for each pending
    /// effect, in the order in which they happened. Everything found is durable.
    pub fn crash(&self, mut fate: impl FnMut(&PendingEffect) -> Fate) -> MemoryDisk {
        let state = self.state.lock();
        let mut image = state.durable.clone();
        for effect in &state.pending {
            match fate(effect) {
                Fate::Kept => image.apply(effect),
                Fate::Lost => {}
                Fate::Cut(bytes_kept) => {
                    if let PendingEffect::Write { file, position, bytes } = effect {
                        image.apply(&PendingEffect::Write {
                            file: *file,
                            position: *position,
                            bytes: bytes.iter().take(bytes_kept).copied().collect(),
                        });
                    }
                }
            }
        }
        image.drop_orphans();
        let found = State {
            now: image.clone(),
            durable: image,
            next_file: state.next_file,
            ..State::default()
        };
        MemoryDisk { state: Arc::new(Mutex::new(found)) }
    }

    /// Runs the oldest submitted task, and gives its end.
    pub fn run_submitted(&self) -> Option<Completion> {
        let (token, task) = self.state.lock().submitted.pop_front()?;
        let result = self.run(&task);
        Some(Completion { token, result })
    }
}

impl Disk for MemoryDisk {
    fn open(&self, path: &Path, mode: OpenMode) -> Result<Arc<dyn DiskFile>, DiskError> {
        let mut state = self.state.lock();
        state.count(OperationKind::Open, "open", path)?;
        let file = match state.now.names.get(path).copied() {
            Some(Some(file)) => file,
            Some(None) => {
                return Err(DiskError::new("open", path, io::ErrorKind::IsADirectory));
            }
            None if matches!(mode, OpenMode::Create | OpenMode::Truncate) => {
                let parent = path.parent().unwrap_or(Path::new(""));
                if state.now.names.get(parent) != Some(&None) {
                    return Err(DiskError::new("open", path, io::ErrorKind::NotFound));
                }
                let file = state.next_file;
                state.next_file += 1;
                state.now.files.insert(file, Vec::new());
                state.durable.files.insert(file, Vec::new());
                state.change(PendingEffect::Link { path: path.to_owned(), file: Some(file) });
                file
            }
            None => return Err(DiskError::new("open", path, io::ErrorKind::NotFound)),
        };
        if mode == OpenMode::Truncate {
            state.change(PendingEffect::SetLength { file, length: 0 });
        }
        Ok(Arc::new(MemoryFile { state: Arc::clone(&self.state), file, path: path.to_owned() }))
    }

    fn open_shared(&self, path: &Path) -> Result<Arc<dyn DiskFile>, DiskError> {
        self.open(path, OpenMode::Read)
    }

    fn forget_shared(&self, _path: &Path) {}

    fn list(&self, folder: &Path) -> Result<Vec<FolderEntry>, DiskError> {
        let mut state = self.state.lock();
        state.count(OperationKind::Open, "list", folder)?;
        if state.now.names.get(folder) != Some(&None) {
            return Err(DiskError::new("list", folder, io::ErrorKind::NotFound));
        }
        let children = state.now.names.iter().filter(|(path, _)| path.parent() == Some(folder));
        Ok(children
            .filter_map(|(path, file)| {
                let content = file.and_then(|file| state.now.files.get(&file));
                Some(FolderEntry {
                    name: path.file_name()?.to_str()?.to_owned(),
                    is_folder: file.is_none(),
                    length: content.map_or(0, |content| content.len() as u64),
                    modified_ms: None,
                })
            })
            .collect())
    }

    fn create_folder(&self, folder: &Path) -> Result<(), DiskError> {
        let mut state = self.state.lock();
        state.count(OperationKind::Open, "create", folder)?;
        let mut above: Vec<_> = folder.ancestors().collect();
        above.reverse();
        for folder in above {
            match state.now.names.get(folder) {
                Some(None) => {}
                Some(Some(_)) => {
                    return Err(DiskError::new("create", folder, io::ErrorKind::AlreadyExists));
                }
                None => state.change(PendingEffect::Link { path: folder.to_owned(), file: None }),
            }
        }
        Ok(())
    }

    fn rename(&self, from: &Path, to: &Path) -> Result<(), DiskError> {
        let mut state = self.state.lock();
        state.count(OperationKind::Rename, "rename", from)?;
        if !state.now.names.contains_key(from) {
            return Err(DiskError::new("rename", from, io::ErrorKind::NotFound));
        }
        state.change(PendingEffect::Rename { from: from.to_owned(), to: to.to_owned() });
        Ok(())
    }

    fn run(&self, task: &DiskTask) -> Result<(), DiskError> {
        match task {
            DiskTask::Sync { files, folders } => {
                files.iter().try_for_each(|file| file.sync())?;
                folders.iter().try_for_each(|folder| self.sync_folder(folder))
            }
            DiskTask::SyncFolder(folder) => self.sync_folder(folder),
            DiskTask::Rename { from, to } => self.rename(from, to),
            DiskTask::Unlink(path) => {
                let mut state = self.state.lock();
                state.count(OperationKind::Remove, "remove", path)?;
                if state.now.names.contains_key(path) {
                    state.change(PendingEffect::Unlink { path: path.clone() });
                }
                Ok(())
            }
            DiskTask::RemoveFolder(folder) => {
                let mut state = self.state.lock();
                state.count(OperationKind::Remove, "remove", folder)?;
                let inside = state.now.names.keys().rev().filter(|path| path.starts_with(folder));
                for path in inside.cloned().collect::<Vec<_>>() {
                    state.change(PendingEffect::Unlink { path });
                }
                Ok(())
            }
            DiskTask::Reserve { file, length } => file.reserve(*length),
            DiskTask::SetLength { file, length } => file.set_length(*length),
        }
    }

    fn submit(&self, token: u64, task: DiskTask) -> Result<(), QueueFull> {
        self.state.lock().submitted.push_back((token, task));
        Ok(())
    }

    fn space(&self, _path: &Path) -> Result<Space, DiskError> {
        let state = self.state.lock();
        let total_bytes = state.failures.capacity_bytes.unwrap_or(1 << 40);
        Ok(Space { total_bytes, usable_bytes: total_bytes.saturating_sub(state.used_bytes()) })
    }

    fn lock(&self, path: &Path) -> Result<Box<dyn LockGuard>, LockError> {
        self.open(path, OpenMode::Create)?;
        if !self.state.lock().locks.insert(path.to_owned()) {
            return Err(LockError::Held { path: path.to_owned() });
        }
        Ok(Box::new(MemoryLock { state: Arc::clone(&self.state), path: path.to_owned() }))
    }
}

impl MemoryDisk {
    fn sync_folder(&self, folder: &Path) -> Result<(), DiskError> {
        let mut state = self.state.lock();
        state.count(OperationKind::SyncFolder, "sync", folder)?;
        if state.now.names.get(folder) != Some(&None) {
            return Err(DiskError::new("sync", folder, io::ErrorKind::NotFound));
        }
        let within = |path: &Path| path.parent() == Some(folder);
        state.settle(|effect| match effect {
            PendingEffect::Write { .. } | PendingEffect::SetLength { .. } => false,
            PendingEffect::Link { path, .. } | PendingEffect::Unlink { path } => within(path),
            PendingEffect::Rename { from, to } => within(from) || within(to),
        });
        Ok(())
    }
}

#[derive(Debug)]
struct MemoryLock {
    state: Arc<Mutex<State>>,
    path: PathBuf,
}

impl LockGuard for MemoryLock {}

impl Drop for MemoryLock {
    fn drop(&mut self) {
        self.state.lock().locks.remove(&self.path);
    }
}

#[derive(Debug)]
struct MemoryFile {
    state: Arc<Mutex<State>>,
    file: u64,
    path: PathBuf,
}

impl DiskFile for MemoryFile {
    fn read_at(&self, into: &mut [u8], position: u64) -> Result<usize, DiskError> {
        let mut state = self.state.lock();
        state.count(OperationKind::Read, "read", &self.path)?;
        let position = usize::try_from(position).unwrap_or(usize::MAX);
        let content = state.now.files.get(&self.file).and_then(|content| content.get(position..));
        let content = content.unwrap_or_default();
        let read = content.len().min(into.len());
        for (target, byte) in into.iter_mut().zip(content) {
            *target = *byte;
        }
        Ok(read)
    }

    fn write_at(&self, pieces: &[&[u8]], position: u64) -> Result<(), DiskError> {
        let mut state = self.state.lock();
        state.count(OperationKind::Write, "write", &self.path)?;
        let position = usize::try_from(position).unwrap_or(usize::MAX);
        let mut bytes = pieces.concat();
        let whole = bytes.len();
        if let Some(capacity) = state.failures.capacity_bytes {
            let room = capacity.saturating_sub(state.used_bytes());
            bytes.truncate(usize::try_from(room).unwrap_or(usize::MAX));
        }
        let full = bytes.len() < whole;
        state.change(PendingEffect::Write { file: self.file, position, bytes });
        match full {
            true => Err(DiskError::new("write", &self.path, io::ErrorKind::StorageFull)),
            false => Ok(()),
        }
    }

    fn length(&self) -> Result<u64, DiskError> {
        let state = self.state.lock();
        Ok(state.now.files.get(&self.file).map_or(0, |content| content.len() as u64))
    }

    fn sync(&self) -> Result<(), DiskError> {
        let mut state = self.state.lock();
        state.count(OperationKind::Sync, "sync", &self.path)?;
        let id = self.file;
        state.settle(|effect| match effect {
            PendingEffect::Write { file, .. } | PendingEffect::SetLength { file, .. } => {
                *file == id
            }
            _ => false,
        });
        Ok(())
    }

    fn set_length(&self, length: u64) -> Result<(), DiskError> {
        let mut state = self.state.lock();
        state.count(OperationKind::SetLength, "cut", &self.path)?;
        let length = usize::try_from(length).unwrap_or(usize::MAX);
        state.change(PendingEffect::SetLength { file: self.file, length });
        Ok(())
    }

    fn reserve(&self, _length: u64) -> Result<(), DiskError> {
        Ok(())
    }

    fn fd(&self) -> Option<BorrowedFd<'_>> {
        None
    }

    fn path(&self) -> &Path {
        &self.path
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn disk_with_folder() -> (MemoryDisk, PathBuf) {
        let disk = MemoryDisk::new();
        let folder = PathBuf::from("/data");
        disk.create_folder(&folder).unwrap();
        disk.run(&DiskTask::SyncFolder("/".into())).unwrap();
        let disk = disk.crash(|_| Fate::Kept);
        (disk, folder)
    }

    fn content(disk: &MemoryDisk, path: &Path) -> Option<Vec<u8>> {
        super::super::read_whole(disk, path, 1 << 20).unwrap().map(|bytes| bytes.to_vec())
    }

    #[test]
    fn only_what_was_synced_is_sure_to_survive() {
        let (disk, folder) = disk_with_folder();
        let path = folder.join("f");
        let file = disk.open(&path, OpenMode::Create).unwrap();
        file.write_at(&[b"one"], 0).unwrap();
        file.sync().unwrap();
        assert_eq!(content(&disk.crash(|_| Fate::Lost), &path), None, "its name was not synced");
        disk.run(&DiskTask::SyncFolder(folder)).unwrap();
        file.write_at(&[b"two"], 3).unwrap();
        assert_eq!(content(&disk.crash(|_| Fate::Lost), &path).unwrap(), b"one");
        assert_eq!(content(&disk.crash(|_| Fate::Kept), &path).unwrap(), b"onetwo");
        assert_eq!(content(&disk.crash(|_| Fate::Cut(1)), &path).unwrap(), b"onet");
    }

    #[test]
    fn an_operation_fails_by_its_ordinal() {
        let (disk, folder) = disk_with_folder();
        let file = disk.open(&folder.join("f"), OpenMode::Create).unwrap();
        let next = disk.operations();
        disk.plan_failures(|plan| {
            plan.by_ordinal.insert(next + 1, io::ErrorKind::Other);
        });
        assert!(file.write_at(&[b"x"], 0).is_ok());
        assert!(file.sync().is_err());
        assert!(file.sync().is_ok());
    }

    #[test]
    fn a_full_disk_takes_what_fits() {
        let (disk, folder) = disk_with_folder();
        disk.plan_failures(|plan| plan.capacity_bytes = Some(4));
        let file = disk.open(&folder.join("f"), OpenMode::Create).unwrap();
        assert!(file.write_at(&[b"abc"], 0).is_ok());
        assert!(file.write_at(&[b"def"], 3).unwrap_err().is_full());
        assert_eq!(content(&disk, &folder.join("f")).unwrap(), b"abcd");
    }
}
