//! Metadata: brokers, topics, partitions and who leads them.

use crate::authorizer::{Operation, Resource, authorized_operations};
use crate::auto_create;
use crate::call::{Answer, Call};
use crate::topic_name::is_valid_topic_name;
use headwater_metadata::image::{PartitionImage, TopicImage};
use headwater_protocol::messages::metadata::{
    MetadataRequest, MetadataRequestTopic, MetadataResponse, MetadataResponseBroker,
    MetadataResponsePartition, MetadataResponseTopic,
};
use headwater_protocol::wire::Str;
use headwater_types::{BrokerId, ErrorCode, PartitionIndex, Uuid};
use std::collections::BTreeSet;

/// First version in which `null` stands for all topics and an empty list for none.
const NULL_IS_ALL_FROM: i16 = 1;
/// First version whose request says whether topics may be created.
const SAYS_AUTO_CREATE_FROM: i16 = 4;
/// First version in which a topic may be asked for by its id.
const IDS_WORK_FROM: i16 = 12;
/// Versions that can carry the cluster's authorized operations.
const CLUSTER_OPERATIONS: std::ops::RangeInclusive<i16> = 8..=10;
/// "Not asked for", as Kafka says it.
const OPERATIONS_NOT_ASKED: i32 = i32::MIN;

pub(super) fn handle(call: &mut Call<'_>, request: MetadataRequest) -> Answer<MetadataResponse> {
    let image = call.view.image.clone();
    let topics = match &request.topics {
        None => all_topics(call, &request),
        Some(named) if named.is_empty() && call.api_version < NULL_IS_ALL_FROM => {
            all_topics(call, &request)
        }
        Some(named) => {
            if ids_are_misplaced(call.api_version, named) {
                return Answer::Now(MetadataResponse {
                    topics: Vec::new(),
                    error_code: ErrorCode::InvalidRequest.code(),
                    ..brokers_only(call)
                });
            }
            let mut missing = Vec::new();
            let mut seen = BTreeSet::new();
            let topics = named
                .iter()
                // A topic named again is told of once, as in Kafka.
                .filter(|topic| seen.insert((topic.name.clone(), topic.topic_id)))
                .map(|topic| requested_topic(call, &request, topic, &mut missing))
                .collect();
            let may_create =
                call.api_version < SAYS_AUTO_CREATE_FROM || request.allow_auto_topic_creation;
            if may_create {
                auto_create::create(call, missing);
            }
            topics
        }
    };
    let mut response = MetadataResponse { topics, ..brokers_only(call) };
    response.cluster_id = image.cluster_id().map(|id| Str::from(&**id));
    response.cluster_authorized_operations = if request.include_cluster_authorized_operations
        && CLUSTER_OPERATIONS.contains(&call.api_version)
    {
        authorized_operations(call.node.authorizer(), call.context, Resource::Cluster)
    } else {
        OPERATIONS_NOT_ASKED
    };
    Answer::Now(response)
}

/// The part of the response that names the brokers, as seen through the listener asked.
fn brokers_only(call: &Call<'_>) -> MetadataResponse {
    let brokers: Vec<_> = call
        .view
        .image
        .brokers()
        .filter(|broker| broker.is_active())
        .filter_map(|broker| {
            let endpoint = broker.endpoint(&call.context.listener)?;
            Some(MetadataResponseBroker {
                node_id: broker.id.0,
                host: Str::from(&*endpoint.host),
                port: i32::from(endpoint.port),
                rack: broker.rack.as_deref().map(Str::from),
                ..MetadataResponseBroker::default()
            })
        })
        .collect();
    MetadataResponse {
        // Any broker forwards to the controller, so each may name itself, as Kafka does.
        controller_id: call.node.me().0,
        brokers,
        ..MetadataResponse::default()
    }
}

fn ids_are_misplaced(api_version: i16, topics: &[MetadataRequestTopic]) -> bool {
    topics.iter().any(|topic| {
        let by_id = !topic.topic_id.is_zero();
        (api_version < IDS_WORK_FROM && (by_id || topic.name.is_none()))
            || (topic.name.is_none() && !by_id)
    })
}

