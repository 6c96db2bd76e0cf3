//! CreateTopics: new topics, or (validate only) whether they could be.
//!
//! The controller decides; here the sender's rights are asked, names given twice are sorted out, and
//! what was decided is put back in the order of the request.

use super::configs::overrides_of;
use super::support::{ANSWERED_MAX, Refusal, outcome, refusal_at_once, refusal_of, repeated};
use crate::authorizer::Operation;
use crate::call::{Answer, AwaitCommand, Call};
use crate::outbox::Wake;
use crate::settings::layers;
use headwater_metadata::command::{
    Command, CommandReply, CreateTopics, CreatedTopic, ItemResult, NewTopic,
};
use headwater_metadata::config::describe_topic;
use headwater_metadata::image::Configs;
use headwater_protocol::messages::create_topics::{
    CreatableTopic, CreatableTopicConfigs, CreatableTopicResult, CreateTopicsRequest,
    CreateTopicsResponse,
};
use headwater_protocol::wire::Str;
use headwater_types::{BrokerId, ErrorCode, PartitionIndex};
use std::collections::BTreeSet;

/// First version whose answer describes the topic that was created.
const DESCRIBES_FROM: i16 = 5;

pub(super) fn handle(
    call: &mut Call<'_>,
    request: CreateTopicsRequest,
) -> Answer<CreateTopicsResponse> {
    if let Some(refusal) = refusal_at_once(widest(&request.topics), request.timeout_ms) {
        let names = request.topics.into_iter().take(ANSWERED_MAX).map(|topic| topic.name);
        return Answer::Now(response(names.map(|name| refused(name, refusal.clone())).collect()));
    }
    let twice = repeated(request.topics.iter().map(|topic| topic.name.clone()));
    let mut waiting = Waiting { results: Vec::new(), asked: Vec::new() };
    let mut command = CreateTopics { topics: Vec::new(), validate_only: request.validate_only };
    let mut answered = BTreeSet::new();
    for topic in request.topics {
        if twice.contains(&topic.name) {
            if answered.insert(topic.name.clone()) {
                let text = Str::from_static("Duplicate topic name.");
                waiting.results.push(refused(topic.name, (ErrorCode::InvalidRequest, Some(text))));
            }
        } else if may_create(call, &topic.name) {
            waiting.asked.push(Asked {
                place: waiting.results.len(),
                configs: overrides_of(topic.configs.iter().map(|set| (&set.name, &set.value))),
            });
            // Until the controller says otherwise.
            let unknown = (ErrorCode::UnknownServerError, None);
            waiting.results.push(refused(topic.name.clone(), unknown));
            command.topics.push(new_topic(topic));
        } else {
            let text = Str::from_static("Authorization failed.");
            let refusal = (ErrorCode::TopicAuthorizationFailed, Some(text));
            waiting.results.push(refused(topic.name, refusal));
        }
    }
    if command.topics.is_empty() {
        return Answer::Now(response(waiting.results));
    }
    call.command(Command::CreateTopics(command));
    let deadline_ms = Some(call.now.deadline_after(i64::from(request.timeout_ms)));
    AwaitCommand::park(deadline_ms, move |call, wake| waiting.finish(call, wake))
}

/// The count that decides whether the request is too large: of topics, of all their configs, or of
/// all partitions that they assign. Each costs far more here than on the wire.
fn widest(topics: &[CreatableTopic]) -> usize {
    let configs: usize = topics.iter().map(|topic| topic.configs.len()).sum();
    let assignments: usize = topics.iter().map(|topic| topic.assignments.len()).sum();
    topics.len().max(configs).max(assignments)
}

fn may_create(call: &Call<'_>, name: &str) -> bool {
    call.allows_on_cluster(Operation::Create) || call.allows_on_topic(Operation::Create, name)
}

fn new_topic(topic: CreatableTopic) -> NewTopic {
    let assignments = topic.assignments.into_iter().map(|assignment| {
        let brokers = assignment.broker_ids.into_iter().map(BrokerId).collect();
        (PartitionIndex(assignment.partition_index), brokers)
    });
    let configs = topic
        .configs
        .into_iter()
        .map(|set| (set.name.to_string(), set.value.map(|value| value.to_string())));
    NewTopic {
        name: topic.name.to_string(),
        partitions: topic.num_partitions,
        replication_factor: topic.replication_factor,
        assignments: assignments.collect(),
        configs: configs.collect(),
    }
}

/// A topic that the controller was asked for.
struct Asked {
    /// Its place among the results.
    place: usize,
    /// What was to be set for it.
    configs: Configs,
}

struct Waiting {
    results: Vec<CreatableTopicResult>,
    /// In the order of the command.
    asked: Vec<Asked>,
}

impl Waiting {
    fn finish(&mut self, call: &mut Call<'_>, wake: Wake) -> CreateTopicsResponse {
        let mut results = std::mem::take(&mut self.results);
        let asked = std::mem::take(&mut self.asked);
        let outcomes = outcome(wake, |reply| match reply {
            CommandReply::TopicsCreated(outcomes) => Some(outcomes),
            _ => None,
        });
        match outcomes {
            Ok(outcomes) => {
                for (asked, outcome) in asked.iter().zip(outcomes) {
                    if let Some(result) = results.get_mut(asked.place) {
                        settle(call, result, &asked.configs, outcome);
                    }
                }
            }
            Err(error) => {
                let refusal = refusal_of(error);
                for asked in asked {
                    if let Some(result) = results.get_mut(asked.place) {
                        *result = refused(std::mem::take(&mut result.name), refusal.clone());
                    }
                }
            }
        }
        response(results)
    }
}

fn settle(
    call: &Call<'_>,
    result: &mut CreatableTopicResult,
    configs: &Configs,
    outcome: ItemResult<CreatedTopic>,
) {
    let created = match outcome {
        Ok(created) => created,
        Err(error) => {
            *result = refused(std::mem::take(&mut result.name), refusal_of(error));
            return;
        }
    };
    result.error_code = ErrorCode::None.code();
    result.error_message = None;
    result.topic_id = created.id;
    if call.api_version < DESCRIBES_FROM {
        return;
    }
    if !call.allows_on_topic(Operation::DescribeConfigs, &result.name) {
        result.topic_config_error_code = ErrorCode::TopicAuthorizationFailed.code();
        return;
    }
    result.num_partitions = created.partitions;
    result.replication_factor = created.replication_factor;
    let layers = layers(call.node.server(), &call.view.image, call.node.me());
    let described =
        describe_topic(layers, configs).into_iter().map(|config| CreatableTopicConfigs {
            name: Str::from(config.name),
            value: config.value.map(Str::from),
            read_only: config.read_only,
            config_source: config.source.code(),
            is_sensitive: config.sensitive,
            ..CreatableTopicConfigs::default()
        });
    result.configs = Some(described.collect());
}

fn refused(name: Str, (error, message): Refusal) -> CreatableTopicResult {
    CreatableTopicResult {
        name,
        error_code: error.code(),
        error_message: message,
        num_partitions: -1,
        replication_factor: -1,
        configs: Some(Vec::new()),
        ..CreatableTopicResult::default()
    }
}

fn response(topics: Vec<CreatableTopicResult>) -> CreateTopicsResponse {
    CreateTopicsResponse { topics, ..CreateTopicsResponse::default() }
}
