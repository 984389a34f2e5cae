//! Record batches: view, builder, iteration, validation, compression, control records.
//!
//! Bytes in, values and bytes out: no clock, file or socket; whoever calls hands in the time and the
//! buffers. Input is hostile until `check` or `validate` has passed it: every declared length is
//! compared with what is there before anything is allocated, and decompression is bounded.
//! Offsets, files and producer state belong to `storage`; what a control record's value means belongs to `wire`.

mod builder;
mod check;
mod codec;
mod compression;
pub mod control;
mod crc;
mod header;
mod input;
mod legacy;
pub mod limits;
mod records;
pub mod validate;
pub mod varint;
mod view;

pub use builder::{BuildError, Builder, HeaderField, empty_batch};
pub use check::{CheckError, Checked, Checks, checked};
pub use codec::Codec;
pub use compression::{CompressError, DecompressError, Limits, Scratch, compress, decompress, with_scratch};
pub use crc::{crc32, crc32c, crc32c_of};
pub use header::{
    BatchHeader, CRC_START, Compression, FRAME_LEN, Frame, HEADER_LEN, HeaderError, LENGTH_PREFIX, MAGIC,
    TimestampType, sequence_minus, sequence_plus,
};
pub use input::RecordError;
pub use legacy::LegacyMessage;
pub use records::{Headers, Record, Records, first_at_or_after, offset_of_max_timestamp};
pub use view::{BatchView, Batches, CrcMismatch, batches, crc_of};
