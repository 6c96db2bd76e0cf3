//! Goes through the records of a batch without copying them.

use super::{BatchError, BatchHeader, RecordsSummary, TimestampType};
use crate::wire::{DecodeError, take_zigzag, take_zigzag_long};
use bytes::{Buf, Bytes};
use headwater_types::Offset;

/// The records of a batch, uncompressed. They are claims still: each is checked when it is read.
#[derive(Clone, Debug)]
pub struct BatchRecords {
    header: BatchHeader,
    bytes: Bytes,
}

/// A record that borrows from its batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RecordView<'a> {
    /// Where it stands in the partition.
    pub offset: Offset,
    /// Its time in ms, by the clock that the batch names.
    pub timestamp: i64,
    /// What it is about.
    pub key: Option<&'a [u8]>,
    /// What it says; null marks a deletion in compacted topics.
    pub value: Option<&'a [u8]>,
    headers_count: usize,
    headers: &'a [u8],
}

/// A record that keeps its batch's memory alive.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// Where it stands in the partition.
    pub offset: Offset,
    /// Its time in ms, by the clock that the batch names.
    pub timestamp: i64,
    /// What it is about.
    pub key: Option<Bytes>,
    /// What it says; null marks a deletion in compacted topics.
    pub value: Option<Bytes>,
    headers_count: usize,
    headers: Bytes,
}

/// A header of a record. The key should be UTF-8, but nobody checks that.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RecordHeader<'a> {
    /// Its name, which need not be unique.
    pub key: &'a [u8],
    /// Its value.
    pub value: Option<&'a [u8]>,
}

impl BatchRecords {
    pub(super) fn new(header: BatchHeader, bytes: Bytes) -> Self {
        Self { header, bytes }
    }

    /// The header of the batch.
    pub fn header(&self) -> &BatchHeader {
        &self.header
    }

    /// The bytes of the records.
    pub fn bytes(&self) -> &Bytes {
        &self.bytes
    }

    /// Goes through the records, borrowing.
    pub fn views(&self) -> RecordViews<'_> {
        let left = usize::try_from(self.header.records_count).unwrap_or(0);
        RecordViews { header: &self.header, rest: &self.bytes, index: 0, left }
    }

    /// Walks through all records and proves them, see
    /// [`ValidBatch::summarize`](super::ValidBatch::summarize).
    ///
    /// # Errors
    ///
    /// The first thing that is wrong.
    pub fn summarize(&self) -> Result<RecordsSummary, BatchError> {
        let mut summary = RecordsSummary {
            records: 0,
            max_timestamp: -1,
            offset_of_max_timestamp: self.header.base_offset,
            has_null_key: false,
            records_bytes: self.bytes.len(),
        };
        for view in self.views() {
            let view = view?;
            let delta = view.offset.0.wrapping_sub(self.header.base_offset.0);
            if usize::try_from(delta) != Ok(summary.records) {
                let index = summary.records;
                return Err(BatchError::RecordOffset { index, found: delta as i32 });
            }
            if summary.records == 0 || view.timestamp > summary.max_timestamp {
                summary.max_timestamp = view.timestamp;
                summary.offset_of_max_timestamp = view.offset;
            }
            summary.has_null_key |= view.key.is_none();
            summary.records += 1;
        }
        Ok(summary)
    }
}

impl IntoIterator for BatchRecords {
    type Item = Result<Record, BatchError>;
    type IntoIter = RecordIter;

    fn into_iter(self) -> RecordIter {
        let left = usize::try_from(self.header.records_count).unwrap_or(0);
        RecordIter { header: self.header, rest: self.bytes, index: 0, left }
    }
}

/// Goes through the records of a batch, see [`BatchRecords::views`].
#[derive(Clone, Debug)]
pub struct RecordViews<'a> {
    header: &'a BatchHeader,
    rest: &'a [u8],
    index: usize,
    left: usize,
}

impl<'a> Iterator for RecordViews<'a> {
    type Item = Result<RecordView<'a>, BatchError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.left == 0 {
            // More bytes than records: the header lies.
            if std::mem::take(&mut self.rest).is_empty() {
                return None;
            }
            let (found, claimed) = (self.index + 1, self.header.records_count);
            return Some(Err(BatchError::RecordsCount { found, claimed }));
        }
        if self.rest.is_empty() {
            self.left = 0;
            let (found, claimed) = (self.index, self.header.records_count);
            return Some(Err(BatchError::RecordsCount { found, claimed }));
        }
        let view = take_record(self.header, &mut self.rest);
        let index = self.index;
        self.index += 1;
        self.left -= 1;
        if view.is_err() {
            self.left = 0;
            self.rest = &[];
        }
        Some(view.map_err(|source| BatchError::Record { index, source }))
    }
}

