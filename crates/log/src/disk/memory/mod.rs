//! A disk in memory that keeps what is durable apart from what is not.
//!
//! Every change is an effect that stays pending until its file (or, for names, its folder) is
//! synced. [`MemoryDisk::crash`] makes the disk that a machine would find after losing power, with
//! a choice for each pending effect; a [`Trace`] gives the same for every moment of a run. Any
//! operation can be made to fail by its ordinal.

mod effect;
mod image;
mod trace;

pub use effect::{Entry, Fate, PendingEffect};
pub use image::Node;
pub use trace::{Moment, Trace, TraceStep};

use super::{
    Completion, Disk, DiskError, DiskFile, DiskTask, FolderEntry, LockError, LockGuard, OpenMode,
    QueueFull, Space,
};
use bytes::Bytes;
use image::{Image, ROOT};
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
    /// The sync, of a file or a folder, with this number, counted from 0. What it should have made
    /// durable never is, though it can still be read: so does a page cache that calls pages clean
    /// after it could not write them.
    pub sync_lost: Option<u64>,
    /// Every operation from this ordinal on: the machine has lost power, though the program has not
    /// noticed.
    pub all_from: Option<u64>,
    /// Bytes that files may hold in all; a write beyond fails with "storage full", having written
    /// what fits.
    pub capacity_bytes: Option<u64>,
}

#[derive(Debug)]
struct State {
    now: Image,
    durable: Image,
    pending: Vec<PendingEffect>,
    /// For the next file or folder.
    next_id: u64,
    trace: Option<Trace>,
    operations: u64,
    syncs: u64,
    failures: FailurePlan,
    submitted: VecDeque<(u64, DiskTask)>,
    locks: BTreeSet<PathBuf>,
}

