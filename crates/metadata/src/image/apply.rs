//! From records to images: the one road by which an image changes.
//!
//! `apply` accepts what a snapshot and a later log may leave: a removal of what is not there is no
//! error. It refuses what it does not understand, since skipping a record would make this node's
//! image differ from the others' without a word.

use super::{
    BrokerImage, Changes, ConfigResource, ConfigResourceKind, Configs, Delta, Endpoint,
    FeatureRange, Image, PartitionImage, Position, SecurityProtocol, TopicImage,
    has_collision_chars, unified,
};
use crate::record::{
    BrokerRecord, ConfigRecord, Kind, MetadataRecord, PartitionRecord, TopicRecord, uuid,
};
use headwater_types::{BrokerId, DirectoryId, LeaderEpoch, TopicId};
use rpds::VectorSync;
use std::collections::BTreeSet;
use std::sync::Arc;

/// A record that cannot be applied: the log is damaged or written by a newer version.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ApplyError {
    /// No kind that this version knows.
    #[error("a record of a kind that this version does not know")]
    UnknownKind,
    /// A number outside its type's range.
    #[error("the {field} of a {record} record is out of range: {value}")]
    OutOfRange {
        /// The record's kind.
        record: &'static str,
        /// The field.
        field: &'static str,
        /// What it holds.
        value: i64,
    },
    /// The record speaks of a topic that does not exist.
    #[error("a record for topic {topic}, which does not exist")]
    NoSuchTopic {
        /// The topic's id.
        topic: TopicId,
    },
    /// A topic's partitions would get a gap.
    #[error("a record for partition {partition} of topic {topic}, which has {count}")]
    PartitionGap {
        /// The topic's id.
        topic: TopicId,
        /// The record's partition.
        partition: i32,
        /// How many there are.
        count: usize,
    },
    /// Two topics of one name.
    #[error("a record for a topic named {name:?}, which another topic is already")]
    NameTaken {
        /// The name.
        name: String,
    },
    /// Another cluster's record.
    #[error("a record for cluster {found:?} in the log of cluster {expected:?}")]
    OtherCluster {
        /// This cluster's id.
        expected: String,
        /// The record's.
        found: String,
    },
}

/// The image after one record; for several, an [`ImageBuilder`] is cheaper.
///
/// # Errors
///
/// The record cannot be applied; the image is to be thought of as unreadable from there on.
pub fn apply(image: &Image, record: &MetadataRecord) -> Result<Image, ApplyError> {
    let mut builder = ImageBuilder::new(image);
    builder.apply(record)?;
    Ok(builder.finish(image.position()))
}

/// An image in the making. It sees each record as soon as it is applied.
#[derive(Clone, Debug)]
pub struct ImageBuilder {
    image: Image,
    changes: Changes,
}

impl ImageBuilder {
    /// Starts from an image.
    pub fn new(image: &Image) -> Self {
        Self { image: image.clone(), changes: Changes::default() }
    }

    /// What it holds so far; its position is that of the image it began with.
    pub fn image(&self) -> &Image {
        &self.image
    }

    /// The finished image.
    pub fn finish(mut self, position: Position) -> Image {
        self.image.position = position;
        self.image
    }

    /// The finished image, and how it differs from `base`, the one that this began with.
    pub fn finish_with_delta(self, base: &Image, position: Position) -> (Image, Delta) {
        let changes = self.changes.clone();
        let image = self.finish(position);
        let delta = changes.delta(base, &image);
        (image, delta)
    }

    /// Applies one record.
    ///
    /// # Errors
    ///
    /// The record cannot be applied. What was applied before stays.
    pub fn apply(&mut self, record: &MetadataRecord) -> Result<(), ApplyError> {
        let kind = record.kind.as_ref().ok_or(ApplyError::UnknownKind)?;
        match kind {
            Kind::Cluster(record) => self.cluster(&record.cluster_id)?,
            Kind::FeatureLevel(record) => {
                let level = narrow("feature level", "level", record.level)?;
                self.changes.features = true;
                if level == 0 {
                    self.image.features.remove_mut(record.name.as_str());
                } else {
                    self.image.features.insert_mut(record.name.as_str().into(), level);
                }
            }
            Kind::Broker(record) => self.broker(record)?,
            Kind::RemoveBroker(record) => {
                let id = BrokerId(record.broker_id);
                self.changes.brokers.insert(id);
                self.image.brokers.remove_mut(&id);
            }
            Kind::Topic(record) => self.topic(record)?,
            Kind::RemoveTopic(record) => self.remove_topic(uuid(record.topic_id)),
            Kind::Partition(record) => self.partition(record)?,
            Kind::Config(record) => self.config(record)?,
            Kind::ProducerIds(record) => {
                self.image.next_producer_id =
                    self.image.next_producer_id.max(record.next_producer_id);
            }
            Kind::BrokerEpoch(record) => {
                self.image.last_broker_epoch = self.image.last_broker_epoch.max(record.last_epoch);
            }
        }
        Ok(())
    }