fn all_topics(call: &Call<'_>, request: &MetadataRequest) -> Vec<MetadataResponseTopic> {
    call.view
        .image
        .topics_by_name()
        .filter(|topic| call.allows(Operation::Describe, Resource::Topic(&topic.name)))
        .map(|topic| described(call, request, topic))
        .collect()
}

fn requested_topic(
    call: &Call<'_>,
    request: &MetadataRequest,
    asked: &MetadataRequestTopic,
    missing: &mut Vec<Str>,
) -> MetadataResponseTopic {
    let refused = |error: ErrorCode| MetadataResponseTopic {
        error_code: error.code(),
        name: asked.name.clone(),
        topic_id: asked.topic_id,
        topic_authorized_operations: OPERATIONS_NOT_ASKED,
        ..MetadataResponseTopic::default()
    };
    let Some(name) = &asked.name else {
        return match call.view.image.topic(asked.topic_id) {
            Some(topic) if call.allows(Operation::Describe, Resource::Topic(&topic.name)) => {
                described(call, request, topic)
            }
            // Whether it exists is not for everybody to know.
            _ => refused(ErrorCode::UnknownTopicId),
        };
    };
    if !call.allows(Operation::Describe, Resource::Topic(name)) {
        return MetadataResponseTopic {
            topic_id: Uuid::ZERO,
            ..refused(ErrorCode::TopicAuthorizationFailed)
        };
    }
    match call.view.image.topic_named(name) {
        Some(topic) => described(call, request, topic),
        None if !is_valid_topic_name(name) => refused(ErrorCode::InvalidTopicException),
        None => {
            missing.push(name.clone());
            refused(ErrorCode::UnknownTopicOrPartition)
        }
    }
}

fn described(
    call: &Call<'_>,
    request: &MetadataRequest,
    topic: &TopicImage,
) -> MetadataResponseTopic {
    MetadataResponseTopic {
        error_code: ErrorCode::None.code(),
        name: Some(Str::from(&*topic.name)),
        topic_id: topic.id,
        is_internal: crate::topic_name::is_internal(&topic.name),
        partitions: topic
            .partitions()
            .map(|(index, partition)| described_partition(call, index, partition))
            .collect(),
        topic_authorized_operations: if request.include_topic_authorized_operations {
            let resource = Resource::Topic(&topic.name);
            authorized_operations(call.node.authorizer(), call.context, resource)
        } else {
            OPERATIONS_NOT_ASKED
        },
        ..MetadataResponseTopic::default()
    }
}

fn described_partition(
    call: &Call<'_>,
    index: PartitionIndex,
    partition: &PartitionImage,
) -> MetadataResponsePartition {
    let image = &call.view.image;
    let ids = |brokers: &[BrokerId]| brokers.iter().map(|broker| broker.0).collect::<Vec<_>>();
    let leader = partition.leader.filter(|leader| image.is_active(*leader));
    let reachable = leader.is_some_and(|leader| {
        image.broker(leader).is_some_and(|broker| broker.endpoint(&call.context.listener).is_some())
    });
    let error = match leader {
        Some(_) if reachable => ErrorCode::None,
        // A leader that cannot be reached through this listener (KIP-302): older clients know
        // only "no leader".
        Some(_) if call.api_version >= 6 => ErrorCode::ListenerNotFound,
        Some(_) | None => ErrorCode::LeaderNotAvailable,
    };
    MetadataResponsePartition {
        error_code: error.code(),
        partition_index: index.0,
        leader_id: leader.filter(|_| reachable).map_or(-1, |leader| leader.0),
        leader_epoch: partition.leader_epoch.0,
        replica_nodes: ids(&partition.replicas),
        isr_nodes: ids(&partition.isr),
        offline_replicas: partition
            .replicas
            .iter()
            .filter(|replica| !image.is_active(**replica))
            .map(|replica| replica.0)
            .collect(),
        ..MetadataResponsePartition::default()
    }
}
