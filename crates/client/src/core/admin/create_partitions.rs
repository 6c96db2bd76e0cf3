//! CreatePartitions.

use super::{ids, text};
use crate::core::operation::{Answers, Operation, controller_advice};
use crate::core::{Advice, Destination, Refusal, Subject};
use headwater_protocol::Request;
use headwater_protocol::messages::create_partitions::{
    CreatePartitionsAssignment, CreatePartitionsRequest, CreatePartitionsResponse,
    CreatePartitionsTopic,
};
use headwater_types::BrokerId;
use std::collections::BTreeMap;

/// How many partitions a topic shall have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MorePartitions {
    /// All of them together, those that exist included.
    pub total: i32,
    /// Which brokers hold each new one, the preferred leader first; `None` leaves it to the
    /// cluster.
    pub assignment: Option<Vec<Vec<BrokerId>>>,
}

/// Adds partitions to topics.
#[derive(Clone, Debug, Default)]
pub struct CreatePartitions {
    /// The topics by name.
    pub topics: BTreeMap<String, MorePartitions>,
    /// Check everything, create nothing.
    pub validate_only: bool,
    /// How long the controller may take in milliseconds; 0 leaves it to the client.
    pub timeout_ms: i32,
}

impl Operation for CreatePartitions {
    type Key = String;
    type Value = ();
    type Request = CreatePartitionsRequest;

    fn keys(&self) -> Vec<String> {
        self.topics.keys().cloned().collect()
    }

    fn subject(&self, key: &String) -> Subject {
        Subject::Topic(key.clone())
    }

    fn destination(&self, _key: &String) -> Destination {
        Destination::Controller
    }

    fn request(
        &self,
        keys: &[String],
        _version: i16,
    ) -> Result<CreatePartitionsRequest, &'static str> {
        let assignment = |brokers: &Vec<BrokerId>| CreatePartitionsAssignment {
            broker_ids: ids(brokers),
            ..Default::default()
        };
        let topics = keys
            .iter()
            .filter_map(|key| self.topics.get_key_value(key))
            .map(|(name, more)| CreatePartitionsTopic {
                name: text(name),
                count: more.total,
                assignments: more
                    .assignment
                    .as_ref()
                    .map(|new| new.iter().map(assignment).collect()),
                ..Default::default()
            })
            .collect();
        Ok(CreatePartitionsRequest {
            topics,
            timeout_ms: self.timeout_ms,
            validate_only: self.validate_only,
            ..Default::default()
        })
    }

    fn answered(
        &self,
        _keys: &[String],
        response: CreatePartitionsResponse,
        _version: i16,
    ) -> Answers<Self> {
        let api = CreatePartitionsRequest::KEY;
        response
            .results
            .into_iter()
            .map(|topic| {
                let name = topic.name.to_string();
                let subject = || Subject::Topic(name.clone());
                let message = topic.error_message.as_deref();
                let refusal = Refusal::from_code(api, subject, topic.error_code, message);
                (name, refusal.map_or(Ok(()), Err))
            })
            .collect()
    }

    fn throttle_ms(&self, response: &CreatePartitionsResponse) -> i32 {
        response.throttle_time_ms
    }

    fn advice(&self, refusal: &Refusal) -> Advice {
        controller_advice(refusal)
    }
}
