//! Record batches as messages carry them: opaque bytes, or a place that file regions fill.

use bytes::Bytes;

/// What a `records` field holds. The bytes are batches; `record` looks into them, this room does not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Records {
    /// The bytes themselves, a slice of the frame when decoded.
    Bytes(Bytes),
    /// `len` bytes that whoever sends the message inserts, found by `id`; only ever encoded.
    Hole {
        /// How many bytes.
        len: u32,
        /// The sender's name for the regions.
        id: u32,
    },
}

impl Records {
    /// How many bytes the field takes, without its length.
    #[must_use]
    pub fn len(&self) -> usize {
        match self {
            Self::Bytes(bytes) => bytes.len(),
            Self::Hole { len, .. } => usize::try_from(*len).unwrap_or(usize::MAX),
        }
    }

    /// Whether there are no bytes.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}
