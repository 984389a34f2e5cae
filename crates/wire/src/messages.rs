//! Every message, generated from the definitions in `spec`: a module for each with its structures, and the message itself here.
//!
//! All fields of all versions stand in one structure. Names are Kafka's, in Rust's spelling.

#![allow(clippy::all, clippy::pedantic)]

use crate::Str;
use crate::api_key::ApiKey;
use crate::message::{Element, Message, Request, Versions};
use crate::reader::{DecodeError, Reader};
use crate::records::Records;
use crate::writer::{EncodeError, Writer};
use bytes::Bytes;
use ottla_model::Uuid;

include!(concat!(env!("OUT_DIR"), "/messages.rs"));
