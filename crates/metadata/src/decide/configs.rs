//! Setting configs.
//!
//! The rules of each single config are the caller's ([`ConfigRules`](super::ConfigRules)); here is
//! what holds for all of them: who may have configs, which operations there are, and that a
//! resource is changed as a whole or not at all.

use super::topics::check_topic_name;
use super::{DecideContext, Emitter, check_item_count};
use crate::command::{
    AlterConfigs, CommandError, CommandReply, ConfigChange, ConfigOp, IncrementalAlterConfigs,
    ItemResult, ResourceChanges,
};
use crate::image::{ConfigResource, ConfigResourceKind, Configs, Image, TopicImage};
use crate::limits;
use crate::record::{ConfigRecord, Kind};
use headwater_types::{BrokerId, ErrorCode};
use std::collections::BTreeSet;
use std::sync::Arc;

pub(super) fn alter(
    out: &mut Emitter,
    command: &AlterConfigs,
    context: &DecideContext<'_>,
) -> Result<CommandReply, CommandError> {
    alter_all(out, &command.resources, command.validate_only, context, |changes, existing, _| {
        let mut configs = Configs::new();
        let mut touched = Vec::with_capacity(changes.changes.len());
        for change in &changes.changes {
            if let Some(value) = &change.value {
                configs.insert(change.name.as_str().into(), value.as_str().into());
                touched.push(Arc::from(change.name.as_str()));
            }
        }
        // What is not named goes back to its default.
        let dropped = existing.keys().filter(|name| !configs.contains_key(*name));
        touched.extend(dropped.cloned().collect::<Vec<_>>());
        Ok(Planned { configs, touched })
    })
}

pub(super) fn incremental_alter(
    out: &mut Emitter,
    command: &IncrementalAlterConfigs,
    context: &DecideContext<'_>,
) -> Result<CommandReply, CommandError> {
    alter_all(
        out,
        &command.resources,
        command.validate_only,
        context,
        |changes, existing, context| {
            let mut configs = existing.clone();
            let mut touched = Vec::with_capacity(changes.changes.len());
            for change in &changes.changes {
                let name: Arc<str> = change.name.as_str().into();
                match changed_value(&changes.resource, change, existing, context)? {
                    Some(value) => configs.insert(Arc::clone(&name), value.into()),
                    None => configs.remove(&name),
                };
                touched.push(name);
            }
            Ok(Planned { configs, touched })
        },
    )
}

/// What a resource's configs shall be.
struct Planned {
    configs: Configs,
    /// The names that the command speaks of, or drops.
    touched: Vec<Arc<str>>,
}

