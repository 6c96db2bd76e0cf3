//! Produce: records of many partitions, appended at once and answered when they are committed.

use super::opening::once_open;
use crate::authorizer::{Operation, Resource};
use crate::call::{Answer, Call};
use crate::error::{RecordsError, code_of};
use crate::node::Node;
use crate::outbox::Wake;
use crate::parked::{Parked, Progress};
use crate::partition::{Partition, PartitionError};
use crate::ticket::Ticket;
use crate::topic_name::is_internal;
use headwater_log::Appended;
use headwater_metadata::image::TopicImage;
use headwater_protocol::messages::produce::{
    BatchIndexAndErrorMessage, LeaderIdAndEpoch, NodeEndpoint, PartitionProduceData,
    PartitionProduceResponse, ProduceRequest, ProduceResponse, TopicProduceData,
    TopicProduceResponse,
};
use headwater_protocol::records::{BatchLimits, ReceivedBatches, ValidBatch};
use headwater_protocol::wire::{Records, Str};
use headwater_types::{EndOffset, ErrorCode, PartitionIndex};
use std::sync::Arc;

/// First version that names topics by id alone.
const BY_ID_FROM: i16 = 13;
/// First version whose errors carry the leader that should have been asked (KIP-951).
const NAMES_LEADER_FROM: i16 = 10;

/// How many replicas must have the records before the answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Acks {
    /// The client does not even wait for an answer.
    None,
    /// The leader has appended.
    Leader,
    /// Everyone in sync has them.
    All,
}

impl Acks {
    fn parse(acks: i16) -> Option<Self> {
        match acks {
            0 => Some(Acks::None),
            1 => Some(Acks::Leader),
            -1 => Some(Acks::All),
            _ => None,
        }
    }
}

pub(super) fn handle(call: &mut Call<'_>, request: ProduceRequest) -> Answer<ProduceResponse> {
    let unopened = unopened(call, &request);
    if !unopened.is_empty() {
        // What the same client sent behind it must not be appended before it.
        call.hold_those_behind();
    }
    once_open(call, unopened, move |call| append(call, request))
}

/// The partitions that are to be appended to and whose log is still to be opened.
fn unopened(call: &Call<'_>, request: &ProduceRequest) -> Vec<Arc<Partition>> {
    let by_id = call.api_version >= BY_ID_FROM;
    let image = &call.view.image;
    let mut unopened = Vec::new();
    for topic in &request.topic_data {
        let named = || image.topic_id(&topic.name);
        let Some(id) = (if by_id { Some(topic.topic_id) } else { named() }) else { continue };
        let held = topic.partition_data.iter();
        let held = held.filter_map(|data| call.view.partition(id, data.index));
        unopened.extend(held.filter(|partition| partition.needs_opening()).map(Arc::clone));
    }
    unopened
}

fn append(call: &mut Call<'_>, request: ProduceRequest) -> Answer<ProduceResponse> {
    let acks = Acks::parse(request.acks);
    let mut waiting = Waiting { topics: Vec::new(), pending: Vec::new() };
    for topic in request.topic_data {
        produce_topic(call, acks, request.transactional_id.is_some(), topic, &mut waiting);
    }
    if acks == Some(Acks::None) {
        // There is no answer in which to tell of an error, so the connection tells it.
        return if waiting.has_error() { Answer::Close } else { Answer::Silent };
    }
    if waiting.pending.is_empty() {
        return Answer::Now(waiting.answer(call));
    }
    let Some(ticket) = call.ticket() else { return Answer::Close };
    for pending in &waiting.pending {
        pending.partition.wait_for_commit(pending.end, ticket);
    }
    if waiting.settle(false) {
        return Answer::Now(waiting.answer(call));
    }
    let deadline_ms = Some(call.now.deadline_after(i64::from(request.timeout_ms)));
    Answer::Later { parked: Box::new(waiting), deadline_ms }
}

