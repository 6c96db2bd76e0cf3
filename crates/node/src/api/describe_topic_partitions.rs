//! DescribeTopicPartitions: topics page by page, with what KIP-966 adds to their state.
//!
//! An answer holds a bounded number of partitions; where more are asked for, its cursor says where
//! the next one is to begin.

use crate::authorizer::{Operation, Resource, authorized_operations};
use crate::call::{Answer, Call};
use crate::topic_name::{is_internal, is_valid_topic_name};
use headwater_metadata::image::{PartitionImage, TopicImage};
use headwater_protocol::messages::describe_topic_partitions::{
    Cursor, DescribeTopicPartitionsRequest, DescribeTopicPartitionsResponse,
    DescribeTopicPartitionsResponsePartition, DescribeTopicPartitionsResponseTopic, TopicRequest,
};
use headwater_protocol::wire::Str;
use headwater_types::{BrokerId, ErrorCode, PartitionIndex, TopicId};
use std::collections::BTreeSet;

/// "Not asked for", as Kafka says it.
const OPERATIONS_NOT_ASKED: i32 = i32::MIN;

pub(super) fn handle(
    call: &mut Call<'_>,
    request: DescribeTopicPartitionsRequest,
) -> Answer<DescribeTopicPartitionsResponse> {
    let image = &call.view.image;
    let (first_topic, first_partition) = match &request.cursor {
        Some(cursor) => (cursor.topic_name.clone(), cursor.partition_index),
        None => (Str::new(), 0),
    };
    let is_misplaced = |cursor: &Cursor| {
        let listed = request.topics.iter().any(|topic| topic.name == cursor.topic_name);
        cursor.partition_index < 0 || (!request.topics.is_empty() && !listed)
    };
    let room = call.view.settings.max_request_partitions;
    let asked = usize::try_from(request.response_partition_limit).unwrap_or(0);
    let mut page = Page { topics: Vec::new(), room: room.min(asked).max(1), next: None };
    if request.cursor.as_ref().is_some_and(is_misplaced) {
        return Answer::Now(refused(request.topics, room));
    }
    if request.topics.is_empty() {
        let topics = image.topics_by_name_from(&first_topic);
        for topic in topics.filter(|topic| may_describe(call, &topic.name)) {
            let from = if *topic.name == *first_topic { first_partition } else { 0 };
            if !page.add(call, topic, from) {
                break;
            }
        }
        return Answer::Now(page.response());
    }
    let named: BTreeSet<Str> = request.topics.into_iter().map(|topic| topic.name).collect();
    for name in named.range(first_topic.clone()..) {
        let more = if !may_describe(call, name) {
            page.add_error(call, name, ErrorCode::TopicAuthorizationFailed)
        } else if let Some(topic) = image.topic_named(name) {
            page.add(call, topic, if *name == first_topic { first_partition } else { 0 })
        } else if is_valid_topic_name(name) {
            page.add_error(call, name, ErrorCode::UnknownTopicOrPartition)
        } else {
            page.add_error(call, name, ErrorCode::InvalidTopicException)
        };
        if !more {
            break;
        }
    }
    Answer::Now(page.response())
}

fn may_describe(call: &Call<'_>, name: &str) -> bool {
    call.allows_on_topic(Operation::Describe, name)
}

/// The answer as it fills up.
struct Page {
    topics: Vec<DescribeTopicPartitionsResponseTopic>,
    /// How many partitions still fit.
    room: usize,
    /// Where the next page begins, once this one is full.
    next: Option<Cursor>,
}

impl Page {
    /// Adds a topic from a partition on; false when the page is full.
    fn add(&mut self, call: &Call<'_>, topic: &TopicImage, from: i32) -> bool {
        if self.is_full_before(&topic.name) {
            return false;
        }
        let count = i32::try_from(topic.partition_count()).unwrap_or(i32::MAX);
        let partitions: Vec<_> = (from.min(count)..count)
            .take(self.room)
            .filter_map(|index| {
                let partition = topic.partition(PartitionIndex(index))?;
                Some(described(call, index, partition))
            })
            .collect();
        self.room = self.room.saturating_sub(partitions.len());
        let next = partitions.last().map_or(count, |last| last.partition_index.saturating_add(1));
        let complete = next >= count;
        if !complete {
            self.set_next(&topic.name, next);
        }
        self.topics.push(DescribeTopicPartitionsResponseTopic {
            name: Some(Str::from(&*topic.name)),
            topic_id: topic.id,
            is_internal: is_internal(&topic.name),
            partitions,
            topic_authorized_operations: authorized_operations(
                call.node.authorizer(),
                call.context,
                Resource::Topic(&topic.name),
            ),
            ..DescribeTopicPartitionsResponseTopic::default()
        });
        complete
    }

