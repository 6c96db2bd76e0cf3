//! What the batches of a log say about its producers, worked out without the log's own code.

use std::collections::BTreeMap;

/// A producer after some batches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Producer {
    pub epoch: i16,
    pub last_sequence: i32,
    pub last_timestamp: i64,
    pub coordinator_epoch: i32,
    pub transaction_start: Option<i64>,
}

/// A transaction that was aborted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Aborted {
    pub producer: i64,
    pub first: i64,
    pub last: i64,
}

/// All producers of a log.
#[derive(Clone, Debug, Default)]
pub struct Producers {
    pub by_id: BTreeMap<i64, Producer>,
    pub aborted: Vec<Aborted>,
}

fn number<const N: usize>(bytes: &[u8], at: usize) -> [u8; N] {
    bytes[at..at + N].try_into().expect("a header is long enough")
}

/// Offset of a batch's first record, and its size in bytes.
pub fn base_and_size(bytes: &[u8]) -> Option<(i64, usize)> {
    if bytes.len() < 61 {
        return None;
    }
    let size = 12 + i32::from_be_bytes(number(bytes, 8)) as usize;
    (size >= 61 && size <= bytes.len()).then(|| (i64::from_be_bytes(number(bytes, 0)), size))
}

/// Offset of a batch's last record.
pub fn last_offset(bytes: &[u8]) -> i64 {
    i64::from_be_bytes(number(bytes, 0)) + i64::from(i32::from_be_bytes(number(bytes, 23)))
}

/// The leader's epoch.
pub fn leader_epoch(bytes: &[u8]) -> i32 {
    i32::from_be_bytes(number(bytes, 12))
}

impl Producers {
    /// Takes over one batch.
    pub fn add(&mut self, bytes: &[u8]) {
        let id = i64::from_be_bytes(number(bytes, 43));
        if id < 0 {
            return;
        }
        let attributes = i16::from_be_bytes(number(bytes, 21));
        let epoch = i16::from_be_bytes(number(bytes, 51));
        let base = i64::from_be_bytes(number(bytes, 0));
        let producer = self.by_id.entry(id).or_insert(Producer {
            epoch,
            last_sequence: -1,
            last_timestamp: -1,
            coordinator_epoch: -1,
            transaction_start: None,
        });
        if producer.epoch != epoch {
            producer.epoch = epoch;
            producer.last_sequence = -1;
        }
        producer.last_timestamp = i64::from_be_bytes(number(bytes, 35));
        if attributes & 0x20 == 0 {
            let count = i32::from_be_bytes(number(bytes, 57));
            producer.last_sequence = i32::from_be_bytes(number(bytes, 53)) + count - 1;
            if attributes & 0x10 != 0 {
                producer.transaction_start.get_or_insert(base);
            }
            return;
        }
        // Behind the header: length, attributes, deltas and the key's length, a byte each.
        let kind = i16::from_be_bytes(number(bytes, 61 + 5 + 2));
        producer.coordinator_epoch = i32::from_be_bytes(number(bytes, 61 + 5 + 4 + 1 + 2));
        if let Some(first) = producer.transaction_start.take().filter(|_| kind == 0) {
            self.aborted.push(Aborted { producer: id, first, last: base });
        }
    }

    /// Where the first open transaction begins.
    pub fn first_open(&self) -> Option<i64> {
        self.by_id.values().filter_map(|producer| producer.transaction_start).min()
    }
}