impl Default for State {
    fn default() -> Self {
        Self {
            now: Image::default(),
            durable: Image::default(),
            pending: Vec::new(),
            next_id: ROOT + 1,
            trace: None,
            operations: 0,
            syncs: 0,
            failures: FailurePlan::default(),
            submitted: VecDeque::new(),
            locks: BTreeSet::new(),
        }
    }
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
        self.now.apply(&effect, Fate::Kept);
        if let Some(trace) = &mut self.trace {
            trace.steps.push(TraceStep::Effect(effect.clone()));
        }
        self.pending.push(effect);
    }

    fn take_id(&mut self) -> u64 {
        let id = self.next_id;
        self.next_id += 1;
        id
    }

    /// Counts a sync; when it is the one to be lost, drops what it would have made durable.
    fn count_sync(
        &mut self,
        path: &Path,
        concerns: impl Fn(&PendingEffect) -> bool,
    ) -> Result<(), DiskError> {
        let number = self.syncs;
        self.syncs += 1;
        if self.failures.sync_lost != Some(number) {
            return Ok(());
        }
        self.pending.retain(|effect| !concerns(effect));
        Err(DiskError::new("sync", path, io::ErrorKind::Other))
    }

    fn file_synced(&mut self, file: u64) {
        trace::settle(&mut self.pending, &mut self.durable, |effect| effect.is_of_file(file));
        if let Some(trace) = &mut self.trace {
            trace.steps.push(TraceStep::FileSynced(file));
        }
    }

    fn folder_synced(&mut self, folder: u64) {
        trace::settle(&mut self.pending, &mut self.durable, |effect| effect.is_of_folder(folder));
        if let Some(trace) = &mut self.trace {
            trace.steps.push(TraceStep::FolderSynced(folder));
        }
    }

    fn link(&mut self, path: &Path, node: Node) -> Result<(), DiskError> {
        let Some(at) = self.now.entry(path) else {
            return Err(DiskError::new("create", path, io::ErrorKind::NotFound));
        };
        self.change(PendingEffect::Link { path: path.to_owned(), at, node });
        Ok(())
    }

    fn unlink(&mut self, path: PathBuf) {
        if let Some(at) = self.now.entry(&path) {
            self.change(PendingEffect::Unlink { path, at });
        }
    }

    /// Takes away a folder and all that is in it, from the bottom up.
    fn unlink_folder(&mut self, path: &Path) {
        let Some(folder) = self.now.folder(path) else { return };
        let children: Vec<_> = self
            .now
            .children(folder)
            .rev()
            .map(|(name, node)| (path.join(&**name), node))
            .collect();
        for (path, node) in children {
            match node {
                Node::Folder(_) => self.unlink_folder(&path),
                Node::File(_) => self.unlink(path),
            }
        }
        self.unlink(path.to_owned());
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

    /// Syncs of files and folders seen so far.
    pub fn syncs(&self) -> u64 {
        self.state.lock().syncs
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
            image.apply(effect, fate(effect));
        }
        MemoryDisk::holding(image, state.next_id)
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
        let file = match state.now.resolve(path) {
            Some(Node::File(file)) => file,
            Some(Node::Folder(_)) => {
                return Err(DiskError::new("open", path, io::ErrorKind::IsADirectory));
            }
            None if matches!(mode, OpenMode::Create | OpenMode::Truncate) => {
                let file = state.take_id();
                state.now.add_file(file);
                state.link(path, Node::File(file))?;
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
        let Some(id) = state.now.folder(folder) else {
            return Err(DiskError::new("list", folder, io::ErrorKind::NotFound));
        };
        let entry = |(name, node): (&Arc<str>, Node)| {
            let content = match node {
                Node::File(file) => state.now.content(file),
                Node::Folder(_) => None,
            };
            FolderEntry {
                name: name.to_string(),
                is_folder: matches!(node, Node::Folder(_)),
                length: content.map_or(0, |content| content.length() as u64),
                modified_ms: None,
            }
        };
        Ok(state.now.children(id).map(entry).collect())
    }

    fn create_folder(&self, folder: &Path) -> Result<(), DiskError> {
        let mut state = self.state.lock();
        state.count(OperationKind::Open, "create", folder)?;
        let mut above: Vec<_> = folder.ancestors().collect();
        above.reverse();
        for folder in above {
            match state.now.resolve(folder) {
                Some(Node::Folder(_)) => {}
                Some(Node::File(_)) => {
                    return Err(DiskError::new("create", folder, io::ErrorKind::AlreadyExists));
                }
                None => {
                    let id = state.take_id();
                    state.link(folder, Node::Folder(id))?;
                }
            }
        }
        Ok(())
    }

    fn rename(&self, from: &Path, to: &Path) -> Result<(), DiskError> {
        let mut state = self.state.lock();
        state.count(OperationKind::Rename, "rename", from)?;
        let missing = |path| DiskError::new("rename", path, io::ErrorKind::NotFound);
        let node = state.now.resolve(from).ok_or_else(|| missing(from))?;
        let source = state.now.entry(from).ok_or_else(|| missing(from))?;
        let target = state.now.entry(to).ok_or_else(|| missing(to))?;
        let (from, to) = (from.to_owned(), to.to_owned());
        state.change(PendingEffect::Rename { from, to, source, target, node });
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
                if state.now.resolve(path).is_some() {
                    state.unlink(path.clone());
                }
                Ok(())
            }
            DiskTask::RemoveFolder(folder) => {
                let mut state = self.state.lock();
                state.count(OperationKind::Remove, "remove", folder)?;
                state.unlink_folder(folder);
                Ok(())
            }
            DiskTask::Reserve { file, length } => file.reserve(*length),
            DiskTask::SetLength { file, length } => file.set_length(*length),
            DiskTask::Commit(commit) => commit.run(),
            DiskTask::Reclaim(reclaim) => reclaim.run(),
            DiskTask::SyncFileSystem(folder) => {
                Err(DiskError::new("sync", folder, io::ErrorKind::Unsupported))
            }
        }
    }

    fn submit(&self, token: u64, task: DiskTask) -> Result<(), QueueFull> {
        self.state.lock().submitted.push_back((token, task));
        Ok(())
    }

    fn space(&self, _path: &Path) -> Result<Space, DiskError> {
        let state = self.state.lock();
        let total_bytes = state.failures.capacity_bytes.unwrap_or(1 << 40);
        Ok(Space { total_bytes, usable_bytes: total_bytes.saturating_sub(state.now.used_bytes()) })
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
        let Some(id) = state.now.folder(folder) else {
            return Err(DiskError::new("sync", folder, io::ErrorKind::NotFound));
        };
        state.count_sync(folder, |effect| effect.is_of_folder(id))?;
        state.folder_synced(id);
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
        Ok(state.now.content(self.file).map_or(0, |content| content.read(into, position)))
    }

    fn write_at(&self, pieces: &[&[u8]], position: u64) -> Result<(), DiskError> {
        let mut state = self.state.lock();
        state.count(OperationKind::Write, "write", &self.path)?;
        let position = usize::try_from(position).unwrap_or(usize::MAX);
        let mut bytes = pieces.concat();
        let whole = bytes.len();
        if let Some(capacity) = state.failures.capacity_bytes {
            let room = capacity.saturating_sub(state.now.used_bytes());
            bytes.truncate(usize::try_from(room).unwrap_or(usize::MAX));
        }
        let full = bytes.len() < whole;
        let bytes = Bytes::from(bytes);
        state.change(PendingEffect::Write { file: self.file, position, bytes });
        match full {
            true => Err(DiskError::new("write", &self.path, io::ErrorKind::StorageFull)),
            false => Ok(()),
        }
    }

    fn length(&self) -> Result<u64, DiskError> {
        let state = self.state.lock();
        Ok(state.now.content(self.file).map_or(0, |content| content.length() as u64))
    }

    fn sync(&self) -> Result<(), DiskError> {
        let mut state = self.state.lock();
        state.count(OperationKind::Sync, "sync", &self.path)?;
        let id = self.file;
        state.count_sync(&self.path, |effect| effect.is_of_file(id))?;
        state.file_synced(id);
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

    #[test]
    fn of_a_torn_write_sectors_and_length_persist_apart() {
        let (disk, folder) = disk_with_folder();
        let path = folder.join("f");
        let file = disk.open(&path, OpenMode::Create).unwrap();
        file.write_at(&[&[1; 600]], 0).unwrap();
        file.sync().unwrap();
        disk.run(&DiskTask::SyncFolder(folder)).unwrap();
        // Three sectors are touched, the first and the last of them in part.
        file.write_at(&[&[2; 1000]], 500).unwrap();
        let found = |sectors| content(&disk.crash(|_| Fate::Sectors(sectors)), &path).unwrap();
        let old = [[1; 600].as_slice(), &[0; 900]].concat();
        assert_eq!(found(0), old, "only the length");
        let expected = [&old[..512], &[2; 512], &[0; 476]].concat();
        assert_eq!(found(0b010), expected);
        let expected = [&old[..500], &[2; 12], &old[512..1024], &[2; 476]].concat();
        assert_eq!(found(0b101), expected);
    }

    #[test]
    fn a_trace_gives_the_crashes_of_every_moment() {
        let (disk, folder) = disk_with_folder();
        disk.record();
        let path = folder.join("f");
        let mut expected = Vec::new();
        let mut note = |disk: &MemoryDisk| {
            let every_other = |kept: usize| {
                let mut nth = kept;
                disk.crash(move |_| {
                    nth += 1;
                    if nth.is_multiple_of(2) { Fate::Kept } else { Fate::Lost }
                })
            };
            expected.push([every_other(0).fingerprint(), every_other(1).fingerprint()]);
        };
        note(&disk);
        let file = disk.open(&path, OpenMode::Create).unwrap();
        note(&disk);
        file.write_at(&[b"one"], 0).unwrap();
        note(&disk);
        file.sync().unwrap();
        note(&disk);
        disk.rename(&path, &folder.join("g")).unwrap();
        note(&disk);
        disk.run(&DiskTask::SyncFolder(folder)).unwrap();
        note(&disk);
        let trace = disk.take_trace();
        let mut moment = trace.start();
        let mut found = Vec::new();
        for step in [None].into_iter().chain(trace.steps().iter().map(Some)) {
            step.into_iter().for_each(|step| moment.advance(step));
            let count = moment.pending().len();
            let fates: Vec<Fate> =
                [Fate::Lost, Fate::Kept].into_iter().cycle().take(count + 1).collect();
            let crash = |fates: &[Fate]| moment.crash(fates).fingerprint();
            found.push([crash(&fates[..count]), crash(&fates[1..])]);
        }
        assert_eq!(found, expected);
    }

    #[test]
    fn a_folder_takes_its_files_along() {
        let (disk, folder) = disk_with_folder();
        let (old, new) = (folder.join("old"), folder.join("new"));
        disk.create_folder(&old).unwrap();
        disk.open(&old.join("f"), OpenMode::Create).unwrap();
        disk.run(&DiskTask::SyncFolder(folder.clone())).unwrap();
        disk.rename(&old, &new).unwrap();
        disk.create_folder(&old).unwrap();
        let holding = |disk: &MemoryDisk, folder: &Path| disk.list(folder).map(|all| all.len());
        assert_eq!(holding(&disk, &new).unwrap(), 1);
        assert_eq!(holding(&disk, &old).unwrap(), 0);
        disk.run(&DiskTask::SyncFolder(new.clone())).unwrap();
        let crashed = disk.crash(|_| Fate::Lost);
        assert_eq!(holding(&crashed, &old).unwrap(), 1, "its own name was not synced");
        assert!(holding(&crashed, &new).is_err());
        disk.run(&DiskTask::RemoveFolder(new.clone())).unwrap();
        assert!(holding(&disk, &new).is_err());
    }
}
