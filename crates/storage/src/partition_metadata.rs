//! `partition.metadata`: the id of the topic that a partition's directory belongs to (Kafka
//! `PartitionMetadataFile`).
//!
//! Two lines, `version: 0` and `topic_id: ` with 22 characters, no line end after the second. It
//! is durable before the first append; what an absent or different id means is left to the caller.

use std::io;
use std::path::Path;

use ottla_env::disk::Disk;
use ottla_model::Uuid;

use crate::atomic_file::{self, Malformed, ReadFileError};
use crate::limits::MAX_SMALL_FILE_BYTES;

/// The file's name.
pub const NAME: &str = "partition.metadata";

/// Reads the topic id of a partition's directory; `None` when there is no file.
///
/// # Errors
/// When the disk fails or the content is malformed.
pub fn read(disk: &dyn Disk, partition_dir: &Path) -> Result<Option<Uuid>, ReadFileError> {
    atomic_file::read_text(disk, &partition_dir.join(NAME), MAX_SMALL_FILE_BYTES, parse)
}

/// Writes the topic id of a partition's directory, durably.
///
/// # Errors
/// When the disk fails.
pub fn write(disk: &dyn Disk, partition_dir: &Path, topic_id: Uuid) -> io::Result<()> {
    atomic_file::write(disk, &partition_dir.join(NAME), format(topic_id).as_bytes())
}

fn format(topic_id: Uuid) -> String {
    format!("version: 0\ntopic_id: {topic_id}")
}

/// Takes what Kafka takes: the names before the colons are not looked at, later versions are read
/// as version 0.
pub(crate) fn parse(text: &str) -> Result<Uuid, Malformed> {
    let mut lines = text.lines().map(|line| line.split_once(':').map(|(_, value)| value.trim()));
    let version = lines.next().flatten();
    if version.and_then(|version| version.parse::<i32>().ok()).is_none_or(|version| version < 0) {
        return Err(Malformed::new(1, "expected `version: 0`"));
    }
    match lines.next().flatten().and_then(|id| id.parse::<Uuid>().ok()) {
        Some(id) if !id.is_zero() => Ok(id),
        _ => Err(Malformed::new(2, "expected `topic_id: ` and an id of 22 characters")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn it_reads_as_kafka_writes_it() {
        let id = "aEqBEVaSTeqDbFDFPXYPJg".parse().unwrap();
        assert_eq!(format(id), "version: 0\ntopic_id: aEqBEVaSTeqDbFDFPXYPJg");
        assert_eq!(parse(&format(id)), Ok(id));
        assert_eq!(parse("version: 1\ntopic_id:   aEqBEVaSTeqDbFDFPXYPJg\nmore\n"), Ok(id));
    }

    #[test]
    fn the_line_at_fault_is_named() {
        for text in ["", "version", "version: -1\ntopic_id: aEqBEVaSTeqDbFDFPXYPJg", "version: x"] {
            assert_eq!(parse(text).unwrap_err().line, 1, "{text}");
        }
        for text in
            ["version: 0", "version: 0\ntopic_id: AAAAAAAAAAAAAAAAAAAAAA", "version: 0\ntopic_id: short"]
        {
            assert_eq!(parse(text).unwrap_err().line, 2, "{text}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_parsed_or_refused(text in "(version)?.{0,8}(: 0\n)?.{0,40}") {
            let _ = parse(&text);
        }
    }
}
