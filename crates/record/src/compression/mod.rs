//! The four codecs behind one pull: a compressed body unfolds into a window, piece by piece.
//!
//! Never more than one piece is held (a codec's block, or `limits::STEP`), and never more than
//! [`Limits::unfolded`] bytes come out, so a bomb costs a bounded time and no memory. Contexts and
//! the window live in a [`Scratch`] and serve batch after batch. What the bytes mean is for `input` and above.

mod deflate;
mod gzip;
mod lz4;
mod snappy;
mod zstd;

pub use deflate::{CompressError, compress};

use crate::header::Compression;
use crate::limits;
use std::fmt;

/// How far unfolding may go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Bytes that may come out of one batch.
    pub unfolded: u64,
    /// The largest zstd window, as a power of two, at most [`limits::ZSTD_WINDOW_LOG`].
    pub zstd_window_log: u32,
}

impl Limits {
    /// The bounds of `limits` for a body of this many compressed bytes.
    #[must_use]
    pub fn for_body(compressed: usize) -> Self {
        let compressed = u64::try_from(compressed).unwrap_or(u64::MAX);
        let unfolded = limits::UNFOLDED_FLOOR.max(compressed.saturating_mul(limits::UNFOLDED_RATIO));
        Self { unfolded, zstd_window_log: limits::ZSTD_WINDOW_LOG }
    }

    /// For our own data, written under other limits: no bound on the output but time.
    pub const TRUSTED: Self = Self { unfolded: u64::MAX, zstd_window_log: limits::ZSTD_WINDOW_LOG };
}

/// Why a compressed body does not unfold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DecompressError {
    /// The body ends in the middle.
    Truncated(Compression),
    /// Not what the codec writes; the text says what was wrong.
    Corrupt(Compression, &'static str),
    /// More comes out than allowed.
    TooLarge {
        /// The codec.
        compression: Compression,
        /// The bound, in bytes.
        limit: u64,
    },
}

impl fmt::Display for DecompressError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Truncated(codec) => write!(f, "{} data ends too early", codec.name()),
            Self::Corrupt(codec, what) => write!(f, "{} data is damaged: {what}", codec.name()),
            Self::TooLarge { compression, limit } => {
                write!(
                    f,
                    "{} data unfolds to more than {limit} bytes: send smaller batches",
                    compression.name()
                )
            }
        }
    }
}

impl std::error::Error for DecompressError {}

/// Buffers and contexts that decompression reuses. One for each thread is enough ([`with_scratch`]).
#[derive(Default)]
pub struct Scratch {
    window: Vec<u8>,
    gzip: Option<flate2::Decompress>,
    zstd: Option<::zstd::zstd_safe::DCtx<'static>>,
}

impl fmt::Debug for Scratch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Scratch").field("window", &self.window.len()).finish_non_exhaustive()
    }
}

/// Lends this thread's scratch; a nested call gets a fresh one.
pub fn with_scratch<R>(work: impl FnOnce(&mut Scratch) -> R) -> R {
    thread_local! {
        static SCRATCH: std::cell::RefCell<Scratch> = std::cell::RefCell::default();
    }
    SCRATCH.with(|scratch| match scratch.try_borrow_mut() {
        Ok(mut scratch) => work(&mut scratch),
        Err(_) => work(&mut Scratch::default()),
    })
}

