//! The admin APIs, asked over frames: each good case and each error, with the codes and texts of
//! Apache Kafka 4.3.1.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test that cannot go on has failed"
)]

mod alter_configs;
mod configs;
mod folders;
mod partitions;
mod quorum;
mod records;
mod rights;
#[path = "../support/mod.rs"]
mod support;
mod topics;
mod versions;

use headwater_protocol::wire::Str;
use headwater_types::{ErrorCode, Uuid};
use support::Broker;

/// A text of a message.
fn text(text: &str) -> Str {
    Str::from(text)
}

/// The code behind a number.
fn code(code: i16) -> ErrorCode {
    ErrorCode::from_code(code).expect("a code of Kafka's")
}

/// What an item of an answer says went wrong.
type Outcome = (String, ErrorCode, Option<String>);

fn outcome(name: impl ToString, error_code: i16, message: Option<&Str>) -> Outcome {
    (name.to_string(), code(error_code), message.map(ToString::to_string))
}

fn good(name: &str) -> Outcome {
    (name.to_owned(), ErrorCode::None, None)
}

fn bad(name: &str, error: ErrorCode, message: &str) -> Outcome {
    (name.to_owned(), error, Some(message.to_owned()))
}

fn bare(name: &str, error: ErrorCode) -> Outcome {
    (name.to_owned(), error, None)
}

/// Creates a topic with a number of partitions and some configs, and gives its id.
fn create(broker: &mut Broker, name: &str, partitions: i32, configs: &[(&str, &str)]) -> Uuid {
    use headwater_protocol::messages::create_topics::*;
    let topic = CreatableTopic {
        name: text(name),
        num_partitions: partitions,
        replication_factor: 1,
        configs: configs
            .iter()
            .map(|(name, value)| CreatableTopicConfig {
                name: text(name),
                value: Some(text(value)),
                ..CreatableTopicConfig::default()
            })
            .collect(),
        ..CreatableTopic::default()
    };
    let request = CreateTopicsRequest { topics: vec![topic], ..CreateTopicsRequest::default() };
    let response = broker.ask(7, &request);
    let [created] = response.topics.as_slice() else { panic!("one answer: {response:?}") };
    assert_eq!(code(created.error_code), ErrorCode::None, "{:?}", created.error_message);
    created.topic_id
}
