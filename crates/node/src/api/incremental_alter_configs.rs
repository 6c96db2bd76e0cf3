//! IncrementalAlterConfigs: sets, deletes, appends to and subtracts from single configs (KIP-339).

use super::configs::{AlteredResource, check_allowed, sort_out};
use super::support::{ANSWERED_MAX, Refusal, controller_deadline, refusal_of_size, repeated};
use crate::authorizer::Operation;
use crate::call::{Answer, AwaitCommand, Call};
use headwater_metadata::command::{Command, ConfigChange, ConfigOp, IncrementalAlterConfigs};
use headwater_protocol::messages::incremental_alter_configs::{
    AlterConfigsResource, AlterConfigsResourceResponse, IncrementalAlterConfigsRequest,
    IncrementalAlterConfigsResponse,
};
use headwater_protocol::wire::Str;
use headwater_types::ErrorCode;

pub(super) fn handle(
    call: &mut Call<'_>,
    request: IncrementalAlterConfigsRequest,
) -> Answer<IncrementalAlterConfigsResponse> {
    let configs = request.resources.iter().map(|one| one.configs.len()).sum();
    if let Some(refusal) = refusal_of_size(request.resources.len().max(configs)) {
        let resources = request.resources.into_iter().take(ANSWERED_MAX);
        let refusals = resources.map(|one| (one.resource_type, one.resource_name, refusal.clone()));
        return Answer::Now(response(refusals.collect()));
    }
    let twice = repeated(
        request.resources.iter().map(|one| (one.resource_type, one.resource_name.clone())),
    );
    let resources = request.resources.into_iter().map(altered).collect();
    let mut sorted = sort_out(call, resources, &twice, check_loggers);
    if sorted.changes.is_empty() {
        return Answer::Now(response(sorted.refusals));
    }
    call.command(Command::IncrementalAlterConfigs(IncrementalAlterConfigs {
        resources: std::mem::take(&mut sorted.changes),
        validate_only: request.validate_only,
    }));
    AwaitCommand::park(controller_deadline(call), move |_call, wake| response(sorted.finish(wake)))
}

fn altered(resource: AlterConfigsResource) -> AlteredResource {
    let changes = resource.configs.into_iter().map(|config| {
        let op = ConfigOp::from_code(config.config_operation).ok_or_else(|| {
            let text = format!("Unknown operations type {}", config.config_operation);
            (ErrorCode::InvalidRequest, Some(Str::from(text)))
        })?;
        Ok(ConfigChange {
            name: config.name.to_string(),
            op,
            value: config.value.map(|value| value.to_string()),
        })
    });
    AlteredResource {
        resource_type: resource.resource_type,
        changes: changes.collect(),
        name: resource.resource_name,
    }
}

/// A broker's loggers (KIP-412). There are none that can be set by name: DescribeConfigs lists none
/// either, and the level of the broker's log is changed where it is configured.
fn check_loggers(call: &Call<'_>, altered: &AlteredResource) -> Result<(), Refusal> {
    check_allowed(call, Operation::AlterConfigs, None, &altered.name)?;
    let changes = altered.changes.as_ref().map_err(Clone::clone)?;
    let me = call.node.me().0;
    let text = match altered.name.parse::<i32>() {
        Ok(id) if id == me => match changes.first() {
            None => return Ok(()),
            Some(change) => {
                return match change.op {
                    ConfigOp::Set | ConfigOp::Delete => {
                        let text = format!("Logger {} does not exist!", change.name);
                        Err((ErrorCode::InvalidConfig, Some(Str::from(text))))
                    }
                    ConfigOp::Append | ConfigOp::Subtract => {
                        let text = format!(
                            "{} operation is not allowed for the BROKER_LOGGER resource",
                            change.op.name()
                        );
                        Err((ErrorCode::InvalidRequest, Some(Str::from(text))))
                    }
                };
            }
        },
        Ok(_) => format!("Unexpected node id. Expected {me}, but received {}", altered.name),
        Err(_) => format!("Node id must be an integer, but it is: {}", altered.name),
    };
    Err((ErrorCode::InvalidRequest, Some(Str::from(text))))
}

fn response(refusals: Vec<(i8, Str, Refusal)>) -> IncrementalAlterConfigsResponse {
    let responses = refusals.into_iter().map(|(resource_type, resource_name, refusal)| {
        let (error, error_message) = refusal;
        AlterConfigsResourceResponse {
            error_code: error.code(),
            error_message,
            resource_type,
            resource_name,
            ..AlterConfigsResourceResponse::default()
        }
    });
    IncrementalAlterConfigsResponse {
        responses: responses.collect(),
        ..IncrementalAlterConfigsResponse::default()
    }
}
