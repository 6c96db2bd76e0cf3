//! What is served is what was written, whatever the files hold; and what stands in front of damage is
//! served.

use crate::common::*;
use headwater_log::*;
use headwater_types::*;
use proptest::prelude::*;
use std::path::{Path, PathBuf};

/// A batch as it was written.
struct Written {
    base: i64,
    last: i64,
    /// The base of its segment, and where it stands there.
    segment: i64,
    position: usize,
    bytes: Vec<u8>,
}

/// A log on a disk that was stopped cleanly, and all that was written to it.
struct Subject {
    disk: MemoryDisk,
    known: Checkpointed,
    batches: Vec<Written>,
}

fn log_file(segment: i64) -> PathBuf {
    folder().join(format!("{segment:020}.log"))
}

fn content(disk: &MemoryDisk, path: &Path) -> Vec<u8> {
    read_whole(disk, path, 1 << 24).unwrap().unwrap().to_vec()
}

fn overwrite(disk: &MemoryDisk, path: &Path, bytes: &[u8]) {
    let file = disk.open(path, OpenMode::Truncate).unwrap();
    file.write_at(&[bytes], 0).unwrap();
}

/// Three leader epochs, transactions, records of many sizes, several segments.
fn subject(config: LogConfig, count: i32) -> Subject {
    let (disk, mut log) = new_log(config);
    let mut batches: Vec<Written> = Vec::new();
    let (mut segment, mut position) = (0, 0);
    for n in 0..count {
        let spec = match n % 4 {
            0 => from_producer(1, 0, n / 4 * 2, 2),
            1 => transactional(2, 0, n / 4, 1),
            2 => marker(2, 0, (n / 4 % 2) as i16, 0),
            _ => records(1 + n as usize % 5, 40 + n as usize % 90),
        };
        let epoch = n * 3 / count;
        let origin = if spec.marker.is_some() { Origin::Coordinator } else { Origin::Client };
        let options = AppendOptions { origin };
        let appended =
            log.append_as_leader(vec![spec.valid()], LeaderEpoch(epoch), T0, options).unwrap();
        if appended.rolled {
            (segment, position) = (appended.first.0, 0);
        }
        let bytes = spec.placed(appended.first.0, epoch).to_vec();
        let (base, last) = (appended.first.0, appended.last.0);
        batches.push(Written { base, last, segment, position, bytes });
        position += batches.last().unwrap().bytes.len();
    }
    let known = log.close_clean().unwrap();
    Subject { disk, known, batches }
}

impl Subject {
    fn end(&self) -> i64 {
        self.batches.last().unwrap().last + 1
    }

    fn segments(&self) -> Vec<i64> {
        let mut segments: Vec<i64> = self.batches.iter().map(|batch| batch.segment).collect();
        segments.dedup();
        segments
    }

    fn holding(&self, offset: i64) -> usize {
        self.batches.partition_point(|batch| batch.last < offset)
    }

    /// Reads from every offset. Whatever is given must be what was written; up to `sound` (an offset)
    /// all must be given. Says at how many offsets nothing was.
    fn check(&self, log: &Log, sound: i64, max_bytes: usize) -> usize {
        let mut refused = 0;
        for from in 0..self.end() {
            let limit = ReadLimit { max_bytes, at_least_one: true, upper: EndOffset(self.end()) };
            let read = match log.read(Offset(from), limit) {
                Ok(read) => read,
                Err(error) => {
                    assert!(from >= sound, "{from} is in front of the damage at {sound}: {error}");
                    refused += 1;
                    continue;
                }
            };
            assert!(read.bytes > 0, "nothing at {from}, and no error");
            let bytes = bytes_of(&read);
            let first = self.holding(from);
            assert_eq!(read.first.0, self.batches[first].base);
            let behind = self.holding(read.next.0);
            let written: Vec<u8> =
                self.batches[first..behind].iter().flat_map(|batch| batch.bytes.clone()).collect();
            assert_eq!(bytes, written, "from {from} on");
            let next = self.batches.get(behind).map_or(self.end(), |batch| batch.base);
            assert_eq!(read.next.0, next, "from {from} on");
        }
        refused
    }

    /// A copy of the disk, to be damaged.
    fn copy(&self) -> MemoryDisk {
        self.disk.crash(|_| Fate::Kept)
    }
}

fn config() -> LogConfig {
    LogConfig { segment_bytes: 3000, index_interval_bytes: 300, ..small() }
}

#[derive(Clone, Debug)]
enum Way {
    Flip {
        at: usize,
        bit: u8,
    },
    Zero {
        at: usize,
        length: usize,
    },
    Cut {
        at: usize,
    },
    Append {
        bytes: Vec<u8>,
    },
    Empty,
    Remove,
    /// With the next segment's file.
    Swap,
    /// Holds what another one holds.
    CopyOfNext,
    /// A block is where another one belongs.
    Misdirected {
        from: usize,
        to: usize,
        length: usize,
    },
}

