//! Records as bytes that come: from a slice, or unfolding from a compressed body. The walk over
//! one record's structure, for both.
//!
//! ```text
//! varint length of what follows
//! i8 attributes   varlong timestamp delta   varint offset delta
//! varint key length (-1: null) key   varint value length (-1: null) value
//! varint header count, for each: varint name length, name, varint value length (-1: null), value
//! ```
//! The walk keeps nothing and allocates nothing; it proves that the lengths add up.

use crate::compression::{DecompressError, Stream};
use crate::varint::{self, BadVarint};
use std::fmt;

/// Why records are not what their batch says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RecordError {
    /// The records end before the batch's count is reached, or in the middle of one.
    Truncated,
    /// Bytes follow the last record.
    Trailing,
    /// A number without an end.
    Varint,
    /// A length is negative (and not −1), or leads out of its record.
    Length(i64),
    /// A header count that is negative or cannot fit.
    HeaderCount(i32),
    /// The batch declares a negative number of records.
    Count(i32),
    /// The codec id in the batch is unknown (5, 6, 7).
    Codec(u8),
    /// A message of this magic inside one of magic 1.
    Magic(i8),
    /// The records do not unfold.
    Decompress(DecompressError),
}

impl fmt::Display for RecordError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Truncated => f.write_str("the records end too early"),
            Self::Trailing => f.write_str("bytes follow the last record"),
            Self::Varint => f.write_str("a number in a record has no end"),
            Self::Length(length) => write!(f, "length {length} in a record cannot be"),
            Self::HeaderCount(count) => write!(f, "header count {count} in a record cannot be"),
            Self::Count(count) => write!(f, "record count {count} cannot be"),
            Self::Codec(id) => {
                write!(f, "compression type {id} is unknown: use none, gzip, snappy, lz4 or zstd")
            }
            Self::Magic(magic) => write!(f, "a message of magic {magic} cannot be inside one of magic 1"),
            Self::Decompress(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for RecordError {}

impl From<BadVarint> for RecordError {
    fn from(BadVarint: BadVarint) -> Self {
        Self::Varint
    }
}

impl From<DecompressError> for RecordError {
    fn from(error: DecompressError) -> Self {
        Self::Decompress(error)
    }
}

/// Bytes that come. A number that the end cuts is `Varint` or `Truncated`.
pub(crate) trait Input {
    fn byte(&mut self) -> Result<u8, RecordError>;
    fn varint(&mut self) -> Result<i32, RecordError>;
    fn varlong(&mut self) -> Result<i64, RecordError>;
    fn skip(&mut self, bytes: usize) -> Result<(), RecordError>;
    /// Bytes taken so far.
    fn position(&self) -> u64;
    fn at_end(&mut self) -> Result<bool, RecordError>;

    /// Walks over one record.
    #[inline]
    fn record(&mut self) -> Result<Walked, RecordError>
    where
        Self: Sized,
    {
        walk(self)
    }
}

/// Input that is all there.
pub(crate) struct Slice<'a> {
    rest: &'a [u8],
    length: usize,
}

impl<'a> Slice<'a> {
    pub(crate) const fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes, length: bytes.len() }
    }
}

impl Input for Slice<'_> {
    #[inline]
    fn byte(&mut self) -> Result<u8, RecordError> {
        let (&byte, rest) = self.rest.split_first().ok_or(RecordError::Truncated)?;
        self.rest = rest;
        Ok(byte)
    }

    #[inline]
    fn varint(&mut self) -> Result<i32, RecordError> {
        Ok(varint::take_i32(&mut self.rest)?)
    }

    #[inline]
    fn varlong(&mut self) -> Result<i64, RecordError> {
        Ok(varint::take_i64(&mut self.rest)?)
    }

    #[inline]
    fn skip(&mut self, bytes: usize) -> Result<(), RecordError> {
        self.rest = self.rest.get(bytes..).ok_or(RecordError::Truncated)?;
        Ok(())
    }

    #[inline]
    fn position(&self) -> u64 {
        (self.length - self.rest.len()) as u64
    }

    fn at_end(&mut self) -> Result<bool, RecordError> {
        Ok(self.rest.is_empty())
    }
}

/// The longest number in a record.
const LONGEST: usize = 10;

/// Input that unfolds.
pub(crate) struct Unfolding<'a> {
    stream: Stream<'a>,
}

impl<'a> Unfolding<'a> {
    pub(crate) const fn new(stream: Stream<'a>) -> Self {
        Self { stream }
    }

    /// Bytes that have unfolded, taken or not.
    pub(crate) const fn produced(&self) -> u64 {
        self.stream.produced()
    }

