//! Flush rounds: what became dirty in one log directory while the last round ran is the next.
//!
//! One task for each directory. A round is asked for when an append waits to be durable; appends
//! that nobody waits for are left to the operating system, as Kafka leaves them. A sync that fails
//! takes the directory offline and is never tried again.

use std::sync::Arc;

use ottla_storage::flush::{FlushError, FlushJob, Flushed};
use ottla_storage::limits::SYNCS_AT_ONCE;
use ottla_storage::log_dirs::DirIndex;
use tokio::task::JoinSet;

use crate::offline;
use crate::state::Broker;

/// Runs the rounds of one directory for as long as it is polled and the directory is online.
pub(crate) async fn run_rounds(broker: Arc<Broker>, directory: DirIndex) {
    let Some(asked) = broker.flushes.of(directory) else { return };
    loop {
        asked.notified().await;
        let jobs = broker.logs.dirs.take_round(directory);
        if jobs.is_empty() {
            continue;
        }
        broker.counters.flush_rounds.inc();
        if !round(&broker, directory, jobs).await {
            return;
        }
    }
}

/// One round: the logs are synced by a few threads; each is told at once when its own sync is done.
async fn round(broker: &Arc<Broker>, directory: DirIndex, mut jobs: Vec<FlushJob>) -> bool {
    let mut running: JoinSet<Result<Flushed, FlushError>> = JoinSet::new();
    loop {
        while running.len() < SYNCS_AT_ONCE {
            let Some(job) = jobs.pop() else { break };
            running.spawn_blocking(move || job.run());
        }
        match running.join_next().await {
            None => return true,
            Some(Ok(Ok(flushed))) => {
                broker.counters.flushed_files.inc();
                tell(broker, &flushed);
            }
            Some(Ok(Err(error))) => {
                offline::take_offline(broker, directory, &error);
                return false;
            }
            // The runtime stops.
            Some(Err(_)) => return false,
        }
    }
}

fn tell(broker: &Broker, flushed: &Flushed) {
    let name = &flushed.partition;
    if let Ok(partition) = broker.partition_by_name(name.topic.as_str(), name.partition)
        && let Some(effect) = partition.flushed(flushed)
    {
        broker.effects.apply(&[effect]);
    }
}
