//! Time as an input: the node owns no clock.

/// What the shell's clocks said when it handed something in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Now {
    /// Milliseconds since 1970 by the wall clock: for record timestamps and retention.
    pub wall_ms: i64,
    /// Milliseconds since some fixed instant by a clock that never jumps: for deadlines.
    pub monotonic_ms: u64,
}

impl Now {
    /// The instant `delay_ms` from now on the monotonic clock; a negative delay counts as none.
    pub fn deadline_after(self, delay_ms: i64) -> u64 {
        self.monotonic_ms.saturating_add(u64::try_from(delay_ms).unwrap_or(0))
    }
}
