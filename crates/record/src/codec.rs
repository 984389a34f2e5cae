//! A codec to write with: the compression and, where it has one, its level.

use crate::header::Compression;

/// What records are compressed with. Levels are Kafka's: gzip −1 (default, 6) or 1 to 9, lz4 1 to 17
/// (default 9), zstd −131072 to 22 (default 3).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[allow(missing_docs)] // the names say it
pub enum Codec {
    #[default]
    None,
    Gzip(i32),
    Snappy,
    Lz4(i32),
    Zstd(i32),
}

impl Codec {
    /// With Kafka's default level.
    #[must_use]
    pub const fn of(compression: Compression) -> Self {
        match compression {
            Compression::None => Self::None,
            Compression::Gzip => Self::Gzip(-1),
            Compression::Snappy => Self::Snappy,
            Compression::Lz4 => Self::Lz4(9),
            Compression::Zstd => Self::Zstd(3),
        }
    }

    /// Without the level.
    #[must_use]
    pub const fn compression(self) -> Compression {
        match self {
            Self::None => Compression::None,
            Self::Gzip(_) => Compression::Gzip,
            Self::Snappy => Compression::Snappy,
            Self::Lz4(_) => Compression::Lz4,
            Self::Zstd(_) => Compression::Zstd,
        }
    }
}
