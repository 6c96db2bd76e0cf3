//! Which brokers hold the replicas of new partitions.
//!
//! Replicas are striped: racks take turns, and within a rack its brokers do, so that both leaders
//! and followers spread evenly. Live brokers go before fenced ones, and only a live one leads. A broker
//! all of whose log folders are cordoned gets none (KIP-1066).

use crate::command::CommandError;
use crate::image::{BrokerImage, ConfigResource, Image};
use headwater_types::{BrokerId, ErrorCode};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// The config that names the log folders of a broker that get no new replicas.
const CORDONED: &str = "cordoned.log.dirs";
/// Stands for all of them.
const ALL: &str = "*";

/// The brokers of one rack.
#[derive(Debug, Default)]
struct Rack {
    live: Vec<BrokerId>,
    fenced: Vec<BrokerId>,
    /// Where the next partition begins in each list; grows without bound, used modulo a length.
    next: usize,
}

impl Rack {
    /// The `nth` choice of this rack for one partition, live brokers first.
    fn choice(&self, nth: usize) -> Option<BrokerId> {
        let pick = |list: &[BrokerId], nth: usize| {
            let place = self.next.wrapping_add(nth).checked_rem(list.len())?;
            list.get(place).copied()
        };
        match nth.checked_sub(self.live.len()) {
            None => pick(&self.live, nth),
            Some(beyond) if beyond < self.fenced.len() => pick(&self.fenced, beyond),
            Some(_) => None,
        }
    }
}

/// Gives new partitions their replicas; keeps its turn from one partition to the next.
#[derive(Debug)]
pub(super) struct Placer {
    racks: Vec<Rack>,
    /// Which rack leads the next partition; used modulo the number of racks.
    turn: usize,
    live_count: usize,
    broker_count: usize,
}

impl Placer {
    /// Looks at the brokers of an image; `seed` says where to begin.
    pub(super) fn new(image: &Image, seed: [u8; 16]) -> Self {
        let mut racks: BTreeMap<Option<Arc<str>>, Rack> = BTreeMap::new();
        for broker in image.brokers().filter(|broker| !is_cordoned(image, broker)) {
            let rack = racks.entry(broker.rack.clone()).or_default();
            if broker.is_active() {
                rack.live.push(broker.id);
            } else {
                rack.fenced.push(broker.id);
            }
        }
        let start = usize::from(u16::from_be_bytes([seed[0], seed[1]]));
        let mut racks: Vec<Rack> = racks.into_values().collect();
        for rack in &mut racks {
            rack.next = start;
        }
        Self {
            turn: start,
            live_count: racks.iter().map(|rack| rack.live.len()).sum(),
            broker_count: racks.iter().map(|rack| rack.live.len() + rack.fenced.len()).sum(),
            racks,
        }
    }

    /// How many brokers there are that could hold a replica and lead at once.
    pub(super) fn live_count(&self) -> usize {
        self.live_count
    }

    /// Whether partitions with that many replicas can be placed; else why not.
    pub(super) fn check(&self, replication_factor: usize) -> Result<(), CommandError> {
        let refuse = |text| Err(CommandError::new(ErrorCode::InvalidReplicationFactor, text));
        if self.live_count == 0 {
            let text = "All brokers are currently fenced, or have all their log directories \
                        cordoned.";
            return refuse(text.to_owned());
        }
        if replication_factor > self.broker_count {
            return refuse(format!(
                "The target replication factor of {replication_factor} cannot be reached because \
                 only {} broker(s) are registered or some brokers have all their log directories \
                 cordoned.",
                self.broker_count
            ));
        }
        Ok(())
    }

