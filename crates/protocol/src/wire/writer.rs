//! Writes messages into the segments of a frame.

use super::varint::put_unsigned;
use super::{Body, EncodeError, Records, RecordsPart, TaggedFields};
use bytes::{BufMut, Bytes, BytesMut};
use headwater_types::Uuid;

/// Record parts of at least this many bytes become a segment of their own instead of being copied.
pub const SEGMENT_BYTES_MIN: usize = 4096;

/// Bytes of the length at the begin of a frame.
const PREFIX_BYTES: usize = 4;

/// A part of an outgoing frame.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Segment {
    /// Bytes in memory.
    Memory(Bytes),
    /// Bytes that the caller sends in this place.
    External {
        /// The caller's name for them.
        token: u32,
        /// Bytes that will be sent.
        length: u32,
    },
}

impl Segment {
    /// Bytes on the wire.
    pub fn length(&self) -> usize {
        match self {
            Segment::Memory(bytes) => bytes.len(),
            Segment::External { length, .. } => *length as usize,
        }
    }
}

/// Collects a frame: header, message and record batches.
///
/// Everything but large records goes into one buffer; a cut marks where a segment of its own
/// comes in between.
#[derive(Debug)]
pub struct Writer {
    buffer: BytesMut,
    /// Positions in `buffer` at which a segment is inserted, ascending.
    cuts: Vec<(usize, Segment)>,
    flexible: bool,
}

impl Default for Writer {
    fn default() -> Self {
        Self::new()
    }
}

impl Writer {
    /// An empty frame.
    pub fn new() -> Self {
        Self::with_buffer(BytesMut::with_capacity(256))
    }

    /// An empty frame that is written into `buffer`, which is cleared first.
    pub fn with_buffer(mut buffer: BytesMut) -> Self {
        buffer.clear();
        buffer.put_bytes(0, PREFIX_BYTES);
        Self { buffer, cuts: Vec::new(), flexible: false }
    }

    /// Bytes written so far, without the length at the begin of the frame.
    pub fn length(&self) -> usize {
        let inserted: usize = self.cuts.iter().map(|(_, segment)| segment.length()).sum();
        self.buffer.len() - PREFIX_BYTES + inserted
    }

    /// The segments of the frame, beginning with its length.
    ///
    /// # Errors
    ///
    /// [`EncodeError::TooLong`] where the frame's length does not fit its four bytes.
    pub fn finish_frame(mut self) -> Result<Vec<Segment>, EncodeError> {
        let length = self.length();
        let claimed = i32::try_from(length).map_err(|_| EncodeError::TooLong { length })?;
        if let Some(prefix) = self.buffer.first_chunk_mut::<PREFIX_BYTES>() {
            *prefix = claimed.to_be_bytes();
        }
        let mut segments = Vec::with_capacity(1 + 2 * self.cuts.len());
        let mut rest = self.buffer.freeze();
        let mut taken = 0;
        for (position, segment) in self.cuts {
            let before = rest.split_to(position - taken);
            taken = position;
            if !before.is_empty() {
                segments.push(Segment::Memory(before));
            }
            segments.push(segment);
        }
        if !rest.is_empty() {
            segments.push(Segment::Memory(rest));
        }
        Ok(segments)
    }

    /// The bytes written, in one piece and without the frame's length.
    ///
    /// # Errors
    ///
    /// [`EncodeError::External`] where a part is not in memory.
    pub fn into_bytes(self) -> Result<Bytes, EncodeError> {
        if self.cuts.is_empty() {
            let mut bytes = self.buffer.freeze();
            return Ok(bytes.split_off(PREFIX_BYTES));
        }
        let mut joined = BytesMut::with_capacity(self.length() + PREFIX_BYTES);
        for segment in self.finish_frame()? {
            match segment {
                Segment::Memory(bytes) => joined.extend_from_slice(&bytes),
                Segment::External { .. } => return Err(EncodeError::External),
            }
        }
        Ok(joined.freeze().split_off(PREFIX_BYTES))
    }

    /// Whether lengths are compact and structs end with tagged fields.
    pub(crate) fn set_flexible(&mut self, flexible: bool) {
        self.flexible = flexible;
    }

    /// Writes a signed byte.
    pub fn i8(&mut self, value: i8) {
        self.buffer.put_i8(value);
    }

    /// Writes a 16-bit integer.
    pub fn i16(&mut self, value: i16) {
        self.buffer.put_i16(value);
    }

