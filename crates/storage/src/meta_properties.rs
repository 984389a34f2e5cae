//! `meta.properties`: to which cluster and node a directory belongs (Kafka `MetaProperties`).
//!
//! Java properties. Version 1: `version`, `cluster.id`, `node.id`, and the random `directory.id`,
//! which a directory keeps for ever. Version 0, which upgraded clusters still have, calls the node
//! `broker.id` and may lack anything. Whether directories agree with each other and with the
//! configuration is left to whoever opens them.

use std::fmt::Write;
use std::io;
use std::path::Path;

use ottla_config::{Properties, PropertiesError};
use ottla_env::disk::Disk;
use ottla_model::{NodeId, Uuid};

use crate::atomic_file::{self, Malformed, ReadFileError};
use crate::limits::MAX_SMALL_FILE_BYTES;

/// The file's name.
pub const NAME: &str = "meta.properties";

/// What the file says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MetaProperties {
    /// 0 or 1; in 1 cluster and node are present.
    pub version: u8,
    /// Any text, usually 22 characters of base64.
    pub cluster_id: Option<String>,
    /// The node.
    pub node_id: Option<NodeId>,
    /// The directory; Kafka before 3.7 wrote none.
    pub directory_id: Option<Uuid>,
}

/// Reads the file of a log directory; `None` when the directory is not formatted.
///
/// # Errors
/// When the disk fails or the content is malformed.
pub fn read(disk: &dyn Disk, log_dir: &Path) -> Result<Option<MetaProperties>, ReadFileError> {
    let path = log_dir.join(NAME);
    match atomic_file::read(disk, &path, MAX_SMALL_FILE_BYTES) {
        Ok(None) => Ok(None),
        Ok(Some(content)) => {
            parse(&content).map(Some).map_err(|malformed| ReadFileError::Malformed { path, malformed })
        }
        Err(error) => Err(ReadFileError::Io { path, error }),
    }
}

/// Writes the file of a log directory, durably.
///
/// # Errors
/// When the disk fails.
pub fn write(disk: &dyn Disk, log_dir: &Path, properties: &MetaProperties) -> io::Result<()> {
    atomic_file::write(disk, &log_dir.join(NAME), format(properties).as_bytes())
}

fn format(properties: &MetaProperties) -> String {
    let MetaProperties { version, cluster_id, node_id, directory_id } = properties;
    // Java puts a comment with the date here; the order of the keys is what Kafka's file has.
    let mut text = String::from("#\n");
    if let Some(node_id) = node_id {
        let key = if *version == 0 { "broker.id" } else { "node.id" };
        let _ = writeln!(text, "{key}={node_id}");
    }
    if let Some(directory_id) = directory_id {
        let _ = writeln!(text, "directory.id={directory_id}");
    }
    let _ = writeln!(text, "version={version}");
    if let Some(cluster_id) = cluster_id {
        let _ = writeln!(text, "cluster.id={}", escape(cluster_id));
    }
    text
}

/// As `java.util.Properties` escapes a value; what is not printable ASCII becomes `\uXXXX`.
fn escape(value: &str) -> String {
    let mut escaped = String::with_capacity(value.len());
    for (index, character) in value.chars().enumerate() {
        match character {
            '\\' | '=' | ':' | '#' | '!' => escaped.extend(['\\', character]),
            ' ' if index == 0 => escaped.push_str("\\ "),
            ' '..='~' => escaped.push(character),
            _ => {
                for unit in character.encode_utf16(&mut [0; 2]) {
                    let _ = write!(escaped, "\\u{unit:04X}");
                }
            }
        }
    }
    escaped
}

pub(crate) fn parse(content: &[u8]) -> Result<MetaProperties, Malformed> {
    let properties = Properties::parse(content).map_err(|error| {
        let line = if let PropertiesError::BadEscape(line) = error { line } else { 1 };
        Malformed::new(line, error.to_string())
    })?;
    // Of two with one key the later counts.
    let find = |key: &str| properties.entries.iter().rev().find(|entry| entry.key == key);
    let version = match find("version") {
        None => 0,
        Some(entry) => match entry.value.trim().parse() {
            Ok(version @ 0..=1) => version,
            _ => {
                return Err(Malformed::new(
                    entry.line,
                    format!("version {:.20?} is not 0 or 1", entry.value),
                ));
            }
        },
    };
    let key = if version == 0 { "broker.id" } else { "node.id" };
    let node_id = match find(key) {
        None => None,
        Some(entry) => match entry.value.parse() {
            Ok(node_id) => Some(node_id),
            Err(_) => {
                return Err(Malformed::new(
                    entry.line,
                    format!("{key} {:.20?} is not a number", entry.value),
                ));
            }
        },
    };
    let directory_id = match find("directory.id") {
        None => None,
        Some(entry) => match entry.value.parse() {
            Ok(id) => Some(id),
            Err(_) => {
                return Err(Malformed::new(
                    entry.line,
                    format!("directory.id {:.40?} is not an id", entry.value),
                ));
            }
        },
    };
    let cluster_id = find("cluster.id").map(|entry| entry.value.clone());
    let last = properties.entries.last().map_or(1, |entry| entry.line);
    if version == 1 && cluster_id.is_none() {
        return Err(Malformed::new(last, "cluster.id is missing"));
    }
    if version == 1 && node_id.is_none() {
        return Err(Malformed::new(last, "node.id is missing"));
    }
    Ok(MetaProperties { version, cluster_id, node_id, directory_id })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn kafkas_file_is_read() {
        let text = "#\n#Sun Nov 22 10:00:00 UTC 2026\nnode.id=1\ndirectory.id=aEqBEVaSTeqDbFDFPXYPJg\nversion=1\n\
                    cluster.id=Some\\=Where\n";
        let read = parse(text.as_bytes()).unwrap();
        assert_eq!(read.cluster_id.as_deref(), Some("Some=Where"));
        assert_eq!((read.version, read.node_id), (1, Some(1)));
        assert_eq!(read.directory_id, Some("aEqBEVaSTeqDbFDFPXYPJg".parse().unwrap()));
        assert_eq!(parse(format(&read).as_bytes()), Ok(read));
    }

    #[test]
    fn version_0_may_lack_anything() {
        let empty = MetaProperties { version: 0, cluster_id: None, node_id: None, directory_id: None };
        assert_eq!(parse(b""), Ok(empty.clone()));
        assert_eq!(parse(b"broker.id=7\nnode.id=8"), Ok(MetaProperties { node_id: Some(7), ..empty }));
    }

    #[test]
    fn the_line_at_fault_is_named() {
        for (text, line) in [
            ("#\nversion=2", 2),
            ("version=1\nnode.id=1", 2),
            ("version=1\ncluster.id=c", 2),
            ("version=1\ncluster.id=c\nnode.id=one", 3),
            ("directory.id=x", 1),
            ("a=b\nc=\\u00", 2),
        ] {
            assert_eq!(parse(text.as_bytes()).unwrap_err().line, line, "{text}");
        }
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_again(
            cluster_id in proptest::option::of(any::<String>()), node_id: i32, id: [u8; 16], version in 0_u8..2,
        ) {
            let cluster_id = cluster_id.or_else(|| (version == 1).then(String::new));
            let directory_id = Some(Uuid::from_bytes(id));
            let properties = MetaProperties { version, cluster_id, node_id: Some(node_id), directory_id };
            prop_assert_eq!(parse(format(&properties).as_bytes()), Ok(properties));
        }

        #[test]
        fn any_bytes_are_parsed_or_refused(content in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = parse(&content);
        }
    }
}
