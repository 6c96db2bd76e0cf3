//! What Metadata answers have said about the cluster: an immutable picture that is replaced as
//! answers come, so that any number of tasks may read it.
//!
//! Leaders carry epochs: an answer from a broker that lags behind never takes a newer leader back,
//! and a leader hint in a Produce or Fetch answer (KIP-951) is only taken when it is newer.

use super::route::{Destination, Route, Unroutable};
use headwater_protocol::messages::metadata::{
    MetadataResponse, MetadataResponsePartition, MetadataResponseTopic,
};
use headwater_types::{BrokerId, ErrorCode, LeaderEpoch, TopicId};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Where a broker listens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BrokerAddress {
    /// Its id.
    pub id: BrokerId,
    /// Host name or address.
    pub host: String,
    /// TCP port.
    pub port: u16,
    /// Its rack, if it has one.
    pub rack: Option<String>,
}

/// A topic as one Metadata answer described it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Topic {
    /// Its name.
    pub name: String,
    /// Its id; zero where the broker sends none.
    pub id: TopicId,
    /// Whether it belongs to the broker itself, e.g. `__consumer_offsets`.
    pub internal: bool,
    /// Its partitions, by index.
    pub partitions: BTreeMap<i32, Partition>,
}

/// A partition as one Metadata answer described it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Partition {
    /// Its number in the topic.
    pub index: i32,
    /// Its leader, if it has one.
    pub leader: Option<BrokerId>,
    /// Counts the leaders; [`LeaderEpoch::NONE`] where the broker sends none.
    pub leader_epoch: LeaderEpoch,
    /// Who holds it, the preferred leader first.
    pub replicas: Vec<BrokerId>,
    /// Who of them is in sync.
    pub in_sync: Vec<BrokerId>,
    /// Who of them is offline.
    pub offline: Vec<BrokerId>,
}

/// A newer leader that a Produce or Fetch answer named (KIP-951).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LeaderHint {
    /// The topic's name.
    pub topic: String,
    /// The partition in it.
    pub partition: i32,
    /// Its new leader.
    pub leader: BrokerId,
    /// The epoch of that leader.
    pub epoch: LeaderEpoch,
    /// Where the leader listens, if the answer says so.
    pub address: Option<BrokerAddress>,
}

/// The brokers, the controller and the topics that were asked about.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Cluster {
    cluster_id: Option<String>,
    controller: Option<BrokerId>,
    brokers: BTreeMap<BrokerId, Arc<BrokerAddress>>,
    topics: BTreeMap<String, Arc<Topic>>,
    names: BTreeMap<TopicId, String>,
    /// Topics whose last answer was an error, e.g. UNKNOWN_TOPIC_OR_PARTITION.
    failed: BTreeMap<String, i16>,
}

impl Cluster {
    /// The cluster's id.
    pub fn cluster_id(&self) -> Option<&str> {
        self.cluster_id.as_deref()
    }

    /// Who answers for the controller.
    pub fn controller(&self) -> Option<BrokerId> {
        self.controller
    }

    /// Every broker, by id.
    pub fn brokers(&self) -> impl ExactSizeIterator<Item = &Arc<BrokerAddress>> {
        self.brokers.values()
    }

    /// Where a broker listens.
    pub fn broker(&self, id: BrokerId) -> Option<&Arc<BrokerAddress>> {
        self.brokers.get(&id)
    }

    /// Every topic that was asked about and exists, by name.
    pub fn topics(&self) -> impl ExactSizeIterator<Item = &Arc<Topic>> {
        self.topics.values()
    }

    /// A topic that was asked about.
    pub fn topic(&self, name: &str) -> Option<&Arc<Topic>> {
        self.topics.get(name)
    }

    /// The name that a topic id stands for.
    pub fn topic_name(&self, id: TopicId) -> Option<&str> {
        self.names.get(&id).map(String::as_str)
    }

    /// The error code that the last answer gave for a topic.
    pub fn topic_error(&self, name: &str) -> Option<i16> {
        self.failed.get(name).copied()
    }

    /// The leader of a partition with its epoch.
    pub fn leader(&self, topic: &str, partition: i32) -> Option<(BrokerId, LeaderEpoch)> {
        let partition = self.topics.get(topic)?.partitions.get(&partition)?;
        partition.leader.map(|leader| (leader, partition.leader_epoch))
    }

