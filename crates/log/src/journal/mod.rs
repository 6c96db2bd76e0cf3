//! A log folder's journal: one sync makes small appends to many logs durable at once.
//!
//! A set of batches is written to its segment, buffered, and for the sync a second time to the
//! journal, with where it stands in its segment. Then only the journal is synced. What the segments
//! and their names lack of it is written anew from the journal after a crash ([`replay`]). Sets too
//! large to be worth writing twice are synced in their own files, and the journal only notes how
//! far ([`Fact::Known`]).
//!
//! There are two files, used in turn. When one is full the other is begun anew, which needs that
//! all it vouched for was synced in its own files meanwhile: a task that is submitted when a file
//! is left, so that nobody waits for it in the ordinary case. A file begins with what is known of
//! every log whose checkpointed recovery point is behind that.
//!
//! Whatever makes a frame that was written before untrue is written to the journal, durably, before
//! it is done: a truncation, the removal of a segment, the deletion of a partition.
//!
//! Start reading at [`commit::Commit::run`].

pub(crate) mod commit;
mod frame;
mod replay;
mod unsynced;

pub use commit::{Commit, Reclaim};
pub(crate) use frame::Fact;
pub use replay::ReplaySummary;
pub(crate) use unsynced::{Journalable, Unsynced};

use crate::disk::{Disk, DiskError, DiskFile, DiskTask, NO_TOKEN, OpenMode};
use crate::log::LogIdentity;
use bytes::Bytes;
use frame::{HEADER_BYTES, frame_bytes, header, put_frame};
use headwater_types::{EndOffset, PartitionIndex, TopicId};
use parking_lot::Mutex;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};

/// Names of the two files. They are plain files: a folder that is none of a partition would stop
/// Apache Kafka from opening the log folder.
const FILE_NAMES: [&str; 2] = [".headwater-journal-0", ".headwater-journal-1"];
/// What an unsynced set of one log may hold to be journaled: writing more twice costs more than a
/// sync of its own.
pub(crate) const JOURNALED_BYTES_MAX: usize = 256 * 1024;
/// Bytes of a file: see [`FolderOptions`](crate::FolderOptions).
pub(crate) const FILE_BYTES_DEFAULT: u64 = 32 << 20;
/// A file takes at least one journaled set.
const FILE_BYTES_MIN: u64 = 16 * 1024;
/// Space is asked for in such steps, so that a journal grows without a change of its metadata at
/// every sync.
const RESERVED_BYTES: u64 = 4 << 20;
/// Files that one journal file vouches for before the other is begun where handles are scarce: each
/// keeps one.
const FILES_FEW: usize = 256;
/// Memory that sets waiting for their sync may hold in all logs of a folder.
pub(super) const RETAINED_BYTES_MAX: usize = 64 << 20;

/// Deleted partitions that are remembered.
const FORGOTTEN_MAX: usize = 64 * 1024;

/// Names a partition whatever its topic is called.
pub(crate) type Key = (TopicId, PartitionIndex);

pub(crate) fn key_of(identity: &LogIdentity) -> Key {
    (identity.topic_id, identity.partition)
}

/// What is known of a log besides its checkpoint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Known {
    pub identity: Arc<LogIdentity>,
    /// Everything before it is on stable storage; `>= recovery_point`.
    pub end: EndOffset,
    /// Everything before it is, in the log's own files.
    pub recovery_point: EndOffset,
    /// The log was truncated: a recovery point from elsewhere may be too high.
    pub truncated: bool,
    /// Segments before it were removed, though their names may be back.
    pub start: i64,
}

/// The journal of a folder.
#[derive(Debug)]
pub(crate) struct Journal {
    disk: Arc<dyn Disk>,
    folder: PathBuf,
    file_bytes: u64,
    /// Other at every start, so that no two uses of a file have one seed.
    salt: u64,
    /// Held while frames are written and synced.
    writer: Mutex<Writer>,
    /// Never held over I/O.
    books: Mutex<Books>,
    /// One at a time syncs what a file vouches for.
    reclaiming: Mutex<()>,
    /// Bytes that wait for a sync in all logs.
    retained_bytes: Arc<AtomicUsize>,
    /// Why nothing is taken any more.
    failure: OnceLock<DiskError>,
}

