//! One bit of what lies on the disk changes: it is noticed, or it changes nothing. What is served
//! is never anything but what was appended.
//!
//! Kafka's text files have no checksum, and neither have its indexes: what a flipped digit does
//! there is told apart from what it does to records. Nor does the checksum of a batch cover its
//! base offset and its leader's epoch; what covers the rest is checked by whoever reads, too.

use crate::producers::base_and_size;
use crate::protocols;
use crate::random::Random;
use crate::recover::{self, FOLDER, NOW_MS, hash};
use headwater_log::{
    Disk, Fate, Log, LogConfig, LogFolder, LogIdentity, MemoryDisk, OpenMode, ReadLimit, ReadSlice,
};
use headwater_types::{EndOffset, Offset};
use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// What became of a flip.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Effect {
    /// All is as before.
    Harmless,
    /// An error, at the start or when something is read.
    Noticed,
    /// It is served, and its reader finds that the checksum is wrong.
    ReaderNotices,
    /// The end of the log is cut off, as if it had never been synced.
    Shorter,
    /// The log begins elsewhere.
    OtherStart,
    /// Epochs begin elsewhere.
    OtherEpochs,
    /// The producers are not what they were.
    OtherProducers,
    /// A search for a time finds another record.
    OtherLookup,
    /// Records are served under another offset or epoch.
    ServedElsewhere,
    /// Reading ends before the end, without a word.
    Stuck,
    /// Something was served that nobody appended, or something was left out.
    Served,
    /// A panic.
    Panic,
}

/// Flips and their effects.
#[derive(Debug, Default)]
pub struct Outcome {
    /// By kind of file, and where in it.
    pub table: BTreeMap<(String, Effect), u64>,
    /// An example of each.
    pub examples: BTreeMap<(String, Effect), String>,
}

impl Outcome {
    /// Flips by which something was served, or that ended in a panic.
    pub fn failures(&self) -> u64 {
        let failed = |effect: &Effect| matches!(effect, Effect::Served | Effect::Panic);
        self.table.iter().filter(|((_, effect), _)| failed(effect)).map(|(_, count)| count).sum()
    }
}

/// A disk, and what is on it.
struct Subject {
    disk: MemoryDisk,
    live: Vec<LogIdentity>,
    config: Arc<LogConfig>,
    expected: BTreeMap<LogIdentity, View>,
    /// Of files that are not empty: path and length.
    files: Vec<(PathBuf, u64)>,
}

/// What a reader sees of a log.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct View {
    start: i64,
    end: i64,
    /// Base offset of the first batch.
    first: i64,
    /// By base offset.
    batches: BTreeMap<i64, u64>,
    epochs: Vec<Option<i32>>,
    producers: Vec<String>,
    lookups: Vec<Option<i64>>,
    noticed: bool,
    reader_notices: bool,
    /// Of all batches: what their checksum covers.
    bodies: BTreeMap<u64, i64>,
}

/// Flips so many bits, one at a time, on disks made from a seed.
pub fn some(seed: u64, flips: u64) -> Outcome {
    let mut outcome = Outcome::default();
    let mut random = Random::new(seed ^ 0xf11b);
    let per_disk = (flips / 10).clamp(1, 400);
    let mut done = 0;
    let mut number = seed;
    while done < flips {
        let clean = number.is_multiple_of(2);
        let Some(subject) = subject(number, clean) else {
            number += 1;
            continue;
        };
        for _ in 0..per_disk {
            one(&subject, &mut random, number, clean, &mut outcome);
            done += 1;
        }
        number += 1;
    }
    outcome
}

fn subject(seed: u64, clean: bool) -> Option<Subject> {
    let mut world = protocols::filled(Random::new(seed));
    if clean {
        world.stop();
    } else {
        world.sync_all();
        world.kill();
    }
    let disk = world.disk.crash(|_| Fate::Lost);
    let live: Vec<LogIdentity> = world.model.logs.keys().cloned().collect();
    let config = Arc::clone(&world.config);
    let expected = view(&disk.crash(|_| Fate::Kept), &live, &config).ok()?;
    let mut expected = expected;
    for view in expected.values_mut() {
        view.bodies.extend(all_bodies(&disk));
    }
    let mut files = Vec::new();
    list_files(&disk, Path::new(FOLDER), &mut files);
    (!files.is_empty()).then_some(Subject { disk, live, config, expected, files })
}

