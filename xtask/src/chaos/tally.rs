//! What a run has counted, and how it is told.

use super::checker::{Verdict, Violation};
use super::clients::Client;
use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

/// Everything that the end of a run reports.
#[derive(Debug, Default)]
pub struct Tally {
    pub rounds: u64,
    pub second_kills: u64,
    pub chapters: u64,
    pub acknowledged: BTreeMap<Client, u64>,
    /// Batches that a client without idempotence gave up on.
    pub given_up: u64,
    pub topics_made: u64,
    pub topics_deleted: u64,
    /// Values that were read and compared, every reading counted.
    pub compared: u64,
    pub wrong: Wrong,
    pub copies: u64,
    pub unacknowledged: u64,
    pub expired: u64,
    pub listening: Vec<Duration>,
    pub first_acknowledged: Vec<Duration>,
}

/// Violations by kind.
#[derive(Debug, Default)]
pub struct Wrong {
    pub lost: u64,
    pub duplicated: u64,
    pub elsewhere: u64,
    pub reordered: u64,
    pub other: u64,
}

impl Tally {
    /// Adds a verdict's violations; what is no fault is counted by [`Tally::settle`].
    pub fn add(&mut self, verdict: &Verdict) {
        for violation in &verdict.violations {
            let count = match violation {
                Violation::Lost { .. } => &mut self.wrong.lost,
                Violation::Duplicated { .. } => &mut self.wrong.duplicated,
                Violation::WrongOffset { .. } => &mut self.wrong.elsewhere,
                Violation::Reordered { .. } => &mut self.wrong.reordered,
                Violation::Invented { .. }
                | Violation::Gap { .. }
                | Violation::FrontGone { .. } => &mut self.wrong.other,
            };
            *count += 1;
        }
    }

    /// Counts what a topic's last reading in its chapter found besides.
    pub fn settle(&mut self, verdict: &Verdict) {
        self.copies += verdict.copies;
        self.unacknowledged += verdict.unacknowledged;
        self.expired += verdict.expired;
    }

    pub fn acknowledged_in_all(&self) -> u64 {
        self.acknowledged.values().sum()
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "{} rounds in {} chapters; {} with a second kill during recovery",
            self.rounds, self.chapters, self.second_kills
        )?;
        writeln!(
            f,
            "acknowledged {} (librdkafka {}, rskafka {}), compared {} times",
            self.acknowledged_in_all(),
            self.acknowledged.get(&Client::Librdkafka).copied().unwrap_or(0),
            self.acknowledged.get(&Client::Rskafka).copied().unwrap_or(0),
            self.compared
        )?;
        let Wrong { lost, duplicated, elsewhere, reordered, other } = &self.wrong;
        writeln!(
            f,
            "lost {lost}, duplicated {duplicated}, at another offset {elsewhere}, out of order \
             {reordered}, other faults {other}"
        )?;
        writeln!(
            f,
            "no fault: {} there though nobody was told, {} copies by a producer without \
             idempotence, {} taken by retention, {} batches given up by it",
            self.unacknowledged, self.copies, self.expired, self.given_up
        )?;
        writeln!(
            f,
            "besides {} topics created and {} deleted, kills between",
            self.topics_made, self.topics_deleted
        )?;
        writeln!(f, "from the kill to listening: {}", Spread::of(&self.listening))?;
        write!(
            f,
            "from the kill to the first acknowledgement: {}",
            Spread::of(&self.first_acknowledged)
        )
    }
}

/// How durations are spread.
struct Spread(Vec<Duration>);

impl Spread {
    fn of(durations: &[Duration]) -> Self {
        let mut sorted = durations.to_vec();
        sorted.sort_unstable();
        Self(sorted)
    }

    fn at(&self, percent: usize) -> u128 {
        let index = self.0.len().saturating_sub(1) * percent / 100;
        self.0.get(index).map_or(0, Duration::as_millis)
    }
}

impl fmt::Display for Spread {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (median, late, worst) = (self.at(50), self.at(95), self.at(100));
        write!(f, "median {median} ms, 95 % {late} ms, worst {worst} ms")
    }
}
