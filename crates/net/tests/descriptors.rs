//! Without descriptors callers are turned away, those inside stay, and it passes. Alone in its
//! process: the limit of open files is one for all threads.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    missing_docs,
    unreachable_pub,
    dead_code,
    reason = "tests say what went wrong by stopping, and share a harness"
)]

mod harness;

use std::sync::atomic::Ordering;

use harness::{Client, Fake, start_default};
use rustix::process::{Resource, getrlimit, setrlimit};

#[tokio::test]
async fn without_descriptors_callers_are_turned_away_and_those_inside_stay() {
    let fake = Fake::new();
    let (server, address) = start_default(&fake);
    let mut inside = Client::connect(address).await;
    inside.send(b'E', 1, 0).await;
    assert_eq!(inside.id().await, 1);

    let mut limit = getrlimit(Resource::Nofile);
    limit.current = Some(60);
    setrlimit(Resource::Nofile, limit).unwrap();
    let mut taken = Vec::new();
    while let Ok(descriptor) = rustix::io::fcntl_dupfd_cloexec(&inside.0, 0) {
        taken.push(descriptor);
    }
    // One for the caller's end, none for ours.
    taken.pop();
    Client::connect(address).await.is_closed().await;
    assert!(server.counters().accept_errors.load(Ordering::Relaxed) >= 1);
    inside.send(b'E', 2, 0).await;
    assert_eq!(inside.id().await, 2);

    drop(taken);
    let mut next = Client::connect(address).await;
    next.send(b'E', 3, 0).await;
    assert_eq!(next.id().await, 3);
}
