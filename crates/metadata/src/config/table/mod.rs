//! The one table of all configs, a file an area.
//!
//! A row reads: type, name, default, check, importance, how it can change while running, how far
//! Headwater honours it, and one line of doc. Everything else about configs is derived from here:
//! validation, DescribeConfigs, warnings about a server file, and `docs/configuration.md`.

/// Declares the rows of one file.
macro_rules! configs {
    ($table:ident = $(
        $kind:ident $name:literal = $default:tt, $check:expr, $importance:ident, $update:ident,
        $status:ident $(, $flag:ident)?: $doc:literal;
    )*) => {
        pub(in crate::config) const $table: &[$crate::config::spec::ConfigSpec] = &[$(
            $crate::config::spec::ConfigSpec {
                name: $name,
                kind: $crate::config::spec::ConfigType::$kind,
                default: $crate::config::table::default_value!($default),
                check: $check,
                importance: $crate::config::spec::Importance::$importance,
                update: $crate::config::spec::UpdateMode::$update,
                status: $crate::config::spec::Status::$status,
                internal: $crate::config::table::flag!(internal $(, $flag)?),
                own: $crate::config::table::flag!(own $(, $flag)?),
                doc: $doc,
            },
        )*];
    };
}

/// `null`, `required` or a text.
macro_rules! default_value {
    (null) => {
        $crate::config::spec::DefaultValue::Null
    };
    (required) => {
        $crate::config::spec::DefaultValue::Required
    };
    ($text:literal) => {
        $crate::config::spec::DefaultValue::Text($text)
    };
}

/// Whether a row carries the flag that is asked for.
macro_rules! flag {
    (internal, internal) => {
        true
    };
    (own, own) => {
        true
    };
    ($wanted:ident $(, $flag:ident)?) => {
        false
    };
}

pub(in crate::config) use {default_value, flag};

mod broker_cluster;
mod broker_group;
mod broker_log;
mod broker_network;
mod broker_observe;
mod broker_own;
mod broker_remote;
mod broker_replication;
mod broker_security;
mod broker_transaction;
mod client_metrics;
mod group;
mod topic;

use super::spec::ConfigSpec;
use std::collections::BTreeMap;
use std::sync::LazyLock;

/// Every config that Headwater knows: all of Apache Kafka 4.3.1, and its own.
#[derive(Debug)]
pub struct ConfigTable {
    topic: BTreeMap<&'static str, &'static ConfigSpec>,
    broker: BTreeMap<&'static str, &'static ConfigSpec>,
    group: BTreeMap<&'static str, &'static ConfigSpec>,
    client_metrics: BTreeMap<&'static str, &'static ConfigSpec>,
}

static TABLE: LazyLock<ConfigTable> = LazyLock::new(|| ConfigTable {
    topic: by_name(&[topic::ROWS]),
    broker: by_name(BROKER),
    group: by_name(&[group::ROWS]),
    client_metrics: by_name(&[client_metrics::ROWS]),
});

/// The broker's rows in the order of the reference page, each area with its heading.
pub(super) const BROKER_AREAS: &[(&str, &[ConfigSpec])] = &[
    ("Headwater's own", broker_own::ROWS),
    ("Listeners, connections, requests", broker_network::ROWS),
    ("Folders, segments, retention", broker_log::ROWS),
    ("Identity, controllers, metadata", broker_cluster::ROWS),
    ("Replication", broker_replication::ROWS),
    ("Groups", broker_group::ROWS),
    ("Producer ids and transactions", broker_transaction::ROWS),
    ("Security", broker_security::ROWS),
    ("Quotas, metrics, telemetry", broker_observe::ROWS),
    ("Tiered storage", broker_remote::ROWS),
];

const BROKER: &[&[ConfigSpec]] = &[
    broker_own::ROWS,
    broker_network::ROWS,
    broker_log::ROWS,
    broker_cluster::ROWS,
    broker_replication::ROWS,
    broker_group::ROWS,
    broker_transaction::ROWS,
    broker_security::ROWS,
    broker_observe::ROWS,
    broker_remote::ROWS,
];

fn by_name(areas: &[&'static [ConfigSpec]]) -> BTreeMap<&'static str, &'static ConfigSpec> {
    areas.iter().flat_map(|rows| rows.iter()).map(|row| (row.name, row)).collect()
}

impl ConfigTable {
    /// The table; there is but one.
    pub fn get() -> &'static ConfigTable {
        &TABLE
    }

    /// A topic config by name.
    pub fn topic(&self, name: &str) -> Option<&'static ConfigSpec> {
        self.topic.get(name).copied()
    }

    /// A broker config by name.
    pub fn broker(&self, name: &str) -> Option<&'static ConfigSpec> {
        self.broker.get(name).copied()
    }

    /// A group config by name.
    pub fn group(&self, name: &str) -> Option<&'static ConfigSpec> {
        self.group.get(name).copied()
    }

    /// A client-metrics config by name.
    pub fn client_metrics(&self, name: &str) -> Option<&'static ConfigSpec> {
        self.client_metrics.get(name).copied()
    }

    /// Every topic config, by name.
    pub fn topics(&self) -> impl Iterator<Item = &'static ConfigSpec> + '_ {
        self.topic.values().copied()
    }

    /// Every broker config, by name.
    pub fn brokers(&self) -> impl Iterator<Item = &'static ConfigSpec> + '_ {
        self.broker.values().copied()
    }

    /// Every group config, by name.
    pub fn groups(&self) -> impl Iterator<Item = &'static ConfigSpec> + '_ {
        self.group.values().copied()
    }

    /// Every client-metrics config, by name.
    pub fn client_metrics_all(&self) -> impl Iterator<Item = &'static ConfigSpec> + '_ {
        self.client_metrics.values().copied()
    }
}
