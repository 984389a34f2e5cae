//! Properties files as Java reads them, and names of the environment as Kafka's container image does.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic, missing_docs)] // a test may fail loudly

use ottla_config::environment::{setting_name, settings};
use ottla_config::{Properties, PropertiesError, limits};
use proptest::prelude::*;

fn read(text: &str) -> Vec<(String, String, usize)> {
    let properties = Properties::parse(text.as_bytes()).unwrap();
    properties.entries.into_iter().map(|entry| (entry.key, entry.value, entry.line)).collect()
}

fn one(text: &str) -> (String, String) {
    let mut entries = read(text);
    assert_eq!(entries.len(), 1, "{text:?}");
    let (key, value, _) = entries.remove(0);
    (key, value)
}

fn pair(key: &str, value: &str) -> (String, String) {
    (key.into(), value.into())
}

#[test]
fn a_separator_is_equals_colon_or_blank() {
    for text in ["a=b", "a:b", "a b", "a\tb", " a = b", "a : b", "a \t b", "a= b"] {
        assert_eq!(one(text), pair("a", "b"), "{text:?}");
    }
    assert_eq!(one("a==b"), pair("a", "=b"));
    assert_eq!(one("a = :b"), pair("a", ":b"));
    assert_eq!(one("a"), pair("a", ""));
    assert_eq!(one("a="), pair("a", ""));
    assert_eq!(one("=b"), pair("", "b"));
}

#[test]
fn trailing_blanks_belong_to_the_value() {
    assert_eq!(one("a=b  "), pair("a", "b  "));
}

#[test]
fn a_listener_keeps_its_colons() {
    assert_eq!(one("listeners=PLAINTEXT://:9092"), pair("listeners", "PLAINTEXT://:9092"));
}

#[test]
fn escapes_are_replaced() {
    assert_eq!(one(r"a\ b\:c\=d=e\tf\\g\q"), pair("a b:c=d", "e\tf\\gq"));
    assert_eq!(one(r"a=\u00e9\uD83D\uDE00"), pair("a", "é😀"));
    assert_eq!(one(r"a=\#b"), pair("a", "#b"));
}

#[test]
fn a_line_continues_after_an_odd_number_of_backslashes() {
    assert_eq!(one("a=b,\\\n   c"), pair("a", "b,c"));
    assert_eq!(one("a=b,\\\r\n\tc"), pair("a", "b,c"));
    assert_eq!(read("a=b\\\\\nc=d").len(), 2);
    assert_eq!(one("a=b\\\n# c"), pair("a", "b# c"));
    assert_eq!(read("a=b\\\n\nc=d"), [("a".into(), "b".into(), 1), ("c".into(), "d".into(), 3)]);
    assert_eq!(one("a=b\\"), pair("a", "b"));
}

#[test]
fn comments_and_blank_lines_are_skipped_and_counted() {
    let text = "# one\n\n  ! two \\\nkey=value\r\nother=x\rlast=y\n";
    let lines: Vec<_> = read(text).into_iter().map(|(key, _, line)| (key, line)).collect();
    assert_eq!(lines, [("key".into(), 4), ("other".into(), 5), ("last".into(), 6)]);
}

#[test]
fn bytes_are_latin_1_and_the_first_such_line_is_told() {
    let properties = Properties::parse(b"a=b\nc=\xe9\n").unwrap();
    assert_eq!(properties.entries[1].value, "é");
    assert_eq!(properties.non_ascii_line, Some(2));
}

#[test]
fn a_bad_unicode_escape_names_its_line() {
    assert_eq!(Properties::parse(b"a=b\nc=\\u12g4"), Err(PropertiesError::BadEscape(2)));
    assert_eq!(Properties::parse(b"c=\\u+123"), Err(PropertiesError::BadEscape(1)));
}

#[test]
fn a_file_is_bounded() {
    let long = vec![b'#'; limits::MAX_FILE_BYTES + 1];
    assert_eq!(Properties::parse(&long), Err(PropertiesError::TooLong(long.len())));
    let many = "a\n".repeat(limits::MAX_ENTRIES + 1);
    assert_eq!(Properties::parse(many.as_bytes()), Err(PropertiesError::TooMany));
}

#[test]
fn underscores_of_the_environment_follow_the_image() {
    for (variable, name) in [
        ("KAFKA_LOG_DIRS", Some("log.dirs")),
        ("KAFKA_NODE_ID", Some("node.id")),
        ("KAFKA_SOME__NAME", Some("some_name")),
        ("KAFKA_SOME___NAME", Some("some-name")),
        ("KAFKA_HEAP_OPTS", None),
        ("KAFKA_OPTS", None),
        ("PATH", None),
    ] {
        assert_eq!(setting_name(variable).as_deref(), name);
    }
}

#[test]
fn advertised_listeners_alone_bind_everywhere() {
    let advertised = "PLAINTEXT://broker:9092,OTHER://[::1]:9093";
    let found = settings([("KAFKA_ADVERTISED_LISTENERS".to_owned(), advertised.to_owned())]).unwrap();
    let found: Vec<_> = found.iter().map(|s| (s.name.as_str(), s.value.as_str())).collect();
    assert_eq!(
        found,
        [
            ("advertised.listeners", advertised),
            ("listeners", "PLAINTEXT://0.0.0.0:9092,OTHER://0.0.0.0:9093")
        ]
    );
}

#[test]
fn a_value_of_the_environment_is_read_as_a_line_of_a_file() {
    let found = settings([("KAFKA_A_B".to_owned(), r"c\\d".to_owned())]).unwrap();
    assert_eq!((found[0].name.as_str(), found[0].value.as_str()), ("a.b", r"c\d"));
}

proptest! {
    #[test]
    fn no_bytes_make_the_reader_fail_other_than_by_an_error(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        let _ = Properties::parse(&bytes);
    }

    #[test]
    fn what_is_escaped_is_read_back(key in "[ -~]{1,12}", value in "[ -~\t\n]{0,24}") {
        let escape = |text: &str| text.chars().map(|c| match c {
            '\n' => "\\n".to_owned(),
            '\t' => "\\t".to_owned(),
            other => format!("\\u{:04x}", u32::from(other)),
        }).collect::<String>();
        prop_assert_eq!(one(&format!("{}={}", escape(&key), escape(&value))), (key, value));
    }
}

/// Inputs and what `java.util.Properties.load` makes of them, as hexadecimal UTF-16, from a seeded run.
const JAVA: &str = include_str!("properties-java.tsv");

#[test]
fn java_reads_the_same() {
    let hex = |text: &str| text.encode_utf16().map(|unit| format!("{unit:04x}")).collect::<String>();
    for line in JAVA.lines() {
        let (input, java) = line.split_once('\t').unwrap();
        let unit = |at: usize| u8::from_str_radix(&input[at + 2..at + 4], 16).unwrap();
        let bytes: Vec<u8> = (0..input.len()).step_by(4).map(unit).collect();
        let ours = match Properties::parse(&bytes) {
            Err(_) => "ERR".to_owned(),
            Ok(properties) => {
                let last: std::collections::BTreeMap<String, String> =
                    properties.entries.into_iter().map(|entry| (entry.key, entry.value)).collect();
                last.iter().map(|(key, value)| format!("{}={};", hex(key), hex(value))).collect()
            }
        };
        assert_eq!(ours, java, "{:?}", String::from_utf8_lossy(&bytes));
    }
}
