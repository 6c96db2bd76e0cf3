//! What DescribeConfigs answers: every config of a resource with its value, where that comes from,
//! and the other settings that would hold without it.
//!
//! The rules are Kafka's, oddities included: a topic config whose broker-wide name is unset (say
//! `log.roll.ms`) shows no synonyms and the source "default", even where `log.roll.hours` was set.

use super::layers::{Layers, Overrides};
use super::rules::listener_config;
use super::spec::{ConfigSpec, ConfigType, Value};
use super::table::ConfigTable;
use super::topic::{broker_names, inherited};
use std::collections::BTreeMap;

/// Which layer a value comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ConfigSource {
    /// The topic's own override.
    Topic,
    /// This broker's dynamic override.
    DynamicBroker,
    /// The cluster's dynamic default.
    DynamicDefaultBroker,
    /// What the broker was started with.
    StaticBroker,
    /// The default.
    Default,
    /// The client-metrics subscription itself.
    ClientMetrics,
    /// The group's own override.
    Group,
}

impl ConfigSource {
    /// The number in DescribeConfigs responses.
    pub const fn code(self) -> i8 {
        match self {
            ConfigSource::Topic => 1,
            ConfigSource::DynamicBroker => 2,
            ConfigSource::DynamicDefaultBroker => 3,
            ConfigSource::StaticBroker => 4,
            ConfigSource::Default => 5,
            ConfigSource::ClientMetrics => 7,
            ConfigSource::Group => 8,
        }
    }
}

/// One setting that would hold a config's value, the strongest first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Synonym {
    /// The name it is set under.
    pub name: String,
    /// Its text; `None` where it is sensitive.
    pub value: Option<String>,
    /// Its layer.
    pub source: ConfigSource,
}

/// One config as DescribeConfigs shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DescribedConfig {
    /// Its name.
    pub name: String,
    /// The value in force; `None` where there is none, or it is sensitive.
    pub value: Option<String>,
    /// Where the value comes from.
    pub source: ConfigSource,
    /// Whether it cannot be altered while the broker runs.
    pub read_only: bool,
    /// Whether the value is hidden.
    pub sensitive: bool,
    /// Its type; `None` for a name that the table does not have.
    pub config_type: Option<ConfigType>,
    /// The settings that hold, or would hold, the value; the strongest first.
    pub synonyms: Vec<Synonym>,
    /// What it does, in one line.
    pub documentation: Option<&'static str>,
}

/// Every config of a topic with these overrides.
pub fn describe_topic(layers: Layers<'_>, overrides: &Overrides) -> Vec<DescribedConfig> {
    let shown = |spec: &&ConfigSpec| !spec.internal || overrides.contains_key(spec.name);
    let specs = ConfigTable::get().topics().filter(shown);
    specs.map(|spec| describe_topic_config(spec, layers, overrides)).collect()
}

fn describe_topic_config(
    spec: &'static ConfigSpec,
    layers: Layers<'_>,
    overrides: &Overrides,
) -> DescribedConfig {
    let mut synonyms = Vec::new();
    let own = overrides.get(spec.name).and_then(|text| spec.parse(text).ok());
    if let Some(own) = &own {
        synonyms.push(synonym(spec.name, Some(own.to_text()), ConfigSource::Topic));
    }
    if let [wanted, ..] = broker_names(spec.name) {
        synonyms.extend(broker_synonyms(wanted.name, layers));
    }
    let value = own.or_else(|| inherited(layers, spec.name));
    let value = value.map(|value| value.to_text());
    let value = value.or_else(|| spec.default_text().map(str::to_owned));
    DescribedConfig {
        name: spec.name.to_owned(),
        value,
        source: synonyms.first().map_or(ConfigSource::Default, |first| first.source),
        read_only: false,
        sensitive: spec.sensitive(),
        config_type: Some(spec.kind),
        synonyms,
        documentation: Some(spec.doc),
    }
}