    /// Writes an unsigned 16-bit integer.
    pub fn u16(&mut self, value: u16) {
        self.buffer.put_u16(value);
    }

    /// Writes a 32-bit integer.
    pub fn i32(&mut self, value: i32) {
        self.buffer.put_i32(value);
    }

    /// Writes an unsigned 32-bit integer.
    pub fn u32(&mut self, value: u32) {
        self.buffer.put_u32(value);
    }

    /// Writes a 64-bit integer.
    pub fn i64(&mut self, value: i64) {
        self.buffer.put_i64(value);
    }

    /// Writes a 64-bit float.
    pub fn f64(&mut self, value: f64) {
        self.buffer.put_f64(value);
    }

    /// Writes a boolean.
    pub fn bool(&mut self, value: bool) {
        self.buffer.put_u8(value.into());
    }

    /// Writes an id of 16 bytes.
    pub fn uuid(&mut self, value: Uuid) {
        self.buffer.extend_from_slice(&value.0);
    }

    /// Writes an unsigned variable-length integer.
    pub fn uvarint(&mut self, value: u32) {
        put_unsigned(&mut self.buffer, value);
    }

    fn short_length(&mut self, length: Option<usize>) -> Result<(), EncodeError> {
        if self.flexible {
            return self.compact_length(length);
        }
        let stored = match length {
            None => -1,
            Some(length) => i16::try_from(length).map_err(|_| EncodeError::TooLong { length })?,
        };
        self.i16(stored);
        Ok(())
    }

    fn long_length(&mut self, length: Option<usize>) -> Result<(), EncodeError> {
        if self.flexible {
            return self.compact_length(length);
        }
        let stored = match length {
            None => -1,
            Some(length) => i32::try_from(length).map_err(|_| EncodeError::TooLong { length })?,
        };
        self.i32(stored);
        Ok(())
    }

    fn compact_length(&mut self, length: Option<usize>) -> Result<(), EncodeError> {
        let stored = match length {
            None => 0,
            Some(length) => i32::try_from(length)
                .ok()
                .and_then(|length| length.checked_add(1))
                .ok_or(EncodeError::TooLong { length })?,
        };
        self.uvarint(stored as u32);
        Ok(())
    }

    /// Writes a text.
    pub fn string(&mut self, value: &str) -> Result<(), EncodeError> {
        self.short_length(Some(value.len()))?;
        self.buffer.extend_from_slice(value.as_bytes());
        Ok(())
    }

    /// Writes a text that may be null.
    pub fn nullable_string(&mut self, value: Option<&str>) -> Result<(), EncodeError> {
        match value {
            Some(value) => self.string(value),
            None => self.short_length(None),
        }
    }

    /// Writes a text with a classic length, whatever the version: only `client_id` has one.
    pub(crate) fn classic_nullable_string(
        &mut self,
        value: Option<&str>,
    ) -> Result<(), EncodeError> {
        let flexible = std::mem::replace(&mut self.flexible, false);
        let written = self.nullable_string(value);
        self.flexible = flexible;
        written
    }

    /// Writes bytes.
    pub fn bytes(&mut self, value: &[u8]) -> Result<(), EncodeError> {
        self.long_length(Some(value.len()))?;
        self.buffer.extend_from_slice(value);
        Ok(())
    }

    /// Writes bytes that may be null.
    pub fn nullable_bytes(&mut self, value: Option<&[u8]>) -> Result<(), EncodeError> {
        match value {
            Some(value) => self.bytes(value),
            None => self.long_length(None),
        }
    }

    /// Writes record batches that may be null.
    pub fn nullable_records(&mut self, value: Option<&Records>) -> Result<(), EncodeError> {
        match value {
            Some(records) => self.records(records),
            None => self.long_length(None),
        }
    }

    /// Writes record batches. Large parts are not copied, see [`SEGMENT_BYTES_MIN`].
    pub fn records(&mut self, records: &Records) -> Result<(), EncodeError> {
        self.long_length(Some(records.length()))?;
        for part in &records.parts {
            let segment = match part {
                RecordsPart::Memory(bytes) if bytes.len() < SEGMENT_BYTES_MIN => {
                    self.buffer.extend_from_slice(bytes);
                    continue;
                }
                RecordsPart::Memory(bytes) => Segment::Memory(bytes.clone()),
                &RecordsPart::External { token, length } => Segment::External { token, length },
            };
            self.cuts.push((self.buffer.len(), segment));
        }
        Ok(())
    }