fn way() -> impl Strategy<Value = Way> {
    let at = any::<usize>;
    prop_oneof![
        3 => (at(), 0..8u8).prop_map(|(at, bit)| Way::Flip { at, bit }),
        2 => (at(), 1..600usize).prop_map(|(at, length)| Way::Zero { at, length }),
        2 => at().prop_map(|at| Way::Cut { at }),
        1 => prop::collection::vec(any::<u8>(), 1..200).prop_map(|bytes| Way::Append { bytes }),
        1 => Just(Way::Empty),
        1 => Just(Way::Remove),
        2 => Just(Way::Swap),
        1 => Just(Way::CopyOfNext),
        2 => (at(), at(), 1..600usize)
            .prop_map(|(from, to, length)| Way::Misdirected { from, to, length }),
    ]
}

/// Damages a segment's log file. Gives the position in front of which it is as it was.
fn damage(disk: &MemoryDisk, segment: i64, next: i64, way: &Way) -> usize {
    let path = log_file(segment);
    let before = content(disk, &path);
    let mut bytes = before.clone();
    let size = bytes.len();
    match way {
        Way::Flip { at, bit } => bytes[at % size] ^= 1 << bit,
        Way::Zero { at, length } => {
            let at = at % size;
            bytes[at..(at + length).min(size)].fill(0);
        }
        Way::Cut { at } => bytes.truncate(at % size),
        Way::Append { bytes: more } => bytes.extend(more),
        Way::Empty => bytes.clear(),
        Way::Remove => {
            disk.run(&DiskTask::Unlink(path)).unwrap();
            return 0;
        }
        Way::Swap => {
            let other = content(disk, &log_file(next));
            overwrite(disk, &log_file(next), &bytes);
            bytes = other;
        }
        Way::CopyOfNext => bytes = content(disk, &log_file(next)),
        Way::Misdirected { from, to, length } => {
            let (from, to) = (from % size, to % size);
            let length = (*length).min(size - from.max(to));
            let block = bytes[from..from + length].to_vec();
            bytes[to..to + length].copy_from_slice(&block);
        }
    }
    overwrite(disk, &path, &bytes);
    before.iter().zip(&bytes).take_while(|(before, after)| before == after).count()
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: if cfg!(debug_assertions) { 60 } else { 1500 },
        failure_persistence: None,
        ..Default::default()
    })]

    #[test]
    fn damage_in_closed_segments_is_never_served(
        which in any::<prop::sample::Index>(),
        way in way(),
        crashed in any::<bool>(),
        before_open in any::<bool>(),
        max_bytes in prop_oneof![Just(1usize), Just(700), Just(1 << 20)],
    ) {
        let subject = subject(config(), 120);
        let segments = subject.segments();
        let index = which.index(segments.len() - 1);
        let (segment, next) = (segments[index], segments[index + 1]);
        let disk = subject.copy();
        let kind = if crashed {
            OpenKind::AfterCrash(subject.known)
        } else {
            OpenKind::AfterCleanStop(subject.known)
        };
        let mut position = 0;
        if before_open {
            position = damage(&disk, segment, next, &way);
        }
        let mut log = open_on(&disk, config(), kind).unwrap();
        if !before_open {
            position = damage(&disk, segment, next, &way);
        }
        // The first segment cannot be told from one that was deleted.
        let is_gone = matches!(way, Way::Remove) && index == 0 && before_open;
        // The first batch of the segment that is not all as it was.
        let whole = |batch: &&Written| {
            batch.segment != segment || batch.position + batch.bytes.len() > position
        };
        let in_segment = subject.batches.iter().filter(|batch| batch.segment == segment);
        let sound = in_segment.clone().find(whole).map_or(next, |batch| batch.base);
        let sound = if is_gone { 0 } else { sound };
        let refused = subject.check(&log, sound, max_bytes);
        if is_gone {
            prop_assert_eq!(refused as i64, next);
            return Ok(());
        }
        // What is added to a closed file is met at the next start.
        let is_added = matches!(way, Way::Append { .. }) && !before_open;
        let changed = !is_added && (sound < next || content(&disk, &log_file(segment)).len() as u64
            != in_segment.map(|batch| batch.bytes.len() as u64).sum::<u64>());
        if changed {
            // A file that vanishes under an open log is an error of the disk, of that file alone.
            let vanished = matches!(way, Way::Remove) && !before_open;
            let behind = if vanished { next - segment } else { subject.end() - next };
            prop_assert!(refused as i64 >= behind, "{refused} refused");
            let damage = log.damage();
            if damage.is_some() {
                prop_assert!(append(&mut log, &records(1, 1)).is_err());
                prop_assert!(log.truncate_to(EndOffset(0), T0).is_err());
            }
        }
        // Stopped and started, whatever was found before is found again.
        let found = log.damage();
        let known = log.close_clean().unwrap();
        prop_assert_eq!(known.recovery_point, subject.known.recovery_point);
        drop(log);
        for kind in [OpenKind::AfterCleanStop(known), OpenKind::AfterCrash(known)] {
            let log = open_on(&disk.crash(|_| Fate::Kept), config(), kind).unwrap();
            if let Some(found) = &found {
                let again = log.damage().expect("it is looked at again");
                prop_assert!(again.offset <= found.offset);
            }
            subject.check(&log, sound, max_bytes);
            prop_assert!(log.log_end() >= known.recovery_point);
        }
    }
}

