//! How many connections there may be, in all and from one address.

use headwater_node::NetworkSettings;
use parking_lot::Mutex;
use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;
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
}

/// One connection's place; given back when dropped.
#[derive(Debug)]
pub(crate) struct Place {
    counts: Arc<Mutex<Counts>>,
    address: IpAddr,
}

impl Places {
    /// Takes a place for a connection from `address`.
    pub fn take(&self, address: IpAddr, settings: &NetworkSettings) -> Result<Place, Refusal> {
        let mut counts = self.counts.lock();
        if counts.all >= settings.connections_max {
            return Err(Refusal::TooMany { max: settings.connections_max });
        }
        let from_address = counts.by_address.get(&address).copied().unwrap_or(0);
        if from_address >= settings.connections_per_ip_max {
            return Err(Refusal::TooManyFromAddress { max: settings.connections_per_ip_max });
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
            request_bytes_max: 1,
            idle_max_ms: 1,
            connections_max: all,
            connections_per_ip_max: per_ip,
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
}
