//! The format of a journal file: a header, then frames until something is no frame.
//!
//! ```text
//! header   8 bytes "HWJRNL01", generation (u64), seed (u64), CRC-32 of all three (u32)
//! frame    length of what follows the checksum (u32), CRC-32 (u32), kind (u8), partition (i32),
//!          topic id (16 bytes), length of the topic's name (u16), the name, three numbers (i64),
//!          data
//! ```
//!
//! Numbers are big-endian. A frame's checksum starts from its file's seed, another one at every use,
//! so that what an earlier use of the file left behind is never taken for a frame of this one.

use crate::disk::{DiskError, DiskFile};
use crate::log::LogIdentity;
use bytes::Bytes;
use crc32fast::Hasher;
use headwater_types::{EndOffset, PartitionIndex, Uuid};

const MAGIC: &[u8; 8] = b"HWJRNL01";
/// Bytes of a file's header.
pub(super) const HEADER_BYTES: usize = 28;
/// Bytes in front of a frame's checksummed part.
const PREFIX_BYTES: usize = 8;
/// Kind, partition, topic id, length of the name, three numbers.
const FIXED_BYTES: usize = 1 + 4 + 16 + 2 + 3 * 8;
/// Longest topic name.
const NAME_BYTES_MAX: usize = 249;
/// Largest frame that is read: the largest set that is journaled, and its description.
const FRAME_BYTES_MAX: usize = super::JOURNALED_BYTES_MAX + FIXED_BYTES + NAME_BYTES_MAX;
/// Read at once.
const WINDOW_BYTES: usize = 1 << 20;

/// What a frame says about a partition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fact {
    /// The frame's data stand in the segment with this base, at this position, and end at this
    /// offset.
    Appended { base: i64, position: u64, end: EndOffset },
    /// Everything before `end` is on stable storage, in the log's own files or in frames before
    /// this one; everything before the recovery point is, in its own files.
    Known { end: EndOffset, recovery_point: EndOffset },
    /// What stands in the segment with this base from this position on is gone, and all segments
    /// behind it: the log ends at `end`.
    Truncated { base: i64, position: u64, end: EndOffset },
    /// Segments with a smaller base are gone.
    Starts { base: i64 },
    /// The partition is gone.
    Forgotten,
}

impl Fact {
    fn to_parts(self) -> (u8, [i64; 3]) {
        match self {
            Self::Appended { base, position, end } => (1, [base, position as i64, end.0]),
            Self::Known { end, recovery_point } => (2, [end.0, recovery_point.0, 0]),
            Self::Truncated { base, position, end } => (3, [base, position as i64, end.0]),
            Self::Starts { base } => (4, [base, 0, 0]),
            Self::Forgotten => (5, [0; 3]),
        }
    }

    fn from_parts(kind: u8, [a, b, c]: [i64; 3]) -> Option<Self> {
        let position = || u64::try_from(b).ok();
        Some(match kind {
            1 => Self::Appended { base: a, position: position()?, end: EndOffset(c) },
            2 => Self::Known { end: EndOffset(a), recovery_point: EndOffset(b) },
            3 => Self::Truncated { base: a, position: position()?, end: EndOffset(c) },
            4 => Self::Starts { base: a },
            5 => Self::Forgotten,
            _ => return None,
        })
    }
}

/// The header of a file in its `generation`-th use.
pub(super) fn header(generation: u64, seed: u64) -> Vec<u8> {
    let mut bytes = MAGIC.to_vec();
    bytes.extend(generation.to_be_bytes());
    bytes.extend(seed.to_be_bytes());
    bytes.extend(crc32fast::hash(&bytes).to_be_bytes());
    bytes
}

/// Generation and seed.
fn parse_header(bytes: &[u8]) -> Option<(u64, u64)> {
    let (generation, rest) = bytes.get(MAGIC.len()..)?.split_first_chunk()?;
    let generation = u64::from_be_bytes(*generation);
    let seed = u64::from_be_bytes(*rest.first_chunk()?);
    (bytes == header(generation, seed)).then_some((generation, seed))
}

/// Bytes that a frame takes.
pub(super) fn frame_bytes(identity: &LogIdentity, data_bytes: usize) -> usize {
    PREFIX_BYTES + FIXED_BYTES + identity.topic.len() + data_bytes
}

