//! DeleteRecords.

use super::{PartitionKey, by_topic, text};
use crate::core::operation::{Answers, Operation};
use crate::core::{Destination, Refusal, Subject};
use headwater_protocol::Request;
use headwater_protocol::messages::delete_records::{
    DeleteRecordsPartition, DeleteRecordsRequest, DeleteRecordsResponse, DeleteRecordsTopic,
};
use headwater_types::{EndOffset, Offset};
use std::collections::BTreeMap;

/// Deletes the records at the start of partitions.
#[derive(Clone, Debug, Default)]
pub struct DeleteRecords {
    /// Up to where: the record at that offset stays. `None` deletes everything below the high
    /// watermark.
    pub before: BTreeMap<PartitionKey, Option<EndOffset>>,
    /// How long the replicas may take in milliseconds; 0 leaves it to the client.
    pub timeout_ms: i32,
}

impl Operation for DeleteRecords {
    type Key = PartitionKey;
    /// The first record that is there now.
    type Value = Offset;
    type Request = DeleteRecordsRequest;

    fn keys(&self) -> Vec<PartitionKey> {
        self.before.keys().cloned().collect()
    }

    fn subject(&self, key: &PartitionKey) -> Subject {
        key.subject()
    }

    fn destination(&self, key: &PartitionKey) -> Destination {
        key.leader()
    }

    fn request(
        &self,
        keys: &[PartitionKey],
        _version: i16,
    ) -> Result<DeleteRecordsRequest, &'static str> {
        let topics = by_topic(keys)
            .into_iter()
            .map(|(topic, partitions)| DeleteRecordsTopic {
                name: text(topic),
                partitions: partitions
                    .into_iter()
                    .filter_map(|partition| {
                        let before = self.before.get(&PartitionKey::new(topic, partition))?;
                        Some(DeleteRecordsPartition {
                            partition_index: partition,
                            offset: before.map_or(-1, |end| end.0),
                            ..Default::default()
                        })
                    })
                    .collect(),
                ..Default::default()
            })
            .collect();
        Ok(DeleteRecordsRequest { topics, timeout_ms: self.timeout_ms, ..Default::default() })
    }

    fn answered(
        &self,
        _keys: &[PartitionKey],
        response: DeleteRecordsResponse,
        _version: i16,
    ) -> Answers<Self> {
        let api = DeleteRecordsRequest::KEY;
        let mut results = Vec::new();
        for topic in &response.topics {
            for partition in &topic.partitions {
                let key = PartitionKey::new(topic.name.to_string(), partition.partition_index);
                let subject = || key.subject();
                let refusal = Refusal::from_code(api, subject, partition.error_code, None);
                results.push((key, refusal.map_or(Ok(Offset(partition.low_watermark)), Err)));
            }
        }
        results
    }

    fn throttle_ms(&self, response: &DeleteRecordsResponse) -> i32 {
        response.throttle_time_ms
    }
}
