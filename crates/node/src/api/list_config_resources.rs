//! ListConfigResources: what has configs (KIP-1142). Its version 0 is the older
//! ListClientMetricsResources.

use super::configs::BROKER_LOGGER;
use crate::authorizer::Operation;
use crate::call::{Answer, Call};
use headwater_metadata::image::{ConfigResourceKind, Image};
use headwater_protocol::messages::list_config_resources::{
    ConfigResource, ListConfigResourcesRequest, ListConfigResourcesResponse,
};
use headwater_protocol::wire::Str;
use headwater_types::ErrorCode;
use std::collections::BTreeSet;

/// First version that knows kinds other than client metrics.
const KINDS_FROM: i16 = 1;

const GROUP: i8 = ConfigResourceKind::Group.code();
const CLIENT_METRICS: i8 = ConfigResourceKind::ClientMetrics.code();
const BROKER: i8 = ConfigResourceKind::Broker.code();
const TOPIC: i8 = ConfigResourceKind::Topic.code();

/// All kinds, in the order in which Kafka lists them.
const KINDS: [i8; 5] = [GROUP, CLIENT_METRICS, BROKER_LOGGER, BROKER, TOPIC];

pub(super) fn handle(
    call: &mut Call<'_>,
    request: ListConfigResourcesRequest,
) -> Answer<ListConfigResourcesResponse> {
    let refused = |error: ErrorCode| {
        Answer::Now(ListConfigResourcesResponse {
            error_code: error.code(),
            ..ListConfigResourcesResponse::default()
        })
    };
    if !call.allows_on_cluster(Operation::DescribeConfigs) {
        return refused(ErrorCode::ClusterAuthorizationFailed);
    }
    let mut kinds: BTreeSet<i8> = request.resource_types.into_iter().collect();
    if call.api_version < KINDS_FROM {
        kinds.insert(CLIENT_METRICS);
    }
    if kinds.iter().any(|kind| !KINDS.contains(kind)) {
        return refused(ErrorCode::UnsupportedVersion);
    }
    let image = &call.view.image;
    let config_resources = KINDS
        .into_iter()
        .filter(|kind| kinds.is_empty() || kinds.contains(kind))
        .flat_map(|kind| {
            names(image, kind).into_iter().map(move |resource_name| ConfigResource {
                resource_name,
                resource_type: kind,
                ..ConfigResource::default()
            })
        })
        .collect();
    Answer::Now(ListConfigResourcesResponse {
        config_resources,
        ..ListConfigResourcesResponse::default()
    })
}

/// The names of all resources of a kind: topics and brokers that exist, of others those for which
/// something is set.
fn names(image: &Image, kind: i8) -> Vec<Str> {
    match kind {
        TOPIC => image.topics_by_name().map(|topic| Str::from(&*topic.name)).collect(),
        BROKER | BROKER_LOGGER => image
            .brokers()
            .filter(|broker| !broker.fenced)
            .map(|broker| Str::from(broker.id.to_string()))
            .collect(),
        _ => image
            .config_resources()
            .filter(|(resource, _)| resource.kind.code() == kind)
            .map(|(resource, _)| Str::from(&*resource.name))
            .collect(),
    }
}
