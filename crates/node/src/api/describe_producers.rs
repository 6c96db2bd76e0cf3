//! DescribeProducers: the producers that partitions remember (KIP-664).

use super::opening::once_open;
use super::support::{
    ANSWERED_MAX, NOT_HOSTED, Refusal, TOPIC_NOT_ALLOWED, refusal_of, refusal_of_size,
};
use crate::authorizer::Operation;
use crate::call::{Answer, Call};
use crate::error::code_of;
use headwater_log::ActiveProducer;
use headwater_metadata::decide::check_topic_name;
use headwater_protocol::messages::describe_producers::{
    DescribeProducersRequest, DescribeProducersResponse, PartitionResponse, ProducerState,
    TopicResponse,
};
use headwater_types::{ErrorCode, LeaderEpoch};
use std::collections::BTreeSet;

/// Producers in one answer: what a partition remembers may be long, and a request may name many.
const PRODUCERS_ANSWERED_MAX: usize = 500_000;

pub(super) fn handle(
    call: &mut Call<'_>,
    request: DescribeProducersRequest,
) -> Answer<DescribeProducersResponse> {
    let asked = request
        .topics
        .iter()
        .flat_map(|topic| topic.partition_indexes.iter().map(move |&index| (&*topic.name, index)));
    let unopened = call.unopened(asked.take(ANSWERED_MAX));
    once_open(call, unopened, move |call| answer(call, request))
}

fn answer(
    call: &mut Call<'_>,
    request: DescribeProducersRequest,
) -> Answer<DescribeProducersResponse> {
    let partitions = request.topics.iter().map(|topic| topic.partition_indexes.len()).sum();
    let too_many = refusal_of_size(partitions);
    let mut room = PRODUCERS_ANSWERED_MAX;
    let mut described = BTreeSet::new();
    let topics = request.topics.into_iter().take(ANSWERED_MAX).map(|topic| {
        let refusal = too_many.clone().or_else(|| check_topic(call, &topic.name).err());
        let mut partitions = Vec::new();
        for index in topic.partition_indexes {
            // One that is named again would only be told again.
            if described.len() >= ANSWERED_MAX || !described.insert((topic.name.clone(), index)) {
                continue;
            }
            let found = match &refusal {
                Some(refusal) => Err(refusal.clone()),
                None => producers_of(call, &topic.name, index, &mut room),
            };
            let (error_code, error_message, active_producers) = match found {
                Ok(producers) => (ErrorCode::None.code(), None, producers),
                Err((error, message)) => (error.code(), message, Vec::new()),
            };
            partitions.push(PartitionResponse {
                partition_index: index,
                error_code,
                error_message,
                active_producers,
                ..PartitionResponse::default()
            });
        }
        TopicResponse { name: topic.name, partitions, ..TopicResponse::default() }
    });
    Answer::Now(DescribeProducersResponse {
        topics: topics.collect(),
        ..DescribeProducersResponse::default()
    })
}

fn check_topic(call: &Call<'_>, name: &str) -> Result<(), Refusal> {
    check_topic_name(name).map_err(refusal_of)?;
    if !call.allows_on_topic(Operation::Read, name) {
        return Err((ErrorCode::TopicAuthorizationFailed, Some(TOPIC_NOT_ALLOWED)));
    }
    match call.view.image.topic_named(name) {
        Some(_) => Ok(()),
        None => Err((ErrorCode::UnknownTopicOrPartition, Some(NOT_HOSTED))),
    }
}

fn producers_of(
    call: &Call<'_>,
    topic: &str,
    index: i32,
    room: &mut usize,
) -> Result<Vec<ProducerState>, Refusal> {
    let partition = call.held_partition(topic, index).map_err(|error| (error, None))?;
    let producers = partition
        .with_log(LeaderEpoch::NONE, call.now, |view| view.log.active_producers())
        .map_err(|error| (code_of(&error), None))?;
    let states: Vec<_> = producers.iter().take(*room).map(state).collect();
    *room = room.saturating_sub(states.len());
    Ok(states)
}

fn state(producer: &ActiveProducer) -> ProducerState {
    ProducerState {
        producer_id: producer.producer.0,
        producer_epoch: i32::from(producer.epoch.0),
        last_sequence: producer.last_sequence,
        last_timestamp: producer.last_timestamp,
        coordinator_epoch: producer.coordinator_epoch,
        current_txn_start_offset: producer.transaction_start.map_or(-1, |offset| offset.0),
        ..ProducerState::default()
    }
}
