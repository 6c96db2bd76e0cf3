//! What stands on a disk at one moment: a tree of names, and the files' contents.
//!
//! Everything is shared until it is changed, so that a copy costs little: crash states are made by
//! the million.

use super::effect::{Entry, Fate, PendingEffect};
use std::collections::BTreeMap;
use std::path::{Component, Path};
use std::sync::{Arc, OnceLock};

/// What a name stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Node {
    /// A folder, by its number.
    Folder(u64),
    /// A file, by its number.
    File(u64),
}

/// The folder above all, which is always there.
pub(super) const ROOT: u64 = 0;
/// What a disk writes as a whole or not at all.
pub(super) const SECTOR_BYTES: usize = 512;

type Names = BTreeMap<Arc<str>, Node>;

/// Names and contents.
#[derive(Clone, Debug, Default)]
pub(super) struct Image {
    folders: BTreeMap<u64, Arc<Names>>,
    files: BTreeMap<u64, Arc<Content>>,
}

impl Image {
    /// What a path leads to.
    pub fn resolve(&self, path: &Path) -> Option<Node> {
        let mut at = Node::Folder(ROOT);
        for component in path.components() {
            let Component::Normal(name) = component else { continue };
            let Node::Folder(folder) = at else { return None };
            at = *self.folders.get(&folder)?.get(&*name.to_string_lossy())?;
        }
        Some(at)
    }

    /// The folder that a path leads to.
    pub fn folder(&self, path: &Path) -> Option<u64> {
        match self.resolve(path)? {
            Node::Folder(folder) => Some(folder),
            Node::File(_) => None,
        }
    }

    /// The place of a path's last name, in a folder that is there.
    pub fn entry(&self, path: &Path) -> Option<Entry> {
        let name = path.file_name()?.to_string_lossy();
        let folder = self.folder(path.parent()?)?;
        Some(Entry { folder, name: Arc::from(name) })
    }

    /// What a folder holds, in the order of names.
    pub fn children(&self, folder: u64) -> impl DoubleEndedIterator<Item = (&Arc<str>, Node)> {
        let names = self.folders.get(&folder).map(|names| names.iter());
        names.into_iter().flatten().map(|(name, node)| (name, *node))
    }

    pub fn content(&self, file: u64) -> Option<&Content> {
        self.files.get(&file).map(|content| &**content)
    }

    pub fn used_bytes(&self) -> u64 {
        self.files.values().map(|content| content.length as u64).sum()
    }

    /// A file that has no name yet.
    pub fn add_file(&mut self, file: u64) {
        self.files.insert(file, Arc::default());
    }

    fn content_mut(&mut self, file: u64) -> &mut Content {
        Arc::make_mut(self.files.entry(file).or_default())
    }

    fn names_mut(&mut self, folder: u64) -> &mut Names {
        Arc::make_mut(self.folders.entry(folder).or_default())
    }

    /// Applies an effect as a crash leaves it.
    pub fn apply(&mut self, effect: &PendingEffect, fate: Fate) {
        match (effect, fate) {
            (_, Fate::Lost) => {}
            (PendingEffect::Write { file, position, bytes }, fate) => {
                let content = self.content_mut(*file);
                match fate {
                    Fate::Cut(kept) => {
                        content.write(*position, bytes.get(..kept).unwrap_or(bytes));
                    }
                    Fate::Sectors(kept) => content.write_sectors(*position, bytes, kept),
                    Fate::Kept | Fate::Lost => content.write(*position, bytes),
                }
            }
            (_, Fate::Cut(_) | Fate::Sectors(_)) => {}
            (PendingEffect::SetLength { file, length }, Fate::Kept) => {
                self.content_mut(*file).set_length(*length);
            }
            (PendingEffect::Link { at, node, .. }, Fate::Kept) => {
                self.names_mut(at.folder).insert(Arc::clone(&at.name), *node);
            }
            (PendingEffect::Rename { source, target, node, .. }, Fate::Kept) => {
                self.names_mut(source.folder).remove(&source.name);
                self.names_mut(target.folder).insert(Arc::clone(&target.name), *node);
            }
            (PendingEffect::Unlink { at, .. }, Fate::Kept) => {
                self.names_mut(at.folder).remove(&at.name);
            }
        }
    }

    /// A number that differs where names or contents do.
    pub fn fingerprint(&self) -> u64 {
        self.fingerprint_of(ROOT)
    }

    fn fingerprint_of(&self, folder: u64) -> u64 {
        let mut mixed = 1;
        for (name, node) in self.children(folder) {
            let below = match node {
                Node::Folder(folder) => self.fingerprint_of(folder),
                Node::File(file) => self.content(file).map_or(0, Content::fingerprint),
            };
            mixed = mix(mixed ^ hash(name.as_bytes()), below);
        }
        mixed
    }
}

const CHUNK_BYTES: usize = 4096;

/// The bytes of a file. Behind its length every chunk holds zeros.
#[derive(Clone, Debug, Default)]
pub(super) struct Content {
    length: usize,
    /// `None` for one of zeros.
    chunks: Vec<Option<Arc<Chunk>>>,
}

