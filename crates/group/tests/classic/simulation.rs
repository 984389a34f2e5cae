//! Random histories: whatever happens the promises hold, and what is planted is found.

use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::plant::{Bug, Plant};
use crate::world::World;

const STEPS: usize = 600;

/// Seeds of a normal run and of a long one (`OTTLA_LONG`); `OTTLA_SEED` names one, whose whole story is told.
fn seeds() -> std::ops::Range<u64> {
    let given = std::env::var("OTTLA_SEED").ok().map(|seed| seed.parse().unwrap());
    match given {
        Some(seed) => seed..seed + 1,
        None if std::env::var_os("OTTLA_LONG").is_some() => 0..5_000,
        None => 0..80,
    }
}

/// What a seed breaks.
fn broken(seed: u64, bug: Option<Bug>) -> Option<String> {
    let mut world = World::new(seed, bug.map(Plant::new));
    world.run(STEPS).err()
}

#[test]
fn whatever_happens_the_promises_hold() {
    for seed in seeds() {
        let mut world = World::new(seed, None);
        let verdict = catch_unwind(AssertUnwindSafe(|| world.run(STEPS)));
        match verdict {
            Ok(Ok(())) => {}
            Ok(Err(broken)) => panic!("seed {seed}:\n{}\n{broken}", world.story()),
            Err(_) => panic!("seed {seed}:\n{}\nthe panic is told above", world.story()),
        }
    }
}

#[test]
fn a_seed_gives_the_same_history_again() {
    let trace = |seed| {
        let mut world = World::new(seed, None);
        world.run(STEPS).unwrap();
        world.trace
    };
    assert_eq!(trace(7), trace(7));
    assert_ne!(trace(7), trace(8));
}

/// The words with which the first seed that finds a bug tells of it.
fn found(bug: Bug) -> String {
    (0..40).find_map(|seed| broken(seed, Some(bug))).unwrap_or_else(|| panic!("{bug:?} is not found"))
}

#[test]
fn an_assignment_that_is_not_logged_is_found() {
    let told = found(Bug::UnloggedAssignment);
    assert!(told.starts_with("S25"), "{told}");
}

#[test]
fn a_commit_of_an_old_generation_is_found() {
    let told = found(Bug::OldGeneration);
    assert!(told.starts_with("I28"), "{told}");
}

#[test]
fn an_assignment_given_to_two_is_found() {
    let told = found(Bug::TwoOwners);
    assert!(told.starts_with("I26"), "{told}");
}

#[test]
fn an_offset_lost_at_loading_is_found() {
    let told = found(Bug::LostOffset);
    assert!(told.starts_with("I30"), "{told}");
}

#[test]
fn a_request_without_an_answer_is_found() {
    let told = found(Bug::Unanswered);
    assert!(told.starts_with("never answered"), "{told}");
}

/// What must have happened in the seeds of a normal run: a history without it would show little.
const SOMETIMES: &[&str] = &[
    "member_joined",
    "member_left",
    "member_changed",
    "leader_rejoined",
    "session_expired",
    "sync_expired",
    "static_member_replaced",
    " skip",
    "join MEMBER_ID_REQUIRED",
    "join FENCED_INSTANCE_ID",
    "join UNKNOWN_MEMBER_ID",
    "sync REBALANCE_IN_PROGRESS",
    "sync ILLEGAL_GENERATION",
    "sync COORDINATOR_NOT_AVAILABLE",
    "sync FENCED_INSTANCE_ID",
    "heartbeat REBALANCE_IN_PROGRESS",
    "=ILLEGAL_GENERATION",
    "=REBALANCE_IN_PROGRESS",
    "=FENCED_INSTANCE_ID",
    "=COORDINATOR_NOT_AVAILABLE",
    "delete-group NONE",
    "delete-group NON_EMPTY_GROUP",
    "delete-offsets NONE t/0=NONE",
    "delete-offsets NONE t/0=GROUP_SUBSCRIBED_TO_TOPIC",
    "log offset g t/0 gone",
    "log group g gone",
    "crash; 0 of",
];

#[test]
fn the_histories_are_eventful() {
    let mut missing: Vec<&str> = SOMETIMES.to_vec();
    for seed in 0..80 {
        let mut world = World::new(seed, None);
        world.run(STEPS).unwrap();
        missing.retain(|event| !world.trace.iter().any(|line| line.contains(event)));
    }
    assert!(missing.is_empty(), "{missing:?}");
}