/// One bit, anywhere in any log file: the batch that holds it is not served, all in front of it is.
#[test]
fn a_flipped_bit_anywhere_is_met() {
    let subject = subject(config(), 120);
    let wanted = if cfg!(debug_assertions) { 400 } else { 20_000 };
    let bits: usize = subject.batches.iter().map(|batch| batch.bytes.len() * 8).sum();
    let mut done = 0;
    while done < wanted {
        // A step that shares no factor with the number of bits comes by all of them.
        let bit = done * (bits / wanted * 2 + 7919) % bits;
        done += 1;
        let (mut left, mut index) = (bit / 8, 0);
        while left >= subject.batches[index].bytes.len() {
            left -= subject.batches[index].bytes.len();
            index += 1;
        }
        let hit = &subject.batches[index];
        let disk = subject.copy();
        let file = disk.open(&log_file(hit.segment), OpenMode::ReadWrite).unwrap();
        let at = (hit.position + left) as u64;
        let mut byte = [0];
        file.read_at(&mut byte, at).unwrap();
        file.write_at(&[&[byte[0] ^ 1 << (bit % 8)]], at).unwrap();
        let kind = match done % 2 {
            0 => OpenKind::AfterCleanStop(subject.known),
            _ => OpenKind::AfterCrash(subject.known),
        };
        let log = open_on(&disk, config(), kind).unwrap();
        let limit = ReadLimit { max_bytes: 1, at_least_one: true, upper: log.log_end() };
        let read = log.read(Offset(hit.last), limit);
        // After a crash the epochs of the segment written last are what its batches say: one that
        // goes up at its end, where nothing goes down behind it, is not met.
        let is_last = hit.segment == *subject.segments().last().unwrap();
        if is_last && (12..16).contains(&left) && done % 2 == 1 && read.is_ok() {
            assert_eq!(log.damage(), None);
            continue;
        }
        assert!(
            matches!(read, Err(ReadError::Damaged(_))),
            "byte {left} of {}: {read:?}",
            hit.base
        );
        // What was met at the start may lie behind it.
        let read = log.read(Offset(hit.base), limit);
        assert!(matches!(read, Err(ReadError::Damaged(_))), "byte {left}: {read:?}");
        let damage = log.damage().unwrap();
        assert_eq!(damage.file, log_file(hit.segment));
        assert_eq!(damage.offset.0, hit.base, "byte {left}");
        assert_eq!(damage.position, hit.position as u64);
        if done % 50 == 0 {
            let refused = subject.check(&log, hit.base, 900);
            assert_eq!(refused as i64, subject.end() - hit.base);
        } else if index > 0 {
            let read = log.read(Offset(subject.batches[index - 1].base), limit).unwrap();
            assert_eq!(bytes_of(&read), subject.batches[index - 1].bytes);
            assert_eq!(read.next.0, hit.base);
        }
    }
}

/// More than one chunk of 1 MiB a segment: each is checked by itself, and what is sound in one of
/// them is served though another one is not.
#[test]
fn chunks_are_checked_one_by_one() {
    let config = LogConfig { segment_bytes: 5 << 20, index_interval_bytes: 4096, ..small() };
    let (disk, mut log) = new_log(config.clone());
    // One of them spans a whole chunk.
    let sizes = [300_000, 1_000_000, 5_000, 2_500_000, 700_000];
    let config = LogConfig { max_message_bytes: 4 << 20, ..config };
    log.set_config(std::sync::Arc::new(config.clone()));
    let mut batches = Vec::new();
    for n in 0..15 {
        let spec = records(1, sizes[n % sizes.len()]);
        append(&mut log, &spec).unwrap();
        batches.push(spec.placed(n as i64, 0));
    }
    let known = log.close_clean().unwrap();
    let limit = |log: &Log| ReadLimit { max_bytes: 1, at_least_one: true, upper: log.log_end() };
    let bases: Vec<i64> = disk
        .list(&folder())
        .unwrap()
        .iter()
        .filter_map(|entry| entry.name.strip_suffix(".log"))
        .map(|name| name.parse().unwrap())
        .collect();
    for hit in 0..15 {
        let disk = disk.crash(|_| Fate::Kept);
        let log = open_on(&disk, config.clone(), OpenKind::AfterCleanStop(known)).unwrap();
        let segment = *bases.iter().rfind(|base| **base <= hit as i64).unwrap();
        let before: usize = batches[segment as usize..hit].iter().map(|batch| batch.len()).sum();
        let file = disk.open(&log_file(segment), OpenMode::ReadWrite).unwrap();
        file.write_at(&[b"?"], (before + batches[hit].len() / 2) as u64).unwrap();
        // From the end to the front: what lies behind the damage may be served until it is met.
        for from in (0..15usize).rev() {
            match log.read(Offset(from as i64), limit(&log)) {
                Ok(read) => {
                    assert_ne!(from, hit);
                    assert_eq!(bytes_of(&read), batches[from], "{from}, damaged at {hit}");
                }
                Err(error) => assert!(from >= hit, "{from}, damaged at {hit}: {error}"),
            }
        }
        assert_eq!(log.damage().unwrap().offset, Offset(hit as i64));
    }
}