    fn cluster(&mut self, id: &str) -> Result<(), ApplyError> {
        match &self.image.cluster_id {
            Some(known) if &**known != id => {
                Err(ApplyError::OtherCluster { expected: known.to_string(), found: id.to_owned() })
            }
            Some(_) => Ok(()),
            None => {
                self.image.cluster_id = Some(id.into());
                self.changes.cluster_id = true;
                Ok(())
            }
        }
    }

    fn broker(&mut self, record: &BrokerRecord) -> Result<(), ApplyError> {
        let broker = broker_image(record)?;
        self.image.last_broker_epoch = self.image.last_broker_epoch.max(broker.epoch);
        self.changes.brokers.insert(broker.id);
        self.image.brokers.insert_mut(broker.id, Arc::new(broker));
        Ok(())
    }

    fn topic(&mut self, record: &TopicRecord) -> Result<(), ApplyError> {
        let id = uuid(record.topic_id);
        if self.image.topic_ids.get(record.name.as_str()).is_some_and(|&known| known != id) {
            return Err(ApplyError::NameTaken { name: record.name.clone() });
        }
        if self.image.topics.contains_key(&id) {
            // Seen before: a snapshot may overlap with the log that follows it.
            return Ok(());
        }
        let name: Arc<str> = record.name.as_str().into();
        if has_collision_chars(&name) {
            self.with_unified(&name, |names| names.insert(Arc::clone(&name)));
        }
        self.image.topic_ids.insert_mut(Arc::clone(&name), id);
        let configs = Arc::new(Configs::new());
        let partitions = VectorSync::new_sync();
        self.image.topics.insert_mut(id, Arc::new(TopicImage { id, name, configs, partitions }));
        self.changes.topics.insert(id);
        Ok(())
    }

    fn remove_topic(&mut self, id: TopicId) {
        let Some(topic) = self.image.topics.get(&id).map(Arc::clone) else { return };
        self.changes.topics.insert(id);
        self.image.topics.remove_mut(&id);
        self.image.topic_ids.remove_mut(&*topic.name);
        if has_collision_chars(&topic.name) {
            self.with_unified(&topic.name, |names| names.remove(&topic.name));
        }
        self.image.partition_count =
            self.image.partition_count.saturating_sub(topic.partition_count());
    }

    /// Changes the set of names that collide with `name`.
    fn with_unified(&mut self, name: &str, change: impl FnOnce(&mut BTreeSet<Arc<str>>) -> bool) {
        let unified: Arc<str> = unified(name).into();
        let known = &mut self.image.unified_names;
        let mut names = known.get(&unified).map(Arc::clone).unwrap_or_default();
        change(Arc::make_mut(&mut names));
        if names.is_empty() {
            known.remove_mut(&unified);
        } else {
            known.insert_mut(unified, names);
        }
    }

    /// The topic, to be changed: a copy of its own unless this builder made it already.
    fn topic_mut(&mut self, id: TopicId) -> Result<&mut TopicImage, ApplyError> {
        self.changes.topics.insert(id);
        match self.image.topics.get_mut(&id) {
            Some(topic) => Ok(Arc::make_mut(topic)),
            None => Err(ApplyError::NoSuchTopic { topic: id }),
        }
    }

    fn partition(&mut self, record: &PartitionRecord) -> Result<(), ApplyError> {
        let id = uuid(record.topic_id);
        let partition = partition_image(record);
        let topic = self.topic_mut(id)?;
        let count = topic.partitions.len();
        let gap = ApplyError::PartitionGap { topic: id, partition: record.partition, count };
        let place = usize::try_from(record.partition).map_err(|_| gap.clone())?;
        if place < count {
            topic.partitions.set_mut(place, partition);
        } else if place == count {
            topic.partitions.push_back_mut(partition);
            self.image.partition_count = self.image.partition_count.saturating_add(1);
        } else {
            return Err(gap);
        }
        Ok(())
    }