/// Where frames go.
#[derive(Debug, Default)]
struct Writer {
    /// Opened when first needed.
    files: [Option<Arc<dyn DiskFile>>; 2],
    current: usize,
    /// Of the current file; 0: none was begun.
    generation: u64,
    /// Of the current file's checksums.
    seed: u64,
    /// Where the next frame goes.
    position: u64,
    reserved: u64,
}

/// What the files vouch for.
#[derive(Debug, Default)]
struct Books {
    vouched: [Vouched; 2],
    known: BTreeMap<Key, Known>,
    /// Counts additions to `vouched`.
    additions: u64,
    /// Which of the two is being written.
    current: usize,
    /// Partitions that are gone: a commit that was under way says nothing of them any more.
    forgotten: BTreeSet<Key>,
}

/// What must be synced before a journal file is begun anew, with the addition that last asked for
/// it.
#[derive(Debug, Default)]
struct Vouched {
    files: BTreeMap<PathBuf, (u64, Arc<dyn DiskFile>)>,
    folders: BTreeMap<PathBuf, u64>,
    /// Segments of which frames hold data.
    segments: BTreeSet<(Key, i64)>,
    /// Logs that frames are about.
    mentioned: BTreeSet<Key>,
}

impl Vouched {
    fn is_synced(&self) -> bool {
        self.files.is_empty() && self.folders.is_empty()
    }
}

/// Something to be written as a frame.
pub(crate) struct Entry<'a> {
    pub identity: &'a Arc<LogIdentity>,
    pub fact: Fact,
    pub data: &'a [Bytes],
}

/// Files and folders that the journal vouches for.
#[derive(Debug, Default)]
struct Pending {
    files: Vec<Arc<dyn DiskFile>>,
    folders: Vec<PathBuf>,
    /// The last addition that was seen.
    latest: u64,
}

/// What to do for an entry's log before its file is begun anew.
#[derive(Clone, Copy, Default)]
struct Vouch<'a> {
    files: &'a [Arc<dyn DiskFile>],
    folders: &'a [PathBuf],
}

impl Journal {
    fn new(disk: Arc<dyn Disk>, folder: &Path, file_bytes: u64, salt: u64) -> Self {
        Self {
            disk,
            folder: folder.to_owned(),
            file_bytes: file_bytes.max(FILE_BYTES_MIN),
            salt,
            writer: Mutex::default(),
            books: Mutex::default(),
            reclaiming: Mutex::default(),
            retained_bytes: Arc::default(),
            failure: OnceLock::new(),
        }
    }

    /// What is known of a log besides its checkpoint.
    pub fn known(&self, key: Key) -> Option<Known> {
        self.books.lock().known.get(&key).cloned()
    }

    /// A recovery point was checkpointed: what is known beyond it is still kept.
    pub fn checkpointed(&self, key: Key, recovery_point: EndOffset) {
        let mut books = self.books.lock();
        let Some(known) = books.known.get_mut(&key) else { return };
        if known.end <= recovery_point {
            books.known.remove(&key);
        } else {
            known.truncated = false;
        }
    }

    /// Counts what waits for a sync.
    pub fn retained_bytes(&self) -> &Arc<AtomicUsize> {
        &self.retained_bytes
    }

    /// The log is cut: to be told before it is. `truncations` of the log were counted up before.
    ///
    /// # Errors
    /// When it cannot be noted: the log must not be cut then.
    pub fn truncate(
        self: &Arc<Self>,
        identity: &Arc<LogIdentity>,
        segment: i64,
        position: u64,
        end: EndOffset,
    ) -> Result<(), DiskError> {
        // Also where there is nothing else of it: a log that ends before its checkpointed recovery
        // point is taken for damaged.
        self.note(identity, Fact::Truncated { base: segment, position, end })
    }

