//! Snapshots of the image, as files.
//!
//! A file is a head, pieces and an end, each with its length and checksum: the head names the
//! entry, a piece is a `MetadataEntry` of some records, the end counts them. It is written beside
//! its place, synced and renamed, so a file under its final name was whole once. Its name is that
//! of Kafka's own snapshots, `OFFSET-EPOCH.checkpoint`, with the offset just behind the last entry.

use super::StorageError;
use crate::core::SnapshotMark;
use bytes::{Buf, BufMut, Bytes, BytesMut};
use headwater_log::{Disk, DiskTask, OpenMode};
use headwater_metadata::image::{Image, ImageBuilder, Position};
use headwater_metadata::record::MetadataEntry;
use headwater_types::{EndOffset, LeaderEpoch};
use prost::Message as _;
use std::path::{Path, PathBuf};

/// First bytes of a file; the last one is the format's version.
const MAGIC: [u8; 8] = *b"HWSNAP\0\x01";
/// The end of a file's name.
const ENDING: &str = ".checkpoint";
/// Records of one piece.
const PIECE_RECORDS: usize = 1_000;
/// Bytes of one piece; records of that many with the longest values stay below it.
const PIECE_BYTES_MAX: usize = 256 * 1024 * 1024;
/// Voters and learners of a quorum, each.
const VOTERS_MAX: usize = 1_000;

const HEAD: u8 = 1;
const PIECE: u8 = 2;
const END: u8 = 3;

/// A snapshot file in a folder.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct SnapshotFile {
    /// The last index it covers.
    pub(super) index: u64,
    /// That entry's term.
    pub(super) term: u64,
    /// Where it is.
    pub(super) path: PathBuf,
}

/// The snapshot files of a folder, oldest first. Remains of unfinished ones are removed.
pub(super) fn list(disk: &dyn Disk, folder: &Path) -> Result<Vec<SnapshotFile>, StorageError> {
    let mut files = Vec::new();
    for entry in disk.list(folder)? {
        let path = folder.join(&entry.name);
        if entry.name.ends_with(".checkpoint.tmp") {
            disk.run(&DiskTask::Unlink(path))?;
            continue;
        }
        let Some((offset, epoch)) =
            entry.name.strip_suffix(ENDING).and_then(|name| name.split_once('-'))
        else {
            continue;
        };
        if let (Ok(index), Ok(term)) = (offset.parse(), epoch.parse()) {
            files.push(SnapshotFile { index, term, path });
        }
    }
    files.sort();
    Ok(files)
}

/// Writes a snapshot durably.
pub(super) fn write(
    disk: &dyn Disk,
    folder: &Path,
    mark: &SnapshotMark,
    image: &Image,
) -> Result<SnapshotFile, StorageError> {
    let path = folder.join(format!("{:020}-{:010}{ENDING}", mark.index, mark.term));
    let mut temporary = path.clone().into_os_string();
    temporary.push(".tmp");
    let temporary = PathBuf::from(temporary);
    let file = disk.open(&temporary, OpenMode::Truncate)?;
    let mut position = 0u64;
    let mut put = |kind: u8, body: &[u8]| -> Result<(), StorageError> {
        let mut head = BytesMut::with_capacity(9);
        head.put_u8(kind);
        head.put_u32(u32::try_from(body.len()).unwrap_or(u32::MAX));
        let mut crc = crc32fast::Hasher::new();
        crc.update(&head);
        crc.update(body);
        head.put_u32(crc.finalize());
        file.write_at(&[&head, body], position)?;
        position += (head.len() + body.len()) as u64;
        Ok(())
    };
    put(HEAD, &encode_mark(mark))?;
    let mut count = 0u64;
    let mut records = image.to_records().peekable();
    while records.peek().is_some() {
        let entry = MetadataEntry { records: records.by_ref().take(PIECE_RECORDS).collect() };
        count += entry.records.len() as u64;
        put(PIECE, &entry.encode_to_vec())?;
    }
    put(END, &count.to_be_bytes())?;
    file.sync()?;
    disk.rename(&temporary, &path)?;
    disk.run(&DiskTask::SyncFolder(folder.to_owned()))?;
    Ok(SnapshotFile { index: mark.index, term: mark.term, path })
}

