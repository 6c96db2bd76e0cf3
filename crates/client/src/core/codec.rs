//! The few places where the client core touches the wire codec.

use super::error::{ConnectionError, SendError};
use super::versions::VersionRange;
use bytes::Bytes;
use headwater_protocol::header::{self, ResponseHeader};
use headwater_protocol::messages::api_versions::{ApiVersionsRequest, ApiVersionsResponse};
use headwater_protocol::wire::{Reader, Segment, Str, Writer};
use headwater_protocol::{ApiKey, Message, Request};
use headwater_types::ErrorCode;

/// A request as a whole frame, length included, in segments to be written one after another.
///
/// # Errors
/// When the request holds something that the version cannot carry.
pub fn encode_request<R: Request>(
    request: &R,
    version: i16,
    correlation_id: i32,
    client_id: Option<Str>,
) -> Result<Vec<Segment>, SendError> {
    let failed = |reason: String| SendError::Encode { api: R::KEY, version, reason };
    let mut writer = Writer::new();
    header::encode_request(&mut writer, request, version, correlation_id, client_id)
        .map_err(|error| failed(error.to_string()))?;
    writer.finish_frame().map_err(|error| failed(error.to_string()))
}

/// The number of the request that a frame answers: the first four bytes of every answer.
pub(super) fn correlation_id(frame: &Bytes) -> Result<i32, ConnectionError> {
    frame.first_chunk::<4>().map(|bytes| i32::from_be_bytes(*bytes)).ok_or_else(|| {
        ConnectionError::MalformedHeader { reason: format!("{} bytes in all", frame.len()) }
    })
}

/// Takes the header off an answer and leaves its body.
pub(super) fn body_of(frame: Bytes, api: ApiKey, version: i16) -> Result<Bytes, ConnectionError> {
    let mut reader = Reader::new(frame);
    ResponseHeader::decode(&mut reader, api.response_header_version(version))
        .map_err(|error| ConnectionError::MalformedHeader { reason: error.to_string() })?;
    Ok(reader.into_rest())
}

/// What an ApiVersions answer holds.
pub(super) enum ApiVersionsAnswer {
    /// The answer in the version that was asked.
    Versions(ApiVersionsResponse),
    /// UNSUPPORTED_VERSION, in the layout of version 0, with the range the broker takes of
    /// ApiVersions if it names one (KIP-511).
    UnsupportedVersion(Option<VersionRange>),
}

/// Reads an ApiVersions answer; its error code stands first in every version.
pub(super) fn decode_api_versions(
    body: Bytes,
    version: i16,
) -> Result<ApiVersionsAnswer, ConnectionError> {
    let decode = |body: Bytes, version: i16| {
        ApiVersionsResponse::decode(&mut Reader::new(body), version).map_err(|error| {
            ConnectionError::MalformedApiVersions { version, reason: error.to_string() }
        })
    };
    let code = body.first_chunk::<2>().map(|bytes| i16::from_be_bytes(*bytes));
    if code != Some(ErrorCode::UnsupportedVersion.code()) {
        return decode(body, version).map(ApiVersionsAnswer::Versions);
    }
    let response = decode(body, 0)?;
    let key = ApiVersionsRequest::KEY.code();
    let range = response
        .api_keys
        .iter()
        .find(|api| api.api_key == key)
        .map(|api| VersionRange { min: api.min_version, max: api.max_version });
    Ok(ApiVersionsAnswer::UnsupportedVersion(range))
}
