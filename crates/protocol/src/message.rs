//! What every message can do, and what makes a message a request.

use crate::ApiKey;
use crate::wire::{Body, DecodeError, EncodeError, Reader, Writer};
use std::ops::RangeInclusive;

/// A message of Kafka's protocol: it can be read and written at each of its versions.
pub trait Message: Sized + Default {
    /// Kafka's name, as in `ProduceRequest`.
    const NAME: &'static str;

    /// The versions that exist.
    const VERSIONS: RangeInclusive<i16>;

    /// The first version with compact lengths and tagged fields (KIP-482).
    const FLEXIBLE_FROM: Option<i16>;

    /// Reads the message. Bytes may be left behind it: [`Reader::finish`] tells.
    ///
    /// # Errors
    ///
    /// The bytes are no such message, or would cost more memory than the reader allows: the
    /// connection that they came from is of no use any longer.
    fn decode(r: &mut Reader, version: i16) -> Result<Self, DecodeError>;

    /// Writes the message.
    ///
    /// # Errors
    ///
    /// The version does not exist, or cannot carry a value that is set: choose another version,
    /// or other values. What was written is of no use then.
    fn encode(&self, w: &mut Writer, version: i16) -> Result<(), EncodeError>;
}

/// A message that asks for something.
pub trait Request: Message {
    /// The API.
    const KEY: ApiKey;

    /// The versions that exist.
    const VERSIONS: RangeInclusive<i16> = <Self as Message>::VERSIONS;

    /// The first version with compact lengths and tagged fields.
    const FLEXIBLE_FROM: Option<i16> = <Self as Message>::FLEXIBLE_FROM;

    /// What answers it, at the same version.
    type Response: Message;
}

pub(crate) fn decode<T: Message + Body>(r: &mut Reader, version: i16) -> Result<T, DecodeError> {
    if !T::VERSIONS.contains(&version) {
        return Err(DecodeError::Version { message: T::NAME, version });
    }
    r.set_flexible(T::FLEXIBLE_FROM.is_some_and(|from| version >= from));
    T::read(r, version)
}

pub(crate) fn encode<T: Message + Body>(
    message: &T,
    w: &mut Writer,
    version: i16,
) -> Result<(), EncodeError> {
    if !T::VERSIONS.contains(&version) {
        return Err(EncodeError::Version { message: T::NAME, version });
    }
    w.set_flexible(T::FLEXIBLE_FROM.is_some_and(|from| version >= from));
    message.write(w, version)
}

/// Makes a generated struct a [`Message`], and a [`Request`] where key and response are named.
macro_rules! message {
    ($name:ident, $versions:expr, $flexible:expr) => {
        impl $crate::Message for $name {
            const NAME: &'static str = stringify!($name);
            const VERSIONS: std::ops::RangeInclusive<i16> = $versions;
            const FLEXIBLE_FROM: Option<i16> = $flexible;

            fn decode(
                r: &mut $crate::wire::Reader,
                version: i16,
            ) -> Result<Self, $crate::wire::DecodeError> {
                $crate::message::decode(r, version)
            }

            fn encode(
                &self,
                w: &mut $crate::wire::Writer,
                version: i16,
            ) -> Result<(), $crate::wire::EncodeError> {
                $crate::message::encode(self, w, version)
            }
        }
    };
    ($name:ident, $versions:expr, $flexible:expr, $key:ident => $response:ident) => {
        $crate::message::message!($name, $versions, $flexible);

        impl $crate::Request for $name {
            const KEY: $crate::ApiKey = $crate::ApiKey::$key;
            type Response = $response;
        }
    };
}

pub(crate) use message;
