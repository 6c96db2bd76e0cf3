//! DescribeConfigs.

use super::{ConfigResource, ConfigResourceKind, text};
use crate::core::operation::{Answers, Operation, controller_advice};
use crate::core::{Advice, Destination, Refusal, Subject};
use headwater_protocol::Request;
use headwater_protocol::messages::describe_configs::{
    DescribeConfigsRequest, DescribeConfigsResource, DescribeConfigsResponse, DescribeConfigsResult,
};
use std::collections::BTreeMap;
use std::fmt;

/// Where a config's value comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum ConfigSource {
    /// Set on the topic.
    DynamicTopic,
    /// Set on this broker, while running.
    DynamicBroker,
    /// Set on the cluster's default, while running.
    DynamicDefaultBroker,
    /// From the broker's file, flags or environment.
    StaticBroker,
    /// The default.
    Default,
    /// Set on the broker's log levels.
    DynamicBrokerLogger,
    /// Set on a subscription to clients' metrics.
    DynamicClientMetrics,
    /// Set on the group.
    DynamicGroup,
    /// A number this client does not know.
    Unknown(i8),
}

impl ConfigSource {
    /// The source behind Kafka's number.
    pub fn from_code(code: i8) -> Self {
        match code {
            1 => Self::DynamicTopic,
            2 => Self::DynamicBroker,
            3 => Self::DynamicDefaultBroker,
            4 => Self::StaticBroker,
            5 => Self::Default,
            6 => Self::DynamicBrokerLogger,
            7 => Self::DynamicClientMetrics,
            8 => Self::DynamicGroup,
            other => Self::Unknown(other),
        }
    }
}

impl fmt::Display for ConfigSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::DynamicTopic => "topic",
            Self::DynamicBroker => "broker",
            Self::DynamicDefaultBroker => "cluster",
            Self::StaticBroker => "static",
            Self::Default => "default",
            Self::DynamicBrokerLogger => "broker-logger",
            Self::DynamicClientMetrics => "client-metrics",
            Self::DynamicGroup => "group",
            Self::Unknown(code) => return write!(f, "unknown-{code}"),
        })
    }
}

/// What a config's value looks like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ConfigType {
    /// `true` or `false`.
    Boolean,
    /// Any text.
    String,
    /// 32 bits.
    Int,
    /// 16 bits.
    Short,
    /// 64 bits.
    Long,
    /// A fraction.
    Double,
    /// Several values with commas.
    List,
    /// A Java class.
    Class,
    /// A secret that brokers do not show.
    Password,
    /// A number this client does not know, or a broker that does not say.
    Unknown(i8),
}

impl ConfigType {
    /// The type behind Kafka's number.
    pub fn from_code(code: i8) -> Self {
        match code {
            1 => Self::Boolean,
            2 => Self::String,
            3 => Self::Int,
            4 => Self::Short,
            5 => Self::Long,
            6 => Self::Double,
            7 => Self::List,
            8 => Self::Class,
            9 => Self::Password,
            other => Self::Unknown(other),
        }
    }
}

impl fmt::Display for ConfigType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Boolean => "boolean",
            Self::String => "string",
            Self::Int => "int",
            Self::Short => "short",
            Self::Long => "long",
            Self::Double => "double",
            Self::List => "list",
            Self::Class => "class",
            Self::Password => "password",
            Self::Unknown(code) => return write!(f, "unknown-{code}"),
        })
    }
}

/// A config with its value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigEntry {
    /// Its name.
    pub name: String,
    /// Its value; `None` where it has none, or where it is a secret.
    pub value: Option<String>,
    /// Where the value comes from.
    pub source: ConfigSource,
    /// Whether it can be changed while the broker runs.
    pub read_only: bool,
    /// Whether the value is a secret.
    pub sensitive: bool,
    /// What the value looks like.
    pub kind: ConfigType,
    /// Where else the value could come from, what wins first; empty unless asked for.
    pub synonyms: Vec<ConfigSynonym>,
    /// What it does; `None` unless asked for.
    pub documentation: Option<String>,
}

