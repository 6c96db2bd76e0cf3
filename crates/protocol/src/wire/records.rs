//! What a `records` field of Produce or Fetch holds: bytes in memory, or a place where the caller
//! splices bytes in.

use bytes::Bytes;

/// The value of a `records` field: a run of record batches, in parts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Records {
    /// The parts, in the order in which they go over the wire.
    pub parts: Vec<RecordsPart>,
}

/// A part of [`Records`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RecordsPart {
    /// Bytes in memory.
    Memory(Bytes),
    /// Bytes that the caller sends in this place, as from a file.
    External {
        /// The caller's name for them.
        token: u32,
        /// Bytes that will be sent.
        length: u32,
    },
}

impl RecordsPart {
    /// Bytes on the wire.
    pub fn length(&self) -> usize {
        match self {
            RecordsPart::Memory(bytes) => bytes.len(),
            RecordsPart::External { length, .. } => *length as usize,
        }
    }
}

impl Records {
    /// Records that lie in one piece of memory.
    pub fn in_memory(bytes: Bytes) -> Self {
        Self { parts: vec![RecordsPart::Memory(bytes)] }
    }

    /// Bytes on the wire.
    pub fn length(&self) -> usize {
        self.parts.iter().map(RecordsPart::length).sum()
    }

    /// Whether no bytes would be sent.
    pub fn is_empty(&self) -> bool {
        self.length() == 0
    }

    /// The bytes, joined where there are several parts; `None` where a part is not in memory.
    ///
    /// Decoded records have one part: then nothing is copied.
    pub fn into_memory(self) -> Option<Bytes> {
        let mut parts = self.parts.into_iter().map(|part| match part {
            RecordsPart::Memory(bytes) => Some(bytes),
            RecordsPart::External { .. } => None,
        });
        let Some(first) = parts.next() else { return Some(Bytes::new()) };
        let first = first?;
        let Some(second) = parts.next() else { return Some(first) };
        let mut joined = Vec::from(first);
        joined.extend_from_slice(&second?);
        for part in parts {
            joined.extend_from_slice(&part?);
        }
        Some(Bytes::from(joined))
    }
}

impl From<Bytes> for Records {
    fn from(bytes: Bytes) -> Self {
        Self::in_memory(bytes)
    }
}