    /// Makes the next `bytes` contiguous; memory grows as they come, not as they are declared.
    pub(crate) fn contiguous(&mut self, bytes: usize) -> Result<&[u8], RecordError> {
        while self.stream.window().len() < bytes {
            if !self.stream.refill()? {
                return Err(RecordError::Truncated);
            }
        }
        Ok(self.stream.window().get(..bytes).unwrap_or_default())
    }

    /// Whether anything comes after the next `bytes`, which are contiguous.
    pub(crate) fn has_beyond(&mut self, bytes: usize) -> Result<bool, RecordError> {
        Ok(self.stream.window().len() > bytes || self.stream.refill()?)
    }

    /// Fills the window for one number, as far as there is more.
    #[inline]
    fn with_number<T>(
        &mut self,
        take: impl FnOnce(&mut &[u8]) -> Result<T, BadVarint>,
    ) -> Result<T, RecordError> {
        while self.stream.window().len() < LONGEST {
            if !self.stream.refill()? {
                break;
            }
        }
        let window = self.stream.window();
        let mut rest = window;
        let number = take(&mut rest)?;
        let taken = window.len() - rest.len();
        self.stream.consume(taken);
        Ok(number)
    }
}

impl Input for Unfolding<'_> {
    #[inline]
    fn byte(&mut self) -> Result<u8, RecordError> {
        let &byte = self.contiguous(1)?.first().ok_or(RecordError::Truncated)?;
        self.stream.consume(1);
        Ok(byte)
    }

    #[inline]
    fn varint(&mut self) -> Result<i32, RecordError> {
        self.with_number(varint::take_i32)
    }

    #[inline]
    fn varlong(&mut self) -> Result<i64, RecordError> {
        self.with_number(varint::take_i64)
    }

    #[inline]
    fn skip(&mut self, bytes: usize) -> Result<(), RecordError> {
        let mut left = bytes;
        loop {
            let here = self.stream.window().len().min(left);
            self.stream.consume(here);
            left -= here;
            if left == 0 {
                return Ok(());
            }
            if !self.stream.refill()? {
                return Err(RecordError::Truncated);
            }
        }
    }

    #[inline]
    fn position(&self) -> u64 {
        self.stream.produced() - self.stream.window().len() as u64
    }

    fn at_end(&mut self) -> Result<bool, RecordError> {
        Ok(self.stream.window().is_empty() && !self.stream.refill()?)
    }

    /// Nearly every record lies whole in the window, where it is walked as a slice; one that does
    /// not is walked field by field as it comes.
    #[inline]
    fn record(&mut self) -> Result<Walked, RecordError> {
        let window = self.stream.window();
        let mut rest = window;
        let whole = varint::take_i32(&mut rest)
            .ok()
            .and_then(|length| usize::try_from(length).ok())
            .and_then(|length| window.get(..window.len() - rest.len() + length));
        match whole {
            Some(record) => {
                let (walked, bytes) = (walk(&mut Slice::new(record))?, record.len());
                self.stream.consume(bytes);
                Ok(walked)
            }
            None => walk(self),
        }
    }
}

/// What a walk tells of a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Walked {
    pub(crate) timestamp_delta: i64,
    pub(crate) offset_delta: i32,
    pub(crate) has_key: bool,
}

/// The walk over one record, field by field.
#[inline]
fn walk<I: Input>(input: &mut I) -> Result<Walked, RecordError> {
    let length = input.varint()?;
    let bytes = u64::try_from(length).map_err(|_| RecordError::Length(i64::from(length)))?;
    let end = input.position() + bytes;
    input.byte()?;
    let timestamp_delta = input.varlong()?;
    let offset_delta = input.varint()?;
    let has_key = skip_field(input, end)?;
    skip_field(input, end)?;
    let headers = input.varint()?;
    if headers != 0 {
        skip_headers(input, headers, end)?;
    }
    if input.position() != end {
        return Err(RecordError::Length(i64::from(length)));
    }
    Ok(Walked { timestamp_delta, offset_delta, has_key })
}

/// Skips a nullable field; whether it was there.
#[inline]
fn skip_field<I: Input>(input: &mut I, end: u64) -> Result<bool, RecordError> {
    let length = input.varint()?;
    if length == -1 {
        return Ok(false);
    }
    let bytes = usize::try_from(length).map_err(|_| RecordError::Length(i64::from(length)))?;
    if input.position() + bytes as u64 > end {
        return Err(RecordError::Length(i64::from(length)));
    }
    input.skip(bytes)?;
    Ok(true)
}

fn skip_headers<I: Input>(input: &mut I, count: i32, end: u64) -> Result<(), RecordError> {
    let left = end.saturating_sub(input.position());
    if u64::try_from(count).map_or(true, |count| count > left) {
        return Err(RecordError::HeaderCount(count));
    }
    for _ in 0..count {
        if !skip_field(input, end)? {
            return Err(RecordError::Length(-1));
        }
        skip_field(input, end)?;
    }
    Ok(())
}
