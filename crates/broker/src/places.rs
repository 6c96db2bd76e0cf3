//! How many connections there may be, in all and from one address.

use headwater_node::NetworkSettings;
use parking_lot::Mutex;
use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};
use thiserror::Error;

/// Why a connection is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub(crate) enum Refusal {
    /// `max.connections`.
    #[error("max.connections={max} are open")]
    TooMany { max: usize },
    /// `max.connections.per.ip`.
    #[error("max.connections.per.ip={max} are open from this address")]
    TooManyFromAddress { max: usize },
}

/// Counts the open connections.
#[derive(Debug, Default)]
pub(crate) struct Places {
    counts: Arc<Mutex<Counts>>,
}

#[derive(Debug, Default)]
struct Counts {
    all: usize,
    by_address: BTreeMap<IpAddr, usize>,
    /// When the next connection may be accepted, where there is a rate to keep.
    next_accept: Option<Instant>,
}

/// One connection's place; given back when dropped.
#[derive(Debug)]
pub(crate) struct Place {
    counts: Arc<Mutex<Counts>>,
    address: IpAddr,
}

impl Places {
    /// How long to wait before another connection is accepted, so that `rate` of them come in a
    /// second at most (`max.connection.creation.rate`).
    pub fn wait_to_accept(&self, rate: usize) -> Duration {
        let Some(apart) =
            Duration::from_secs(1).checked_div(u32::try_from(rate).unwrap_or(u32::MAX))
        else {
            return Duration::ZERO;
        };
        if apart < Duration::from_micros(1) {
            return Duration::ZERO;
        }
        let now = Instant::now();
        let mut counts = self.counts.lock();
        let next = counts.next_accept.map_or(now, |next| next.max(now));
        counts.next_accept = Some(next + apart);
        next.saturating_duration_since(now)
    }

    /// Takes a place for a connection from `address`.
    pub fn take(&self, address: IpAddr, settings: &NetworkSettings) -> Result<Place, Refusal> {
        let mut counts = self.counts.lock();
        if counts.all >= settings.connections_max {
            return Err(Refusal::TooMany { max: settings.connections_max });
        }
        let from_address = counts.by_address.get(&address).copied().unwrap_or(0);
        let max = settings
            .connections_per_ip_overrides
            .get(&address)
            .copied()
            .unwrap_or(settings.connections_per_ip_max);
        if from_address >= max {
            return Err(Refusal::TooManyFromAddress { max });
        }
        counts.all += 1;
        counts.by_address.insert(address, from_address + 1);
        Ok(Place { counts: Arc::clone(&self.counts), address })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut counts = self.counts.lock();
        counts.all = counts.all.saturating_sub(1);
        if let Some(count) = counts.by_address.get_mut(&self.address) {
            *count -= 1;
            if *count == 0 {
                counts.by_address.remove(&self.address);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::Ipv4Addr;

    fn settings(all: usize, per_ip: usize) -> NetworkSettings {
        NetworkSettings {
            connections_max: all,
            connections_per_ip_max: per_ip,
            ..NetworkSettings::default()
        }
    }

    #[test]
    fn places_are_bounded_and_given_back() {
        let places = Places::default();
        let one = IpAddr::V4(Ipv4Addr::new(127, 0, 0, 1));
        let other = IpAddr::V4(Ipv4Addr::new(127, 0, 0, 2));
        let settings = settings(3, 2);
        let first = places.take(one, &settings).expect("the first");
        let _second = places.take(one, &settings).expect("the second");
        let refused = places.take(one, &settings).expect_err("two an address");
        assert_eq!(refused, Refusal::TooManyFromAddress { max: 2 });
        let _third = places.take(other, &settings).expect("another address");
        let refused = places.take(other, &settings).expect_err("three in all");
        assert_eq!(refused, Refusal::TooMany { max: 3 });
        drop(first);
        places.take(one, &settings).expect("a place was given back");
    }

    #[test]
    fn an_address_may_have_a_bound_of_its_own() {
        let places = Places::default();
        let one = IpAddr::V4(Ipv4Addr::new(127, 0, 0, 1));
        let settings = NetworkSettings {
            connections_per_ip_overrides: BTreeMap::from([(one, 1)]),
            ..settings(10, 10)
        };
        let _first = places.take(one, &settings).expect("the first");
        assert!(places.take(one, &settings).is_err());
    }

    #[test]
    fn a_rate_spreads_the_accepts() {
        let places = Places::default();
        assert_eq!(places.wait_to_accept(1), Duration::ZERO, "the first comes at once");
        assert!(places.wait_to_accept(1) > Duration::from_millis(500));
        let unlimited = Places::default();
        assert_eq!(unlimited.wait_to_accept(i32::MAX as usize), Duration::ZERO);
        assert_eq!(unlimited.wait_to_accept(i32::MAX as usize), Duration::ZERO);
    }
}
