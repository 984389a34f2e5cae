//! Which partition of a coordinator's topic keeps a key.

/// Kafka's choice: the Java hash of the text, without its sign, modulo the partitions. 0 for no partitions.
#[must_use]
pub fn partition_for(key: &str, partitions: i32) -> i32 {
    let hash =
        key.encode_utf16().fold(0_i32, |hash, unit| hash.wrapping_mul(31).wrapping_add(i32::from(unit)));
    let positive = hash.checked_abs().unwrap_or(0);
    positive.checked_rem(partitions).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::partition_for;

    #[test]
    fn keys_have_the_partition_that_java_gives_them() {
        // `"...".hashCode()` in Java, by hand for the short ones.
        assert_eq!(partition_for("", 50), 0);
        assert_eq!(partition_for("a", 50), 97 % 50);
        assert_eq!(partition_for("group", 50), 98_629_247 % 50);
        // Its hash is the smallest integer, whose absolute value is none.
        assert_eq!(partition_for("polygenelubricants", 50), 0);
        // Two units each, as Java counts.
        assert_eq!(partition_for("\u{1d11e}", 1 << 30), 0xd834 * 31 + 0xdd1e);
        assert_eq!(partition_for("x", 0), 0);
    }
}