    /// Segments before `base` are removed: to be told before they are.
    ///
    /// # Errors
    /// When it cannot be noted: they must not be removed then.
    pub fn remove_before(
        self: &Arc<Self>,
        identity: &Arc<LogIdentity>,
        base: i64,
    ) -> Result<(), DiskError> {
        let key = key_of(identity);
        let before = (key, i64::MIN)..(key, base);
        let has = |half: &Vouched| half.segments.range(before.clone()).next().is_some();
        if self.books.lock().vouched.iter().any(has) {
            self.note(identity, Fact::Starts { base })?;
        }
        Ok(())
    }

    /// A partition's folder is taken away: to be told before it is.
    ///
    /// # Errors
    /// When it cannot be noted: the folder must stay then.
    pub fn forget(self: &Arc<Self>, identity: &LogIdentity) -> Result<(), DiskError> {
        let key = key_of(identity);
        {
            let mut books = self.books.lock();
            // It matters while a commit is under way, which so many deletions outlast.
            while books.forgotten.len() >= FORGOTTEN_MAX {
                books.forgotten.pop_first();
            }
            books.forgotten.insert(key);
        }
        if self.says_something_of(key) {
            self.note(&Arc::new(identity.clone()), Fact::Forgotten)?;
        }
        // Their handles would keep the space of files that are removed.
        let folder = self.folder.join(identity.folder_name());
        for vouched in &mut self.books.lock().vouched {
            vouched.files.retain(|path, _| !path.starts_with(&folder));
            vouched.folders.remove(&folder);
        }
        Ok(())
    }

    /// A partition is here (again): a replica may have been moved away and back.
    pub fn remember(&self, identity: &LogIdentity) {
        self.books.lock().forgotten.remove(&key_of(identity));
    }

    /// Makes durable in its own place what the journal vouches for of a log's folder.
    ///
    /// # Errors
    /// When a sync fails, which is final for the folder.
    pub fn settle(&self, folder: &Path) -> Result<(), DiskError> {
        let pending = self.vouched_within(folder);
        self.sync(pending.files.clone(), &pending.folders)?;
        self.note_synced(&pending);
        Ok(())
    }

    fn says_something_of(&self, key: Key) -> bool {
        self.books.lock().vouched.iter().any(|vouched| vouched.mentioned.contains(&key))
    }

    /// What is still to be synced of a log's folder: its names may be in the journal only.
    fn vouched_within(&self, folder: &Path) -> Pending {
        let books = self.books.lock();
        let mut pending = Pending { latest: books.additions, ..Pending::default() };
        for vouched in &books.vouched {
            let files = vouched.files.range(folder.to_owned()..);
            let within = files.take_while(|(path, _)| path.starts_with(folder));
            pending.files.extend(within.map(|(_, (_, file))| Arc::clone(file)));
            if vouched.folders.contains_key(folder) {
                pending.folders.extend([folder.to_owned(), self.folder.clone()]);
            }
        }
        pending
    }

    /// Files and folders were synced after [`vouched_within`](Self::vouched_within).
    fn note_synced(&self, pending: &Pending) {
        let mut books = self.books.lock();
        for vouched in &mut books.vouched {
            for file in &pending.files {
                if vouched.files.get(file.path()).is_some_and(|(at, _)| *at <= pending.latest) {
                    vouched.files.remove(file.path());
                }
            }
            for folder in &pending.folders {
                if vouched.folders.get(folder).is_some_and(|at| *at <= pending.latest) {
                    vouched.folders.remove(folder);
                }
            }
        }
    }

    fn note(self: &Arc<Self>, identity: &Arc<LogIdentity>, fact: Fact) -> Result<(), DiskError> {
        let entry = Entry { identity, fact, data: &[] };
        let mut writer = self.writer.lock();
        let began = self.write(&mut writer, &[(entry, Vouch::default())], Sync::Now)?;
        drop(writer);
        self.after_write(began);
        Ok(())
    }

    /// Whatever the file that was left vouches for is synced while the other one is filled.
    fn after_write(self: &Arc<Self>, began: bool) {
        if began {
            // Where the queue is full, whoever needs that file syncs it.
            let task = DiskTask::Reclaim(Reclaim::of(self));
            let _ = self.disk.submit(NO_TOKEN, task);
        }
    }

