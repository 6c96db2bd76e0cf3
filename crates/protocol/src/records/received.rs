//! Batches of which only the lengths are known.

use super::{BatchError, BatchHeader, HEADER_BYTES, LENGTH_OVERHEAD_BYTES, MAGIC, ValidBatch};
use super::{CRC_START, crc32c};
use bytes::Bytes;

/// Where the magic byte stands, in every format.
const MAGIC_AT: usize = 16;

/// Bytes of the smallest message of the formats 0 and 1.
const LEGACY_BYTES_MIN: usize = 26;

/// What batches may be at most.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BatchLimits {
    /// Bytes of one batch, as `max.message.bytes` counts them: all of them.
    pub batch_bytes_max: usize,
}

impl BatchLimits {
    /// No limit but that of the format.
    pub const NONE: BatchLimits = BatchLimits { batch_bytes_max: usize::MAX };
}

/// The batches of a `records` field, cut apart.
#[derive(Debug)]
pub struct ReceivedBatches;

/// The batches of a fetch response, and what was left over.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FetchedBatches {
    /// The complete ones.
    pub batches: Vec<ReceivedBatch>,
    /// Bytes of the one at the end that did not fit.
    pub partial_bytes: usize,
}

/// A batch as it came, or a message of the formats 0 and 1: its length is right, everything else
/// is a claim.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReceivedBatch {
    bytes: Bytes,
}

impl ReceivedBatches {
    /// Cuts what a producer or a leader sent: whole batches without anything left over.
    ///
    /// # Errors
    ///
    /// A length is impossible, or beyond the limit.
    pub fn parse(mut bytes: Bytes, limits: BatchLimits) -> Result<Vec<ReceivedBatch>, BatchError> {
        let mut batches = Vec::new();
        while !bytes.is_empty() {
            let size = match size_at(&bytes)? {
                Some(size) => size,
                None => return Err(BatchError::TooShort { bytes: bytes.len() }),
            };
            if size > limits.batch_bytes_max {
                return Err(BatchError::TooLarge {
                    bytes: size,
                    limit_bytes: limits.batch_bytes_max,
                });
            }
            if size > bytes.len() {
                return Err(BatchError::Length {
                    claimed_bytes: size as i64,
                    present_bytes: bytes.len(),
                });
            }
            batches.push(ReceivedBatch { bytes: bytes.split_to(size) });
        }
        Ok(batches)
    }

    /// Cuts what a broker answered to Fetch: the last batch may be cut short, since brokers fill
    /// responses to their limit.
    ///
    /// # Errors
    ///
    /// A length is impossible.
    pub fn parse_fetched(mut bytes: Bytes) -> Result<FetchedBatches, BatchError> {
        let mut batches = Vec::new();
        while let Some(size) = size_at(&bytes)?
            && size <= bytes.len()
        {
            batches.push(ReceivedBatch { bytes: bytes.split_to(size) });
        }
        Ok(FetchedBatches { batches, partial_bytes: bytes.len() })
    }
}

/// Bytes of the batch that begins here; none where its length is not there yet.
fn size_at(bytes: &[u8]) -> Result<Option<usize>, BatchError> {
    let Some(&claimed) = bytes.get(8..).and_then(<[u8]>::first_chunk::<4>) else {
        return Ok(None);
    };
    let claimed = i32::from_be_bytes(claimed);
    let present_bytes = bytes.len();
    let claimed_bytes = i64::from(claimed) + LENGTH_OVERHEAD_BYTES as i64;
    let wrong = BatchError::Length { claimed_bytes, present_bytes };
    let size = usize::try_from(claimed_bytes).map_err(|_| wrong.clone())?;
    let least = match bytes.get(MAGIC_AT) {
        Some(&magic) if (magic as i8) < MAGIC => LEGACY_BYTES_MIN,
        Some(_) => HEADER_BYTES,
        None => LEGACY_BYTES_MIN,
    };
    if size < least { Err(wrong) } else { Ok(Some(size)) }
}

impl ReceivedBatch {
    /// Takes bytes that are meant to be one batch.
    ///
    /// # Errors
    ///
    /// The length says otherwise.
    pub fn from_bytes(bytes: Bytes) -> Result<Self, BatchError> {
        let present_bytes = bytes.len();
        match size_at(&bytes)? {
            None => Err(BatchError::TooShort { bytes: present_bytes }),
            Some(size) if size == present_bytes => Ok(Self { bytes }),
            Some(size) => Err(BatchError::Length { claimed_bytes: size as i64, present_bytes }),
        }
    }

    /// All bytes.
    pub fn bytes(&self) -> &Bytes {
        &self.bytes
    }

    /// The bytes.
    pub fn into_bytes(self) -> Bytes {
        self.bytes
    }

    /// How many bytes there are, as `max.message.bytes` counts them.
    pub fn size_bytes(&self) -> usize {
        self.bytes.len()
    }

    /// The format that the bytes claim to have.
    pub fn magic(&self) -> i8 {
        self.bytes.get(MAGIC_AT).map_or(-1, |&magic| magic as i8)
    }

    /// The header as it came, proven by nothing.
    ///
    /// # Errors
    ///
    /// The batch is of another format, or too short.
    pub fn header(&self) -> Result<BatchHeader, BatchError> {
        match self.magic() {
            MAGIC => BatchHeader::parse(&self.bytes),
            found => Err(BatchError::Magic { found, expected: MAGIC }),
        }
    }

    /// Proves the batch: format, length, CRC, and that the header does not contradict itself.
    /// Records are not looked at: [`ValidBatch::summarize`] does that.
    ///
    /// Offsets may have gaps, as compaction leaves them, and control records are allowed: what
    /// clients must not send is refused by [`ValidBatch::check_from_client`].
    ///
    /// # Errors
    ///
    /// The first thing that is wrong.
    pub fn validate(self) -> Result<ValidBatch, BatchError> {
        let header = self.header()?;
        if header.size_bytes() != Some(self.bytes.len()) {
            return Err(BatchError::Length {
                claimed_bytes: i64::from(header.batch_length) + LENGTH_OVERHEAD_BYTES as i64,
                present_bytes: self.bytes.len(),
            });
        }
        let computed = crc32c(self.bytes.get(CRC_START..).unwrap_or_default());
        if computed != header.crc {
            return Err(BatchError::Crc { stored: header.crc, computed });
        }
        header.attributes.codec()?;
        let base = header.base_offset.0;
        if base < 0 || base.checked_add(i64::from(header.last_offset_delta) + 1).is_none() {
            return Err(BatchError::Offset(base));
        }
        let (count, last) = (header.records_count, header.last_offset_delta);
        if count < 0 || last < 0 || i64::from(count) > i64::from(last) + 1 {
            return Err(BatchError::Count { records_count: count, last_offset_delta: last });
        }
        Ok(ValidBatch::proven(header, self.bytes))
    }
}
