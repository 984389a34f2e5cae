//! `.kafka_cleanshutdown`: the mark that a log directory was closed in order (Kafka
//! `CleanShutdownFileHandler`).
//!
//! One line of JSON, `{"version":0,"brokerEpoch":N}`. It is removed, durably, before anything else
//! is done at start, and written last of all at stop. Whether the epoch in it is the right one is
//! left to whoever knows the registration.

use std::io;
use std::path::Path;

use ottla_env::disk::Disk;
use ottla_model::BrokerEpoch;

use crate::atomic_file;
use crate::limits::MAX_SMALL_FILE_BYTES;

/// The file's name.
pub const NAME: &str = ".kafka_cleanshutdown";

/// What a log directory says of its last stop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CleanShutdown {
    /// No mark: whatever was not flushed may be damaged.
    Absent,
    /// The logs are sound. Without an epoch (the file of an old Kafka, or a damaged one) nobody
    /// can tell whether they are also complete.
    Present {
        /// The epoch under which this broker was registered when it stopped.
        broker_epoch: Option<BrokerEpoch>,
    },
}

/// Reads the mark. One that is no JSON counts as a mark without an epoch, as in Kafka.
///
/// # Errors
/// When the disk fails.
pub fn read(disk: &dyn Disk, log_dir: &Path) -> io::Result<CleanShutdown> {
    Ok(match atomic_file::read(disk, &log_dir.join(NAME), MAX_SMALL_FILE_BYTES)? {
        None => CleanShutdown::Absent,
        Some(content) => CleanShutdown::Present { broker_epoch: parse(&content) },
    })
}

/// Writes the mark, durably.
///
/// # Errors
/// When the disk fails.
pub fn write(disk: &dyn Disk, log_dir: &Path, broker_epoch: BrokerEpoch) -> io::Result<()> {
    atomic_file::write(disk, &log_dir.join(NAME), format(broker_epoch).as_bytes())
}

/// Removes the mark, durably, if there is one.
///
/// # Errors
/// When the disk fails: nothing may be written then.
pub fn remove(disk: &dyn Disk, log_dir: &Path) -> io::Result<()> {
    atomic_file::remove(disk, &log_dir.join(NAME))
}

fn format(broker_epoch: BrokerEpoch) -> String {
    format!("{{\"version\":0,\"brokerEpoch\":{broker_epoch}}}")
}

pub(crate) fn parse(content: &[u8]) -> Option<BrokerEpoch> {
    let value: serde_json::Value = serde_json::from_slice(content).ok()?;
    value.get("brokerEpoch")?.as_i64()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn it_reads_as_kafka_writes_it() {
        assert_eq!(format(17), "{\"version\":0,\"brokerEpoch\":17}");
        assert_eq!(parse(format(-1).as_bytes()), Some(-1));
        assert_eq!(parse(b"{\"brokerEpoch\":5,\"other\":[]}"), Some(5));
        for content in ["", "{}", "[]", "{\"version\":0}", "{\"brokerEpoch\":\"x\"}", "{\"brokerEpoch\":1"] {
            assert_eq!(parse(content.as_bytes()), None, "{content}");
        }
    }

    proptest! {
        #[test]
        fn any_bytes_are_parsed_or_refused(content in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = parse(&content);
        }
    }
}
