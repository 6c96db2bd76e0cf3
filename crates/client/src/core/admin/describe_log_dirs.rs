//! DescribeLogDirs.

use super::PartitionKey;
use crate::core::operation::{Answers, Operation, controller_advice};
use crate::core::{Advice, Destination, Refusal, Subject};
use headwater_protocol::Request;
use headwater_protocol::messages::describe_log_dirs::{
    DescribeLogDirsRequest, DescribeLogDirsResponse,
};
use headwater_types::BrokerId;
use std::collections::BTreeMap;

/// A log folder of a broker.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogDirDescription {
    /// Its path on the broker's machine.
    pub path: String,
    /// Why it cannot be used, if so.
    pub error: Option<Refusal>,
    /// Bytes of the file system, where the broker says so (since version 4).
    pub total_bytes: Option<i64>,
    /// Bytes that are free on it.
    pub usable_bytes: Option<i64>,
    /// The replicas in it.
    pub replicas: BTreeMap<PartitionKey, ReplicaLog>,
}

/// A replica in a log folder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReplicaLog {
    /// Bytes of its segments.
    pub size_bytes: i64,
    /// How far it is behind: the high watermark for the current replica, the current replica for
    /// a future one.
    pub offset_lag: i64,
    /// Whether it is being moved here and will replace the current one.
    pub future: bool,
}

/// Describes the log folders of brokers.
#[derive(Clone, Debug, Default)]
pub struct DescribeLogDirs {
    /// Which brokers.
    pub brokers: Vec<BrokerId>,
}

impl Operation for DescribeLogDirs {
    type Key = BrokerId;
    type Value = Vec<LogDirDescription>;
    type Request = DescribeLogDirsRequest;

    fn keys(&self) -> Vec<BrokerId> {
        self.brokers.clone()
    }

    fn subject(&self, key: &BrokerId) -> Subject {
        Subject::Broker(*key)
    }

    fn destination(&self, key: &BrokerId) -> Destination {
        Destination::Broker(*key)
    }

    fn request(
        &self,
        _keys: &[BrokerId],
        _version: i16,
    ) -> Result<DescribeLogDirsRequest, &'static str> {
        Ok(DescribeLogDirsRequest { topics: None, ..Default::default() })
    }

    fn answered(
        &self,
        keys: &[BrokerId],
        response: DescribeLogDirsResponse,
        _version: i16,
    ) -> Answers<Self> {
        let api = DescribeLogDirsRequest::KEY;
        // One request goes to one broker: all keys are that broker.
        let Some(&broker) = keys.first() else { return Vec::new() };
        let subject = || Subject::Broker(broker);
        if let Some(refusal) = Refusal::from_code(api, subject, response.error_code, None) {
            return vec![(broker, Err(refusal))];
        }
        let known = |bytes: i64| (bytes >= 0).then_some(bytes);
        let folders = response
            .results
            .iter()
            .map(|folder| {
                let path = folder.log_dir.to_string();
                let subject = || Subject::LogDir { broker, path: path.clone() };
                let replicas = folder.topics.iter().flat_map(|topic| {
                    topic.partitions.iter().map(|partition| {
                        let key =
                            PartitionKey::new(topic.name.to_string(), partition.partition_index);
                        let replica = ReplicaLog {
                            size_bytes: partition.partition_size,
                            offset_lag: partition.offset_lag,
                            future: partition.is_future_key,
                        };
                        (key, replica)
                    })
                });
                LogDirDescription {
                    error: Refusal::from_code(api, subject, folder.error_code, None),
                    total_bytes: known(folder.total_bytes),
                    usable_bytes: known(folder.usable_bytes),
                    replicas: replicas.collect(),
                    path,
                }
            })
            .collect();
        vec![(broker, Ok(folders))]
    }

    fn throttle_ms(&self, response: &DescribeLogDirsResponse) -> i32 {
        response.throttle_time_ms
    }

    fn advice(&self, refusal: &Refusal) -> Advice {
        controller_advice(refusal)
    }
}
