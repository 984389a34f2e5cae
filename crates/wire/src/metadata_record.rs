//! The records of `__cluster_metadata`, as they stand in the value of a record: frame version 1, the record's key and
//! version as variable-length integers, then the message (`MetadataRecordSerde`).
//!
//! Tagged fields that a later Kafka added are not kept: a record that is read and written again loses them.

use crate::message::Message;
use crate::messages::*;
use crate::reader::{DecodeError, Reader};
use crate::versions::Versions;
use crate::writer::{EncodeError, Writer};
use bytes::Bytes;
use std::fmt;

/// The only frame version there is.
const FRAME_VERSION: u32 = 1;

/// Why bytes are no metadata record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MetadataRecordError {
    /// A frame version that Kafka 4.4 does not have.
    Frame(u32),
    /// A key that Kafka 4.4 does not have.
    UnknownKey(u32),
    /// A version of the record that Kafka 4.4 does not have.
    Version {
        /// The record's key.
        key: u32,
        /// Its version.
        version: u32,
    },
    /// Bytes behind the record.
    Trailing(usize),
    /// Bytes that are no record.
    Malformed(DecodeError),
}

impl fmt::Display for MetadataRecordError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Frame(version) => {
                write!(f, "metadata record in frame version {version}, which is not known")
            }
            Self::UnknownKey(key) => write!(f, "metadata record with key {key}, which is not known"),
            Self::Version { key, version } => write!(f, "metadata record {key} has no version {version}"),
            Self::Trailing(len) => write!(f, "{len} bytes behind a metadata record"),
            Self::Malformed(error) => write!(f, "malformed metadata record: {error}"),
        }
    }
}

impl std::error::Error for MetadataRecordError {}

impl From<DecodeError> for MetadataRecordError {
    fn from(error: DecodeError) -> Self {
        Self::Malformed(error)
    }
}

macro_rules! metadata_records {
    ($($name:ident($message:ident) = $key:literal;)*) => {
        /// A record of the metadata log.
        #[derive(Clone, Debug, PartialEq)]
        #[allow(clippy::large_enum_variant)]
        pub enum MetadataRecord {
            $(#[doc = stringify!($message)] $name($message),)*
        }

        $(impl From<$message> for MetadataRecord {
            fn from(message: $message) -> Self {
                Self::$name(message)
            }
        })*

        impl MetadataRecord {
            /// Every key, with the record's name and versions, in the order of the keys.
            pub const ALL: &[(u32, &str, Versions)] = &[$(($key, $message::NAME, $message::VERSIONS)),*];

            /// Its number in the frame.
            #[must_use]
            pub const fn key(&self) -> u32 {
                match self {
                    $(Self::$name(_) => $key,)*
                }
            }

            /// Kafka's name.
            #[must_use]
            pub const fn name(&self) -> &'static str {
                match self {
                    $(Self::$name(_) => $message::NAME,)*
                }
            }

            /// The versions it can be written in.
            #[must_use]
            pub const fn versions(&self) -> Versions {
                match self {
                    $(Self::$name(_) => $message::VERSIONS,)*
                }
            }

            fn read(reader: &mut Reader, key: u32, version: i16) -> Result<Option<Self>, DecodeError> {
                Ok(Some(match key {
                    $($key => Self::$name($message::decode(reader, version)?),)*
                    _ => return Ok(None),
                }))
            }

            fn write(&self, writer: &mut Writer, version: i16) -> Result<(), EncodeError> {
                match self {
                    $(Self::$name(message) => message.encode(writer, version),)*
                }
            }
        }
    };
}

include!(concat!(env!("OUT_DIR"), "/metadata_records.rs"));

impl MetadataRecord {
    /// Reads the value of a record of the metadata log; the record, and the version it was written in.
    pub fn decode(value: Bytes) -> Result<(Self, i16), MetadataRecordError> {
        let mut reader = Reader::for_frame(value);
        let frame = reader.uvarint()?;
        if frame != FRAME_VERSION {
            return Err(MetadataRecordError::Frame(frame));
        }
        let key = reader.uvarint()?;
        let raw = reader.uvarint()?;
        let Some((_, _, versions)) = Self::ALL.iter().find(|(known, ..)| *known == key) else {
            return Err(MetadataRecordError::UnknownKey(key));
        };
        let version = i16::try_from(raw).ok().filter(|version| versions.contains(*version));
        let version = version.ok_or(MetadataRecordError::Version { key, version: raw })?;
        let record = Self::read(&mut reader, key, version)?.ok_or(MetadataRecordError::UnknownKey(key))?;
        match reader.remaining() {
            0 => Ok((record, version)),
            left => Err(MetadataRecordError::Trailing(left)),
        }
    }

    /// Writes the value of a record of the metadata log.
    pub fn encode(&self, version: i16) -> Result<Bytes, EncodeError> {
        let mut writer = Writer::new();
        writer.uvarint(FRAME_VERSION);
        writer.uvarint(self.key());
        writer.uvarint(
            u32::try_from(version).map_err(|_| EncodeError::Version { name: self.name(), version })?,
        );
        self.write(&mut writer, version)?;
        writer.into_bytes()
    }
}
