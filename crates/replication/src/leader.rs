//! The leader of one partition: how far its log is committed.
//!
//! The high watermark is the least end over the *maximal* in-sync set: the set the controller
//! confirmed joined with the one that the leader has asked for (see KIP-497 and KIP-966). Which end
//! counts depends on [`Durability`]: the synced one, or the written one.
//!
//! Invariants, checked in debug builds after every step: the high watermark never moves back and
//! never passes the leader's own log end.

use headwater_types::{BrokerId, EndOffset, LeaderEpoch};
use std::collections::{BTreeMap, BTreeSet};

/// What a record must have reached on every in-sync replica before it counts as committed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Durability {
    /// Stable storage: survives a power cut of all replicas at once.
    #[default]
    Fsync,
    /// The page cache, as in Apache Kafka: survives as long as one in-sync replica keeps running.
    Replicated,
}

/// What a leader starts from.
#[derive(Clone, Debug)]
pub struct LeaderStart {
    /// This broker.
    pub me: BrokerId,
    /// The epoch in which this broker leads.
    pub epoch: LeaderEpoch,
    /// Which end counts.
    pub durability: Durability,
    /// The in-sync set that the controller confirmed; contains `me`.
    pub in_sync: Vec<BrokerId>,
    /// End of the local log.
    pub log_end: EndOffset,
    /// How far the local log is on stable storage.
    pub durable_end: EndOffset,
    /// The highest high watermark known from before.
    pub high_watermark: EndOffset,
}

/// What a follower says it holds, taken from its fetch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FollowerReport {
    /// Who reports.
    pub replica: BrokerId,
    /// End of its log.
    pub log_end: EndOffset,
    /// How far its log is on stable storage.
    pub durable_end: EndOffset,
}

/// The two ends of one replica's log.
#[derive(Clone, Copy, Debug, Default)]
struct Ends {
    log: EndOffset,
    durable: EndOffset,
}

impl Ends {
    fn counted(self, durability: Durability) -> EndOffset {
        match durability {
            Durability::Fsync => self.durable,
            Durability::Replicated => self.log,
        }
    }
}

/// The leader's view of one partition.
#[derive(Clone, Debug)]
pub struct Leader {
    me: BrokerId,
    epoch: LeaderEpoch,
    durability: Durability,
    own: Ends,
    /// Followers that have reported in this epoch.
    followers: BTreeMap<BrokerId, Ends>,
    /// Confirmed by the controller, joined with what is asked for.
    maximal_in_sync: BTreeSet<BrokerId>,
    high_watermark: EndOffset,
}

impl Leader {
    /// A leader that has just been elected (or found itself elected at start).
    pub fn new(start: LeaderStart) -> Self {
        let mut leader = Self {
            me: start.me,
            epoch: start.epoch,
            durability: start.durability,
            own: Ends { log: start.log_end, durable: start.durable_end },
            followers: BTreeMap::new(),
            maximal_in_sync: start.in_sync.into_iter().collect(),
            high_watermark: start.high_watermark.min(start.log_end),
        };
        leader.maximal_in_sync.insert(leader.me);
        leader.advance();
        leader
    }

    /// The epoch in which this broker leads.
    pub fn epoch(&self) -> LeaderEpoch {
        self.epoch
    }

    /// Everything before it is committed.
    pub fn high_watermark(&self) -> EndOffset {
        self.high_watermark
    }

    /// How many replicas are in sync, this one included.
    pub fn in_sync_count(&self) -> usize {
        self.maximal_in_sync.len()
    }

    /// The local log grew to `end`. Gives the new high watermark if it moved.
    pub fn appended(&mut self, end: EndOffset) -> Option<EndOffset> {
        self.own.log = self.own.log.max(end);
        self.advance()
    }

    /// The local log is on stable storage up to `end`. Gives the new high watermark if it moved.
    pub fn synced(&mut self, end: EndOffset) -> Option<EndOffset> {
        self.own.durable = self.own.durable.max(end.min(self.own.log));
        self.advance()
    }

    /// A follower fetched. Gives the new high watermark if it moved.
    ///
    /// A report may go back: a follower that was truncated holds less than it did.
    pub fn reported(&mut self, report: FollowerReport) -> Option<EndOffset> {
        let ends = Ends {
            log: report.log_end.min(self.own.log),
            durable: report.durable_end.min(report.log_end).min(self.own.log),
        };
        self.followers.insert(report.replica, ends);
        self.advance()
    }