/// Every config of a broker.
pub fn describe_broker(layers: Layers<'_>) -> Vec<DescribedConfig> {
    let mut names: BTreeMap<&str, Option<&'static ConfigSpec>> = BTreeMap::new();
    for spec in ConfigTable::get().brokers().filter(|spec| !spec.internal) {
        names.insert(spec.name, Some(spec));
    }
    for layer in [layers.server.given(), layers.cluster_default, layers.broker] {
        names.extend(layer.keys().map(|name| (name.as_ref(), spec_of(name))));
    }
    names
        .into_iter()
        .map(|(name, spec)| describe_broker_config(name, spec, layers, Scope::Everything))
        .collect()
}

/// The cluster's dynamic defaults: the configs of the broker resource without a name.
pub fn describe_cluster_default(layers: Layers<'_>) -> Vec<DescribedConfig> {
    layers
        .cluster_default
        .keys()
        .map(|name| describe_broker_config(name, spec_of(name), layers, Scope::ClusterDefault))
        .collect()
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Scope {
    Everything,
    ClusterDefault,
}

fn describe_broker_config(
    name: &str,
    spec: Option<&'static ConfigSpec>,
    layers: Layers<'_>,
    scope: Scope,
) -> DescribedConfig {
    // A name that the table lacks might well be a plugin's secret.
    let sensitive = spec.is_none_or(ConfigSpec::sensitive);
    let mut synonyms = broker_synonyms(name, layers);
    if scope == Scope::ClusterDefault {
        synonyms.retain(|synonym| synonym.source == ConfigSource::DynamicDefaultBroker);
    }
    let text = match (scope, spec) {
        (Scope::ClusterDefault, _) => layers.cluster_default.get(name).map(|text| text.to_string()),
        (Scope::Everything, Some(spec)) if spec.name == name => {
            layers.value(name).map(|value| value.to_text())
        }
        (Scope::Everything, _) => layers.set_text(name).map(str::to_owned),
    };
    DescribedConfig {
        name: name.to_owned(),
        value: text.filter(|_| !sensitive),
        source: synonyms.first().map_or(ConfigSource::Default, |first| first.source),
        read_only: !is_dynamic(name),
        sensitive,
        config_type: spec.map(|spec| spec.kind),
        synonyms,
        documentation: spec.map(|spec| spec.doc),
    }
}

/// The row that says what a name's value is: a listener's override is of the kind that it
/// overrides.
fn spec_of(name: &str) -> Option<&'static ConfigSpec> {
    ConfigTable::get().broker(overridden(name).unwrap_or(name))
}

/// The config that `listener.name.<listener>.<config>` overrides.
fn overridden(name: &str) -> Option<&str> {
    let config = listener_config(name)?;
    // Some stand behind the name of a SASL mechanism.
    let of_mechanism = PER_MECHANISM.iter().find(|of_mechanism| config.ends_with(**of_mechanism));
    Some(of_mechanism.copied().unwrap_or(config))
}

/// Configs that a listener may have for each SASL mechanism.
const PER_MECHANISM: &[&str] = &[
    "sasl.login.class",
    "sasl.jaas.config",
    "sasl.login.callback.handler.class",
    "connections.max.reauth.ms",
    "sasl.server.callback.handler.class",
];

fn is_dynamic(name: &str) -> bool {
    use super::spec::UpdateMode::ReadOnly;
    ConfigTable::get().broker(name).is_some_and(|spec| spec.update != ReadOnly)
}

/// Other broker names that mean the same, the asked one among them, in the order that Kafka lists
/// them in.
fn broker_group(name: &str) -> &[&str] {
    match name {
        "log.roll.ms" | "log.roll.hours" => &["log.roll.ms", "log.roll.hours"],
        "log.roll.jitter.ms" | "log.roll.jitter.hours" => {
            &["log.roll.jitter.ms", "log.roll.jitter.hours"]
        }
        "log.flush.interval.ms" => &["log.flush.interval.ms", "log.flush.scheduler.interval.ms"],
        "log.retention.ms" | "log.retention.minutes" | "log.retention.hours" => {
            &["log.retention.ms", "log.retention.minutes", "log.retention.hours"]
        }
        _ => &[],
    }
}