fn alter_all(
    out: &mut Emitter,
    resources: &[ResourceChanges],
    validate_only: bool,
    context: &DecideContext<'_>,
    plan: impl Fn(&ResourceChanges, &Configs, &DecideContext<'_>) -> ItemResult<Planned>,
) -> Result<CommandReply, CommandError> {
    check_item_count(resources.len())?;
    let duplicates = super::topics::duplicates(resources.iter().map(|changes| &changes.resource));
    let mut results = Vec::with_capacity(resources.len());
    for changes in resources {
        let resource = &changes.resource;
        let invalid = |text: &str| CommandError::new(ErrorCode::InvalidRequest, text);
        let outcome = if duplicates.contains(resource) {
            Err(invalid("Each resource must appear at most once."))
        } else {
            check_changes(changes).and_then(|()| {
                let existing = out.image().configs(resource).map(Arc::clone).unwrap_or_default();
                let planned = plan(changes, &existing, context)?;
                check_resource_name(resource)?;
                context.policy.configs.validate(resource, &planned.configs, &existing)?;
                check_sizes(&planned.configs)?;
                check_exists(out.image(), resource)?;
                Ok((existing, planned))
            })
        };
        match outcome {
            Ok((existing, planned)) => {
                emit_changes(out, resource, &existing, &planned)?;
                results.push((resource.clone(), Ok(())));
            }
            Err(error) => results.push((resource.clone(), Err(error))),
        }
    }
    if validate_only {
        out.discard();
    }
    Ok(CommandReply::ConfigsAltered(results))
}

fn emit_changes(
    out: &mut Emitter,
    resource: &ConfigResource,
    existing: &Configs,
    planned: &Planned,
) -> Result<(), CommandError> {
    let topic_id = match resource.kind {
        ConfigResourceKind::Topic => out.image().topic_id(&resource.name),
        _ => None,
    };
    for name in &planned.touched {
        let value = planned.configs.get(name);
        // A broker's configs are written even where they stay the same: it reloads files (key
        // stores) that they name.
        if value == existing.get(name) && resource.kind != ConfigResourceKind::Broker {
            continue;
        }
        out.emit(Kind::Config(ConfigRecord {
            resource_type: resource.kind.code().into(),
            topic_id: topic_id.map(Into::into),
            resource_name: match resource.kind {
                ConfigResourceKind::Topic => String::new(),
                _ => resource.name.to_string(),
            },
            name: name.to_string(),
            value: value.map(|value| value.to_string()),
        }))?;
    }
    Ok(())
}

/// What is wrong with the changes of a resource, whatever they change.
fn check_changes(changes: &ResourceChanges) -> Result<(), CommandError> {
    let invalid = |text: String| Err(CommandError::new(ErrorCode::InvalidRequest, text));
    let mut names = BTreeSet::new();
    if !changes.changes.iter().all(|change| names.insert(change.name.as_str())) {
        return invalid("Error due to duplicate config keys".to_owned());
    }
    let nulls: Vec<&str> = changes
        .changes
        .iter()
        .filter(|change| change.op != ConfigOp::Delete && change.value.is_none())
        .map(|change| change.name.as_str())
        .collect();
    if !nulls.is_empty() {
        return invalid(format!("Null value not supported for : {}", nulls.join(", ")));
    }
    Ok(())
}

/// The value of a config after a change; `None` for the default.
fn changed_value(
    resource: &ConfigResource,
    change: &ConfigChange,
    existing: &Configs,
    context: &DecideContext<'_>,
) -> ItemResult<Option<String>> {
    let operand = change.value.as_deref().unwrap_or_default();
    match change.op {
        ConfigOp::Set => return Ok(Some(operand.to_owned())),
        ConfigOp::Delete => return Ok(None),
        ConfigOp::Append | ConfigOp::Subtract => {}
    }
    let rules = &context.policy.configs;
    if !rules.is_list(resource, &change.name) {
        let text = match resource.kind {
            ConfigResourceKind::Broker => format!(
                "Config value {} is not allowed for config key: {}",
                change.op.name().to_ascii_lowercase(),
                change.name
            ),
            _ => format!(
                "Can't {} to key {} because its type is not LIST.",
                change.op.name(),
                change.name
            ),
        };
        return Err(CommandError::new(ErrorCode::InvalidConfig, text));
    }
    let current = existing.get(change.name.as_str()).map(|value| value.to_string());
    let current = current.or_else(|| rules.default_value(resource, &change.name));
    let current = current.unwrap_or_default();
    let mut parts: Vec<&str> = current.split(',').filter(|part| !part.is_empty()).collect();
    for part in operand.split(',') {
        let place = parts.iter().position(|&known| known == part);
        match (change.op, place) {
            (ConfigOp::Append, None) => parts.push(part),
            (ConfigOp::Subtract, Some(place)) => {
                parts.remove(place);
            }
            _ => {}
        }
    }
    Ok(Some(parts.join(",")))
}

/// Our own bounds.
pub(super) fn check_sizes(configs: &Configs) -> Result<(), CommandError> {
    let refuse = |text: String| Err(CommandError::new(ErrorCode::InvalidConfig, text));
    if configs.len() > limits::CONFIGS_PER_RESOURCE_MAX {
        return refuse(format!(
            "A resource has at most {} configs.",
            limits::CONFIGS_PER_RESOURCE_MAX
        ));
    }
    for (name, value) in configs {
        if name.len() > limits::CONFIG_NAME_BYTES_MAX {
            return refuse(format!(
                "The name of a config is longer than {} bytes.",
                limits::CONFIG_NAME_BYTES_MAX
            ));
        }
        if value.len() > limits::CONFIG_VALUE_BYTES_MAX {
            return refuse(format!(
                "The value of config {name} is longer than {} bytes.",
                limits::CONFIG_VALUE_BYTES_MAX
            ));
        }
    }
    Ok(())
}

fn check_resource_name(resource: &ConfigResource) -> Result<(), CommandError> {
    let invalid = |text: &str| Err(CommandError::new(ErrorCode::InvalidRequest, text));
    if resource.name.len() > limits::RESOURCE_NAME_BYTES_MAX {
        return invalid("The name of the resource is too long.");
    }
    match resource.kind {
        ConfigResourceKind::Topic if resource.name.is_empty() => {
            invalid("Default topic resources are not allowed.")
        }
        ConfigResourceKind::Topic => check_topic_name(&resource.name),
        ConfigResourceKind::Broker if resource.name.is_empty() => Ok(()),
        ConfigResourceKind::Broker => match resource.name.parse::<i32>() {
            Err(_) => invalid("Unable to parse broker name as a base 10 number."),
            Ok(id) if id < 0 => invalid("Invalid negative broker ID."),
            Ok(_) => Ok(()),
        },
        ConfigResourceKind::ClientMetrics if resource.name.is_empty() => {
            invalid("Subscription name can't be empty")
        }
        ConfigResourceKind::Group if resource.name.is_empty() => {
            invalid("Default group resources are not allowed.")
        }
        ConfigResourceKind::ClientMetrics | ConfigResourceKind::Group => Ok(()),
    }
}

fn check_exists(image: &Image, resource: &ConfigResource) -> Result<(), CommandError> {
    match resource.kind {
        ConfigResourceKind::Topic if image.topic_named(&resource.name).is_none() => {
            Err(CommandError::new(
                ErrorCode::UnknownTopicOrPartition,
                format!("The topic '{}' does not exist.", resource.name),
            ))
        }
        ConfigResourceKind::Broker if !resource.name.is_empty() => {
            let id = resource.name.parse().map(BrokerId).ok();
            match id.filter(|&id| image.broker(id).is_some()) {
                Some(_) => Ok(()),
                None => Err(CommandError::new(
                    ErrorCode::BrokerIdNotRegistered,
                    format!("No node with id {} found.", resource.name),
                )),
            }
        }
        _ => Ok(()),
    }
}

/// A topic's config as far as the metadata knows it: its own, the cluster's, the default.
fn effective(
    image: &Image,
    topic: &TopicImage,
    name: &str,
    context: &DecideContext<'_>,
) -> Option<String> {
    let own = topic.configs.get(name).map(|value| value.to_string());
    let cluster = || {
        let configs = image.configs(&ConfigResource::all_brokers())?;
        configs.get(name).map(|value| value.to_string())
    };
    let default = || {
        let resource = ConfigResource::topic(Arc::clone(&topic.name));
        context.policy.configs.default_value(&resource, name)
    };
    own.or_else(cluster).or_else(default)
}

/// `min.insync.replicas` of a topic; at least 1.
pub(super) fn min_in_sync(image: &Image, topic: &TopicImage, context: &DecideContext<'_>) -> usize {
    let value = effective(image, topic, "min.insync.replicas", context);
    value.and_then(|value| value.trim().parse().ok()).unwrap_or(1).max(1)
}

/// `unclean.leader.election.enable` of a topic.
pub(super) fn unclean_election(
    image: &Image,
    topic: &TopicImage,
    context: &DecideContext<'_>,
) -> bool {
    let value = effective(image, topic, "unclean.leader.election.enable", context);
    value.is_some_and(|value| value.trim().eq_ignore_ascii_case("true"))
}
