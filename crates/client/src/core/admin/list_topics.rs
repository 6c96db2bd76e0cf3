//! Every topic, by Metadata.

use crate::core::operation::{Answers, Operation};
use crate::core::{Destination, MetadataRequestFor, Refusal, Subject, metadata_request};
use headwater_protocol::Request;
use headwater_protocol::messages::metadata::{MetadataRequest, MetadataResponse};
use headwater_types::TopicId;

/// A topic in the list of all.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TopicListing {
    /// Its name.
    pub name: String,
    /// Its id; zero where the broker sends none.
    pub id: TopicId,
    /// Whether it belongs to the broker itself, e.g. `__consumer_offsets`.
    pub internal: bool,
    /// How many partitions it has.
    pub partitions: usize,
    /// How many replicas each has: the least of them, should they differ.
    pub replication_factor: usize,
}

/// Lists every topic that the caller may see.
#[derive(Clone, Copy, Debug, Default)]
pub struct ListTopics;

impl Operation for ListTopics {
    type Key = ();
    type Value = Vec<TopicListing>;
    type Request = MetadataRequest;

    fn keys(&self) -> Vec<()> {
        vec![()]
    }

    fn subject(&self, (): &()) -> Subject {
        Subject::Cluster
    }

    fn destination(&self, (): &()) -> Destination {
        Destination::AnyBroker
    }

    fn request(&self, _keys: &[()], version: i16) -> Result<MetadataRequest, &'static str> {
        Ok(metadata_request(&MetadataRequestFor::AllTopics, version))
    }

    fn answered(&self, _keys: &[()], response: MetadataResponse, _version: i16) -> Answers<Self> {
        let subject = || Subject::Cluster;
        let code = response.error_code;
        if let Some(refusal) = Refusal::from_code(MetadataRequest::KEY, subject, code, None) {
            return vec![((), Err(refusal))];
        }
        let mut topics: Vec<_> = response
            .topics
            .iter()
            .filter_map(|topic| {
                let replicas = topic.partitions.iter().map(|each| each.replica_nodes.len());
                Some(TopicListing {
                    name: topic.name.as_ref()?.to_string(),
                    id: topic.topic_id,
                    internal: topic.is_internal,
                    partitions: topic.partitions.len(),
                    replication_factor: replicas.min().unwrap_or(0),
                })
            })
            .collect();
        topics.sort_by(|one, other| one.name.cmp(&other.name));
        vec![((), Ok(topics))]
    }

    fn throttle_ms(&self, response: &MetadataResponse) -> i32 {
        response.throttle_time_ms
    }
}
