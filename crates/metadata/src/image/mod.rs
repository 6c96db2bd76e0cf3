//! The image: everything a cluster's metadata says, at one position of the metadata log.
//!
//! It is immutable and shares its structure with its predecessors, so a copy costs a few
//! pointers and a reader may keep one as long as it likes. A new one is made by an
//! [`ImageBuilder`] from records alone; nothing here decides.

mod apply;
mod broker;
mod configs;
mod delta;
mod export;
mod topic;

pub use apply::{ApplyError, ImageBuilder, apply};
pub use broker::{BrokerImage, Endpoint, FeatureRange, SecurityProtocol};
pub use configs::{ConfigResource, ConfigResourceKind, Configs};
pub use delta::{Changes, Delta, TopicChange, delta};
pub use topic::{PartitionImage, TopicImage};

use headwater_types::{BrokerId, EndOffset, LeaderEpoch, TopicId};
use rpds::RedBlackTreeMapSync;
use std::collections::BTreeSet;
use std::sync::Arc;

/// How far into the metadata log an image reaches.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Position {
    /// Just behind the last entry applied; 0 for an empty image.
    pub end: EndOffset,
    /// The epoch of that entry.
    pub epoch: LeaderEpoch,
}

/// A cluster's metadata at one position.
///
/// ```
/// use headwater_metadata::image::Image;
///
/// let image = Image::default();
/// assert!(image.topic_named("orders").is_none());
/// assert_eq!(image.topic_count(), 0);
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Image {
    position: Position,
    cluster_id: Option<Arc<str>>,
    features: RedBlackTreeMapSync<Arc<str>, i16>,
    brokers: RedBlackTreeMapSync<BrokerId, Arc<BrokerImage>>,
    topics: RedBlackTreeMapSync<TopicId, Arc<TopicImage>>,
    topic_ids: RedBlackTreeMapSync<Arc<str>, TopicId>,
    /// Names of topics by the form in which `.` and `_` are the same, where they hold one of both:
    /// their metrics would collide. Two such topics may only come into being together.
    unified_names: RedBlackTreeMapSync<Arc<str>, Arc<BTreeSet<Arc<str>>>>,
    /// Of everything but topics, whose configs are in [`TopicImage::configs`].
    configs: RedBlackTreeMapSync<ConfigResource, Arc<Configs>>,
    /// `0 <= partition_count`, the sum over all topics.
    partition_count: usize,
    next_producer_id: i64,
    last_broker_epoch: i64,
}

impl Image {
    /// How far into the metadata log this reaches.
    pub fn position(&self) -> Position {
        self.position
    }

    /// The cluster's id, once the first leader has fixed it.
    pub fn cluster_id(&self) -> Option<&Arc<str>> {
        self.cluster_id.as_ref()
    }

    /// The finalised level of a feature; 0 where it is not finalised.
    pub fn feature_level(&self, name: &str) -> i16 {
        self.features.get(name).copied().unwrap_or(0)
    }

    /// All finalised features by name.
    pub fn features(&self) -> impl Iterator<Item = (&Arc<str>, i16)> {
        self.features.iter().map(|(name, &level)| (name, level))
    }

    /// A broker's registration.
    pub fn broker(&self, id: BrokerId) -> Option<&Arc<BrokerImage>> {
        self.brokers.get(&id)
    }

    /// All registered brokers by id, fenced ones too.
    pub fn brokers(&self) -> impl Iterator<Item = &Arc<BrokerImage>> {
        self.brokers.values()
    }

    /// How many brokers are registered.
    pub fn broker_count(&self) -> usize {
        self.brokers.size()
    }

    /// Whether a broker may lead and join in-sync sets: registered, not fenced, not on its way out.
    pub fn is_active(&self, id: BrokerId) -> bool {
        self.broker(id).is_some_and(|broker| broker.is_active())
    }

    /// A topic by its identity.
    pub fn topic(&self, id: TopicId) -> Option<&Arc<TopicImage>> {
        self.topics.get(&id)
    }

    /// A topic by its name.
    pub fn topic_named(&self, name: &str) -> Option<&Arc<TopicImage>> {
        self.topics.get(self.topic_ids.get(name)?)
    }

    /// The id of the topic with a name.
    pub fn topic_id(&self, name: &str) -> Option<TopicId> {
        self.topic_ids.get(name).copied()
    }

    /// All topics by id.
    pub fn topics(&self) -> impl Iterator<Item = &Arc<TopicImage>> {
        self.topics.values()
    }

    /// All topics by name.
    pub fn topics_by_name(&self) -> impl Iterator<Item = &Arc<TopicImage>> {
        self.topic_ids.values().filter_map(|id| self.topics.get(id))
    }

    /// All topics by name, from a name (included) on.
    pub fn topics_by_name_from<'a>(
        &'a self,
        first: &'a str,
    ) -> impl Iterator<Item = &'a Arc<TopicImage>> {
        self.topic_ids
            .range::<str, _>((std::ops::Bound::Included(first), std::ops::Bound::Unbounded))
            .filter_map(|(_, id)| self.topics.get(id))
    }

    /// How many topics there are.
    pub fn topic_count(&self) -> usize {
        self.topics.size()
    }

    /// How many partitions all topics have together.
    pub fn partition_count(&self) -> usize {
        self.partition_count
    }

    /// What was set for a resource; `None` where nothing is.
    pub fn configs(&self, resource: &ConfigResource) -> Option<&Arc<Configs>> {
        match resource.kind {
            ConfigResourceKind::Topic => {
                let configs = &self.topic_named(&resource.name)?.configs;
                (!configs.is_empty()).then_some(configs)
            }
            _ => self.configs.get(resource),
        }
    }

    /// Every resource but topics for which something is set, with what.
    pub fn config_resources(&self) -> impl Iterator<Item = (&ConfigResource, &Arc<Configs>)> {
        self.configs.iter()
    }

    /// The first producer id that no broker was given.
    pub fn next_producer_id(&self) -> i64 {
        self.next_producer_id
    }

    /// The highest broker epoch that was given.
    pub fn last_broker_epoch(&self) -> i64 {
        self.last_broker_epoch
    }

    /// The topic whose name differs from `name` at most in `.` and `_`, where either holds one.
    pub fn colliding_topic(&self, name: &str) -> Option<&Arc<str>> {
        if !has_collision_chars(name) {
            return None;
        }
        self.unified_names.get(unified(name).as_str())?.first()
    }
}

/// Whether metrics of a topic may collide with those of another one (Kafka replaces `.` by `_`).
pub(crate) fn has_collision_chars(name: &str) -> bool {
    name.contains(['.', '_'])
}

/// The name with `.` and `_` made the same.
pub(crate) fn unified(name: &str) -> String {
    name.replace('.', "_")
}
