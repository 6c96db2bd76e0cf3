//! CreatePartitions: makes topics wider, or (validate only) says whether it could.

use super::support::{ANSWERED_MAX, Refusal, outcome, refusal_at_once, refusal_of, repeated, told};
use crate::authorizer::Operation;
use crate::call::{Answer, AwaitCommand, Call};
use headwater_metadata::command::{Command, CommandReply, CreatePartitions, MorePartitions};
use headwater_protocol::messages::create_partitions::{
    CreatePartitionsRequest, CreatePartitionsResponse, CreatePartitionsTopic,
    CreatePartitionsTopicResult,
};
use headwater_protocol::wire::Str;
use headwater_types::{BrokerId, ErrorCode};
use std::collections::BTreeSet;

pub(super) fn handle(
    call: &mut Call<'_>,
    request: CreatePartitionsRequest,
) -> Answer<CreatePartitionsResponse> {
    if let Some(refusal) = refusal_at_once(widest(&request.topics), request.timeout_ms) {
        let names = request.topics.into_iter().take(ANSWERED_MAX).map(|topic| topic.name);
        return Answer::Now(response(names.map(|name| result(name, refusal.clone())).collect()));
    }
    let twice = repeated(request.topics.iter().map(|topic| topic.name.clone()));
    let mut answered = BTreeSet::new();
    let mut results = Vec::new();
    let mut places = Vec::new();
    let mut command = CreatePartitions { topics: Vec::new(), validate_only: request.validate_only };
    for topic in request.topics {
        if twice.contains(&topic.name) {
            if answered.insert(topic.name.clone()) {
                let text = Str::from_static("Duplicate topic name.");
                results.push(result(topic.name, (ErrorCode::InvalidRequest, Some(text))));
            }
        } else if call.allows_on_topic(Operation::Alter, &topic.name) {
            places.push(results.len());
            results.push(result(topic.name.clone(), (ErrorCode::UnknownServerError, None)));
            command.topics.push(more_partitions(topic));
        } else {
            results.push(result(topic.name, (ErrorCode::TopicAuthorizationFailed, None)));
        }
    }
    if command.topics.is_empty() {
        return Answer::Now(response(results));
    }
    call.command(Command::CreatePartitions(command));
    let deadline_ms = Some(call.now.deadline_after(i64::from(request.timeout_ms)));
    AwaitCommand::park(deadline_ms, move |_call, wake| {
        let mut results = std::mem::take(&mut results);
        let outcomes = outcome(wake, |reply| match reply {
            CommandReply::PartitionsCreated(outcomes) => Some(outcomes),
            _ => None,
        });
        let refusals: Vec<Refusal> = match outcomes {
            Ok(outcomes) => outcomes.into_iter().map(told).collect(),
            Err(error) => vec![refusal_of(error); places.len()],
        };
        for (&place, (error, message)) in places.iter().zip(refusals) {
            if let Some(result) = results.get_mut(place) {
                result.error_code = error.code();
                result.error_message = message;
            }
        }
        response(results)
    })
}

/// The count that decides whether the request is too large: of topics, or of all partitions that
/// they assign.
fn widest(topics: &[CreatePartitionsTopic]) -> usize {
    let assigned = |topic: &CreatePartitionsTopic| topic.assignments.as_ref().map_or(0, Vec::len);
    topics.len().max(topics.iter().map(assigned).sum())
}

fn more_partitions(topic: CreatePartitionsTopic) -> MorePartitions {
    let brokers = |ids: Vec<i32>| ids.into_iter().map(BrokerId).collect();
    MorePartitions {
        name: topic.name.to_string(),
        count: topic.count,
        assignments: topic.assignments.map(|assignments| {
            assignments.into_iter().map(|assignment| brokers(assignment.broker_ids)).collect()
        }),
    }
}

fn result(name: Str, (error, message): Refusal) -> CreatePartitionsTopicResult {
    CreatePartitionsTopicResult {
        name,
        error_code: error.code(),
        error_message: message,
        ..CreatePartitionsTopicResult::default()
    }
}

fn response(results: Vec<CreatePartitionsTopicResult>) -> CreatePartitionsResponse {
    CreatePartitionsResponse { results, ..CreatePartitionsResponse::default() }
}
