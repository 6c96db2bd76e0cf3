//! What the APIs about configs have in common: which resources there are, who may touch them, and
//! the two ways of altering them.

use super::support::{
    CLUSTER_NOT_ALLOWED, GROUP_NOT_ALLOWED, Refusal, TOPIC_NOT_ALLOWED, outcome, refusal_of, told,
};
use crate::authorizer::{Operation, Resource};
use crate::call::Call;
use crate::outbox::Wake;
use headwater_metadata::command::{CommandReply, ConfigChange, ConfigOp, ResourceChanges};
use headwater_metadata::image::{ConfigResource, ConfigResourceKind, Configs};
use headwater_protocol::wire::Str;
use headwater_types::ErrorCode;
use std::collections::BTreeSet;
use std::sync::Arc;

/// The kind of resource that stands for a broker's loggers (KIP-412). Levels of loggers are no
/// metadata: they are kept nowhere and die with the broker.
pub(super) const BROKER_LOGGER: i8 = 8;

/// The config that names the log folders that get no new replicas.
const CORDONED: &str = "cordoned.log.dirs";

/// The configs that a list of names and values stands for: the last of several of one name holds,
/// null ones are no configs.
pub(super) fn overrides_of<'a>(pairs: impl Iterator<Item = (&'a Str, &'a Option<Str>)>) -> Configs {
    pairs
        .filter_map(|(name, value)| Some((Arc::from(&**name), Arc::from(&**value.as_ref()?))))
        .collect()
}

/// Whether the sender may do `operation` to the configs of a kind of resource.
///
/// # Errors
/// Kafka's code and words for that kind.
pub(super) fn check_allowed(
    call: &Call<'_>,
    operation: Operation,
    kind: Option<ConfigResourceKind>,
    name: &str,
) -> Result<(), Refusal> {
    let (resource, code, text) = match kind {
        Some(ConfigResourceKind::Topic) => {
            (Resource::Topic(name), ErrorCode::TopicAuthorizationFailed, TOPIC_NOT_ALLOWED)
        }
        Some(ConfigResourceKind::Group) => {
            (Resource::Group(name), ErrorCode::GroupAuthorizationFailed, GROUP_NOT_ALLOWED)
        }
        // None stands for a broker's loggers.
        Some(ConfigResourceKind::Broker | ConfigResourceKind::ClientMetrics) | None => {
            (Resource::Cluster, ErrorCode::ClusterAuthorizationFailed, CLUSTER_NOT_ALLOWED)
        }
    };
    if call.allows(operation, resource) { Ok(()) } else { Err((code, Some(text))) }
}

/// One resource of a request that alters configs, whichever of the two APIs it came by.
pub(super) struct AlteredResource {
    pub resource_type: i8,
    pub name: Str,
    /// In the order of the request, or what is wrong with one of them.
    pub changes: Result<Vec<ConfigChange>, Refusal>,
}

/// What a request that alters configs comes to: what is answered here, and what the controller is
/// to decide.
pub(super) struct Sorted {
    /// For each resource of the request in order.
    pub refusals: Vec<(i8, Str, Refusal)>,
    /// For the controller.
    pub changes: Vec<ResourceChanges>,
    /// The places of `changes` among the others.
    places: Vec<usize>,
}

