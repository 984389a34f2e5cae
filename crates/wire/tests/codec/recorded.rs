//! Bytes that Kafka's own Java classes wrote. They lie in `recorded`.

use crate::model::typed;
use bytes::Bytes;
use std::collections::BTreeSet;

const RECORDED: &str = include_str!("recorded/kafka-4.4.0.txt");

fn unhex(text: &str) -> Bytes {
    let digits = text.as_bytes().chunks(2).map(|pair| std::str::from_utf8(pair).unwrap());
    digits.map(|pair| u8::from_str_radix(pair, 16).unwrap()).collect()
}

#[test]
fn the_java_classes_write_the_same_defaults_and_examples() {
    let typed = typed::messages();
    let mut seen = BTreeSet::new();
    for line in RECORDED.lines().filter(|line| !line.starts_with('#')) {
        let words: Vec<&str> = line.split(' ').collect();
        let (name, version) = (words[0], words[1].parse().unwrap());
        let bytes = words.get(3).copied().unwrap_or_default();
        seen.insert((name, version));
        match (words[2], bytes) {
            ("default", bytes) => assert_eq!((typed[name].default)(version), Ok(unhex(bytes)), "{line}"),
            (_, bytes) => {
                let read = (typed[name].transcode)(unhex(bytes), version, version);
                assert_eq!(read, Ok((Ok(unhex(bytes)), 0)), "{line}");
            }
        }
    }
    for (name, typed) in typed {
        for version in typed.versions.0..=typed.versions.1 {
            assert!(seen.contains(&(name, version)), "{name} {version} is not recorded");
        }
    }
}
