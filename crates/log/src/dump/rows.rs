//! The rows, and how Apache Kafka's tool prints them.

use bytes::Bytes;
use std::fmt;

/// One step through a `.log` file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LogRow {
    /// A batch.
    Batch(BatchRow),
    /// Bytes that are none; the last row.
    Broken(BrokenRow),
}

/// A batch of records, or a message of an old format.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BatchRow {
    /// Where it starts in the file, in bytes.
    pub position: u64,
    /// Bytes in all.
    pub size: usize,
    /// Offset of the first record.
    pub base_offset: i64,
    /// Offset of the last record.
    pub last_offset: i64,
    /// Number of records.
    pub count: i32,
    /// Sequence of the first record, or -1.
    pub base_sequence: i32,
    /// Sequence of the last record, or -1.
    pub last_sequence: i32,
    /// Producer id, or -1.
    pub producer_id: i64,
    /// Producer epoch, or -1.
    pub producer_epoch: i16,
    /// Epoch of the leader that appended it, or -1.
    pub partition_leader_epoch: i32,
    /// Whether it belongs to a transaction.
    pub is_transactional: bool,
    /// Whether it holds a control record.
    pub is_control: bool,
    /// When compaction may drop its tombstones.
    pub delete_horizon_ms: Option<i64>,
    /// Whether its timestamps are the broker's.
    pub is_log_append_time: bool,
    /// Largest timestamp.
    pub max_timestamp: i64,
    /// Format.
    pub magic: u8,
    /// Codec.
    pub codec: &'static str,
    /// Checksum as stored.
    pub crc: u32,
    /// Whether the checksum is right.
    pub is_valid: bool,
    /// The whole batch.
    pub bytes: Bytes,
}

/// What stands where a batch should.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BrokenRow {
    /// Where, in bytes.
    pub position: u64,
    /// Bytes from there to the file's end.
    pub bytes_left: u64,
    /// What is wrong.
    pub problem: String,
}

/// A record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecordRow {
    /// Where it stands.
    pub offset: i64,
    /// Its timestamp in ms.
    pub timestamp: i64,
    /// Whether that is the broker's.
    pub is_log_append_time: bool,
    /// Its sequence, or -1.
    pub sequence: i32,
    /// Key.
    pub key: Option<Bytes>,
    /// Value.
    pub value: Option<Bytes>,
    /// Headers.
    pub headers: Vec<HeaderRow>,
    /// What it says, when it is a control record.
    pub control: Option<ControlRow>,
}

/// A record's header.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HeaderRow {
    /// Name.
    pub key: Bytes,
    /// Value.
    pub value: Option<Bytes>,
}

/// What a control record says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ControlRow {
    /// The end of a transaction.
    EndTransaction {
        /// Committed, or aborted.
        committed: bool,
        /// Epoch of the coordinator.
        coordinator_epoch: i32,
    },
    /// Another kind, by its number.
    Other(i16),
}

/// An entry of an `.index` file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OffsetIndexRow {
    /// Last offset of what starts there.
    pub offset: i64,
    /// Position in the log file.
    pub position: u32,
}

/// An entry of a `.timeindex` file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TimeIndexRow {
    /// Largest timestamp so far.
    pub timestamp: i64,
    /// Last offset of the batch that has it.
    pub offset: i64,
}

/// An entry of a `.txnindex` file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TxnIndexRow {
    /// Whose transaction was aborted.
    pub producer_id: i64,
    /// Its first record.
    pub first_offset: i64,
    /// Its marker.
    pub last_offset: i64,
    /// The last stable offset then.
    pub last_stable_offset: i64,
}

/// An entry of a `.snapshot` file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ProducerRow {
    /// Who.
    pub producer_id: i64,
    /// Its latest epoch.
    pub producer_epoch: i16,
    /// Epoch of the coordinator that wrote its last marker, or -1.
    pub coordinator_epoch: i32,
    /// Where its open transaction begins.
    pub current_txn_first_offset: Option<i64>,
    /// Sequence of the first record of its last batch, or -1.
    pub first_sequence: i32,
    /// Sequence of the last record of its last batch, or -1.
    pub last_sequence: i32,
    /// Offset of that record, or -1.
    pub last_offset: i64,
    /// Offsets from the batch's first record to its last.
    pub offset_delta: i32,
    /// Timestamp of its last batch or marker.
    pub timestamp: i64,
}

