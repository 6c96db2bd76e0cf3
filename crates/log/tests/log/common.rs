//! Makes batches and logs for tests.

use bytes::Bytes;
use headwater_log::*;
use headwater_protocol::records::{BatchLimits, ReceivedBatches, ValidBatch};
use headwater_types::*;
use std::path::{Path, PathBuf};
use std::sync::Arc;

pub const T0: i64 = 1_700_000_000_000;

/// What a batch is to be like.
#[derive(Clone, Debug)]
pub struct Spec {
    pub base: i64,
    pub epoch: i32,
    /// Timestamp and value size of each record.
    pub records: Vec<(i64, usize)>,
    /// Id, epoch, first sequence.
    pub producer: Option<(i64, i16, i32)>,
    pub attributes: i16,
    pub keys: bool,
    /// Instead of records: abort (0) or commit (1), and the coordinator's epoch.
    pub marker: Option<(i16, i32)>,
}

impl Default for Spec {
    fn default() -> Self {
        Self {
            base: 0,
            epoch: -1,
            records: vec![(T0, 10)],
            producer: None,
            attributes: 0,
            keys: true,
            marker: None,
        }
    }
}

pub fn records(count: usize, size: usize) -> Spec {
    Spec { records: vec![(T0, size); count], ..Spec::default() }
}

pub fn from_producer(id: i64, epoch: i16, sequence: i32, count: usize) -> Spec {
    Spec { producer: Some((id, epoch, sequence)), ..records(count, 10) }
}

pub fn transactional(id: i64, epoch: i16, sequence: i32, count: usize) -> Spec {
    Spec { attributes: 0x10, ..from_producer(id, epoch, sequence, count) }
}

pub fn marker(id: i64, epoch: i16, kind: i16, coordinator: i32) -> Spec {
    let marker = Some((kind, coordinator));
    Spec { attributes: 0x30, producer: Some((id, epoch, -1)), marker, ..records(1, 0) }
}

fn varint(into: &mut Vec<u8>, value: i64) {
    let mut rest = ((value << 1) ^ (value >> 63)) as u64;
    while rest >= 0x80 {
        into.push(rest as u8 | 0x80);
        rest >>= 7;
    }
    into.push(rest as u8);
}

impl Spec {
    pub fn bytes(&self) -> Bytes {
        let base_timestamp = self.records[0].0;
        let max_timestamp = self.records.iter().map(|record| record.0).max().unwrap();
        let mut body = Vec::new();
        for (delta, (timestamp, size)) in self.records.iter().enumerate() {
            let mut record = vec![0];
            varint(&mut record, timestamp - base_timestamp);
            varint(&mut record, delta as i64);
            let (key, value) = match self.marker {
                Some((kind, epoch)) => (
                    Some([0i16.to_be_bytes(), kind.to_be_bytes()].concat()),
                    [0i16.to_be_bytes().as_slice(), &epoch.to_be_bytes()].concat(),
                ),
                None => (self.keys.then(|| b"key".to_vec()), vec![b'v'; *size]),
            };
            match key {
                Some(key) => {
                    varint(&mut record, key.len() as i64);
                    record.extend(key);
                }
                None => varint(&mut record, -1),
            }
            varint(&mut record, value.len() as i64);
            record.extend(value);
            varint(&mut record, 0);
            varint(&mut body, record.len() as i64);
            body.extend(record);
        }
        let count = self.records.len() as i32;
        let (id, epoch, sequence) = self.producer.unwrap_or((-1, -1, -1));
        let mut checked = Vec::new();
        checked.extend(self.attributes.to_be_bytes());
        checked.extend((count - 1).to_be_bytes());
        checked.extend(base_timestamp.to_be_bytes());
        checked.extend(max_timestamp.to_be_bytes());
        checked.extend(id.to_be_bytes());
        checked.extend(epoch.to_be_bytes());
        checked.extend(sequence.to_be_bytes());
        checked.extend(count.to_be_bytes());
        checked.extend(body);
        let crc = crc_fast::checksum(crc_fast::CrcAlgorithm::Crc32Iscsi, &checked) as u32;
        let mut bytes = Vec::new();
        bytes.extend(self.base.to_be_bytes());
        bytes.extend((checked.len() as i32 + 9).to_be_bytes());
        bytes.extend(self.epoch.to_be_bytes());
        bytes.push(2);
        bytes.extend(crc.to_be_bytes());
        bytes.extend(checked);
        Bytes::from(bytes)
    }

