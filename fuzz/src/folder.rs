//! A log folder whose files are not what was written into them.
//!
//! A folder is made by the log itself, a file or two of it are changed by the fuzzer's bytes, and
//! then it is opened as at a start. Whatever the bytes: no panic, no endless work, no allocation
//! beyond a bound, nothing served that fails its checksum; a second start finds what the first one
//! left, and what is appended after that is there at the third.

use bytes::Bytes;
use headwater_log::{
    AppendOptions, Disk, DiskTask, Fate, FolderError, FolderOptions, Log, LogConfig, LogFolder,
    LogIdentity, MemoryDisk, OpenError, OpenMode, Origin, PartitionCheckpoint, ReadError,
    ReadLimit, ReadSlice, SyncPlan, read_whole,
};
use headwater_protocol::records::{
    BatchBuilder, BatchOptions, EndTransactionMarker, NewRecord, ProducerStamp, ReceivedBatch,
    ReceivedBatches, ValidBatch, crc32c,
};
use headwater_types::{
    BrokerId, EndOffset, LeaderEpoch, Offset, PartitionIndex, ProducerEpoch, ProducerId, Uuid,
};
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, OnceLock};

const ROOT: &str = "/data";
const NOW_MS: i64 = 1_700_000_000_000;
/// Bytes of each of the journal's files: so few that both are used.
const JOURNAL_BYTES: u64 = 16 * 1024;
/// What an opened folder may allocate besides a multiple of its files: windows to read with.
const WORK_BYTES: usize = 192 << 20;

/// The files of a folder, by their path in it.
pub type Files = BTreeMap<String, Vec<u8>>;

/// How the folder was left.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Left {
    /// With the proof of a clean stop.
    Cleanly,
    /// The process was killed: everything that was written is there.
    Killed,
    /// The power went: only what was synced is there, much of it in the journal alone.
    Cut,
}

/// What a file that lies under a right checksum leaves to ask for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Forged {
    /// Everything.
    LikeAnyOther,
    /// That it is survived, and nothing wrong served: the checksum is what vouches for the rest.
    Survived,
}

const ALL: [Left; 3] = [Left::Cleanly, Left::Killed, Left::Cut];

/// Lets the bytes change files of a folder and opens it.
///
/// `chosen` are the files that may be changed, by the end of their path, and made up where the
/// folder has none; `sign` makes checksums and lengths right, where the bytes ask for it, so that
/// what lies behind them is reached, and `forged` is what then can be asked for.
pub fn changed(data: &[u8], chosen: &[&str], sign: fn(&mut Vec<u8>), forged: Forged) {
    let [left, which, how, rest @ ..] = data else { return };
    let mut files = folder(ALL[usize::from(*left) % ALL.len()]).clone();
    let names: Vec<String> = names(&files, chosen);
    let (one, two) = if how & 1 == 0 { (rest, None) } else { halves(rest) };
    change(&mut files, &names[usize::from(which & 15) % names.len()], how >> 1, one, sign);
    if let Some(two) = two {
        change(&mut files, &names[usize::from(which >> 4) % names.len()], how >> 4, two, sign);
    }
    let is_signed = how & 0b100 != 0 || two.is_some() && how & 0b10_0000 != 0;
    match forged {
        Forged::Survived if is_signed => {
            opened(&files);
        }
        _ => survives(&files),
    }
}

fn names(files: &Files, chosen: &[&str]) -> Vec<String> {
    let mut names = Vec::new();
    for end in chosen {
        let before = names.len();
        names.extend(files.keys().filter(|name| name.ends_with(end)).cloned());
        if names.len() == before {
            names.push((*end).to_owned());
        }
    }
    names
}

fn halves(bytes: &[u8]) -> (&[u8], Option<&[u8]>) {
    let (one, two) = bytes.split_at(bytes.len() / 2);
    (one, Some(two))
}

/// The low bits of `how`: whether the bytes stand in place of the file or change it here and there,
/// whether they are signed, and (both bits of the third and no bytes) whether the file is gone.
fn change(files: &mut Files, name: &str, how: u8, bytes: &[u8], sign: fn(&mut Vec<u8>)) {
    if how & 4 != 0 && bytes.is_empty() {
        files.remove(name);
        return;
    }
    let file = files.entry(name.to_owned()).or_default();
    if how & 1 == 0 {
        edit(file, bytes);
    } else {
        *file = bytes.to_vec();
    }
    if how & 2 != 0 {
        sign(file);
    }
}