    /// The controller decided on the in-sync set. Gives the new high watermark if it moved.
    pub fn in_sync_changed(&mut self, in_sync: &[BrokerId]) -> Option<EndOffset> {
        self.maximal_in_sync = in_sync.iter().copied().collect();
        self.maximal_in_sync.insert(self.me);
        self.advance()
    }

    /// The topic's durability was changed. Gives the new high watermark if it moved; it never
    /// moves back, since what was answered stays answered.
    pub fn durability_changed(&mut self, durability: Durability) -> Option<EndOffset> {
        self.durability = durability;
        self.advance()
    }

    /// Which end counts.
    pub fn durability(&self) -> Durability {
        self.durability
    }

    fn advance(&mut self) -> Option<EndOffset> {
        let least = self
            .maximal_in_sync
            .iter()
            .map(|replica| {
                if *replica == self.me {
                    self.own.counted(self.durability)
                } else {
                    self.followers
                        .get(replica)
                        .copied()
                        .unwrap_or_default()
                        .counted(self.durability)
                }
            })
            .min()
            .unwrap_or(self.high_watermark);
        debug_assert!(self.high_watermark <= self.own.log, "committed more than was written");
        if least <= self.high_watermark {
            return None;
        }
        self.high_watermark = least;
        Some(least)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ME: BrokerId = BrokerId(1);
    const OTHER: BrokerId = BrokerId(2);

    fn leader(durability: Durability, in_sync: &[BrokerId]) -> Leader {
        Leader::new(LeaderStart {
            me: ME,
            epoch: LeaderEpoch(4),
            durability,
            in_sync: in_sync.to_vec(),
            log_end: EndOffset(10),
            durable_end: EndOffset(10),
            high_watermark: EndOffset(10),
        })
    }

    fn report(replica: BrokerId, log_end: i64, durable_end: i64) -> FollowerReport {
        FollowerReport { replica, log_end: EndOffset(log_end), durable_end: EndOffset(durable_end) }
    }

    #[test]
    fn alone_and_replicated_an_append_commits_at_once() {
        let mut leader = leader(Durability::Replicated, &[ME]);
        assert_eq!(leader.appended(EndOffset(12)), Some(EndOffset(12)));
        assert_eq!(leader.appended(EndOffset(12)), None, "no news");
    }

    #[test]
    fn with_fsync_only_a_sync_commits() {
        let mut leader = leader(Durability::Fsync, &[ME]);
        assert_eq!(leader.appended(EndOffset(12)), None);
        assert_eq!(leader.synced(EndOffset(11)), Some(EndOffset(11)));
        assert_eq!(leader.synced(EndOffset(99)), Some(EndOffset(12)), "never past the log's end");
    }

    #[test]
    fn the_slowest_in_sync_replica_counts_and_others_do_not() {
        let mut leader = leader(Durability::Replicated, &[ME, OTHER]);
        assert_eq!(leader.appended(EndOffset(20)), None, "broker 2 has not reported");
        assert_eq!(leader.reported(report(OTHER, 15, 12)), Some(EndOffset(15)));
        assert_eq!(leader.reported(report(BrokerId(9), 5, 5)), None, "broker 9 is not in sync");
        assert_eq!(leader.in_sync_changed(&[ME]), Some(EndOffset(20)));
    }

    #[test]
    fn with_fsync_a_follower_counts_by_what_it_synced() {
        let mut leader = leader(Durability::Fsync, &[ME, OTHER]);
        leader.appended(EndOffset(20));
        leader.synced(EndOffset(20));
        assert_eq!(leader.reported(report(OTHER, 20, 13)), Some(EndOffset(13)));
        assert_eq!(leader.reported(report(OTHER, 18, 19)), Some(EndOffset(18)), "a lie is capped");
    }

    #[test]
    fn the_high_watermark_never_moves_back() {
        let mut leader = leader(Durability::Replicated, &[ME, OTHER]);
        leader.appended(EndOffset(20));
        leader.reported(report(OTHER, 20, 20));
        assert_eq!(leader.reported(report(OTHER, 3, 3)), None);
        assert_eq!(leader.high_watermark(), EndOffset(20));
        assert_eq!(leader.durability_changed(Durability::Fsync), None);
        assert_eq!(leader.high_watermark(), EndOffset(20));
    }

    #[test]
    fn relaxing_durability_commits_what_is_written() {
        let mut leader = leader(Durability::Fsync, &[ME]);
        leader.appended(EndOffset(20));
        assert_eq!(leader.durability_changed(Durability::Replicated), Some(EndOffset(20)));
    }
}
