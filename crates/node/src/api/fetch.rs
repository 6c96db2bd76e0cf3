//! Fetch: records of many partitions, at once or after a wait.
//!
//! An answer is given at once when there is enough, when an error or a hint has to be told, or when
//! the reader does not want to wait. Else the request parks: each move of a high watermark it looks
//! at wakes it, and what it had read is read anew, so that an answer is always of one moment.

use super::opening::once_open;
use crate::authorizer::{Operation, Resource};
use crate::call::{Answer, Call};
use crate::error::code_of;
use crate::fetch_session::{FetchKey, NO_SESSION, Said, SessionPlan, SessionRequest, Wanted};
use crate::node::Node;
use crate::outbox::Wake;
use crate::parked::{Parked, Progress};
use crate::partition::{Isolation, Partition, PartitionError, PartitionRead, ReadRequest};
use crate::ticket::Ticket;
use headwater_log::ReadSlice;
use headwater_protocol::messages::fetch::{
    AbortedTransaction, EpochEndOffset, FetchRequest, FetchResponse, FetchableTopicResponse,
    PartitionData,
};
use headwater_protocol::wire::{Records, RecordsPart, Str};
use headwater_types::{EndOffset, ErrorCode, LeaderEpoch, Offset};
use std::collections::BTreeSet;
use std::sync::Arc;

/// First version that names topics by id alone.
const BY_ID_FROM: i16 = 13;
/// Longest that a fetch may wait, whatever it asks for, in ms. Kafka has no bound here; a day keeps
/// a mistaken request from holding its place for ever.
const WAIT_MAX_MS: i64 = 86_400_000;
/// The isolation level of those who see committed transactions only.
const READ_COMMITTED: i8 = 1;

pub(super) fn handle(call: &mut Call<'_>, request: FetchRequest) -> Answer<FetchResponse> {
    let session = SessionRequest {
        id: request.session_id,
        epoch: request.session_epoch,
        by_id: call.api_version >= BY_ID_FROM,
    };
    let forgotten: Vec<_> = request
        .forgotten_topics_data
        .iter()
        .flat_map(|topic| {
            topic.partitions.iter().map(|&partition| FetchKey {
                topic_id: topic.topic_id,
                topic_name: owned(&topic.topic),
                partition,
            })
        })
        .collect();
    let now_ms = call.now.monotonic_ms;
    let mut named = wanted(&request);
    if named.len() > call.view.image.partition_count() {
        name_once(&mut named);
    }
    let plan = call.node.sessions.begin(session, named, &forgotten, now_ms);
    let plan = match plan {
        Ok(plan) => plan,
        Err(error) => {
            return Answer::Now(FetchResponse {
                error_code: error.code(),
                session_id: NO_SESSION,
                ..FetchResponse::default()
            });
        }
    };
    let limits = Limits {
        bytes_min: usize::try_from(request.min_bytes).unwrap_or(0),
        bytes_max: usize::try_from(request.max_bytes)
            .unwrap_or(0)
            .min(usize::try_from(call.view.settings.fetch_max_bytes).unwrap_or(0)),
        isolation: if request.isolation_level == READ_COMMITTED {
            Isolation::ReadCommitted
        } else {
            Isolation::ReadUncommitted
        },
    };
    let waiting = Waiting { plan, limits, registered: Vec::new() };
    let wait_ms = i64::from(request.max_wait_ms).clamp(0, WAIT_MAX_MS);
    let reading = waiting.read(call);
    if !reading.unopened.is_empty() {
        return once_open(call, reading.unopened, move |call| {
            let reading = waiting.read(call);
            answer_or_wait(call, waiting, reading, wait_ms)
        });
    }
    answer_or_wait(call, waiting, reading, wait_ms)
}

fn answer_or_wait(
    call: &mut Call<'_>,
    mut waiting: Waiting,
    reading: Reading,
    wait_ms: i64,
) -> Answer<FetchResponse> {
    if wait_ms == 0 || reading.answers_at_once(&waiting.limits) {
        return Answer::Now(waiting.answer(call, reading));
    }
    let Some(ticket) = call.ticket() else { return Answer::Now(waiting.answer(call, reading)) };
    for partition in reading.partitions() {
        partition.wait_for_move(ticket);
        waiting.registered.push(Arc::clone(partition));
    }
    // What came in between the reading and the registration must not be slept through.
    let reading = waiting.read(call);
    if reading.answers_at_once(&waiting.limits) {
        let response = waiting.answer(call, reading);
        waiting.retire(call.node, ticket);
        return Answer::Now(response);
    }
    Answer::Later { parked: Box::new(waiting), deadline_ms: Some(call.now.deadline_after(wait_ms)) }
}

/// A copy of a name: a fetch may wait long and a session lives longer, and a slice of the frame
/// would keep the whole buffer that it came in.
fn owned(name: &str) -> Str {
    if name.is_empty() { Str::new() } else { Str::from(name) }
}