/// Where (two bytes), what to do, and a byte for it; again and again.
fn edit(file: &mut Vec<u8>, edits: &[u8]) {
    for edit in edits.as_chunks::<4>().0 {
        let at = usize::from(u16::from_le_bytes([edit[0], edit[1]]));
        let at = if file.is_empty() { 0 } else { at % file.len() };
        let value = edit[3];
        match edit[2] % 6 {
            0 if at < file.len() => file[at] = value,
            1 if at < file.len() => file[at] ^= 1 << (value % 8),
            2 => file.truncate(at),
            3 => file.insert(at, value),
            4 => file.extend(std::iter::repeat_n(value, at)),
            // A piece of it once more.
            5 => file.extend_from_within(at..(at + usize::from(value)).min(file.len())),
            _ => {}
        }
    }
}

/// Opens a folder of these files, and everything in it, and demands that all is well.
pub fn survives(files: &Files) {
    let (disk, first) = opened(files);
    assert_same(&first, &look(&disk));
    append(&disk, &first);
}

fn opened(files: &Files) -> (MemoryDisk, Found) {
    let bytes: usize = files.values().map(Vec::len).sum();
    let disk = disk(files);
    let found = crate::within(WORK_BYTES + 64 * bytes, || look(&disk));
    (disk, found)
}

fn assert_same(first: &Found, second: &Found) {
    let (Ok(first), Ok(second)) = (&first.logs, &second.logs) else {
        return assert_eq!(first, second, "a second start finds something else");
    };
    for (name, first) in first {
        // After a clean stop more is refused than after a crash, and the second start is after one.
        if first.is_ok() {
            let second = second.get(name);
            assert_eq!(Some(first), second, "a second start finds something else in {name}");
        }
    }
}

/// What a start finds; the error's kind where the folder is refused.
#[derive(Debug, PartialEq, Eq)]
struct Found {
    logs: Result<BTreeMap<String, Result<Sight, &'static str>>, &'static str>,
}

/// A batch: its first offset, its bytes, and their checksum.
type Served = (i64, usize, u32);

/// What can be seen of a log.
#[derive(Debug, PartialEq, Eq)]
struct Sight {
    start: Offset,
    end: EndOffset,
    /// Where reading meets damage.
    damaged_at: Option<(Offset, String)>,
    batches: Vec<Served>,
    producers: Vec<(i64, i16, i32, Option<i64>)>,
    epoch: Option<LeaderEpoch>,
}

fn look(disk: &MemoryDisk) -> Found {
    let folder = match open_folder(disk) {
        Ok(folder) => folder,
        Err(error) => return Found { logs: Err(error) },
    };
    let opened = identities().into_iter().map(|identity| {
        let name = identity.folder_name();
        (name, open(&folder, identity).map(|log| sight(&log)))
    });
    Found { logs: Ok(opened.collect()) }
}

fn open_folder(disk: &MemoryDisk) -> Result<LogFolder, &'static str> {
    match LogFolder::open(Arc::new(disk.clone()), Path::new(ROOT), options()) {
        Ok(folder) => Ok(folder),
        Err(FolderError::Foreign { .. }) => Err("foreign"),
        // A file that is too long to be what it is named.
        Err(FolderError::Disk(_)) => Err("disk"),
        Err(error) => panic!("{error}"),
    }
}

fn open(folder: &LogFolder, identity: LogIdentity) -> Result<Log, &'static str> {
    match folder.open_log(identity, config(), NOW_MS) {
        Ok(log) => Ok(log),
        Err(OpenError::Damaged { .. }) => Err("damaged"),
        Err(OpenError::Disk(_)) => Err("disk"),
        Err(error) => panic!("{error}"),
    }
}

fn sight(log: &Log) -> Sight {
    assert!(log.log_start().as_end() <= log.log_end());
    let (batches, damaged_at) = read(log);
    // Whatever the indexes say, these must come to an end.
    let _ = log.offset_for_timestamp(NOW_MS + 3, log.log_end());
    let _ = log.max_timestamp();
    let _ = log.aborted_transactions(log.log_start()..Offset(log.log_end().0));
    let producers = log.active_producers().into_iter().map(|one| {
        let start = one.transaction_start.map(|start| start.0);
        (one.producer.0, one.epoch.0, one.last_sequence, start)
    });
    Sight {
        start: log.log_start(),
        end: log.log_end(),
        damaged_at,
        batches,
        producers: producers.collect(),
        epoch: log.latest_epoch(),
    }
}