fn produce_topic(
    call: &mut Call<'_>,
    acks: Option<Acks>,
    transactional: bool,
    data: TopicProduceData,
    waiting: &mut Waiting,
) {
    let by_id = call.api_version >= BY_ID_FROM;
    let image = Arc::clone(&call.view.image);
    let topic = if by_id { image.topic(data.topic_id) } else { image.topic_named(&data.name) };
    let refusal = refusal_of_topic(call, acks, transactional, by_id, &data.name, topic);
    let place = waiting.topics.len();
    let mut responses = Vec::with_capacity(data.partition_data.len());
    for partition_data in data.partition_data {
        let index = partition_data.index;
        let outcome = match (refusal, topic) {
            (Some(error), _) => Err(Refused::from(error)),
            (None, Some(topic)) => produce_partition(call, acks, topic, partition_data),
            (None, None) => Err(Refused::from(ErrorCode::UnknownTopicOrPartition)),
        };
        match outcome {
            Ok((partition, appended)) => {
                if acks == Some(Acks::All) {
                    waiting.pending.push(Pending {
                        end: EndOffset::after(appended.last),
                        partition,
                        place: (place, responses.len()),
                    });
                }
                responses.push(appended_response(index, &appended));
            }
            Err(refused) => responses.push(refused_response(index, refused)),
        }
    }
    waiting.topics.push(TopicProduceResponse {
        // A copy: while the answer waits, a slice would keep the whole frame.
        name: Str::from(&*data.name),
        topic_id: data.topic_id,
        partition_responses: responses,
        ..TopicProduceResponse::default()
    });
}

/// Why nothing of a topic can be produced to.
fn refusal_of_topic(
    call: &Call<'_>,
    acks: Option<Acks>,
    transactional: bool,
    by_id: bool,
    name: &str,
    topic: Option<&Arc<TopicImage>>,
) -> Option<ErrorCode> {
    if acks.is_none() {
        return Some(ErrorCode::InvalidRequiredAcks);
    }
    let Some(topic) = topic else {
        return Some(match by_id {
            true => ErrorCode::UnknownTopicId,
            false if !call.allows(Operation::Write, Resource::Topic(name)) => {
                ErrorCode::TopicAuthorizationFailed
            }
            false => ErrorCode::UnknownTopicOrPartition,
        });
    };
    if !call.allows(Operation::Write, Resource::Topic(&topic.name)) {
        return Some(ErrorCode::TopicAuthorizationFailed);
    }
    if is_internal(&topic.name) {
        return Some(ErrorCode::InvalidTopicException);
    }
    // Nobody could have got a producer id for one: there is no transaction coordinator yet.
    transactional.then_some(ErrorCode::InvalidTxnState)
}

/// An error and what there is to say about it.
struct Refused {
    error: ErrorCode,
    message: Option<String>,
    record_errors: Vec<BatchIndexAndErrorMessage>,
    leader: Option<LeaderIdAndEpoch>,
}

impl From<ErrorCode> for Refused {
    fn from(error: ErrorCode) -> Self {
        Self { error, message: None, record_errors: Vec::new(), leader: None }
    }
}

fn produce_partition(
    call: &mut Call<'_>,
    acks: Option<Acks>,
    topic: &TopicImage,
    data: PartitionProduceData,
) -> Result<(Arc<Partition>, Appended), Refused> {
    let index = PartitionIndex(data.index);
    let Some(partition) = call.view.partition(topic.id, data.index).map(Arc::clone) else {
        let Some(image) = topic.partition(index) else {
            return Err(ErrorCode::UnknownTopicOrPartition.into());
        };
        return Err(Refused {
            leader: (call.api_version >= NAMES_LEADER_FROM).then(|| LeaderIdAndEpoch {
                leader_id: image.leader.map_or(-1, |leader| leader.0),
                leader_epoch: image.leader_epoch.0,
                ..LeaderIdAndEpoch::default()
            }),
            ..ErrorCode::NotLeaderOrFollower.into()
        });
    };
    let batch = one_batch(data.records)
        .map_err(|error| Refused { message: Some(error.to_string()), ..code_of(&error).into() })?;
    let min_in_sync = (acks == Some(Acks::All)).then(|| partition.min_in_sync());
    match partition.append(vec![batch], min_in_sync, call.now, call.out) {
        Ok(appended) => Ok((partition, appended)),
        Err(error) => Err(refused_append(&error)),
    }
}

/// A request holds exactly one batch of the current format for each partition (KIP-98).
fn one_batch(records: Option<Records>) -> Result<ValidBatch, RecordsError> {
    let bytes = records.and_then(Records::into_memory).unwrap_or_default();
    let mut batches = ReceivedBatches::parse(bytes, BatchLimits::NONE)?;
    match (batches.pop(), batches.len()) {
        (Some(only), 0) => Ok(only.validate()?),
        (None, _) => Err(RecordsError::NoBatch),
        (Some(_), others) => Err(RecordsError::SeveralBatches { count: others + 1 }),
    }
}

