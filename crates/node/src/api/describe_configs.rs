//! DescribeConfigs: what is in force for topics, brokers, groups and metrics subscriptions, and
//! where it comes from.

use super::configs::{BROKER_LOGGER, check_allowed};
use super::support::Refusal;
use crate::authorizer::Operation;
use crate::call::{Answer, Call};
use crate::settings::layers;
use headwater_metadata::config::{
    ConfigSpec, ConfigTable, DescribedConfig, Layers, describe_broker, describe_client_metrics,
    describe_cluster_default, describe_group, describe_topic,
};
use headwater_metadata::decide::check_topic_name;
use headwater_metadata::image::{ConfigResource, ConfigResourceKind, Configs};
use headwater_protocol::messages::describe_configs::{
    DescribeConfigsRequest, DescribeConfigsResource, DescribeConfigsResourceResult,
    DescribeConfigsResponse, DescribeConfigsResult, DescribeConfigsSynonym,
};
use headwater_protocol::wire::Str;
use headwater_types::ErrorCode;
use std::collections::BTreeSet;
use std::sync::Arc;

/// Configs in one answer. A request that names one topic over and over costs a few bytes each time,
/// its answer kilobytes. Enough for all configs of 10,000 topics.
const CONFIGS_ANSWERED_MAX: usize = 400_000;
/// Resources in one answer; those that cannot be described cost nothing of the above.
const RESOURCES_ANSWERED_MAX: usize = 100_000;

pub(super) fn handle(
    call: &mut Call<'_>,
    request: DescribeConfigsRequest,
) -> Answer<DescribeConfigsResponse> {
    let known = |resource: &DescribeConfigsResource| {
        resource.resource_type == BROKER_LOGGER
            || ConfigResourceKind::from_code(resource.resource_type).is_some()
    };
    // Kafka refuses the request as a whole.
    let all_known = request.resources.iter().all(known);
    let told =
        Told { synonyms: request.include_synonyms, documentation: request.include_documentation };
    let mut room = CONFIGS_ANSWERED_MAX;
    let results = request.resources.into_iter().take(RESOURCES_ANSWERED_MAX).map(|resource| {
        let described = if all_known {
            describe(call, &resource, told, &mut room)
        } else {
            let text = "This most likely occurs because of a request being malformed by the \
                        client library or the message was sent to an incompatible broker. See the \
                        broker logs for more details.";
            Err((ErrorCode::InvalidRequest, Some(Str::from_static(text))))
        };
        let (error, message, configs) = match described {
            Ok(configs) => (ErrorCode::None, None, configs),
            Err((error, message)) => (error, message, Vec::new()),
        };
        DescribeConfigsResult {
            error_code: error.code(),
            // Kafka gives an empty text where it has nothing to say, never null.
            error_message: Some(message.unwrap_or_default()),
            resource_type: resource.resource_type,
            resource_name: resource.resource_name,
            configs,
            ..DescribeConfigsResult::default()
        }
    });
    Answer::Now(DescribeConfigsResponse {
        results: results.collect(),
        ..DescribeConfigsResponse::default()
    })
}

/// What is told of each config beyond its value.
#[derive(Clone, Copy)]
struct Told {
    synonyms: bool,
    documentation: bool,
}

fn describe(
    call: &Call<'_>,
    resource: &DescribeConfigsResource,
    told: Told,
    room: &mut usize,
) -> Result<Vec<DescribeConfigsResourceResult>, Refusal> {
    let kind = ConfigResourceKind::from_code(resource.resource_type);
    check_allowed(call, Operation::DescribeConfigs, kind, &resource.resource_name)?;
    if *room == 0 {
        let text = format!(
            "The request asks for more than {CONFIGS_ANSWERED_MAX} configs; ask for less at a time."
        );
        return Err((ErrorCode::PolicyViolation, Some(Str::from(text))));
    }
    let keys = resource.configuration_keys.as_ref().filter(|keys| !keys.is_empty());
    let keys: Option<BTreeSet<&str>> = keys.map(|keys| keys.iter().map(|key| &**key).collect());
    let wanted =
        |config: &DescribedConfig| keys.as_ref().is_none_or(|keys| keys.contains(&*config.name));
    let all = match kind {
        Some(kind) => all_of(call, kind, &resource.resource_name)?,
        None => loggers_of(call, &resource.resource_name)?,
    };
    let configs: Vec<_> =
        all.into_iter().filter(wanted).take(*room).map(|config| on_wire(config, told)).collect();
    *room = room.saturating_sub(configs.len());
    Ok(configs)
}

