//! Every message, generated from the definitions in `spec`: a module for each with its structures, and the message itself here.
//!
//! All fields of all versions stand in one structure. Names are Kafka's, in Rust's spelling.

// Generated code follows the notation, not the taste of clippy.
#![allow(clippy::all, clippy::pedantic)]

use crate::Str;
use crate::api_key::ApiKey;
use crate::message::{Message, Request};
use crate::reader::{DecodeError, Readable, Reader};
use crate::records::Records;
use crate::versions::Versions;
use crate::writer::{EncodeError, Writable, Writer};
use bytes::Bytes;
use ottla_model::Uuid;

include!(concat!(env!("OUT_DIR"), "/messages.rs"));
