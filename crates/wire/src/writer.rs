//! Writing a message: numbers, strings, arrays and tagged fields, in the version that is set.
//!
//! What comes out is a list of parts, so that record batches are neither copied nor, when they lie in a file, read.
//! Invariant: joined, the parts are exactly the bytes Kafka writes for the same values.

use crate::limits::MAX_STRING;
use crate::records::Records;
use crate::varint;
use bytes::{BufMut, Bytes, BytesMut};
use ottla_model::Uuid;
use std::fmt;

/// Record batches up to this many bytes are copied rather than made a part of their own.
const COPY_UP_TO: usize = 4096;

/// Why a message cannot be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EncodeError {
    /// The version lacks a field that is set and may not be dropped.
    Absent {
        /// The message.
        name: &'static str,
        /// The field.
        field: &'static str,
        /// The version that lacks it.
        version: i16,
    },
    /// Null where the version does not allow it.
    Null {
        /// The message.
        name: &'static str,
        /// The field.
        field: &'static str,
        /// The version.
        version: i16,
    },
    /// A string, an array or bytes longer than a length can say.
    TooLong {
        /// The message.
        name: &'static str,
        /// The field.
        field: &'static str,
    },
    /// A version that does not exist.
    Version {
        /// The message.
        name: &'static str,
        /// The version asked for.
        version: i16,
    },
    /// Plain bytes were asked for, and the message has holes.
    Holes,
}

impl fmt::Display for EncodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Absent { name, field, version } => write!(f, "{name} has no {field} in version {version}"),
            Self::Null { name, field, version } => {
                write!(f, "{field} of {name} cannot be null in version {version}")
            }
            Self::TooLong { name, field } => write!(f, "{field} of {name} is too long to be written"),
            Self::Version { name, version } => write!(f, "{name} has no version {version}"),
            Self::Holes => f.write_str("the message has records in files and is no plain run of bytes"),
        }
    }
}

impl std::error::Error for EncodeError {}

/// What can be written: a message, a structure, or an element of an array, in the version that the writer is set to.
pub trait Writable {
    /// Writes one.
    fn write(&self, w: &mut Writer) -> Result<(), EncodeError>;

    /// Tells every error code that it carries, its own and those of what it is made of.
    fn each_error(&self, told: &mut dyn FnMut(i16)) {
        let _ = told;
    }
}

/// A part of what was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Part {
    /// Bytes.
    Bytes(Bytes),
    /// `len` bytes that the sender inserts, found by `id`.
    Hole {
        /// How many bytes.
        len: u32,
        /// The id that [`Records::Hole`] had.
        id: u32,
    },
}

/// Collects what is written.
#[derive(Debug, Default)]
pub struct Writer {
    done: Vec<Part>,
    open: BytesMut,
    name: &'static str,
    version: i16,
    flexible: bool,
}

impl Writer {
    /// An empty one.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// An empty one with room for `capacity` bytes.
    #[must_use]
    pub fn with_capacity(capacity: usize) -> Self {
        Self { open: BytesMut::with_capacity(capacity), ..Self::default() }
    }

    /// What was written, in order.
    #[must_use]
    pub fn into_parts(mut self) -> Vec<Part> {
        self.close();
        self.done
    }

    /// What was written, as one run of bytes; refused when there are holes.
    pub fn into_bytes(mut self) -> Result<Bytes, EncodeError> {
        if self.done.is_empty() {
            return Ok(self.open.freeze());
        }
        self.close();
        let mut all = BytesMut::new();
        for part in self.done {
            match part {
                Part::Bytes(bytes) => all.extend_from_slice(&bytes),
                Part::Hole { .. } => return Err(EncodeError::Holes),
            }
        }
        Ok(all.freeze())
    }

    /// The version that is written.
    #[must_use]
    pub fn version(&self) -> i16 {
        self.version
    }

    /// Whether lengths are compact and tagged fields exist.
    #[must_use]
    pub fn is_flexible(&self) -> bool {
        self.flexible
    }

    /// From here on this message is written, in this version.
    pub fn set_version(&mut self, name: &'static str, version: i16, flexible: bool) {
        self.name = name;
        self.version = version;
        self.flexible = flexible;
    }

