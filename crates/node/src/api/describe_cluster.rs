//! DescribeCluster: the cluster's id and its brokers or controllers (KIP-700, KIP-919, KIP-1073).

use crate::authorizer::{Resource, authorized_operations};
use crate::call::{Answer, Call};
use headwater_protocol::messages::describe_cluster::{
    DescribeClusterBroker, DescribeClusterRequest, DescribeClusterResponse,
};
use headwater_protocol::wire::Str;
use headwater_types::ErrorCode;

/// The endpoint type of brokers; 2 is that of controllers.
const BROKERS: i8 = 1;
const CONTROLLERS: i8 = 2;

pub(super) fn handle(
    call: &mut Call<'_>,
    request: DescribeClusterRequest,
) -> Answer<DescribeClusterResponse> {
    let refused = |error: ErrorCode, message: &'static str| {
        Answer::Now(DescribeClusterResponse {
            error_code: error.code(),
            error_message: Some(Str::from_static(message)),
            ..DescribeClusterResponse::default()
        })
    };
    match request.endpoint_type {
        BROKERS => {}
        CONTROLLERS => {
            return refused(
                ErrorCode::MismatchedEndpointType,
                "The request was sent to an endpoint of the wrong type.",
            );
        }
        _ => {
            return refused(ErrorCode::UnsupportedEndpointType, "The endpoint type is not known.");
        }
    }
    let image = &call.view.image;
    let brokers = image
        .brokers()
        .filter(|broker| broker.is_active() || request.include_fenced_brokers)
        .filter_map(|broker| {
            let endpoint = broker.endpoint(&call.context.listener)?;
            Some(DescribeClusterBroker {
                broker_id: broker.id.0,
                host: Str::from(&*endpoint.host),
                port: i32::from(endpoint.port),
                rack: broker.rack.as_deref().map(Str::from),
                is_fenced: broker.fenced,
                ..DescribeClusterBroker::default()
            })
        })
        .collect();
    Answer::Now(DescribeClusterResponse {
        endpoint_type: BROKERS,
        cluster_id: image.cluster_id().map(|id| Str::from(&**id)).unwrap_or_default(),
        controller_id: call.node.me().0,
        brokers,
        cluster_authorized_operations: if request.include_cluster_authorized_operations {
            authorized_operations(call.node.authorizer(), call.context, Resource::Cluster)
        } else {
            i32::MIN
        },
        ..DescribeClusterResponse::default()
    })
}
