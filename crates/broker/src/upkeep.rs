//! What is done from time to time: retention, checkpoints, expiry of producers, room on the disks,
//! removal of what was deleted. One task; work that may wait for a disk runs off the worker threads.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use ottla_model::{Now, TopicPartition};
use ottla_storage::log::LogOffsets;
use ottla_storage::log_dirs::DirIndex;
use tokio_util::sync::CancellationToken;

use crate::coordination;
use crate::logs::Rubbish;
use crate::offline;
use crate::state::Broker;

/// How often the task looks whether something is due.
const BEAT: Duration = Duration::from_secs(1);

/// When each kind of work was done last.
#[derive(Clone, Copy, Default)]
struct Done {
    retention: u64,
    recovery_points: u64,
    start_offsets: u64,
    high_watermarks: u64,
    flush: u64,
    offsets: u64,
}

/// Works until it is told to stop; what it does then is done when it returns.
pub(crate) async fn run(broker: Arc<Broker>, stop: CancellationToken) {
    let mut beat = tokio::time::interval(BEAT);
    beat.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let start = broker.clock.now().tick;
    let mut done = Done::default();
    loop {
        tokio::select! {
            biased;
            () = stop.cancelled() => return,
            _ = beat.tick() => {}
        }
        let now = broker.clock.now();
        let since_start = now.tick.millis_since(start);
        let worker = Arc::clone(&broker);
        let work = move || {
            let mut done = done;
            do_what_is_due(&worker, &mut done, since_start, now);
            done
        };
        match broker.blocking.run(work).await {
            Ok(after) => done = after,
            // The runtime stops, or a bug ended the work: the next beat tries again.
            Err(_) => broker.counters.bug(),
        }
    }
}

fn do_what_is_due(broker: &Arc<Broker>, done: &mut Done, since_start: u64, now: Now) {
    let config = broker.config();
    let directories = &config.directories;
    let due = |last: &mut u64, interval: u64| {
        let is_due = since_start.saturating_sub(*last) >= interval;
        if is_due {
            *last = since_start;
        }
        is_due
    };
    broker.logs.remove_due(now);
    check_space(broker);
    if due(&mut done.retention, directories.retention_check_interval_ms) {
        retain(broker, now);
    }
    let flush_is_looked_at = due(&mut done.flush, directories.flush_scheduler_interval_ms);
    if flush_is_looked_at && broker.partitions.all().iter().any(|one| one.flush_is_overdue(now.tick)) {
        broker.flushes.demand();
    }
    if due(&mut done.offsets, config.groups.offsets_retention_check_interval_ms) {
        coordination::expire_offsets(broker);
    }
    if due(&mut done.high_watermarks, directories.high_watermark_checkpoint_interval_ms) {
        each_directory(broker, |directory, logs| broker.logs.dirs.write_high_watermarks(directory, logs));
    }
    let recovery_points = due(&mut done.recovery_points, directories.recovery_checkpoint_interval_ms);
    let start_offsets = due(&mut done.start_offsets, directories.start_offset_checkpoint_interval_ms);
    if recovery_points || start_offsets {
        write_epochs(broker);
        each_directory(broker, |directory, logs| broker.logs.dirs.write_recovery_points(directory, logs));
    }
}

fn check_space(broker: &Broker) {
    for directory in 0..broker.logs.dirs.dirs().len() {
        let took = broker.logs.dirs.takes_appends(directory);
        let Ok(space) = broker.logs.dirs.check_space(directory) else { continue };
        if took && !space.takes_appends {
            let free_mib = space.free >> 20;
            let directory = broker.logs.dirs.dir(directory).map(|dir| dir.path().display().to_string());
            tracing::error!(?directory, free_mib, "too little room: nothing is appended until some is freed");
        } else if !took && space.takes_appends {
            tracing::info!(directory, "room again: appends are taken");
        }
        // Partitions that appear while there is no room learn it here too.
        if !took || !space.takes_appends {
            for partition in broker.partitions.all() {
                if broker.logs.dir_of(&partition) == Some(directory) {
                    partition.set_short_of_room(!space.takes_appends);
                }
            }
        }
    }
}

fn retain(broker: &Arc<Broker>, now: Now) {
    for partition in broker.partitions.all() {
        partition.with_log(|log| log.expire_producers(now.wall));
        match partition.retain(now) {
            Ok((garbage, _)) if garbage.is_empty() => {}
            Ok((garbage, effect)) => {
                broker.counters.segments_deleted.inc_by(u64::try_from(garbage.len()).unwrap_or(u64::MAX));
                broker.effects.apply(&[effect]);
                broker.logs.discard(garbage.into_iter().map(Rubbish::Segment));
            }
            Err(error) => {
                tracing::error!(partition = %partition.name(), %error, "old segments could not be let go");
            }
        }
    }
}

fn write_epochs(broker: &Arc<Broker>) {
    for partition in broker.partitions.all() {
        if let Err(error) = partition.with_log(|log| log.write_epochs())
            && let Some(directory) = broker.logs.dir_of(&partition)
        {
            offline::take_offline(broker, directory, &error);
        }
    }
}

/// The offsets of all logs, by directory.
pub(crate) fn offsets_by_directory(broker: &Broker) -> Vec<Vec<(TopicPartition, LogOffsets)>> {
    let mut by_directory = vec![Vec::new(); broker.logs.dirs.dirs().len()];
    for partition in broker.partitions.all() {
        let (directory, offsets) =
            partition.with_log(|log| (broker.logs.dirs.dir_of(log.dir()), log.offsets()));
        if let Some(logs) = directory.and_then(|directory| by_directory.get_mut(directory)) {
            logs.push((partition.name().clone(), offsets));
        }
    }
    by_directory
}

fn each_directory(
    broker: &Arc<Broker>,
    write: impl Fn(DirIndex, &[(TopicPartition, LogOffsets)]) -> io::Result<()>,
) {
    for (directory, logs) in offsets_by_directory(broker).into_iter().enumerate() {
        let online = broker.logs.dirs.dir(directory).is_some_and(ottla_storage::log_dirs::LogDir::is_online);
        if let Err(error) = if online { write(directory, &logs) } else { Ok(()) } {
            offline::take_offline(broker, directory, &error);
        }
    }
}
