//! AlterReplicaLogDirs: which log folder of this broker shall hold a replica (KIP-113).
//!
//! The answer says whether the wish was taken up: a replica that lies elsewhere is moved in the
//! background, and a wish for the folder where it lies calls a move off.

use super::support::{ANSWERED_MAX, refusal_of_size};
use crate::authorizer::Operation;
use crate::call::{Answer, Call};
use crate::error::code_of;
use headwater_protocol::messages::alter_replica_log_dirs::{
    AlterReplicaLogDirPartitionResult, AlterReplicaLogDirTopicResult, AlterReplicaLogDirsRequest,
    AlterReplicaLogDirsResponse,
};
use headwater_protocol::wire::Str;
use headwater_types::ErrorCode;
use std::collections::BTreeMap;
use std::path::Path;

pub(super) fn handle(
    call: &mut Call<'_>,
    request: AlterReplicaLogDirsRequest,
) -> Answer<AlterReplicaLogDirsResponse> {
    let allowed = call.allows_on_cluster(Operation::Alter);
    // A replica that is named twice is answered once; its last wish holds.
    let mut topics: BTreeMap<Str, BTreeMap<i32, ErrorCode>> = BTreeMap::new();
    let wishes = request.dirs.iter().flat_map(|dir| &dir.topics);
    let refusal = refusal_of_size(wishes.map(|topic| topic.partitions.len()).sum());
    let mut room = ANSWERED_MAX;
    for dir in request.dirs {
        for topic in dir.topics.into_iter().take(room) {
            let results = topics.entry(topic.name.clone()).or_default();
            for index in topic.partitions.into_iter().take(room) {
                room = room.saturating_sub(1);
                let outcome = match &refusal {
                    _ if !allowed => Err(ErrorCode::ClusterAuthorizationFailed),
                    Some((error, _)) => Err(*error),
                    None => place(call, Path::new(&*dir.path), &topic.name, index),
                };
                results.insert(index, outcome.err().unwrap_or(ErrorCode::None));
            }
        }
    }
    let results = topics.into_iter().map(|(topic_name, partitions)| {
        let partitions = partitions.into_iter().map(|(partition_index, error)| {
            AlterReplicaLogDirPartitionResult {
                partition_index,
                error_code: error.code(),
                ..AlterReplicaLogDirPartitionResult::default()
            }
        });
        AlterReplicaLogDirTopicResult {
            topic_name,
            partitions: partitions.collect(),
            ..AlterReplicaLogDirTopicResult::default()
        }
    });
    Answer::Now(AlterReplicaLogDirsResponse {
        results: results.collect(),
        ..AlterReplicaLogDirsResponse::default()
    })
}

fn place(call: &mut Call<'_>, path: &Path, topic: &str, index: i32) -> Result<(), ErrorCode> {
    let node = call.node;
    let folder = node
        .folders()
        .iter()
        .find(|folder| folder.path() == path)
        .ok_or(ErrorCode::LogDirNotFound)?;
    if folder.has_failed() {
        return Err(ErrorCode::KafkaStorageError);
    }
    if node.is_cordoned(folder, &call.view.settings) {
        return Err(ErrorCode::InvalidReplicaAssignment);
    }
    let partition = call.held_partition(topic, index)?;
    node.move_replica(&partition, folder, call.now, call.out).map_err(|error| code_of(&error))
}
