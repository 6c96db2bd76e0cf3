//! Reads messages off a frame without copying it and within a bound of memory.

use super::varint::take_unsigned;
use super::{Body, DecodeError, Records, Str, TaggedFields};
use bytes::{Buf, Bytes};
use headwater_types::Uuid;

/// Decoding a frame may allocate this many bytes for each of its bytes, and
/// [`MEMORY_BASE_BYTES`] besides.
///
/// The smallest text takes one byte on the wire and 32 in memory; whatever costs more than that
/// per byte is no message that a client would send.
pub const MEMORY_FACTOR: usize = 32;

/// Decoding any frame may allocate this many bytes, see [`MEMORY_FACTOR`].
pub const MEMORY_BASE_BYTES: usize = 64 * 1024;

/// A position in a frame.
///
/// Texts, bytes and records that it gives are slices of the frame and keep all of it alive. Every
/// count is compared with the bytes that are left before anything is allocated, and everything
/// that is allocated is charged to a budget, so that hostile frames cost bounded memory.
#[derive(Debug)]
pub struct Reader {
    rest: Bytes,
    flexible: bool,
    memory_left: usize,
    memory_limit: usize,
    #[cfg(any(test, feature = "arbitrary"))]
    lenient: bool,
}

impl Reader {
    /// A reader at the begin of `frame`, with a budget of [`MEMORY_FACTOR`] times its length and
    /// [`MEMORY_BASE_BYTES`].
    pub fn new(frame: Bytes) -> Self {
        let limit = frame.len().saturating_mul(MEMORY_FACTOR).saturating_add(MEMORY_BASE_BYTES);
        Self::with_memory_limit(frame, limit)
    }

    /// A reader whose decoded messages may allocate `limit_bytes` in all.
    pub fn with_memory_limit(frame: Bytes, limit_bytes: usize) -> Self {
        Self {
            rest: frame,
            flexible: false,
            memory_left: limit_bytes,
            memory_limit: limit_bytes,
            #[cfg(any(test, feature = "arbitrary"))]
            lenient: false,
        }
    }

    /// A reader that makes a message of any bytes: lengths are cut to a few, texts made ASCII, and
    /// where bytes end zeros follow. Made for tests and fuzzing.
    #[cfg(any(test, feature = "arbitrary"))]
    pub fn lenient(noise: Bytes) -> Self {
        Self { lenient: true, ..Self::with_memory_limit(noise, usize::MAX) }
    }

    #[cfg(any(test, feature = "arbitrary"))]
    const fn is_lenient(&self) -> bool {
        self.lenient
    }

    #[cfg(not(any(test, feature = "arbitrary")))]
    #[inline(always)]
    const fn is_lenient(&self) -> bool {
        false
    }

    /// Bytes that were not read yet.
    pub fn remaining(&self) -> usize {
        self.rest.len()
    }

    /// The bytes that were not read yet.
    pub fn into_rest(self) -> Bytes {
        self.rest
    }

    /// Bytes of memory that decoding has claimed so far.
    pub fn memory_used(&self) -> usize {
        self.memory_limit - self.memory_left
    }

    /// Ends reading.
    ///
    /// # Errors
    ///
    /// [`DecodeError::Trailing`] where bytes are left.
    pub fn finish(self) -> Result<(), DecodeError> {
        match self.rest.len() {
            0 => Ok(()),
            left => Err(DecodeError::Trailing(left)),
        }
    }

    /// Whether lengths are compact and structs end with tagged fields.
    pub(crate) fn set_flexible(&mut self, flexible: bool) {
        self.flexible = flexible;
    }

    fn take<const N: usize>(&mut self) -> Result<[u8; N], DecodeError> {
        let Some(&chunk) = self.rest.first_chunk::<N>() else {
            return if self.is_lenient() { Ok([0; N]) } else { Err(self.truncated(N)) };
        };
        self.rest.advance(N);
        Ok(chunk)
    }

    fn take_slice(&mut self, length: usize) -> Result<Bytes, DecodeError> {
        let length = if self.is_lenient() { length.min(self.rest.len()) } else { length };
        if length > self.rest.len() {
            return Err(self.truncated(length));
        }
        Ok(self.rest.split_to(length))
    }

    #[cold]
    fn truncated(&self, needed: usize) -> DecodeError {
        DecodeError::Truncated { needed, remaining: self.rest.len() }
    }

    fn charge(&mut self, bytes: usize) -> Result<(), DecodeError> {
        match self.memory_left.checked_sub(bytes) {
            Some(left) => {
                self.memory_left = left;
                Ok(())
            }
            None => Err(DecodeError::Memory { limit_bytes: self.memory_limit }),
        }
    }

    /// Reads a signed byte.
    pub fn i8(&mut self) -> Result<i8, DecodeError> {
        self.take().map(i8::from_be_bytes)
    }

    /// Reads a 16-bit integer.
    pub fn i16(&mut self) -> Result<i16, DecodeError> {
        self.take().map(i16::from_be_bytes)
    }