    /// A sync in the folder has failed: nothing more is taken. What a file vouches for must not be
    /// believed to be synced by a second try.
    pub fn fail(&self, error: &DiskError) {
        if error.is_of_sync() {
            self.failure.get_or_init(|| error.clone());
        }
    }

    fn check_not_failed(&self) -> Result<(), DiskError> {
        self.failure.get().map_or(Ok(()), |failure| Err(failure.clone()))
    }

    /// Syncs everything that a file which is not written now vouches for.
    ///
    /// # Errors
    /// When a sync fails, which is final for the folder.
    pub fn reclaim(&self) -> Result<(), DiskError> {
        let left = 1 - self.books.lock().current.min(1);
        self.sync_vouched(left)
    }

    fn sync(&self, files: Vec<Arc<dyn DiskFile>>, folders: &[PathBuf]) -> Result<(), DiskError> {
        self.check_not_failed()?;
        let synced = self.disk.run(&DiskTask::Sync { files, folders: Vec::new() });
        let synced = synced.and_then(|()| sync_folders(&*self.disk, folders));
        synced.inspect_err(|error| self.fail(error))
    }

    fn sync_vouched(&self, half: usize) -> Result<(), DiskError> {
        let _one_at_a_time = self.reclaiming.lock();
        let (files, folders, latest) = {
            let books = self.books.lock();
            let Some(vouched) = books.vouched.get(half) else { return Ok(()) };
            let files: Vec<_> = vouched.files.values().map(|(_, file)| Arc::clone(file)).collect();
            let folders: Vec<PathBuf> = vouched.folders.keys().cloned().collect();
            (files, folders, books.additions)
        };
        if files.is_empty() && folders.is_empty() {
            return Ok(());
        }
        self.sync(files, &folders)?;
        let mut books = self.books.lock();
        if let Some(vouched) = books.vouched.get_mut(half) {
            vouched.files.retain(|_, (asked, _)| *asked > latest);
            vouched.folders.retain(|_, asked| *asked > latest);
        }
        Ok(())
    }

    /// Writes frames. Whoever calls it holds the writer, so that frames stand in the order in which
    /// what they say became true. Returns whether a file was begun for them.
    fn write(
        &self,
        writer: &mut Writer,
        entries: &[(Entry<'_>, Vouch<'_>)],
        sync: Sync,
    ) -> Result<bool, DiskError> {
        self.check_not_failed()?;
        let bytes: usize = entries
            .iter()
            .map(|(entry, _)| {
                let data_bytes = entry.data.iter().map(Bytes::len).sum();
                frame_bytes(entry.identity, data_bytes)
            })
            .sum();
        let result = self.make_room(writer, bytes as u64).and_then(|began| {
            // What the frames say is not known before they are written.
            let opening = if began { self.opening(writer) } else { Vec::new() };
            self.enter(entries);
            self.write_frames(writer, opening, entries, sync)?;
            self.learn(entries);
            Ok(began)
        });
        if let Err(error) = &result {
            // Where only space is missing nothing is lost: what was written is written over.
            if !error.is_full() || error.is_of_sync() {
                self.failure.get_or_init(|| error.clone());
            }
        }
        result
    }

    /// Makes sure that `bytes` fit into the current file, beginning the other one if they do not.
    /// Returns whether one was begun.
    fn make_room(&self, writer: &mut Writer, bytes: u64) -> Result<bool, DiskError> {
        let files_count = {
            let books = self.books.lock();
            books.vouched.get(writer.current).map_or(0, |vouched| vouched.files.len())
        };
        let fits = writer.position.saturating_add(bytes) <= self.file_bytes;
        // What is larger than a file has one for itself.
        let empty = writer.position <= HEADER_BYTES as u64;
        let too_many_files = files_count > FILES_FEW && self.disk.handles_are_scarce();
        if writer.generation > 0 && (fits || empty) && !too_many_files {
            return Ok(false);
        }
        self.begin_file(writer)?;
        Ok(true)
    }