fn refused_append(error: &PartitionError) -> Refused {
    let (message, record_errors) = match error {
        PartitionError::Append(append) => (
            Some(append.to_string()),
            append
                .record_problems()
                .iter()
                .map(|record| BatchIndexAndErrorMessage {
                    batch_index: record.index,
                    batch_index_error_message: Some(Str::from(record.message.as_str())),
                    ..BatchIndexAndErrorMessage::default()
                })
                .collect(),
        ),
        _ => (None, Vec::new()),
    };
    Refused { message, record_errors, ..code_of(error).into() }
}

fn appended_response(index: i32, appended: &Appended) -> PartitionProduceResponse {
    PartitionProduceResponse {
        index,
        error_code: ErrorCode::None.code(),
        base_offset: appended.first.0,
        log_append_time_ms: appended.log_append_time.unwrap_or(-1),
        log_start_offset: appended.log_start.0,
        ..PartitionProduceResponse::default()
    }
}

fn refused_response(index: i32, refused: Refused) -> PartitionProduceResponse {
    PartitionProduceResponse {
        index,
        error_code: refused.error.code(),
        base_offset: -1,
        log_append_time_ms: -1,
        log_start_offset: -1,
        record_errors: refused.record_errors,
        error_message: refused.message.map(Str::from),
        current_leader: refused.leader.unwrap_or_default(),
        ..PartitionProduceResponse::default()
    }
}

/// One partition whose records are not committed yet.
struct Pending {
    partition: Arc<Partition>,
    end: EndOffset,
    /// Where its part of the answer is: topic, partition.
    place: (usize, usize),
}

/// A produce whose answer is written already, but for what may still go wrong.
struct Waiting {
    topics: Vec<TopicProduceResponse>,
    pending: Vec<Pending>,
}

impl Waiting {
    fn has_error(&self) -> bool {
        self.topics
            .iter()
            .flat_map(|topic| &topic.partition_responses)
            .any(|partition| partition.error_code != ErrorCode::None.code())
    }

    fn fail(&mut self, place: (usize, usize), error: ErrorCode) {
        let response = self
            .topics
            .get_mut(place.0)
            .and_then(|topic| topic.partition_responses.get_mut(place.1));
        if let Some(response) = response {
            *response = refused_response(response.index, error.into());
        }
    }

    /// Looks which partitions are committed by now; true when none is pending any more.
    fn settle(&mut self, late: bool) -> bool {
        for pending in std::mem::take(&mut self.pending) {
            match pending.partition.is_committed(pending.end) {
                Ok(true) => {}
                // The records stay: only the promise could not be given in time.
                Ok(false) if late => self.fail(pending.place, ErrorCode::RequestTimedOut),
                Ok(false) => self.pending.push(pending),
                Err(error) => self.fail(pending.place, code_of(&error)),
            }
        }
        self.pending.is_empty()
    }

    fn answer(&mut self, call: &Call<'_>) -> ProduceResponse {
        let topics = std::mem::take(&mut self.topics);
        let names_leader = call.api_version >= NAMES_LEADER_FROM
            && topics
                .iter()
                .flat_map(|topic| &topic.partition_responses)
                .any(|partition| partition.error_code == ErrorCode::NotLeaderOrFollower.code());
        ProduceResponse {
            responses: topics,
            node_endpoints: if names_leader { endpoints(call) } else { Vec::new() },
            ..ProduceResponse::default()
        }
    }
}

fn endpoints(call: &Call<'_>) -> Vec<NodeEndpoint> {
    let brokers = call.view.image.brokers();
    brokers
        .filter_map(|broker| {
            let endpoint = broker.endpoint(&call.context.listener)?;
            Some(NodeEndpoint {
                node_id: broker.id.0,
                host: Str::from(&*endpoint.host),
                port: i32::from(endpoint.port),
                rack: broker.rack.as_deref().map(Str::from),
                ..NodeEndpoint::default()
            })
        })
        .collect()
}

impl Parked for Waiting {
    type Response = ProduceResponse;

    fn resume(&mut self, call: &mut Call<'_>, wake: Wake) -> Progress<ProduceResponse> {
        if self.settle(matches!(wake, Wake::Deadline)) {
            Progress::Done(self.answer(call))
        } else {
            Progress::Waits
        }
    }

    fn retire(&mut self, _node: &Node, ticket: Ticket) {
        for pending in self.pending.drain(..) {
            pending.partition.stop_waiting(ticket);
        }
    }
}
