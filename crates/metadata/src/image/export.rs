//! From an image back to records: what a snapshot holds.

use super::{BrokerImage, ConfigResourceKind, Configs, Image, PartitionImage};
use crate::record::{
    BrokerEpochRecord, BrokerRecord, ClusterRecord, ConfigRecord, EndpointRecord,
    FeatureLevelRecord, FeatureRangeRecord, Id, Kind, MetadataRecord, PartitionRecord,
    ProducerIdsRecord, TopicRecord,
};
use headwater_types::{BrokerId, PartitionIndex, TopicId};

impl Image {
    /// The records that make this image out of an empty one, in order.
    ///
    /// ```
    /// use headwater_metadata::image::{Image, ImageBuilder};
    ///
    /// let image = Image::default();
    /// let mut again = ImageBuilder::new(&Image::default());
    /// for record in image.to_records() {
    ///     again.apply(&record).unwrap();
    /// }
    /// assert_eq!(again.finish(image.position()), image);
    /// ```
    pub fn to_records(&self) -> impl Iterator<Item = MetadataRecord> {
        let cluster = self
            .cluster_id
            .iter()
            .map(|id| Kind::Cluster(ClusterRecord { cluster_id: id.to_string() }));
        let counters = [
            Kind::BrokerEpoch(BrokerEpochRecord { last_epoch: self.last_broker_epoch }),
            Kind::ProducerIds(ProducerIdsRecord {
                next_producer_id: self.next_producer_id,
                broker_id: -1,
                broker_epoch: -1,
            }),
        ];
        let features = self.features().map(|(name, level)| {
            let record = FeatureLevelRecord { name: name.to_string(), level: level.into() };
            Kind::FeatureLevel(record)
        });
        let brokers = self.brokers().map(|broker| Kind::Broker(broker.to_record()));
        let configs = self.configs.iter().flat_map(|(resource, configs)| {
            config_records(resource.kind, None, &resource.name, configs)
        });
        let topics = self.topics.values().flat_map(|topic| {
            let record =
                TopicRecord { topic_id: Some(topic.id.into()), name: topic.name.to_string() };
            let configs = config_records(
                ConfigResourceKind::Topic,
                Some(topic.id.into()),
                "",
                &topic.configs,
            );
            let partitions = topic
                .partitions()
                .map(|(index, partition)| Kind::Partition(partition.to_record(topic.id, index)));
            std::iter::once(Kind::Topic(record)).chain(configs).chain(partitions)
        });
        cluster
            .chain(counters)
            .chain(features)
            .chain(brokers)
            .chain(configs)
            .chain(topics)
            .map(MetadataRecord::from)
    }
}

fn config_records<'a>(
    kind: ConfigResourceKind,
    topic_id: Option<Id>,
    resource_name: &'a str,
    configs: &'a Configs,
) -> impl Iterator<Item = Kind> + 'a {
    configs.iter().map(move |(name, value)| {
        Kind::Config(ConfigRecord {
            resource_type: kind.code().into(),
            topic_id,
            resource_name: resource_name.to_owned(),
            name: name.to_string(),
            value: Some(value.to_string()),
        })
    })
}

impl BrokerImage {
    /// The record that says all of this.
    pub fn to_record(&self) -> BrokerRecord {
        BrokerRecord {
            broker_id: self.id.0,
            epoch: self.epoch,
            incarnation_id: Some(self.incarnation_id.into()),
            endpoints: self
                .endpoints
                .iter()
                .map(|endpoint| EndpointRecord {
                    name: endpoint.name.to_string(),
                    host: endpoint.host.to_string(),
                    port: endpoint.port.into(),
                    security_protocol: endpoint.security_protocol.code().into(),
                })
                .collect(),
            features: self
                .features
                .iter()
                .map(|(name, range)| FeatureRangeRecord {
                    name: name.to_string(),
                    min_level: range.min_level.into(),
                    max_level: range.max_level.into(),
                })
                .collect(),
            rack: self.rack.as_deref().map(str::to_owned),
            log_dirs: self.log_dirs.iter().map(|&id| id.into()).collect(),
            fenced: self.fenced,
            in_controlled_shutdown: self.in_controlled_shutdown,
        }
    }
}

impl PartitionImage {
    /// The record that says all of this.
    pub fn to_record(&self, topic: TopicId, index: PartitionIndex) -> PartitionRecord {
        let ids = |brokers: &[BrokerId]| brokers.iter().map(|id| id.0).collect::<Vec<_>>();
        PartitionRecord {
            topic_id: Some(topic.into()),
            partition: index.0,
            replicas: ids(&self.replicas),
            directories: self.directories.iter().map(|&id| id.into()).collect(),
            isr: ids(&self.isr),
            elr: ids(&self.elr),
            last_known_elr: ids(&self.last_known_elr),
            adding_replicas: ids(&self.adding_replicas),
            removing_replicas: ids(&self.removing_replicas),
            leader: self.leader.map_or(-1, |id| id.0),
            leader_epoch: self.leader_epoch.0,
            partition_epoch: self.partition_epoch,
            leader_recovering: self.leader_recovering,
        }
    }
}