    /// Turns to the other file.
    fn begin_file(&self, writer: &mut Writer) -> Result<(), DiskError> {
        let next = if writer.generation == 0 { writer.current } else { 1 - writer.current };
        let is_synced = self.books.lock().vouched.get(next).is_none_or(Vouched::is_synced);
        if !is_synced {
            self.sync_vouched(next)?;
        }
        self.open_file(writer, next)?;
        self.invalidate(writer, next)?;
        let mut books = self.books.lock();
        if let Some(vouched) = books.vouched.get_mut(next) {
            vouched.segments.clear();
            vouched.mentioned.clear();
        }
        books.current = next;
        drop(books);
        writer.current = next;
        writer.generation += 1;
        writer.seed = self.salt.wrapping_add(writer.generation);
        writer.position = 0;
        writer.reserved = 0;
        Ok(())
    }

    /// Takes a file's old header away before anything is written over its frames: a part of them
    /// alone may not be true any more. What is known stands in the other file then.
    fn invalidate(&self, writer: &Writer, next: usize) -> Result<(), DiskError> {
        let file = |index| writer.files.get(index).cloned().flatten();
        let Some(old) = file(next) else { return Ok(()) };
        if old.length()? == 0 {
            return Ok(());
        }
        if let Some(current) = file(writer.current).filter(|_| writer.generation > 0) {
            current.sync()?;
        }
        old.write_at(&[&[0; HEADER_BYTES]], 0)?;
        old.sync()
    }

    fn open_file(&self, writer: &mut Writer, index: usize) -> Result<(), DiskError> {
        let (Some(slot), Some(name)) = (writer.files.get_mut(index), FILE_NAMES.get(index)) else {
            return Ok(());
        };
        if slot.is_none() {
            let file = self.disk.open(&self.folder.join(name), OpenMode::Create)?;
            self.disk.run(&DiskTask::SyncFolder(self.folder.clone()))?;
            *slot = Some(file);
        }
        Ok(())
    }

    /// Notes what the frames will vouch for, before they do.
    fn enter(&self, entries: &[(Entry<'_>, Vouch<'_>)]) {
        let mut books = self.books.lock();
        books.additions += 1;
        let Books { vouched, additions, current, .. } = &mut *books;
        let Some(vouched) = vouched.get_mut(*current) else { return };
        for (entry, vouch) in entries {
            for file in vouch.files {
                let asked = (*additions, Arc::clone(file));
                match vouched.files.get_mut(file.path()) {
                    Some(known) => *known = asked,
                    None => drop(vouched.files.insert(file.path().to_owned(), asked)),
                }
            }
            for folder in vouch.folders {
                vouched.folders.insert(folder.clone(), *additions);
            }
            vouched.mentioned.insert(key_of(entry.identity));
            if let Fact::Appended { base, .. } = entry.fact {
                vouched.segments.insert((key_of(entry.identity), base));
            }
        }
    }

    /// Takes over what frames say, once they are written.
    fn learn(&self, entries: &[(Entry<'_>, Vouch<'_>)]) {
        let mut books = self.books.lock();
        for (entry, _) in entries {
            note_known(&mut books.known, entry.identity, entry.fact);
        }
    }

    fn write_frames(
        &self,
        writer: &mut Writer,
        opening: Vec<u8>,
        entries: &[(Entry<'_>, Vouch<'_>)],
        sync: Sync,
    ) -> Result<(), DiskError> {
        let Some(file) = writer.files.get(writer.current).cloned().flatten() else {
            return Ok(());
        };
        let began = !opening.is_empty();
        let mut heads = opening;
        let mut ends = Vec::with_capacity(entries.len());
        for (entry, _) in entries {
            put_frame(&mut heads, writer.seed, entry.identity, entry.fact, entry.data);
            ends.push(heads.len());
        }
        let mut pieces: Vec<&[u8]> = Vec::with_capacity(ends.len() * 2);
        let mut rest = heads.as_slice();
        let mut taken = 0;
        for (end, (entry, _)) in ends.into_iter().zip(entries) {
            let (head, behind) = rest.split_at_checked(end - taken).unwrap_or((rest, &[]));
            pieces.push(head);
            pieces.extend(entry.data.iter().map(|piece| piece.as_ref()));
            rest = behind;
            taken = end;
        }
        pieces.push(rest);
        let bytes: usize = pieces.iter().map(|piece| piece.len()).sum();
        let end = writer.position.saturating_add(bytes as u64);
        if end > writer.reserved {
            // It is only for speed: a journal also grows without.
            writer.reserved = end.next_multiple_of(RESERVED_BYTES).min(self.file_bytes).max(end);
            let _ = file.reserve(writer.reserved);
        }
        if let Err(error) = file.write_at(&pieces, writer.position) {
            if began {
                // It may lack its header: nothing is to come behind that.
                writer.position = self.file_bytes;
            }
            return Err(error);
        }
        if sync == Sync::Now {
            file.sync()?;
        }
        writer.position = end;
        Ok(())
    }