/// Sorts out what can be answered without the controller.
pub(super) fn sort_out(
    call: &Call<'_>,
    resources: Vec<AlteredResource>,
    twice: &BTreeSet<(i8, Str)>,
    loggers: fn(&Call<'_>, &AlteredResource) -> Result<(), Refusal>,
) -> Sorted {
    let mut sorted = Sorted { refusals: Vec::new(), changes: Vec::new(), places: Vec::new() };
    for altered in resources {
        let invalid = |text| (ErrorCode::InvalidRequest, Some(Str::from_static(text)));
        let checked = if twice.contains(&(altered.resource_type, altered.name.clone())) {
            Err(invalid("Each resource must appear at most once."))
        } else if altered.resource_type == BROKER_LOGGER {
            loggers(call, &altered).map(|()| None)
        } else {
            to_metadata(call, &altered).map(Some)
        };
        let AlteredResource { resource_type, name, .. } = altered;
        let refusal = match checked {
            Err(refusal) => refusal,
            Ok(None) => (ErrorCode::None, None),
            Ok(Some(changes)) => {
                sorted.places.push(sorted.refusals.len());
                sorted.changes.push(changes);
                (ErrorCode::UnknownServerError, None)
            }
        };
        sorted.refusals.push((resource_type, name, refusal));
    }
    sorted
}

/// The part of the command for one resource whose configs are kept in the metadata.
fn to_metadata(call: &Call<'_>, altered: &AlteredResource) -> Result<ResourceChanges, Refusal> {
    let kind = ConfigResourceKind::from_code(altered.resource_type).ok_or_else(|| {
        let text = format!("Unknown resource type {}", altered.resource_type);
        (ErrorCode::InvalidRequest, Some(Str::from(text)))
    })?;
    let changes = altered.changes.clone()?;
    if kind == ConfigResourceKind::Broker && !altered.name.is_empty() {
        check_is_me(call, &altered.name)?;
        check_folders(call, &changes)?;
    }
    check_allowed(call, Operation::AlterConfigs, Some(kind), &altered.name)?;
    let resource = ConfigResource { kind, name: Arc::from(&*altered.name) };
    Ok(ResourceChanges { resource, changes })
}

/// A broker's own configs are altered at that broker, which knows how it was started.
fn check_is_me(call: &Call<'_>, name: &str) -> Result<(), Refusal> {
    let me = call.node.me().0;
    let text = match name.parse::<i32>() {
        Ok(id) if id == me => return Ok(()),
        Ok(_) => format!("Unexpected broker id, expected {me}, but received {name}"),
        Err(_) => format!("Node id must be an integer, but it is: {name}"),
    };
    Err((ErrorCode::InvalidRequest, Some(Str::from(text))))
}

/// Only folders of this broker can be cordoned.
fn check_folders(call: &Call<'_>, changes: &[ConfigChange]) -> Result<(), Refusal> {
    let named = changes
        .iter()
        .filter(|change| change.name == CORDONED && change.op != ConfigOp::Subtract)
        .filter_map(|change| change.value.as_deref());
    let missing: Vec<&str> = named.flat_map(|list| call.node.unknown_folders(list)).collect();
    if missing.is_empty() {
        return Ok(());
    }
    let text = format!(
        "requirement failed: All entries in cordoned.log.dirs must be present in log.dirs or \
         log.dir. Missing entries : {}",
        missing.join(", ")
    );
    Err((ErrorCode::InvalidRequest, Some(Str::from(text))))
}

impl Sorted {
    /// Puts what the controller decided in its places.
    pub fn finish(&mut self, wake: Wake) -> Vec<(i8, Str, Refusal)> {
        let mut refusals = std::mem::take(&mut self.refusals);
        let outcomes = outcome(wake, |reply| match reply {
            CommandReply::ConfigsAltered(outcomes) => Some(outcomes),
            _ => None,
        });
        let decided: Vec<Refusal> = match outcomes {
            Ok(outcomes) => outcomes.into_iter().map(|(_, outcome)| told(outcome)).collect(),
            Err(error) => vec![refusal_of(error); self.places.len()],
        };
        for (&place, decided) in self.places.iter().zip(decided) {
            if let Some((_, _, refusal)) = refusals.get_mut(place) {
                *refusal = decided;
            }
        }
        refusals
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_of_several_configs_of_a_name_holds() {
        let set = |name: &'static str, value: Option<&'static str>| {
            (Str::from_static(name), value.map(Str::from_static))
        };
        let given = [set("a", Some("1")), set("b", None), set("a", Some("2"))];
        let configs = overrides_of(given.iter().map(|(name, value)| (name, value)));
        let found: Vec<_> = configs.iter().map(|(name, value)| (&**name, &**value)).collect();
        assert_eq!(found, [("a", "2")]);
    }
}