enum Decoder<'a> {
    /// Boxed: its checksum tables make it far larger than the others.
    Gzip(Box<gzip::Decoder<'a>>),
    Snappy(snappy::Decoder<'a>),
    Lz4(lz4::Decoder<'a>),
    Zstd(zstd::Decoder<'a>),
}

impl Decoder<'_> {
    /// Room that the next [`Self::step`] needs, `None` at the end. `left` is what may still come out.
    fn want(&mut self, left: u64) -> Result<Option<usize>, DecompressError> {
        match self {
            Self::Gzip(decoder) => Ok(decoder.want()),
            Self::Snappy(decoder) => decoder.want(left),
            Self::Lz4(decoder) => decoder.want(),
            Self::Zstd(decoder) => Ok(decoder.want()),
        }
    }

    /// Unfolds into `out`, which is as long as was wanted; the number of bytes may be 0 before the end.
    fn step(&mut self, out: &mut [u8]) -> Result<usize, DecompressError> {
        match self {
            Self::Gzip(decoder) => decoder.step(out),
            Self::Snappy(decoder) => decoder.step(out),
            Self::Lz4(decoder) => decoder.step(out),
            Self::Zstd(decoder) => decoder.step(out),
        }
    }
}

/// A compressed body, unfolding.
pub(crate) struct Stream<'a> {
    decoder: Decoder<'a>,
    compression: Compression,
    window: &'a mut Vec<u8>,
    start: usize,
    end: usize,
    produced: u64,
    limit: u64,
}

impl<'a> Stream<'a> {
    /// A stream over `body`; `None` when the records are not compressed.
    pub(crate) fn new(
        compression: Compression,
        body: &'a [u8],
        limits: Limits,
        scratch: &'a mut Scratch,
    ) -> Option<Self> {
        let Scratch { window, gzip, zstd } = scratch;
        let decoder = match compression {
            Compression::None => return None,
            Compression::Gzip => Decoder::Gzip(Box::new(gzip::Decoder::new(body, gzip))),
            Compression::Snappy => Decoder::Snappy(snappy::Decoder::new(body, limits.unfolded)),
            Compression::Lz4 => Decoder::Lz4(lz4::Decoder::new(body)),
            Compression::Zstd => Decoder::Zstd(zstd::Decoder::new(body, zstd, limits.zstd_window_log)),
        };
        Some(Self { decoder, compression, window, start: 0, end: 0, produced: 0, limit: limits.unfolded })
    }

    /// What has unfolded and was not consumed.
    pub(crate) fn window(&self) -> &[u8] {
        self.window.get(self.start..self.end).unwrap_or_default()
    }

    /// Drops bytes from the front of the window.
    pub(crate) fn consume(&mut self, bytes: usize) {
        self.start = self.start.saturating_add(bytes).min(self.end);
    }

    /// Bytes that have come out, consumed or not.
    pub(crate) const fn produced(&self) -> u64 {
        self.produced
    }

    /// Adds at least one byte to the window; `false` at the end of the body.
    pub(crate) fn refill(&mut self) -> Result<bool, DecompressError> {
        if self.start > 0 {
            self.window.copy_within(self.start..self.end, 0);
            self.end -= self.start;
            self.start = 0;
        }
        loop {
            let Some(room) = self.decoder.want(self.limit - self.produced)? else {
                return Ok(false);
            };
            let full = self.end + room;
            if self.window.len() < full {
                self.window.resize(full, 0);
            }
            let out = self.window.get_mut(self.end..full).unwrap_or_default();
            let written = self.decoder.step(out)?;
            self.end += written;
            self.produced += written as u64;
            if self.produced > self.limit {
                return Err(DecompressError::TooLarge { compression: self.compression, limit: self.limit });
            }
            if written > 0 {
                return Ok(true);
            }
        }
    }
}

impl Drop for Stream<'_> {
    fn drop(&mut self) {
        if self.window.len() > limits::WINDOW_KEPT {
            *self.window = Vec::new();
        }
    }
}

/// The whole body unfolded.
///
/// Errors: as unfolding; for an uncompressed body it is a copy.
pub fn decompress(
    compression: Compression,
    body: &[u8],
    limits: Limits,
    scratch: &mut Scratch,
) -> Result<Vec<u8>, DecompressError> {
    let Some(mut stream) = Stream::new(compression, body, limits, scratch) else {
        return Ok(body.to_vec());
    };
    let mut out = Vec::new();
    while stream.refill()? {
        out.extend_from_slice(stream.window());
        stream.consume(usize::MAX);
    }
    Ok(out)
}