/// The settings behind one broker config, the strongest first: layer by layer, and within a layer
/// name by name. What stands before the first setting under the asked name is left out.
fn broker_synonyms(name: &str, layers: Layers<'_>) -> Vec<Synonym> {
    let group = broker_group(name);
    let alone = [name];
    let with_base = overridden(name).map(|base| [name, base]);
    let names = match &with_base {
        Some(pair) => pair.as_slice(),
        None if group.is_empty() => &alone,
        None => group,
    };
    let given = [
        (layers.broker, ConfigSource::DynamicBroker),
        (layers.cluster_default, ConfigSource::DynamicDefaultBroker),
        (layers.server.given(), ConfigSource::StaticBroker),
    ];
    let mut found = Vec::new();
    for (layer, source) in given {
        for name in names {
            if let Some(text) = layer.get(*name) {
                found.push(synonym(name, shown(name, text), source));
            }
        }
    }
    for name in names {
        let default = ConfigTable::get().broker(name).and_then(ConfigSpec::default_text);
        if let Some(text) = default {
            found.push(synonym(name, shown(name, text), ConfigSource::Default));
        }
    }
    found.into_iter().skip_while(|synonym| synonym.name != name).collect()
}

fn shown(name: &str, text: &str) -> Option<String> {
    let sensitive = spec_of(name).is_none_or(ConfigSpec::sensitive);
    (!sensitive).then(|| text.to_owned())
}

fn synonym(name: &str, value: Option<String>, source: ConfigSource) -> Synonym {
    Synonym { name: name.to_owned(), value, source }
}

/// Every config of a group with these overrides.
pub fn describe_group(layers: Layers<'_>, overrides: &Overrides) -> Vec<DescribedConfig> {
    let specs = ConfigTable::get().groups();
    specs.map(|spec| describe_group_config(spec, layers, overrides)).collect()
}

fn describe_group_config(
    spec: &'static ConfigSpec,
    layers: Layers<'_>,
    overrides: &Overrides,
) -> DescribedConfig {
    let broker_name = format!("group.{}", spec.name);
    let behind = broker_synonyms(&broker_name, layers);
    let own = overrides.get(spec.name).and_then(|text| spec.parse(text).ok());
    let mut synonyms = Vec::new();
    if let Some(own) = &own {
        synonyms.push(synonym(spec.name, Some(own.to_text()), ConfigSource::Group));
    }
    let inherited: Option<Value> = layers.value(&broker_name);
    if behind.is_empty() && own.is_none() {
        let default = spec.default_text().map(str::to_owned);
        synonyms.push(synonym(spec.name, default, ConfigSource::Default));
    }
    synonyms.extend(behind);
    let value = own.or(inherited).map(|value| value.to_text());
    DescribedConfig {
        name: spec.name.to_owned(),
        value: value.or_else(|| spec.default_text().map(str::to_owned)),
        source: synonyms.first().map_or(ConfigSource::Default, |first| first.source),
        read_only: false,
        sensitive: false,
        config_type: Some(spec.kind),
        synonyms,
        documentation: Some(spec.doc),
    }
}

/// Every config of a client-metrics subscription.
pub fn describe_client_metrics(overrides: &Overrides) -> Vec<DescribedConfig> {
    ConfigTable::get()
        .client_metrics_all()
        .map(|spec| {
            let own = overrides.get(spec.name).and_then(|text| spec.parse(text).ok());
            let own = own.map(|value| value.to_text());
            let synonyms: Vec<Synonym> = own
                .iter()
                .map(|text| synonym(spec.name, Some(text.clone()), ConfigSource::ClientMetrics))
                .collect();
            DescribedConfig {
                name: spec.name.to_owned(),
                source: synonyms.first().map_or(ConfigSource::Default, |first| first.source),
                value: own.or_else(|| spec.default_text().map(str::to_owned)),
                read_only: false,
                sensitive: false,
                config_type: Some(spec.kind),
                synonyms,
                documentation: Some(spec.doc),
            }
        })
        .collect()
}
