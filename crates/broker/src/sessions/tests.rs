//! Sessions as a client meets them.

use super::*;
use ottla_model::{Tick, Uuid};

fn key(partition: i32) -> PartitionKey {
    PartitionKey { topic: TopicKey::Id(Uuid::from_bytes([7; 16])), partition }
}

fn asked(fetch_offset: i64) -> FetchPartition {
    FetchPartition {
        current_leader_epoch: -1,
        fetch_offset,
        last_fetched_epoch: -1,
        log_start_offset: -1,
        max_bytes: 1024,
    }
}

fn request(id: i32, epoch: i32, partitions: &[i32]) -> SessionRequest {
    let asked = partitions.iter().map(|partition| (key(*partition), asked(0))).collect();
    SessionRequest { id, epoch, uses_topic_ids: true, asked, forgotten: Vec::new() }
}

fn at(seconds: u64) -> Tick {
    Tick(0).plus_millis(seconds * 1000)
}

fn counting() -> impl FnMut() -> i32 {
    let mut last = 0;
    move || {
        last += 1;
        last
    }
}

fn opened_id(opened: &Opened) -> i32 {
    match opened {
        Opened::Sessionless(_) => NO_SESSION,
        Opened::Full(session, _) | Opened::Incremental(session, _) => session.lock().id,
    }
}

fn answer(bytes: u64, high_watermark: i64) -> Answered {
    Answered { bytes, high_watermark, log_start_offset: 0, notable: false, failed: false }
}

#[test]
fn a_session_goes_on_with_what_it_was_told_before() {
    let mut cache = SessionCache::new(10);
    let id = opened_id(&cache.open(request(0, 0, &[1, 2]), at(0), counting()).unwrap());
    let mut next = request(id, 1, &[3]);
    next.forgotten = vec![key(1)];
    let Opened::Incremental(_, partitions) = cache.open(next, at(1), counting()).unwrap() else { panic!() };
    assert_eq!(partitions.iter().map(|(key, _)| key.partition).collect::<Vec<_>>(), [2, 3]);
}

#[test]
fn unknown_ids_stale_epochs_and_mixed_names_are_refused() {
    let mut cache = SessionCache::new(10);
    assert_eq!(cache.open(request(9, 1, &[]), at(0), counting()).unwrap_err(), Refused::NotFound);
    let id = opened_id(&cache.open(request(0, 0, &[1]), at(0), counting()).unwrap());
    assert_eq!(cache.open(request(id, 2, &[]), at(0), counting()).unwrap_err(), Refused::InvalidEpoch);
    let named = SessionRequest { uses_topic_ids: false, ..request(id, 1, &[]) };
    assert_eq!(cache.open(named, at(0), counting()).unwrap_err(), Refused::TopicIds);
}

#[test]
fn a_full_request_closes_the_session_it_names() {
    let mut cache = SessionCache::new(10);
    let id = opened_id(&cache.open(request(0, 0, &[1]), at(0), counting()).unwrap());
    assert!(matches!(
        cache.open(request(id, FINAL_EPOCH, &[1]), at(0), counting()),
        Ok(Opened::Sessionless(partitions)) if partitions.len() == 1
    ));
    assert_eq!(cache.len(), 0);
}

#[test]
fn a_session_that_forgets_its_last_partition_ends() {
    let mut cache = SessionCache::new(10);
    let id = opened_id(&cache.open(request(0, 0, &[1]), at(0), counting()).unwrap());
    let last = SessionRequest { forgotten: vec![key(1)], ..request(id, 1, &[]) };
    assert!(matches!(cache.open(last, at(0), counting()), Ok(Opened::Sessionless(none)) if none.is_empty()));
    assert_eq!(cache.len(), 0);
}

#[test]
fn a_full_cache_gives_way_only_to_the_larger_or_for_the_stale() {
    let mut cache = SessionCache::new(1);
    let mut draw = counting();
    let first = opened_id(&cache.open(request(0, 0, &[1, 2]), at(0), &mut draw).unwrap());
    assert_eq!(opened_id(&cache.open(request(0, 0, &[1, 2, 3]), at(60), &mut draw).unwrap()), NO_SESSION);
    cache.open(request(first, 1, &[]), at(100), &mut draw).unwrap();
    assert_eq!(opened_id(&cache.open(request(0, 0, &[1]), at(130), &mut draw).unwrap()), NO_SESSION);
    assert_ne!(opened_id(&cache.open(request(0, 0, &[1, 2, 3]), at(130), &mut draw).unwrap()), NO_SESSION);
    assert_ne!(opened_id(&cache.open(request(0, 0, &[1]), at(400), &mut draw).unwrap()), NO_SESSION);
    assert_eq!((cache.len(), cache.evictions()), (1, 2));
}

#[test]
fn what_stands_still_is_not_told_twice_and_errors_are_told_when_they_end() {
    let mut session = Session::new(1, 1, true);
    session.update(vec![(key(1), asked(0))], &[]);
    assert!(session.tell(&key(1), &answer(0, 5)));
    assert!(!session.tell(&key(1), &answer(0, 5)));
    assert!(session.tell(&key(1), &answer(10, 5)));
    let failed = Answered { failed: true, ..answer(0, 5) };
    assert!(session.tell(&key(1), &failed));
    assert!(session.tell(&key(1), &answer(0, 5)));
    assert!(!session.tell(&key(1), &answer(0, 5)));
}

#[test]
fn a_partition_that_gave_records_is_read_last_next_time() {
    let mut session = Session::new(1, 1, true);
    session.update(vec![(key(1), asked(0)), (key(2), asked(0))], &[]);
    session.tell(&key(1), &answer(10, 5));
    assert_eq!(session.partitions().iter().map(|(key, _)| key.partition).collect::<Vec<_>>(), [2, 1]);
}

#[test]
fn epochs_wrap_to_one() {
    assert_eq!(next_epoch(0), 1);
    assert_eq!(next_epoch(i32::MAX), 1);
    assert_eq!(next_epoch(FINAL_EPOCH), FINAL_EPOCH);
}
