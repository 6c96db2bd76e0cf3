//! Opening a folder as a broker does after a crash, reading all of it, and what must hold of what
//! is found whatever had been written: nothing panics, nothing is refused, and what the log keeps
//! beside its records says what the records say.

use crate::model::{Found, FoundLog, Placed};
use crate::producers::{Producers, base_and_size, last_offset, leader_epoch};
use headwater_log::{
    Disk, FolderOptions, Log, LogConfig, LogFolder, LogIdentity, MemoryDisk, ReadLimit, ReadSlice,
};
use headwater_types::{BrokerId, EndOffset, LeaderEpoch, Offset, TopicId, Uuid};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;

pub const FOLDER: &str = "/data";
pub const NOW_MS: i64 = 1_700_000_000_000;

/// An opened folder with its logs.
pub struct Opened {
    pub folder: LogFolder,
    pub logs: BTreeMap<LogIdentity, Log>,
    pub found: Found,
}

/// How to open a folder whose id would be `id` if it has none yet.
pub fn options(id: u8) -> FolderOptions {
    FolderOptions {
        node: BrokerId(1),
        cluster_id: None,
        new_directory_id: Uuid([id; 16]),
        // As small as it may be, so that it goes round.
        journal_bytes: 1,
    }
}

/// Opens a folder and the logs of the topics that exist.
pub fn open(
    disk: &MemoryDisk,
    live: &[LogIdentity],
    config: &Arc<LogConfig>,
    id: u8,
) -> Result<Opened, String> {
    let shared: Arc<dyn Disk> = Arc::new(disk.clone());
    let folder = LogFolder::open(shared, Path::new(FOLDER), options(id))
        .map_err(|error| format!("opening the folder: {error}"))?;
    let partitions = folder
        .found()
        .iter()
        .filter_map(|found| Some((found.topic_id?, found.partition)))
        .collect();
    let mut logs = BTreeMap::new();
    let mut found = BTreeMap::new();
    for identity in live {
        let log = folder
            .open_log(identity.clone(), Arc::clone(config), NOW_MS)
            .map_err(|error| format!("opening {}: {error}", identity.folder_name()))?;
        let read =
            read_log(&log).map_err(|problem| format!("{}: {problem}", identity.folder_name()))?;
        found.insert(identity.clone(), read);
        logs.insert(identity.clone(), log);
    }
    let found = Found {
        directory_id: folder.directory_id(),
        cluster_id: folder.cluster_id(),
        logs: found,
        partitions,
        folders: topics(disk)?,
    };
    Ok(Opened { folder, logs, found })
}

/// The topics that any folder within the log folder belongs to.
fn topics(disk: &MemoryDisk) -> Result<BTreeSet<TopicId>, String> {
    let entries = disk.list(Path::new(FOLDER)).map_err(|error| error.to_string())?;
    let mut topics = BTreeSet::new();
    for entry in entries.iter().filter(|entry| entry.is_folder) {
        let path = Path::new(FOLDER).join(&entry.name).join("partition.metadata");
        let bytes = headwater_log::read_whole(disk, &path, 4096).map_err(|e| e.to_string())?;
        let text = String::from_utf8_lossy(&bytes.unwrap_or_default()).into_owned();
        topics.extend(
            text.split_once("topic_id: ").and_then(|(_, id)| id.trim().parse::<TopicId>().ok()),
        );
    }
    Ok(topics)
}

