//! Reading a frame: numbers, strings, arrays and tagged fields, in the version that is set.
//!
//! Invariants: a length is believed only when that many bytes are there; memory is asked for only after the budget has
//! been charged for it; nothing panics. Strings and bytes are slices of the frame, not copies.
//!
//! Stricter than Kafka in two things that no honest sender does: a length below −1 is not taken for null, and a tagged
//! field must have the size it says.

use crate::Str;
use crate::limits::{MAX_ARRAY, MAX_STRING, MAX_TAGS, decode_budget};
use crate::records::Records;
use crate::text::replace_invalid;
use crate::varint;
use bytes::{Buf, Bytes};
use ottla_model::Uuid;
use std::fmt;

/// Why bytes are not the message they should be; `at` counts bytes from the beginning of the frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DecodeError {
    /// The bytes end before the field does.
    Truncated {
        /// Where the field begins.
        at: usize,
    },
    /// A length below −1, or a null where none is allowed.
    Length {
        /// Behind the length.
        at: usize,
    },
    /// A string or an array longer than Kafka allows.
    TooLong {
        /// Behind the length.
        at: usize,
    },
    /// A variable-length integer that does not end.
    Varint {
        /// Where it begins.
        at: usize,
    },
    /// More tagged fields than Kafka allows.
    TooManyTags {
        /// Behind the count.
        at: usize,
    },
    /// A tagged field that the version does not have, or whose size is not the size it says.
    Tag {
        /// Behind the field.
        at: usize,
        /// Its number.
        tag: u32,
    },
    /// The decoded structures would take more memory than the frame may cost.
    OverBudget {
        /// Behind the count.
        at: usize,
    },
    /// A version that does not exist.
    Version {
        /// The message.
        name: &'static str,
        /// The version asked for.
        version: i16,
    },
}

impl fmt::Display for DecodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Truncated { at } => write!(f, "the bytes end inside the field at byte {at}"),
            Self::Length { at } => write!(f, "negative length or unexpected null before byte {at}"),
            Self::TooLong { at } => write!(f, "string or array too long before byte {at}"),
            Self::Varint { at } => write!(f, "variable-length integer without an end at byte {at}"),
            Self::TooManyTags { at } => write!(f, "too many tagged fields before byte {at}"),
            Self::Tag { at, tag } => {
                write!(f, "tagged field {tag} before byte {at} has the wrong size or version")
            }
            Self::OverBudget { at } => write!(f, "the array before byte {at} would take too much memory"),
            Self::Version { name, version } => write!(f, "{name} has no version {version}"),
        }
    }
}

impl std::error::Error for DecodeError {}

/// What can be read: a message, a structure, or an element of an array, in the version that the reader is set to.
pub trait Readable: Sized {
    /// The fewest bytes it takes in any version, at least 1.
    const MIN_SIZE: usize;

    /// Reads one.
    fn read(r: &mut Reader) -> Result<Self, DecodeError>;
}

/// A tagged field that is being read.
#[derive(Clone, Copy, Debug)]
pub struct Tag {
    /// Its number.
    pub number: u32,
    /// How many bytes are left in the frame behind the field.
    left_behind: usize,
}

/// Reads a frame from its beginning.
#[derive(Clone, Debug)]
pub struct Reader {
    rest: Bytes,
    frame_len: usize,
    budget: usize,
    version: i16,
    flexible: bool,
}

impl Reader {
    /// Reads `frame`; what is decoded may take `budget` bytes beside it.
    #[must_use]
    pub fn new(frame: Bytes, budget: usize) -> Self {
        Self { frame_len: frame.len(), rest: frame, budget, version: 0, flexible: false }
    }

    /// Reads `frame` with the budget that its size gives it ([`decode_budget`]).
    #[must_use]
    pub fn for_frame(frame: Bytes) -> Self {
        let budget = decode_budget(frame.len());
        Self::new(frame, budget)
    }

    /// How many bytes have not been read.
    #[must_use]
    pub fn remaining(&self) -> usize {
        self.rest.len()
    }

    /// What has not been read.
    #[must_use]
    pub fn into_rest(self) -> Bytes {
        self.rest
    }

    /// The version that is read.
    #[must_use]
    pub fn version(&self) -> i16 {
        self.version
    }

    /// From here on a message of this version is read.
    pub fn set_version(&mut self, version: i16, flexible: bool) {
        self.version = version;
        self.flexible = flexible;
    }

    fn at(&self) -> usize {
        self.frame_len - self.rest.len()
    }

    /// The next `len` bytes.
    fn take(&mut self, len: usize) -> Result<Bytes, DecodeError> {
        if len > self.rest.len() {
            return Err(DecodeError::Truncated { at: self.at() });
        }
        Ok(self.rest.split_to(len))
    }