/// Every batch that the log serves, up to damage, each checked.
fn read(log: &Log) -> (Vec<Served>, Option<(Offset, String)>) {
    let limit = ReadLimit { max_bytes: 700, at_least_one: true, upper: log.log_end() };
    let (mut at, mut batches) = (log.log_start(), Vec::new());
    while at.0 < log.log_end().0 {
        let read = match log.read(at, limit) {
            Ok(read) => read,
            Err(ReadError::Damaged(damage)) => {
                return (batches, Some((damage.offset, damage.to_string())));
            }
            Err(error) => panic!("{error}"),
        };
        assert!(read.bytes > 0 && read.next > at, "nothing at {at} of {}", log.log_end());
        let mut bytes = Vec::new();
        for slice in &read.slices {
            match slice {
                ReadSlice::Memory(memory) => bytes.extend_from_slice(memory),
                ReadSlice::File(file) => bytes.extend(file.read(usize::MAX).expect("its bytes")),
            }
        }
        let parsed = ReceivedBatches::parse_fetched(Bytes::from(bytes)).expect("whole batches");
        assert_eq!(parsed.partial_bytes, 0, "half a batch was served");
        for batch in &parsed.batches {
            batches.push(checked(batch));
        }
        at = read.next;
    }
    (batches, None)
}

fn checked(batch: &ReceivedBatch) -> Served {
    let bytes = batch.bytes();
    let stored = u32::from_be_bytes([bytes[17], bytes[18], bytes[19], bytes[20]]);
    assert_eq!(crc32c(&bytes[21..]), stored, "what is served has its checksum");
    let base = bytes.first_chunk().map_or(0, |base| i64::from_be_bytes(*base));
    (base, bytes.len(), stored)
}

/// Appends to what can be appended to, kills and starts again: it is there.
fn append(disk: &MemoryDisk, before: &Found) {
    let Ok(logs) = &before.logs else { return };
    let mut appended = BTreeMap::new();
    {
        let folder = open_folder(disk).expect("it was opened before");
        for identity in identities() {
            let name = identity.folder_name();
            let Some(Ok(_)) = logs.get(&name) else { continue };
            let mut log = open(&folder, identity).expect("it was opened before");
            let batch = vec![batch(BatchOptions::default(), 2)];
            let options = AppendOptions::default();
            let Ok(done) = log.append_as_leader(batch, LeaderEpoch(i32::MAX), NOW_MS, options)
            else {
                continue;
            };
            sync(&folder, &mut [&mut log]);
            let Sight { batches, damaged_at, .. } = sight(&log);
            assert_eq!(damaged_at, None, "a damaged log was appended to");
            appended.insert(name, (done.first, batches));
        }
    }
    let Found { logs: Ok(after) } = look(&disk.crash(|_| Fate::Lost)) else {
        panic!("the folder cannot be opened again");
    };
    for (name, (first, batches)) in appended {
        let Some(Ok(sight)) = after.get(&name) else { panic!("{name} cannot be opened again") };
        assert_eq!(sight.batches, batches, "{name} is not as it was");
        assert!(sight.end > first.as_end(), "{name} lost what was appended");
    }
}

fn disk(files: &Files) -> MemoryDisk {
    let disk = MemoryDisk::new();
    disk.create_folder(Path::new(ROOT)).expect("a folder");
    for (name, bytes) in files {
        let path = Path::new(ROOT).join(name);
        disk.create_folder(path.parent().expect("a folder")).expect("a folder");
        let file = disk.open(&path, OpenMode::Create).expect("a file");
        file.write_at(&[bytes], 0).expect("written");
    }
    // As it is found: nothing of it is unsynced.
    disk.crash(|_| Fate::Kept)
}

fn folder(left: Left) -> &'static Files {
    static MADE: OnceLock<BTreeMap<Left, Files>> = OnceLock::new();
    &MADE.get_or_init(|| ALL.into_iter().map(|left| (left, made(left))).collect())[&left]
}

/// A folder with two logs, which hold what each kind of file is made of.
fn made(left: Left) -> Files {
    let disk = MemoryDisk::new();
    let folder = LogFolder::open(Arc::new(disk.clone()), Path::new(ROOT), options());
    let folder = folder.expect("a new folder");
    let [mut orders, mut other] = identities()
        .map(|identity| folder.open_log(identity, config(), NOW_MS).expect("a new log"));
    for turn in 0..4 {
        fill(&mut orders, turn);
        fill(&mut other, turn);
        sync(&folder, &mut [&mut orders, &mut other]);
        if turn == 1 {
            folder.write_checkpoints(&checkpoints(&[&orders, &other])).expect("checkpoints");
        }
    }
    other.delete_records(Offset(2), other.log_end()).expect("its first records");
    let batch = vec![batch(BatchOptions::default(), 3)];
    orders
        .append_as_leader(batch, LeaderEpoch(5), NOW_MS, AppendOptions::default())
        .expect("appended");
    if left == Left::Cleanly {
        orders.close_clean().expect("closed");
        other.close_clean().expect("closed");
        folder.close_clean(&checkpoints(&[&orders, &other]), 7).expect("closed");
    }
    let lost = if left == Left::Cut { Fate::Lost } else { Fate::Kept };
    let found = disk.crash(|_| lost);
    let mut files = Files::new();
    collect(&found, Path::new(ROOT), &mut files);
    files
}

