//! Registration, serving, stopping, and what follows for partitions.

use ottla_controller::{Reply, Request};
use ottla_metadata::{MetadataVersion, Recovery};
use ottla_model::{ErrorCode, Uuid};

use crate::cluster::{Cluster, DIRECTORY, check, topic};

fn stop(cluster: &mut Cluster) {
    assert_eq!(cluster.ask(Request::ShutDown(cluster.epoch)), Reply::Done(Ok(())));
}

#[test]
fn a_broker_is_fenced_until_it_serves() {
    let mut cluster = Cluster::formatted(MetadataVersion::DEFAULT);
    cluster.register(None);
    let broker = &cluster.image.brokers[&1];
    assert!(broker.fenced && !broker.is_active());
    assert_eq!(
        broker.epoch,
        cluster.next_offset - 2,
        "its epoch is the offset of its record; the controller's follows"
    );
    assert_eq!(cluster.ask(Request::Unfence(cluster.epoch)), Reply::Done(Ok(())));
    assert!(cluster.image.brokers[&1].is_active());
    assert_eq!(cluster.image.controllers[&1].listeners.len(), 1);
}

#[test]
fn a_stale_epoch_is_fenced() {
    let mut cluster = Cluster::running();
    let old = cluster.epoch;
    cluster.start(None);
    for request in [Request::Unfence(old), Request::ShutDown(old)] {
        let (records, reply) = cluster.decide(request);
        let Reply::Done(Err(refusal)) = reply else { panic!("{reply:?}") };
        assert_eq!((records.len(), refusal.code), (0, ErrorCode::StaleBrokerEpoch));
    }
}

#[test]
fn after_a_clean_stop_partitions_wait_for_their_eligible_leader() {
    let mut cluster = Cluster::running();
    cluster.create(topic("t", 1, 1));
    stop(&mut cluster);
    let stopped = cluster.partition("t", 0);
    assert_eq!((stopped.leader, &*stopped.isr), (None, &[][..]));
    assert_eq!((&*stopped.elr, &*stopped.last_known_elr), (&[1][..], &[1][..]));
    let (before, epoch) = (stopped.leader_epoch, cluster.epoch);
    assert!(cluster.image.brokers[&1].fenced);
    cluster.start(Some(epoch));
    let back = cluster.partition("t", 0);
    assert_eq!((back.leader, &*back.isr, back.recovery), (Some(1), &[1][..], Recovery::Recovered));
    assert_eq!((&*back.elr, &*back.last_known_elr), (&[][..], &[][..]));
    assert!(back.leader_epoch > before);
}

#[test]
fn after_a_crash_the_election_is_unclean_until_recovery_is_told() {
    let mut cluster = Cluster::running();
    cluster.create(topic("t", 2, 1));
    let before = cluster.partition("t", 0).leader_epoch;
    cluster.register(None);
    let lost = cluster.partition("t", 0);
    assert_eq!((lost.leader, &*lost.isr, &*lost.elr), (None, &[][..], &[][..]));
    assert_eq!(lost.last_known_elr, [1]);
    assert_eq!(cluster.ask(Request::Unfence(cluster.epoch)), Reply::Done(Ok(())));
    let recovering = cluster.partition("t", 1);
    assert_eq!((recovering.leader, recovering.recovery), (Some(1), Recovery::Recovering));
    assert!(recovering.leader_epoch > before, "never two leaderships in one epoch");
    assert_eq!(cluster.ask(Request::Recovered), Reply::Done(Ok(())));
    assert_eq!(cluster.partition("t", 1).recovery, Recovery::Recovered);
    assert_eq!(cluster.decide(Request::Recovered).0, Vec::new());
}

#[test]
fn a_clean_mark_of_an_earlier_life_counts_as_none() {
    let mut cluster = Cluster::running();
    cluster.create(topic("t", 1, 1));
    let old = cluster.epoch;
    stop(&mut cluster);
    cluster.start(Some(old));
    cluster.register(Some(old));
    assert_eq!(cluster.partition("t", 0).elr, [], "the tail may be lost");
}

#[test]
fn a_stop_that_is_told_twice_is_one_stop() {
    let mut cluster = Cluster::running();
    cluster.create(topic("t", 1, 1));
    stop(&mut cluster);
    let image = cluster.image.clone();
    let (records, reply) = cluster.decide(Request::ShutDown(cluster.epoch));
    assert_eq!((records, reply), (Vec::new(), Reply::Done(Ok(()))));
    check(&image);
}

#[test]
fn without_eligible_leaders_the_last_in_sync_stays_so() {
    let mut cluster = Cluster::formatted(MetadataVersion::from_level(20).unwrap());
    cluster.start(None);
    cluster.create(topic("t", 1, 1));
    stop(&mut cluster);
    let stopped = cluster.partition("t", 0);
    assert_eq!((stopped.leader, &*stopped.isr, &*stopped.elr), (None, &[1][..], &[][..]));
    cluster.start(Some(cluster.epoch));
    assert_eq!(cluster.partition("t", 0).leader, Some(1));
}

#[test]
fn a_new_process_gets_a_later_epoch_and_another_incarnation() {
    let mut cluster = Cluster::running();
    let first = cluster.image.brokers[&1].clone();
    cluster.start(None);
    let second = &cluster.image.brokers[&1];
    assert!(second.epoch > first.epoch);
    assert_ne!(second.incarnation, first.incarnation);
}

#[test]
fn replicas_are_assigned_to_registered_directories_only() {
    let mut cluster = Cluster::running();
    let id = cluster.create(topic("t", 1, 1)).topic_id;
    let strange = Uuid::from_bytes([0xee; 16]);
    let nobody = Uuid::from_bytes([0xef; 16]);
    let asked = vec![(id, 0, strange), (nobody, 0, DIRECTORY), (id, 7, DIRECTORY), (id, 0, DIRECTORY)];
    let (records, reply) = cluster.decide(Request::AssignDirectories(asked));
    assert_eq!((records, reply), (Vec::new(), Reply::Done(Ok(()))), "it lies there already");
}

#[test]
fn every_level_can_be_started_and_stopped_on() {
    for version in MetadataVersion::all() {
        let mut cluster = Cluster::formatted(version);
        cluster.start(None);
        cluster.create(topic("t", 2, 1));
        stop(&mut cluster);
        cluster.start(Some(cluster.epoch));
        assert_eq!(cluster.partition("t", 1).leader, Some(1), "{version:?}");
        cluster.start(None);
        assert_eq!(cluster.partition("t", 1).leader, Some(1), "{version:?}");
    }
}