    /// Adds a topic of which nothing but an error is told; false when the page is full. It takes
    /// the room of one partition, so that a page of errors ends too.
    fn add_error(&mut self, call: &Call<'_>, name: &Str, error: ErrorCode) -> bool {
        if self.is_full_before(name) {
            return false;
        }
        self.room = self.room.saturating_sub(1);
        self.topics.push(DescribeTopicPartitionsResponseTopic {
            error_code: error.code(),
            name: Some(name.clone()),
            topic_id: TopicId::ZERO,
            topic_authorized_operations: match error {
                ErrorCode::TopicAuthorizationFailed => OPERATIONS_NOT_ASKED,
                _ => {
                    let resource = Resource::Topic(name);
                    authorized_operations(call.node.authorizer(), call.context, resource)
                }
            },
            ..DescribeTopicPartitionsResponseTopic::default()
        });
        true
    }

    fn is_full_before(&mut self, name: &str) -> bool {
        if self.room == 0 {
            self.set_next(name, 0);
        }
        self.room == 0
    }

    fn set_next(&mut self, name: &str, partition_index: i32) {
        let topic_name = Str::from(name);
        self.next = Some(Cursor { topic_name, partition_index, ..Cursor::default() });
    }

    fn response(self) -> DescribeTopicPartitionsResponse {
        DescribeTopicPartitionsResponse {
            topics: self.topics,
            next_cursor: self.next,
            ..DescribeTopicPartitionsResponse::default()
        }
    }
}

fn described(
    call: &Call<'_>,
    index: i32,
    partition: &PartitionImage,
) -> DescribeTopicPartitionsResponsePartition {
    let image = &call.view.image;
    let ids = |brokers: &[BrokerId]| brokers.iter().map(|broker| broker.0).collect::<Vec<_>>();
    let leader = partition.leader.filter(|leader| image.is_active(*leader));
    let is_reachable = |leader: &BrokerId| {
        image.broker(*leader).is_some_and(|known| known.endpoint(&call.context.listener).is_some())
    };
    let error = match leader {
        None => ErrorCode::LeaderNotAvailable,
        Some(leader) if !is_reachable(&leader) => ErrorCode::ListenerNotFound,
        Some(_) => ErrorCode::None,
    };
    let is_offline = |replica: &&BrokerId| !image.is_active(**replica);
    DescribeTopicPartitionsResponsePartition {
        error_code: error.code(),
        partition_index: index,
        leader_id: leader.filter(is_reachable).map_or(-1, |leader| leader.0),
        leader_epoch: partition.leader_epoch.0,
        replica_nodes: ids(&partition.replicas),
        isr_nodes: ids(&partition.isr),
        eligible_leader_replicas: Some(ids(&partition.elr)),
        last_known_elr: Some(ids(&partition.last_known_elr)),
        offline_replicas: partition.replicas.iter().filter(is_offline).map(|id| id.0).collect(),
        ..DescribeTopicPartitionsResponsePartition::default()
    }
}

/// The cursor does not fit the request, which Kafka tells with every topic.
fn refused(topics: Vec<TopicRequest>, topics_max: usize) -> DescribeTopicPartitionsResponse {
    let topics = topics.into_iter().take(topics_max.max(1)).map(|topic| {
        DescribeTopicPartitionsResponseTopic {
            error_code: ErrorCode::InvalidRequest.code(),
            name: Some(topic.name),
            topic_authorized_operations: OPERATIONS_NOT_ASKED,
            ..DescribeTopicPartitionsResponseTopic::default()
        }
    });
    DescribeTopicPartitionsResponse {
        topics: topics.collect(),
        ..DescribeTopicPartitionsResponse::default()
    }
}