fn wanted(request: &FetchRequest) -> Vec<Wanted> {
    let topics = request.topics.iter();
    topics
        .flat_map(|topic| {
            let name = owned(&topic.topic);
            topic.partitions.iter().map(move |partition| Wanted {
                key: FetchKey {
                    topic_id: topic.topic_id,
                    topic_name: name.clone(),
                    partition: partition.partition,
                },
                offset: Offset(partition.fetch_offset),
                bytes_max: partition.partition_max_bytes,
                current_leader_epoch: LeaderEpoch(partition.current_leader_epoch),
                last_fetched_epoch: LeaderEpoch(partition.last_fetched_epoch),
            })
        })
        .collect()
}

/// Keeps the last of each partition's entries, as Kafka does; called where there must be some that
/// are named twice or do not exist.
fn name_once(wanted: &mut Vec<Wanted>) {
    let mut seen = BTreeSet::new();
    wanted.reverse();
    wanted.retain(|one| seen.insert(one.key.clone()));
    wanted.reverse();
}

#[derive(Clone, Copy)]
struct Limits {
    bytes_min: usize,
    bytes_max: usize,
    isolation: Isolation,
}

/// A fetch that waits, or is about to.
struct Waiting {
    plan: SessionPlan,
    limits: Limits,
    /// Where it is on the list.
    registered: Vec<Arc<Partition>>,
}

/// What was read of one partition, and the partition if it was found.
type PartitionResult = (Option<Arc<Partition>>, Result<PartitionRead, ErrorCode>);

/// What one pass over the partitions brought, in the order of the plan.
struct Reading {
    results: Vec<PartitionResult>,
    bytes: usize,
    /// An error or a divergence, which is told at once.
    urgent: bool,
    /// Partitions whose log is still to be opened.
    unopened: Vec<Arc<Partition>>,
}

impl Reading {
    fn answers_at_once(&self, limits: &Limits) -> bool {
        self.urgent
            || self.results.is_empty()
            || self.bytes >= limits.bytes_min.min(limits.bytes_max)
    }

    fn partitions(&self) -> impl Iterator<Item = &Arc<Partition>> {
        self.results.iter().filter_map(|(partition, _)| partition.as_ref())
    }
}

impl Waiting {
    fn wanted(&self) -> &[Wanted] {
        match &self.plan {
            SessionPlan::Full { wanted }
            | SessionPlan::Created { wanted, .. }
            | SessionPlan::Incremental { wanted, .. } => wanted,
        }
    }

    fn read(&self, call: &Call<'_>) -> Reading {
        let mut reading =
            Reading { results: Vec::new(), bytes: 0, urgent: false, unopened: Vec::new() };
        for wanted in self.wanted() {
            let found = find(call, &wanted.key);
            let result = match &found {
                Ok(partition) => {
                    let request = ReadRequest {
                        offset: wanted.offset,
                        bytes_max: usize::try_from(wanted.bytes_max)
                            .unwrap_or(0)
                            .min(self.limits.bytes_max.saturating_sub(reading.bytes)),
                        // The first that has something gives at least one batch, or a reader whose
                        // limit is smaller than a batch would never get on (KIP-74).
                        at_least_one: reading.bytes == 0,
                        isolation: self.limits.isolation,
                        current_epoch: wanted.current_leader_epoch,
                        last_fetched_epoch: wanted.last_fetched_epoch,
                    };
                    let read = partition.read(&request, call.now);
                    if matches!(read, Err(PartitionError::Opening)) {
                        reading.unopened.push(Arc::clone(partition));
                    }
                    read.map_err(|error| code_of(&error))
                }
                Err(error) => Err(*error),
            };
            match &result {
                Ok(read) => {
                    reading.bytes += read.records.bytes;
                    reading.urgent |= read.divergence.is_some();
                }
                Err(_) => reading.urgent = true,
            }
            reading.results.push((found.ok(), result));
        }
        reading
    }

    fn answer(&self, call: &mut Call<'_>, reading: Reading) -> FetchResponse {
        let mut topics: Vec<FetchableTopicResponse> = Vec::new();
        for (wanted, (partition, result)) in self.wanted().iter().zip(reading.results) {
            let key = &wanted.key;
            if let Some(partition) = partition {
                let bytes = result.as_ref().map_or(0, |read| read.records.bytes);
                partition.count_answered(bytes, result.is_err());
            }
            let data = partition_data(call, key, result, self.limits.isolation);
            if !self.is_news(call, key, &data) {
                continue;
            }
            match topics.last_mut() {
                Some(last) if last.topic == key.topic_name && last.topic_id == key.topic_id => {
                    last.partitions.push(data);
                }
                _ => topics.push(FetchableTopicResponse {
                    topic: key.topic_name.clone(),
                    topic_id: key.topic_id,
                    partitions: vec![data],
                    ..FetchableTopicResponse::default()
                }),
            }
        }
        FetchResponse {
            session_id: match self.plan {
                SessionPlan::Full { .. } => NO_SESSION,
                SessionPlan::Created { id, .. } | SessionPlan::Incremental { id, .. } => id,
            },
            responses: topics,
            ..FetchResponse::default()
        }
    }

