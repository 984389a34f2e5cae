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

/// What is left of a round. Nothing is left of one that ends early: the node stops, or the directory failed.
struct Queue(Arc<Mutex<Vec<FlushJob>>>);

impl Drop for Queue {
    fn drop(&mut self) {
        self.0.lock().clear();
    }
}

/// One round: a few threads sync the logs, each taking the next until none is left.
async fn round(broker: &Arc<Broker>, directory: DirIndex, mut jobs: Vec<FlushJob>) -> bool {
    let threads = jobs.len().min(SYNCS_AT_ONCE);
    // Those of coordinators are small and many: they come first, from the end.
    jobs.sort_by_key(is_small);
    let queue = Queue(Arc::new(Mutex::new(jobs)));
    let mut running: JoinSet<Result<(), FlushError>> = JoinSet::new();
    for _ in 0..threads {
        let (broker, queue) = (Arc::clone(broker), Arc::clone(&queue.0));
        running.spawn_blocking(move || sync_all(&broker, &queue));
    }
    while let Some(ended) = running.join_next().await {
        let failed: Box<dyn std::error::Error> = match ended {
            Ok(Ok(())) => continue,
            Ok(Err(error)) => Box::new(error),
            // Nobody knows what was synced.
            Err(ended) if ended.is_panic() => Box::new(ended),
            // The runtime stops.
            Err(_) => return false,
        };
        offline::take_offline(broker, directory, &*failed);
        return false;
    }
    true
}

fn is_small(job: &FlushJob) -> bool {
    job.partition().topic.is_internal()
}

/// Syncs what is in the queue. What is small and was quick is told together, since each telling wakes somebody; all else
/// is told at once.
fn sync_all(broker: &Arc<Broker>, queue: &Mutex<Vec<FlushJob>>) -> Result<(), FlushError> {
    let mut done = Vec::new();
    let mut told = broker.clock.now().tick;
    let ended = loop {
        let Some(job) = queue.lock().pop() else { break Ok(()) };
        if !is_small(&job) {
            tell(broker, &std::mem::take(&mut done));
        }
        let is_small = is_small(&job);
        match job.run() {
            Ok(flushed) => {
                broker.counters.flushed_files.inc();
                done.push(flushed);
            }
            Err(error) => break Err(error),
        }
        let now = broker.clock.now().tick;
        if !is_small || now.millis_since(told) >= TOGETHER_MS {
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
