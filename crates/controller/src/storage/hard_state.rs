//! Raft's own state (term, vote, commit) in a file of two slots.
//!
//! Slots are written in turn, each with a number and a checksum, so a torn write damages one slot
//! and leaves the other, older one. That one is then the right one to go on from: a write that was
//! not synced has promised nothing to anybody.

use super::StorageError;
use crate::core::HardState;
use bytes::{Buf, BufMut, BytesMut};
use headwater_log::{Disk, DiskFile, OpenMode, read_whole};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Name of the file.
const FILE: &str = "raft-state";
/// First bytes of a slot; the last one is the format's version.
const MAGIC: [u8; 8] = *b"HWRAFT\0\x01";
/// Magic, number, term, vote, commit, checksum.
const SLOT_BYTES: usize = 8 + 4 * 8 + 4;
/// Distance of the slots: no device writes both in one piece.
const SLOT_DISTANCE: u64 = 4096;

/// The open file.
#[derive(Debug)]
pub(super) struct HardStateFile {
    file: Arc<dyn DiskFile>,
    /// Of the newest slot; odd numbers live in the second slot.
    number: u64,
    state: HardState,
}

impl HardStateFile {
    /// Opens the file, or creates it. `None` as state means that nothing was ever written to it
    /// durably: it is new (and its folder not synced yet), or its very first write was torn.
    pub(super) fn open(
        disk: &dyn Disk,
        folder: &Path,
    ) -> Result<(Self, Option<HardState>), StorageError> {
        let path = folder.join(FILE);
        let content = read_whole(disk, &path, 2 * SLOT_DISTANCE)?;
        let newest = content.as_deref().and_then(newest);
        if let Some(bytes) = &content
            && newest.is_none()
            && !first_write_torn(bytes)
        {
            return Err(StorageError::HardStateDamaged { path });
        }
        let file = disk.open(&path, OpenMode::Create)?;
        let (number, state) = newest.unwrap_or_default();
        Ok((Self { file, number, state }, newest.map(|(_, state)| state)))
    }

    /// Writes a state durably.
    pub(super) fn write(&mut self, state: HardState) -> Result<(), StorageError> {
        if state == self.state && self.number != 0 {
            return Ok(());
        }
        let number = self.number.saturating_add(1);
        let position = (number % 2) * SLOT_DISTANCE;
        self.file.write_at(&[&slot(number, state)], position)?;
        self.file.sync()?;
        self.number = number;
        self.state = state;
        Ok(())
    }
}

/// Where the file of a folder is, for messages and tests.
pub(super) fn path(folder: &Path) -> PathBuf {
    folder.join(FILE)
}

fn slot(number: u64, state: HardState) -> BytesMut {
    let mut bytes = BytesMut::with_capacity(SLOT_BYTES);
    bytes.put_slice(&MAGIC);
    bytes.put_u64(number);
    bytes.put_u64(state.term);
    bytes.put_u64(state.vote);
    bytes.put_u64(state.commit);
    let crc = crc32fast::hash(&bytes);
    bytes.put_u32(crc);
    bytes
}

/// The slot with the highest number among those that are whole.
fn newest(content: &[u8]) -> Option<(u64, HardState)> {
    let second = content.split_at_checked(SLOT_DISTANCE as usize).map(|(_, second)| second);
    let slots = [Some(content), second];
    slots.into_iter().flatten().filter_map(read_slot).max_by_key(|(number, _)| *number)
}

/// Whether there is nothing yet in the slot that the second write goes to: then the first one was
/// not synced, or the second would have come.
fn first_write_torn(content: &[u8]) -> bool {
    content.iter().take(SLOT_DISTANCE as usize).all(|&byte| byte == 0)
}

fn read_slot(content: &[u8]) -> Option<(u64, HardState)> {
    let (slot, _) = content.split_at_checked(SLOT_BYTES)?;
    let (mut body, mut crc) = slot.split_at_checked(SLOT_BYTES - 4)?;
    if crc32fast::hash(body) != crc.get_u32() {
        return None;
    }
    let (magic, _) = body.split_at_checked(MAGIC.len())?;
    if magic != MAGIC {
        return None;
    }
    body.advance(MAGIC.len());
    let number = body.get_u64();
    let state = HardState { term: body.get_u64(), vote: body.get_u64(), commit: body.get_u64() };
    Some((number, state))
}
