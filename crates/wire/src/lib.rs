//! Kafka's protocol: frames, headers, every message of Kafka 4.4, and the records of its own logs.
//!
//! The definitions stand in `spec`, in a notation of our own; `build.rs` turns them into the structures of [`messages`].
//! Decoding slices the frame and has a budget; it never panics and never believes a length. Encoding yields parts, with
//! holes where file regions go. What a message *means* is for others: this room knows bytes.

mod api_key;
mod coordinator_record;
mod element;
pub mod header;
pub mod limits;
mod message;
pub mod messages;
mod metadata_record;
mod reader;
mod records;
#[cfg(test)]
mod tests;
mod text;
pub mod varint;
mod versions;
mod writer;

pub use api_key::ApiKey;
pub use bytestring::ByteString as Str;
pub use coordinator_record::{
    ConsumerOffsetsKey, ConsumerOffsetsValue, CoordinatorRecordError, ShareGroupStateKey,
    ShareGroupStateValue, TransactionStateKey, TransactionStateValue,
};
pub use message::{Message, Request};
pub use metadata_record::{MetadataRecord, MetadataRecordError};
pub use reader::{DecodeError, Readable, Reader, Tag};
pub use records::Records;
pub use versions::Versions;
pub use writer::{EncodeError, Part, Tags, Writable, Writer};
