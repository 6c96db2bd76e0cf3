//! A broker as the cluster knows it.

use headwater_types::{BrokerId, DirectoryId, Uuid};
use std::collections::BTreeMap;
use std::sync::Arc;

/// How a listener is secured, with Kafka's numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(i16)]
pub enum SecurityProtocol {
    /// Neither encryption nor authentication.
    Plaintext = 0,
    /// TLS.
    Ssl = 1,
    /// SASL over plain TCP.
    SaslPlaintext = 2,
    /// SASL over TLS.
    SaslSsl = 3,
}

impl SecurityProtocol {
    /// Kafka's number.
    pub const fn code(self) -> i16 {
        self as i16
    }

    /// The protocol behind Kafka's number.
    pub const fn from_code(code: i32) -> Option<Self> {
        match code {
            0 => Some(Self::Plaintext),
            1 => Some(Self::Ssl),
            2 => Some(Self::SaslPlaintext),
            3 => Some(Self::SaslSsl),
            _ => None,
        }
    }
}

/// Where one listener of a broker can be reached.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Endpoint {
    /// The listener's name.
    pub name: Arc<str>,
    /// The advertised host.
    pub host: Arc<str>,
    /// The advertised port.
    pub port: u16,
    /// How it is secured.
    pub security_protocol: SecurityProtocol,
}

/// Levels of a feature that a node supports, both ends included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FeatureRange {
    /// The lowest level.
    pub min_level: i16,
    /// The highest level; `min_level <= max_level`.
    pub max_level: i16,
}

impl FeatureRange {
    /// Whether the node can live with a level; 0 means that the feature is off.
    pub const fn contains(self, level: i16) -> bool {
        self.min_level <= level && level <= self.max_level
    }
}

/// A broker's registration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BrokerImage {
    /// Its node id.
    pub id: BrokerId,
    /// Counts incarnations over the whole cluster; fences what an earlier one sends late.
    pub epoch: i64,
    /// Drawn by the broker's process at its start.
    pub incarnation_id: Uuid,
    /// Its listeners.
    pub endpoints: Vec<Endpoint>,
    /// What it can live with.
    pub features: BTreeMap<Arc<str>, FeatureRange>,
    /// Its rack, where one is configured.
    pub rack: Option<Arc<str>>,
    /// The ids of its log folders.
    pub log_dirs: Vec<DirectoryId>,
    /// A fenced broker leads nothing and joins no in-sync set.
    pub fenced: bool,
    /// It has asked to hand over its leaderships and stop.
    pub in_controlled_shutdown: bool,
}

impl BrokerImage {
    /// Whether it may lead and join in-sync sets.
    pub fn is_active(&self) -> bool {
        !self.fenced && !self.in_controlled_shutdown
    }

    /// The endpoint of one of its listeners.
    pub fn endpoint(&self, listener: &str) -> Option<&Endpoint> {
        self.endpoints.iter().find(|endpoint| &*endpoint.name == listener)
    }

    /// The log folder that a new replica on this broker gets: its only one, or
    /// [`DirectoryId::ZERO`] while the broker itself is to choose among several.
    pub fn default_directory(&self) -> DirectoryId {
        match self.log_dirs.as_slice() {
            [only] => *only,
            _ => DirectoryId::ZERO,
        }
    }
}
