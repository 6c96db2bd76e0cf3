//! What a log file holds, piece by piece, as it is printed.

use serde::Serialize;
use std::fmt::Write;

/// One piece of a file.
#[derive(Debug, Serialize)]
#[serde(untagged)]
pub enum Entry {
    /// A record batch, or a message of the formats before it.
    Batch(Box<Batch>),
    /// A place in an index of offsets.
    OffsetPlace { offset: i64, position: u32 },
    /// A place in an index of timestamps.
    TimePlace { timestamp: i64, offset: i64 },
    /// An aborted transaction.
    Aborted { producer_id: i64, first_offset: i64, last_offset: i64, last_stable_offset: i64 },
    /// What a producer has written last.
    Producer(Producer),
    /// From which offset on a leader appended.
    Epoch { epoch: i32, start_offset: i64 },
    /// A line of text.
    Line { line: String },
}

/// A record batch.
#[derive(Debug, Serialize)]
pub struct Batch {
    /// Bytes before it in the file.
    pub position: u64,
    /// Bytes of the whole batch.
    pub size: u64,
    pub magic: u8,
    pub base_offset: i64,
    pub last_offset: i64,
    pub records_count: i32,
    pub leader_epoch: i32,
    pub codec: &'static str,
    /// `CreateTime` or `LogAppendTime`.
    pub timestamp_type: &'static str,
    pub max_timestamp: i64,
    /// When compaction may drop tombstones and markers, in ms since 1970.
    pub delete_horizon: Option<i64>,
    pub transactional: bool,
    pub control: bool,
    pub producer_id: Option<i64>,
    pub producer_epoch: Option<i16>,
    pub base_sequence: Option<i32>,
    pub crc: u32,
    /// What is wrong with it; `null` when it is sound.
    pub problem: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub records: Option<Vec<Record>>,
}

/// A record.
#[derive(Debug, Serialize)]
pub struct Record {
    pub offset: i64,
    pub timestamp: i64,
    pub key: Option<Blob>,
    pub value: Option<Blob>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub headers: Vec<(Blob, Option<Blob>)>,
    /// What a control record is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub control: Option<String>,
}

/// What an idempotent producer has written last.
#[derive(Debug, Serialize)]
pub struct Producer {
    pub producer_id: i64,
    pub producer_epoch: i16,
    pub last_sequence: i32,
    pub last_offset: i64,
    pub offset_delta: i32,
    pub timestamp: i64,
    pub coordinator_epoch: i32,
    pub current_transaction_first_offset: Option<i64>,
}

/// Bytes of a record: a text where a person can read them as one, else hexadecimal digits.
#[derive(Debug, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum Blob {
    /// UTF-8 without control characters but those that make lines and columns.
    Text(String),
    /// Anything else.
    Hex { hex: String },
}

fn readable(letter: char) -> bool {
    !letter.is_control() || matches!(letter, '\n' | '\r' | '\t')
}

impl From<&[u8]> for Blob {
    fn from(bytes: &[u8]) -> Self {
        match std::str::from_utf8(bytes) {
            Ok(text) if text.chars().all(readable) => Self::Text(text.to_owned()),
            _ => Self::Hex {
                hex: bytes.iter().fold(String::new(), |mut hex, byte| {
                    // Writing to a String cannot fail.
                    let _ = write!(hex, "{byte:02x}");
                    hex
                }),
            },
        }
    }
}

impl std::fmt::Display for Blob {
    /// For a terminal: what moves its cursor must not reach it.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Text(text) => write!(f, "{text:?}"),
            Self::Hex { hex } => write!(f, "0x{hex}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_that_are_no_text_are_digits() {
        let blob = |bytes: &[u8]| Blob::from(bytes).to_string();
        assert_eq!(blob("é \"\n".as_bytes()), r#""é \"\n""#);
        assert_eq!(blob(b"\x1b[2J"), "0x1b5b324a", "what a terminal would obey");
        assert_eq!(blob(&[0xff, 0x00, 0x7f]), "0xff007f");
        assert_eq!(blob(b""), "\"\"");
    }
}