/// Appends everything of a frame but its data to `out`.
pub(super) fn put_frame(
    out: &mut Vec<u8>,
    seed: u64,
    identity: &LogIdentity,
    fact: Fact,
    data: &[Bytes],
) {
    let data_bytes: usize = data.iter().map(Bytes::len).sum();
    let length = frame_bytes(identity, data_bytes) - PREFIX_BYTES;
    let (kind, numbers) = fact.to_parts();
    let mut head = Vec::with_capacity(FIXED_BYTES + identity.topic.len());
    head.push(kind);
    head.extend(identity.partition.0.to_be_bytes());
    head.extend(identity.topic_id.0);
    head.extend((identity.topic.len() as u16).to_be_bytes());
    head.extend(identity.topic.as_bytes());
    head.extend(numbers.iter().flat_map(|number| number.to_be_bytes()));
    let mut hasher = begin_checksum(seed);
    hasher.update(&head);
    data.iter().for_each(|piece| hasher.update(piece));
    out.extend((length as u32).to_be_bytes());
    out.extend(hasher.finalize().to_be_bytes());
    out.extend(head);
}

fn begin_checksum(seed: u64) -> Hasher {
    let mut hasher = Hasher::new();
    hasher.update(&seed.to_be_bytes());
    hasher
}

/// A frame that was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Frame {
    pub identity: LogIdentity,
    pub fact: Fact,
    /// Where its data stand in the journal file.
    pub data_at: u64,
    pub data_bytes: usize,
}

/// Reads the frames of a file, one after the other.
pub(super) struct Frames<'a> {
    file: &'a dyn DiskFile,
    pub generation: u64,
    pub seed: u64,
    /// Where the next frame would begin.
    pub position: u64,
    window: Vec<u8>,
    window_at: u64,
}

impl<'a> Frames<'a> {
    /// `None` when the file has no header: it was never used, or its first use was cut short.
    pub fn open(file: &'a dyn DiskFile) -> Result<Option<Self>, DiskError> {
        let mut bytes = [0; HEADER_BYTES];
        let read = file.read_at(&mut bytes, 0)?;
        let header = bytes.get(..read).and_then(parse_header);
        Ok(header.map(|(generation, seed)| Self {
            file,
            generation,
            seed,
            position: HEADER_BYTES as u64,
            window: Vec::new(),
            window_at: 0,
        }))
    }

    /// The next frame; `None` where there is none.
    pub fn next(&mut self) -> Result<Option<Frame>, DiskError> {
        let at = self.position;
        let Some(length) = self.bytes(at, PREFIX_BYTES)?.and_then(length_of) else {
            return Ok(None);
        };
        let whole = PREFIX_BYTES + length;
        let seed = self.seed;
        let Some(bytes) = self.bytes(at, whole)? else { return Ok(None) };
        let Some(mut frame) = parse_frame(bytes, seed) else { return Ok(None) };
        let data_from = whole - frame.data_bytes;
        frame.data_at = at.saturating_add(data_from as u64);
        self.position = at.saturating_add(whole as u64);
        Ok(Some(frame))
    }

    /// Bytes of the file; `None` where it ends before.
    fn bytes(&mut self, at: u64, wanted: usize) -> Result<Option<&[u8]>, DiskError> {
        let skip = |window_at| usize::try_from(at - window_at).unwrap_or(usize::MAX);
        let end = self.window_at.saturating_add(self.window.len() as u64);
        if at < self.window_at || at.saturating_add(wanted as u64) > end {
            // Zeros that nobody writes: the file is mostly shorter.
            self.window = vec![0; WINDOW_BYTES.max(wanted)];
            let read = self.file.read_at(&mut self.window, at)?;
            self.window.truncate(read);
            self.window_at = at;
        }
        let rest = self.window.get(skip(self.window_at)..).unwrap_or_default();
        Ok(rest.get(..wanted))
    }
}

/// The length of a frame's checksummed part, where it can be one.
fn length_of(prefix: &[u8]) -> Option<usize> {
    let length = usize::try_from(u32::from_be_bytes(*prefix.first_chunk()?)).ok()?;
    (FIXED_BYTES..=FRAME_BYTES_MAX).contains(&length).then_some(length)
}

