//! Kafka's `Uuid`: 16 bytes, written as 22 characters of URL-safe base64 without padding.

use std::fmt;
use std::str::FromStr;

/// A topic id, directory id, incarnation id or cluster id.
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Uuid([u8; 16]);

const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

impl Uuid {
    /// No id.
    pub const ZERO: Self = Self::reserved(0);
    /// Directory id of a replica whose directory is not known yet.
    pub const UNASSIGNED: Self = Self::reserved(1);
    /// Directory id of a replica whose directory is offline.
    pub const LOST: Self = Self::reserved(2);
    /// Directory id of a broker that came from ZooKeeper.
    pub const MIGRATING: Self = Self::reserved(0);
    /// Topic id of `__cluster_metadata`.
    pub const METADATA_TOPIC: Self = Self::reserved(1);

    const fn reserved(low: u8) -> Self {
        let mut bytes = [0; 16];
        bytes[15] = low;
        Self(bytes)
    }

    /// From the bytes as they stand on the wire.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }

    /// The bytes as they stand on the wire.
    #[must_use]
    pub const fn to_bytes(self) -> [u8; 16] {
        self.0
    }

    /// Makes a version 4 id of random bytes; `None` when Kafka would not hand these out
    /// (reserved, or text beginning with `-`, which reads as an option): draw again.
    #[must_use]
    pub fn from_random(mut bytes: [u8; 16]) -> Option<Self> {
        bytes[6] = (bytes[6] & 0x0f) | 0x40;
        bytes[8] = (bytes[8] & 0x3f) | 0x80;
        let first_character = bytes[0] >> 2;
        (first_character != 62).then_some(Self(bytes))
    }

    /// Whether this is [`Uuid::ZERO`].
    #[must_use]
    pub fn is_zero(self) -> bool {
        self == Self::ZERO
    }
}

impl fmt::Display for Uuid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bits = u128::from_be_bytes(self.0);
        for place in 0..22_u32 {
            // 21 characters of 6 bits from the top, then one of the last 2 bits.
            let six = if place < 21 { bits >> (122 - 6 * place) } else { bits << 4 } & 0x3f;
            let letter = usize::try_from(six).ok().and_then(|index| ALPHABET.get(index));
            f.write_str(std::str::from_utf8(letter.map_or(&[], std::slice::from_ref)).unwrap_or_default())?;
        }
        Ok(())
    }
}

impl fmt::Debug for Uuid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// The text is not 22 characters of URL-safe base64.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InvalidUuid;

impl fmt::Display for InvalidUuid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("not an id of 22 characters of URL-safe base64")
    }
}

impl std::error::Error for InvalidUuid {}

impl FromStr for Uuid {
    type Err = InvalidUuid;

    fn from_str(text: &str) -> Result<Self, InvalidUuid> {
        let text = text.strip_suffix("==").unwrap_or(text);
        if text.len() != 22 {
            return Err(InvalidUuid);
        }
        let mut bits: u128 = 0;
        for (place, byte) in text.bytes().enumerate() {
            let six = ALPHABET.iter().position(|letter| *letter == byte).ok_or(InvalidUuid)? as u128;
            bits = if place < 21 { (bits << 6) | six } else { (bits << 2) | (six >> 4) };
        }
        Ok(Self(bits.to_be_bytes()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn reserved_ids_read_as_kafka_prints_them() {
        assert_eq!(Uuid::ZERO.to_string(), "AAAAAAAAAAAAAAAAAAAAAA");
        assert_eq!(Uuid::UNASSIGNED.to_string(), "AAAAAAAAAAAAAAAAAAAAAQ");
        assert_eq!("AAAAAAAAAAAAAAAAAAAAAQ".parse(), Ok(Uuid::METADATA_TOPIC));
    }

    #[test]
    fn text_of_another_length_or_alphabet_is_refused() {
        for text in ["", "AAAA", "AAAAAAAAAAAAAAAAAAAAA+", "AAAAAAAAAAAAAAAAAAAAAAA"] {
            assert_eq!(text.parse::<Uuid>(), Err(InvalidUuid), "{text}");
        }
    }

    #[test]
    fn a_leading_dash_is_never_handed_out() {
        assert_eq!(Uuid::from_random([0xfb; 16]), None);
    }

    proptest! {
        #[test]
        fn text_round_trips(bytes: [u8; 16]) {
            let id = Uuid::from_bytes(bytes);
            prop_assert_eq!(id.to_string().parse(), Ok(id));
        }
    }
}