#[derive(Debug)]
struct Chunk {
    bytes: [u8; CHUNK_BYTES],
    hash: OnceLock<u64>,
}

impl Clone for Chunk {
    fn clone(&self) -> Self {
        // It is cloned to be changed.
        Self { bytes: self.bytes, hash: OnceLock::new() }
    }
}

impl Content {
    pub fn length(&self) -> usize {
        self.length
    }

    /// Reads what is there from a position on; returns how much.
    pub fn read(&self, into: &mut [u8], position: usize) -> usize {
        let wanted = into.len().min(self.length.saturating_sub(position));
        let mut done = 0;
        while done < wanted {
            let (chunk, skip) = place(position + done);
            let end = (skip + (wanted - done)).min(CHUNK_BYTES);
            let Some(target) = into.get_mut(done..done + (end - skip)) else { break };
            match self.chunks.get(chunk).and_then(Option::as_ref) {
                Some(chunk) => {
                    target.copy_from_slice(chunk.bytes.get(skip..end).unwrap_or_default());
                }
                None => target.fill(0),
            }
            done += end - skip;
        }
        done
    }

    fn write(&mut self, position: usize, bytes: &[u8]) {
        self.extend(position.saturating_add(bytes.len()));
        self.overwrite(position, bytes);
    }

    /// The length as a whole, of the data only sectors whose bit is set.
    fn write_sectors(&mut self, position: usize, bytes: &[u8], kept: u64) {
        self.extend(position.saturating_add(bytes.len()));
        let mut at = position;
        let mut rest = bytes;
        let mut sector = 0u32;
        while !rest.is_empty() {
            let size = (SECTOR_BYTES - at % SECTOR_BYTES).min(rest.len());
            let (piece, behind) = rest.split_at(size);
            if kept >> sector.min(u64::BITS - 1) & 1 == 1 {
                self.overwrite(at, piece);
            }
            rest = behind;
            at += size;
            sector += 1;
        }
    }

    fn overwrite(&mut self, position: usize, bytes: &[u8]) {
        let mut at = position;
        let mut rest = bytes;
        while !rest.is_empty() {
            let (chunk, skip) = place(at);
            let size = (CHUNK_BYTES - skip).min(rest.len());
            let (piece, behind) = rest.split_at(size);
            if let Some(target) = self.chunk_mut(chunk).get_mut(skip..skip + size) {
                target.copy_from_slice(piece);
            }
            rest = behind;
            at += size;
        }
    }

    fn extend(&mut self, length: usize) {
        self.length = self.length.max(length);
        let chunks = self.length.div_ceil(CHUNK_BYTES);
        if self.chunks.len() < chunks {
            self.chunks.resize(chunks, None);
        }
    }

    fn set_length(&mut self, length: usize) {
        if length < self.length {
            self.chunks.truncate(length.div_ceil(CHUNK_BYTES));
            let (chunk, skip) = place(length);
            if skip > 0 && self.chunks.get(chunk).is_some_and(Option::is_some) {
                self.chunk_mut(chunk).iter_mut().skip(skip).for_each(|byte| *byte = 0);
            }
            self.length = length;
        } else {
            self.extend(length);
        }
    }

    fn chunk_mut(&mut self, chunk: usize) -> &mut [u8] {
        let Some(slot) = self.chunks.get_mut(chunk) else { return &mut [] };
        let zeros = || Arc::new(Chunk { bytes: [0; CHUNK_BYTES], hash: OnceLock::new() });
        let chunk = Arc::make_mut(slot.get_or_insert_with(zeros));
        chunk.hash = OnceLock::new();
        &mut chunk.bytes
    }

    fn fingerprint(&self) -> u64 {
        let mut mixed = self.length as u64;
        let mut left = self.length;
        for chunk in &self.chunks {
            let size = left.min(CHUNK_BYTES);
            left -= size;
            let of_chunk = chunk.as_ref().map_or(0, |chunk| {
                // Zeros at the end mean the same whether they are there or not.
                *chunk.hash.get_or_init(|| hash(trim(&chunk.bytes)))
            });
            mixed = mix(mixed, of_chunk);
        }
        mixed
    }
}

fn place(position: usize) -> (usize, usize) {
    (position / CHUNK_BYTES, position % CHUNK_BYTES)
}

/// Without the zeros at the end.
fn trim(bytes: &[u8]) -> &[u8] {
    let end = bytes.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
    bytes.get(..end).unwrap_or(bytes)
}

fn mix(a: u64, b: u64) -> u64 {
    let product = u128::from(a ^ 0x9e37_79b9_7f4a_7c15) * u128::from(b ^ 0xe703_7ed1_a0b4_28db);
    (product >> 64) as u64 ^ product as u64 ^ a.rotate_left(17)
}

fn hash(bytes: &[u8]) -> u64 {
    if bytes.is_empty() {
        return 0;
    }
    let (words, rest) = bytes.as_chunks::<8>();
    let mut last = [0; 8];
    for (target, byte) in last.iter_mut().zip(rest) {
        *target = *byte;
    }
    let mixed =
        words.iter().fold(bytes.len() as u64, |mixed, word| mix(mixed, u64::from_le_bytes(*word)));
    mix(mixed, u64::from_le_bytes(last))
}
