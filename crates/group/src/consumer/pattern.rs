//! Subscriptions by pattern: compiled, and matched against the names of all topics.
//!
//! Kafka reads patterns with RE2J; what both read means the same here, `\Q…\E` included. A pattern has to match the
//! whole name. What RE2J takes and this does not (octal escapes, `\C`, a bare `[` in a class) is refused as invalid.
//! How many patterns a group has, and how often they are looked at, is its draft's to bound.

use std::collections::BTreeSet;

use ottla_metadata::Image;
use regex::{Regex, RegexBuilder};

use crate::Text;

/// Bytes of the longest pattern.
pub(crate) const MAX_PATTERN: usize = 4096;
/// Bytes that a compiled pattern may take.
const MAX_COMPILED: usize = 1 << 20;

/// Compiles a pattern so that it matches whole names only.
///
/// # Errors
/// What is wrong with it, in one line.
pub(crate) fn compile(pattern: &str) -> Result<Regex, String> {
    if pattern.len() > MAX_PATTERN {
        return Err(format!("it is longer than {MAX_PATTERN} bytes"));
    }
    let pattern = without_quotes(pattern);
    // By itself first: a pattern that closes a group it did not open would be completed by the anchors.
    build(&pattern)?;
    whole(&pattern)
}

/// Compiles a pattern that was checked when it came; `None` for one that cannot be compiled (it came from elsewhere).
pub(crate) fn compile_checked(pattern: &str) -> Option<Regex> {
    whole(&without_quotes(pattern)).ok()
}

/// Anchors a pattern. The second form is for one that ends in a comment (`(?x)… # so`).
fn whole(pattern: &str) -> Result<Regex, String> {
    build(&format!(r"\A(?:{pattern})\z")).or_else(|_| build(&format!("\\A(?:{pattern}\n)\\z")))
}

fn build(pattern: &str) -> Result<Regex, String> {
    let regex = RegexBuilder::new(pattern).size_limit(MAX_COMPILED).dfa_size_limit(MAX_COMPILED).build();
    regex.map_err(|error| match error {
        regex::Error::CompiledTooBig(_) => "it is too large when compiled".to_owned(),
        error => {
            let text = error.to_string();
            text.lines().last().unwrap_or_default().trim_start_matches("error: ").to_owned()
        }
    })
}

/// The pattern with `\Q…\E` written out.
fn without_quotes(pattern: &str) -> String {
    let mut plain = String::with_capacity(pattern.len());
    let mut rest = pattern;
    while let Some((before, quoted)) = split_at_quote(rest) {
        plain.push_str(before);
        let (quoted, after) = quoted.split_once("\\E").unwrap_or((quoted, ""));
        plain.push_str(&regex::escape(quoted));
        rest = after;
    }
    plain.push_str(rest);
    plain
}

/// Splits at the first `\Q` whose backslash is not itself escaped.
fn split_at_quote(text: &str) -> Option<(&str, &str)> {
    let mut characters = text.char_indices();
    while let Some((at, character)) = characters.next() {
        if character == '\\' && characters.next().is_some_and(|(_, escaped)| escaped == 'Q') {
            return Some((text.get(..at)?, text.get(at + 2..)?));
        }
    }
    None
}

/// The topics that a pattern matches, in one pass over their names.
pub(crate) fn topics(pattern: &Regex, image: &Image) -> BTreeSet<Text> {
    let names = image.topics.iter_by_name().map(|topic| topic.name.as_str());
    names.filter(|name| pattern.is_match(name)).map(Text::from).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_matches_the_whole_name() {
        let matches = |pattern: &str, name: &str| compile(pattern).unwrap().is_match(name);
        assert!(matches("a|ab", "ab") && matches("orders.*", "orders-eu"));
        assert!(!matches("orders", "orders-eu") && !matches("rders", "orders") && !matches("a|ab", "abc"));
        assert!(matches("(?x)orders # all of them", "orders"));
        assert!(matches(r"\Qa.b\E.*", "a.b-1") && !matches(r"\Qa.b\E.*", "axb-1"));
        assert!(matches(r"a\\Q", r"a\Q") && matches(r"\Qa", "a"));
    }

    #[test]
    fn what_is_no_pattern_or_too_large_is_refused() {
        for bad in ["(", "a)(b", r"(a)\1", "*", "[z-a]", "(?<!a)b"] {
            assert!(compile(bad).is_err(), "{bad}");
        }
        assert!(compile("((a{100}){100}){100}").unwrap_err().contains("large"));
        assert!(compile(&"a".repeat(MAX_PATTERN + 1)).unwrap_err().contains("longer"));
    }
}