/// What the checksums of all batches on a disk cover, also of those that are not served any more.
fn all_bodies(disk: &MemoryDisk) -> BTreeMap<u64, i64> {
    let mut files = Vec::new();
    list_files(disk, Path::new(FOLDER), &mut files);
    let mut bodies = BTreeMap::new();
    for (path, _) in files.iter().filter(|(path, _)| path.extension().is_some_and(|e| e == "log")) {
        let bytes = headwater_log::read_whole(disk, path, 1 << 20).ok().flatten();
        let bytes = bytes.unwrap_or_default();
        let mut rest = &bytes[..];
        while let Some((base, size)) = base_and_size(rest) {
            bodies.insert(hash(&rest[21..size]), base);
            rest = &rest[size..];
        }
    }
    bodies
}

fn list_files(disk: &MemoryDisk, folder: &Path, into: &mut Vec<(PathBuf, u64)>) {
    for entry in disk.list(folder).expect("it is there") {
        let path = folder.join(&entry.name);
        if entry.is_folder {
            list_files(disk, &path, into);
        } else if entry.length > 0 {
            into.push((path, entry.length));
        }
    }
}

fn one(subject: &Subject, random: &mut Random, seed: u64, clean: bool, into: &mut Outcome) {
    let (path, length) = &subject.files[random.below(subject.files.len())];
    // A journal is mostly zeros behind its frames.
    let length = (*length).min(8 << 10) as usize;
    let (position, bit) = (random.below(length), random.below(8));
    let disk = subject.disk.crash(|_| Fate::Kept);
    let file = disk.open(path, OpenMode::ReadWrite).expect("it is there");
    let mut byte = [0];
    file.read_at(&mut byte, position as u64).expect("a disk in memory");
    file.write_at(&[&[byte[0] ^ 1 << bit]], position as u64).expect("a disk in memory");
    drop(file);
    let disk = disk.crash(|_| Fate::Kept);
    let seen = catch_unwind(AssertUnwindSafe(|| view(&disk, &subject.live, &subject.config)));
    let effect = match &seen {
        Err(_) => Effect::Panic,
        Ok(Err(())) => Effect::Noticed,
        Ok(Ok(seen)) => subject
            .expected
            .iter()
            .map(|(identity, expected)| effect(expected, &seen[identity]))
            .max()
            .unwrap_or(Effect::Harmless),
    };
    let seen = seen.ok().and_then(Result::ok).unwrap_or_default();
    let ends = |views: &BTreeMap<LogIdentity, View>| -> Vec<(i64, i64)> {
        views.values().map(|view| (view.start, view.end)).collect()
    };
    let (before, after) = (ends(&subject.expected), ends(&seen));
    let kind = kind(path, position, &subject.disk);
    let kind = format!("{kind}{}", if clean { ", clean stop" } else { ", crash" });
    *into.table.entry((kind.clone(), effect)).or_default() += 1;
    into.examples.entry((kind, effect)).or_insert_with(|| {
        let place = format!("bit {bit} of byte {position} of {}", path.display());
        let differs: Vec<String> = subject
            .expected
            .iter()
            .map(|(identity, expected)| differences(expected, seen.get(identity)))
            .collect();
        format!("seed {seed}: {place}, {before:?} became {after:?}; {}", differs.join("; "))
    });
}

/// Batches that are missing, and that are too many.
fn differences(expected: &View, seen: Option<&View>) -> String {
    let Some(seen) = seen else { return String::from("not there") };
    let missing: Vec<&i64> = expected
        .batches
        .iter()
        .filter(|(base, hash)| seen.batches.get(base) != Some(*hash))
        .map(|(base, _)| base)
        .collect();
    let foreign: Vec<&i64> = seen
        .batches
        .iter()
        .filter(|(base, hash)| expected.batches.get(base) != Some(*hash))
        .map(|(base, _)| base)
        .collect();
    format!("missing {missing:?}, foreign {foreign:?}")
}

/// The kind of a file, and of a log file the part of a batch.
fn kind(path: &Path, position: usize, disk: &MemoryDisk) -> String {
    let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let extension = path.extension().unwrap_or_default().to_string_lossy().into_owned();
    if extension == "log" {
        let bytes = headwater_log::read_whole(disk, path, 1 << 20).ok().flatten();
        let bytes = bytes.unwrap_or_default();
        let mut at = 0;
        while let Some((_, size)) = base_and_size(bytes.get(at..).unwrap_or_default()) {
            if position < at + size {
                let part = match position - at {
                    0..8 => "base offset",
                    8..12 => "length",
                    12..16 => "leader epoch",
                    16 => "magic",
                    _ => "what its CRC covers",
                };
                return format!("batch: {part}");
            }
            at += size;
        }
        return "batch".to_owned();
    }
    match name.chars().next() {
        Some('0'..='9') => extension,
        _ => name.trim_end_matches(['0', '1']).to_owned(),
    }
}

