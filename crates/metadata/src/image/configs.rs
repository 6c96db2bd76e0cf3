//! What was set for a resource, and which resources there are.

use std::collections::BTreeMap;
use std::sync::Arc;

/// The configs that were set for one resource, by name.
pub type Configs = BTreeMap<Arc<str>, Arc<str>>;

/// The kinds of resources whose configs are kept in the metadata.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(i8)]
pub enum ConfigResourceKind {
    /// A topic, by name.
    Topic = 2,
    /// A broker by its node id in decimal, or all of them by the empty name.
    Broker = 4,
    /// A subscription to client metrics, by name.
    ClientMetrics = 16,
    /// A group, by id.
    Group = 32,
}

impl ConfigResourceKind {
    /// Kafka's number of the kind.
    pub const fn code(self) -> i8 {
        self as i8
    }

    /// The kind behind Kafka's number.
    pub const fn from_code(code: i8) -> Option<Self> {
        match code {
            2 => Some(Self::Topic),
            4 => Some(Self::Broker),
            16 => Some(Self::ClientMetrics),
            32 => Some(Self::Group),
            _ => None,
        }
    }
}

/// Something that has configs.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ConfigResource {
    /// What it is.
    pub kind: ConfigResourceKind,
    /// Which one.
    pub name: Arc<str>,
}

impl ConfigResource {
    /// A topic.
    pub fn topic(name: impl Into<Arc<str>>) -> Self {
        Self { kind: ConfigResourceKind::Topic, name: name.into() }
    }

    /// One broker.
    pub fn broker(id: headwater_types::BrokerId) -> Self {
        Self { kind: ConfigResourceKind::Broker, name: id.to_string().into() }
    }

    /// The default of all brokers.
    pub fn all_brokers() -> Self {
        Self { kind: ConfigResourceKind::Broker, name: "".into() }
    }
}
