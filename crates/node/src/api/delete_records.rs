//! DeleteRecords: moves the first offset of partitions forward.
//!
//! Where one moved, the answer waits until that is on stable storage: records that a client was told
//! are deleted must not come back after a crash. Kafka writes it down within a minute.
//!
//! What is written but not committed yet waits for this broker's own sync first: see `own_sync.rs`.

use super::opening::once_open;
use super::own_sync::{OWN_SYNC_WAIT_MAX_MS, after_own_sync};
use super::support::{ANSWERED_MAX, refusal_of_size};
use crate::authorizer::Operation;
use crate::call::{Answer, Call};
use crate::error::code_of;
use crate::folder::Folder;
use crate::outbox::{JobOutcome, Wake};
use crate::parked::{Parked, Progress};
use crate::partition::{Partition, PartitionError};
use crate::topic_name::is_internal;
use headwater_log::FolderError;
use headwater_protocol::messages::delete_records::{
    DeleteRecordsPartitionResult, DeleteRecordsRequest, DeleteRecordsResponse,
    DeleteRecordsTopicResult,
};
use headwater_protocol::wire::Str;
use headwater_types::{EndOffset, ErrorCode, LeaderEpoch, Offset};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Stands for the high watermark: everything that is committed.
const EVERYTHING: i64 = -1;
/// The answer's low watermark where there is none to tell.
const NO_LOW_WATERMARK: i64 = -1;
/// How long the job may take, in ms: it writes three small files a folder.
const WAIT_MAX_MS: i64 = 300_000;

/// Up to where to delete, by topic and partition.
type Wishes = BTreeMap<Str, BTreeMap<i32, i64>>;

pub(super) fn handle(
    call: &mut Call<'_>,
    request: DeleteRecordsRequest,
) -> Answer<DeleteRecordsResponse> {
    let wishes: usize = request.topics.iter().map(|topic| topic.partitions.len()).sum();
    let refusal = refusal_of_size(wishes).map(|(error, _)| error);
    // A partition that is named twice is answered once; its last wish holds.
    let mut topics = Wishes::new();
    let mut room = ANSWERED_MAX;
    for topic in request.topics.into_iter().take(ANSWERED_MAX) {
        let partitions = topics.entry(topic.name).or_default();
        for partition in topic.partitions.into_iter().take(room) {
            partitions.insert(partition.partition_index, partition.offset);
            room = room.saturating_sub(1);
        }
    }
    let unopened =
        match refusal {
            Some(_) => Vec::new(),
            None => call.unopened(topics.iter().flat_map(|(name, partitions)| {
                partitions.keys().map(move |&index| (&**name, index))
            })),
        };
    once_open(call, unopened, move |call| once_synced(call, topics, refusal))
}

fn once_synced(
    call: &mut Call<'_>,
    topics: Wishes,
    refusal: Option<ErrorCode>,
) -> Answer<DeleteRecordsResponse> {
    let mut lagging = Vec::new();
    if refusal.is_none() {
        for (name, partitions) in &topics {
            add_lagging(call, name, partitions, &mut lagging);
        }
    }
    after_own_sync(call, lagging, OWN_SYNC_WAIT_MAX_MS, move |call| {
        delete_all(call, topics, refusal)
    })
}

/// Adds the partitions that are to be deleted further than is committed yet.
fn add_lagging(
    call: &Call<'_>,
    topic: &str,
    partitions: &BTreeMap<i32, i64>,
    lagging: &mut Vec<(Arc<Partition>, EndOffset)>,
) {
    if !call.allows_on_topic(Operation::Delete, topic) {
        return;
    }
    for (&index, &offset) in partitions {
        if let Ok(partition) = call.held_partition(topic, index)
            && let Some(lag) = partition.own_lag()
            && (offset == EVERYTHING || offset > lag.high_watermark.0)
        {
            lagging.push((partition, lag.log_end));
        }
    }
}

