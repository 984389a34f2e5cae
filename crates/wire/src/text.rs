//! Bytes that are not UTF-8, as Java reads them: each malformed piece becomes one U+FFFD.
//!
//! Java and Rust cut the pieces alike, except that Java takes a surrogate written as three bytes for one piece
//! (`sun.nio.cs.UTF_8`). A name must come out the same here as in a Kafka of the same cluster.

/// The text in `bytes`; it takes at most three times as many.
pub(crate) fn replace_invalid(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len());
    let mut rest = bytes;
    while !rest.is_empty() {
        let Err(error) = std::str::from_utf8(rest) else { break };
        let (valid, invalid) = rest.split_at(error.valid_up_to());
        text.push_str(std::str::from_utf8(valid).unwrap_or_default());
        text.push(char::REPLACEMENT_CHARACTER);
        let piece = match invalid {
            [0xed, 0xa0..=0xbf, 0x80..=0xbf, ..] => 3,
            [0xed, 0xa0..=0xbf, ..] => 2,
            invalid => error.error_len().unwrap_or(invalid.len()),
        };
        rest = invalid.get(piece..).unwrap_or_default();
    }
    text.push_str(std::str::from_utf8(rest).unwrap_or_default());
    text
}
