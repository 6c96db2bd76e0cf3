//! DescribeTopicPartitions, page by page, or Metadata where the broker is older.
//!
//! [`TopicPages`] holds what the pages have said and where the next one begins; each page is an
//! operation of its own, so that a retry never starts from the first page.

use super::{brokers, text};
use crate::core::limits::PARTITIONS_PER_PAGE;
use crate::core::operation::{Answers, Operation};
use crate::core::{
    AdminError, Destination, MetadataRequestFor, Refusal, Subject, metadata_request,
};
use headwater_protocol::Request;
use headwater_protocol::messages::describe_topic_partitions::{
    Cursor, DescribeTopicPartitionsRequest, DescribeTopicPartitionsResponse,
    DescribeTopicPartitionsResponsePartition, DescribeTopicPartitionsResponseTopic, TopicRequest,
};
use headwater_protocol::messages::metadata::{
    MetadataRequest, MetadataResponse, MetadataResponsePartition, MetadataResponseTopic,
};
use headwater_types::{BrokerId, ErrorCode, LeaderEpoch, TopicId};
use std::collections::{BTreeMap, BTreeSet};

/// A topic with its partitions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TopicDescription {
    /// Its name.
    pub name: String,
    /// Its id; zero where the broker sends none.
    pub id: TopicId,
    /// Whether it belongs to the broker itself.
    pub internal: bool,
    /// Its partitions, by index.
    pub partitions: Vec<PartitionDescription>,
}

/// A partition with its replicas.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PartitionDescription {
    /// Its number in the topic.
    pub index: i32,
    /// Its leader, if it has one.
    pub leader: Option<BrokerId>,
    /// Counts the leaders, where the broker says so.
    pub leader_epoch: Option<LeaderEpoch>,
    /// Who holds it, the preferred leader first.
    pub replicas: Vec<BrokerId>,
    /// Who of them is in sync.
    pub in_sync: Vec<BrokerId>,
    /// Who of them left the in-sync set and still holds every acknowledged record (KIP-966);
    /// `None` where the broker does not say.
    pub eligible: Option<Vec<BrokerId>>,
    /// Who was eligible last, before all of them were lost; `None` where the broker does not say.
    pub last_known_eligible: Option<Vec<BrokerId>>,
    /// Who of them is offline.
    pub offline: Vec<BrokerId>,
}

/// Where a page begins.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct PageCursor {
    /// The topic's name.
    pub topic: String,
    /// The partition in it.
    pub partition: i32,
}

/// One page: some partitions of some topics, and where the next page begins.
#[derive(Debug)]
pub struct TopicPage {
    topics: Vec<(String, Result<TopicDescription, Refusal>)>,
    next: Option<PageCursor>,
}

/// Collects the pages for some topics.
#[derive(Debug)]
pub struct TopicPages {
    asked: Vec<String>,
    next: Option<DescribeTopicPage>,
    found: BTreeMap<String, Result<TopicDescription, AdminError>>,
}

impl TopicPages {
    /// Before the first page.
    pub fn new(topics: impl IntoIterator<Item = String>) -> Self {
        // The broker works through the names in order, and a cursor means "from here on".
        let asked: Vec<String> = topics.into_iter().collect::<BTreeSet<_>>().into_iter().collect();
        let next =
            (!asked.is_empty()).then(|| DescribeTopicPage { topics: asked.clone(), cursor: None });
        Self { asked, next, found: BTreeMap::new() }
    }

    /// The page to ask for, or `None` when all were there.
    pub fn next(&self) -> Option<&DescribeTopicPage> {
        self.next.as_ref()
    }

    /// Takes the page that [`TopicPages::next`] asked for.
    pub fn answered(&mut self, page: TopicPage) {
        for (name, outcome) in page.topics {
            match (self.found.get_mut(&name), outcome) {
                (Some(Ok(known)), Ok(more)) => known.partitions.extend(more.partitions),
                (_, outcome) => {
                    self.found.insert(name, outcome.map_err(AdminError::from));
                }
            }
        }
        let before = self.next.take().and_then(|page| page.cursor);
        // A cursor that does not move on would make us ask for ever.
        let further = page.next.filter(|cursor| before.as_ref() < Some(cursor));
        self.next = further.map(|cursor| DescribeTopicPage {
            topics: self.asked.iter().filter(|name| **name >= cursor.topic).cloned().collect(),
            cursor: Some(cursor),
        });
    }

    /// What came of each topic.
    pub fn finish(mut self) -> BTreeMap<String, Result<TopicDescription, AdminError>> {
        for name in self.asked {
            self.found.entry(name.clone()).or_insert_with(|| {
                let api = DescribeTopicPartitionsRequest::KEY;
                Err(AdminError::NotAnswered { api, subject: Subject::Topic(name) })
            });
        }
        for topic in self.found.values_mut().flatten() {
            topic.partitions.sort_by_key(|partition| partition.index);
        }
        self.found
    }
}

/// Asks for one page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DescribeTopicPage {
    topics: Vec<String>,
    cursor: Option<PageCursor>,
}

impl Operation for DescribeTopicPage {
    type Key = ();
    type Value = TopicPage;
    type Request = DescribeTopicPartitionsRequest;

    fn keys(&self) -> Vec<()> {
        vec![()]
    }

    fn subject(&self, (): &()) -> Subject {
        Subject::Request
    }

    fn destination(&self, (): &()) -> Destination {
        Destination::AnyBroker
    }

