//! The admin client: a method for each admin call.

use super::client::{Client, ClientConfig};
use crate::core::admin::{
    AlterConfigs, ClusterDescription, ConfigEntry, ConfigResource, CreatePartitions, CreateTopics,
    CreatedTopic, DeleteRecords, DeleteTopics, DescribeCluster, DescribeClusterByMetadata,
    DescribeConfigs, DescribeLogDirs, DescribeTopicsByMetadata, ListOffsets, ListTopics,
    ListedOffset, LogDirDescription, PartitionKey, TopicDescription, TopicKey, TopicListing,
    TopicPages,
};
use crate::core::{AdminError, BrokerVersions, CallError, Operation, Route, SendError, Subject};
use headwater_protocol::{ApiKey, Request};
use headwater_types::{BrokerId, Offset};
use std::collections::BTreeMap;
use std::sync::Arc;

/// What came of each of the things that a call was about.
pub type Outcomes<K, V> = BTreeMap<K, Result<V, AdminError>>;

/// Administers a cluster: Headwater or Apache Kafka 2.1 and newer.
///
/// Each method carries its call out with retries until the client's call timeout is over. None is
/// undone by dropping its future: what was sent may have been carried out.
///
/// ```no_run
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// use headwater_client::core::admin::{CreateTopics, NewTopic};
/// use headwater_client::{AdminClient, ClientConfig, parse_bootstrap};
///
/// let admin = AdminClient::new(ClientConfig::new(parse_bootstrap("localhost:9092")?));
/// let orders = NewTopic { partitions: Some(12), ..Default::default() };
/// let call = CreateTopics {
///     topics: [("orders".to_owned(), orders)].into(),
///     ..Default::default()
/// };
/// for (topic, outcome) in admin.create_topics(call).await {
///     println!("{topic} has the id {}", outcome?.id);
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct AdminClient {
    client: Client,
}

impl AdminClient {
    /// An admin client over plain TCP. Nothing is connected yet.
    pub fn new(config: ClientConfig) -> Self {
        Self { client: Client::new(config) }
    }

    /// An admin client on a client that exists.
    pub fn on(client: Client) -> Self {
        Self { client }
    }

    /// The client beneath.
    pub fn client(&self) -> &Client {
        &self.client
    }

    /// Creates topics.
    pub async fn create_topics(&self, mut call: CreateTopics) -> Outcomes<String, CreatedTopic> {
        self.fill(&mut call.timeout_ms);
        self.client.run(call).await
    }

    /// Deletes topics with all their records.
    pub async fn delete_topics(&self, mut call: DeleteTopics) -> Outcomes<TopicKey, ()> {
        self.fill(&mut call.timeout_ms);
        self.client.run(call).await
    }

    /// Adds partitions to topics.
    pub async fn create_partitions(&self, mut call: CreatePartitions) -> Outcomes<String, ()> {
        self.fill(&mut call.timeout_ms);
        self.client.run(call).await
    }

    /// Lists every topic, internal ones included.
    ///
    /// # Errors
    /// When no broker answers.
    pub async fn list_topics(&self) -> Result<Vec<TopicListing>, AdminError> {
        only(self.client.run(ListTopics).await)
    }

    /// Describes topics with their partitions, page by page; by Metadata where the broker is
    /// older than Kafka 3.8, without eligible leader replicas then.
    pub async fn describe_topics(
        &self,
        topics: impl IntoIterator<Item = String>,
    ) -> Outcomes<String, TopicDescription> {
        let topics: Vec<String> = topics.into_iter().collect();
        let mut pages = TopicPages::new(topics.iter().cloned());
        while let Some(page) = pages.next() {
            match only(self.client.run(page.clone()).await) {
                Ok(page) => pages.answered(page),
                Err(error) if is_unsupported(&error) => {
                    return self.client.run(DescribeTopicsByMetadata { topics }).await;
                }
                Err(error) => {
                    return topics.into_iter().map(|topic| (topic, Err(error.clone()))).collect();
                }
            }
        }
        pages.finish()
    }

    /// Reads configs.
    pub async fn describe_configs(
        &self,
        call: DescribeConfigs,
    ) -> Outcomes<ConfigResource, Vec<ConfigEntry>> {
        self.client.run(call).await
    }

    /// Changes some configs and leaves the others alone.
    pub async fn alter_configs(&self, call: AlterConfigs) -> Outcomes<ConfigResource, ()> {
        self.client.run(call).await
    }

    /// Describes the cluster's brokers; by Metadata where the broker is older than Kafka 2.8.
    ///
    /// # Errors
    /// When no broker answers.
    pub async fn describe_cluster(
        &self,
        call: DescribeCluster,
    ) -> Result<ClusterDescription, AdminError> {
        match only(self.client.run(call).await) {
            Err(error) if is_unsupported(&error) => {
                only(self.client.run(DescribeClusterByMetadata).await)
            }
            outcome => outcome,
        }
    }

    /// Looks up places in partitions' logs.
    pub async fn list_offsets(
        &self,
        mut call: ListOffsets,
    ) -> Outcomes<PartitionKey, ListedOffset> {
        self.fill(&mut call.timeout_ms);
        self.client.run(call).await
    }

    /// Deletes the records at the start of partitions; gives the first offset that is left.
    pub async fn delete_records(&self, mut call: DeleteRecords) -> Outcomes<PartitionKey, Offset> {
        self.fill(&mut call.timeout_ms);
        self.client.run(call).await
    }

    /// Describes the log folders of brokers.
    pub async fn describe_log_dirs(
        &self,
        call: DescribeLogDirs,
    ) -> Outcomes<BrokerId, Vec<LogDirDescription>> {
        self.client.run(call).await
    }

    /// The APIs and features of whichever broker is connected.
    ///
    /// # Errors
    /// When no broker can be reached.
    pub async fn broker_versions(&self) -> Result<Arc<BrokerVersions>, AdminError> {
        let connection = self.client.connection(Route::AnyBroker).await?;
        Ok(Arc::clone(connection.versions()))
    }

    /// Carries out an operation of the caller's own.
    pub async fn run<O: Operation>(&self, operation: O) -> Outcomes<O::Key, O::Value> {
        self.client.run(operation).await
    }

    /// The broker's time for a change is the client's for the whole request.
    fn fill(&self, timeout_ms: &mut i32) {
        if *timeout_ms == 0 {
            let config = self.client.config();
            let timeout = config.request_timeout.min(config.call_timeout);
            *timeout_ms = i32::try_from(timeout.as_millis()).unwrap_or(i32::MAX);
        }
    }
}

/// The outcome of a call that is about one thing.
fn only<V>(outcomes: Outcomes<(), V>) -> Result<V, AdminError> {
    let none = || AdminError::NotAnswered {
        api: <headwater_protocol::messages::metadata::MetadataRequest as Request>::KEY,
        subject: Subject::Request,
    };
    outcomes.into_values().next().unwrap_or_else(|| Err(none()))
}

/// Whether the broker does not offer the API: an older way to ask may do.
fn is_unsupported(error: &AdminError) -> bool {
    matches!(
        error,
        AdminError::Call(CallError::Send { cause: SendError::Unsupported(unsupported), .. })
            if unsupported.api == ApiKey::DescribeTopicPartitions
                || unsupported.api == ApiKey::DescribeCluster
    )
}
