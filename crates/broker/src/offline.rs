//! A log directory that failed: its partitions are told, its waits end, the others go on.

use std::error::Error;
use std::sync::Arc;

use ottla_storage::log_dirs::DirIndex;

use crate::state::Broker;

/// Takes a directory offline for the rest of this process. Without a directory left, or without the one that
/// holds the metadata, the node stops.
pub(crate) fn take_offline(broker: &Arc<Broker>, directory: DirIndex, why: &dyn Error) {
    let why = why.to_string();
    if !broker.logs.dirs.fail(directory) {
        return;
    }
    let Some(dir) = broker.logs.dirs.dir(directory) else { return };
    tracing::error!(
        directory = %dir.path().display(),
        error = why,
        "a log directory failed and is offline until the next start; its partitions are not served"
    );
    let failed = broker.partitions.all().into_iter().filter(|it| broker.logs.dir_of(it) == Some(directory));
    let effects: Vec<_> = failed.map(|partition| partition.fail()).collect();
    broker.effects.apply(&effects);
    let holds_metadata = broker.metadata_directory == directory;
    if holds_metadata || broker.logs.dirs.online_ids().is_empty() {
        let what = if holds_metadata { "the metadata directory" } else { "the last log directory" };
        broker.stop.request(format!("{what} failed: {why}"));
    }
}