    /// Reads an unsigned 16-bit integer.
    pub fn u16(&mut self) -> Result<u16, DecodeError> {
        self.take().map(u16::from_be_bytes)
    }

    /// Reads a 32-bit integer.
    pub fn i32(&mut self) -> Result<i32, DecodeError> {
        self.take().map(i32::from_be_bytes)
    }

    /// Reads an unsigned 32-bit integer.
    pub fn u32(&mut self) -> Result<u32, DecodeError> {
        self.take().map(u32::from_be_bytes)
    }

    /// Reads a 64-bit integer.
    pub fn i64(&mut self) -> Result<i64, DecodeError> {
        self.take().map(i64::from_be_bytes)
    }

    /// Reads a 64-bit float.
    pub fn f64(&mut self) -> Result<f64, DecodeError> {
        if self.is_lenient() {
            return self.i32().map(f64::from);
        }
        self.take().map(f64::from_be_bytes)
    }

    /// Reads a boolean; as in Kafka, any byte but zero is true.
    pub fn bool(&mut self) -> Result<bool, DecodeError> {
        self.take().map(|[byte]| byte != 0)
    }

    /// Reads an id of 16 bytes.
    pub fn uuid(&mut self) -> Result<Uuid, DecodeError> {
        self.take().map(Uuid)
    }

    /// Reads an unsigned variable-length integer.
    pub fn uvarint(&mut self) -> Result<u32, DecodeError> {
        take_unsigned(&mut self.rest)
    }

    /// Reads a length of two classic bytes, or a compact one; `None` is null.
    fn short_length(&mut self) -> Result<Option<usize>, DecodeError> {
        if self.is_lenient() {
            return self.lenient_length();
        }
        if self.flexible { self.compact_length() } else { signed_length(self.i16()?.into()) }
    }

    /// Reads a length of four classic bytes, or a compact one; `None` is null.
    fn long_length(&mut self) -> Result<Option<usize>, DecodeError> {
        if self.is_lenient() {
            return self.lenient_length();
        }
        if self.flexible { self.compact_length() } else { signed_length(self.i32()?) }
    }

    /// A small length of any byte; null now and then.
    fn lenient_length(&mut self) -> Result<Option<usize>, DecodeError> {
        let [byte] = self.take()?;
        Ok(usize::from(byte % 5).checked_sub(1))
    }

    fn compact_length(&mut self) -> Result<Option<usize>, DecodeError> {
        let stored = self.uvarint()?;
        // A length takes 31 bits at most, as in Java.
        if stored > i32::MAX as u32 {
            return Err(DecodeError::NegativeLength(stored as i32));
        }
        Ok(stored.checked_sub(1).map(|length| length as usize))
    }

    /// Reads a text.
    pub fn string(&mut self) -> Result<Str, DecodeError> {
        let text = self.nullable_string()?;
        if self.is_lenient() { Ok(text.unwrap_or_default()) } else { text.ok_or(DecodeError::Null) }
    }

    /// Reads a text that may be null.
    pub fn nullable_string(&mut self) -> Result<Option<Str>, DecodeError> {
        let Some(length) = self.short_length()? else { return Ok(None) };
        let bytes = self.take_slice(length)?;
        let bytes = if self.is_lenient() { readable(&bytes) } else { bytes };
        Str::try_from(bytes).map(Some).map_err(|_| DecodeError::Utf8)
    }

    /// Reads a text with a classic length, whatever the version: only `client_id` has one.
    pub(crate) fn classic_nullable_string(&mut self) -> Result<Option<Str>, DecodeError> {
        let flexible = std::mem::replace(&mut self.flexible, false);
        let text = self.nullable_string();
        self.flexible = flexible;
        text
    }

    /// Reads bytes.
    pub fn bytes(&mut self) -> Result<Bytes, DecodeError> {
        let bytes = self.nullable_bytes()?;
        if self.is_lenient() {
            Ok(bytes.unwrap_or_default())
        } else {
            bytes.ok_or(DecodeError::Null)
        }
    }

    /// Reads bytes that may be null.
    pub fn nullable_bytes(&mut self) -> Result<Option<Bytes>, DecodeError> {
        let Some(length) = self.long_length()? else { return Ok(None) };
        self.take_slice(length).map(Some)
    }

    /// Reads record batches.
    pub fn records(&mut self) -> Result<Records, DecodeError> {
        let records = self.nullable_records()?;
        if self.is_lenient() {
            return Ok(records.unwrap_or_else(|| Records::in_memory(Bytes::new())));
        }
        records.ok_or(DecodeError::Null)
    }

    /// Reads record batches that may be null.
    pub fn nullable_records(&mut self) -> Result<Option<Records>, DecodeError> {
        let Some(bytes) = self.nullable_bytes()? else { return Ok(None) };
        self.charge(size_of::<super::RecordsPart>())?;
        Ok(Some(Records::in_memory(bytes)))
    }