/// One of the places where a config's value can come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigSynonym {
    /// Its name there.
    pub name: String,
    /// Its value there.
    pub value: Option<String>,
    /// Which place.
    pub source: ConfigSource,
}

/// Reads the configs of topics, brokers and other things.
#[derive(Clone, Debug, Default)]
pub struct DescribeConfigs {
    /// Which things, and which of their configs (`None`: all).
    pub resources: BTreeMap<ConfigResource, Option<Vec<String>>>,
    /// Whether to say where else each value could come from.
    pub synonyms: bool,
    /// Whether to say what each config does.
    pub documentation: bool,
}

impl Operation for DescribeConfigs {
    type Key = ConfigResource;
    type Value = Vec<ConfigEntry>;
    type Request = DescribeConfigsRequest;

    fn keys(&self) -> Vec<ConfigResource> {
        self.resources.keys().cloned().collect()
    }

    fn subject(&self, key: &ConfigResource) -> Subject {
        key.subject()
    }

    fn destination(&self, key: &ConfigResource) -> Destination {
        key.own_broker_or(Destination::AnyBroker)
    }

    fn request(
        &self,
        keys: &[ConfigResource],
        version: i16,
    ) -> Result<DescribeConfigsRequest, &'static str> {
        let resources = keys
            .iter()
            .filter_map(|key| self.resources.get_key_value(key))
            .map(|(resource, names)| DescribeConfigsResource {
                resource_type: resource.kind.code(),
                resource_name: text(&resource.name),
                configuration_keys: names
                    .as_ref()
                    .map(|names| names.iter().map(|name| text(name)).collect()),
                ..Default::default()
            })
            .collect();
        Ok(DescribeConfigsRequest {
            resources,
            include_synonyms: self.synonyms,
            // What an older broker cannot say is left out, as the type of each config is.
            include_documentation: self.documentation && version >= 3,
            ..Default::default()
        })
    }

    fn answered(
        &self,
        _keys: &[ConfigResource],
        response: DescribeConfigsResponse,
        _version: i16,
    ) -> Answers<Self> {
        response.results.into_iter().filter_map(resource_result).collect()
    }

    fn throttle_ms(&self, response: &DescribeConfigsResponse) -> i32 {
        response.throttle_time_ms
    }

    fn advice(&self, refusal: &Refusal) -> Advice {
        controller_advice(refusal)
    }
}

fn resource_result(
    result: DescribeConfigsResult,
) -> Option<(ConfigResource, Result<Vec<ConfigEntry>, Refusal>)> {
    let resource = ConfigResource {
        kind: ConfigResourceKind::from_code(result.resource_type)?,
        name: result.resource_name.to_string(),
    };
    let api = DescribeConfigsRequest::KEY;
    let subject = || resource.subject();
    let message = result.error_message.as_deref();
    if let Some(refusal) = Refusal::from_code(api, subject, result.error_code, message) {
        return Some((resource, Err(refusal)));
    }
    let owned =
        |value: &Option<headwater_protocol::wire::Str>| value.as_ref().map(|text| text.to_string());
    let mut entries: Vec<_> = result
        .configs
        .iter()
        .map(|config| ConfigEntry {
            name: config.name.to_string(),
            value: owned(&config.value),
            source: ConfigSource::from_code(config.config_source),
            read_only: config.read_only,
            sensitive: config.is_sensitive,
            kind: ConfigType::from_code(config.config_type),
            synonyms: config
                .synonyms
                .iter()
                .map(|synonym| ConfigSynonym {
                    name: synonym.name.to_string(),
                    value: owned(&synonym.value),
                    source: ConfigSource::from_code(synonym.source),
                })
                .collect(),
            documentation: owned(&config.documentation).filter(|text| !text.is_empty()),
        })
        .collect();
    entries.sort_by(|one, other| one.name.cmp(&other.name));
    Some((resource, Ok(entries)))
}