    /// What a file begins with: its header and what is known of all logs.
    fn opening(&self, writer: &Writer) -> Vec<u8> {
        let seed = writer.seed;
        let mut out = header(writer.generation, seed);
        let mut books = self.books.lock();
        let Books { vouched, known, current, .. } = &mut *books;
        if let Some(vouched) = vouched.get_mut(*current) {
            vouched.mentioned.extend(known.keys());
        }
        for known in known.values() {
            if known.truncated {
                let end = known.end;
                let fact = Fact::Truncated { base: i64::MAX, position: 0, end };
                put_frame(&mut out, seed, &known.identity, fact, &[]);
            }
            if known.start > 0 {
                let fact = Fact::Starts { base: known.start };
                put_frame(&mut out, seed, &known.identity, fact, &[]);
            }
            let fact = Fact::Known { end: known.end, recovery_point: known.recovery_point };
            put_frame(&mut out, seed, &known.identity, fact, &[]);
        }
        out
    }
}

/// Whether frames must be durable when they are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Sync {
    Now,
    /// They only save work after a crash: they go with the next sync.
    Later,
}

/// Syncs the entries of folders; one that is gone was taken away together with what was in it.
fn sync_folders(disk: &dyn Disk, folders: &[PathBuf]) -> Result<(), DiskError> {
    for folder in folders {
        match disk.run(&DiskTask::SyncFolder(folder.clone())) {
            Err(error) if !error.is_not_found() => return Err(error),
            _ => {}
        }
    }
    Ok(())
}

/// Brings what is known of a log up to a fact.
fn note_known(known: &mut BTreeMap<Key, Known>, identity: &Arc<LogIdentity>, fact: Fact) {
    let key = key_of(identity);
    let entry = || Known {
        identity: Arc::clone(identity),
        end: EndOffset(0),
        recovery_point: EndOffset(0),
        truncated: false,
        start: 0,
    };
    match fact {
        Fact::Appended { end, .. } => {
            let known = known.entry(key).or_insert_with(entry);
            known.end = known.end.max(end);
        }
        Fact::Known { end, recovery_point } => {
            let known = known.entry(key).or_insert_with(entry);
            known.recovery_point = known.recovery_point.max(recovery_point);
            known.end = known.end.max(end).max(recovery_point);
        }
        Fact::Truncated { end, .. } => {
            let known = known.entry(key).or_insert_with(entry);
            known.end = known.end.min(end);
            known.recovery_point = known.recovery_point.min(end);
            known.truncated = true;
            known.start = known.start.min(end.0);
        }
        Fact::Starts { base } => {
            let known = known.entry(key).or_insert_with(entry);
            known.start = known.start.max(base);
        }
        Fact::Forgotten => {
            known.remove(&key);
        }
    }
}

/// Gives room back when it is dropped.
#[derive(Debug)]
pub(crate) struct Retained {
    bytes: usize,
    of: Arc<AtomicUsize>,
}

impl Retained {
    /// `None` when too much is retained already.
    pub fn take(bytes: usize, of: &Arc<AtomicUsize>) -> Option<Self> {
        let before = of.fetch_add(bytes, Ordering::Relaxed);
        let taken = Self { bytes, of: Arc::clone(of) };
        (before.saturating_add(bytes) <= RETAINED_BYTES_MAX).then_some(taken)
    }
}

impl Drop for Retained {
    fn drop(&mut self) {
        self.of.fetch_sub(self.bytes, Ordering::Relaxed);
    }
}
