//! What stands before a request and before a response, and both in one go.

use crate::wire::{DecodeError, EncodeError, Reader, Str, TaggedFields, Writer};
use crate::{ApiKey, Message, Request};

/// The header of a request.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RequestHeader {
    /// The API's number, which need not be one that [`ApiKey`] knows.
    pub api_key: i16,
    /// The request's version, which need not exist.
    pub api_version: i16,
    /// Chosen by the client; the response carries it.
    pub correlation_id: i32,
    /// The client's name of itself.
    pub client_id: Option<Str>,
    /// Tagged fields, of which none is defined yet.
    pub unknown_tagged_fields: TaggedFields,
}

impl RequestHeader {
    /// Reads a header.
    ///
    /// Of an API or version that is unknown only the part is read that all headers share: the
    /// bytes behind it mean nothing then. So an `ApiVersions` request from the future can be
    /// answered (KIP-511), and anything else be refused by name.
    ///
    /// # Errors
    ///
    /// The bytes are no header.
    pub fn decode(r: &mut Reader) -> Result<Self, DecodeError> {
        let api_key = r.i16()?;
        let api_version = r.i16()?;
        let correlation_id = r.i32()?;
        // The client id keeps its classic length in flexible headers too, so that a broker can
        // read it whatever the version.
        let client_id = r.classic_nullable_string()?;
        let flexible = ApiKey::from_code(api_key).is_some_and(|key| {
            key.versions().contains(&api_version) && key.request_header_version(api_version) == 2
        });
        r.set_flexible(flexible);
        let unknown_tagged_fields = r.tagged_fields()?;
        Ok(Self { api_key, api_version, correlation_id, client_id, unknown_tagged_fields })
    }

    /// Writes the header in the layout that its API and version ask for.
    ///
    /// # Errors
    ///
    /// The client id is longer than 32767 bytes, or there are tagged fields where there can be
    /// none.
    pub fn encode(&self, w: &mut Writer) -> Result<(), EncodeError> {
        w.i16(self.api_key);
        w.i16(self.api_version);
        w.i32(self.correlation_id);
        w.classic_nullable_string(self.client_id.as_deref())?;
        w.set_flexible(
            ApiKey::from_code(self.api_key)
                .is_some_and(|key| key.request_header_version(self.api_version) == 2),
        );
        w.tagged_fields(&self.unknown_tagged_fields)
    }
}

/// The header of a response.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ResponseHeader {
    /// The one of the request.
    pub correlation_id: i32,
    /// Tagged fields, of which none is defined yet.
    pub unknown_tagged_fields: TaggedFields,
}

impl ResponseHeader {
    /// Reads a header of the version that [`ApiKey::response_header_version`] gives.
    ///
    /// # Errors
    ///
    /// The bytes are no header.
    pub fn decode(r: &mut Reader, header_version: i16) -> Result<Self, DecodeError> {
        let correlation_id = r.i32()?;
        r.set_flexible(header_version >= 1);
        Ok(Self { correlation_id, unknown_tagged_fields: r.tagged_fields()? })
    }

    /// Writes the header at the version that [`ApiKey::response_header_version`] gives.
    ///
    /// # Errors
    ///
    /// There are tagged fields where there can be none.
    pub fn encode(&self, w: &mut Writer, header_version: i16) -> Result<(), EncodeError> {
        w.i32(self.correlation_id);
        w.set_flexible(header_version >= 1);
        w.tagged_fields(&self.unknown_tagged_fields)
    }
}

/// Writes header and body of a request.
///
/// # Errors
///
/// As [`Message::encode`].
pub fn encode_request<R: Request>(
    w: &mut Writer,
    request: &R,
    version: i16,
    correlation_id: i32,
    client_id: Option<Str>,
) -> Result<(), EncodeError> {
    let header = RequestHeader {
        api_key: R::KEY.code(),
        api_version: version,
        correlation_id,
        client_id,
        unknown_tagged_fields: TaggedFields::default(),
    };
    header.encode(w)?;
    request.encode(w, version)
}

/// Writes header and body of the response to a request of type `R`.
///
/// # Errors
///
/// As [`Message::encode`].
pub fn encode_response<R: Request>(
    w: &mut Writer,
    response: &R::Response,
    version: i16,
    correlation_id: i32,
) -> Result<(), EncodeError> {
    let header = ResponseHeader { correlation_id, unknown_tagged_fields: TaggedFields::default() };
    header.encode(w, R::KEY.response_header_version(version))?;
    response.encode(w, version)
}

/// Reads header and body of the response to a request of type `R`: correlation id and response.
///
/// # Errors
///
/// As [`Message::decode`].
pub fn decode_response<R: Request>(
    r: &mut Reader,
    version: i16,
) -> Result<(i32, R::Response), DecodeError> {
    let header = ResponseHeader::decode(r, R::KEY.response_header_version(version))?;
    Ok((header.correlation_id, R::Response::decode(r, version)?))
}
