//! Things that have configs.

use crate::core::{Destination, Subject};
use headwater_types::BrokerId;
use std::fmt;

/// What kind of thing has configs, with Kafka's number for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(i8)]
pub enum ConfigResourceKind {
    /// A topic.
    Topic = 2,
    /// A broker, or with an empty name every broker of the cluster.
    Broker = 4,
    /// The log levels of a broker.
    BrokerLogger = 8,
    /// A subscription to clients' metrics (KIP-714).
    ClientMetrics = 16,
    /// A group.
    Group = 32,
}

impl ConfigResourceKind {
    /// Every kind.
    pub const ALL: [ConfigResourceKind; 5] = [
        ConfigResourceKind::Topic,
        ConfigResourceKind::Broker,
        ConfigResourceKind::BrokerLogger,
        ConfigResourceKind::ClientMetrics,
        ConfigResourceKind::Group,
    ];

    /// Kafka's number for it.
    pub const fn code(self) -> i8 {
        self as i8
    }

    /// The kind behind a number.
    pub fn from_code(code: i8) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.code() == code)
    }
}

impl fmt::Display for ConfigResourceKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Topic => "topic",
            Self::Broker => "broker",
            Self::BrokerLogger => "broker-logger",
            Self::ClientMetrics => "client-metrics",
            Self::Group => "group",
        })
    }
}

/// One thing that has configs.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ConfigResource {
    /// What kind of thing.
    pub kind: ConfigResourceKind,
    /// Its name; a broker's is its id, and empty for the cluster's default.
    pub name: String,
}

impl ConfigResource {
    /// A topic.
    pub fn topic(name: impl Into<String>) -> Self {
        Self { kind: ConfigResourceKind::Topic, name: name.into() }
    }

    /// One broker.
    pub fn broker(id: BrokerId) -> Self {
        Self { kind: ConfigResourceKind::Broker, name: id.to_string() }
    }

    /// What holds for every broker that has no value of its own.
    pub fn cluster_default() -> Self {
        Self { kind: ConfigResourceKind::Broker, name: String::new() }
    }

    /// How errors name it.
    pub(super) fn subject(&self) -> Subject {
        match self.kind {
            ConfigResourceKind::Topic => Subject::Topic(self.name.clone()),
            _ => Subject::Resource(self.to_string()),
        }
    }

    /// The broker that alone knows its own configs and log levels; anything else is `otherwise`.
    pub(super) fn own_broker_or(&self, otherwise: Destination) -> Destination {
        match self.kind {
            ConfigResourceKind::Broker | ConfigResourceKind::BrokerLogger => {
                self.name.parse().map_or(otherwise, |id| Destination::Broker(BrokerId(id)))
            }
            ConfigResourceKind::Topic
            | ConfigResourceKind::ClientMetrics
            | ConfigResourceKind::Group => otherwise,
        }
    }
}

impl fmt::Display for ConfigResource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.kind == ConfigResourceKind::Broker && self.name.is_empty() {
            f.write_str("cluster default")
        } else {
            write!(f, "{} {}", self.kind, self.name)
        }
    }
}