    fn charge(&mut self, cost: usize) -> Result<(), DecodeError> {
        self.budget = self.budget.checked_sub(cost).ok_or(DecodeError::OverBudget { at: self.at() })?;
        Ok(())
    }

    fn fixed<const N: usize>(&mut self) -> Result<[u8; N], DecodeError> {
        let bytes = self.rest.first_chunk().copied().ok_or(DecodeError::Truncated { at: self.at() })?;
        self.rest.advance(N);
        Ok(bytes)
    }

    /// One byte: 0 is false, every other true.
    pub fn bool(&mut self) -> Result<bool, DecodeError> {
        Ok(self.fixed::<1>()? != [0])
    }

    /// Big-endian, as all numbers.
    pub fn i8(&mut self) -> Result<i8, DecodeError> {
        Ok(i8::from_be_bytes(self.fixed()?))
    }

    /// Two bytes.
    pub fn i16(&mut self) -> Result<i16, DecodeError> {
        Ok(i16::from_be_bytes(self.fixed()?))
    }

    /// Two bytes.
    pub fn u16(&mut self) -> Result<u16, DecodeError> {
        Ok(u16::from_be_bytes(self.fixed()?))
    }

    /// Four bytes.
    pub fn i32(&mut self) -> Result<i32, DecodeError> {
        Ok(i32::from_be_bytes(self.fixed()?))
    }

    /// Four bytes.
    pub fn u32(&mut self) -> Result<u32, DecodeError> {
        Ok(u32::from_be_bytes(self.fixed()?))
    }

    /// Eight bytes.
    pub fn i64(&mut self) -> Result<i64, DecodeError> {
        Ok(i64::from_be_bytes(self.fixed()?))
    }

    /// Eight bytes; NaN and infinities are values like others.
    pub fn f64(&mut self) -> Result<f64, DecodeError> {
        Ok(f64::from_be_bytes(self.fixed()?))
    }

    /// Sixteen bytes.
    pub fn uuid(&mut self) -> Result<Uuid, DecodeError> {
        Ok(Uuid::from_bytes(self.fixed()?))
    }

    /// A variable-length integer of at most five bytes.
    pub fn uvarint(&mut self) -> Result<u32, DecodeError> {
        let (value, len) = varint::read_u32(&self.rest).ok_or(DecodeError::Varint { at: self.at() })?;
        self.rest.advance(len);
        Ok(value)
    }

    /// A length or count; `None` for null.
    fn compact_len(&mut self) -> Result<Option<usize>, DecodeError> {
        let raw = self.uvarint()?;
        usize::try_from(raw).map(|raw| raw.checked_sub(1)).map_err(|_| DecodeError::TooLong { at: self.at() })
    }

    fn classic_len(&mut self, raw: i32) -> Result<Option<usize>, DecodeError> {
        match raw {
            -1 => Ok(None),
            raw => usize::try_from(raw).map(Some).map_err(|_| DecodeError::Length { at: self.at() }),
        }
    }

    fn len(&mut self) -> Result<Option<usize>, DecodeError> {
        if self.flexible {
            self.compact_len()
        } else {
            let raw = self.i32()?;
            self.classic_len(raw)
        }
    }

    fn not_null<T>(&self, value: Option<T>) -> Result<T, DecodeError> {
        value.ok_or(DecodeError::Length { at: self.at() })
    }

    /// A string. Bytes that are not UTF-8 become U+FFFD, as in Java.
    pub fn string(&mut self) -> Result<Str, DecodeError> {
        let value = self.string_or_null(true)?;
        self.not_null(value)
    }

    /// A string, or null if `allowed`.
    pub fn string_or_null(&mut self, allowed: bool) -> Result<Option<Str>, DecodeError> {
        if !self.flexible {
            return self.classic_string_or_null(allowed);
        }
        let len = self.compact_len()?;
        self.text(len, allowed)
    }

    /// A string whose length is two bytes, or null if `allowed`.
    pub fn classic_string_or_null(&mut self, allowed: bool) -> Result<Option<Str>, DecodeError> {
        let raw = self.i16()?;
        let len = self.classic_len(raw.into())?;
        self.text(len, allowed)
    }

    fn text(&mut self, len: Option<usize>, allowed: bool) -> Result<Option<Str>, DecodeError> {
        let Some(len) = len else {
            return if allowed { Ok(None) } else { Err(DecodeError::Length { at: self.at() }) };
        };
        if len > MAX_STRING {
            return Err(DecodeError::TooLong { at: self.at() });
        }
        let bytes = self.take(len)?;
        if let Ok(text) = Str::try_from(bytes.clone()) {
            return Ok(Some(text));
        }
        // Three bytes replace one, and a string that grows may double.
        self.charge(len.saturating_mul(6))?;
        let replaced = replace_invalid(&bytes);
        Ok(Some(Str::from(replaced)))
    }

