//! What the broker at the other end can do, as its ApiVersions answer said.

use headwater_protocol::messages::api_versions::ApiVersionsResponse;
use headwater_protocol::{ApiKey, Request};
use std::collections::BTreeMap;
use std::fmt;

/// Versions of one API, both ends included.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct VersionRange {
    /// The lowest version.
    pub min: i16,
    /// The highest version.
    pub max: i16,
}

impl fmt::Display for VersionRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.min == self.max {
            write!(f, "{}", self.min)
        } else {
            write!(f, "{} to {}", self.min, self.max)
        }
    }
}

/// The broker and this client have no version of an API in common.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unsupported {
    /// The API.
    pub api: ApiKey,
    /// The versions this client would send.
    pub ours: VersionRange,
    /// The versions the broker takes; `None` where it does not know the API.
    pub theirs: Option<VersionRange>,
}

impl fmt::Display for Unsupported {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.theirs {
            None => write!(f, "the broker does not offer {}", self.api.name()),
            Some(theirs) => write!(
                f,
                "the broker offers {} in version {theirs}, this client sends version {}",
                self.api.name(),
                self.ours
            ),
        }
    }
}

impl std::error::Error for Unsupported {}

/// A feature that a broker could be finalised at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SupportedFeature {
    /// Its name, e.g. `metadata.version`.
    pub name: String,
    /// The lowest level.
    pub min: i16,
    /// The highest level.
    pub max: i16,
}

/// A feature with the levels that the cluster has finalised.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FinalizedFeature {
    /// Its name, e.g. `metadata.version`.
    pub name: String,
    /// The lowest level.
    pub min: i16,
    /// The highest level: the one in force.
    pub max: i16,
}

/// The versions and features of one broker.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BrokerVersions {
    apis: BTreeMap<i16, VersionRange>,
    supported_features: Vec<SupportedFeature>,
    finalized_features: Vec<FinalizedFeature>,
    finalized_features_epoch: Option<i64>,
}

impl BrokerVersions {
    /// Reads an ApiVersions answer.
    pub fn from_response(response: &ApiVersionsResponse) -> Self {
        let apis = response
            .api_keys
            .iter()
            .filter(|api| api.min_version <= api.max_version)
            .map(|api| (api.api_key, VersionRange { min: api.min_version, max: api.max_version }))
            .collect();
        let supported_features = response
            .supported_features
            .iter()
            .map(|feature| SupportedFeature {
                name: feature.name.to_string(),
                min: feature.min_version,
                max: feature.max_version,
            })
            .collect();
        let finalized_features = response
            .finalized_features
            .iter()
            .map(|feature| FinalizedFeature {
                name: feature.name.to_string(),
                min: feature.min_version_level,
                max: feature.max_version_level,
            })
            .collect();
        let epoch = response.finalized_features_epoch;
        Self {
            apis,
            supported_features,
            finalized_features,
            finalized_features_epoch: (epoch >= 0).then_some(epoch),
        }
    }

    /// The versions that the broker takes of an API.
    pub fn range(&self, api: ApiKey) -> Option<VersionRange> {
        self.apis.get(&api.code()).copied()
    }

    /// Every API number the broker named, also those this client does not know.
    pub fn apis(&self) -> impl Iterator<Item = (i16, VersionRange)> + '_ {
        self.apis.iter().map(|(&key, &range)| (key, range))
    }

    /// The features the broker could be finalised at.
    pub fn supported_features(&self) -> &[SupportedFeature] {
        &self.supported_features
    }

    /// The features the cluster has finalised, and since which epoch of the metadata.
    pub fn finalized_features(&self) -> (&[FinalizedFeature], Option<i64>) {
        (&self.finalized_features, self.finalized_features_epoch)
    }

    /// The highest version of a request that both sides know.
    ///
    /// # Errors
    /// When there is none; a newer client or broker is needed, or another way to ask.
    pub fn best<R: Request>(&self) -> Result<i16, Unsupported> {
        let ours = VersionRange {
            min: *<R as Request>::VERSIONS.start(),
            max: *<R as Request>::VERSIONS.end(),
        };
        let theirs = self.range(R::KEY);
        let unsupported = Unsupported { api: R::KEY, ours, theirs };
        let theirs = theirs.ok_or(unsupported)?;
        let best = ours.max.min(theirs.max);
        if best >= ours.min.max(theirs.min) { Ok(best) } else { Err(unsupported) }
    }
}
