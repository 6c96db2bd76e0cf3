//! Opening a journal: writing anew what the logs' own files lack of it.
//!
//! The frames of both files, the older first, tell in their order what became of each log. What is
//! left of their data at the end is written to the segments, also where they seem to have it: after
//! a sync that failed the system may hold in memory, and call written, what it has not. Then
//! everything is synced and the journal begun anew, so that a frame is never looked at again after
//! the logs have gone on.

use super::frame::{Frame, Frames};
use super::{
    Books, FILE_NAMES, Fact, Journal, Key, Known, Sync, Writer, key_of, note_known, sync_folders,
};
use crate::disk::{
    Disk, DiskError, DiskFile, DiskTask, OpenMode, read_whole, write_whole_unsynced,
};
use crate::folder::{parse_partition_metadata, topic_of};
use crate::log::{
    FileKind, FileName, LogIdentity, METADATA, deleted_path, file_path, metadata_text,
};
use parking_lot::Mutex;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Copied at once.
const COPIED_BYTES: usize = 256 * 1024;

/// What a replay did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ReplaySummary {
    /// Frames that were read.
    pub frames: u64,
    /// Logs that they are about.
    pub partitions: u64,
    /// Bytes that the segments lacked, or had other than they were.
    pub restored_bytes: u64,
}

/// Data of a frame, and where they belong.
#[derive(Clone, Debug)]
struct Extent {
    position: u64,
    /// In which journal file they stand, and where.
    file: usize,
    at: u64,
    bytes: u64,
}

/// What the frames say about a log's segments.
#[derive(Debug, Default)]
struct Segments {
    by_base: BTreeMap<i64, Vec<Extent>>,
    /// Segments with a smaller base were being removed.
    starts: Option<i64>,
}

impl Segments {
    fn add(&mut self, base: i64, extent: Extent) {
        self.cut(base, extent.position);
        self.by_base.entry(base).or_default().push(extent);
    }

    /// Drops what stands in a segment from a position on, and all segments behind it.
    fn cut(&mut self, base: i64, position: u64) {
        self.by_base.retain(|at, _| *at <= base);
        let Some(extents) = self.by_base.get_mut(&base) else { return };
        extents.retain_mut(|extent| {
            extent.bytes = extent.bytes.min(position.saturating_sub(extent.position));
            extent.bytes > 0
        });
    }
}

/// Everything that the files say.
#[derive(Debug, Default)]
struct Story {
    known: BTreeMap<Key, Known>,
    segments: BTreeMap<Key, Segments>,
    summary: ReplaySummary,
}

impl Story {
    fn take(&mut self, frame: Frame, file: usize) {
        let identity = Arc::new(frame.identity);
        let key = key_of(&identity);
        note_known(&mut self.known, &identity, frame.fact);
        self.summary.frames += 1;
        let segments = self.segments.entry(key).or_default();
        match frame.fact {
            Fact::Appended { base, position, .. } => {
                let bytes = frame.data_bytes as u64;
                segments.add(base, Extent { position, file, at: frame.data_at, bytes });
            }
            Fact::Truncated { base, position, .. } => {
                segments.cut(base, position);
                // All of it goes: it may go on anywhere.
                segments.starts = segments.starts.filter(|_| base >= 0);
            }
            Fact::Starts { base } => {
                segments.by_base.retain(|at, _| *at >= base);
                segments.starts = Some(base);
            }
            Fact::Forgotten => *segments = Segments::default(),
            Fact::Known { .. } => {}
        }
    }
}

/// Files and folders to be synced at the end of a replay.
#[derive(Debug, Default)]
struct Touched {
    files: Vec<Arc<dyn DiskFile>>,
    folders: Vec<PathBuf>,
    restored_bytes: u64,
}

