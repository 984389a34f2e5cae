//! Formatting: what makes an empty directory the start of a cluster (`kafka-storage format --standalone`).
//!
//! Only directories that are absent or empty are formatted, and all of them or none: an unmounted disk must not
//! become a new cluster. `meta.properties` comes last, so that a format that was interrupted is done again.

use std::collections::BTreeMap;
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use ottla_config::BrokerConfig;
use ottla_env::disk::{Disk, Kind};
use ottla_env::{Clock, Random};
use ottla_metadata::features::{BadLevel, KRAFT, levels_at_format};
use ottla_metadata::{MetadataVersion, bootstrap};
use ottla_model::Uuid;
use ottla_raft::{Endpoint, ReplicaKey, SUPPORTED, Voter, Voters};
use ottla_storage::atomic_file;
use ottla_storage::meta_properties::{self, MetaProperties};

/// Kafka names the snapshot that carries the first voters so.
const ZERO_CHECKPOINT: &str = "00000000000000000000-0000000000.checkpoint";
const BOOTSTRAP_CHECKPOINT: &str = "bootstrap.checkpoint";

/// Why directories were not formatted.
#[derive(Debug)]
pub enum FormatError {
    /// The disk failed.
    Io(PathBuf, io::Error),
    /// A level that does not go with the release.
    Level(BadLevel),
    /// The records could not be encoded: a bug.
    Encode(String),
}

impl fmt::Display for FormatError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Io(path, error) => write!(f, "{} cannot be formatted: {error}", path.display()),
            Self::Level(bad) => write!(f, "the directories cannot be formatted: {bad}"),
            Self::Encode(error) => {
                write!(f, "the directories cannot be formatted: {error}; please report this")
            }
        }
    }
}

impl std::error::Error for FormatError {}

/// Whether every one of the directories is absent or empty. What a file system puts there, a lock that was left and
/// what a format that was interrupted has written do not count: the metadata log itself would.
pub(crate) fn all_empty(disk: &dyn Disk, dirs: &[PathBuf]) -> Result<bool, FormatError> {
    for dir in dirs {
        for name in names(disk, dir)? {
            let empty = match name.as_str() {
                "lost+found" | ".lock" | BOOTSTRAP_CHECKPOINT => true,
                ottla_quorum::DIRECTORY => {
                    let left_over = |one: &String| one == ZERO_CHECKPOINT || one.ends_with(".tmp");
                    names(disk, &dir.join(&name))?.iter().all(left_over)
                }
                _ => name.ends_with(".tmp"),
            };
            if !empty {
                return Ok(false);
            }
        }
    }
    Ok(true)
}

fn names(disk: &dyn Disk, dir: &Path) -> Result<Vec<String>, FormatError> {
    let io = |error| FormatError::Io(dir.to_owned(), error);
    if disk.metadata(dir).map_err(io)?.is_none() {
        return Ok(Vec::new());
    }
    Ok(disk.list(dir).map_err(io)?.into_iter().map(|entry| entry.name).collect())
}

