//! The small files beside a segment, in Kafka's formats: fixed entries, big-endian.

use super::entry::{Entry, Producer};
use super::files::{FileKind, base_offset};
use bytes::{Buf, Bytes};
use std::io;
use std::path::Path;

/// Bytes of a file that is read as a whole; indexes are far smaller.
const FILE_BYTES_MAX: u64 = 1 << 30;

/// The version of producer snapshots that Kafka writes.
const SNAPSHOT_VERSION: i16 = 1;

/// Reads a file that is not a segment; says what is wrong at its end, if anything.
///
/// # Errors
/// When the file cannot be read, or `found` fails.
pub fn read(
    path: &Path,
    kind: FileKind,
    mut found: impl FnMut(Entry) -> io::Result<()>,
) -> io::Result<Option<String>> {
    if std::fs::metadata(path)?.len() > FILE_BYTES_MAX {
        return Ok(Some("is too large for what its name says".to_owned()));
    }
    let mut bytes = Bytes::from(std::fs::read(path)?);
    let base = base_offset(path);
    if kind == FileKind::Text {
        for line in String::from_utf8_lossy(&bytes).lines() {
            found(Entry::Line { line: line.escape_debug().to_string() })?;
        }
        return Ok(None);
    }
    if kind == FileKind::ProducerSnapshot
        && let Err(problem) = snapshot_head(&mut bytes)
    {
        return Ok(Some(problem));
    }
    let mut first = true;
    while !bytes.is_empty() {
        let left = bytes.len();
        let entry = match kind {
            FileKind::OffsetIndex => offset_place(&mut bytes, base),
            FileKind::TimeIndex => time_place(&mut bytes, base),
            FileKind::TransactionIndex => aborted(&mut bytes),
            FileKind::ProducerSnapshot => producer(&mut bytes),
            FileKind::Batches | FileKind::Text => None,
        };
        let Some(entry) = entry else {
            return Ok(Some(format!("{left} bytes at the end are no whole entry")));
        };
        // Indexes are allocated ahead: behind the last entry there are zeros.
        let unused = match entry {
            Entry::OffsetPlace { offset, position } => offset == base && position == 0,
            Entry::TimePlace { timestamp, .. } => timestamp == 0,
            _ => false,
        };
        if unused && !first && bytes.iter().all(|&byte| byte == 0) {
            return Ok(None);
        }
        if !(unused && bytes.iter().all(|&byte| byte == 0)) {
            found(entry)?;
        }
        first = false;
    }
    Ok(None)
}

fn offset_place(bytes: &mut Bytes, base: i64) -> Option<Entry> {
    let offset = base.saturating_add(i64::from(bytes.try_get_u32().ok()?));
    Some(Entry::OffsetPlace { offset, position: bytes.try_get_u32().ok()? })
}

fn time_place(bytes: &mut Bytes, base: i64) -> Option<Entry> {
    let timestamp = bytes.try_get_i64().ok()?;
    let offset = base.saturating_add(i64::from(bytes.try_get_u32().ok()?));
    Some(Entry::TimePlace { timestamp, offset })
}

fn aborted(bytes: &mut Bytes) -> Option<Entry> {
    let _version = bytes.try_get_i16().ok()?;
    Some(Entry::Aborted {
        producer_id: bytes.try_get_i64().ok()?,
        first_offset: bytes.try_get_i64().ok()?,
        last_offset: bytes.try_get_i64().ok()?,
        last_stable_offset: bytes.try_get_i64().ok()?,
    })
}

/// Version, CRC of everything behind it, and the number of entries.
fn snapshot_head(bytes: &mut Bytes) -> Result<(), String> {
    let short = |_| "is too short for a snapshot".to_owned();
    let version = bytes.try_get_i16().map_err(short)?;
    if version != SNAPSHOT_VERSION {
        return Err(format!("has version {version}, and {SNAPSHOT_VERSION} is known"));
    }
    let stored = bytes.try_get_u32().map_err(short)?;
    let computed = headwater_protocol::records::crc32c(bytes);
    if stored != computed {
        return Err(format!("CRC {computed:#010x} where the file says {stored:#010x}"));
    }
    bytes.try_get_i32().map_err(short)?;
    Ok(())
}

fn producer(bytes: &mut Bytes) -> Option<Entry> {
    Some(Entry::Producer(Producer {
        producer_id: bytes.try_get_i64().ok()?,
        producer_epoch: bytes.try_get_i16().ok()?,
        last_sequence: bytes.try_get_i32().ok()?,
        last_offset: bytes.try_get_i64().ok()?,
        offset_delta: bytes.try_get_i32().ok()?,
        timestamp: bytes.try_get_i64().ok()?,
        coordinator_epoch: bytes.try_get_i32().ok()?,
        current_transaction_first_offset: Some(bytes.try_get_i64().ok()?)
            .filter(|&offset| offset >= 0),
    }))
}
