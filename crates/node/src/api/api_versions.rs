//! ApiVersions: what this broker can do. The first request of nearly every client.

use super::TABLE;
use crate::call::{Answer, Call, Step, run};
use crate::features;
use headwater_protocol::messages::api_versions::{
    ApiVersion, ApiVersionsRequest, ApiVersionsResponse, FinalizedFeatureKey, SupportedFeatureKey,
};
use headwater_protocol::wire::Str;
use headwater_protocol::wire::{DecodeError, Reader};
use headwater_protocol::{ApiKey, Request};
use headwater_types::ErrorCode;

/// The versions of this API itself.
pub(super) const VERSIONS: (i16, i16) =
    (*ApiVersionsRequest::VERSIONS.start(), *ApiVersionsRequest::VERSIONS.end());

/// First version in which a client must say what it is (KIP-511).
const NAMES_SOFTWARE_FROM: i16 = 3;
/// First version whose clients cope with features that start at level 0 (KAFKA-17011).
const LEVEL_ZERO_FROM: i16 = 4;

/// A version that this broker does not know is answered in the layout of version 0, with an error
/// and the versions of this one API, so that the client can ask again (KIP-511).
pub(super) fn handle_any_version(
    call: &mut Call<'_>,
    reader: &mut Reader,
) -> Result<Step, DecodeError> {
    if (VERSIONS.0..=VERSIONS.1).contains(&call.api_version) {
        return run::<ApiVersionsRequest>(call, reader, handle);
    }
    let response = ApiVersionsResponse {
        error_code: ErrorCode::UnsupportedVersion.code(),
        api_keys: vec![ApiVersion {
            api_key: ApiKey::ApiVersions.code(),
            min_version: VERSIONS.0,
            max_version: VERSIONS.1,
            ..ApiVersion::default()
        }],
        ..ApiVersionsResponse::default()
    };
    call.api_version = 0;
    Ok(call.encode::<ApiVersionsRequest>(&response).map_or(Step::Close, Step::Ready))
}

fn handle(call: &mut Call<'_>, request: ApiVersionsRequest) -> Answer<ApiVersionsResponse> {
    if call.api_version >= NAMES_SOFTWARE_FROM {
        let (name, version) = (request.client_software_name, request.client_software_version);
        if !is_software_word(&name) || !is_software_word(&version) {
            return Answer::Now(ApiVersionsResponse {
                error_code: ErrorCode::InvalidRequest.code(),
                ..ApiVersionsResponse::default()
            });
        }
        call.software = Some((name, version));
    }
    let image = &call.view.image;
    Answer::Now(ApiVersionsResponse {
        error_code: ErrorCode::None.code(),
        api_keys: TABLE
            .iter()
            .map(|api| ApiVersion {
                api_key: api.key.code(),
                min_version: api.advertised.0,
                max_version: api.advertised.1,
                ..ApiVersion::default()
            })
            .collect(),
        supported_features: features::SUPPORTED
            .iter()
            .filter(|feature| call.api_version >= LEVEL_ZERO_FROM || feature.min_level > 0)
            .map(|feature| SupportedFeatureKey {
                name: Str::from_static(feature.name),
                min_version: feature.min_level,
                max_version: feature.max_level,
                ..SupportedFeatureKey::default()
            })
            .collect(),
        finalized_features_epoch: image.position().end.0,
        finalized_features: features::finalized(image)
            .map(|(name, level)| FinalizedFeatureKey {
                name: Str::from(name),
                max_version_level: level,
                min_version_level: level,
                ..FinalizedFeatureKey::default()
            })
            .collect(),
        ..ApiVersionsResponse::default()
    })
}

/// Whether a text may name client software: letters, digits, `-` and `.`, the latter two inside.
fn is_software_word(text: &str) -> bool {
    let bytes = text.as_bytes();
    let ends_well = |end: Option<&u8>| end.is_some_and(u8::is_ascii_alphanumeric);
    ends_well(bytes.first())
        && ends_well(bytes.last())
        && bytes.iter().all(|&byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'.')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn software_names_follow_kip_511() {
        for good in ["a", "librdkafka", "apache-kafka-java", "2.12.1", "v1.0-rc1"] {
            assert!(is_software_word(good), "{good}");
        }
        for bad in ["", "-a", "a-", ".5", "5.", "a b", "é"] {
            assert!(!is_software_word(bad), "{bad}");
        }
    }
}