    /// Turns a destination into a broker.
    ///
    /// # Errors
    /// When today's picture has nobody for it. Refreshing the metadata may help with each of them.
    pub fn route(&self, destination: &Destination) -> Result<Route, Unroutable> {
        match destination {
            Destination::AnyBroker => Ok(Route::AnyBroker),
            Destination::Controller => {
                let id = self.controller.ok_or(Unroutable::NoController)?;
                self.known(id)
            }
            Destination::Broker(id) => self.known(*id),
            Destination::Leader { topic, partition } => {
                let unknown_topic = || Unroutable::UnknownTopic { topic: topic.clone() };
                let found = self.topics.get(topic).ok_or_else(unknown_topic)?;
                let (topic, partition) = (topic.clone(), *partition);
                match found.partitions.get(&partition) {
                    None => Err(Unroutable::UnknownPartition { topic, partition }),
                    Some(Partition { leader: None, .. }) => {
                        Err(Unroutable::NoLeader { topic, partition })
                    }
                    Some(Partition { leader: Some(id), .. }) => self.known(*id),
                }
            }
        }
    }

    fn known(&self, broker: BrokerId) -> Result<Route, Unroutable> {
        if self.brokers.contains_key(&broker) {
            Ok(Route::Broker(broker))
        } else {
            Err(Unroutable::UnknownBroker { broker })
        }
    }

    /// The picture after an answer to a request for every topic: what it does not name is gone.
    #[must_use]
    pub fn after_all_topics(&self, response: &MetadataResponse) -> Cluster {
        let mut next = self.with_brokers(response);
        let before = std::mem::take(&mut next.topics);
        next.names = BTreeMap::new();
        next.failed = BTreeMap::new();
        for topic in &response.topics {
            next.insert(topic, &before);
        }
        next
    }

    /// The picture after an answer to a request for some topics: the others stay as they were.
    #[must_use]
    pub fn after_some_topics(&self, response: &MetadataResponse) -> Cluster {
        let mut next = self.with_brokers(response);
        for topic in &response.topics {
            next.insert(topic, &self.topics);
        }
        next
    }

    /// The picture after a leader hint, or `None` when it says nothing new.
    #[must_use]
    pub fn after_hint(&self, hint: &LeaderHint) -> Option<Cluster> {
        let topic = self.topics.get(&hint.topic)?;
        let partition = topic.partitions.get(&hint.partition)?;
        if hint.epoch <= partition.leader_epoch {
            return None;
        }
        if hint.address.is_none() && !self.brokers.contains_key(&hint.leader) {
            return None;
        }
        let mut next = self.clone();
        if let Some(address) = &hint.address {
            next.brokers.insert(address.id, Arc::new(address.clone()));
        }
        let mut topic = Topic::clone(topic);
        if let Some(partition) = topic.partitions.get_mut(&hint.partition) {
            partition.leader = Some(hint.leader);
            partition.leader_epoch = hint.epoch;
        }
        next.topics.insert(hint.topic.clone(), Arc::new(topic));
        Some(next)
    }

    fn with_brokers(&self, response: &MetadataResponse) -> Cluster {
        let brokers = response
            .brokers
            .iter()
            .filter_map(|broker| {
                let address = BrokerAddress {
                    id: BrokerId(broker.node_id),
                    host: broker.host.to_string(),
                    port: u16::try_from(broker.port).ok()?,
                    rack: broker.rack.as_ref().map(|rack| rack.to_string()),
                };
                Some((address.id, Arc::new(address)))
            })
            .collect();
        Cluster {
            cluster_id: response.cluster_id.as_ref().map(|id| id.to_string()),
            controller: (response.controller_id >= 0).then_some(BrokerId(response.controller_id)),
            brokers,
            topics: self.topics.clone(),
            names: self.names.clone(),
            failed: self.failed.clone(),
        }
    }

    fn insert(&mut self, topic: &MetadataResponseTopic, before: &BTreeMap<String, Arc<Topic>>) {
        // A topic asked for by an id that nobody knows has no name.
        let Some(name) = topic.name.as_ref().map(|name| name.to_string()) else { return };
        if topic.error_code != ErrorCode::None.code() {
            if let Some(gone) = self.topics.remove(&name) {
                self.names.remove(&gone.id);
            }
            self.failed.insert(name, topic.error_code);
            return;
        }
        self.failed.remove(&name);
        let same = before.get(&name).filter(|known| known.id == topic.topic_id);
        if let Some(known) = before.get(&name) {
            self.names.remove(&known.id);
        }
        let partitions = topic
            .partitions
            .iter()
            .map(|partition| {
                let known = same.and_then(|known| known.partitions.get(&partition.partition_index));
                (partition.partition_index, newest(partition, known))
            })
            .collect();
        if !topic.topic_id.is_zero() {
            self.names.insert(topic.topic_id, name.clone());
        }
        let topic = Topic {
            name: name.clone(),
            id: topic.topic_id,
            internal: topic.is_internal,
            partitions,
        };
        self.topics.insert(name, Arc::new(topic));
    }
}

