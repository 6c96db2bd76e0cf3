//! One Raft entry as one Kafka batch of one record.
//!
//! The batch is not compressed: base offset = index - 1, leader epoch = term. The record's value is
//! the entry's data; it has no key, or one byte that names the kind where that is not metadata. So
//! Kafka's own tools can list the metadata log, if not understand it.

use crate::core::{EntryKind, LogEntry};
use bytes::Bytes;
use headwater_protocol::records::{
    BatchBuilder, BatchError as CodecError, BatchLimits, BatchOptions, Codec, NewRecord,
    ReceivedBatches, ValidBatch,
};

/// A batch that holds no entry.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum BatchError {
    /// It is no batch, or its checksum is wrong.
    #[error(transparent)]
    Codec(#[from] CodecError),
    /// It was not written by us.
    #[error("a batch that is no Raft entry: {0}")]
    Foreign(&'static str),
}

/// The batch of an entry.
pub(super) fn encode(entry: &LogEntry, now_ms: i64) -> Result<ValidBatch, BatchError> {
    let options = BatchOptions {
        compression: Codec::None.into(),
        base_offset: entry.offset(),
        leader_epoch: entry.position().epoch,
        ..BatchOptions::default()
    };
    let kind = [entry.kind as u8];
    let key = match entry.kind {
        EntryKind::Metadata => None,
        EntryKind::Voters | EntryKind::VotersJoint => Some(&kind[..]),
    };
    let record = NewRecord { timestamp: now_ms, key, value: Some(&entry.data), headers: &[] };
    let mut builder = BatchBuilder::new(options);
    builder.push(record)?;
    Ok(builder.finish()?)
}

/// The entries of a run of batches.
pub(super) fn decode(bytes: Bytes) -> Result<Vec<LogEntry>, BatchError> {
    let batches = ReceivedBatches::parse(bytes, BatchLimits::NONE)?;
    batches.into_iter().map(|batch| decode_one(&batch.validate()?)).collect()
}

fn decode_one(batch: &ValidBatch) -> Result<LogEntry, BatchError> {
    let foreign = BatchError::Foreign;
    if batch.codec() != Codec::None {
        return Err(foreign("it is compressed"));
    }
    let mut records = batch.records(0)?.into_iter();
    let (Some(record), None) = (records.next(), records.next()) else {
        return Err(foreign("it holds not just one record"));
    };
    let record = record?;
    let kind = match record.key.as_deref() {
        None => EntryKind::Metadata,
        Some(&[code]) => EntryKind::from_code(code.into()).ok_or(foreign("its key is unknown"))?,
        Some(_) => return Err(foreign("its key is unknown")),
    };
    let header = batch.header();
    let number =
        |value: i64| u64::try_from(value).map_err(|_| foreign("its offset or epoch is negative"));
    Ok(LogEntry {
        index: number(header.base_offset.0)?.saturating_add(1),
        term: number(header.leader_epoch.0.into())?,
        kind,
        data: record.value.ok_or(foreign("it has no value"))?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(index: u64, kind: EntryKind, data: &[u8]) -> LogEntry {
        LogEntry { index, term: 3, kind, data: Bytes::copy_from_slice(data) }
    }

    #[test]
    fn entries_survive_the_batch() {
        let entries = [
            entry(1, EntryKind::Metadata, b""),
            entry(2, EntryKind::Metadata, &[7; 300]),
            entry(3, EntryKind::Voters, b"x"),
        ];
        let mut bytes = Vec::new();
        for entry in &entries {
            bytes.extend_from_slice(encode(entry, 1_000).unwrap().bytes());
        }
        assert_eq!(decode(bytes.into()).unwrap(), entries);
    }

    #[test]
    fn what_is_no_entry_is_refused() {
        let good = encode(&entry(5, EntryKind::Metadata, b"hello"), 1_000).unwrap();
        let mut bad = good.bytes().to_vec();
        bad[70] ^= 0x10;
        assert!(matches!(decode(bad.into()), Err(BatchError::Codec(_))));
        let short = good.bytes().slice(..good.size_bytes() - 1);
        assert!(matches!(decode(short), Err(BatchError::Codec(_))));
        let mut two = BatchBuilder::new(BatchOptions::default());
        two.push(NewRecord { value: Some(b"a"), ..NewRecord::default() }).unwrap();
        two.push(NewRecord { value: Some(b"b"), ..NewRecord::default() }).unwrap();
        let two = two.finish().unwrap().into_bytes();
        assert!(matches!(decode(two), Err(BatchError::Foreign(_))));
    }
}
