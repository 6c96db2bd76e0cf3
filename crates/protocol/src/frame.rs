//! The length before each message on a connection.

use thiserror::Error;

/// Bytes of the length itself.
pub const PREFIX_BYTES: usize = 4;

/// Length of a frame in bytes, prefix excluded, known to be within the listener's limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct FrameLen(usize);

/// A length that no frame has. The connection must be closed: where the next frame begins is
/// unknown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum FrameError {
    /// Below zero.
    #[error("a frame of {claimed} bytes")]
    Negative {
        /// The length read.
        claimed: i32,
    },
    /// Beyond the limit of the listener.
    #[error("a frame of {claimed_bytes} bytes where {limit_bytes} are allowed")]
    TooLarge {
        /// The length read.
        claimed_bytes: usize,
        /// The limit.
        limit_bytes: usize,
    },
}

impl FrameLen {
    /// Reads the length.
    ///
    /// # Errors
    ///
    /// The length is negative or above `limit_bytes`.
    pub fn parse(prefix: [u8; PREFIX_BYTES], limit_bytes: usize) -> Result<Self, FrameError> {
        let claimed = i32::from_be_bytes(prefix);
        match usize::try_from(claimed) {
            Err(_) => Err(FrameError::Negative { claimed }),
            Ok(n) if n > limit_bytes => Err(FrameError::TooLarge { claimed_bytes: n, limit_bytes }),
            Ok(n) => Ok(Self(n)),
        }
    }

    /// The bytes that follow the prefix.
    pub const fn bytes(self) -> usize {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_are_held_against_the_limit() {
        let parse = |length: i32| FrameLen::parse(length.to_be_bytes(), 100).map(FrameLen::bytes);
        assert_eq!(parse(0), Ok(0));
        assert_eq!(parse(100), Ok(100));
        assert_eq!(parse(101), Err(FrameError::TooLarge { claimed_bytes: 101, limit_bytes: 100 }));
        assert_eq!(parse(-1), Err(FrameError::Negative { claimed: -1 }));
        assert_eq!(parse(i32::MIN), Err(FrameError::Negative { claimed: i32::MIN }));
    }
}
