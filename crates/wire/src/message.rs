//! What every message has in common: a name, versions, and two directions.
//!
//! Decoding tolerates bytes after the message (Kafka ignores them; `Reader::remaining` tells how many), and reads a tagged
//! field that stands twice as its last. Tagged fields that no definition knows are skipped and not kept.

use crate::api_key::ApiKey;
use crate::reader::{DecodeError, Readable, Reader};
use crate::versions::Versions;
use crate::writer::{EncodeError, Writable, Writer};
use bytes::Bytes;
use std::fmt::Debug;

/// A message of the protocol or a record of one of Kafka's own logs. `Default` is Kafka's default of each field.
pub trait Message: Readable + Writable + Default + Clone + Debug + PartialEq {
    /// Kafka's name.
    const NAME: &'static str;
    /// The versions that exist.
    const VERSIONS: Versions;
    /// The first version with compact lengths and tagged fields.
    const FLEXIBLE: Option<i16>;

    /// Whether a version has compact lengths and tagged fields.
    #[must_use]
    fn is_flexible(version: i16) -> bool {
        Self::FLEXIBLE.is_some_and(|first| version >= first)
    }

    /// Reads a message; what follows it stays in the reader.
    fn decode(reader: &mut Reader, version: i16) -> Result<Self, DecodeError> {
        if !Self::VERSIONS.contains(version) {
            return Err(DecodeError::Version { name: Self::NAME, version });
        }
        reader.set_version(version, Self::is_flexible(version));
        Self::read(reader)
    }

    /// Writes a message. Refuses a value that the version cannot express and that may not be dropped.
    fn encode(&self, writer: &mut Writer, version: i16) -> Result<(), EncodeError> {
        if !Self::VERSIONS.contains(version) {
            return Err(EncodeError::Version { name: Self::NAME, version });
        }
        writer.set_version(Self::NAME, version, Self::is_flexible(version));
        self.write(writer)
    }

    /// Reads a message from bytes of its own, with the usual budget.
    fn from_bytes(bytes: Bytes, version: i16) -> Result<Self, DecodeError> {
        Self::decode(&mut Reader::for_frame(bytes), version)
    }

    /// Writes a message to bytes of its own; refuses one with holes.
    fn to_bytes(&self, version: i16) -> Result<Bytes, EncodeError> {
        let mut writer = Writer::new();
        self.encode(&mut writer, version)?;
        writer.into_bytes()
    }
}

/// A request: its API and what answers it.
pub trait Request: Message {
    /// The API.
    const KEY: ApiKey;
    /// The answer, in the same version.
    type Response: Message;
}
