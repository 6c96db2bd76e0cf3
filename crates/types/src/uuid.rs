//! 128-bit ids in Kafka's own spelling: URL-safe base64 without padding.

use std::fmt;
use std::str::FromStr;

const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/// Characters of the text form: 128 bits at 6 a character.
const TEXT_CHARS: usize = 22;

/// A 128-bit id as Kafka sends it (16 bytes, big-endian) and prints it (22 characters).
#[derive(Clone, Copy, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Uuid(pub [u8; 16]);

/// The identity of a topic; never used again after its deletion.
pub type TopicId = Uuid;

/// The identity of a log folder (KIP-858).
pub type DirectoryId = Uuid;

/// A text that is no id.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UuidParseError {
    text: String,
}

impl fmt::Display for UuidParseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} is not an id of 22 characters of URL-safe base64", self.text)
    }
}

impl std::error::Error for UuidParseError {}

impl Uuid {
    /// All bits zero: "no id" in Kafka's protocol.
    pub const ZERO: Uuid = Uuid([0; 16]);

    /// An id of random bits in the layout of a version-4 UUID, from 16 random bytes that the
    /// caller supplies.
    ///
    /// Kafka never hands out an id whose text starts with `-`, since tools would take it for an
    /// option; the top bits are cleared accordingly.
    pub const fn from_random(mut bytes: [u8; 16]) -> Self {
        bytes[0] &= 0x7f;
        bytes[6] = (bytes[6] & 0x0f) | 0x40;
        bytes[8] = (bytes[8] & 0x3f) | 0x80;
        Self(bytes)
    }

    /// Whether this is [`Uuid::ZERO`].
    pub const fn is_zero(self) -> bool {
        u128::from_be_bytes(self.0) == 0
    }
}

impl fmt::Display for Uuid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bits = u128::from_be_bytes(self.0);
        for position in 0..TEXT_CHARS {
            let shift = 128 - 6 * (position as i32 + 1);
            let six = if shift >= 0 { bits >> shift } else { bits << -shift } & 0x3f;
            let letter = ALPHABET.get(six as usize).copied().unwrap_or(b'A');
            write!(f, "{}", letter as char)?;
        }
        Ok(())
    }
}

impl fmt::Debug for Uuid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for Uuid {
    type Err = UuidParseError;

    fn from_str(text: &str) -> Result<Self, UuidParseError> {
        let bad = || UuidParseError { text: text.chars().take(64).collect() };
        if text.len() != TEXT_CHARS {
            return Err(bad());
        }
        let mut bits: u128 = 0;
        for (position, letter) in text.bytes().enumerate() {
            let six = ALPHABET.iter().position(|&known| known == letter).ok_or_else(bad)? as u128;
            let shift = 128 - 6 * (position as i32 + 1);
            bits |= if shift >= 0 { six << shift } else { six >> -shift };
        }
        Ok(Self(bits.to_be_bytes()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_form_is_that_of_kafka() {
        let id = Uuid(*b"\x01\x23\x45\x67\x89\xab\x4d\xef\x81\x23\x45\x67\x89\xab\xcd\xef");
        assert_eq!(id.to_string(), "ASNFZ4mrTe-BI0VniavN7w");
        assert_eq!("ASNFZ4mrTe-BI0VniavN7w".parse(), Ok(id));
        assert_eq!(Uuid::ZERO.to_string(), "AAAAAAAAAAAAAAAAAAAAAA");
    }

    #[test]
    fn other_texts_are_refused() {
        for text in
            ["", "ASNFZ4mrTe-BI0VniavN7", "ASNFZ4mrTe-BI0VniavN7ww", "ASNFZ4mrTe+BI0VniavN7w"]
        {
            assert!(text.parse::<Uuid>().is_err(), "{text:?}");
        }
    }

    #[test]
    fn random_ids_never_look_like_an_option() {
        for first in 0..=255u8 {
            let mut bytes = [0xff; 16];
            bytes[0] = first;
            assert!(!Uuid::from_random(bytes).to_string().starts_with('-'));
        }
    }
}