/// Reads all of a log, and checks what it keeps beside its records.
pub fn read_log(log: &Log) -> Result<FoundLog, String> {
    let (start, end) = (log.log_start(), log.log_end());
    if log.durable_end() != end {
        return Err(format!("opened, it is durable to {} of {end}", log.durable_end()));
    }
    let bytes = read_from(log, start)?;
    let mut batches = Vec::new();
    let mut producers = Producers::default();
    let mut rest = bytes.as_slice();
    while !rest.is_empty() {
        let (base, size) = base_and_size(rest).ok_or("what is read is no batch")?;
        let (batch, behind) = rest.split_at(size);
        let last = last_offset(batch);
        batches.push(Placed { base, last, hash: hash(batch) });
        producers.add(batch);
        let epoch = log.epoch_of(Offset(base.max(start.0)));
        if epoch != Some(LeaderEpoch(leader_epoch(batch))) {
            let written = leader_epoch(batch);
            return Err(format!("the epoch at {base} is {epoch:?}, not {written}"));
        }
        rest = behind;
    }
    if let Some(middle) = batches.get(batches.len() / 2) {
        // By way of the index.
        let read = read_from(log, Offset(middle.last.max(start.0)))?;
        if !bytes.ends_with(&read) || base_and_size(&read).map(|at| at.0) != Some(middle.base) {
            return Err(format!("a read from {} gives something else", middle.last));
        }
    }
    check_producers(log, &producers)?;
    Ok(FoundLog { start: start.0, end: end.0, batches })
}

fn read_from(log: &Log, from: Offset) -> Result<Vec<u8>, String> {
    let limit = ReadLimit { max_bytes: 1 << 20, at_least_one: true, upper: log.log_end() };
    let mut at = from;
    let mut bytes = Vec::new();
    while log.log_end().covers(at) {
        let read = log.read(at, limit).map_err(|error| format!("reading at {at}: {error}"))?;
        if read.bytes == 0 || read.next <= at {
            return Err(format!("nothing is read at {at} of {}", log.log_end()));
        }
        for slice in &read.slices {
            match slice {
                ReadSlice::Memory(memory) => bytes.extend_from_slice(memory),
                ReadSlice::File(file) => {
                    let read = file.read(usize::MAX).map_err(|error| error.to_string())?;
                    bytes.extend_from_slice(&read);
                }
            }
        }
        at = read.next;
    }
    Ok(bytes)
}

/// Compares the producers, the open and the aborted transactions with what the batches say. Where
/// the front of the log is gone, the log may know more.
fn check_producers(log: &Log, expected: &Producers) -> Result<(), String> {
    let whole = log.log_start() == Offset(0);
    let found = log.active_producers();
    if whole && found.len() != expected.by_id.len() {
        return Err(format!("{} producers, not {}", found.len(), expected.by_id.len()));
    }
    for (id, producer) in &expected.by_id {
        let Some(found) = found.iter().find(|found| found.producer.0 == *id) else {
            return Err(format!("producer {id} is not known"));
        };
        let start = found.transaction_start.map(|start| start.0);
        let same = found.epoch.0 == producer.epoch
            && found.last_sequence == producer.last_sequence
            && found.last_timestamp == producer.last_timestamp
            && (!whole || found.coordinator_epoch == producer.coordinator_epoch)
            && (!whole || start == producer.transaction_start);
        if !same && (whole || producer.last_sequence >= 0) {
            return Err(format!("producer {id} is {found:?}, not {producer:?}"));
        }
    }
    if !whole {
        return Ok(());
    }
    let stable = log.last_stable(log.log_end());
    let expected_stable = expected.first_open().map_or(log.log_end(), EndOffset);
    if stable != expected_stable {
        return Err(format!("the last stable offset is {stable}, not {expected_stable}"));
    }
    let aborted = log
        .aborted_transactions(Offset(0)..Offset(log.log_end().0))
        .map_err(|error| format!("aborted transactions: {error}"))?;
    let same = aborted.len() == expected.aborted.len()
        && aborted.iter().zip(&expected.aborted).all(|(found, expected)| {
            (found.producer.0, found.first.0, found.last.0)
                == (expected.producer, expected.first, expected.last)
        });
    if !same {
        return Err(format!("aborted are {aborted:?}, not {:?}", expected.aborted));
    }
    Ok(())
}

/// FNV with a finish: the batches are few and small.
pub fn hash(bytes: &[u8]) -> u64 {
    let fold = |mixed: u64, byte: &u8| (mixed ^ u64::from(*byte)).wrapping_mul(0x100_0000_01b3);
    let mixed = bytes.iter().fold(0xcbf2_9ce4_8422_2325, fold);
    (mixed ^ (mixed >> 32)).wrapping_mul(0x9e37_79b9_7f4a_7c15)
}