fn fill(log: &mut Log, turn: i32) {
    let (idempotent, transactional) = (ProducerId(100), ProducerId(200));
    let stamp =
        |id, base_sequence| Some(ProducerStamp { id, epoch: ProducerEpoch(0), base_sequence });
    let marker = EndTransactionMarker { commit: turn % 2 == 1, coordinator_epoch: 0 };
    let client = AppendOptions::default();
    let coordinator = AppendOptions { origin: Origin::Coordinator };
    let batches = [
        (batch(BatchOptions::default(), 5), client),
        (
            batch(BatchOptions { producer: stamp(idempotent, 2 * turn), ..Default::default() }, 2),
            client,
        ),
        (
            batch(
                BatchOptions {
                    producer: stamp(transactional, turn),
                    transactional: true,
                    ..Default::default()
                },
                1,
            ),
            client,
        ),
        (marker.to_batch(transactional, ProducerEpoch(0), NOW_MS).expect("a marker"), coordinator),
    ];
    for (batch, options) in batches {
        log.append_as_leader(vec![batch], LeaderEpoch(turn), NOW_MS, options).expect("appended");
    }
}

fn batch(options: BatchOptions, records: i64) -> ValidBatch {
    let mut builder = BatchBuilder::new(options);
    for at in 0..records {
        let record =
            NewRecord { timestamp: NOW_MS + at, value: Some(&[7; 40]), ..Default::default() };
        builder.push(record).expect("a record");
    }
    builder.finish().expect("a batch")
}

fn sync(folder: &LogFolder, logs: &mut [&mut Log]) {
    loop {
        let mut begun: Vec<(usize, SyncPlan)> = Vec::new();
        for (at, log) in logs.iter_mut().enumerate() {
            begun.extend(log.begin_sync().map(|plan| (at, plan)));
        }
        if begun.is_empty() {
            return;
        }
        let task: DiskTask = folder.commit_task(begun.iter().map(|(_, plan)| plan));
        let result = folder.disk().run(&task);
        for (at, plan) in begun {
            logs[at].complete_sync(plan, result.clone()).expect("synced");
        }
    }
}

fn checkpoints(logs: &[&Log]) -> Vec<(LogIdentity, PartitionCheckpoint)> {
    let of = |log: &&Log| {
        let checkpoint = PartitionCheckpoint {
            recovery_point: log.recovery_point(),
            log_start: log.log_start(),
            high_watermark: log.durable_end(),
        };
        (log.identity().clone(), checkpoint)
    };
    logs.iter().map(of).collect()
}

fn collect(disk: &MemoryDisk, at: &Path, into: &mut Files) {
    for entry in disk.list(at).expect("a folder") {
        let path = at.join(&entry.name);
        if entry.is_folder {
            collect(disk, &path, into);
        } else {
            let bytes = read_whole(disk, &path, u64::MAX).expect("a file").unwrap_or_default();
            let name = path.strip_prefix(ROOT).expect("below the root").display().to_string();
            into.insert(name, bytes.to_vec());
        }
    }
}

fn identities() -> [LogIdentity; 2] {
    [("orders", 7), ("other", 9)].map(|(topic, id)| LogIdentity {
        topic: topic.to_owned(),
        topic_id: Uuid([id; 16]),
        partition: PartitionIndex(0),
    })
}

fn options() -> FolderOptions {
    FolderOptions {
        journal_bytes: JOURNAL_BYTES,
        ..FolderOptions::new(BrokerId(1), Some("cluster".to_owned()), Uuid([3; 16]))
    }
}

fn config() -> Arc<LogConfig> {
    Arc::new(LogConfig {
        segment_bytes: 1500,
        index_interval_bytes: 150,
        retention_ms: None,
        segment_ms: i64::MAX,
        timestamp_after_max_ms: i64::MAX,
        journaled: true,
        ..LogConfig::default()
    })
}