    fn request(
        &self,
        _keys: &[()],
        _version: i16,
    ) -> Result<DescribeTopicPartitionsRequest, &'static str> {
        Ok(DescribeTopicPartitionsRequest {
            topics: self
                .topics
                .iter()
                .map(|name| TopicRequest { name: text(name), ..Default::default() })
                .collect(),
            response_partition_limit: PARTITIONS_PER_PAGE,
            cursor: self.cursor.as_ref().map(|cursor| Cursor {
                topic_name: text(&cursor.topic),
                partition_index: cursor.partition,
                ..Default::default()
            }),
            ..Default::default()
        })
    }

    fn answered(
        &self,
        _keys: &[()],
        response: DescribeTopicPartitionsResponse,
        _version: i16,
    ) -> Answers<Self> {
        let topics = response.topics.into_iter().filter_map(paged_topic).collect();
        let next = response.next_cursor.map(|cursor| PageCursor {
            topic: cursor.topic_name.to_string(),
            partition: cursor.partition_index,
        });
        vec![((), Ok(TopicPage { topics, next }))]
    }

    fn throttle_ms(&self, response: &DescribeTopicPartitionsResponse) -> i32 {
        response.throttle_time_ms
    }
}

fn paged_topic(
    topic: DescribeTopicPartitionsResponseTopic,
) -> Option<(String, Result<TopicDescription, Refusal>)> {
    let name = topic.name.as_ref()?.to_string();
    let api = DescribeTopicPartitionsRequest::KEY;
    let subject = || Subject::Topic(name.clone());
    if let Some(refusal) = Refusal::from_code(api, subject, topic.error_code, None) {
        return Some((name, Err(refusal)));
    }
    let description = TopicDescription {
        name: name.clone(),
        id: topic.topic_id,
        internal: topic.is_internal,
        partitions: topic.partitions.iter().map(paged_partition).collect(),
    };
    Some((name, Ok(description)))
}

fn paged_partition(partition: &DescribeTopicPartitionsResponsePartition) -> PartitionDescription {
    PartitionDescription {
        index: partition.partition_index,
        leader: leader(partition.leader_id),
        leader_epoch: epoch(partition.leader_epoch),
        replicas: brokers(&partition.replica_nodes),
        in_sync: brokers(&partition.isr_nodes),
        eligible: partition.eligible_leader_replicas.as_deref().map(brokers),
        last_known_eligible: partition.last_known_elr.as_deref().map(brokers),
        offline: brokers(&partition.offline_replicas),
    }
}

/// Describes topics by Metadata, for brokers before Kafka 3.8.
#[derive(Clone, Debug, Default)]
pub struct DescribeTopicsByMetadata {
    /// The topics' names.
    pub topics: Vec<String>,
}

impl Operation for DescribeTopicsByMetadata {
    type Key = String;
    type Value = TopicDescription;
    type Request = MetadataRequest;

    fn keys(&self) -> Vec<String> {
        self.topics.clone()
    }

    fn subject(&self, key: &String) -> Subject {
        Subject::Topic(key.clone())
    }

    fn destination(&self, _key: &String) -> Destination {
        Destination::AnyBroker
    }

    fn request(&self, keys: &[String], version: i16) -> Result<MetadataRequest, &'static str> {
        Ok(metadata_request(&MetadataRequestFor::Topics(keys.to_vec()), version))
    }

    fn answered(
        &self,
        _keys: &[String],
        response: MetadataResponse,
        _version: i16,
    ) -> Answers<Self> {
        response.topics.iter().filter_map(metadata_topic).collect()
    }

    fn throttle_ms(&self, response: &MetadataResponse) -> i32 {
        response.throttle_time_ms
    }
}

fn metadata_topic(
    topic: &MetadataResponseTopic,
) -> Option<(String, Result<TopicDescription, Refusal>)> {
    let name = topic.name.as_ref()?.to_string();
    let subject = || Subject::Topic(name.clone());
    // Without a leader a partition can be described all the same.
    let code = match ErrorCode::from_code(topic.error_code) {
        Some(ErrorCode::LeaderNotAvailable) => ErrorCode::None.code(),
        _ => topic.error_code,
    };
    if let Some(refusal) = Refusal::from_code(MetadataRequest::KEY, subject, code, None) {
        return Some((name, Err(refusal)));
    }
    let mut partitions: Vec<_> = topic.partitions.iter().map(metadata_partition).collect();
    partitions.sort_by_key(|partition| partition.index);
    let description = TopicDescription {
        name: name.clone(),
        id: topic.topic_id,
        internal: topic.is_internal,
        partitions,
    };
    Some((name, Ok(description)))
}

fn metadata_partition(partition: &MetadataResponsePartition) -> PartitionDescription {
    PartitionDescription {
        index: partition.partition_index,
        leader: leader(partition.leader_id),
        leader_epoch: epoch(partition.leader_epoch),
        replicas: brokers(&partition.replica_nodes),
        in_sync: brokers(&partition.isr_nodes),
        eligible: None,
        last_known_eligible: None,
        offline: brokers(&partition.offline_replicas),
    }
}

fn leader(id: i32) -> Option<BrokerId> {
    (id >= 0).then_some(BrokerId(id))
}

fn epoch(epoch: i32) -> Option<LeaderEpoch> {
    (epoch >= 0).then_some(LeaderEpoch(epoch))
}