    fn is_news(&self, call: &Call<'_>, key: &FetchKey, data: &PartitionData) -> bool {
        let (id, always) = match self.plan {
            SessionPlan::Full { .. } => return true,
            SessionPlan::Created { id, .. } => (id, true),
            SessionPlan::Incremental { id, .. } => (id, false),
        };
        let said = Said {
            high_watermark: EndOffset(data.high_watermark),
            log_start: Offset(data.log_start_offset),
        };
        let has_records = data.records.as_ref().is_some_and(|records| records.length() > 0);
        let must = data.error_code != ErrorCode::None.code() || data.diverging_epoch.epoch >= 0;
        call.node.sessions.note(id, key, said, has_records, must) || always
    }
}

impl Parked for Waiting {
    type Response = FetchResponse;

    fn resume(&mut self, call: &mut Call<'_>, wake: Wake) -> Progress<FetchResponse> {
        // Before the reading: a move that comes after it wakes this request again.
        if let Some(ticket) = call.ticket() {
            for partition in &self.registered {
                partition.wait_for_move(ticket);
            }
        }
        let reading = self.read(call);
        if matches!(wake, Wake::Deadline) || reading.answers_at_once(&self.limits) {
            Progress::Done(self.answer(call, reading))
        } else {
            Progress::Waits
        }
    }

    fn retire(&mut self, _node: &Node, ticket: Ticket) {
        for partition in self.registered.drain(..) {
            partition.stop_waiting(ticket);
        }
    }
}

fn find(call: &Call<'_>, key: &FetchKey) -> Result<Arc<Partition>, ErrorCode> {
    let by_id = call.api_version >= BY_ID_FROM;
    let topic = if by_id {
        call.view.image.topic(key.topic_id).ok_or(ErrorCode::UnknownTopicId)?
    } else {
        if !call.allows(Operation::Read, Resource::Topic(&key.topic_name)) {
            return Err(ErrorCode::TopicAuthorizationFailed);
        }
        let topic = call.view.image.topic_named(&key.topic_name);
        topic.ok_or(ErrorCode::UnknownTopicOrPartition)?
    };
    if by_id && !call.allows(Operation::Read, Resource::Topic(&topic.name)) {
        return Err(ErrorCode::TopicAuthorizationFailed);
    }
    match call.view.partition(topic.id, key.partition) {
        Some(partition) => Ok(Arc::clone(partition)),
        None if topic.partition(headwater_types::PartitionIndex(key.partition)).is_some() => {
            Err(ErrorCode::NotLeaderOrFollower)
        }
        None => Err(ErrorCode::UnknownTopicOrPartition),
    }
}

fn partition_data(
    call: &mut Call<'_>,
    key: &FetchKey,
    result: Result<PartitionRead, ErrorCode>,
    isolation: Isolation,
) -> PartitionData {
    let read = match result {
        Ok(read) => read,
        Err(error) => {
            return PartitionData {
                partition_index: key.partition,
                error_code: error.code(),
                high_watermark: -1,
                last_stable_offset: -1,
                log_start_offset: -1,
                records: Some(Records::default()),
                ..PartitionData::default()
            };
        }
    };
    let parts = read.records.slices.into_iter().map(|slice| match slice {
        ReadSlice::Memory(bytes) => RecordsPart::Memory(bytes),
        ReadSlice::File(slice) => call.file_part(slice),
    });
    let records = Records { parts: parts.collect() };
    let aborted = read.aborted.into_iter().map(|one| AbortedTransaction {
        producer_id: one.producer.0,
        first_offset: one.first.0,
        ..AbortedTransaction::default()
    });
    PartitionData {
        partition_index: key.partition,
        error_code: ErrorCode::None.code(),
        high_watermark: read.high_watermark.0,
        last_stable_offset: read.last_stable.0,
        log_start_offset: read.log_start.0,
        diverging_epoch: read.divergence.map_or_else(EpochEndOffset::default, |divergence| {
            EpochEndOffset {
                epoch: divergence.epoch.0,
                end_offset: divergence.end.0,
                ..EpochEndOffset::default()
            }
        }),
        aborted_transactions: match isolation {
            Isolation::ReadCommitted => Some(aborted.collect()),
            Isolation::ReadUncommitted => None,
        },
        preferred_read_replica: -1,
        records: Some(records),
        ..PartitionData::default()
    }
}