/// A line of `leader-epoch-checkpoint`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EpochRow {
    /// The epoch.
    pub epoch: i32,
    /// Its first offset.
    pub start_offset: i64,
}

/// `OptionalLong` as Java prints it.
struct OptionalLong(Option<i64>);

impl fmt::Display for OptionalLong {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(value) => write!(f, "OptionalLong[{value}]"),
            None => f.write_str("OptionalLong.empty"),
        }
    }
}

fn time_name(is_log_append_time: bool) -> &'static str {
    if is_log_append_time { "LogAppendTime" } else { "CreateTime" }
}

impl fmt::Display for BatchRow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.magic >= 2 {
            write!(
                f,
                "baseOffset: {} lastOffset: {} count: {} baseSequence: {} lastSequence: {} \
                 producerId: {} producerEpoch: {} partitionLeaderEpoch: {} isTransactional: {} \
                 isControl: {} deleteHorizonMs: {}",
                self.base_offset,
                self.last_offset,
                self.count,
                self.base_sequence,
                self.last_sequence,
                self.producer_id,
                self.producer_epoch,
                self.partition_leader_epoch,
                self.is_transactional,
                self.is_control,
                OptionalLong(self.delete_horizon_ms),
            )?;
        } else {
            write!(f, "offset: {}", self.last_offset)?;
        }
        write!(
            f,
            " position: {} {}: {} size: {} magic: {} compresscodec: {} crc: {} isvalid: {}",
            self.position,
            time_name(self.is_log_append_time),
            self.max_timestamp,
            self.size,
            self.magic,
            self.codec,
            self.crc,
            self.is_valid,
        )
    }
}

impl fmt::Display for BrokenRow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { position, bytes_left, problem } = self;
        write!(f, "Found {bytes_left} invalid bytes at position {position}: {problem}")
    }
}

impl fmt::Display for RecordRow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let size = |bytes: &Option<Bytes>| bytes.as_ref().map_or(-1, |bytes| bytes.len() as i64);
        write!(
            f,
            "| offset: {} {}: {} keySize: {} valueSize: {} sequence: {} headerKeys: [{}]",
            self.offset,
            time_name(self.is_log_append_time),
            self.timestamp,
            size(&self.key),
            size(&self.value),
            self.sequence,
            self.headers
                .iter()
                .map(|header| String::from_utf8_lossy(&header.key))
                .collect::<Vec<_>>()
                .join(","),
        )?;
        match &self.control {
            Some(ControlRow::EndTransaction { committed, coordinator_epoch }) => write!(
                f,
                " endTxnMarker: {} coordinatorEpoch: {coordinator_epoch}",
                if *committed { "COMMIT" } else { "ABORT" }
            ),
            Some(ControlRow::Other(kind)) => write!(f, " controlType: {kind}"),
            None => {
                if let Some(key) = &self.key {
                    write!(f, " key: {}", String::from_utf8_lossy(key))?;
                }
                match &self.value {
                    Some(value) => write!(f, " payload: {}", String::from_utf8_lossy(value)),
                    None => Ok(()),
                }
            }
        }
    }
}

impl fmt::Display for OffsetIndexRow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "offset: {} position: {}", self.offset, self.position)
    }
}

impl fmt::Display for TimeIndexRow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "timestamp: {} offset: {}", self.timestamp, self.offset)
    }
}

impl fmt::Display for TxnIndexRow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "version: 0 producerId: {} firstOffset: {} lastOffset: {} lastStableOffset: {}",
            self.producer_id, self.first_offset, self.last_offset, self.last_stable_offset
        )
    }
}

impl fmt::Display for ProducerRow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "producerId: {} producerEpoch: {} coordinatorEpoch: {} currentTxnFirstOffset: {} \
             lastTimestamp: {}",
            self.producer_id,
            self.producer_epoch,
            self.coordinator_epoch,
            OptionalLong(self.current_txn_first_offset),
            self.timestamp,
        )?;
        if self.last_offset < 0 {
            return Ok(());
        }
        write!(
            f,
            " firstSequence: {} lastSequence: {} lastOffset: {} offsetDelta: {} timestamp: {}",
            self.first_sequence,
            self.last_sequence,
            self.last_offset,
            self.offset_delta,
            self.timestamp
        )
    }
}

impl fmt::Display for EpochRow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "epoch: {} startOffset: {}", self.epoch, self.start_offset)
    }
}
