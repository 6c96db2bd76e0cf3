//! Where Raft's entries last: a partition's log in Kafka's format.

use super::StorageError;
use super::batch;
use crate::core::{ENTRY_BYTES_MAX, LogEntry, UNCOMMITTED_BYTES_MAX};
use bytes::{Bytes, BytesMut};
use headwater_log::{
    AppendOptions, Disk, Log, LogConfig, LogIdentity, OpenKind, Origin, ReadLimit, ReadSlice,
};
use headwater_types::{EndOffset, LeaderEpoch, Offset, PartitionIndex, Uuid};
use std::path::Path;
use std::sync::Arc;

/// The topic that the folder is named after, as in Kafka.
pub const METADATA_TOPIC: &str = "__cluster_metadata";

/// Kafka's fixed id of that topic.
pub const METADATA_TOPIC_ID: Uuid = Uuid([0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1]);

/// Bytes of one segment. Every snapshot begins a new one, so they are small all the same; but what
/// is appended at once must fit.
const SEGMENT_BYTES: u32 = 1 << 30;

/// Bytes of one batch: the largest entry and what frames it.
const BATCH_BYTES_MAX: u32 = ENTRY_BYTES_MAX as u32 + 1024;

const _: () = assert!(UNCOMMITTED_BYTES_MAX + (ENTRY_BYTES_MAX as u64) < SEGMENT_BYTES as u64 / 2);

/// Bytes read at a time at start.
const READ_BYTES: usize = 4 * 1024 * 1024;

/// The log of the metadata partition.
#[derive(Debug)]
pub(super) struct EntryLog {
    disk: Arc<dyn Disk>,
    log: Log,
}

impl EntryLog {
    /// Opens the log; all of it is checked.
    pub(super) fn open(
        disk: Arc<dyn Disk>,
        folder: &Path,
        now_ms: i64,
    ) -> Result<Self, StorageError> {
        let identity = LogIdentity {
            topic: METADATA_TOPIC.to_owned(),
            topic_id: METADATA_TOPIC_ID,
            partition: PartitionIndex(0),
        };
        let config = LogConfig {
            segment_bytes: SEGMENT_BYTES,
            segment_ms: i64::MAX,
            retention_ms: None,
            retention_bytes: None,
            max_message_bytes: BATCH_BYTES_MAX,
            timestamp_after_max_ms: i64::MAX,
            file_delete_delay_ms: 0,
            ..LogConfig::default()
        };
        let log = Log::open(
            Arc::clone(&disk),
            folder,
            identity,
            Arc::new(config),
            now_ms,
            OpenKind::UNKNOWN,
        )?;
        Ok(Self { disk, log })
    }

    /// The index of the first entry that is there, and of the one that would come next.
    pub(super) fn range(&self) -> (u64, u64) {
        (index_of(self.log.log_start()), index_of(self.log.log_end().next()))
    }

    /// Reads all entries from an index on.
    pub(super) fn read_from(&self, index: u64) -> Result<Vec<LogEntry>, StorageError> {
        let mut entries = Vec::new();
        let (first, next) = self.range();
        let mut from = Offset(offset_of(index.max(first)));
        let upper = self.log.log_end();
        while from < Offset(offset_of(next)) {
            let limit = ReadLimit { max_bytes: READ_BYTES, at_least_one: true, upper };
            let read = self.log.read(from, limit)?;
            if read.next <= from {
                break;
            }
            let found = batch::decode(join(read.slices)?)?;
            entries.extend(found.into_iter().filter(|entry| entry.index >= index));
            from = read.next;
        }
        Ok(entries)
    }

    /// Appends entries and makes them durable; what is there from the first one's index on is cut
    /// off before.
    pub(super) fn append(&mut self, entries: &[LogEntry], now_ms: i64) -> Result<(), StorageError> {
        let Some(first) = entries.first() else { return Ok(()) };
        let (_, next) = self.range();
        if first.index < next {
            self.log.truncate_to(EndOffset(offset_of(first.index)), now_ms)?;
        }
        let mut rest = entries;
        while let Some(head) = rest.first() {
            let same_term = rest.iter().take_while(|entry| entry.term == head.term).count();
            let (run, later) = rest.split_at_checked(same_term).unwrap_or((rest, &[]));
            let batches = run.iter().map(|entry| batch::encode(entry, now_ms));
            let batches = batches.collect::<Result<_, _>>()?;
            let options = AppendOptions { origin: Origin::Coordinator };
            let appended = self.log.append_as_leader(batches, epoch(head.term), now_ms, options)?;
            if appended.first != head.offset() {
                return Err(StorageError::Misplaced {
                    expected: head.index,
                    found: index_of(appended.first),
                });
            }
            rest = later;
        }
        self.sync()
    }

    fn sync(&mut self) -> Result<(), StorageError> {
        while let Some(plan) = self.log.begin_sync() {
            let result = plan.run(&*self.disk);
            self.log.complete_sync(plan, result)?;
        }
        Ok(())
    }

    /// Starts the log anew behind an entry.
    pub(super) fn restart_behind(&mut self, index: u64, now_ms: i64) -> Result<(), StorageError> {
        let start = Offset(offset_of(index.saturating_add(1)));
        self.log.truncate_fully_and_start_at(start, now_ms)?;
        Ok(())
    }

    /// Begins a new segment: what is in those before can be deleted as a whole.
    pub(super) fn roll(&mut self, now_ms: i64) -> Result<(), StorageError> {
        Ok(self.log.roll(now_ms)?)
    }

    /// Deletes segments that hold nothing behind an entry.
    pub(super) fn delete_to(&mut self, index: u64, now_ms: i64) -> Result<(), StorageError> {
        let before = Offset(offset_of(index.saturating_add(1)));
        let end = self.log.log_end();
        if before <= self.log.log_start() || before > end.next() {
            return Ok(());
        }
        self.log.delete_records(before, end)?;
        self.log.apply_retention(now_ms, end)?;
        // Once more: what the first call took out, the second one removes.
        self.log.apply_retention(now_ms, end)?;
        Ok(())
    }

    /// Bytes of all segments.
    pub(super) fn size_bytes(&self) -> u64 {
        self.log.size_bytes()
    }

    /// Leaves the files as a clean start likes to find them.
    pub(super) fn close(&mut self) -> Result<(), StorageError> {
        self.sync()?;
        self.log.close_clean()?;
        Ok(())
    }
}

fn index_of(offset: Offset) -> u64 {
    u64::try_from(offset.0).unwrap_or(0).saturating_add(1)
}

fn offset_of(index: u64) -> i64 {
    i64::try_from(index).unwrap_or(i64::MAX).saturating_sub(1)
}

fn epoch(term: u64) -> LeaderEpoch {
    LeaderEpoch(i32::try_from(term).unwrap_or(i32::MAX))
}

fn join(slices: Vec<ReadSlice>) -> Result<Bytes, StorageError> {
    let mut bytes = BytesMut::new();
    for slice in slices {
        match slice {
            ReadSlice::Memory(part) => bytes.extend_from_slice(&part),
            ReadSlice::File(part) => {
                let mut buffer = vec![0; part.length as usize];
                let read = part.file.read_at(&mut buffer, part.position)?;
                buffer.truncate(read);
                bytes.extend_from_slice(&buffer);
            }
        }
    }
    Ok(bytes.freeze())
}
