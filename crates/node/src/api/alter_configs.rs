//! AlterConfigs: replaces all that is set for some resources. Superseded by
//! IncrementalAlterConfigs (KIP-339), but still sent by older clients.

use super::configs::{AlteredResource, BROKER_LOGGER, sort_out};
use super::support::{ANSWERED_MAX, Refusal, controller_deadline, refusal_of_size, repeated};
use crate::call::{Answer, AwaitCommand, Call};
use headwater_metadata::command::{AlterConfigs, Command, ConfigChange, ConfigOp};
use headwater_protocol::messages::alter_configs::{
    AlterConfigsRequest, AlterConfigsResource, AlterConfigsResourceResponse, AlterConfigsResponse,
};
use headwater_protocol::wire::Str;
use headwater_types::ErrorCode;

pub(super) fn handle(
    call: &mut Call<'_>,
    request: AlterConfigsRequest,
) -> Answer<AlterConfigsResponse> {
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
    let mut sorted = sort_out(call, resources, &twice, |_, _| {
        let text = format!("Unknown resource type {BROKER_LOGGER}");
        Err((ErrorCode::InvalidRequest, Some(Str::from(text))))
    });
    if sorted.changes.is_empty() {
        return Answer::Now(response(sorted.refusals));
    }
    call.command(Command::AlterConfigs(AlterConfigs {
        resources: std::mem::take(&mut sorted.changes),
        validate_only: request.validate_only,
    }));
    AwaitCommand::park(controller_deadline(call), move |_call, wake| response(sorted.finish(wake)))
}

fn altered(resource: AlterConfigsResource) -> AlteredResource {
    let changes = resource.configs.into_iter().map(|config| ConfigChange {
        name: config.name.to_string(),
        op: ConfigOp::Set,
        value: config.value.map(|value| value.to_string()),
    });
    AlteredResource {
        resource_type: resource.resource_type,
        name: resource.resource_name,
        changes: Ok(changes.collect()),
    }
}

fn response(refusals: Vec<(i8, Str, Refusal)>) -> AlterConfigsResponse {
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
    AlterConfigsResponse { responses: responses.collect(), ..AlterConfigsResponse::default() }
}
