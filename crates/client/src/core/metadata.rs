//! The Metadata request in the shape that a version wants.

use headwater_protocol::messages::metadata::{MetadataRequest, MetadataRequestTopic};
use headwater_protocol::wire::Str;

/// Which topics a Metadata request is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MetadataRequestFor {
    /// The brokers and the controller only.
    NoTopics,
    /// Every topic.
    AllTopics,
    /// These topics, by name.
    Topics(Vec<String>),
}

/// Builds the request; topics are never created by asking.
pub fn metadata_request(topics: &MetadataRequestFor, version: i16) -> MetadataRequest {
    let named = |names: &[String]| {
        names
            .iter()
            .map(|name| MetadataRequestTopic {
                name: Some(Str::from(name.as_str())),
                ..Default::default()
            })
            .collect()
    };
    let topics = match topics {
        // Version 0 knows no way to ask for none: an empty list means every topic there.
        MetadataRequestFor::AllTopics if version == 0 => Some(Vec::new()),
        MetadataRequestFor::AllTopics => None,
        MetadataRequestFor::NoTopics => Some(Vec::new()),
        MetadataRequestFor::Topics(names) => Some(named(names)),
    };
    MetadataRequest {
        topics,
        // The field begins with version 4; before, the broker's own setting rules.
        allow_auto_topic_creation: version < 4,
        ..Default::default()
    }
}
