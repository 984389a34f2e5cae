//! gzip (RFC 1952): members one after the other, each with its own header, CRC-32 and length, as
//! Java's `GZIPInputStream` reads them.
//!
//! The inflater is a raw deflate one, so that it can be reset and used again.

use super::DecompressError;
use crate::header::Compression;
use crate::limits::STEP;
use flate2::{Decompress, FlushDecompress, Status};

const EXTRA: u8 = 0x04;
const NAME: u8 = 0x08;
const COMMENT: u8 = 0x10;
const HEADER_CRC: u8 = 0x02;
const RESERVED: u8 = 0xe0;
const TRUNCATED: DecompressError = DecompressError::Truncated(Compression::Gzip);

const fn corrupt(what: &'static str) -> DecompressError {
    DecompressError::Corrupt(Compression::Gzip, what)
}

pub(super) struct Decoder<'a> {
    rest: &'a [u8],
    inflater: &'a mut Decompress,
    in_member: bool,
    crc: crc_fast::Digest,
    length: u32,
}

impl<'a> Decoder<'a> {
    pub(super) fn new(body: &'a [u8], slot: &'a mut Option<Decompress>) -> Self {
        Self {
            rest: body,
            inflater: slot.get_or_insert_with(|| Decompress::new(false)),
            in_member: false,
            crc: crc_fast::Digest::new(crc_fast::CrcAlgorithm::Crc32IsoHdlc),
            length: 0,
        }
    }

    pub(super) const fn want(&self) -> Option<usize> {
        if !self.in_member && self.rest.is_empty() { None } else { Some(STEP) }
    }

    pub(super) fn step(&mut self, out: &mut [u8]) -> Result<usize, DecompressError> {
        if !self.in_member {
            self.rest = after_header(self.rest)?;
            self.inflater.reset(false);
            self.crc.reset();
            self.length = 0;
            self.in_member = true;
        }
        let (read_before, written_before) = (self.inflater.total_in(), self.inflater.total_out());
        let status = self
            .inflater
            .decompress(self.rest, out, FlushDecompress::None)
            .map_err(|_| corrupt("not a deflate stream"))?;
        let read = usize::try_from(self.inflater.total_in() - read_before).unwrap_or(usize::MAX);
        let written = usize::try_from(self.inflater.total_out() - written_before).unwrap_or(usize::MAX);
        self.rest = self.rest.get(read..).unwrap_or_default();
        let fresh = out.get(..written).unwrap_or_default();
        self.crc.update(fresh);
        self.length = self.length.wrapping_add(u32::try_from(written).unwrap_or(u32::MAX));
        match status {
            Status::StreamEnd => self.end_member()?,
            Status::Ok | Status::BufError if read == 0 && written == 0 => return Err(TRUNCATED),
            Status::Ok | Status::BufError => {}
        }
        Ok(written)
    }

    fn end_member(&mut self) -> Result<(), DecompressError> {
        let Some((crc, rest)) = self.rest.split_first_chunk::<4>() else { return Err(TRUNCATED) };
        let Some((length, rest)) = rest.split_first_chunk::<4>() else { return Err(TRUNCATED) };
        if u64::from(u32::from_le_bytes(*crc)) != self.crc.finalize() {
            return Err(corrupt("its CRC does not match"));
        }
        if u32::from_le_bytes(*length) != self.length {
            return Err(corrupt("its length does not match"));
        }
        self.rest = rest;
        self.in_member = false;
        Ok(())
    }
}

/// What follows the header of a member.
fn after_header(bytes: &[u8]) -> Result<&[u8], DecompressError> {
    let Some((head, mut rest)) = bytes.split_first_chunk::<10>() else { return Err(TRUNCATED) };
    let [first, second, method, flags, ..] = *head;
    if (first, second) != (0x1f, 0x8b) {
        return Err(corrupt("it does not begin with 1f 8b"));
    }
    if method != 8 || flags & RESERVED != 0 {
        return Err(corrupt("unknown method or flags"));
    }
    if flags & EXTRA != 0 {
        let (length, after) = rest.split_first_chunk::<2>().ok_or(TRUNCATED)?;
        rest = after.get(usize::from(u16::from_le_bytes(*length))..).ok_or(TRUNCATED)?;
    }
    for flag in [NAME, COMMENT] {
        if flags & flag != 0 {
            let end = rest.iter().position(|&byte| byte == 0).ok_or(TRUNCATED)?;
            rest = rest.get(end + 1..).ok_or(TRUNCATED)?;
        }
    }
    if flags & HEADER_CRC != 0 {
        rest = rest.get(2..).ok_or(TRUNCATED)?;
    }
    Ok(rest)
}
