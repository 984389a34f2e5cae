//! Kafka's names as Rust writes them.

/// `PartitionIndex` as `partition_index`; a name that Rust keeps for itself gets a `_` at the end.
pub(crate) fn snake(name: &str) -> String {
    let mut out = String::new();
    let mut before = None;
    let mut chars = name.chars().peekable();
    while let Some(c) = chars.next() {
        let after_small = before.is_some_and(|before: char| !before.is_ascii_uppercase());
        let before_small = before.is_some() && chars.peek().is_some_and(char::is_ascii_lowercase);
        if c.is_ascii_uppercase() && (after_small || before_small) {
            out.push('_');
        }
        out.push(c.to_ascii_lowercase());
        before = Some(c);
    }
    if matches!(out.as_str(), "type" | "match" | "ref" | "move" | "loop" | "where" | "use" | "self" | "in") {
        out.push('_');
    }
    out
}

/// A metadata record's name without its last word, as the variants of an enum are called.
pub(crate) fn without_record(name: &str) -> &str {
    name.strip_suffix("Record").unwrap_or(name)
}