fn delete_all(
    call: &mut Call<'_>,
    topics: Wishes,
    refusal: Option<ErrorCode>,
) -> Answer<DeleteRecordsResponse> {
    let mut moved = Vec::new();
    let results = topics.into_iter().map(|(name, partitions)| {
        let allowed = call.allows_on_topic(Operation::Delete, &name);
        let partitions = partitions.into_iter().map(|(index, offset)| {
            let outcome = match refusal {
                Some(error) => Err(error),
                None if !allowed => Err(ErrorCode::TopicAuthorizationFailed),
                None => delete(call, &name, index, offset, &mut moved),
            };
            result(index, outcome)
        });
        let partitions = partitions.collect();
        DeleteRecordsTopicResult { partitions, name, ..DeleteRecordsTopicResult::default() }
    });
    let response =
        DeleteRecordsResponse { topics: results.collect(), ..DeleteRecordsResponse::default() };
    if moved.is_empty() {
        return Answer::Now(response);
    }
    let folders = call.node.folders().to_vec();
    call.job(Box::new(move || -> JobOutcome { Box::new(write_down(&folders, &moved)) }));
    Answer::Later {
        parked: Box::new(AwaitWritten { response }),
        deadline_ms: Some(call.now.deadline_after(WAIT_MAX_MS)),
    }
}

fn result(index: i32, outcome: Result<Offset, ErrorCode>) -> DeleteRecordsPartitionResult {
    DeleteRecordsPartitionResult {
        partition_index: index,
        low_watermark: outcome.map_or(NO_LOW_WATERMARK, |offset| offset.0),
        error_code: outcome.err().unwrap_or(ErrorCode::None).code(),
        ..DeleteRecordsPartitionResult::default()
    }
}

/// Deletes what is before `offset`; the low watermark then, which with one replica is the first
/// offset of its log.
fn delete(
    call: &Call<'_>,
    topic: &str,
    index: i32,
    offset: i64,
    moved: &mut Vec<Arc<Partition>>,
) -> Result<Offset, ErrorCode> {
    let partition = call.held_partition(topic, index)?;
    if is_internal(topic) {
        return Err(ErrorCode::InvalidTopicException);
    }
    if !partition.config().cleanup_policy.delete {
        return Err(ErrorCode::PolicyViolation);
    }
    let (before, after) = partition
        .with_log(LeaderEpoch::NONE, call.now, |view| {
            let high_watermark = view.ends.high_watermark;
            let wanted = match offset {
                EVERYTHING => high_watermark.next(),
                asked => Offset(asked),
            };
            if wanted < Offset(0) || wanted.as_end() > high_watermark {
                return Ok(None);
            }
            let after = view.log.delete_records(wanted, high_watermark)?;
            Ok(Some((view.ends.log_start, after)))
        })
        .and_then(|deleted: Result<_, PartitionError>| deleted)
        .map_err(|error| code_of(&error))?
        .ok_or(ErrorCode::OffsetOutOfRange)?;
    if after > before {
        moved.push(partition);
    }
    Ok(after)
}

/// Writes down where the logs begin now, folder by folder.
fn write_down(folders: &[Arc<Folder>], moved: &[Arc<Partition>]) -> Result<(), FolderError> {
    for folder in folders {
        let here = moved.iter().filter(|partition| Arc::ptr_eq(&partition.folder(), folder));
        let logs: Vec<_> = here.filter_map(|partition| partition.checkpoint()).collect();
        if !logs.is_empty() {
            folder.log_folder().write_checkpoints(&logs)?;
        }
    }
    Ok(())
}

/// Waits until it is written down.
struct AwaitWritten {
    response: DeleteRecordsResponse,
}

impl Parked for AwaitWritten {
    type Response = DeleteRecordsResponse;

    fn resume(&mut self, _: &mut Call<'_>, wake: Wake) -> Progress<DeleteRecordsResponse> {
        let failure = match wake {
            Wake::Reached | Wake::Command(_) => return Progress::Waits,
            Wake::Deadline => Some(ErrorCode::RequestTimedOut),
            Wake::Job(outcome) => match outcome.downcast::<Result<(), FolderError>>() {
                Ok(written) => (*written).is_err().then_some(ErrorCode::KafkaStorageError),
                Err(_) => Some(ErrorCode::UnknownServerError),
            },
        };
        let mut response = std::mem::take(&mut self.response);
        if let Some(error) = failure {
            // Which of them it was does not matter: to delete once more does no harm.
            let results = response.topics.iter_mut().flat_map(|topic| &mut topic.partitions);
            for one in results.filter(|one| one.error_code == ErrorCode::None.code()) {
                *one = result(one.partition_index, Err(error));
            }
        }
        Progress::Done(response)
    }
}