    pub fn valid(&self) -> ValidBatch {
        valid(self.bytes())
    }

    /// The bytes as they stand in a log.
    pub fn placed(&self, base: i64, epoch: i32) -> Bytes {
        Spec { base, epoch, ..self.clone() }.bytes()
    }
}

pub fn valid(bytes: Bytes) -> ValidBatch {
    let mut batches = ReceivedBatches::parse(bytes, BatchLimits::NONE).unwrap();
    batches.pop().unwrap().validate().unwrap()
}

pub fn identity() -> LogIdentity {
    LogIdentity { topic: "orders".into(), topic_id: Uuid([7; 16]), partition: PartitionIndex(3) }
}

/// Small segments, frequent index entries.
pub fn small() -> LogConfig {
    LogConfig {
        segment_bytes: 2000,
        index_interval_bytes: 150,
        retention_ms: None,
        segment_ms: i64::MAX,
        timestamp_after_max_ms: i64::MAX,
        ..LogConfig::default()
    }
}

pub fn memory_disk() -> MemoryDisk {
    let disk = MemoryDisk::new();
    disk.create_folder(Path::new("/data")).unwrap();
    disk.crash(|_| Fate::Kept)
}

pub fn folder() -> PathBuf {
    PathBuf::from("/data/orders-3")
}

pub fn open_on(disk: &MemoryDisk, config: LogConfig, kind: OpenKind) -> Result<Log, OpenError> {
    let disk: Arc<dyn Disk> = Arc::new(disk.clone());
    Log::open(disk, &folder(), identity(), Arc::new(config), T0, kind)
}

pub fn new_log(config: LogConfig) -> (MemoryDisk, Log) {
    let disk = memory_disk();
    let log = open_on(&disk, config, OpenKind::UNKNOWN).unwrap();
    (disk, log)
}

pub fn append(log: &mut Log, spec: &Spec) -> Result<Appended, AppendError> {
    let origin = if spec.marker.is_some() { Origin::Coordinator } else { Origin::Client };
    let options = AppendOptions { origin };
    log.append_as_leader(vec![spec.valid()], LeaderEpoch(0), T0, options)
}

pub fn sync(log: &mut Log, disk: &dyn Disk) {
    while let Some(plan) = log.begin_sync() {
        let result = plan.run(disk);
        log.complete_sync(plan, result).unwrap();
    }
    assert_eq!(log.durable_end(), log.log_end());
}

pub fn bytes_of(read: &Read) -> Vec<u8> {
    let mut bytes = Vec::new();
    for slice in &read.slices {
        match slice {
            ReadSlice::Memory(memory) => bytes.extend_from_slice(memory),
            ReadSlice::File(file) => bytes.extend_from_slice(&file.read(usize::MAX).unwrap()),
        }
    }
    assert_eq!(bytes.len(), read.bytes);
    bytes
}

/// Everything from an offset to the end.
pub fn read_all(log: &Log, from: Offset) -> Vec<u8> {
    let limit = ReadLimit { max_bytes: 700, at_least_one: true, upper: log.log_end() };
    let mut at = from;
    let mut bytes = Vec::new();
    while log.log_end().covers(at) {
        let read = log.read(at, limit).unwrap();
        assert!(read.bytes > 0, "nothing at {at} of {}", log.log_end());
        assert!(read.next > at);
        bytes.extend(bytes_of(&read));
        at = read.next;
    }
    bytes
}