    /// Reads an array whose elements take at least `bytes_min` bytes each.
    pub(crate) fn array<T>(
        &mut self,
        bytes_min: usize,
        element: impl FnMut(&mut Self) -> Result<T, DecodeError>,
    ) -> Result<Vec<T>, DecodeError> {
        let array = self.nullable_array(bytes_min, element)?;
        if self.is_lenient() {
            Ok(array.unwrap_or_default())
        } else {
            array.ok_or(DecodeError::Null)
        }
    }

    /// Reads an array that may be null and whose elements take at least `bytes_min` bytes each.
    pub(crate) fn nullable_array<T>(
        &mut self,
        bytes_min: usize,
        mut element: impl FnMut(&mut Self) -> Result<T, DecodeError>,
    ) -> Result<Option<Vec<T>>, DecodeError> {
        let Some(count) = self.long_length()? else { return Ok(None) };
        if count > self.rest.len() / bytes_min.max(1) && !self.is_lenient() {
            return Err(DecodeError::Count { claimed: count, remaining: self.rest.len() });
        }
        self.charge(count.saturating_mul(size_of::<T>()))?;
        let mut elements = Vec::with_capacity(count);
        for _ in 0..count {
            elements.push(element(self)?);
        }
        Ok(Some(elements))
    }

    /// Reads an array of structs.
    pub(crate) fn structs<T: Body>(&mut self, version: i16) -> Result<Vec<T>, DecodeError> {
        self.array(T::BYTES_MIN, |r| T::read(r, version))
    }

    /// Reads an array of structs that may be null.
    pub(crate) fn nullable_structs<T: Body>(
        &mut self,
        version: i16,
    ) -> Result<Option<Vec<T>>, DecodeError> {
        self.nullable_array(T::BYTES_MIN, |r| T::read(r, version))
    }

    /// Reads a struct that may be null.
    pub(crate) fn nullable_struct<T: Body>(
        &mut self,
        version: i16,
    ) -> Result<Option<T>, DecodeError> {
        if self.i8()? < 0 { Ok(None) } else { T::read(self, version).map(Some) }
    }

    /// Reads the tagged fields at the end of a struct that knows none; nothing in classic versions.
    pub(crate) fn tagged_fields(&mut self) -> Result<TaggedFields, DecodeError> {
        self.tagged_fields_with(|_, _| Ok(false))
    }

    /// Reads the tagged fields at the end of a struct. `known` reads a field's value and says
    /// true, or reads nothing and says false: then the field is kept as it is.
    pub(crate) fn tagged_fields_with(
        &mut self,
        mut known: impl FnMut(&mut Self, u32) -> Result<bool, DecodeError>,
    ) -> Result<TaggedFields, DecodeError> {
        let mut unknown = TaggedFields::default();
        if !self.flexible {
            return Ok(unknown);
        }
        if self.is_lenient() {
            return self.lenient_tagged_fields(known);
        }
        let count = self.uvarint()? as usize;
        if count > self.rest.len() / 2 {
            return Err(DecodeError::Count { claimed: count, remaining: self.rest.len() });
        }
        let mut next_tag = 0u64;
        for _ in 0..count {
            let tag = self.uvarint()?;
            if u64::from(tag) < next_tag {
                return Err(DecodeError::TagOrder(tag));
            }
            next_tag = u64::from(tag) + 1;
            let size = self.uvarint()? as usize;
            if size > self.rest.len() {
                return Err(self.truncated(size));
            }
            let after = self.rest.split_off(size);
            let was_known = known(self, tag)?;
            let value = std::mem::replace(&mut self.rest, after);
            match was_known {
                true if !value.is_empty() => return Err(DecodeError::TagSize(tag)),
                true => {}
                false => {
                    // Twice: a vector that grows may be twice as large as what it holds, and the
                    // first push makes room for four.
                    self.charge(2 * size_of::<(u32, Bytes)>())?;
                    if unknown.is_empty() {
                        self.charge(4 * size_of::<(u32, Bytes)>())?;
                    }
                    unknown.push(tag, value);
                }
            }
        }
        Ok(unknown)
    }

    /// Tries tags that messages know, and adds one that none does now and then.
    fn lenient_tagged_fields(
        &mut self,
        mut known: impl FnMut(&mut Self, u32) -> Result<bool, DecodeError>,
    ) -> Result<TaggedFields, DecodeError> {
        let mut unknown = TaggedFields::default();
        let [wanted] = self.take()?;
        for tag in 0..4 {
            if wanted & (1 << tag) != 0 {
                known(self, tag)?;
            }
        }
        if wanted >= 0xf0 {
            unknown.push(1000 + u32::from(wanted), self.take_slice(3)?);
        }
        Ok(unknown)
    }
}

/// Any bytes as ASCII.
fn readable(bytes: &[u8]) -> Bytes {
    bytes.iter().map(|byte| b'a' + byte % 26).collect()
}

fn signed_length(length: i32) -> Result<Option<usize>, DecodeError> {
    match length {
        -1 => Ok(None),
        length => {
            usize::try_from(length).map(Some).map_err(|_| DecodeError::NegativeLength(length))
        }
    }
}
