//! A `.properties` file as Java reads it (`java.util.Properties.load`), with line numbers.
//!
//! Bytes are ISO-8859-1 and everything else is written `\uXXXX`, as Kafka reads its own file.
//! Invariant: entries stand in the order of the file; of two with one key the later counts, and both are kept
//! so that the earlier can be warned of. Nothing is looked up here.

use crate::limits::{MAX_ENTRIES, MAX_FILE_BYTES};
use std::fmt;

/// One `key=value` of the file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The name, unescaped.
    pub key: String,
    /// The value, unescaped; trailing blanks are part of it.
    pub value: String,
    /// The line on which it begins, from 1.
    pub line: usize,
}

/// What was read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Properties {
    /// In the order of the file.
    pub entries: Vec<Entry>,
    /// The first line with a byte outside ASCII, which Java reads as ISO-8859-1 and not as UTF-8.
    pub non_ascii_line: Option<usize>,
}

/// A file that cannot be read as properties.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PropertiesError {
    /// A `\u` without four hexadecimal digits, on this line.
    BadEscape(usize),
    /// More than [`MAX_FILE_BYTES`].
    TooLong(usize),
    /// More than [`MAX_ENTRIES`].
    TooMany,
}

impl fmt::Display for PropertiesError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::BadEscape(line) => {
                write!(f, "line {line}: \\u must be followed by four hexadecimal digits")
            }
            Self::TooLong(bytes) => {
                write!(f, "the file has {bytes} bytes; at most {MAX_FILE_BYTES} are read")
            }
            Self::TooMany => write!(f, "the file has more than {MAX_ENTRIES} entries"),
        }
    }
}

impl std::error::Error for PropertiesError {}

impl Properties {
    /// Reads the bytes of a file.
    pub fn parse(bytes: &[u8]) -> Result<Self, PropertiesError> {
        if bytes.len() > MAX_FILE_BYTES {
            return Err(PropertiesError::TooLong(bytes.len()));
        }
        let text: String = bytes.iter().map(|byte| char::from(*byte)).collect();
        let mut properties = Self::read(&text)?;
        let position = bytes.iter().position(|byte| !byte.is_ascii());
        properties.non_ascii_line = position
            .and_then(|at| bytes.get(..at))
            .map(|before| 1 + before.iter().filter(|byte| **byte == b'\n').count());
        Ok(properties)
    }

    /// Reads text that is characters already (an environment variable).
    pub(crate) fn read(text: &str) -> Result<Self, PropertiesError> {
        let mut entries = Vec::new();
        for line in logical_lines(text) {
            if entries.len() == MAX_ENTRIES {
                return Err(PropertiesError::TooMany);
            }
            let (key, value) = split(&line.text);
            let entry = |text| unescape(text).ok_or(PropertiesError::BadEscape(line.number));
            entries.push(Entry { key: entry(key)?, value: entry(value)?, line: line.number });
        }
        Ok(Self { entries, non_ascii_line: None })
    }
}

/// A line with its continuations joined, escapes still in it, and the number of its first part.
struct LogicalLine {
    text: String,
    number: usize,
}

const BLANKS: [char; 3] = [' ', '\t', '\u{c}'];

fn is_blank(c: char) -> bool {
    BLANKS.contains(&c)
}

/// The lines that hold an entry: blank ones and comments left out, continuations joined. A line continues
/// if it ends in an odd number of backslashes; leading blanks of each part are dropped.
fn logical_lines(text: &str) -> Vec<LogicalLine> {
    let unified = text.replace("\r\n", "\n").replace('\r', "\n");
    let mut lines: Vec<LogicalLine> = Vec::new();
    let mut open = false;
    for (at, raw) in unified.split('\n').enumerate() {
        let part = raw.trim_start_matches(BLANKS);
        // As in Java, what counts is that nothing has been gathered yet, even after a lone backslash.
        let fresh = !open || lines.last().is_none_or(|line| line.text.is_empty());
        if fresh && (part.is_empty() || part.starts_with(['#', '!'])) {
            open = false;
            continue;
        }
        let backslashes = part.chars().rev().take_while(|c| *c == '\\').count();
        let continues = backslashes % 2 == 1;
        let body = if continues { part.strip_suffix('\\').unwrap_or(part) } else { part };
        match lines.last_mut() {
            Some(line) if open => line.text.push_str(body),
            _ => lines.push(LogicalLine { text: body.to_owned(), number: at + 1 }),
        }
        open = continues;
    }
    lines.retain(|line| !line.text.is_empty());
    lines
}

/// Key and value: the key ends at the first unescaped `=`, `:` or blank; blanks around one separator go.
fn split(line: &str) -> (&str, &str) {
    let mut escaped = false;
    let end = line.char_indices().find(|(_, c)| {
        let ends = !escaped && (matches!(c, '=' | ':') || is_blank(*c));
        escaped = *c == '\\' && !escaped;
        ends
    });
    let Some((end, _)) = end else { return (line, "") };
    let (key, rest) = line.split_at(end);
    let rest = rest.trim_start_matches(BLANKS);
    let rest = rest.strip_prefix(['=', ':']).unwrap_or(rest);
    (key, rest.trim_start_matches(BLANKS))
}

/// Replaces escapes; `None` when a `\u` has no four digits. Pairs of surrogates become one character.
fn unescape(text: &str) -> Option<String> {
    let mut units: Vec<u16> = Vec::with_capacity(text.len());
    let mut buffer = [0; 2];
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        if c != '\\' {
            units.extend_from_slice(c.encode_utf16(&mut buffer));
            continue;
        }
        match chars.next() {
            Some('u') => {
                let digits: String = chars.by_ref().take(4).collect();
                let valid = digits.len() == 4 && digits.bytes().all(|b| b.is_ascii_hexdigit());
                units.push(u16::from_str_radix(&digits, 16).ok().filter(|_| valid)?);
            }
            Some('t') => units.push(u16::from(b'\t')),
            Some('n') => units.push(u16::from(b'\n')),
            Some('r') => units.push(u16::from(b'\r')),
            Some('f') => units.push(0x0c),
            Some(other) => units.extend_from_slice(other.encode_utf16(&mut buffer)),
            None => {}
        }
    }
    Some(String::from_utf16_lossy(&units))
}
