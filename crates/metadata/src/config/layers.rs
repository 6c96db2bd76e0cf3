//! The layers of settings below a topic, and how a value is found in them.
//!
//! Upper layers win: this broker's dynamic overrides, the cluster's dynamic defaults, what the
//! broker was started with, the table's default. A layer holds texts; whatever gets into one was
//! checked against the table before, so a text that does not parse is skipped like one not set.

use super::server::ServerConfig;
use super::spec::{ConfigSpec, Value};
use super::table::ConfigTable;

/// The overrides of one resource (a topic, a broker, the cluster's default, a group): name to text.
pub type Overrides = crate::image::Configs;

/// No overrides.
pub(super) static NONE: Overrides = Overrides::new();

/// All the layers below a topic, as one broker sees them.
#[derive(Clone, Copy, Debug)]
pub struct Layers<'a> {
    /// What the broker was started with.
    pub server: &'a ServerConfig,
    /// The dynamic configs of the broker resource without a name.
    pub cluster_default: &'a Overrides,
    /// The dynamic configs of this broker's own resource.
    pub broker: &'a Overrides,
}

impl<'a> Layers<'a> {
    /// What the broker was started with, and nothing dynamic.
    pub fn at_start(server: &'a ServerConfig) -> Layers<'a> {
        Layers { server, cluster_default: &NONE, broker: &NONE }
    }

    /// The text in force of one broker config, its default included; other names for the same
    /// thing (`log.retention.hours` for `log.retention.ms`) are not looked at.
    pub fn text(&self, name: &str) -> Option<&'a str> {
        self.set_text(name).or_else(|| ConfigTable::get().broker(name)?.default_text())
    }

    /// The text in force of one broker config where somebody set it.
    pub fn set_text(&self, name: &str) -> Option<&'a str> {
        [self.broker, self.cluster_default, self.server.given()]
            .into_iter()
            .find_map(|layer| layer.get(name))
            .map(AsRef::as_ref)
    }

    /// The value in force of one broker config.
    pub fn value(&self, name: &str) -> Option<Value> {
        let spec = ConfigTable::get().broker(name)?;
        [self.broker, self.cluster_default, self.server.given()]
            .into_iter()
            .find_map(|layer| spec.parse(layer.get(name)?).ok())
            .or_else(|| default_value(spec))
    }

    /// The value in force of a whole-number broker config.
    pub fn int(&self, name: &str) -> Option<i64> {
        as_int(self.value(name)?)
    }
}

pub(super) fn default_value(spec: &ConfigSpec) -> Option<Value> {
    spec.parse(spec.default_text()?).ok()
}

pub(super) fn as_int(value: Value) -> Option<i64> {
    match value {
        Value::Int(n) => Some(n),
        Value::Bool(_) | Value::Double(_) | Value::List(_) | Value::Text(_) => None,
    }
}
