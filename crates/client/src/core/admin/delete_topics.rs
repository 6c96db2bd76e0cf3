//! DeleteTopics.

use super::text;
use crate::core::operation::{Answers, Operation, controller_advice};
use crate::core::{Advice, Destination, Refusal, Subject};
use headwater_protocol::Request;
use headwater_protocol::messages::delete_topics::{
    DeleteTopicState, DeleteTopicsRequest, DeleteTopicsResponse,
};
use headwater_types::TopicId;
use std::fmt;

/// A topic by name or by id.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum TopicKey {
    /// By name.
    Name(String),
    /// By id: never hits a topic created anew under the same name.
    Id(TopicId),
}

impl fmt::Display for TopicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Name(name) => f.write_str(name),
            Self::Id(id) => id.fmt(f),
        }
    }
}

/// Deletes topics with all their records.
#[derive(Clone, Debug, Default)]
pub struct DeleteTopics {
    /// Which topics.
    pub topics: Vec<TopicKey>,
    /// How long the controller may take in milliseconds; 0 leaves it to the client.
    pub timeout_ms: i32,
}

impl Operation for DeleteTopics {
    type Key = TopicKey;
    type Value = ();
    type Request = DeleteTopicsRequest;

    fn keys(&self) -> Vec<TopicKey> {
        self.topics.clone()
    }

    fn subject(&self, key: &TopicKey) -> Subject {
        match key {
            TopicKey::Name(name) => Subject::Topic(name.clone()),
            TopicKey::Id(id) => Subject::TopicId(*id),
        }
    }

    fn destination(&self, _key: &TopicKey) -> Destination {
        Destination::Controller
    }

    fn request(
        &self,
        keys: &[TopicKey],
        version: i16,
    ) -> Result<DeleteTopicsRequest, &'static str> {
        let mut request = DeleteTopicsRequest { timeout_ms: self.timeout_ms, ..Default::default() };
        for key in keys {
            match key {
                TopicKey::Name(name) if version <= 5 => request.topic_names.push(text(name)),
                TopicKey::Name(name) => request
                    .topics
                    .push(DeleteTopicState { name: Some(text(name)), ..Default::default() }),
                TopicKey::Id(id) if version >= 6 => request.topics.push(DeleteTopicState {
                    name: None,
                    topic_id: *id,
                    ..Default::default()
                }),
                TopicKey::Id(_) => return Err("topics are deleted by name only"),
            }
        }
        Ok(request)
    }

    fn answered(
        &self,
        keys: &[TopicKey],
        response: DeleteTopicsResponse,
        _version: i16,
    ) -> Answers<Self> {
        let api = DeleteTopicsRequest::KEY;
        response
            .responses
            .into_iter()
            .map(|topic| {
                // An answer about a topic asked for by id may name it as well.
                let by_id = TopicKey::Id(topic.topic_id);
                let key = match topic.name {
                    Some(name) if !keys.contains(&by_id) => TopicKey::Name(name.to_string()),
                    _ => by_id,
                };
                let subject = || self.subject(&key);
                let message = topic.error_message.as_deref();
                let refusal = Refusal::from_code(api, subject, topic.error_code, message);
                (key, refusal.map_or(Ok(()), Err))
            })
            .collect()
    }

    fn throttle_ms(&self, response: &DeleteTopicsResponse) -> i32 {
        response.throttle_time_ms
    }

    fn advice(&self, refusal: &Refusal) -> Advice {
        controller_advice(refusal)
    }
}
