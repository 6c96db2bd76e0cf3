//! The API table: every request this broker answers, in one place. Start reading here.
//!
//! An API stands in the table when it works. Each has one handler file that reads from top to
//! bottom: parse, authorise, route, act, answer.

mod alter_configs;
mod alter_partition_reassignments;
mod alter_replica_log_dirs;
mod api_versions;
mod configs;
mod create_partitions;
mod create_topics;
mod delete_records;
mod delete_topics;
mod describe_cluster;
mod describe_configs;
mod describe_log_dirs;
mod describe_producers;
mod describe_quorum;
mod describe_topic_partitions;
mod fetch;
mod incremental_alter_configs;
mod init_producer_id;
mod list_config_resources;
mod list_offsets;
mod list_partition_reassignments;
mod metadata;
mod offset_for_leader_epoch;
mod opening;
mod own_sync;
mod produce;
mod support;

use crate::call::{Call, Step, run};
use headwater_protocol::messages;
use headwater_protocol::wire::{DecodeError, Reader};
use headwater_protocol::{ApiKey, Request};

/// One row of the table.
pub(crate) struct Api {
    /// Which API.
    pub key: ApiKey,
    /// The versions that ApiVersions offers.
    pub advertised: (i16, i16),
    /// The lowest version that is really answered. Below it the connection is closed, as in Kafka:
    /// Produce is offered from version 0 on only for the sake of old clients that take the range
    /// for a list of features.
    pub served_from: i16,
    /// Decodes, handles and encodes.
    pub handler: fn(&mut Call<'_>, &mut Reader) -> Result<Step, DecodeError>,
}

/// A row whose versions are all that the codec knows.
macro_rules! api {
    ($module:ident :: $request:ident => $handler:path) => {
        api!($module::$request, advertised from *messages::$module::$request::VERSIONS.start() => $handler)
    };
    ($module:ident :: $request:ident, advertised from $first:expr => $handler:path) => {
        Api {
            key: <messages::$module::$request as Request>::KEY,
            advertised: ($first, *messages::$module::$request::VERSIONS.end()),
            served_from: *messages::$module::$request::VERSIONS.start(),
            handler: |call, reader| run::<messages::$module::$request>(call, reader, $handler),
        }
    };
}

/// Every API that works, by key.
pub(crate) static TABLE: &[Api] = &[
    api!(produce::ProduceRequest, advertised from 0 => produce::handle),
    api!(fetch::FetchRequest => fetch::handle),
    api!(list_offsets::ListOffsetsRequest => list_offsets::handle),
    api!(metadata::MetadataRequest => metadata::handle),
    Api {
        key: ApiKey::ApiVersions,
        advertised: api_versions::VERSIONS,
        served_from: 0,
        handler: api_versions::handle_any_version,
    },
    api!(create_topics::CreateTopicsRequest => create_topics::handle),
    api!(delete_topics::DeleteTopicsRequest => delete_topics::handle),
    api!(delete_records::DeleteRecordsRequest => delete_records::handle),
    api!(init_producer_id::InitProducerIdRequest => init_producer_id::handle),
    api!(offset_for_leader_epoch::OffsetForLeaderEpochRequest => offset_for_leader_epoch::handle),
    api!(describe_configs::DescribeConfigsRequest => describe_configs::handle),
    api!(alter_configs::AlterConfigsRequest => alter_configs::handle),
    api!(alter_replica_log_dirs::AlterReplicaLogDirsRequest => alter_replica_log_dirs::handle),
    api!(describe_log_dirs::DescribeLogDirsRequest => describe_log_dirs::handle),
    api!(create_partitions::CreatePartitionsRequest => create_partitions::handle),
    api!(incremental_alter_configs::IncrementalAlterConfigsRequest =>
        incremental_alter_configs::handle),
    api!(alter_partition_reassignments::AlterPartitionReassignmentsRequest =>
        alter_partition_reassignments::handle),
    api!(list_partition_reassignments::ListPartitionReassignmentsRequest =>
        list_partition_reassignments::handle),
    api!(describe_quorum::DescribeQuorumRequest => describe_quorum::handle),
    api!(describe_cluster::DescribeClusterRequest => describe_cluster::handle),
    api!(describe_producers::DescribeProducersRequest => describe_producers::handle),
    api!(list_config_resources::ListConfigResourcesRequest => list_config_resources::handle),
    api!(describe_topic_partitions::DescribeTopicPartitionsRequest =>
        describe_topic_partitions::handle),
];

/// The row for a request with its number, if its API works and its version is answered.
pub(crate) fn find(api_key: i16, api_version: i16) -> Option<(usize, &'static Api)> {
    let (row, api) = TABLE.iter().enumerate().find(|(_, api)| api.key.code() == api_key)?;
    let known = (api.served_from..=api.advertised.1).contains(&api_version);
    // Which versions of ApiVersions a broker knows is told by its answer, whatever was asked.
    (known || api.key == ApiKey::ApiVersions).then_some((row, api))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_in_order_and_names_each_api_once() {
        assert!(TABLE.windows(2).all(|pair| pair[0].key.code() < pair[1].key.code()));
    }

    #[test]
    fn versions_that_are_not_answered_are_not_found() {
        assert!(find(ApiKey::Produce.code(), 2).is_none(), "offered, but not answered");
        assert!(find(ApiKey::Produce.code(), 3).is_some());
        assert!(find(ApiKey::Produce.code(), 99).is_none());
        assert!(find(ApiKey::JoinGroup.code(), 5).is_none(), "not until groups work");
        assert!(find(ApiKey::ApiVersions.code(), 99).is_some(), "it has an answer to any version");
        assert!(find(-1, 0).is_none());
    }
}
