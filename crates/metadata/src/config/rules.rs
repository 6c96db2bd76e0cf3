//! Which configs a resource may have: the table's checks, and what goes beyond one value.
//!
//! [`ConfigTable`] implements [`ConfigRules`] here, so that decisions about alterations ask it. The
//! codes and texts of refusals are those of Apache Kafka 4.3.1.

use super::groups::check_group;
use super::layers::Overrides;
use super::problem::ConfigProblem;
use super::spec::{ConfigSpec, ConfigType, UpdateMode, Value};
use super::table::ConfigTable;
use crate::command::CommandError;
use crate::decide::ConfigRules;
use crate::image::{ConfigResource, ConfigResourceKind, Configs};
use std::collections::BTreeMap;

/// Which broker resource configs belong to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BrokerScope {
    /// One broker's own.
    OneBroker,
    /// The default of all brokers: the resource without a name.
    ClusterDefault,
}

impl BrokerScope {
    fn of(resource_name: &str) -> BrokerScope {
        if resource_name.is_empty() { BrokerScope::ClusterDefault } else { BrokerScope::OneBroker }
    }
}

impl ConfigRules for ConfigTable {
    fn validate(
        &self,
        resource: &ConfigResource,
        configs: &Configs,
        existing: &Configs,
    ) -> Result<(), CommandError> {
        let outcome = match resource.kind {
            ConfigResourceKind::Topic => validate_topic_configs(configs),
            ConfigResourceKind::Group => check_group(configs),
            ConfigResourceKind::ClientMetrics => check_client_metrics(configs),
            ConfigResourceKind::Broker => {
                let scope = BrokerScope::of(&resource.name);
                validate_broker_configs(scope, configs)
                    .and_then(|()| check_min_insync(scope, configs, existing))
            }
        };
        outcome.map_err(|problem| CommandError::new(problem.code, problem.message))
    }

    fn is_list(&self, resource: &ConfigResource, name: &str) -> bool {
        self.altered(resource, name).is_some_and(|spec| spec.kind == ConfigType::List)
    }

    fn default_value(&self, resource: &ConfigResource, name: &str) -> Option<String> {
        self.altered(resource, name)?.default_text().map(str::to_owned)
    }
}

impl ConfigTable {
    /// The row of a config that alterations may treat as a list. Kafka knows no types of group and
    /// client-metrics configs there.
    fn altered(&self, resource: &ConfigResource, name: &str) -> Option<&'static ConfigSpec> {
        match resource.kind {
            ConfigResourceKind::Topic => self.topic(name),
            ConfigResourceKind::Broker => self.broker(name),
            ConfigResourceKind::Group | ConfigResourceKind::ClientMetrics => None,
        }
    }
}

/// Checks one topic config.
///
/// # Errors
/// Kafka's code and text for the client.
pub fn validate_topic_config(name: &str, value: &str) -> Result<(), ConfigProblem> {
    topic_spec(name)?.parse(value).map(|_| ())
}

/// Checks all overrides of a topic, also against each other.
///
/// # Errors
/// Kafka's code and text for the client.
pub fn validate_topic_configs(overrides: &Overrides) -> Result<(), ConfigProblem> {
    for name in overrides.keys() {
        topic_spec(name)?;
    }
    let mut values: BTreeMap<&str, Value> = BTreeMap::new();
    for (name, text) in overrides {
        let spec = topic_spec(name)?;
        values.insert(spec.name, spec.parse(text)?);
    }
    let long = |name: &str, default: i64| match values.get(name) {
        Some(Value::Int(n)) => *n,
        _ => default,
    };
    let least = long("min.compaction.lag.ms", 0);
    let most = long("max.compaction.lag.ms", i64::MAX);
    if least > most {
        return Err(ConfigProblem::invalid(format!(
            "conflict topic config setting min.compaction.lag.ms ({least}) > \
             max.compaction.lag.ms ({most})"
        )));
    }
    if values.get("remote.storage.enable") == Some(&Value::Bool(true)) {
        return Err(ConfigProblem::invalid(
            "Tiered Storage functionality is disabled in the broker. Topic cannot be configured \
             with remote log storage.",
        ));
    }
    Ok(())
}

fn topic_spec(name: &str) -> Result<&'static ConfigSpec, ConfigProblem> {
    let unknown = || ConfigProblem::invalid(format!("Unknown topic config name: {name}"));
    ConfigTable::get().topic(name).ok_or_else(unknown)
}

/// Security settings that may only change under a listener's name.
const PER_LISTENER_ONLY: &[&str] = &[
    "ssl.key.password",
    "ssl.keystore.certificate.chain",
    "ssl.keystore.key",
    "ssl.keystore.location",
    "ssl.keystore.password",
    "ssl.keystore.type",
    "ssl.truststore.certificates",
    "ssl.truststore.location",
    "ssl.truststore.password",
    "ssl.truststore.type",
];

/// Settings that may change for all brokers at once even under a listener's name.
const CLUSTER_WIDE_LISTENER: &[&str] =
    &["max.connection.creation.rate", "max.connections", "num.network.threads"];

/// The config behind `listener.name.<listener>.<config>`.
pub(super) fn listener_config(name: &str) -> Option<&str> {
    name.strip_prefix("listener.name.")?.split_once('.').map(|(_, config)| config)
}