fn effect(expected: &View, seen: &View) -> Effect {
    // What lies before the start was appended once.
    let foreign = seen
        .batches
        .iter()
        .any(|(base, hash)| expected.batches.get(base) != Some(hash) && *base >= expected.first);
    let same_bodies = seen.bodies.keys().all(|body| expected.bodies.contains_key(body));
    if foreign {
        if same_bodies { Effect::ServedElsewhere } else { Effect::Served }
    } else if seen.noticed {
        Effect::Noticed
    } else if seen.end > expected.end && seen.start == expected.start {
        Effect::ServedElsewhere
    } else if seen.start != expected.start {
        Effect::OtherStart
    } else if seen.end != expected.end {
        Effect::Shorter
    } else if seen.reader_notices {
        Effect::ReaderNotices
    } else if seen.batches != expected.batches {
        let mut left = expected.batches.keys().rev();
        let behind = |base: &i64| seen.batches.last_key_value().is_none_or(|(last, _)| base > last);
        let missing = expected.batches.len().saturating_sub(seen.batches.len());
        if left.by_ref().take(missing).all(behind) { Effect::Stuck } else { Effect::Served }
    } else if seen.producers != expected.producers {
        Effect::OtherProducers
    } else if seen.epochs != expected.epochs {
        Effect::OtherEpochs
    } else if seen.lookups != expected.lookups {
        Effect::OtherLookup
    } else {
        Effect::Harmless
    }
}

/// Opens everything and looks at all of it; `Err` where the folder itself is refused.
fn view(
    disk: &MemoryDisk,
    live: &[LogIdentity],
    config: &Arc<LogConfig>,
) -> Result<BTreeMap<LogIdentity, View>, ()> {
    let shared: Arc<dyn Disk> = Arc::new(disk.clone());
    let folder =
        LogFolder::open(shared, Path::new(FOLDER), recover::options(0xaa)).map_err(|_| ())?;
    let open = |identity: &LogIdentity| {
        let log = folder.open_log(identity.clone(), Arc::clone(config), NOW_MS);
        let view = match log {
            Ok(log) => view_of(&log),
            Err(_) => View { noticed: true, ..View::default() },
        };
        (identity.clone(), view)
    };
    let views = live.iter().map(open).collect();
    // A folder that was moved aside is listed, and kept.
    let stray = |entry: &headwater_log::FolderEntry| entry.name.ends_with("-stray");
    let aside = disk.list(Path::new(FOLDER)).is_ok_and(|entries| entries.iter().any(stray));
    if aside { Err(()) } else { Ok(views) }
}

fn view_of(log: &Log) -> View {
    let (start, end) = (log.log_start(), log.log_end());
    let mut view = View { start: start.0, end: end.0, ..View::default() };
    let limit = ReadLimit { max_bytes: 300, at_least_one: true, upper: end };
    let mut at = start;
    while end.covers(at) {
        let Ok(read) = log.read(at, limit) else {
            view.noticed = true;
            break;
        };
        if read.bytes == 0 || read.next <= at {
            break;
        }
        for slice in &read.slices {
            let bytes = match slice {
                ReadSlice::Memory(memory) => memory.clone(),
                ReadSlice::File(file) => file.read(usize::MAX).unwrap_or_default(),
            };
            take_batches(&bytes, &mut view, log);
        }
        at = read.next;
    }
    view.first = view.batches.keys().next().copied().unwrap_or(end.0);
    view.producers =
        log.active_producers().iter().map(|producer| format!("{producer:?}")).collect();
    for later_ms in 0..40 {
        let timestamp = NOW_MS + later_ms;
        match log.offset_for_timestamp(timestamp, end) {
            Ok(found) => view.lookups.push(found.map(|found| found.offset.0)),
            Err(_) => view.noticed = true,
        }
    }
    if log.aborted_transactions(start..Offset(end.0)).is_err() {
        view.noticed = true;
    }
    let _ = log.last_stable(EndOffset(end.0));
    view
}

fn take_batches(bytes: &[u8], view: &mut View, log: &Log) {
    let mut rest = bytes;
    while let Some((base, size)) = base_and_size(rest) {
        let (batch, behind) = rest.split_at(size);
        rest = behind;
        let crc = crc_fast::checksum(crc_fast::CrcAlgorithm::Crc32Iscsi, &batch[21..]) as u32;
        if batch[16] != 2 || batch[17..21] != crc.to_be_bytes() {
            view.reader_notices = true;
            continue;
        }
        view.bodies.insert(hash(&batch[21..]), base);
        view.batches.insert(base, hash(batch));
        view.epochs.push(log.epoch_of(Offset(base.max(view.start))).map(|epoch| epoch.0));
    }
    // Half a batch, or none.
    view.reader_notices |= !rest.is_empty();
}
