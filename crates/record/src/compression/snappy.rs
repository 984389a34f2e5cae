//! snappy in the two dresses that Kafka reads: snappy-java's stream ("Xerial": 16 bytes of header,
//! then blocks, each behind its length), or, without that header, the whole body as one raw block, which is what
//! librdkafka and franz-go send.
//!
//! ```text
//! 82 53 4e 41 50 50 59 00  i32 version  i32 oldest compatible version  (i32 length, raw block)*
//! ```
//! A stream may begin again in the middle (`SnappyInputStream` joins concatenated streams).

use super::DecompressError;
use crate::header::Compression;
use crate::limits::SNAPPY_RATIO;

pub(super) const MAGIC: [u8; 8] = [0x82, b'S', b'N', b'A', b'P', b'P', b'Y', 0];
pub(super) const HEADER_LEN: usize = 16;
const TRUNCATED: DecompressError = DecompressError::Truncated(Compression::Snappy);

const fn corrupt(what: &'static str) -> DecompressError {
    DecompressError::Corrupt(Compression::Snappy, what)
}

pub(super) struct Decoder<'a> {
    rest: &'a [u8],
    framed: bool,
    block: &'a [u8],
    limit: u64,
}

impl<'a> Decoder<'a> {
    pub(super) fn new(body: &'a [u8], limit: u64) -> Self {
        match body.split_at_checked(HEADER_LEN) {
            Some((head, rest)) if head.starts_with(&MAGIC) => Self { rest, framed: true, block: &[], limit },
            _ => Self { rest: body, framed: false, block: &[], limit },
        }
    }

    pub(super) fn want(&mut self, left: u64) -> Result<Option<usize>, DecompressError> {
        let Some(block) = self.next_block()? else { return Ok(None) };
        let unfolded = snap::raw::decompress_len(block).map_err(|_| corrupt("a block has no length"))?;
        if unfolded > block.len().saturating_mul(SNAPPY_RATIO) {
            return Err(corrupt("a block declares more than it can hold"));
        }
        if unfolded as u64 > left {
            return Err(DecompressError::TooLarge { compression: Compression::Snappy, limit: self.limit });
        }
        self.block = block;
        Ok(Some(unfolded))
    }

    pub(super) fn step(&mut self, out: &mut [u8]) -> Result<usize, DecompressError> {
        snap::raw::Decoder::new().decompress(self.block, out).map_err(|_| corrupt("a block does not unfold"))
    }

    fn next_block(&mut self) -> Result<Option<&'a [u8]>, DecompressError> {
        if self.rest.is_empty() {
            return Ok(None);
        }
        if !self.framed {
            return Ok(Some(std::mem::take(&mut self.rest)));
        }
        while let Some(after) = self.rest.strip_prefix(&MAGIC) {
            self.rest = after.get(HEADER_LEN - MAGIC.len()..).ok_or(TRUNCATED)?;
            if self.rest.is_empty() {
                return Ok(None);
            }
        }
        let (length, rest) = self.rest.split_first_chunk::<4>().ok_or(TRUNCATED)?;
        let length =
            usize::try_from(i32::from_be_bytes(*length)).map_err(|_| corrupt("negative block length"))?;
        let (block, rest) = rest.split_at_checked(length).ok_or(TRUNCATED)?;
        self.rest = rest;
        Ok(Some(block))
    }
}
