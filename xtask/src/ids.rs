//! The ids of the client cases, found as quoted words in the suites' sources: `"kcat/hello"`.
//!
//! So a case that silently stops running is noticed, and `docs/semantics.md` can name only cases that exist.

use crate::files;
use std::collections::BTreeSet;
use std::path::Path;

/// The first parts of all ids.
const SUITES: [&str; 28] = [
    "java",
    "java-groups",
    "tools",
    "tools-groups",
    "connect",
    "streams",
    "raw",
    "kcat",
    "aiokafka",
    "kafka-python",
    "confluent",
    "franz-go",
    "kafkajs",
    "platformatic",
    "swap",
    "kills",
    "raw-groups",
    "confluent-groups",
    "aiokafka-groups",
    "kafka-python-groups",
    "franz-go-groups",
    "kafkajs-groups",
    "platformatic-groups",
    "kafka-go",
    "sarama",
    "mixed",
    "mixed-go",
    "exporter",
];

/// All ids below `clients/`.
pub(crate) fn declared(root: &Path) -> BTreeSet<String> {
    let sources = files::below(&root.join("clients"), &[".py", ".java", ".go", ".mjs"]);
    let texts = sources.iter().filter_map(|path| std::fs::read_to_string(path).ok());
    texts.flat_map(|text| within(&text)).collect()
}

/// The ids in a text: a quote, a suite, a slash, a name, the same quote.
pub(crate) fn within(text: &str) -> BTreeSet<String> {
    let quoted = |quote: char| text.lines().flat_map(move |line| line.split(quote).skip(1).step_by(2));
    quoted('"').chain(quoted('\'')).filter(|word| is_id(word)).map(str::to_owned).collect()
}

/// Whether a word has the shape of an id of a known suite.
pub(crate) fn is_id(word: &str) -> bool {
    word.split_once('/').is_some_and(|(suite, name)| {
        let plain = |letter: char| letter.is_ascii_lowercase() || letter.is_ascii_digit() || letter == '-';
        SUITES.contains(&suite) && !name.is_empty() && name.chars().all(plain)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_found_between_either_quote() {
        let text = "@case(\"kcat/hello\", 30)\n  ['kafkajs/admin', async () => {\n cases.run(\"java/acks\", 30, X::y); \"no/id\"";
        let found: Vec<String> = within(text).into_iter().collect();
        assert_eq!(found, ["java/acks", "kafkajs/admin", "kcat/hello"]);
    }
}