    fn config(&mut self, record: &ConfigRecord) -> Result<(), ApplyError> {
        let out_of_range = ApplyError::OutOfRange {
            record: "config",
            field: "resource type",
            value: record.resource_type.into(),
        };
        let kind = i8::try_from(record.resource_type)
            .ok()
            .and_then(ConfigResourceKind::from_code)
            .ok_or(out_of_range)?;
        if kind == ConfigResourceKind::Topic {
            let topic = self.topic_mut(uuid(record.topic_id))?;
            set_config(Arc::make_mut(&mut topic.configs), record);
            return Ok(());
        }
        let resource = ConfigResource { kind, name: record.resource_name.as_str().into() };
        let mut configs = self.image.configs.get(&resource).map(Arc::clone).unwrap_or_default();
        set_config(Arc::make_mut(&mut configs), record);
        if configs.is_empty() {
            self.image.configs.remove_mut(&resource);
        } else {
            self.image.configs.insert_mut(resource.clone(), configs);
        }
        self.changes.configs.insert(resource);
        Ok(())
    }
}

fn set_config(configs: &mut Configs, record: &ConfigRecord) {
    match &record.value {
        Some(value) => {
            configs.insert(record.name.as_str().into(), value.as_str().into());
        }
        None => {
            configs.remove(record.name.as_str());
        }
    }
}

fn narrow(record: &'static str, field: &'static str, value: i32) -> Result<i16, ApplyError> {
    i16::try_from(value).map_err(|_| ApplyError::OutOfRange { record, field, value: value.into() })
}

fn broker_image(record: &BrokerRecord) -> Result<BrokerImage, ApplyError> {
    let out = |field, value| ApplyError::OutOfRange { record: "broker", field, value };
    let endpoints = record.endpoints.iter().map(|endpoint| {
        Ok(Endpoint {
            name: endpoint.name.as_str().into(),
            host: endpoint.host.as_str().into(),
            port: u16::try_from(endpoint.port).map_err(|_| out("port", endpoint.port.into()))?,
            security_protocol: SecurityProtocol::from_code(endpoint.security_protocol)
                .ok_or_else(|| out("security protocol", endpoint.security_protocol.into()))?,
        })
    });
    let features = record.features.iter().map(|range| {
        let min_level = narrow("broker", "feature level", range.min_level)?;
        let max_level = narrow("broker", "feature level", range.max_level)?;
        Ok((range.name.as_str().into(), FeatureRange { min_level, max_level }))
    });
    Ok(BrokerImage {
        id: BrokerId(record.broker_id),
        epoch: record.epoch,
        incarnation_id: uuid(record.incarnation_id),
        endpoints: endpoints.collect::<Result<_, ApplyError>>()?,
        features: features.collect::<Result<_, ApplyError>>()?,
        rack: record.rack.as_deref().map(Arc::from),
        log_dirs: record.log_dirs.iter().map(|&id| id.into()).collect(),
        fenced: record.fenced,
        in_controlled_shutdown: record.in_controlled_shutdown,
    })
}

