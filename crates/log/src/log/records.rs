//! Looks at the records of a batch: timestamps, offsets, and whether there is a key. For rules and
//! questions that a header cannot answer.

use super::head::{HEAD_BYTES, Head};
use super::varint::{take_bytes, take_varint};
use crate::batch;
use bytes::Bytes;

/// What is looked at of a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct RecordHead {
    pub offset: i64,
    pub timestamp: i64,
    pub has_key: bool,
}

/// Most bytes that a batch may decompress to.
const DECOMPRESSED_BYTES_MAX: usize = 256 << 20;

/// The records of a v2 batch, in order.
///
/// # Errors
/// Says what is wrong with the batch.
pub(crate) fn record_heads(head: &Head, batch: &Bytes) -> Result<Vec<RecordHead>, String> {
    if head.magic != 2 {
        return Err(String::from("it is of an old format"));
    }
    let records = batch.slice(HEAD_BYTES.min(batch.len())..);
    let records = match head.codec() {
        0 => records,
        codec => batch::decompress(codec, &records, DECOMPRESSED_BYTES_MAX)?,
    };
    let mut rest: &[u8] = &records;
    let mut heads = Vec::new();
    while !rest.is_empty() {
        let length = take_varint(&mut rest).and_then(|length| usize::try_from(length).ok());
        let record = length.and_then(|length| rest.split_at_checked(length));
        let (record, left) = record.ok_or("a record is longer than its batch")?;
        rest = left;
        heads.push(record_head(head, record).ok_or("a record cannot be read")?);
    }
    if i64::try_from(heads.len()).ok() != Some(i64::from(head.count)) {
        return Err(format!("{} records are not the {} announced", heads.len(), head.count));
    }
    Ok(heads)
}

fn record_head(head: &Head, record: &[u8]) -> Option<RecordHead> {
    let (_attributes, mut rest) = record.split_first()?;
    let timestamp_delta = take_varint(&mut rest)?;
    let offset_delta = take_varint(&mut rest)?;
    let has_key = take_bytes(&mut rest)?.is_some();
    let timestamp = if head.has_log_append_time() {
        head.max_timestamp
    } else {
        head.base_timestamp.checked_add(timestamp_delta)?
    };
    Some(RecordHead { offset: head.base.checked_add(offset_delta)?, timestamp, has_key })
}