/// Reads a snapshot and checks all of it.
pub(super) fn read(
    disk: &dyn Disk,
    file: &SnapshotFile,
) -> Result<(SnapshotMark, Image), StorageError> {
    let damaged = |reason: &str| StorageError::SnapshotDamaged {
        path: file.path.clone(),
        reason: reason.to_owned(),
    };
    let handle = disk.open(&file.path, OpenMode::Read)?;
    let mut position = 0u64;
    let mut next = || -> Result<(u8, Bytes), StorageError> {
        let mut head = [0u8; 9];
        if handle.read_at(&mut head, position)? < head.len() {
            return Err(damaged("it ends early"));
        }
        let mut fields = &head[..];
        let kind = fields.get_u8();
        let length = fields.get_u32() as usize;
        let crc = fields.get_u32();
        // Nothing is allocated for a length that the file does not have.
        let left = handle.length()?.saturating_sub(position).saturating_sub(head.len() as u64);
        if length > PIECE_BYTES_MAX || length as u64 > left {
            return Err(damaged("a piece is longer than the file"));
        }
        let mut body = vec![0; length];
        if handle.read_at(&mut body, position + head.len() as u64)? < length {
            return Err(damaged("it ends early"));
        }
        let mut hasher = crc32fast::Hasher::new();
        hasher.update(&head[..5]);
        hasher.update(&body);
        if hasher.finalize() != crc {
            return Err(damaged("a checksum is wrong"));
        }
        position += (head.len() + length) as u64;
        Ok((kind, Bytes::from(body)))
    };
    let mark = match next()? {
        (HEAD, body) => decode_mark(body).ok_or_else(|| damaged("its head cannot be read"))?,
        _ => return Err(damaged("it has no head")),
    };
    if (mark.index, mark.term) != (file.index, file.term) {
        return Err(damaged("it is of another position than its name"));
    }
    let mut builder = ImageBuilder::new(&Image::default());
    let mut count = 0u64;
    loop {
        match next()? {
            (PIECE, body) => {
                let entry = MetadataEntry::decode(body)
                    .map_err(|error| damaged(&format!("a piece cannot be read: {error}")))?;
                for record in &entry.records {
                    builder
                        .apply(record)
                        .map_err(|error| damaged(&format!("it cannot be applied: {error}")))?;
                    count += 1;
                }
            }
            (END, body) if body == count.to_be_bytes()[..] => break,
            (END, _) => return Err(damaged("records are missing")),
            _ => return Err(damaged("it holds an unknown piece")),
        }
    }
    let position = Position {
        end: EndOffset(i64::try_from(mark.index).unwrap_or(i64::MAX)),
        epoch: LeaderEpoch(i32::try_from(mark.term).unwrap_or(i32::MAX)),
    };
    Ok((mark, builder.finish(position)))
}

fn encode_mark(mark: &SnapshotMark) -> BytesMut {
    let mut bytes = BytesMut::new();
    bytes.put_slice(&MAGIC);
    bytes.put_u64(mark.index);
    bytes.put_u64(mark.term);
    for list in [&mark.voters, &mark.learners] {
        bytes.put_u32(u32::try_from(list.len()).unwrap_or(u32::MAX));
        for id in list {
            bytes.put_u64(*id);
        }
    }
    bytes
}

fn decode_mark(mut bytes: Bytes) -> Option<SnapshotMark> {
    if bytes.len() < MAGIC.len() || bytes.split_to(MAGIC.len()) != MAGIC[..] {
        return None;
    }
    let index = bytes.try_get_u64().ok()?;
    let term = bytes.try_get_u64().ok()?;
    let mut list = || {
        let count = bytes.try_get_u32().ok()? as usize;
        if count > VOTERS_MAX {
            return None;
        }
        (0..count).map(|_| bytes.try_get_u64().ok()).collect::<Option<Vec<_>>>()
    };
    Some(SnapshotMark { index, term, voters: list()?, learners: list()? })
}
