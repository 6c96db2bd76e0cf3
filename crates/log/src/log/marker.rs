//! The one record of a control batch.

use super::head::{HEAD_BYTES, i16_at, i32_at};
use super::varint::{take_bytes, take_varint};

/// What a control record says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Marker {
    /// 0 abort, 1 commit, others concern no producer.
    pub kind: i16,
    /// Epoch of the coordinator that wrote it, or -1.
    pub coordinator_epoch: i32,
}

impl Marker {
    /// Reads it from a whole control batch; `None` when there is no record or it makes no sense.
    pub fn parse(batch: &[u8]) -> Option<Self> {
        let mut rest = batch.get(HEAD_BYTES..)?;
        let _length = take_varint(&mut rest)?;
        let _attributes = rest.split_off_first()?;
        let _timestamp_delta = take_varint(&mut rest)?;
        let _offset_delta = take_varint(&mut rest)?;
        let key = take_bytes(&mut rest)??;
        let value = take_bytes(&mut rest)?.unwrap_or_default();
        let kind = i16_at(key, 2)?;
        Some(Self { kind, coordinator_epoch: i32_at(value, 2).unwrap_or(-1) })
    }

    /// Whether it ends a transaction, and if so whether by aborting it.
    pub fn ends_transaction(self) -> Option<bool> {
        match self.kind {
            0 => Some(true),
            1 => Some(false),
            _ => None,
        }
    }
}