impl Journal {
    /// Reads a folder's journal and brings its logs' files up to it, durably.
    ///
    /// # Errors
    /// When a file cannot be read or written.
    pub fn open(
        disk: Arc<dyn Disk>,
        folder: &Path,
        file_bytes: u64,
        salt: u64,
    ) -> Result<(Arc<Self>, ReplaySummary), DiskError> {
        let mut files: [Option<Arc<dyn DiskFile>>; 2] = [None, None];
        for (slot, name) in files.iter_mut().zip(FILE_NAMES) {
            *slot = match disk.open(&folder.join(name), OpenMode::ReadWrite) {
                Ok(file) => Some(file),
                Err(error) if error.is_not_found() => None,
                Err(error) => return Err(error),
            };
        }
        let mut story = Story::default();
        let mut writer = read_frames(&files, &mut story)?;
        let mut touched = Touched::default();
        for (key, segments) in &story.segments {
            let Some(known) = story.known.get(key) else { continue };
            restore(&*disk, folder, &known.identity, segments, &files, &mut touched)?;
        }
        let mut summary = story.summary;
        summary.partitions = story.known.len() as u64;
        summary.restored_bytes = touched.restored_bytes;
        sync_touched(&*disk, folder, touched)?;
        writer.files = files;
        let current = writer.current;
        let mut journal = Self::new(disk, folder, file_bytes, salt);
        let mut books = Books { known: story.known, current, ..Books::default() };
        for vouched in &mut books.vouched {
            vouched.mentioned.extend(story.segments.keys());
        }
        journal.books = Mutex::new(books);
        journal.writer = Mutex::new(writer);
        // Also where nothing changes: frames may stand behind a torn one.
        if journal.writer.get_mut().generation > 0 {
            journal.begin_anew()?;
        }
        Ok((Arc::new(journal), summary))
    }

    /// Makes everything that the journal vouches for durable in its own place, and keeps only what
    /// is known: for a clean stop.
    ///
    /// # Errors
    /// When a file cannot be synced or written.
    pub fn close(&self) -> Result<(), DiskError> {
        self.sync_vouched(0)?;
        self.sync_vouched(1)?;
        if self.writer.lock().generation == 0 {
            return Ok(());
        }
        self.begin_anew()
    }

    /// Begins a file with what is known, and empties the other one.
    fn begin_anew(&self) -> Result<(), DiskError> {
        let mut writer = self.writer.lock();
        self.check_not_failed()?;
        self.begin_file(&mut writer)?;
        let opening = self.opening(&writer);
        self.write_frames(&mut writer, opening, &[], Sync::Now)?;
        if let Some(Some(other)) = writer.files.get(1 - writer.current) {
            other.set_length(0)?;
            other.sync()?;
        }
        Ok(())
    }
}

/// From so many files and folders on one call for all is faster.
const SYNCS_FEW: usize = 64;

fn sync_touched(disk: &dyn Disk, root: &Path, touched: Touched) -> Result<(), DiskError> {
    let Touched { files, mut folders, .. } = touched;
    folders.sort();
    folders.dedup();
    if files.is_empty() && folders.is_empty() {
        return Ok(());
    }
    if files.len() + folders.len() > SYNCS_FEW {
        match disk.run(&DiskTask::SyncFileSystem(root.to_owned())) {
            Err(error) if error.kind() == std::io::ErrorKind::Unsupported => {}
            done => return done,
        }
    }
    disk.run(&DiskTask::Sync { files, folders: Vec::new() })?;
    sync_folders(disk, &folders)
}

/// Reads both files, the older first. Returns where frames go on.
fn read_frames(
    files: &[Option<Arc<dyn DiskFile>>; 2],
    story: &mut Story,
) -> Result<Writer, DiskError> {
    let mut used = Vec::new();
    for (index, file) in files.iter().enumerate() {
        if let Some(file) = file
            && let Some(frames) = Frames::open(&**file)?
        {
            used.push((index, frames));
        }
    }
    used.sort_by_key(|(_, frames)| frames.generation);
    let mut writer = Writer::default();
    for (index, mut frames) in used {
        while let Some(frame) = frames.next()? {
            story.take(frame, index);
        }
        writer.current = index;
        writer.generation = frames.generation;
        writer.seed = frames.seed;
        writer.position = frames.position;
    }
    Ok(writer)
}

