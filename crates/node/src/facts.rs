//! What happened that whoever runs the broker should be told of.
//!
//! The node has no log output. It notes such facts here; the shell takes them now and then and says
//! each in one line.

use crate::time::Now;
use headwater_log::{Damage, DiskError, Recovered};
use headwater_types::PartitionIndex;
use parking_lot::Mutex;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Facts that wait to be taken; beyond it they are only counted. A restart after a crash makes one a
/// partition.
const WAITING_MAX: usize = 20_000;

/// How long nothing must have been refused, in ms, before a full folder counts as having room again:
/// where little is left, small appends succeed between large ones that do not.
const ROOM_AFTER_MS: u64 = 10_000;

/// One thing to be told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fact {
    /// A log that was not stopped cleanly was checked, and serves.
    LogRecovered {
        /// Which partition.
        replica: Replica,
        /// What it took.
        recovered: Recovered,
    },
    /// A log does not hold any more what was once written: what is behind it is not served, and
    /// nothing is appended, until it was repaired.
    LogDamaged {
        /// Which partition.
        replica: Replica,
        /// Where, and what is wrong.
        damage: Arc<Damage>,
    },
    /// A log cannot be opened: its partition is out of service.
    LogUnusable {
        /// Which partition.
        replica: Replica,
        /// What is wrong with it.
        problem: String,
    },
    /// A replica has changed its log folder.
    ReplicaMoved {
        /// Which, and where it lies now.
        replica: Replica,
        /// Where it lay.
        from: PathBuf,
    },
    /// A replica was to change its log folder, and stays where it is.
    MoveFailed {
        /// Which, and where it lies.
        replica: Replica,
        /// Where it was to go.
        to: PathBuf,
        /// What was in the way.
        problem: String,
    },
    /// An append did not find room, for the first time.
    FolderFull {
        /// The log folder.
        folder: PathBuf,
        /// What the system said.
        problem: String,
    },
    /// Appends find room again.
    FolderHasRoom {
        /// The log folder.
        folder: PathBuf,
    },
    /// There were too many facts; this many were not kept.
    Lost {
        /// How many.
        count: usize,
    },
}

/// A partition and where it lies here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Replica {
    /// The topic's name.
    pub topic: Arc<str>,
    /// The partition.
    pub partition: PartitionIndex,
    /// The log folder.
    pub folder: PathBuf,
}

/// The facts that were not taken yet.
#[derive(Debug, Default)]
pub(crate) struct Facts {
    waiting: Mutex<Waiting>,
    /// The folders that are full, with the time of the last append that was refused.
    full: Mutex<BTreeMap<PathBuf, u64>>,
    /// Whether there are any: every append asks.
    any_full: AtomicBool,
}

#[derive(Debug, Default)]
struct Waiting {
    facts: Vec<Fact>,
    lost: usize,
}

impl Facts {
    pub fn note(&self, fact: Fact) {
        let mut waiting = self.waiting.lock();
        if waiting.facts.len() < WAITING_MAX {
            waiting.facts.push(fact);
        } else {
            waiting.lost += 1;
        }
    }

    /// An append did not find room.
    pub fn note_full(&self, error: &DiskError, folder: &Path, now: Now) {
        self.any_full.store(true, Ordering::Release);
        if self.full.lock().insert(folder.to_owned(), now.monotonic_ms).is_none() {
            let problem = error.to_string();
            self.note(Fact::FolderFull { folder: folder.to_owned(), problem });
        }
    }

    /// An append found room.
    pub fn note_room(&self, folder: &Path, now: Now) {
        if !self.any_full.load(Ordering::Acquire) {
            return;
        }
        let mut full = self.full.lock();
        let lasts = |refused_ms: &u64| now.monotonic_ms.saturating_sub(*refused_ms) < ROOM_AFTER_MS;
        if full.get(folder).is_none_or(lasts) {
            return;
        }
        full.remove(folder);
        self.any_full.store(!full.is_empty(), Ordering::Release);
        self.note(Fact::FolderHasRoom { folder: folder.to_owned() });
    }

    /// What was noted since the last time, oldest first.
    pub fn take(&self) -> Vec<Fact> {
        let Waiting { mut facts, lost } = std::mem::take(&mut *self.waiting.lock());
        if lost > 0 {
            facts.push(Fact::Lost { count: lost });
        }
        facts
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_too_much_is_counted() {
        let facts = Facts::default();
        let replica =
            Replica { topic: Arc::from("t"), partition: PartitionIndex(0), folder: "/logs".into() };
        let fact = Fact::LogRecovered { replica, recovered: Recovered::default() };
        for _ in 0..WAITING_MAX + 2 {
            facts.note(fact.clone());
        }
        let taken = facts.take();
        assert_eq!(taken.len(), WAITING_MAX + 1);
        assert_eq!(taken.last(), Some(&Fact::Lost { count: 2 }));
        assert!(facts.take().is_empty());
    }
}