    /// The error for a field that the version lacks.
    #[must_use]
    pub fn absent(&self, field: &'static str) -> EncodeError {
        EncodeError::Absent { name: self.name, field, version: self.version }
    }

    fn too_long(&self, field: &'static str) -> EncodeError {
        EncodeError::TooLong { name: self.name, field }
    }

    /// Makes what is open a part.
    fn close(&mut self) {
        if !self.open.is_empty() {
            self.done.push(Part::Bytes(self.open.split().freeze()));
        }
    }

    /// 1 or 0.
    pub fn bool(&mut self, value: bool) {
        self.open.put_u8(value.into());
    }

    /// One byte.
    pub fn i8(&mut self, value: i8) {
        self.open.put_i8(value);
    }

    /// Two bytes, big-endian as all numbers.
    pub fn i16(&mut self, value: i16) {
        self.open.put_i16(value);
    }

    /// Two bytes.
    pub fn u16(&mut self, value: u16) {
        self.open.put_u16(value);
    }

    /// Four bytes.
    pub fn i32(&mut self, value: i32) {
        self.open.put_i32(value);
    }

    /// Four bytes.
    pub fn u32(&mut self, value: u32) {
        self.open.put_u32(value);
    }

    /// Eight bytes.
    pub fn i64(&mut self, value: i64) {
        self.open.put_i64(value);
    }

    /// Eight bytes.
    pub fn f64(&mut self, value: f64) {
        self.open.put_f64(value);
    }

    /// Sixteen bytes.
    pub fn uuid(&mut self, value: Uuid) {
        self.open.put_slice(&value.to_bytes());
    }

    /// A variable-length integer.
    pub fn uvarint(&mut self, value: u32) {
        let (bytes, used) = varint::write_u32(value);
        self.open.put_slice(bytes.get(..used).unwrap_or(&bytes));
    }

    /// Bytes as they are.
    pub fn raw(&mut self, bytes: &[u8]) {
        self.open.put_slice(bytes);
    }

    /// A length or count in the version's form; −1 is null.
    fn len(&mut self, len: Option<usize>, field: &'static str) -> Result<(), EncodeError> {
        let len = match len {
            Some(len) => i32::try_from(len).map_err(|_| self.too_long(field))?,
            None => -1,
        };
        if self.flexible {
            // At most 2^31, which is one more than i32 holds.
            self.uvarint(u32::try_from(i64::from(len) + 1).unwrap_or(0));
        } else {
            self.i32(len);
        }
        Ok(())
    }

    fn check_null(&self, is_null: bool, allowed: bool, field: &'static str) -> Result<(), EncodeError> {
        if is_null && !allowed {
            return Err(EncodeError::Null { name: self.name, field, version: self.version });
        }
        Ok(())
    }

    /// A string.
    pub fn string(&mut self, value: &str, field: &'static str) -> Result<(), EncodeError> {
        self.string_or_null(Some(value), true, field)
    }

    /// A string, or null if `allowed`.
    pub fn string_or_null(
        &mut self,
        value: Option<&str>,
        allowed: bool,
        field: &'static str,
    ) -> Result<(), EncodeError> {
        if !self.flexible {
            return self.classic_string_or_null(value, allowed, field);
        }
        self.check_null(value.is_none(), allowed, field)?;
        if value.is_some_and(|value| value.len() > MAX_STRING) {
            return Err(self.too_long(field));
        }
        self.len(value.map(str::len), field)?;
        self.open.put_slice(value.unwrap_or_default().as_bytes());
        Ok(())
    }

    /// A string whose length is two bytes, or null if `allowed`.
    pub fn classic_string_or_null(
        &mut self,
        value: Option<&str>,
        allowed: bool,
        field: &'static str,
    ) -> Result<(), EncodeError> {
        self.check_null(value.is_none(), allowed, field)?;
        match value {
            None => self.i16(-1),
            Some(value) => {
                let len = i16::try_from(value.len()).map_err(|_| self.too_long(field))?;
                self.i16(len);
                self.open.put_slice(value.as_bytes());
            }
        }
        Ok(())
    }

