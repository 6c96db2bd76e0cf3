//! Looks at the records of a batch, for rules and questions that a header cannot answer.

use crate::batch::{BatchError, BatchLimits, DECOMPRESSED_BYTES_MAX, ReceivedBatches};
use bytes::Bytes;
use headwater_types::Offset;

/// A record's place and time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct RecordTime {
    pub offset: Offset,
    pub timestamp: i64,
}

/// The records of a batch from a log, in order.
///
/// # Errors
/// The batch is damaged, of an old format, or its codec was not built in.
pub(crate) fn record_times(batch: Bytes) -> Result<Vec<RecordTime>, BatchError> {
    let mut times = Vec::new();
    for received in ReceivedBatches::parse(batch, BatchLimits::NONE)? {
        let batch = received.validate()?;
        for record in batch.records(DECOMPRESSED_BYTES_MAX)?.views() {
            let record = record?;
            times.push(RecordTime { offset: record.offset, timestamp: record.timestamp });
        }
    }
    Ok(times)
}
