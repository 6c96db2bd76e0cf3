//! The numbers of the APIs and what goes with them; the table itself is generated.

/// Declares [`ApiKey`](crate::ApiKey) from the generated table.
macro_rules! api_keys {
    ($($key:ident = $number:literal, $versions:expr, $flexible:expr;)*) => {
        /// An API of Kafka's broker listener, by the number that requests carry.
        ///
        /// The list and its versions are those of Apache Kafka 4.3.1.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[repr(i16)]
        #[non_exhaustive]
        pub enum ApiKey {
            $(
                #[doc = concat!("API ", stringify!($number), ".")]
                $key = $number,
            )*
        }

        impl ApiKey {
            /// Every API, in numeric order.
            pub const ALL: &'static [ApiKey] = &[$(ApiKey::$key,)*];

            /// The API behind a number, or `None` where there is none.
            pub const fn from_code(code: i16) -> Option<ApiKey> {
                match code { $($number => Some(ApiKey::$key),)* _ => None }
            }

            /// Kafka's name, e.g. `Produce`.
            pub const fn name(self) -> &'static str {
                match self { $(ApiKey::$key => stringify!($key),)* }
            }

            /// The versions whose messages can be read and written.
            pub const fn versions(self) -> std::ops::RangeInclusive<i16> {
                match self { $(ApiKey::$key => $versions,)* }
            }

            /// The first version with compact lengths and tagged fields.
            pub const fn flexible_from(self) -> Option<i16> {
                match self { $(ApiKey::$key => $flexible,)* }
            }
        }
    };
}

pub(crate) use api_keys;

use crate::ApiKey;

impl ApiKey {
    /// The number on the wire.
    pub const fn code(self) -> i16 {
        self as i16
    }

    const fn is_flexible(self, version: i16) -> bool {
        match self.flexible_from() {
            Some(from) => version >= from,
            None => false,
        }
    }

    /// The version of the header of a request: 2 with tagged fields, otherwise 1.
    pub const fn request_header_version(self, version: i16) -> i16 {
        if self.is_flexible(version) { 2 } else { 1 }
    }

    /// The version of the header of a response: 1 with tagged fields, otherwise 0.
    ///
    /// `ApiVersions` always has 0, so that a client which does not know yet what the broker
    /// speaks can read it (KIP-511).
    pub const fn response_header_version(self, version: i16) -> i16 {
        match self {
            ApiKey::ApiVersions => 0,
            _ if self.is_flexible(version) => 1,
            _ => 0,
        }
    }
}

impl std::fmt::Display for ApiKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}