/// Writes what a log's segments lack.
fn restore(
    disk: &dyn Disk,
    root: &Path,
    identity: &LogIdentity,
    segments: &Segments,
    journal: &[Option<Arc<dyn DiskFile>>; 2],
    touched: &mut Touched,
) -> Result<(), DiskError> {
    if identity.topic.contains(['/', '\0']) {
        return Ok(());
    }
    let folder = root.join(identity.folder_name());
    if let Some(starts) = segments.starts {
        finish_removal(disk, &folder, identity, starts, touched)?;
    }
    if segments.by_base.values().all(Vec::is_empty) {
        return Ok(());
    }
    // A log that began in the journal may have its names from there only.
    let begins = |extents: &Vec<Extent>| extents.first().is_some_and(|one| one.position == 0);
    let is_young = segments.by_base.values().any(begins);
    if !claim_folder(disk, root, &folder, identity, is_young, touched)? {
        return Ok(());
    }
    touched.folders.extend([folder.clone(), root.to_owned()]);
    for (base, extents) in &segments.by_base {
        let path = file_path(&folder, *base, FileKind::Log);
        let starts = extents.first().is_some_and(|extent| extent.position == 0);
        let mode = if starts { OpenMode::Create } else { OpenMode::ReadWrite };
        let file = match disk.open(&path, mode) {
            Ok(file) => file,
            // A segment whose front was synced and is gone was removed since.
            Err(error) if error.is_not_found() => continue,
            Err(error) => return Err(error),
        };
        let mut length = file.length()?;
        for extent in extents {
            // What is before it was synced, so that it is there unless the segment was removed.
            if extent.position > length {
                break;
            }
            let Some(Some(source)) = journal.get(extent.file) else { break };
            touched.restored_bytes += copy(&**source, extent, &*file)?;
            length = length.max(extent.position.saturating_add(extent.bytes));
        }
        touched.files.push(file);
    }
    Ok(())
}

/// Removes what is left of segments that were being removed: what was only journaled of them is gone.
fn finish_removal(
    disk: &dyn Disk,
    folder: &Path,
    identity: &LogIdentity,
    starts: i64,
    touched: &mut Touched,
) -> Result<(), DiskError> {
    // A young folder's file that says whose it is may not be durable.
    if topic_of(disk, folder)?.is_some_and(|found| found != identity.topic_id) {
        return Ok(());
    }
    let entries = match disk.list(folder) {
        Err(error) if error.is_not_found() => return Ok(()),
        entries => entries?,
    };
    for entry in entries {
        if let FileName::Live { base, kind } = FileName::parse(&entry.name)
            && base < starts
            && FileKind::OF_SEGMENT.contains(&kind)
        {
            let path = file_path(folder, base, kind);
            disk.rename(&path, &deleted_path(&path))?;
            touched.folders.push(folder.to_owned());
        }
    }
    Ok(())
}

/// Makes sure that a log has its folder; false when the folder is another topic's.
fn claim_folder(
    disk: &dyn Disk,
    root: &Path,
    folder: &Path,
    identity: &LogIdentity,
    is_young: bool,
    touched: &mut Touched,
) -> Result<bool, DiskError> {
    let metadata = folder.join(METADATA);
    let found = read_whole(disk, &metadata, 4096)?;
    if let Some(Ok(topic)) = found.as_deref().map(parse_partition_metadata)
        && (!is_young || topic != identity.topic_id)
    {
        return Ok(topic == identity.topic_id);
    }
    if !is_young {
        // Its names were durable: it was removed.
        return Ok(false);
    }
    disk.create_folder(folder)?;
    let text = metadata_text(identity.topic_id);
    let file = write_whole_unsynced(disk, &metadata, text.as_bytes())?;
    touched.files.push(file);
    touched.folders.push(root.to_owned());
    Ok(true)
}

/// Copies an extent. Returns how many bytes the segment did not have.
fn copy(source: &dyn DiskFile, extent: &Extent, segment: &dyn DiskFile) -> Result<u64, DiskError> {
    let mut restored = 0;
    let mut done = 0;
    while done < extent.bytes {
        let piece = usize::try_from(extent.bytes - done).unwrap_or(usize::MAX).min(COPIED_BYTES);
        let mut wanted = vec![0; piece];
        let read = source.read_at(&mut wanted, extent.at.saturating_add(done))?;
        wanted.truncate(read);
        if wanted.is_empty() {
            break;
        }
        let position = extent.position.saturating_add(done);
        let mut there = vec![0; wanted.len()];
        let found = segment.read_at(&mut there, position)?;
        if found < wanted.len() || there != wanted {
            restored += wanted.len() as u64;
        }
        segment.write_at(&[&wanted], position)?;
        done += wanted.len() as u64;
    }
    Ok(restored)
}
