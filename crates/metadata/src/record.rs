//! The records of the metadata log: what `decide` emits and `apply` takes.
//!
//! They are generated from `proto/headwater/metadata.proto`. Here are the words that connect them
//! with the rest of the crate; nothing decides here.

pub use crate::generated::metadata::metadata_record::Kind;
pub use crate::generated::metadata::{
    BrokerEpochRecord, BrokerRecord, ClusterRecord, ConfigRecord, Endpoint as EndpointRecord,
    FeatureLevelRecord, FeatureRange as FeatureRangeRecord, Id, MetadataEntry, MetadataRecord,
    PartitionRecord, ProducerIdsRecord, RemoveBrokerRecord, RemoveTopicRecord, TopicRecord,
};

use headwater_types::Uuid;

impl From<Uuid> for Id {
    fn from(id: Uuid) -> Self {
        let bits = u128::from_be_bytes(id.0);
        Self { high: (bits >> 64) as u64, low: bits as u64 }
    }
}

impl From<Id> for Uuid {
    fn from(id: Id) -> Self {
        Uuid((u128::from(id.high) << 64 | u128::from(id.low)).to_be_bytes())
    }
}

impl From<Kind> for MetadataRecord {
    fn from(kind: Kind) -> Self {
        Self { kind: Some(kind) }
    }
}

/// Reads an optional id; an absent one is [`Uuid::ZERO`].
pub(crate) fn uuid(id: Option<Id>) -> Uuid {
    id.map_or(Uuid::ZERO, Uuid::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_survive_the_record() {
        for bytes in [[0u8; 16], [0xff; 16], *b"0123456789abcdef"] {
            assert_eq!(Uuid::from(Id::from(Uuid(bytes))), Uuid(bytes));
        }
    }
}