/// An index whose entries lead into the middle of batches, where something that looks like a batch
/// lies: it is made anew.
#[test]
fn an_index_that_leads_into_a_batch_is_made_anew() {
    let config = LogConfig { segment_bytes: 1 << 20, ..config() };
    let (disk, mut log) = new_log(config.clone());
    append(&mut log, &records(1, 30)).unwrap();
    // A record that holds a batch with the right CRC, and offsets that fit.
    let inner = records(1, 50).placed(1, 0);
    let mut builder = headwater_protocol::records::BatchBuilder::new(Default::default());
    for _ in 0..2 {
        let record = headwater_protocol::records::NewRecord {
            timestamp: T0,
            value: Some(&inner),
            ..Default::default()
        };
        builder.push(record).unwrap();
    }
    let nested = builder.finish().unwrap();
    let all = AppendOptions::default();
    log.append_as_leader(vec![nested], LeaderEpoch(0), T0, all).unwrap();
    for _ in 0..10 {
        append(&mut log, &records(1, 200)).unwrap();
    }
    let expected = read_all(&log, Offset(0));
    let at = expected.windows(inner.len()).position(|window| window == &inner[..]).unwrap();
    for closed in [true, false] {
        if closed {
            log.roll(T0).unwrap();
            append(&mut log, &records(1, 10)).unwrap();
        }
        let expected = read_all(&log, Offset(0));
        let known = log.close_clean().unwrap();
        let disk = disk.crash(|_| Fate::Kept);
        let path = folder().join("00000000000000000000.index");
        let mut entry = 1u32.to_be_bytes().to_vec();
        entry.extend((at as u32).to_be_bytes());
        overwrite(&disk, &path, &entry);
        let reopened = open_on(&disk, config.clone(), OpenKind::AfterCleanStop(known)).unwrap();
        for from in [1, 2, 3, 7] {
            let limit = ReadLimit { max_bytes: 1, at_least_one: true, upper: reopened.log_end() };
            let read = reopened.read(Offset(from), limit).unwrap();
            assert_eq!(read.first.0, if from < 3 { 1 } else { from }, "closed: {closed}");
        }
        assert_eq!(read_all(&reopened, Offset(0)), expected);
        assert_eq!(reopened.damage(), None);
        if closed {
            assert_ne!(content(&disk, &path), entry, "it is made anew");
        }
    }
}

/// Where every batch has an index entry, the index leads right to the first batch that is too much.
#[test]
fn a_read_takes_what_fits_however_dense_the_index() {
    let config = LogConfig { segment_bytes: 1 << 20, index_interval_bytes: 1, ..small() };
    let (disk, mut log) = new_log(config.clone());
    for _ in 0..40 {
        append(&mut log, &records(1, 1000)).unwrap();
    }
    log.roll(T0).unwrap();
    append(&mut log, &records(1, 10)).unwrap();
    let known = log.close_clean().unwrap();
    drop(log);
    let log = open_on(&disk, config, OpenKind::AfterCleanStop(known)).unwrap();
    let size = records(1, 1000).bytes().len();
    for fitting in 1..40 {
        for more in [0, 1, size - 1] {
            let max_bytes = fitting * size + more;
            let limit = ReadLimit { max_bytes, at_least_one: true, upper: log.log_end() };
            let read = log.read(Offset(0), limit).unwrap();
            assert_eq!((read.bytes, read.next), (fitting * size, Offset(fitting as i64)));
        }
        let upper = EndOffset(fitting as i64);
        let limit = ReadLimit { max_bytes: 1 << 20, at_least_one: true, upper };
        let read = log.read(Offset(0), limit).unwrap();
        assert_eq!((read.bytes, read.next), (fitting * size, Offset(fitting as i64)));
    }
}
