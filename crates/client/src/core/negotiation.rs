//! The first exchange on a connection: which versions does the broker take?
//!
//! The client asks with its newest ApiVersions. A broker that does not know that version answers
//! in the layout of version 0 with UNSUPPORTED_VERSION and the range it takes (KIP-511); the
//! client then asks once more, within that range.

use super::codec::{ApiVersionsAnswer, decode_api_versions};
use super::error::ConnectionError;
use super::versions::{BrokerVersions, VersionRange};
use bytes::Bytes;
use headwater_protocol::Request;
use headwater_protocol::messages::api_versions::ApiVersionsRequest;
use headwater_protocol::wire::Str;
use headwater_types::ErrorCode;

/// What an ApiVersions answer leads to.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// Ask again in this version.
    AskAgain(i16),
    /// Both sides know each other.
    Agreed(BrokerVersions),
}

/// The exchange under way.
#[derive(Debug)]
pub(super) struct Negotiation {
    version: i16,
    downgraded: bool,
}

impl Negotiation {
    pub(super) fn new() -> Self {
        Self { version: *<ApiVersionsRequest as Request>::VERSIONS.end(), downgraded: false }
    }

    /// The version to ask in.
    pub(super) fn version(&self) -> i16 {
        self.version
    }

    /// The request to send in [`Negotiation::version`].
    pub(super) fn request(name: &Str, version: &Str) -> ApiVersionsRequest {
        ApiVersionsRequest {
            client_software_name: name.clone(),
            client_software_version: version.clone(),
            ..Default::default()
        }
    }

    /// Takes the body of an answer to the request in the version asked last.
    pub(super) fn answered(&mut self, body: Bytes) -> Result<Step, ConnectionError> {
        let response = match decode_api_versions(body, self.version)? {
            ApiVersionsAnswer::Versions(response) => response,
            ApiVersionsAnswer::UnsupportedVersion(theirs) => return self.downgrade(theirs),
        };
        let code = response.error_code;
        if code == ErrorCode::None.code() {
            return Ok(Step::Agreed(BrokerVersions::from_response(&response)));
        }
        // Some brokers refuse the software name of version 3 in their own ways; version 2 has none.
        if code == ErrorCode::InvalidRequest.code() && self.version >= 3 && !self.downgraded {
            return self.downgrade(Some(VersionRange { min: 0, max: 2 }));
        }
        Err(ConnectionError::NegotiationRefused { code })
    }

    fn downgrade(&mut self, theirs: Option<VersionRange>) -> Result<Step, ConnectionError> {
        let ours = VersionRange {
            min: *<ApiVersionsRequest as Request>::VERSIONS.start(),
            max: *<ApiVersionsRequest as Request>::VERSIONS.end(),
        };
        // A broker from before KIP-511 names no range: it knows version 0.
        let theirs = theirs.unwrap_or(VersionRange { min: 0, max: 0 });
        let version = ours.max.min(theirs.max);
        let common = version >= ours.min.max(theirs.min);
        // The broker has just refused a version: only a lower one can bring us further.
        if self.downgraded || !common || version >= self.version {
            return Err(ConnectionError::NoCommonApiVersions { ours, theirs });
        }
        self.downgraded = true;
        self.version = version;
        Ok(Step::AskAgain(version))
    }
}