/// Goes through the records of a batch and hands them out for keeps; made by
/// [`BatchRecords::into_iter`].
#[derive(Clone, Debug)]
pub struct RecordIter {
    header: BatchHeader,
    rest: Bytes,
    index: usize,
    left: usize,
}

impl Iterator for RecordIter {
    type Item = Result<Record, BatchError>;

    fn next(&mut self) -> Option<Self::Item> {
        let mut views = RecordViews {
            header: &self.header,
            rest: &self.rest,
            index: self.index,
            left: self.left,
        };
        let owned = views.next().map(|view| view.map(|view| view.keep(&self.rest)));
        let (index, left, taken) = (views.index, views.left, self.rest.len() - views.rest.len());
        self.rest.advance(taken);
        (self.index, self.left) = (index, left);
        owned
    }
}

impl<'a> RecordView<'a> {
    /// The headers.
    pub fn headers(&self) -> impl Iterator<Item = RecordHeader<'a>> + use<'a> {
        headers(self.headers_count, self.headers)
    }

    /// The record as one that keeps the memory alive of which it borrows: `bytes`.
    fn keep(&self, bytes: &Bytes) -> Record {
        Record {
            offset: self.offset,
            timestamp: self.timestamp,
            key: self.key.map(|key| bytes.slice_ref(key)),
            value: self.value.map(|value| bytes.slice_ref(value)),
            headers_count: self.headers_count,
            headers: if self.headers.is_empty() {
                Bytes::new()
            } else {
                bytes.slice_ref(self.headers)
            },
        }
    }
}

impl Record {
    pub(super) fn without_headers(
        offset: Offset,
        timestamp: i64,
        key: Option<Bytes>,
        value: Option<Bytes>,
    ) -> Self {
        Self { offset, timestamp, key, value, headers_count: 0, headers: Bytes::new() }
    }

    /// The headers.
    pub fn headers(&self) -> impl Iterator<Item = RecordHeader<'_>> {
        headers(self.headers_count, &self.headers)
    }
}

/// Headers that were checked when their record was read.
fn headers(count: usize, mut bytes: &[u8]) -> impl Iterator<Item = RecordHeader<'_>> {
    (0..count).map_while(move |_| take_header(&mut bytes).ok())
}

fn take_header<'a>(from: &mut &'a [u8]) -> Result<RecordHeader<'a>, DecodeError> {
    let key = take_nullable(from)?.ok_or(DecodeError::Null)?;
    Ok(RecordHeader { key, value: take_nullable(from)? })
}

fn take_nullable<'a>(from: &mut &'a [u8]) -> Result<Option<&'a [u8]>, DecodeError> {
    match take_zigzag(from)? {
        -1 => Ok(None),
        length => take_slice(from, length).map(Some),
    }
}

fn take_slice<'a>(from: &mut &'a [u8], length: i32) -> Result<&'a [u8], DecodeError> {
    let needed = usize::try_from(length).map_err(|_| DecodeError::NegativeLength(length))?;
    let Some((taken, rest)) = from.split_at_checked(needed) else {
        return Err(DecodeError::Truncated { needed, remaining: from.len() });
    };
    *from = rest;
    Ok(taken)
}

fn take_record<'a>(
    header: &BatchHeader,
    from: &mut &'a [u8],
) -> Result<RecordView<'a>, DecodeError> {
    let length = take_zigzag(from)?;
    let mut record = take_slice(from, length)?;
    // Attributes of a record mean nothing so far.
    take_slice(&mut record, 1)?;
    let timestamp_delta = take_zigzag_long(&mut record)?;
    let offset_delta = take_zigzag(&mut record)?;
    let key = take_nullable(&mut record)?;
    let value = take_nullable(&mut record)?;
    let headers_count = take_zigzag(&mut record)?;
    let headers_count =
        usize::try_from(headers_count).map_err(|_| DecodeError::NegativeLength(headers_count))?;
    // A header takes two bytes at least.
    if headers_count > record.len() / 2 {
        return Err(DecodeError::Count { claimed: headers_count, remaining: record.len() });
    }
    let headers = record;
    for _ in 0..headers_count {
        take_header(&mut record)?;
    }
    if !record.is_empty() {
        return Err(DecodeError::Trailing(record.len()));
    }
    let timestamp = match header.attributes.timestamp_type() {
        TimestampType::LogAppendTime => header.max_timestamp,
        // Whatever the base stands for: with a delete horizon, deltas count from that.
        TimestampType::CreateTime => header.base_timestamp.wrapping_add(timestamp_delta),
    };
    let offset = Offset(header.base_offset.0.wrapping_add(i64::from(offset_delta)));
    Ok(RecordView { offset, timestamp, key, value, headers_count, headers })
}
