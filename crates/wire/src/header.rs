//! What precedes a request and a response in its frame.
//!
//! The header's version follows from the API and its version: 2 when that is flexible, else 1 (version 0 left Kafka with
//! ControlledShutdown 0); of responses 1 or 0. The response of ApiVersions always has version 0, so that a client that
//! asked in a version we do not know can read the answer.

use crate::Str;
use crate::api_key::ApiKey;
use crate::message::{Message, Request};
use crate::messages;
use crate::reader::{DecodeError, Reader};
use crate::writer::{EncodeError, Part, Writer};
use std::fmt;

/// A request's header.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequestHeader {
    /// Which API.
    pub key: ApiKey,
    /// In which version; one that is served, except for ApiVersions, where it may be any.
    pub version: i16,
    /// Chosen by the client, repeated in the response.
    pub correlation_id: i32,
    /// What the client calls itself.
    pub client_id: Option<Str>,
}

/// Why a request's header is refused. Kafka closes the connection in each case.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HeaderError {
    /// An API that Kafka 4.4 does not have.
    UnknownKey(i16),
    /// A version of the API that is not served.
    Version {
        /// The API.
        key: ApiKey,
        /// The version asked for.
        version: i16,
    },
    /// Bytes that are no header.
    Malformed(DecodeError),
}

impl fmt::Display for HeaderError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::UnknownKey(key) => write!(f, "no API has the number {key}"),
            Self::Version { key, version } => write!(f, "{key} is not served in version {version}"),
            Self::Malformed(error) => write!(f, "malformed request header: {error}"),
        }
    }
}

impl std::error::Error for HeaderError {}

impl From<DecodeError> for HeaderError {
    fn from(error: DecodeError) -> Self {
        Self::Malformed(error)
    }
}

impl RequestHeader {
    /// Reads a header; the body follows in the reader. ApiVersions is read in every version, because it alone is answered
    /// in a version that is not served.
    pub fn decode(reader: &mut Reader) -> Result<Self, HeaderError> {
        let mut ahead = reader.clone();
        let code = ahead.i16()?;
        let version = ahead.i16()?;
        let key = ApiKey::from_code(code).ok_or(HeaderError::UnknownKey(code))?;
        if !key.defined_versions().contains(version) && key != ApiKey::ApiVersions {
            return Err(HeaderError::Version { key, version });
        }
        let header = messages::RequestHeader::decode(reader, request_header_version(key, version))?;
        Ok(Self { key, version, correlation_id: header.correlation_id, client_id: header.client_id })
    }

    /// Writes the header; the body follows.
    pub fn encode(&self, writer: &mut Writer) -> Result<(), EncodeError> {
        let header = messages::RequestHeader {
            request_api_key: self.key.code(),
            request_api_version: self.version,
            correlation_id: self.correlation_id,
            client_id: self.client_id.clone(),
        };
        header.encode(writer, request_header_version(self.key, self.version))
    }
}

/// A response's header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ResponseHeader {
    /// That of the request.
    pub correlation_id: i32,
}

impl ResponseHeader {
    /// Reads the header of a response to a request of this API and version.
    pub fn decode(reader: &mut Reader, key: ApiKey, version: i16) -> Result<Self, DecodeError> {
        let header = messages::ResponseHeader::decode(reader, response_header_version(key, version))?;
        Ok(Self { correlation_id: header.correlation_id })
    }

    /// Writes the header; the body follows.
    pub fn encode(self, writer: &mut Writer, key: ApiKey, version: i16) -> Result<(), EncodeError> {
        let header = messages::ResponseHeader { correlation_id: self.correlation_id };
        header.encode(writer, response_header_version(key, version))
    }
}

/// The version of the header before a request.
#[must_use]
pub const fn request_header_version(key: ApiKey, version: i16) -> i16 {
    if key.is_flexible(version) { 2 } else { 1 }
}

/// The version of the header before a response.
#[must_use]
pub const fn response_header_version(key: ApiKey, version: i16) -> i16 {
    if key.is_flexible(version) && !matches!(key, ApiKey::ApiVersions) { 1 } else { 0 }
}

/// A request with its header, without the size before it.
pub fn encode_request<R: Request>(
    request: &R,
    version: i16,
    correlation_id: i32,
    client_id: Option<Str>,
) -> Result<Vec<Part>, EncodeError> {
    let mut writer = Writer::new();
    RequestHeader { key: R::KEY, version, correlation_id, client_id }.encode(&mut writer)?;
    request.encode(&mut writer, version)?;
    Ok(writer.into_parts())
}

/// A response with its header, without the size before it. What answers ApiVersions in a version that is not served is
/// written in version 0.
pub fn encode_response<M: Message>(
    response: &M,
    key: ApiKey,
    version: i16,
    correlation_id: i32,
) -> Result<Vec<Part>, EncodeError> {
    let mut writer = Writer::new();
    ResponseHeader { correlation_id }.encode(&mut writer, key, version)?;
    response.encode(&mut writer, version)?;
    Ok(writer.into_parts())
}