    /// Writes an array.
    pub(crate) fn array<T>(
        &mut self,
        elements: &[T],
        mut element: impl FnMut(&mut Self, &T) -> Result<(), EncodeError>,
    ) -> Result<(), EncodeError> {
        self.long_length(Some(elements.len()))?;
        elements.iter().try_for_each(|value| element(self, value))
    }

    /// Writes an array of numbers or ids.
    pub(crate) fn plain_array<T: Copy>(
        &mut self,
        elements: &[T],
        element: impl Fn(&mut Self, T),
    ) -> Result<(), EncodeError> {
        self.long_length(Some(elements.len()))?;
        elements.iter().for_each(|&value| element(self, value));
        Ok(())
    }

    /// Writes the array that stands for null.
    pub(crate) fn null_array(&mut self) -> Result<(), EncodeError> {
        self.long_length(None)
    }

    /// Writes an array of structs.
    pub(crate) fn structs<T: Body>(
        &mut self,
        elements: &[T],
        version: i16,
    ) -> Result<(), EncodeError> {
        self.array(elements, |w, element| element.write(w, version))
    }

    /// Writes a struct that may be null.
    pub(crate) fn nullable_struct<T: Body>(
        &mut self,
        value: Option<&T>,
        version: i16,
    ) -> Result<(), EncodeError> {
        match value {
            None => {
                self.i8(-1);
                Ok(())
            }
            Some(value) => {
                self.i8(1);
                value.write(self, version)
            }
        }
    }

    /// Writes the tagged fields at the end of a struct that knows none; nothing in classic
    /// versions.
    pub(crate) fn tagged_fields(&mut self, unknown: &TaggedFields) -> Result<(), EncodeError> {
        self.tagged_fields_with(unknown, &[])
    }

    /// Writes the tagged fields at the end of a struct: those of `known` that are present, and
    /// the unknown ones in between.
    #[expect(clippy::type_complexity, reason = "said once, and only here")]
    pub(crate) fn tagged_fields_with(
        &mut self,
        unknown: &TaggedFields,
        known: &[(u32, bool, &dyn Fn(&mut Self) -> Result<(), EncodeError>)],
    ) -> Result<(), EncodeError> {
        if !self.flexible {
            return match unknown.iter().next() {
                Some((tag, _)) => Err(EncodeError::Tag(*tag)),
                None => Ok(()),
            };
        }
        let count = known.iter().filter(|(_, present, _)| *present).count() + unknown.len();
        self.uvarint(u32::try_from(count).map_err(|_| EncodeError::TooLong { length: count })?);
        let mut unknown = unknown.iter().peekable();
        for (tag, _, value) in known.iter().filter(|(_, present, _)| *present) {
            while let Some((lower, bytes)) = unknown.next_if(|(other, _)| other < tag) {
                self.raw_tagged_field(*lower, bytes)?;
            }
            if unknown.next_if(|(other, _)| other == tag).is_some() {
                return Err(EncodeError::Tag(*tag));
            }
            self.tagged_field(*tag, value)?;
        }
        for (tag, bytes) in unknown {
            self.raw_tagged_field(*tag, bytes)?;
        }
        Ok(())
    }

    fn raw_tagged_field(&mut self, tag: u32, bytes: &[u8]) -> Result<(), EncodeError> {
        let length = bytes.len();
        let size = u32::try_from(length).map_err(|_| EncodeError::TooLong { length })?;
        self.uvarint(tag);
        self.uvarint(size);
        self.buffer.extend_from_slice(bytes);
        Ok(())
    }

    fn tagged_field(
        &mut self,
        tag: u32,
        value: &dyn Fn(&mut Self) -> Result<(), EncodeError>,
    ) -> Result<(), EncodeError> {
        // The size stands before the value and takes as many bytes as it needs: written apart.
        let mut apart = Self { buffer: BytesMut::new(), cuts: Vec::new(), flexible: true };
        value(&mut apart)?;
        debug_assert!(apart.cuts.is_empty(), "no tagged field holds records");
        self.raw_tagged_field(tag, &apart.buffer)
    }
}

/// Whether a field may be left out: its value is the default, or its message does not care.
///
/// # Errors
///
/// [`EncodeError::Absent`] where a value would be lost.
pub(crate) fn absent(
    is_default: bool,
    field: &'static str,
    version: i16,
) -> Result<(), EncodeError> {
    if is_default { Ok(()) } else { Err(EncodeError::Absent { field, version }) }
}
