//! DeleteTopics: by name, or by id from version 6 on (KIP-516).
//!
//! A topic that the sender may not see is not told apart from one that it may not delete, and one
//! given by its id keeps its name to itself.

use super::support::{
    ANSWERED_MAX, ID_NOT_HOSTED, NOT_HOSTED, Refusal, TOPIC_NOT_ALLOWED, outcome, refusal_at_once,
    refusal_of, repeated,
};
use crate::authorizer::Operation;
use crate::call::{Answer, AwaitCommand, Call};
use crate::outbox::Wake;
use headwater_metadata::command::{Command, CommandReply, DeleteTopics, TopicRef};
use headwater_protocol::messages::delete_topics::{
    DeletableTopicResult, DeleteTopicsRequest, DeleteTopicsResponse,
};
use headwater_protocol::wire::Str;
use headwater_types::{ErrorCode, TopicId};
use std::collections::BTreeSet;

/// First version that knows an error of its own for "no topic is ever deleted here".
const DELETION_DISABLED_FROM: i16 = 3;

/// A topic as the request gives it.
type Given = (Option<Str>, TopicId);

pub(super) fn handle(
    call: &mut Call<'_>,
    request: DeleteTopicsRequest,
) -> Answer<DeleteTopicsResponse> {
    let timeout_ms = request.timeout_ms;
    let by_name = request.topic_names.into_iter().map(|name| (Some(name), TopicId::ZERO));
    let by_either = request.topics.into_iter().map(|topic| (topic.name, topic.topic_id));
    let topics: Vec<Given> = by_name.chain(by_either).collect();
    if let Some(refusal) = refusal_at_once(topics.len(), timeout_ms) {
        let topics = topics.into_iter().take(ANSWERED_MAX);
        return Answer::Now(response(topics.map(|given| result(given, refusal.clone())).collect()));
    }
    let (results, places, command) = sort_out(call, topics);
    if command.topics.is_empty() {
        return Answer::Now(response(results));
    }
    call.command(Command::DeleteTopics(command));
    let deadline_ms = Some(call.now.deadline_after(i64::from(timeout_ms)));
    let mut waiting = Waiting { results, places };
    AwaitCommand::park(deadline_ms, move |call, wake| waiting.finish(call, wake))
}

/// Answers what can be answered here; the rest goes into the command, with its places among the
/// results.
fn sort_out(
    call: &Call<'_>,
    topics: Vec<Given>,
) -> (Vec<DeletableTopicResult>, Vec<usize>, DeleteTopics) {
    let twice = repeated(topics.iter().filter(|given| is_one_name(given)).cloned());
    let image = &call.view.image;
    let named: BTreeSet<TopicId> = topics
        .iter()
        .filter(|(name, id)| name.is_some() && id.is_zero())
        .filter_map(|(name, _)| image.topic_id(name.as_deref()?))
        .collect();
    let ids: BTreeSet<TopicId> =
        topics.iter().filter(|(name, _)| name.is_none()).map(|(_, id)| *id).collect();
    let mut results = Vec::new();
    let mut places = Vec::new();
    let mut command = DeleteTopics::default();
    let mut answered = BTreeSet::new();
    for given in topics {
        let invalid = |text| (ErrorCode::InvalidRequest, Some(Str::from_static(text)));
        if twice.contains(&given) {
            if answered.insert(given.clone()) {
                let text = match given.0 {
                    Some(_) => "Duplicate topic name.",
                    None => "Duplicate topic id.",
                };
                results.push(result(given, invalid(text)));
            }
            continue;
        }
        let checked = match &given {
            (Some(_), id) if !id.is_zero() => {
                Err(invalid("You may not specify both topic name and topic id."))
            }
            (None, id) if id.is_zero() => Err(invalid("Neither topic name nor id were specified.")),
            (Some(name), _) => match image.topic_id(name) {
                Some(id) if ids.contains(&id) && may_delete(call, name) => {
                    let text = "The provided topic name maps to an ID that was already supplied.";
                    results.push(result((given.0, id), invalid(text)));
                    continue;
                }
                known => may_delete_by_name(call, name, known.is_some())
                    .map(|()| TopicRef::Name(name.to_string())),
            },
            // It is answered under its name.
            (None, id) if named.contains(id) && may_delete_id(call, *id) => continue,
            (None, id) => match image.topic(*id) {
                None => Err((ErrorCode::UnknownTopicId, Some(ID_NOT_HOSTED))),
                Some(topic) if may_delete(call, &topic.name) => Ok(TopicRef::Id(*id)),
                Some(topic) => {
                    let seen = call.allows_on_topic(Operation::Describe, &topic.name);
                    let name = seen.then(|| Str::from(&*topic.name));
                    let refusal = (ErrorCode::TopicAuthorizationFailed, Some(TOPIC_NOT_ALLOWED));
                    results.push(result((name, *id), refusal));
                    continue;
                }
            },
        };
        match checked {
            Err(refusal) => results.push(result(given, refusal)),
            Ok(topic) => {
                places.push(results.len());
                results.push(result(given, (ErrorCode::UnknownServerError, None)));
                command.topics.push(topic);
            }
        }
    }
    (results, places, command)
}