fn all_of(
    call: &Call<'_>,
    kind: ConfigResourceKind,
    name: &str,
) -> Result<Vec<DescribedConfig>, Refusal> {
    let image = &call.view.image;
    let layers = layers(call.node.server(), image, call.node.me());
    let invalid = |text| Err((ErrorCode::InvalidRequest, Some(Str::from_static(text))));
    let set = || {
        let resource = ConfigResource { kind, name: Arc::from(name) };
        image.configs(&resource).map(Arc::clone).unwrap_or_default()
    };
    match kind {
        ConfigResourceKind::Topic => {
            check_topic_name(name).map_err(super::support::refusal_of)?;
            let topic =
                image.topic_named(name).ok_or((ErrorCode::UnknownTopicOrPartition, None))?;
            Ok(describe_topic(layers, &topic.configs))
        }
        ConfigResourceKind::Broker => brokers(call, layers, name),
        ConfigResourceKind::ClientMetrics if name.is_empty() => {
            invalid("Client metrics subscription name must not be empty")
        }
        ConfigResourceKind::ClientMetrics => Ok(describe_client_metrics(&set())),
        ConfigResourceKind::Group if name.is_empty() => invalid("Group name must not be empty"),
        ConfigResourceKind::Group => {
            let set: Arc<Configs> = set();
            Ok(describe_group(layers, &set))
        }
    }
}

/// The configs of this broker, or with an empty name those of all brokers.
fn brokers(
    call: &Call<'_>,
    layers: Layers<'_>,
    name: &str,
) -> Result<Vec<DescribedConfig>, Refusal> {
    if name.is_empty() {
        return Ok(describe_cluster_default(layers));
    }
    let me = call.node.me().0;
    let text = match name.parse::<i32>() {
        Ok(id) if id == me => return Ok(describe_broker(layers)),
        // Only it knows what it was started with.
        Ok(_) => {
            format!("Unexpected broker id, expected {me} or empty string, but received {name}")
        }
        Err(_) => format!("Broker id must be an integer, but it is: {name}"),
    };
    Err((ErrorCode::InvalidRequest, Some(Str::from(text))))
}

/// There are no loggers to be set by name.
fn loggers_of(call: &Call<'_>, name: &str) -> Result<Vec<DescribedConfig>, Refusal> {
    let me = call.node.me().0;
    let text = match name.parse::<i32>() {
        Ok(id) if id == me => return Ok(Vec::new()),
        Ok(_) => format!("Unexpected broker id, expected {me} but received {name}"),
        Err(_) if name.is_empty() => String::from("Broker id must not be empty"),
        Err(_) => format!("Broker id must be an integer, but it is: {name}"),
    };
    Err((ErrorCode::InvalidRequest, Some(Str::from(text))))
}

fn on_wire(config: DescribedConfig, told: Told) -> DescribeConfigsResourceResult {
    let synonyms = if told.synonyms { config.synonyms } else { Vec::new() };
    DescribeConfigsResourceResult {
        value: config.value.map(|value| known_value(&config.name, value)),
        name: known_name(config.name),
        read_only: config.read_only,
        config_source: config.source.code(),
        is_sensitive: config.sensitive,
        synonyms: synonyms
            .into_iter()
            .map(|synonym| DescribeConfigsSynonym {
                value: synonym.value.map(|value| known_value(&synonym.name, value)),
                name: known_name(synonym.name),
                source: synonym.source.code(),
                ..DescribeConfigsSynonym::default()
            })
            .collect(),
        config_type: config.config_type.map_or(0, |kind| kind.code()),
        documentation: config.documentation.filter(|_| told.documentation).map(Str::from_static),
        ..DescribeConfigsResourceResult::default()
    }
}

fn spec_of(name: &str) -> Option<&'static ConfigSpec> {
    let table = ConfigTable::get();
    table.topic(name).or_else(|| table.broker(name)).or_else(|| table.group(name))
}

/// A config's name. Nearly all are the table's own texts: an answer about thousands of topics need
/// not hold them thousands of times.
fn known_name(name: String) -> Str {
    spec_of(&name).map_or_else(|| Str::from(name), |spec| Str::from_static(spec.name))
}

/// The value of a config, which mostly is its default.
fn known_value(name: &str, value: String) -> Str {
    match spec_of(name).and_then(ConfigSpec::default_text) {
        Some(default) if default == value => Str::from_static(default),
        _ => Str::from(value),
    }
}