/// Formats all directories as one node of a new cluster.
pub(crate) fn format(
    disk: &dyn Disk,
    clock: &dyn Clock,
    random: &dyn Random,
    config: &BrokerConfig,
    dirs: &[PathBuf],
    metadata_dir: &Path,
    cluster_id: Uuid,
) -> Result<(), FormatError> {
    let asked = match config.static_voter {
        // Voters from the configuration are those of kraft.version 0.
        Some(_) => BTreeMap::from([(KRAFT.name.to_owned(), 0)]),
        None => BTreeMap::new(),
    };
    let version = MetadataVersion::DEFAULT;
    let levels = levels_at_format(version, &asked).map_err(FormatError::Level)?;
    let directory = random.uuid();
    let voters = Voters::new([own_voter(config, directory)]);
    let record = ottla_quorum::voters_record(&voters);
    let fresh = bootstrap::fresh(version, &levels, record, clock.now().wall)
        .map_err(|error| FormatError::Encode(error.to_string()))?;
    let log = metadata_dir.join(ottla_quorum::DIRECTORY);
    make_dir(disk, &log)?;
    if let Some(zero) = &fresh.zero {
        write(disk, &log.join(ZERO_CHECKPOINT), zero)?;
    }
    write(disk, &metadata_dir.join(BOOTSTRAP_CHECKPOINT), &fresh.bootstrap)?;
    // The metadata directory's first: its id stands in what was written above, and a directory that an
    // interrupted format has left without an identity gets a new one.
    let (first, others): (Vec<&PathBuf>, Vec<&PathBuf>) = dirs.iter().partition(|dir| *dir == metadata_dir);
    for dir in first.into_iter().chain(others) {
        make_dir(disk, dir)?;
        let directory_id = if dir == metadata_dir { directory } else { random.uuid() };
        let properties = MetaProperties {
            version: 1,
            cluster_id: Some(cluster_id.to_string()),
            node_id: Some(config.node_id),
            directory_id: Some(directory_id),
        };
        meta_properties::write(disk, dir, &properties)
            .map_err(|error| FormatError::Io(dir.clone(), error))?;
    }
    Ok(())
}

/// This node as the quorum's voter.
pub(crate) fn own_voter(config: &BrokerConfig, directory: Uuid) -> Voter {
    let advertised = config.advertised_controllers.iter().chain(&config.controller_listeners);
    let mut endpoints: Vec<Endpoint> = Vec::new();
    for endpoint in advertised {
        if !endpoints.iter().any(|known| known.name == endpoint.listener) {
            let host = if endpoint.is_wildcard() { "localhost".to_owned() } else { endpoint.host.clone() };
            endpoints.push(Endpoint { name: endpoint.listener.clone(), host, port: endpoint.port });
        }
    }
    if endpoints.is_empty() {
        // Without a controller listener: what Kafka's sample configuration would call it.
        endpoints.push(Endpoint { name: "CONTROLLER".to_owned(), host: "localhost".to_owned(), port: 9093 });
    }
    Voter { key: ReplicaKey { id: config.node_id, directory }, endpoints, versions: SUPPORTED }
}

fn make_dir(disk: &dyn Disk, dir: &Path) -> Result<(), FormatError> {
    let io = |error| FormatError::Io(dir.to_owned(), error);
    disk.create_dir_all(dir).map_err(io)?;
    match dir.parent().filter(|parent| !parent.as_os_str().is_empty()) {
        Some(parent) if matches!(disk.metadata(parent), Ok(Some(found)) if found.kind == Kind::Dir) => {
            disk.sync_dir(parent).map_err(io)
        }
        _ => Ok(()),
    }
}

fn write(disk: &dyn Disk, path: &Path, content: &[u8]) -> Result<(), FormatError> {
    atomic_file::write(disk, path, content).map_err(|error| FormatError::Io(path.to_owned(), error))
}

#[cfg(test)]
mod tests {
    use super::*;
    use ottla_env::disk::Open;
    use ottla_env::testing::MemDisk;

    fn with(files: &[&str]) -> bool {
        let disk = MemDisk::default();
        let dir = PathBuf::from("/data");
        for file in files {
            let path = dir.join(file);
            disk.create_dir_all(path.parent().unwrap()).unwrap();
            disk.open(&path, Open::Create).unwrap();
        }
        all_empty(&disk, &[dir, PathBuf::from("/absent")]).unwrap()
    }

    #[test]
    fn absent_empty_and_half_formatted_directories_are_formatted() {
        assert!(with(&[]));
        assert!(with(&["lost+found", ".lock"]));
        assert!(with(&[
            ".lock",
            "bootstrap.checkpoint",
            "__cluster_metadata-0/00000000000000000000-0000000000.checkpoint"
        ]));
    }

    #[test]
    fn a_directory_with_data_is_never_formatted() {
        assert!(!with(&["meta.properties"]));
        assert!(!with(&["topic-0/00000000000000000000.log"]));
        assert!(!with(&["__cluster_metadata-0/00000000000000000000.log"]));
        assert!(!with(&["somebody's file"]));
    }
}
