//! lz4 frames as Kafka's `Lz4BlockInputStream` reads them: version 1, independent blocks, the
//! header's checksum verified, a declared content size skipped, the content checksum skipped unverified, and whatever
//! follows the end mark not looked at.
//!
//! ```text
//! 04 22 4d 18  FLG  BD  [u64 content size]  HC  (u32 size, block, [u32 checksum])*  u32 0  [u32 checksum]
//! ```
//! All little-endian; bit 31 of a size: the block is stored uncompressed.

use super::DecompressError;
use crate::header::Compression;
use crate::limits::{LZ4_BLOCK, LZ4_RATIO};
use twox_hash::XxHash32;

pub(super) const MAGIC: [u8; 4] = [0x04, 0x22, 0x4d, 0x18];
pub(super) const STORED: u32 = 0x8000_0000;
const INDEPENDENT: u8 = 0x20;
const BLOCK_CHECKSUM: u8 = 0x10;
const CONTENT_SIZE: u8 = 0x08;
const CONTENT_CHECKSUM: u8 = 0x04;
const TRUNCATED: DecompressError = DecompressError::Truncated(Compression::Lz4);

const fn corrupt(what: &'static str) -> DecompressError {
    DecompressError::Corrupt(Compression::Lz4, what)
}

/// The byte that closes a frame's header, of its FLG, BD and content size.
pub(super) fn header_checksum(descriptor: &[u8]) -> u8 {
    let [_, _, byte, _] = XxHash32::oneshot(0, descriptor).to_be_bytes();
    byte
}

pub(super) struct Decoder<'a> {
    rest: &'a [u8],
    flags: u8,
    /// 0 until the header was read.
    max_block: usize,
    finished: bool,
    block: &'a [u8],
    stored: bool,
}

impl<'a> Decoder<'a> {
    pub(super) const fn new(body: &'a [u8]) -> Self {
        Self { rest: body, flags: 0, max_block: 0, finished: false, block: &[], stored: false }
    }

    pub(super) fn want(&mut self) -> Result<Option<usize>, DecompressError> {
        if self.finished {
            return Ok(None);
        }
        if self.max_block == 0 {
            self.read_header()?;
        }
        let size = self.take_u32()?;
        if size == 0 {
            self.finished = true;
            if self.flags & CONTENT_CHECKSUM != 0 {
                self.take_u32()?;
            }
            return Ok(None);
        }
        self.stored = size & STORED != 0;
        let size = usize::try_from(size & !STORED).unwrap_or(usize::MAX);
        if size > self.max_block {
            return Err(corrupt("a block is larger than the header allows"));
        }
        let (block, rest) = self.rest.split_at_checked(size).ok_or(TRUNCATED)?;
        self.block = block;
        self.rest = rest;
        if self.flags & BLOCK_CHECKSUM != 0 && self.take_u32()? != XxHash32::oneshot(0, block) {
            return Err(corrupt("a block's checksum does not match"));
        }
        Ok(Some(if self.stored { size } else { self.max_block.min(size * LZ4_RATIO + 64) }))
    }

    pub(super) fn step(&mut self, out: &mut [u8]) -> Result<usize, DecompressError> {
        if self.stored {
            out.copy_from_slice(self.block);
            return Ok(out.len());
        }
        lz4_flex::block::decompress_into(self.block, out).map_err(|_| corrupt("a block does not unfold"))
    }

    fn take_u32(&mut self) -> Result<u32, DecompressError> {
        let (bytes, rest) = self.rest.split_first_chunk::<4>().ok_or(TRUNCATED)?;
        self.rest = rest;
        Ok(u32::from_le_bytes(*bytes))
    }

    fn read_header(&mut self) -> Result<(), DecompressError> {
        let Some(after) = self.rest.strip_prefix(&MAGIC) else {
            return Err(corrupt("it does not begin with the magic number"));
        };
        let [flags, block_size, ..] = *after else { return Err(TRUNCATED) };
        if flags >> 6 != 1 || flags & 0x03 != 0 {
            return Err(corrupt("unknown version or flags"));
        }
        if flags & INDEPENDENT == 0 {
            return Err(corrupt("blocks depend on each other, which Kafka does not read"));
        }
        self.max_block = match block_size {
            0x40 => 64 << 10,
            0x50 => 256 << 10,
            0x60 => 1 << 20,
            0x70 => LZ4_BLOCK,
            _ => return Err(corrupt("unknown block size")),
        };
        let length = if flags & CONTENT_SIZE == 0 { 2 } else { 10 };
        let (descriptor, rest) = after.split_at_checked(length).ok_or(TRUNCATED)?;
        let (&checksum, rest) = rest.split_first().ok_or(TRUNCATED)?;
        if checksum != header_checksum(descriptor) {
            return Err(corrupt("the header's checksum does not match"));
        }
        self.flags = flags;
        self.rest = rest;
        Ok(())
    }
}
