//! What this crate takes from the codec, in one place.

use bytes::Bytes;
use headwater_types::{LeaderEpoch, Offset};

/// The header of a record batch (format v2).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BatchHeader {
    /// Offset of the first record.
    pub base_offset: i64,
    /// Bytes after this field.
    pub batch_length: i32,
    /// Epoch of the leader that appended it.
    pub partition_leader_epoch: i32,
    /// Format, 2.
    pub magic: i8,
    /// CRC-32C from the attributes on.
    pub crc: u32,
    /// Flags.
    pub attributes: i16,
    /// Offset of the last record less that of the first.
    pub last_offset_delta: i32,
    /// Timestamp of the first record.
    pub base_timestamp: i64,
    /// Largest timestamp.
    pub max_timestamp: i64,
    /// Producer id, or -1.
    pub producer_id: i64,
    /// Producer epoch, or -1.
    pub producer_epoch: i16,
    /// Sequence of the first record, or -1.
    pub base_sequence: i32,
    /// Number of records.
    pub records_count: i32,
}

/// A batch whose header and CRC were checked.
#[derive(Clone, Debug)]
pub struct ValidBatch {
    /// Its header.
    pub header: BatchHeader,
    /// The whole batch, header included.
    pub bytes: Bytes,
}

/// A batch that has its place in a log.
#[derive(Clone, Debug)]
pub struct AppendedBatch {
    /// Base offset, length and leader epoch.
    pub prefix: [u8; 16],
    /// From the magic byte on.
    pub rest: Bytes,
}

impl ValidBatch {
    /// Gives the batch its place, without touching record bytes.
    pub fn with_place(&self, base: Offset, epoch: LeaderEpoch) -> AppendedBatch {
        let mut prefix = [0; 16];
        let base = base.0.to_be_bytes();
        let length = self.header.batch_length.to_be_bytes();
        let epoch = epoch.0.to_be_bytes();
        for (target, byte) in prefix.iter_mut().zip(base.into_iter().chain(length).chain(epoch)) {
            *target = byte;
        }
        AppendedBatch { prefix, rest: self.bytes.slice(16.min(self.bytes.len())..) }
    }
}

/// Decompresses records, to at most `limit_bytes`.
pub(crate) fn decompress(
    codec: i16,
    _records: &Bytes,
    _limit_bytes: usize,
) -> Result<Bytes, String> {
    Err(format!("codec {codec} is not known"))
}
