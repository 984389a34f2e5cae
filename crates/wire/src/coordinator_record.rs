//! The records of `__consumer_offsets`, `__transaction_state` and `__share_group_state`.
//!
//! A key is the record's type as an i16 and the key's fields; a value is its version as an i16 and its fields, or null to
//! delete (`CoordinatorRecordSerde`). What a type means lies in the key, so a value is read with it. A type or version that
//! Kafka 4.4 does not have is no damage: whoever replays passes over it.

use crate::message::Message;
use crate::messages::*;
use crate::reader::{DecodeError, Reader};
use crate::writer::{EncodeError, Writer};
use bytes::Bytes;
use std::fmt;

/// Why bytes are no record of a coordinator that Kafka 4.4 knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CoordinatorRecordError {
    /// A type that Kafka 4.4 does not have.
    UnknownType(i16),
    /// A version of the value that Kafka 4.4 does not have.
    UnknownVersion {
        /// The value's name.
        name: &'static str,
        /// Its version.
        version: i16,
    },
    /// Bytes that are no record.
    Malformed(DecodeError),
}

impl fmt::Display for CoordinatorRecordError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::UnknownType(kind) => write!(f, "record of type {kind}, which is not known"),
            Self::UnknownVersion { name, version } => write!(f, "{name} has no version {version}"),
            Self::Malformed(error) => write!(f, "malformed record: {error}"),
        }
    }
}

impl std::error::Error for CoordinatorRecordError {}

impl From<DecodeError> for CoordinatorRecordError {
    fn from(error: DecodeError) -> Self {
        match error {
            DecodeError::Version { name, version } => Self::UnknownVersion { name, version },
            error => Self::Malformed(error),
        }
    }
}

macro_rules! coordinator_records {
    ($keys:ident, $values:ident; $($name:ident($key:ident, $value:ident) = $kind:literal;)*) => {
        /// A record's key.
        #[derive(Clone, Debug, PartialEq)]
        #[allow(clippy::large_enum_variant)]
        pub enum $keys {
            $(#[doc = stringify!($key)] $name($key),)*
        }

        /// A record's value.
        #[derive(Clone, Debug, PartialEq)]
        #[allow(clippy::large_enum_variant)]
        pub enum $values {
            $(#[doc = stringify!($value)] $name($value),)*
        }

        impl $keys {
            /// Every type, in their order.
            pub const TYPES: &[i16] = &[$($kind),*];

            /// The record's type.
            #[must_use]
            pub const fn kind(&self) -> i16 {
                match self {
                    $(Self::$name(_) => $kind,)*
                }
            }

            /// Reads a record's key.
            pub fn decode(key: Bytes) -> Result<Self, CoordinatorRecordError> {
                let mut reader = Reader::for_frame(key);
                match reader.i16()? {
                    $($kind => Ok(Self::$name($key::decode(&mut reader, 0)?)),)*
                    kind => Err(CoordinatorRecordError::UnknownType(kind)),
                }
            }

            /// Writes a record's key.
            pub fn encode(&self) -> Result<Bytes, EncodeError> {
                let mut writer = Writer::new();
                writer.i16(self.kind());
                match self {
                    $(Self::$name(key) => key.encode(&mut writer, 0)?,)*
                }
                writer.into_bytes()
            }

            /// Reads the value of the record that has this key; the value, and the version it was written in.
            pub fn decode_value(&self, value: Bytes) -> Result<($values, i16), CoordinatorRecordError> {
                let mut reader = Reader::for_frame(value);
                let version = reader.i16()?;
                let value = match self {
                    $(Self::$name(_) => $values::$name($value::decode(&mut reader, version)?),)*
                };
                Ok((value, version))
            }
        }

        impl $values {
            /// Writes a record's value.
            pub fn encode(&self, version: i16) -> Result<Bytes, EncodeError> {
                let mut writer = Writer::new();
                writer.i16(version);
                match self {
                    $(Self::$name(value) => value.encode(&mut writer, version)?,)*
                }
                writer.into_bytes()
            }
        }
    };
}

include!(concat!(env!("OUT_DIR"), "/coordinator_records.rs"));
