//! CreateTopics.

use super::{ids, text};
use crate::core::operation::{Answers, Operation, controller_advice};
use crate::core::{Advice, Destination, Refusal, Subject};
use headwater_protocol::Request;
use headwater_protocol::messages::create_topics::{
    CreatableReplicaAssignment, CreatableTopic, CreatableTopicConfig, CreateTopicsRequest,
    CreateTopicsResponse,
};
use headwater_types::{BrokerId, TopicId};
use std::collections::BTreeMap;

/// A topic to be created.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NewTopic {
    /// How many partitions; `None` leaves it to the cluster (`num.partitions`).
    pub partitions: Option<i32>,
    /// How many replicas of each; `None` leaves it to the cluster (`default.replication.factor`).
    pub replication_factor: Option<i16>,
    /// Which brokers hold which partition, the preferred leader first. When it is given, the two
    /// numbers above must be `None`.
    pub assignment: BTreeMap<i32, Vec<BrokerId>>,
    /// Configs that differ from the cluster's defaults.
    pub configs: BTreeMap<String, String>,
}

/// What a topic was created as.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CreatedTopic {
    /// Its id; zero where the broker sends none (before version 7), or nothing was created.
    pub id: TopicId,
    /// Its partitions, where the broker says so (since version 5).
    pub partitions: Option<i32>,
    /// The replicas of each, where the broker says so.
    pub replication_factor: Option<i16>,
}

/// Creates topics.
#[derive(Clone, Debug, Default)]
pub struct CreateTopics {
    /// The topics by name.
    pub topics: BTreeMap<String, NewTopic>,
    /// Check everything, create nothing.
    pub validate_only: bool,
    /// How long the controller may take in milliseconds; 0 leaves it to the client.
    pub timeout_ms: i32,
}

impl Operation for CreateTopics {
    type Key = String;
    type Value = CreatedTopic;
    type Request = CreateTopicsRequest;

    fn keys(&self) -> Vec<String> {
        self.topics.keys().cloned().collect()
    }

    fn subject(&self, key: &String) -> Subject {
        Subject::Topic(key.clone())
    }

    fn destination(&self, _key: &String) -> Destination {
        Destination::Controller
    }

    fn request(&self, keys: &[String], version: i16) -> Result<CreateTopicsRequest, &'static str> {
        let mut topics = Vec::with_capacity(keys.len());
        for (name, topic) in keys.iter().filter_map(|key| self.topics.get_key_value(key)) {
            let defaulted = topic.partitions.is_none() || topic.replication_factor.is_none();
            if defaulted && topic.assignment.is_empty() && version < 4 {
                return Err("the number of partitions and replicas must be given");
            }
            topics.push(creatable(name, topic));
        }
        Ok(CreateTopicsRequest {
            topics,
            timeout_ms: self.timeout_ms,
            validate_only: self.validate_only,
            ..Default::default()
        })
    }

    fn answered(
        &self,
        _keys: &[String],
        response: CreateTopicsResponse,
        version: i16,
    ) -> Answers<Self> {
        let api = CreateTopicsRequest::KEY;
        let known = |number: i32| (version >= 5 && number >= 0).then_some(number);
        response
            .topics
            .into_iter()
            .map(|topic| {
                let name = topic.name.to_string();
                let subject = || Subject::Topic(name.clone());
                let message = topic.error_message.as_deref();
                let outcome = match Refusal::from_code(api, subject, topic.error_code, message) {
                    Some(refusal) => Err(refusal),
                    None => Ok(CreatedTopic {
                        id: topic.topic_id,
                        partitions: known(topic.num_partitions),
                        replication_factor: known(i32::from(topic.replication_factor))
                            .and(Some(topic.replication_factor)),
                    }),
                };
                (name, outcome)
            })
            .collect()
    }

    fn throttle_ms(&self, response: &CreateTopicsResponse) -> i32 {
        response.throttle_time_ms
    }

    fn advice(&self, refusal: &Refusal) -> Advice {
        controller_advice(refusal)
    }
}

fn creatable(name: &str, topic: &NewTopic) -> CreatableTopic {
    CreatableTopic {
        name: text(name),
        num_partitions: topic.partitions.unwrap_or(-1),
        replication_factor: topic.replication_factor.unwrap_or(-1),
        assignments: topic
            .assignment
            .iter()
            .map(|(&partition, brokers)| CreatableReplicaAssignment {
                partition_index: partition,
                broker_ids: ids(brokers),
                ..Default::default()
            })
            .collect(),
        configs: topic
            .configs
            .iter()
            .map(|(name, value)| CreatableTopicConfig {
                name: text(name),
                value: Some(text(value)),
                ..Default::default()
            })
            .collect(),
        ..Default::default()
    }
}
