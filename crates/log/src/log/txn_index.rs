//! `.txnindex`: the aborted transactions whose markers are in a segment.
//!
//! An entry is 34 bytes: version 0, producer id, first and last offset, and the last stable offset
//! at the time. The file exists only where a transaction was aborted.

use super::head::{i16_at, i64_at};
use super::types::AbortedTransaction;
use headwater_types::{EndOffset, Offset, ProducerId};

/// Bytes of an entry.
pub(crate) const ENTRY_BYTES: usize = 34;

/// Reads a file's bytes; `None` when they cannot be an index.
pub(crate) fn parse(bytes: &[u8]) -> Option<Vec<AbortedTransaction>> {
    let (entries, rest) = bytes.as_chunks::<ENTRY_BYTES>();
    let entries: Option<Vec<_>> = entries.iter().map(|bytes| parse_entry(bytes)).collect();
    entries.filter(|entries| rest.is_empty() && entries.is_sorted_by(|a, b| a.last < b.last))
}

/// Reads the entries at the front of a file that make sense.
pub(crate) fn parse_front(bytes: &[u8]) -> Vec<AbortedTransaction> {
    let mut entries: Vec<AbortedTransaction> = Vec::new();
    for entry in bytes.as_chunks::<ENTRY_BYTES>().0.iter().map_while(|bytes| parse_entry(bytes)) {
        if entries.last().is_some_and(|last| last.last >= entry.last) {
            break;
        }
        entries.push(entry);
    }
    entries
}

fn parse_entry(bytes: &[u8]) -> Option<AbortedTransaction> {
    let version = i16_at(bytes, 0)?;
    let entry = AbortedTransaction {
        producer: ProducerId(i64_at(bytes, 2)?),
        first: Offset(i64_at(bytes, 10)?),
        last: Offset(i64_at(bytes, 18)?),
        last_stable: EndOffset(i64_at(bytes, 26)?),
    };
    (version == 0 && entry.first <= entry.last && entry.first.0 >= 0).then_some(entry)
}

/// A file's bytes.
pub(crate) fn to_bytes(entries: &[AbortedTransaction]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(entries.len() * ENTRY_BYTES);
    for entry in entries {
        bytes.extend(0i16.to_be_bytes());
        for field in [entry.producer.0, entry.first.0, entry.last.0, entry.last_stable.0] {
            bytes.extend(field.to_be_bytes());
        }
    }
    bytes
}