/// Whether it is given by its name alone or its id alone.
fn is_one_name((name, id): &Given) -> bool {
    name.is_some() == id.is_zero()
}

fn may_delete(call: &Call<'_>, name: &str) -> bool {
    call.allows_on_cluster(Operation::Delete) || call.allows_on_topic(Operation::Delete, name)
}

fn may_delete_id(call: &Call<'_>, id: TopicId) -> bool {
    call.view.image.topic(id).is_some_and(|topic| may_delete(call, &topic.name))
}

fn may_delete_by_name(call: &Call<'_>, name: &str, known: bool) -> Result<(), Refusal> {
    if may_delete(call, name) {
        return Ok(());
    }
    if !known && call.allows_on_topic(Operation::Describe, name) {
        return Err((ErrorCode::UnknownTopicOrPartition, Some(NOT_HOSTED)));
    }
    Err((ErrorCode::TopicAuthorizationFailed, Some(TOPIC_NOT_ALLOWED)))
}

struct Waiting {
    results: Vec<DeletableTopicResult>,
    /// The places of the command's topics among the results.
    places: Vec<usize>,
}

impl Waiting {
    fn finish(&mut self, call: &mut Call<'_>, wake: Wake) -> DeleteTopicsResponse {
        let mut results = std::mem::take(&mut self.results);
        let outcomes = outcome(wake, |reply| match reply {
            CommandReply::TopicsDeleted(outcomes) => Some(outcomes),
            _ => None,
        });
        match outcomes {
            Ok(outcomes) => {
                for (&place, deleted) in self.places.iter().zip(outcomes) {
                    let Some(result) = results.get_mut(place) else { continue };
                    let (error, message) = match deleted.outcome {
                        Ok(()) => (ErrorCode::None, None),
                        Err(error) => refusal_of(error),
                    };
                    result.topic_id = deleted.id;
                    result.name = deleted.name.map(|name| Str::from(&*name));
                    result.error_code = error.code();
                    result.error_message = message;
                }
            }
            Err(error) => {
                let (error, message) = match refusal_of(error) {
                    (ErrorCode::TopicDeletionDisabled, _)
                        if call.api_version < DELETION_DISABLED_FROM =>
                    {
                        (ErrorCode::InvalidRequest, None)
                    }
                    refusal => refusal,
                };
                for &place in &self.places {
                    let Some(result) = results.get_mut(place) else { continue };
                    result.error_code = error.code();
                    result.error_message.clone_from(&message);
                }
            }
        }
        response(results)
    }
}

fn result((name, topic_id): Given, (error, message): Refusal) -> DeletableTopicResult {
    DeletableTopicResult {
        name,
        topic_id,
        error_code: error.code(),
        error_message: message,
        ..DeletableTopicResult::default()
    }
}

fn response(responses: Vec<DeletableTopicResult>) -> DeleteTopicsResponse {
    DeleteTopicsResponse { responses, ..DeleteTopicsResponse::default() }
}