fn parse_frame(bytes: &[u8], seed: u64) -> Option<Frame> {
    let (prefix, rest) = bytes.split_at_checked(PREFIX_BYTES)?;
    let mut hasher = begin_checksum(seed);
    hasher.update(rest);
    if prefix.get(4..)? != hasher.finalize().to_be_bytes() {
        return None;
    }
    let (kind, rest) = rest.split_first()?;
    let (partition, rest) = rest.split_first_chunk::<4>()?;
    let (topic_id, rest) = rest.split_first_chunk::<16>()?;
    let (name_bytes, rest) = rest.split_first_chunk::<2>()?;
    let (name, rest) = rest.split_at_checked(usize::from(u16::from_be_bytes(*name_bytes)))?;
    let (numbers, data) = rest.split_at_checked(3 * 8)?;
    let (numbers, _) = numbers.as_chunks::<8>();
    let numbers: Vec<i64> = numbers.iter().map(|number| i64::from_be_bytes(*number)).collect();
    Some(Frame {
        identity: LogIdentity {
            topic: str::from_utf8(name).ok()?.to_owned(),
            topic_id: Uuid(*topic_id),
            partition: PartitionIndex(i32::from_be_bytes(*partition)),
        },
        fact: Fact::from_parts(*kind, numbers.try_into().ok()?)?,
        data_at: 0,
        data_bytes: data.len(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::disk::{Disk, MemoryDisk, OpenMode};
    use std::path::Path;

    fn identity() -> LogIdentity {
        LogIdentity {
            topic: "orders".into(),
            topic_id: Uuid([7; 16]),
            partition: PartitionIndex(3),
        }
    }

    fn facts() -> [Fact; 5] {
        [
            Fact::Appended { base: 5, position: 77, end: EndOffset(9) },
            Fact::Known { end: EndOffset(9), recovery_point: EndOffset(4) },
            Fact::Truncated { base: 5, position: 70, end: EndOffset(8) },
            Fact::Starts { base: 5 },
            Fact::Forgotten,
        ]
    }

    /// A file with one frame of each kind, the first with data.
    fn file_bytes(seed: u64) -> Vec<u8> {
        let mut bytes = header(3, seed);
        for fact in facts() {
            let data = match fact {
                Fact::Appended { .. } => vec![Bytes::from_static(b"ab"), Bytes::from_static(b"c")],
                _ => vec![],
            };
            put_frame(&mut bytes, seed, &identity(), fact, &data);
            data.iter().for_each(|piece| bytes.extend_from_slice(piece));
        }
        bytes
    }

    fn read_all(bytes: &[u8]) -> Option<Vec<Frame>> {
        let disk = MemoryDisk::new();
        disk.create_folder(Path::new("/d")).unwrap();
        let file = disk.open(Path::new("/d/f"), OpenMode::Create).unwrap();
        file.write_at(&[bytes], 0).unwrap();
        let mut frames = Frames::open(&*file).unwrap()?;
        Some(std::iter::from_fn(|| frames.next().unwrap()).collect())
    }

    #[test]
    fn what_is_written_is_read_back() {
        let bytes = file_bytes(6);
        let frames = read_all(&bytes).unwrap();
        assert_eq!(frames.iter().map(|frame| frame.fact).collect::<Vec<_>>(), facts());
        assert!(frames.iter().all(|frame| frame.identity == identity()));
        let first = &frames[0];
        let data = &bytes[first.data_at as usize..][..first.data_bytes];
        assert_eq!(data, b"abc");
    }

    #[test]
    fn every_flipped_bit_ends_the_frames_before_it() {
        let bytes = file_bytes(6);
        let whole = read_all(&bytes).unwrap();
        for bit in 0..bytes.len() * 8 {
            let mut damaged = bytes.clone();
            damaged[bit / 8] ^= 1 << (bit % 8);
            let read = read_all(&damaged).unwrap_or_default();
            assert!(read.len() < whole.len() && whole.starts_with(&read), "bit {bit}");
        }
    }

    #[test]
    fn frames_of_an_earlier_use_are_none() {
        let mut bytes = file_bytes(6);
        bytes.splice(..HEADER_BYTES, header(3, 7));
        assert_eq!(read_all(&bytes), Some(vec![]));
        assert_eq!(read_all(b""), None);
    }
}
