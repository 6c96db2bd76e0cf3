//! When to try again: back-off with jitter from a seed, and what an error code advises.

use headwater_types::{ErrorCode, Retry};

/// Waiting times that grow from `initial_ms` to `max_ms`, spread by up to a fifth so that clients
/// which failed together do not return together (KIP-580).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BackoffPolicy {
    /// The first wait in milliseconds; 0 waits never.
    pub initial_ms: u64,
    /// The longest wait in milliseconds, before jitter.
    pub max_ms: u64,
}

impl Default for BackoffPolicy {
    /// Kafka's `retry.backoff.ms` and `retry.backoff.max.ms`.
    fn default() -> Self {
        Self { initial_ms: 100, max_ms: 1_000 }
    }
}

/// One series of failures and the waits between them.
#[derive(Clone, Debug)]
pub struct Backoff {
    policy: BackoffPolicy,
    failures: u32,
    random: u64,
}

impl Backoff {
    /// A series without failures so far. The same seed gives the same waits.
    pub fn new(policy: BackoffPolicy, seed: u64) -> Self {
        Self { policy, failures: 0, random: seed }
    }

    /// Failures since the last success.
    pub fn failures(&self) -> u32 {
        self.failures
    }

    /// Notes a failure and says how many milliseconds to wait before the next attempt.
    pub fn failed(&mut self) -> u64 {
        let doublings = self.failures.min(32);
        self.failures = self.failures.saturating_add(1);
        let wait = self.policy.initial_ms.saturating_mul(1 << doublings).min(self.policy.max_ms);
        // Between four and six fifths of the wait.
        let spread = wait.saturating_mul(2) / 5;
        let jitter = if spread == 0 { 0 } else { self.next_random() % (spread + 1) };
        (wait - wait / 5).saturating_add(jitter)
    }

    /// Notes a success: the next failure waits shortly again.
    pub fn succeeded(&mut self) {
        self.failures = 0;
    }

    /// SplitMix64: statistically good enough to spread clients, and the same everywhere.
    fn next_random(&mut self) -> u64 {
        self.random = self.random.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.random;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }
}

/// What a caller does about a failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Advice {
    /// Trying again cannot help.
    GiveUp,
    /// The same may be sent again after a wait.
    Again,
    /// The same may be sent again, after the metadata was refreshed.
    RefreshAndAgain,
}

/// The advice for an error code in a broker's answer; an unknown number is final.
pub fn advice_for(code: i16) -> Advice {
    match ErrorCode::from_code(code) {
        // Another node answers for the controller now; only new metadata says which.
        Some(ErrorCode::NotController) => Advice::RefreshAndAgain,
        Some(known) => match known.retry() {
            Retry::Never => Advice::GiveUp,
            Retry::Retriable => Advice::Again,
            Retry::RefreshMetadata => Advice::RefreshAndAgain,
        },
        None => Advice::GiveUp,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_the_maximum_within_a_fifth() {
        let mut backoff = Backoff::new(BackoffPolicy { initial_ms: 100, max_ms: 1_000 }, 7);
        for expected in [100, 200, 400, 800, 1_000, 1_000] {
            let wait = backoff.failed();
            assert!(wait >= expected * 4 / 5 && wait <= expected * 6 / 5, "{wait} for {expected}");
        }
        backoff.succeeded();
        assert!(backoff.failed() <= 120, "a success starts the series anew");
    }

    #[test]
    fn many_failures_neither_overflow_nor_grow() {
        let mut backoff = Backoff::new(BackoffPolicy { initial_ms: u64::MAX, max_ms: 50 }, 1);
        for _ in 0..100 {
            assert!(backoff.failed() <= 60);
        }
        assert_eq!(Backoff::new(BackoffPolicy { initial_ms: 0, max_ms: 0 }, 1).failed(), 0);
    }

    #[test]
    fn one_seed_gives_one_series() {
        let series = |seed| {
            let mut backoff = Backoff::new(BackoffPolicy::default(), seed);
            (0..8).map(|_| backoff.failed()).collect::<Vec<_>>()
        };
        assert_eq!(series(3), series(3));
        assert_ne!(series(3), series(4));
    }

    #[test]
    fn advice_follows_the_code() {
        assert_eq!(advice_for(ErrorCode::NotController.code()), Advice::RefreshAndAgain);
        assert_eq!(advice_for(ErrorCode::NotLeaderOrFollower.code()), Advice::RefreshAndAgain);
        assert_eq!(advice_for(ErrorCode::RequestTimedOut.code()), Advice::Again);
        assert_eq!(advice_for(ErrorCode::TopicAlreadyExists.code()), Advice::GiveUp);
        assert_eq!(advice_for(999), Advice::GiveUp, "an unknown code is final");
    }
}