    /// The replicas of the next partition, leader first. What [`Placer::check`] refuses gets
    /// fewer.
    pub(super) fn place(&mut self, replication_factor: usize) -> Vec<BrokerId> {
        let count = self.racks.len();
        let mut replicas = Vec::with_capacity(replication_factor.min(self.broker_count));
        let mut taken = vec![0usize; count];
        let order = (0..count).filter_map(|step| self.turn.wrapping_add(step).checked_rem(count));
        let order: Vec<usize> = order.collect();
        // The leader's rack must have a live broker; the turn goes on from there.
        let leading = order
            .iter()
            .position(|&rack| self.racks.get(rack).is_some_and(|rack| !rack.live.is_empty()))
            .unwrap_or(0);
        let mut rounds = order.iter().copied().cycle().skip(leading);
        let mut exhausted = 0;
        while replicas.len() < replication_factor && exhausted < count {
            let Some(place) = rounds.next() else { break };
            let (Some(rack), Some(nth)) = (self.racks.get(place), taken.get_mut(place)) else {
                break;
            };
            match rack.choice(*nth) {
                Some(broker) => {
                    replicas.push(broker);
                    *nth += 1;
                    exhausted = 0;
                }
                None => exhausted += 1,
            }
        }
        for (rack, taken) in self.racks.iter_mut().zip(&taken) {
            if *taken > 0 {
                rack.next = rack.next.wrapping_add(1);
            }
        }
        self.turn = self.turn.wrapping_add(1);
        replicas
    }
}

/// Whether all log folders of a broker are cordoned. What its configuration names was checked by the
/// broker itself, which alone knows where its folders are; one that was named in its server file is
/// known to the broker only.
fn is_cordoned(image: &Image, broker: &BrokerImage) -> bool {
    let configs = image.configs(&ConfigResource::broker(broker.id));
    let Some(folders) = configs.and_then(|configs| configs.get(CORDONED)) else { return false };
    let named: BTreeSet<&str> = folders.split(',').map(str::trim).collect();
    let count = named.iter().filter(|name| !name.is_empty()).count();
    named.contains(ALL) || count > 0 && count >= broker.log_dirs.len()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decide::tests::{broker, image_with_brokers};

    #[test]
    fn leaders_and_followers_take_turns() {
        let image = image_with_brokers([broker(1), broker(2), broker(3)]);
        let mut placer = Placer::new(&image, [0; 16]);
        let placed: Vec<Vec<i32>> =
            (0..3).map(|_| placer.place(3).iter().map(|id| id.0).collect()).collect();
        assert_eq!(placed, [vec![1, 2, 3], vec![2, 3, 1], vec![3, 1, 2]]);
    }

    #[test]
    fn replicas_go_to_different_racks_first() {
        let rack = |id, rack: &str| {
            let mut broker = broker(id);
            broker.rack = Some(rack.to_owned());
            broker
        };
        let image = image_with_brokers([rack(1, "a"), rack(2, "a"), rack(3, "b"), rack(4, "b")]);
        let mut placer = Placer::new(&image, [7; 16]);
        for _ in 0..20 {
            let replicas = placer.place(2);
            let racks: BTreeSet<_> = replicas.iter().map(|id| (id.0 - 1) / 2).collect();
            assert_eq!(racks.len(), 2, "{replicas:?}");
        }
        let all: BTreeSet<_> = placer.place(4).into_iter().collect();
        assert_eq!(all.len(), 4);
    }

    #[test]
    fn a_fenced_broker_holds_but_does_not_lead() {
        let mut fenced = broker(2);
        fenced.fenced = true;
        let image = image_with_brokers([broker(1), fenced]);
        let mut placer = Placer::new(&image, [9; 16]);
        assert_eq!(placer.live_count(), 1);
        for _ in 0..4 {
            assert_eq!(placer.place(2), [BrokerId(1), BrokerId(2)]);
        }
    }

    #[test]
    fn more_replicas_than_brokers_are_refused_in_kafkas_words() {
        let image = image_with_brokers([broker(1)]);
        let error = Placer::new(&image, [0; 16]).check(5).unwrap_err();
        assert_eq!(error.code, ErrorCode::InvalidReplicationFactor);
        assert_eq!(
            error.message.as_deref(),
            Some(
                "The target replication factor of 5 cannot be reached because only 1 broker(s) are registered or some brokers have \
                 all their log directories cordoned."
            )
        );
        assert!(Placer::new(&Image::default(), [0; 16]).check(1).is_err());
    }
}
