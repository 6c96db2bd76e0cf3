//! DescribeCluster, or Metadata where the broker is older.

use crate::core::operation::{Answers, Operation};
use crate::core::{Destination, MetadataRequestFor, Refusal, Subject, metadata_request};
use headwater_protocol::Request;
use headwater_protocol::messages::describe_cluster::{
    DescribeClusterRequest, DescribeClusterResponse,
};
use headwater_protocol::messages::metadata::{MetadataRequest, MetadataResponse};
use headwater_types::BrokerId;

/// Kafka's number for the listeners of brokers, as against those of controllers.
const ENDPOINT_BROKERS: i8 = 1;

/// A cluster's brokers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ClusterDescription {
    /// Its id.
    pub cluster_id: Option<String>,
    /// Who answers for the controller.
    pub controller: Option<BrokerId>,
    /// Its brokers, by id.
    pub brokers: Vec<BrokerDescription>,
}

/// A broker of a cluster.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BrokerDescription {
    /// Its id.
    pub id: BrokerId,
    /// Host name or address.
    pub host: String,
    /// TCP port.
    pub port: i32,
    /// Its rack, if it has one.
    pub rack: Option<String>,
    /// Whether the controller keeps clients away from it; only known when asked for.
    pub fenced: bool,
}

/// Describes the cluster.
#[derive(Clone, Copy, Debug, Default)]
pub struct DescribeCluster {
    /// Whether to list the brokers that the controller has fenced, too (since version 2).
    pub include_fenced: bool,
}

impl Operation for DescribeCluster {
    type Key = ();
    type Value = ClusterDescription;
    type Request = DescribeClusterRequest;

    fn keys(&self) -> Vec<()> {
        vec![()]
    }

    fn subject(&self, (): &()) -> Subject {
        Subject::Cluster
    }

    fn destination(&self, (): &()) -> Destination {
        Destination::AnyBroker
    }

    fn request(&self, _keys: &[()], version: i16) -> Result<DescribeClusterRequest, &'static str> {
        Ok(DescribeClusterRequest {
            endpoint_type: ENDPOINT_BROKERS,
            include_fenced_brokers: self.include_fenced && version >= 2,
            ..Default::default()
        })
    }

    fn answered(
        &self,
        _keys: &[()],
        response: DescribeClusterResponse,
        _version: i16,
    ) -> Answers<Self> {
        let subject = || Subject::Cluster;
        let message = response.error_message.as_deref();
        let api = DescribeClusterRequest::KEY;
        if let Some(refusal) = Refusal::from_code(api, subject, response.error_code, message) {
            return vec![((), Err(refusal))];
        }
        let mut brokers: Vec<_> = response
            .brokers
            .iter()
            .map(|broker| BrokerDescription {
                id: BrokerId(broker.broker_id),
                host: broker.host.to_string(),
                port: broker.port,
                rack: broker.rack.as_ref().map(|rack| rack.to_string()),
                fenced: broker.is_fenced,
            })
            .collect();
        brokers.sort_by_key(|broker| broker.id);
        let description = ClusterDescription {
            cluster_id: Some(response.cluster_id.to_string()),
            controller: controller(response.controller_id),
            brokers,
        };
        vec![((), Ok(description))]
    }

    fn throttle_ms(&self, response: &DescribeClusterResponse) -> i32 {
        response.throttle_time_ms
    }
}

/// Describes the cluster by Metadata, for brokers before Kafka 2.8.
#[derive(Clone, Copy, Debug, Default)]
pub struct DescribeClusterByMetadata;

impl Operation for DescribeClusterByMetadata {
    type Key = ();
    type Value = ClusterDescription;
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
        Ok(metadata_request(&MetadataRequestFor::NoTopics, version))
    }

    fn answered(&self, _keys: &[()], response: MetadataResponse, _version: i16) -> Answers<Self> {
        let mut brokers: Vec<_> = response
            .brokers
            .iter()
            .map(|broker| BrokerDescription {
                id: BrokerId(broker.node_id),
                host: broker.host.to_string(),
                port: broker.port,
                rack: broker.rack.as_ref().map(|rack| rack.to_string()),
                fenced: false,
            })
            .collect();
        brokers.sort_by_key(|broker| broker.id);
        let description = ClusterDescription {
            cluster_id: response.cluster_id.as_ref().map(|id| id.to_string()),
            controller: controller(response.controller_id),
            brokers,
        };
        vec![((), Ok(description))]
    }

    fn throttle_ms(&self, response: &MetadataResponse) -> i32 {
        response.throttle_time_ms
    }
}

fn controller(id: i32) -> Option<BrokerId> {
    (id >= 0).then_some(BrokerId(id))
}
