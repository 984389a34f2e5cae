//! Flush rounds: what became dirty in one log directory while the last round ran is the next.
//!
//! One task for each directory. A round is asked for when an append waits to be durable; appends
//! that nobody waits for are left to the operating system, as Kafka leaves them. A sync that fails
//! takes the directory offline and is never tried again.

use std::sync::Arc;

use ottla_storage::flush::{FlushError, FlushJob, Flushed};
use ottla_storage::limits::SYNCS_AT_ONCE;
use ottla_storage::log_dirs::DirIndex;
use parking_lot::Mutex;
use tokio::task::JoinSet;

use crate::offline;
use crate::state::Broker;

/// How long a sync that is done may wait to be told together with the next.
const TOGETHER_MS: u64 = 1;

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

/// One round: a few threads sync the logs, each taking the next until none is left.
async fn round(broker: &Arc<Broker>, directory: DirIndex, jobs: Vec<FlushJob>) -> bool {
    let threads = jobs.len().min(SYNCS_AT_ONCE);
    let queue = Arc::new(Mutex::new(jobs));
    let mut running: JoinSet<Result<(), FlushError>> = JoinSet::new();
    for _ in 0..threads {
        let (broker, queue) = (Arc::clone(broker), Arc::clone(&queue));
        running.spawn_blocking(move || sync_all(&broker, &queue));
    }
    loop {
        match running.join_next().await {
            None => return true,
            Some(Ok(Ok(()))) => {}
            Some(Ok(Err(error))) => {
                offline::take_offline(broker, directory, &error);
                return false;
            }
            // The runtime stops.
            Some(Err(_)) => return false,
        }
    }
}

/// Syncs what is in the queue. What was quick is told together, since each telling wakes somebody; what was slow is told
/// at once.
fn sync_all(broker: &Arc<Broker>, queue: &Mutex<Vec<FlushJob>>) -> Result<(), FlushError> {
    let mut done = Vec::new();
    let mut told = broker.clock.now().tick;
    let ended = loop {
        let Some(job) = queue.lock().pop() else { break Ok(()) };
        match job.run() {
            Ok(flushed) => {
                broker.counters.flushed_files.inc();
                done.push(flushed);
            }
            Err(error) => break Err(error),
        }
        let now = broker.clock.now().tick;
        if now.millis_since(told) >= TOGETHER_MS {
            tell(broker, &std::mem::take(&mut done));
            told = now;
        }
    };
    tell(broker, &done);
    ended
}

fn tell(broker: &Broker, flushed: &[Flushed]) {
    let effect = |flushed: &Flushed| {
        let name = &flushed.partition;
        let partition = broker.partition_by_name(name.topic.as_str(), name.partition).ok()?;
        partition.flushed(flushed)
    };
    let effects: Vec<_> = flushed.iter().filter_map(effect).collect();
    broker.effects.apply(&effects);
}