fn partition_image(record: &PartitionRecord) -> PartitionImage {
    let brokers = |ids: &[i32]| ids.iter().map(|&id| BrokerId(id)).collect::<Vec<_>>();
    let mut directories: Vec<DirectoryId> =
        record.directories.iter().map(|&id| id.into()).collect();
    directories.resize(record.replicas.len(), DirectoryId::ZERO);
    PartitionImage {
        replicas: brokers(&record.replicas),
        directories,
        isr: brokers(&record.isr),
        elr: brokers(&record.elr),
        last_known_elr: brokers(&record.last_known_elr),
        adding_replicas: brokers(&record.adding_replicas),
        removing_replicas: brokers(&record.removing_replicas),
        leader: (record.leader >= 0).then_some(BrokerId(record.leader)),
        leader_epoch: LeaderEpoch(record.leader_epoch),
        partition_epoch: record.partition_epoch,
        leader_recovering: record.leader_recovering,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::{
        BrokerEpochRecord, ClusterRecord, EndpointRecord, FeatureLevelRecord, FeatureRangeRecord,
        Id, MetadataEntry, ProducerIdsRecord, RemoveBrokerRecord, RemoveTopicRecord,
    };
    use proptest::collection::vec;
    use proptest::prelude::*;
    use prost::Message as _;

    fn number() -> impl Strategy<Value = i32> {
        prop_oneof![Just(0), Just(1), Just(-1), Just(i32::MAX), Just(i32::MIN), -3..5i32]
    }

    fn long() -> impl Strategy<Value = i64> {
        prop_oneof![Just(0), Just(-1), Just(i64::MAX), Just(i64::MIN), 0..9i64]
    }

    fn id() -> impl Strategy<Value = Option<Id>> {
        proptest::option::of((0..3u64, 0..3u64).prop_map(|(high, low)| Id { high, low }))
    }

    fn text() -> impl Strategy<Value = String> {
        prop_oneof![Just("a.b".to_owned()), Just("a_b".to_owned()), Just(String::new()), ".{0,9}"]
    }

    /// A record as a damaged or hostile log may hold it.
    fn record() -> impl Strategy<Value = MetadataRecord> {
        let kind = prop_oneof![
            text().prop_map(|cluster_id| Kind::Cluster(ClusterRecord { cluster_id })),
            (text(), number())
                .prop_map(|(name, level)| Kind::FeatureLevel(FeatureLevelRecord { name, level })),
            (number(), long(), any::<u32>(), number(), vec(id(), 0..3)).prop_map(
                |(broker_id, epoch, port, code, ids)| Kind::Broker(BrokerRecord {
                    broker_id,
                    epoch,
                    incarnation_id: ids.first().copied().flatten(),
                    endpoints: vec![EndpointRecord {
                        port,
                        security_protocol: code,
                        ..EndpointRecord::default()
                    }],
                    features: vec![FeatureRangeRecord {
                        max_level: code,
                        ..FeatureRangeRecord::default()
                    }],
                    log_dirs: ids.into_iter().flatten().collect(),
                    ..BrokerRecord::default()
                })
            ),
            number().prop_map(|broker_id| Kind::RemoveBroker(RemoveBrokerRecord { broker_id })),
            (id(), text()).prop_map(|(topic_id, name)| Kind::Topic(TopicRecord { topic_id, name })),
            (id(), text()).prop_map(|(topic_id, name)| Kind::Topic(TopicRecord { topic_id, name })),
            id().prop_map(|topic_id| Kind::RemoveTopic(RemoveTopicRecord { topic_id })),
            (id(), number(), vec(number(), 0..3), vec(id(), 0..5), number()).prop_map(
                |(topic_id, partition, ids, directories, epoch)| Kind::Partition(PartitionRecord {
                    topic_id,
                    partition,
                    replicas: ids.clone(),
                    directories: directories.into_iter().flatten().collect(),
                    isr: ids,
                    leader: epoch,
                    leader_epoch: epoch,
                    ..PartitionRecord::default()
                })
            ),
            (number(), id(), text(), text(), proptest::option::of(text())).prop_map(
                |(resource_type, topic_id, resource_name, name, value)| {
                    let resource_type = if resource_type % 2 == 0 { 2 } else { resource_type };
                    Kind::Config(ConfigRecord {
                        resource_type,
                        topic_id,
                        resource_name,
                        name,
                        value,
                    })
                }
            ),
            long().prop_map(|next_producer_id| {
                Kind::ProducerIds(ProducerIdsRecord {
                    next_producer_id,
                    ..ProducerIdsRecord::default()
                })
            }),
            long().prop_map(|last_epoch| Kind::BrokerEpoch(BrokerEpochRecord { last_epoch })),
        ];
        kind.prop_map(MetadataRecord::from)
    }

    proptest! {
        #[test]
        fn any_record_is_applied_or_refused(records in vec(record(), 0..60)) {
            let mut builder = ImageBuilder::new(&Image::default());
            let mut applied = Vec::new();
            for record in records {
                if builder.apply(&record).is_ok() {
                    applied.push(record);
                }
            }
            let image = builder.finish(Position::default());
            let count: usize = image.topics().map(|topic| topic.partition_count()).sum();
            prop_assert_eq!(image.partition_count(), count);
            // What was refused has left no trace.
            let mut again = ImageBuilder::new(&Image::default());
            for record in &applied {
                again.apply(record).unwrap();
            }
            prop_assert_eq!(again.finish(Position::default()), image);
        }

        #[test]
        fn any_bytes_are_records_or_refused(bytes in vec(any::<u8>(), 0..200)) {
            let _ = MetadataEntry::decode(bytes.as_slice());
        }
    }
}
