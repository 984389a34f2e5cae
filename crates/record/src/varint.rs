//! Zig-zag variable-length integers, as they stand inside records (`ByteUtils.readVarint`,
//! `writeVarint`): 7 bits in a byte, least significant first.
//!
//! Reading accepts what Kafka accepts: at most 5 bytes for 32 bits, 10 for 64; bits beyond the width
//! are dropped, as Java's shift drops them.

/// No end within the allowed bytes, or the input ends before the number does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BadVarint;

/// Takes a 32-bit number from the front of `input`.
#[inline]
pub fn take_i32(input: &mut &[u8]) -> Result<i32, BadVarint> {
    let mut raw = 0_u32;
    for shift in (0..35).step_by(7) {
        let (&byte, rest) = input.split_first().ok_or(BadVarint)?;
        *input = rest;
        raw |= u32::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Ok((raw >> 1).cast_signed() ^ -(raw & 1).cast_signed());
        }
    }
    Err(BadVarint)
}

/// Takes a 64-bit number from the front of `input`.
#[inline]
pub fn take_i64(input: &mut &[u8]) -> Result<i64, BadVarint> {
    let mut raw = 0_u64;
    for shift in (0..70).step_by(7) {
        let (&byte, rest) = input.split_first().ok_or(BadVarint)?;
        *input = rest;
        raw |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Ok((raw >> 1).cast_signed() ^ -(raw & 1).cast_signed());
        }
    }
    Err(BadVarint)
}

/// Appends a number; a 32-bit number has the same bytes in both widths.
pub fn put(output: &mut Vec<u8>, value: i64) {
    let mut raw = zig_zag(value);
    while raw >= 0x80 {
        output.push(raw.to_le_bytes()[0] | 0x80);
        raw >>= 7;
    }
    output.push(raw.to_le_bytes()[0]);
}

/// How many bytes [`put`] appends.
#[must_use]
pub const fn size_of(value: i64) -> usize {
    let bits = 64 - (zig_zag(value) | 1).leading_zeros();
    bits.div_ceil(7) as usize
}

const fn zig_zag(value: i64) -> u64 {
    ((value << 1) ^ (value >> 63)).cast_unsigned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn numbers_come_back(value: i64, small: i32) {
            for value in [value, i64::from(small)] {
                let mut bytes = Vec::new();
                put(&mut bytes, value);
                prop_assert_eq!(bytes.len(), size_of(value));
                let mut rest = bytes.as_slice();
                prop_assert_eq!(take_i64(&mut rest), Ok(value));
                prop_assert!(rest.is_empty());
            }
            let mut bytes = Vec::new();
            put(&mut bytes, i64::from(small));
            prop_assert_eq!(take_i32(&mut bytes.as_slice()), Ok(small));
        }
    }

    #[test]
    fn known_bytes() {
        for (value, bytes) in
            [(0, vec![0]), (-1, vec![1]), (1, vec![2]), (63, vec![126]), (64, vec![128, 1]), (-64, vec![127])]
        {
            let mut out = Vec::new();
            put(&mut out, value);
            assert_eq!(out, bytes);
        }
        assert_eq!(size_of(i64::MIN), 10);
        assert_eq!(size_of(i64::from(i32::MIN)), 5);
    }

    #[test]
    fn endless_and_cut_numbers_are_refused() {
        assert_eq!(take_i32(&mut [0x80; 9].as_slice()), Err(BadVarint));
        assert_eq!(take_i64(&mut [0xff; 20].as_slice()), Err(BadVarint));
        assert_eq!(take_i32(&mut [0x80, 0x80].as_slice()), Err(BadVarint));
        assert_eq!(take_i64(&mut [].as_slice()), Err(BadVarint));
    }
}
