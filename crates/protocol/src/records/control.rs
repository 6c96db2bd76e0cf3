//! Control records: what brokers write among the records and applications never see.

use super::{BatchBuilder, BatchError, BatchOptions, NewRecord, ProducerStamp, Record, ValidBatch};
use bytes::{Buf, BufMut};
use headwater_types::{ProducerEpoch, ProducerId};

/// What a control record is about, by its key. Kinds that are not known are skipped by readers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ControlType {
    /// The producer's transaction ended and does not count.
    Abort,
    /// The producer's transaction ended and counts.
    Commit,
    /// A new leader of a metadata quorum.
    LeaderChange,
    /// First record of a snapshot of the metadata.
    SnapshotHeader,
    /// Last record of a snapshot of the metadata.
    SnapshotFooter,
    /// The version of the quorum's protocol.
    KraftVersion,
    /// The voters of the quorum.
    KraftVoters,
    /// Anything else.
    Unknown(i16),
}

impl ControlType {
    /// Reads the key of a control record: version and type; none where it is too short.
    pub fn from_key(mut key: &[u8]) -> Option<Self> {
        let _version = key.try_get_i16().ok()?;
        Some(match key.try_get_i16().ok()? {
            0 => Self::Abort,
            1 => Self::Commit,
            2 => Self::LeaderChange,
            3 => Self::SnapshotHeader,
            4 => Self::SnapshotFooter,
            5 => Self::KraftVersion,
            6 => Self::KraftVoters,
            other => Self::Unknown(other),
        })
    }
}

/// The record that ends a transaction in one partition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EndTransactionMarker {
    /// Whether the transaction counts.
    pub commit: bool,
    /// Epoch of the coordinator that decided so.
    pub coordinator_epoch: i32,
}

impl EndTransactionMarker {
    /// Reads a control record; none where it is something else.
    pub fn from_record(record: &Record) -> Option<Self> {
        let commit = match ControlType::from_key(record.key.as_deref()?)? {
            ControlType::Abort => false,
            ControlType::Commit => true,
            _ => return None,
        };
        let mut value = record.value.as_deref()?;
        let _version = value.try_get_i16().ok()?;
        Some(Self { commit, coordinator_epoch: value.try_get_i32().ok()? })
    }

    /// The batch that a broker appends for it.
    ///
    /// # Errors
    ///
    /// None that can be thought of: the batch is small and not compressed.
    pub fn to_batch(
        self,
        producer: ProducerId,
        epoch: ProducerEpoch,
        timestamp: i64,
    ) -> Result<ValidBatch, BatchError> {
        let mut key = [0u8; 4];
        (&mut key[2..]).put_i16(self.commit.into());
        let mut value = [0u8; 6];
        (&mut value[2..]).put_i32(self.coordinator_epoch);
        let mut builder = BatchBuilder::new(BatchOptions {
            producer: Some(ProducerStamp { id: producer, epoch, base_sequence: -1 }),
            transactional: true,
            control: true,
            ..BatchOptions::default()
        });
        builder.push(NewRecord {
            timestamp,
            key: Some(&key),
            value: Some(&value),
            headers: &[],
        })?;
        builder.finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_marker_is_read_back() {
        for commit in [false, true] {
            let marker = EndTransactionMarker { commit, coordinator_epoch: 7 };
            let batch = marker.to_batch(ProducerId(9), ProducerEpoch(2), 1000).unwrap();
            let header = batch.header();
            assert_eq!(header.attributes.0, 0x30);
            assert_eq!(header.base_sequence, -1);
            let record = batch.records(100).unwrap().into_iter().next().unwrap().unwrap();
            assert_eq!(record.value.as_ref().map(|value| value.len()), Some(6));
            assert_eq!(EndTransactionMarker::from_record(&record), Some(marker));
        }
    }

    #[test]
    fn unknown_kinds_have_a_number() {
        assert_eq!(ControlType::from_key(&[0, 0, 0, 9]), Some(ControlType::Unknown(9)));
        assert_eq!(ControlType::from_key(&[0, 0, 0]), None);
    }
}
