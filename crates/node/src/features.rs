//! The features that this broker tells clients of, under Kafka's names.
//!
//! Clients decide by some of them how to speak (`group.version`, `transaction.version`), tools show
//! them all. A feature's level is what works here: one that is not built yet is at level 0, which
//! Kafka leaves out of the finalised list.

use headwater_metadata::image::Image;

/// One feature and the levels this broker can live with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Feature {
    /// Kafka's name.
    pub name: &'static str,
    /// Lowest level.
    pub min_level: i16,
    /// Highest level.
    pub max_level: i16,
    /// The level in force.
    level: i16,
}

const fn feature(name: &'static str, levels: (i16, i16), level: i16) -> Feature {
    Feature { name, min_level: levels.0, max_level: levels.1, level }
}

/// `metadata.version` 4.3-IV0, the level that Apache Kafka 4.3.1 formats a new cluster with.
const METADATA_VERSION: i16 = 30;

/// What ApiVersions lists, sorted by name.
pub static SUPPORTED: &[Feature] = &[
    feature("eligible.leader.replicas.version", (0, 1), 1),
    feature("group.version", (0, 1), 0),
    feature("kraft.version", (0, 1), 0),
    feature("metadata.version", (7, METADATA_VERSION), METADATA_VERSION),
    feature("share.version", (0, 1), 0),
    feature("streams.version", (0, 1), 0),
    feature("transaction.version", (0, 2), 0),
];

/// The finalised features with their levels; those at level 0 are left out.
pub fn finalized(_image: &Image) -> impl Iterator<Item = (&'static str, i16)> {
    SUPPORTED
        .iter()
        .filter(|feature| feature.level > 0)
        .map(|feature| (feature.name, feature.level))
}