    /// Bytes with their length.
    pub fn bytes(&mut self, value: &[u8], field: &'static str) -> Result<(), EncodeError> {
        self.bytes_or_null(Some(value), true, field)
    }

    /// Bytes with their length, or null if `allowed`.
    pub fn bytes_or_null(
        &mut self,
        value: Option<&[u8]>,
        allowed: bool,
        field: &'static str,
    ) -> Result<(), EncodeError> {
        self.check_null(value.is_none(), allowed, field)?;
        self.len(value.map(<[u8]>::len), field)?;
        self.open.put_slice(value.unwrap_or_default());
        Ok(())
    }

    /// Record batches with their length, or null if `allowed`.
    pub fn records(
        &mut self,
        value: Option<&Records>,
        allowed: bool,
        field: &'static str,
    ) -> Result<(), EncodeError> {
        self.check_null(value.is_none(), allowed, field)?;
        self.len(value.map(Records::len), field)?;
        match value {
            Some(Records::Bytes(bytes)) if bytes.len() <= COPY_UP_TO => self.open.put_slice(bytes),
            Some(Records::Bytes(bytes)) => {
                self.close();
                self.done.push(Part::Bytes(bytes.clone()));
            }
            Some(Records::Hole { len, id }) => {
                self.close();
                self.done.push(Part::Hole { len: *len, id: *id });
            }
            None => {}
        }
        Ok(())
    }

    /// An array.
    pub fn array<T: Writable>(&mut self, value: &[T], field: &'static str) -> Result<(), EncodeError> {
        self.array_or_null(Some(value), true, field)
    }

    /// An array, or null if `allowed`.
    pub fn array_or_null<T: Writable>(
        &mut self,
        value: Option<&[T]>,
        allowed: bool,
        field: &'static str,
    ) -> Result<(), EncodeError> {
        self.check_null(value.is_none(), allowed, field)?;
        self.len(value.map(<[T]>::len), field)?;
        for element in value.unwrap_or_default() {
            element.write(self)?;
        }
        Ok(())
    }

    /// A structure that may be null.
    pub fn structure_or_null<T: Writable>(&mut self, value: Option<&T>) -> Result<(), EncodeError> {
        self.i8(if value.is_some() { 1 } else { -1 });
        value.map_or(Ok(()), |value| value.write(self))
    }

    /// A structure that may be null, in a tagged field.
    pub fn tagged_or_null<T: Writable>(&mut self, value: Option<&T>) -> Result<(), EncodeError> {
        self.uvarint(value.is_some().into());
        value.map_or(Ok(()), |value| value.write(self))
    }

    /// A structure without tagged fields ends, if the version is flexible.
    pub fn no_tags(&mut self) {
        if self.flexible {
            self.open.put_u8(0);
        }
    }

    /// Tagged fields begin.
    #[must_use]
    pub fn begin_tags(&mut self) -> Tags {
        let at = self.open.len();
        self.open.put_u8(0);
        Tags { at, count: 0 }
    }

    /// Tagged fields end: their count, which no definition lets reach 128, is put before them.
    pub fn end_tags(&mut self, tags: Tags) {
        if let Some(byte) = self.open.get_mut(tags.at) {
            *byte = tags.count;
        }
    }

    /// A tagged field begins. Fields must come in the order of their numbers.
    #[must_use]
    pub fn begin_tag(&mut self, tags: &mut Tags, number: u32) -> usize {
        tags.count = tags.count.saturating_add(1);
        self.uvarint(number);
        self.open.len()
    }

    /// A tagged field ends, which began at `start`: its size is put before it.
    pub fn end_tag(&mut self, start: usize, field: &'static str) -> Result<(), EncodeError> {
        let size = self.open.len().saturating_sub(start);
        let (bytes, used) = varint::write_u32(u32::try_from(size).map_err(|_| self.too_long(field))?);
        self.open.put_slice(bytes.get(..used).unwrap_or(&bytes));
        if let Some(field) = self.open.get_mut(start..) {
            field.rotate_right(used);
        }
        Ok(())
    }
}

/// The tagged fields of one structure, being written.
#[derive(Debug)]
pub struct Tags {
    at: usize,
    count: u8,
}
