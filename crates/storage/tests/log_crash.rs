//! A log whose machine or process dies at any moment: what survives is a prefix, and everything that
//! was called durable is in it.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    clippy::cast_sign_loss,
    missing_docs,
    reason = "tests say what went wrong by stopping"
)]

mod fixture;

use std::sync::Arc;

use fixture::{NOW, append, batch, everything, make_dir, open, place, small};
use ottla_env::disk::Disk;
use ottla_env::testing::{FaultDisk, MemDisk, Sequence};
use ottla_model::Offset;
use ottla_storage::log::{Log, Start};
use ottla_storage::recovery::Finding;

/// What the log took, and what it promised.
#[derive(Default)]
struct Promised {
    /// Every batch that was appended or may have been: (base, last, tag).
    appended: Vec<(Offset, Offset, u64)>,
    /// Every batch that was appended for certain.
    taken: usize,
    durable: Offset,
}

/// Appends, rolls and flushes until the disk stops.
fn work(log: &mut Log, seed: u64, steps: usize) -> Promised {
    let mut luck = Sequence::new(seed);
    let mut promised = Promised { durable: log.durable_offset(), ..Promised::default() };
    for tag in 0..steps as u64 {
        let count = 1 + luck.below(4) as usize;
        let (base, last) = (log.end_offset(), log.end_offset() + count as i64 - 1);
        promised.appended.push((base, last, tag));
        let bytes = batch(tag, &vec![1_000; count], luck.below(100) as usize);
        // A leader of a later epoch now and then.
        if append(log, &bytes, 1 + (tag / 7) as i32).is_err() {
            break;
        }
        promised.taken += 1;
        if luck.one_in(3) {
            let Ok(flushed) = log.flush_job().run() else { break };
            log.flushed(&flushed);
            promised.durable = log.durable_offset();
        }
        if luck.one_in(10) && log.write_epochs().is_err() {
            break;
        }
    }
    promised
}

fn unclean(recovery_point: Offset) -> Start {
    Start { recovery_point, ..Start::default() }
}

fn check(disk: &Arc<dyn Disk>, promised: &Promised, recovery_point: Offset, what: &str) {
    let opened = open(disk, small(), unclean(recovery_point));
    let found = everything(&opened.log);
    assert!(found.len() <= promised.appended.len(), "{what}");
    assert_eq!(found, promised.appended[..found.len()], "{what}: not a prefix");
    assert!(opened.log.end_offset() >= promised.durable, "{what}: lost what was durable");
    let epochs = opened.log.epochs().to_vec();
    let end = opened.log.end_offset();
    assert_eq!(opened.log.producers().end_offset(), end, "{what}");
    drop(opened);
    // Doing it twice is doing it once.
    let again = open(disk, small(), unclean(recovery_point));
    let quiet = again.findings.iter().all(|finding| matches!(finding, Finding::Checked { .. }));
    assert!(quiet, "{what}: {:?}", again.findings);
    assert_eq!(everything(&again.log), found, "{what}");
    assert_eq!(again.log.epochs(), epochs, "{what}");
    let mut log = again.log;
    append(&mut log, &batch(99, &[5], 0), 50).unwrap();
    assert_eq!(everything(&log).len(), found.len() + 1, "{what}");
}

#[test]
fn power_loss_at_any_change_leaves_a_prefix_with_everything_durable() {
    for seed in 0..6 {
        let mut stop = 0;
        loop {
            let mem = MemDisk::new();
            make_dir(&mem);
            let faults = FaultDisk::new(Arc::new(mem.clone()));
            faults.stop_after(stop);
            let settings = small();
            let log = Log::open(place(Arc::new(faults.clone()), settings), Start::default(), NOW);
            let promised = log.map(|opened| {
                let mut log = opened.log;
                work(&mut log, seed, 40)
            });
            let promised = promised.unwrap_or_default();
            let finished = promised.taken == 40;
            let what = format!("seed {seed}, power lost after change {stop}");
            let disk: Arc<dyn Disk> = Arc::new(mem.crash(seed * 1_000 + stop));
            let point = if stop % 2 == 0 { promised.durable } else { 0 };
            check(&disk, &promised, point, &what);
            if finished {
                break;
            }
            stop += 1 + seed;
        }
        assert!(stop > 40, "the log changed the disk {stop} times only");
    }
}

#[test]
fn a_killed_process_loses_nothing() {
    for seed in 0..20 {
        let mem = MemDisk::new();
        make_dir(&mem);
        let disk: Arc<dyn Disk> = Arc::new(mem.clone());
        let mut log = open(&disk, small(), Start::default()).log;
        let promised = work(&mut log, seed, 60);
        let disk: Arc<dyn Disk> = Arc::new(mem.kill());
        let opened = open(&disk, small(), unclean(promised.durable));
        assert_eq!(everything(&opened.log), promised.appended, "seed {seed}");
        check(&disk, &promised, promised.durable, &format!("seed {seed}"));
    }
}

#[test]
fn power_loss_during_recovery_is_recovered_from() {
    for seed in 0..40 {
        let mem = MemDisk::new();
        make_dir(&mem);
        let disk: Arc<dyn Disk> = Arc::new(mem.clone());
        let mut log = open(&disk, small(), Start::default()).log;
        let promised = work(&mut log, seed, 40);
        let mut mem = mem.crash(seed);
        // Three deaths in a row, each in the middle of the recovery from the one before.
        for (depth, stop) in [(1, seed % 7), (2, seed % 13), (3, seed % 17)] {
            let faults = FaultDisk::new(Arc::new(mem.clone()));
            faults.stop_after(stop);
            let _dies = Log::open(place(Arc::new(faults), small()), unclean(promised.durable), NOW);
            mem = mem.crash(seed * 10 + depth);
        }
        let disk: Arc<dyn Disk> = Arc::new(mem);
        check(&disk, &promised, promised.durable, &format!("seed {seed}"));
    }
}
