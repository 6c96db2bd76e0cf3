//! How two images differ: what a node has to do to follow.

use super::{ConfigResource, Image, TopicImage};
use headwater_types::{BrokerId, PartitionIndex, TopicId};
use std::collections::BTreeSet;
use std::sync::Arc;

/// What may differ between two images, collected while records are applied.
#[derive(Clone, Debug, Default)]
pub struct Changes {
    pub(super) cluster_id: bool,
    pub(super) features: bool,
    pub(super) brokers: BTreeSet<BrokerId>,
    pub(super) topics: BTreeSet<TopicId>,
    pub(super) configs: BTreeSet<ConfigResource>,
}

/// How a later image differs from an earlier one.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Delta {
    /// The cluster's id was fixed.
    pub cluster_id: bool,
    /// Finalised features changed.
    pub features: bool,
    /// Brokers that were registered, changed or removed.
    pub brokers: Vec<BrokerId>,
    /// Topics that are new. One that was deleted and created anew under the same name is here and
    /// in `topics_deleted`, as two topics.
    pub topics_created: Vec<Arc<TopicImage>>,
    /// Topics that are gone, as they were.
    pub topics_deleted: Vec<Arc<TopicImage>>,
    /// Topics that are there in both, but not the same.
    pub topics_changed: Vec<TopicChange>,
    /// Resources other than topics whose configs changed.
    pub configs: Vec<ConfigResource>,
}

/// How a topic changed.
#[derive(Clone, Debug, PartialEq)]
pub struct TopicChange {
    /// As it was.
    pub old: Arc<TopicImage>,
    /// As it is.
    pub new: Arc<TopicImage>,
    /// Whether what was set for it changed.
    pub configs_changed: bool,
    /// Partitions that are new or whose state changed.
    pub partitions: Vec<PartitionIndex>,
}

impl Delta {
    /// Whether the images are the same.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// How `new` differs from `old`, found by comparing them; costs a step for each topic.
///
/// Whoever applies records gets the same from
/// [`ImageBuilder::finish_with_delta`](super::ImageBuilder::finish_with_delta) at the cost of the
/// changes alone.
pub fn delta(old: &Image, new: &Image) -> Delta {
    let mut changes = Changes {
        cluster_id: old.cluster_id != new.cluster_id,
        features: old.features != new.features,
        ..Changes::default()
    };
    for image in [old, new] {
        changes.brokers.extend(image.brokers.keys().copied());
        changes.configs.extend(image.configs.keys().cloned());
    }
    for topic in old.topics() {
        if !new.topic(topic.id).is_some_and(|now| Arc::ptr_eq(now, topic)) {
            changes.topics.insert(topic.id);
        }
    }
    for topic in new.topics() {
        if old.topic(topic.id).is_none() {
            changes.topics.insert(topic.id);
        }
    }
    changes.delta(old, new)
}

impl Changes {
    /// The differences among what may differ.
    pub(super) fn delta(self, old: &Image, new: &Image) -> Delta {
        let mut delta = Delta {
            cluster_id: self.cluster_id && old.cluster_id != new.cluster_id,
            features: self.features && old.features != new.features,
            ..Delta::default()
        };
        delta.brokers = self.brokers.into_iter().collect();
        delta.brokers.retain(|&id| old.broker(id) != new.broker(id));
        delta.configs = self.configs.into_iter().collect();
        delta.configs.retain(|resource| old.configs.get(resource) != new.configs.get(resource));
        for id in self.topics {
            match (old.topic(id), new.topic(id)) {
                (None, None) => {}
                (None, Some(topic)) => delta.topics_created.push(Arc::clone(topic)),
                (Some(topic), None) => delta.topics_deleted.push(Arc::clone(topic)),
                (Some(old), Some(new)) => delta.topics_changed.extend(topic_change(old, new)),
            }
        }
        delta
    }
}

fn topic_change(old: &Arc<TopicImage>, new: &Arc<TopicImage>) -> Option<TopicChange> {
    let configs_changed = old.configs != new.configs;
    let partitions: Vec<_> = new
        .partitions()
        .filter(|(index, partition)| old.partition(*index) != Some(*partition))
        .map(|(index, _)| index)
        .collect();
    (configs_changed || !partitions.is_empty()).then(|| TopicChange {
        old: Arc::clone(old),
        new: Arc::clone(new),
        configs_changed,
        partitions,
    })
}
