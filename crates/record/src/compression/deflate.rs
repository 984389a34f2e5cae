//! Writing: the records of a batch, whole, through a codec, in the dress that Java's readers take.
//!
//! lz4: independent blocks of 64 KiB, no checksums but the header's. snappy: Xerial, blocks of
//! 32 KiB as snappy-java writes. zstd: one frame with its content size. lz4 levels are accepted and make no
//! difference (the library has one).

use super::{lz4, snappy};
use crate::codec::Codec;
use std::fmt;
use std::io::Write;

const LZ4_BLOCK: usize = 64 << 10;
const SNAPPY_BLOCK: usize = 32 << 10;

/// The codec failed: no memory, or a level it does not have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CompressError(pub Codec);

impl fmt::Display for CompressError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "records could not be compressed with {:?}", self.0)
    }
}

impl std::error::Error for CompressError {}

/// Appends `records`, compressed, to `out`.
pub fn compress(codec: Codec, records: &[u8], out: &mut Vec<u8>) -> Result<(), CompressError> {
    match codec {
        Codec::None => {
            out.extend_from_slice(records);
            Some(())
        }
        Codec::Gzip(level) => gzip(level, records, out),
        Codec::Snappy => snappy(records, out),
        Codec::Lz4(_) => lz4(records, out),
        Codec::Zstd(level) => zstd(level, records, out),
    }
    .ok_or(CompressError(codec))
}

fn gzip(level: i32, records: &[u8], out: &mut Vec<u8>) -> Option<()> {
    let level = u32::try_from(level)
        .map_or_else(|_| flate2::Compression::default(), |level| flate2::Compression::new(level.min(9)));
    let mut encoder = flate2::write::GzEncoder::new(out, level);
    encoder.write_all(records).ok()?;
    encoder.finish().ok().map(|_| ())
}

fn snappy(records: &[u8], out: &mut Vec<u8>) -> Option<()> {
    out.extend_from_slice(&snappy::MAGIC);
    out.extend_from_slice(&1_i32.to_be_bytes());
    out.extend_from_slice(&1_i32.to_be_bytes());
    let mut encoder = snap::raw::Encoder::new();
    for block in records.chunks(SNAPPY_BLOCK) {
        let length_at = out.len();
        let block_at = length_at + 4;
        out.resize(block_at + snap::raw::max_compress_len(block.len()), 0);
        let written = encoder.compress(block, out.get_mut(block_at..)?).ok()?;
        out.truncate(block_at + written);
        let length = i32::try_from(written).ok()?;
        out.get_mut(length_at..block_at)?.copy_from_slice(&length.to_be_bytes());
    }
    Some(())
}

fn lz4(records: &[u8], out: &mut Vec<u8>) -> Option<()> {
    let descriptor = [0x60, 0x40];
    out.extend_from_slice(&lz4::MAGIC);
    out.extend_from_slice(&descriptor);
    out.push(lz4::header_checksum(&descriptor));
    let mut table = lz4_flex::block::CompressTable::large();
    for block in records.chunks(LZ4_BLOCK) {
        let size_at = out.len();
        let block_at = size_at + 4;
        out.resize(block_at + lz4_flex::block::get_maximum_output_size(block.len()), 0);
        let target = out.get_mut(block_at..)?;
        let written = lz4_flex::block::compress_into_with_table(block, target, &mut table).ok()?;
        let size = if written < block.len() {
            out.truncate(block_at + written);
            u32::try_from(written).ok()?
        } else {
            out.truncate(block_at);
            out.extend_from_slice(block);
            u32::try_from(block.len()).ok()? | lz4::STORED
        };
        out.get_mut(size_at..block_at)?.copy_from_slice(&size.to_le_bytes());
    }
    out.extend_from_slice(&[0; 4]);
    Some(())
}

fn zstd(level: i32, records: &[u8], out: &mut Vec<u8>) -> Option<()> {
    thread_local! {
        static CONTEXT: std::cell::RefCell<Option<::zstd::zstd_safe::CCtx<'static>>> = const { std::cell::RefCell::new(None) };
    }
    let start = out.len();
    out.resize(start + ::zstd::compress_bound(records.len()), 0);
    let target = out.get_mut(start..)?;
    let written = CONTEXT.with(|slot| {
        let mut slot = slot.borrow_mut();
        if slot.is_none() {
            *slot = ::zstd::zstd_safe::CCtx::try_create();
        }
        let context = slot.as_mut()?;
        let written = context.compress(target, records, level).ok();
        if context.sizeof() > crate::limits::ZSTD_KEPT {
            *slot = None;
        }
        written
    })?;
    out.truncate(start + written);
    Some(())
}
