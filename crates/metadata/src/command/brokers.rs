//! Commands about brokers and features.

use crate::image::{Endpoint, FeatureRange};
use headwater_types::{BrokerId, DirectoryId, Uuid};

/// Makes a broker's incarnation known. Sent again by the same incarnation, it keeps its epoch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RegisterBroker {
    /// Its node id.
    pub broker: BrokerId,
    /// The cluster it belongs to, where its folders name one.
    pub cluster_id: Option<String>,
    /// Drawn by its process at its start.
    pub incarnation_id: Uuid,
    /// Its advertised listeners.
    pub endpoints: Vec<Endpoint>,
    /// What it can live with.
    pub features: Vec<(String, FeatureRange)>,
    /// Its rack, where one is configured.
    pub rack: Option<String>,
    /// The ids of its log folders.
    pub log_dirs: Vec<DirectoryId>,
    /// Whether it starts fenced, as a broker of a larger cluster does until it has caught up. A
    /// single node may start unfenced.
    pub fenced: bool,
}

/// Hands a broker the next block of producer ids.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AllocateProducerIds {
    /// Who asks.
    pub broker: BrokerId,
    /// Its epoch.
    pub broker_epoch: i64,
}

/// Changes the finalised levels of features: all of them or none.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct UpdateFeatures {
    /// The wishes.
    pub updates: Vec<FeatureUpdate>,
    /// Checks everything and changes nothing.
    pub validate_only: bool,
}

/// The wished level of one feature.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FeatureUpdate {
    /// The feature's name.
    pub name: String,
    /// The level; 0 removes it from the finalised features.
    pub level: i16,
    /// Which way it may go.
    pub upgrade_type: UpgradeType,
}

/// Which way a feature's level may go, with Kafka's numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(i8)]
pub enum UpgradeType {
    /// A number that Kafka does not know.
    Unknown = 0,
    /// Upwards only.
    Upgrade = 1,
    /// Downwards where nothing is lost.
    SafeDowngrade = 2,
    /// Downwards in any case.
    UnsafeDowngrade = 3,
}

impl UpgradeType {
    /// The type behind Kafka's number.
    pub const fn from_code(code: i8) -> Self {
        match code {
            1 => Self::Upgrade,
            2 => Self::SafeDowngrade,
            3 => Self::UnsafeDowngrade,
            _ => Self::Unknown,
        }
    }
}