/// The newer of an answer's view and the one we hold, by leader epoch.
fn newest(answer: &MetadataResponsePartition, known: Option<&Partition>) -> Partition {
    let epoch = LeaderEpoch(answer.leader_epoch);
    if let Some(known) = known
        && epoch != LeaderEpoch::NONE
        && epoch < known.leader_epoch
    {
        return known.clone();
    }
    let ids = |ids: &[i32]| ids.iter().map(|&id| BrokerId(id)).collect();
    Partition {
        index: answer.partition_index,
        leader: (answer.leader_id >= 0).then_some(BrokerId(answer.leader_id)),
        leader_epoch: epoch,
        replicas: ids(&answer.replica_nodes),
        in_sync: ids(&answer.isr_nodes),
        offline: ids(&answer.offline_replicas),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use headwater_protocol::messages::metadata::MetadataResponseBroker;
    use headwater_protocol::wire::Str;
    use headwater_types::Uuid;
    use proptest::prelude::*;

    fn response(topics: Vec<MetadataResponseTopic>) -> MetadataResponse {
        let broker = |id: i32| MetadataResponseBroker {
            node_id: id,
            host: Str::from_static("host"),
            port: 9092 + id,
            ..Default::default()
        };
        MetadataResponse {
            brokers: vec![broker(1), broker(2)],
            cluster_id: Some(Str::from_static("c")),
            controller_id: 2,
            topics,
            ..Default::default()
        }
    }

    fn topic(name: &'static str, id: u8, leader: i32, epoch: i32) -> MetadataResponseTopic {
        MetadataResponseTopic {
            name: Some(Str::from_static(name)),
            topic_id: Uuid([id; 16]),
            partitions: vec![MetadataResponsePartition {
                partition_index: 0,
                leader_id: leader,
                leader_epoch: epoch,
                replica_nodes: vec![1, 2],
                isr_nodes: vec![1],
                ..Default::default()
            }],
            ..Default::default()
        }
    }

    fn leader_of(topic: &str) -> Destination {
        Destination::Leader { topic: topic.to_owned(), partition: 0 }
    }

    #[test]
    fn an_answer_for_some_topics_keeps_the_others() {
        let first = Cluster::default().after_all_topics(&response(vec![topic("a", 1, 1, 0)]));
        let second = first.after_some_topics(&response(vec![topic("b", 2, 2, 0)]));
        assert_eq!(second.topics().len(), 2);
        assert_eq!(second.route(&leader_of("a")), Ok(Route::Broker(BrokerId(1))));
        assert_eq!(second.route(&leader_of("b")), Ok(Route::Broker(BrokerId(2))));
        let third = second.after_all_topics(&response(vec![topic("b", 2, 2, 0)]));
        assert!(third.topic("a").is_none());
        assert_eq!(third.topic_name(Uuid([1; 16])), None);
        assert_eq!(third.topic_name(Uuid([2; 16])), Some("b"));
    }

    #[test]
    fn an_older_leader_epoch_is_not_believed_of_the_same_topic() {
        let now = Cluster::default().after_all_topics(&response(vec![topic("a", 1, 1, 5)]));
        let older = now.after_some_topics(&response(vec![topic("a", 1, 2, 4)]));
        assert_eq!(older.leader("a", 0), Some((BrokerId(1), LeaderEpoch(5))));
        let newer = now.after_some_topics(&response(vec![topic("a", 1, 2, 6)]));
        assert_eq!(newer.leader("a", 0), Some((BrokerId(2), LeaderEpoch(6))));
        // Deleted and created anew: epochs start again.
        let another = now.after_some_topics(&response(vec![topic("a", 9, 2, 0)]));
        assert_eq!(another.leader("a", 0), Some((BrokerId(2), LeaderEpoch(0))));
        assert_eq!(another.topic_name(Uuid([1; 16])), None);
    }

    #[test]
    fn a_hint_is_taken_only_when_it_is_newer() {
        let now = Cluster::default().after_all_topics(&response(vec![topic("a", 1, 1, 5)]));
        let hint = |epoch: i32, leader: i32, address: Option<BrokerAddress>| LeaderHint {
            topic: "a".to_owned(),
            partition: 0,
            leader: BrokerId(leader),
            epoch: LeaderEpoch(epoch),
            address,
        };
        assert_eq!(now.after_hint(&hint(5, 2, None)), None);
        let moved = now.after_hint(&hint(6, 2, None)).unwrap();
        assert_eq!(moved.leader("a", 0), Some((BrokerId(2), LeaderEpoch(6))));
        assert_eq!(now.after_hint(&hint(6, 7, None)), None, "nobody knows where broker 7 listens");
        let address = BrokerAddress { id: BrokerId(7), host: "h".to_owned(), port: 1, rack: None };
        let moved = now.after_hint(&hint(6, 7, Some(address))).unwrap();
        assert_eq!(moved.route(&leader_of("a")), Ok(Route::Broker(BrokerId(7))));
    }

    #[test]
    fn every_way_of_not_having_a_route_is_told_apart() {
        let cluster = Cluster::default().after_all_topics(&response(vec![topic("a", 1, -1, 5)]));
        let route = |destination| cluster.route(&destination);
        assert_eq!(route(Destination::AnyBroker), Ok(Route::AnyBroker));
        assert_eq!(route(Destination::Controller), Ok(Route::Broker(BrokerId(2))));
        assert_eq!(
            Cluster::default().route(&Destination::Controller),
            Err(Unroutable::NoController)
        );
        let nobody = Unroutable::UnknownBroker { broker: BrokerId(3) };
        assert_eq!(route(Destination::Broker(BrokerId(3))), Err(nobody));
        let topic = "a".to_owned();
        assert_eq!(
            route(leader_of("a")),
            Err(Unroutable::NoLeader { topic: topic.clone(), partition: 0 })
        );
        assert_eq!(
            route(Destination::Leader { topic: topic.clone(), partition: 1 }),
            Err(Unroutable::UnknownPartition { topic, partition: 1 })
        );
        assert_eq!(route(leader_of("b")), Err(Unroutable::UnknownTopic { topic: "b".to_owned() }));
    }

    proptest! {
        /// Whatever order answers and hints come in, a topic's leader epoch never goes back, and
        /// names and ids stay each other's inverse.
        #[test]
        fn epochs_only_grow(
            steps in prop::collection::vec((0u8..4, 0usize..2, 1u8..3, 0i32..9, 1i32..3), 1..40),
        ) {
            let mut cluster = Cluster::default();
            for (kind, name, id, epoch, leader) in steps {
                let name = ["a", "b"][name];
                let before = cluster.topic(name).cloned();
                let mut answer = topic(name, id + if name == "a" { 0 } else { 10 }, leader, epoch);
                cluster = match kind {
                    0 => cluster.after_all_topics(&response(vec![answer])),
                    1 => cluster.after_some_topics(&response(vec![answer])),
                    2 => {
                        answer.error_code = 3;
                        cluster.after_some_topics(&response(vec![answer]))
                    }
                    _ => {
                        let (topic, partition) = (name.to_owned(), 0);
                        let (leader, epoch) = (BrokerId(leader), LeaderEpoch(epoch));
                        let hint = LeaderHint { topic, partition, leader, epoch, address: None };
                        cluster.after_hint(&hint).unwrap_or(cluster)
                    }
                };
                if let (Some(before), Some(now)) = (before, cluster.topic(name))
                    && before.id == now.id
                {
                    let epoch = |topic: &Topic| topic.partitions[&0].leader_epoch;
                    prop_assert!(epoch(now) >= epoch(&before));
                }
                for topic in cluster.topics() {
                    prop_assert_eq!(cluster.topic_name(topic.id), Some(topic.name.as_str()));
                }
                prop_assert_eq!(cluster.names.len(), cluster.topics.len());
            }
        }
    }

    #[test]
    fn a_topic_that_failed_is_gone_and_its_code_kept() {
        let now = Cluster::default().after_all_topics(&response(vec![topic("a", 1, 1, 5)]));
        let mut gone = topic("a", 0, -1, -1);
        gone.error_code = 3;
        let next = now.after_some_topics(&response(vec![gone]));
        assert!(next.topic("a").is_none());
        assert_eq!(next.topic_error("a"), Some(3));
        let back = next.after_some_topics(&response(vec![topic("a", 3, 1, 0)]));
        assert_eq!(back.topic_error("a"), None);
    }
}
