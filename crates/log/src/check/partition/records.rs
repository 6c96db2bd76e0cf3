//! The records of a batch, one by one.

use crate::batch::{BatchLimits, DECOMPRESSED_BYTES_MAX, ReceivedBatches};
use crate::log::parts::Head;
use bytes::Bytes;

/// Decodes the records of a batch; the error says what is wrong.
pub(super) fn decode(bytes: Vec<u8>, head: &Head) -> Result<u64, String> {
    let mut count = 0u64;
    let received = ReceivedBatches::parse(Bytes::from(bytes), BatchLimits::NONE);
    for batch in received.map_err(|error| error.to_string())? {
        if head.magic < 2 {
            let records = batch.legacy_records(DECOMPRESSED_BYTES_MAX);
            count += records.map_err(|error| error.to_string())?.len() as u64;
            continue;
        }
        let batch = batch.validate().map_err(|error| error.to_string())?;
        let records = batch.records(DECOMPRESSED_BYTES_MAX).map_err(|error| error.to_string())?;
        for record in records.views() {
            let record = record.map_err(|error| error.to_string())?;
            if !(head.base..=head.last).contains(&record.offset.0) {
                return Err(format!("record {} lies outside of its batch", record.offset));
            }
            count += 1;
        }
    }
    match head.magic {
        2 if i64::try_from(count) != Ok(i64::from(head.count)) => {
            Err(format!("it says {} records and holds {count}", head.count))
        }
        _ => Ok(count),
    }
}
