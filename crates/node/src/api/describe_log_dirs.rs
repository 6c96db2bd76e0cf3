//! DescribeLogDirs: this broker's log folders, how full they are and what lies in them (KIP-113).
//!
//! What logs that were not touched yet hold is read from their folders: the work is a job.

use crate::authorizer::Operation;
use crate::call::{Answer, Call};
use crate::folder::Folder;
use crate::node::Node;
use crate::outbox::{JobOutcome, Wake};
use crate::parked::{Parked, Progress};
use crate::partition::{FutureStatus, Partition};
use crate::ticket::Ticket;
use headwater_protocol::messages::describe_log_dirs::{
    DescribeLogDirsPartition, DescribeLogDirsRequest, DescribeLogDirsResponse,
    DescribeLogDirsResult, DescribeLogDirsTopic,
};
use headwater_protocol::wire::Str;
use headwater_types::{ErrorCode, PartitionIndex, TopicPartition};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// How long the job may take, in ms.
const WAIT_MAX_MS: i64 = 300_000;

pub(super) fn handle(
    call: &mut Call<'_>,
    request: DescribeLogDirsRequest,
) -> Answer<DescribeLogDirsResponse> {
    if !call.allows_on_cluster(Operation::Describe) {
        return Answer::Now(refused(ErrorCode::ClusterAuthorizationFailed));
    }
    let folders = call.node.folders().to_vec();
    let is_cordoned = |folder| call.node.is_cordoned(folder, &call.view.settings);
    let cordoned: Vec<bool> = folders.iter().map(is_cordoned).collect();
    let partitions = wanted(call, &request);
    call.job(Box::new(move || -> JobOutcome {
        let mut found: Vec<_> = folders.iter().map(|folder| Found::new(folder)).collect();
        for partition in partitions {
            let place_of = |one: &Arc<Folder>| folders.iter().position(|it| Arc::ptr_eq(it, one));
            let place = place_of(&partition.folder());
            if let Some(found) = place.and_then(|place| found.get_mut(place)) {
                found.add(&partition);
            }
            let Some(future) = partition.future() else { continue };
            let place = place_of(&future.folder);
            if let Some(found) = place.and_then(|place| found.get_mut(place)) {
                found.add_future(&partition, &future);
            }
        }
        let results = found
            .into_iter()
            .zip(cordoned)
            .map(|(found, is_cordoned)| DescribeLogDirsResult { is_cordoned, ..found.result() });
        let results: Vec<_> = results.collect();
        Box::new(results)
    }));
    Answer::Later {
        parked: Box::new(AwaitSizes),
        deadline_ms: Some(call.now.deadline_after(WAIT_MAX_MS)),
    }
}

/// The partitions held here that the request asks for, each once.
fn wanted(call: &Call<'_>, request: &DescribeLogDirsRequest) -> Vec<Arc<Partition>> {
    let held = &call.view.partitions;
    let Some(topics) = &request.topics else { return held.values().map(Arc::clone).collect() };
    let mut keys = BTreeSet::new();
    for topic in topics {
        let Some(id) = call.view.image.topic_id(&topic.topic) else { continue };
        let indexes = topic.partitions.iter().map(|&index| PartitionIndex(index));
        let asked = indexes.map(|partition| TopicPartition { topic: id, partition });
        keys.extend(asked.filter(|key| held.contains_key(key)));
    }
    keys.into_iter().filter_map(|key| held.get(&key)).map(Arc::clone).collect()
}

/// What is found in one folder.
struct Found<'a> {
    folder: &'a Folder,
    topics: BTreeMap<Arc<str>, Vec<DescribeLogDirsPartition>>,
}

impl<'a> Found<'a> {
    fn new(folder: &'a Folder) -> Self {
        Self { folder, topics: BTreeMap::new() }
    }

    /// Adds a partition, unless it is out of service: Kafka does not list those.
    fn add(&mut self, partition: &Partition) {
        let Ok(size) = partition.size_bytes() else { return };
        self.push(partition, size, 0, false);
    }

    /// Adds a copy that is on its way here from another folder.
    fn add_future(&mut self, partition: &Partition, future: &FutureStatus) {
        self.push(partition, future.size_bytes, future.offset_lag, true);
    }

    fn push(&mut self, partition: &Partition, size: u64, offset_lag: i64, is_future_key: bool) {
        self.topics.entry(Arc::clone(partition.name())).or_default().push(
            DescribeLogDirsPartition {
                partition_index: partition.id().partition.0,
                partition_size: i64::try_from(size).unwrap_or(i64::MAX),
                offset_lag,
                is_future_key,
                ..DescribeLogDirsPartition::default()
            },
        );
    }

    fn result(self) -> DescribeLogDirsResult {
        let log_dir = Str::from(self.folder.path().to_string_lossy().into_owned());
        if self.folder.has_failed() {
            return DescribeLogDirsResult {
                error_code: ErrorCode::KafkaStorageError.code(),
                log_dir,
                ..DescribeLogDirsResult::default()
            };
        }
        let topics = self.topics.into_iter().map(|(name, partitions)| DescribeLogDirsTopic {
            name: Str::from(&*name),
            partitions,
            ..DescribeLogDirsTopic::default()
        });
        let topics = topics.collect();
        let bytes = |n: u64| i64::try_from(n).unwrap_or(i64::MAX);
        match self.folder.log_folder().space() {
            Ok(space) => DescribeLogDirsResult {
                log_dir,
                topics,
                total_bytes: bytes(space.total_bytes),
                usable_bytes: bytes(space.usable_bytes),
                ..DescribeLogDirsResult::default()
            },
            Err(_) => DescribeLogDirsResult {
                log_dir,
                topics,
                total_bytes: -1,
                usable_bytes: -1,
                ..DescribeLogDirsResult::default()
            },
        }
    }
}

fn refused(error: ErrorCode) -> DescribeLogDirsResponse {
    DescribeLogDirsResponse { error_code: error.code(), ..DescribeLogDirsResponse::default() }
}

/// Waits for the job.
struct AwaitSizes;

impl Parked for AwaitSizes {
    type Response = DescribeLogDirsResponse;

    fn resume(&mut self, _: &mut Call<'_>, wake: Wake) -> Progress<DescribeLogDirsResponse> {
        match wake {
            Wake::Job(outcome) => match outcome.downcast::<Vec<DescribeLogDirsResult>>() {
                Ok(results) => Progress::Done(DescribeLogDirsResponse {
                    results: *results,
                    ..DescribeLogDirsResponse::default()
                }),
                Err(_) => Progress::Done(refused(ErrorCode::UnknownServerError)),
            },
            Wake::Deadline => Progress::Done(refused(ErrorCode::RequestTimedOut)),
            Wake::Reached | Wake::Command(_) => Progress::Waits,
        }
    }

    fn retire(&mut self, _: &Node, _: Ticket) {}
}