    /// Bytes: a slice of the frame.
    pub fn bytes(&mut self) -> Result<Bytes, DecodeError> {
        let value = self.bytes_or_null(true)?;
        self.not_null(value)
    }

    /// Bytes, or null if `allowed`.
    pub fn bytes_or_null(&mut self, allowed: bool) -> Result<Option<Bytes>, DecodeError> {
        match self.len()? {
            Some(len) => self.take(len).map(Some),
            None if allowed => Ok(None),
            None => Err(DecodeError::Length { at: self.at() }),
        }
    }

    /// Record batches, or null if `allowed`: a slice of the frame.
    pub fn records(&mut self, allowed: bool) -> Result<Option<Records>, DecodeError> {
        Ok(self.bytes_or_null(allowed)?.map(Records::Bytes))
    }

    /// An array.
    pub fn array<T: Readable>(&mut self) -> Result<Vec<T>, DecodeError> {
        let value = self.array_or_null(true)?;
        self.not_null(value)
    }

    /// An array, or null if `allowed`.
    pub fn array_or_null<T: Readable>(&mut self, allowed: bool) -> Result<Option<Vec<T>>, DecodeError> {
        let Some(count) = self.array_len(T::MIN_SIZE, size_of::<T>(), allowed)? else { return Ok(None) };
        let mut elements = Vec::with_capacity(count);
        for _ in 0..count {
            elements.push(T::read(self)?);
        }
        Ok(Some(elements))
    }

    /// The count of an array whose elements take `min_size` bytes or more here and `cost` bytes when decoded. The
    /// memory for all of them is charged: whoever calls may allocate it.
    fn array_len(
        &mut self,
        min_size: usize,
        cost: usize,
        allowed: bool,
    ) -> Result<Option<usize>, DecodeError> {
        let Some(count) = self.len()? else {
            return if allowed { Ok(None) } else { Err(DecodeError::Length { at: self.at() }) };
        };
        if count > MAX_ARRAY {
            return Err(DecodeError::TooLong { at: self.at() });
        }
        if count.saturating_mul(min_size) > self.rest.len() {
            return Err(DecodeError::Truncated { at: self.at() });
        }
        self.charge(count.saturating_mul(cost))?;
        Ok(Some(count))
    }

    /// Whether a structure that may be null is there.
    pub fn is_present(&mut self) -> Result<bool, DecodeError> {
        Ok(self.i8()? >= 0)
    }

    /// Whether a structure that may be null is there, in a tagged field.
    pub fn tagged_is_present(&mut self) -> Result<bool, DecodeError> {
        Ok(self.uvarint()? != 0)
    }

    /// How many tagged fields follow; none in a version that is not flexible.
    pub fn tag_count(&mut self) -> Result<u32, DecodeError> {
        if !self.flexible {
            return Ok(0);
        }
        match self.uvarint()? {
            count if count > MAX_TAGS => Err(DecodeError::TooManyTags { at: self.at() }),
            count => Ok(count),
        }
    }

    /// The next tagged field.
    pub fn tag(&mut self) -> Result<Tag, DecodeError> {
        let number = self.uvarint()?;
        let size = self.uvarint()?;
        let left_behind = usize::try_from(size).ok().and_then(|size| self.rest.len().checked_sub(size));
        let left_behind = left_behind.ok_or(DecodeError::Truncated { at: self.at() })?;
        Ok(Tag { number, left_behind })
    }

    /// Passes over a tagged field that nobody knows.
    pub fn skip_tag(&mut self, tag: Tag) -> Result<(), DecodeError> {
        self.take(self.rest.len().saturating_sub(tag.left_behind)).map(drop)
    }

    /// Ends a tagged field: all of it has been read, and nothing behind it.
    pub fn end_tag(&mut self, tag: Tag) -> Result<(), DecodeError> {
        if self.rest.len() == tag.left_behind {
            Ok(())
        } else {
            Err(DecodeError::Tag { at: self.at(), tag: tag.number })
        }
    }

    /// The error for a tagged field that a later version introduced.
    #[must_use]
    pub fn early_tag(&self, tag: u32) -> DecodeError {
        DecodeError::Tag { at: self.at(), tag }
    }

    /// Passes over the tagged fields of a structure that has none of its own.
    pub fn skip_tags(&mut self) -> Result<(), DecodeError> {
        for _ in 0..self.tag_count()? {
            let tag = self.tag()?;
            self.skip_tag(tag)?;
        }
        Ok(())
    }
}