/// Checks all dynamic configs of a broker, or of all brokers.
///
/// # Errors
/// Kafka's code and text for the client.
pub fn validate_broker_configs(
    scope: BrokerScope,
    overrides: &Overrides,
) -> Result<(), ConfigProblem> {
    let refuse = |why: &str, names: Vec<&str>| match names.as_slice() {
        [] => Ok(()),
        _ => Err(ConfigProblem::request(format!("{why}: [{}]", names.join(", ")))),
    };
    let names = || overrides.keys().map(AsRef::as_ref);
    let mode = |name: &str| ConfigTable::get().broker(name).map(|spec| spec.update);
    refuse(
        "Cannot update these configs dynamically",
        names().filter(|name| mode(name) == Some(UpdateMode::ReadOnly)).collect(),
    )?;
    refuse(
        "These security configs can be dynamically updated only per-listener using the listener \
         prefix",
        names().filter(|name| PER_LISTENER_ONLY.contains(name)).collect(),
    )?;
    for (name, text) in overrides {
        validate_broker_value(listener_config(name).unwrap_or(name), text)?;
    }
    if overrides.get(PER_IP).is_some_and(|text| text.trim() == "0")
        && !overrides.contains_key(PER_IP_OVERRIDES)
    {
        return Err(ConfigProblem::request(format!("requirement failed: {NOBODY_MAY_CONNECT}")));
    }
    if scope == BrokerScope::ClusterDefault {
        let per_broker = |name: &&str| match listener_config(name) {
            Some(config) => !CLUSTER_WIDE_LISTENER.contains(&config),
            None => mode(name) == Some(UpdateMode::PerBroker),
        };
        refuse(
            "Cannot update these configs at default cluster level, broker id must be specified",
            names().filter(per_broker).collect(),
        )?;
    }
    Ok(())
}

pub(super) const PER_IP: &str = "max.connections.per.ip";
pub(super) const PER_IP_OVERRIDES: &str = "max.connections.per.ip.overrides";
pub(super) const NOBODY_MAY_CONNECT: &str = "max.connections.per.ip can be set to zero only if \
                                             max.connections.per.ip.overrides property is set.";

/// Checks `host:count,host:count`.
pub(super) fn check_counts(text: &str) -> Result<(), ConfigProblem> {
    for pair in text.split(',').map(str::trim).filter(|pair| !pair.is_empty()) {
        let count = pair.rsplit_once(':').map(|(_, count)| count.trim().parse::<u32>());
        if !matches!(count, Some(Ok(_))) {
            return Err(ConfigProblem::invalid_value(
                PER_IP_OVERRIDES,
                pair,
                "expected host:count, e.g. 127.0.0.1:200",
            ));
        }
    }
    Ok(())
}

/// Checks one dynamic broker value. A name that the table lacks passes: plugins have their own.
fn validate_broker_value(name: &str, text: &str) -> Result<(), ConfigProblem> {
    // Kafka answers INVALID_REQUEST here, not INVALID_CONFIG.
    let as_request = |problem: ConfigProblem| ConfigProblem::request(problem.message);
    let Some(spec) = ConfigTable::get().broker(name) else { return Ok(()) };
    let value = spec.parse(text).map_err(as_request)?;
    let demand = |text: &str| Err(ConfigProblem::request(format!("requirement failed: {text}")));
    match (name, value) {
        ("log.retention.ms", Value::Int(0)) => {
            demand("log.retention.ms must be unlimited (-1) or, greater than or equal to 1")
        }
        ("log.retention.ms", Value::Int(n)) if n < -1 => {
            demand("log.retention.ms must be unlimited (-1) or, greater than or equal to 1")
        }
        ("log.roll.ms", Value::Int(n)) if n < 1 => {
            demand("log.roll.ms must be greater than or equal to 1")
        }
        ("max.connections.per.ip.overrides", Value::Text(text)) => {
            check_counts(&text).map_err(as_request)
        }
        _ => Ok(()),
    }
}

/// With eligible leader replicas, `min.insync.replicas` is one number for the whole cluster.
fn check_min_insync(
    scope: BrokerScope,
    wanted: &Overrides,
    existing: &Overrides,
) -> Result<(), ConfigProblem> {
    let name = "min.insync.replicas";
    match (scope, existing.get(name), wanted.get(name)) {
        (BrokerScope::OneBroker, existing, wanted) if existing != wanted => {
            Err(ConfigProblem::invalid(
                "Broker-level min.insync.replicas cannot be altered while ELR is enabled.",
            ))
        }
        (BrokerScope::ClusterDefault, Some(_), None) => Err(ConfigProblem::invalid(
            "Cluster-level min.insync.replicas cannot be removed while ELR is enabled.",
        )),
        _ => Ok(()),
    }
}

/// What a client-metrics subscription can match clients by.
const MATCHES: &[&str] = &[
    "client_instance_id",
    "client_id",
    "client_software_name",
    "client_software_version",
    "client_source_address",
    "client_source_port",
];

fn check_client_metrics(overrides: &Overrides) -> Result<(), ConfigProblem> {
    for name in overrides.keys() {
        if ConfigTable::get().client_metrics(name).is_none() {
            return Err(ConfigProblem::request(format!(
                "Unknown client metrics configuration: {name}"
            )));
        }
    }
    for (name, text) in overrides {
        let Some(spec) = ConfigTable::get().client_metrics(name) else { continue };
        match (spec.name, spec.parse(text)?) {
            ("interval.ms", Value::Int(n)) if !(100..=3_600_000).contains(&n) => {
                return Err(ConfigProblem::request(format!(
                    "Invalid value {n} for interval.ms, interval must be between 100 and 3600000 \
                     (1 hour)"
                )));
            }
            ("match", Value::List(patterns)) => {
                for pattern in patterns {
                    let key = pattern.split_once('=').map(|(key, _)| key.trim());
                    if !key.is_some_and(|key| MATCHES.contains(&key)) {
                        return Err(ConfigProblem::invalid(format!(
                            "Illegal client matching pattern: {pattern}"
                        )));
                    }
                }
            }
            _ => {}
        }
    }
    Ok(())
}
