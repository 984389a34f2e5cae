//! Variable-length integers: seven bits to a byte, the lowest first, the top bit set on all but the last.
//!
//! As in Kafka (`ByteUtils`), an i32 takes at most five bytes and an i64 at most ten; longer forms than necessary are
//! read, bits beyond the type's width are dropped.

/// A number read, and how many bytes it took; `None` when the bytes end before it does, or it does not end.
#[must_use]
pub fn read_u32(bytes: &[u8]) -> Option<(u32, usize)> {
    let mut value = 0;
    for (i, byte) in bytes.iter().take(5).enumerate() {
        value |= u32::from(byte & 0x7f) << (7 * i);
        if byte & 0x80 == 0 {
            return Some((value, i + 1));
        }
    }
    None
}

/// As [`read_u32`], for 64 bits.
#[must_use]
pub fn read_u64(bytes: &[u8]) -> Option<(u64, usize)> {
    let mut value = 0;
    for (i, byte) in bytes.iter().take(10).enumerate() {
        value |= u64::from(byte & 0x7f) << (7 * i);
        if byte & 0x80 == 0 {
            return Some((value, i + 1));
        }
    }
    None
}

/// The bytes of a number, in an array of which as many are used as the second says.
#[must_use]
pub fn write_u32(mut value: u32) -> ([u8; 5], usize) {
    let mut out = [0; 5];
    for (i, byte) in out.iter_mut().enumerate() {
        let [low, ..] = value.to_le_bytes();
        value >>= 7;
        *byte = low & 0x7f;
        if value == 0 {
            return (out, i + 1);
        }
        *byte |= 0x80;
    }
    (out, 5)
}
