//! The rules of a lone voter, and its promises over crashes.

use std::collections::BTreeMap;

use ottla_model::{Offset, Uuid};
use proptest::prelude::*;

use super::*;

const DIRECTORY: Uuid = Uuid::from_bytes([7; 16]);

fn voter(id: i32, port: u16) -> Voter {
    Voter {
        key: ReplicaKey { id, directory: DIRECTORY },
        endpoints: vec![Endpoint { name: "CONTROLLER".into(), host: "localhost".into(), port }],
        versions: SUPPORTED,
    }
}

fn found() -> Found {
    Found {
        me: voter(1, 9093),
        election: None,
        log_end: LogEnd::default(),
        kraft_version: 1,
        voters: Voters::new([voter(1, 9093)]),
        voters_source: VotersSource::Bootstrap,
    }
}

fn leader_change() -> ControlRecord {
    ControlRecord::LeaderChange { leader: 1, voters: vec![1], granting: vec![1] }
}

#[test]
fn a_lone_voter_leads_after_one_step() {
    let mut raft = Raft::new(found()).unwrap();
    assert_eq!(*raft.role(), Role::Unattached);
    let ready = raft.step(Event::ElectionTimeout);
    assert_eq!(ready.persist, Some(Election { epoch: 1, leader: Some(1), voted: None }));
    assert!(matches!(raft.role(), Role::Leader { epoch_start: 0, .. }));
    assert_eq!(raft.step(Event::ElectionTimeout), Ready::default());
}

#[test]
fn voters_that_stand_only_in_the_bootstrap_checkpoint_follow_the_leader_change() {
    let mut raft = Raft::new(found()).unwrap();
    let ready = raft.step(Event::ElectionTimeout);
    let voters = ControlRecord::Voters(Voters::new([voter(1, 9093)]));
    assert_eq!(ready.append, [leader_change(), ControlRecord::KRaftVersion(1), voters]);
}

#[test]
fn voters_in_the_log_are_written_again_only_when_this_node_listens_elsewhere() {
    let in_log = Found { voters_source: VotersSource::Log(3), ..found() };
    let mut raft = Raft::new(in_log.clone()).unwrap();
    assert_eq!(raft.step(Event::ElectionTimeout).append, [leader_change()]);

    let mut raft = Raft::new(Found { me: voter(1, 9999), ..in_log }).unwrap();
    let voters = ControlRecord::Voters(Voters::new([voter(1, 9999)]));
    let ready = raft.step(Event::ElectionTimeout);
    assert_eq!(ready.append, [leader_change(), ControlRecord::KRaftVersion(1), voters]);
}

#[test]
fn configured_voters_are_never_written() {
    let mut raft =
        Raft::new(Found { kraft_version: 0, voters_source: VotersSource::Configured, ..found() }).unwrap();
    assert_eq!(raft.step(Event::ElectionTimeout).append, [leader_change()]);
}

#[test]
fn the_epoch_is_above_the_state_file_and_the_log() {
    for (state, log, expected) in [(4, 2, 5), (2, 4, 5), (0, 0, 1)] {
        let election = Some(Election { epoch: state, leader: Some(1), voted: None });
        let log_end = LogEnd { offset: 10, epoch: log };
        let mut raft = Raft::new(Found { election, log_end, ..found() }).unwrap();
        let _ = raft.step(Event::ElectionTimeout);
        assert_eq!(raft.epoch(), expected);
    }
}

#[test]
fn nothing_is_committed_until_the_leader_change_is_durable() {
    let mut raft = Raft::new(Found { log_end: LogEnd { offset: 10, epoch: 3 }, ..found() }).unwrap();
    let _ = raft.step(Event::ElectionTimeout);
    let _ = raft.step(Event::Appended(13));
    assert_eq!(raft.step(Event::Flushed(10)).committed, None);
    assert_eq!(raft.step(Event::Flushed(13)).committed, Some(13));
    assert_eq!(raft.step(Event::Flushed(13)).committed, None, "an offset is reported once");
}

#[test]
fn who_is_not_the_only_voter_is_refused() {
    let others = Found { voters: Voters::new([voter(1, 9093), voter(2, 9093)]), ..found() };
    assert_eq!(Raft::new(others).unwrap_err(), Refused::OtherVoters(vec![2]));
    let none = Found { voters: Voters::default(), ..found() };
    assert_eq!(Raft::new(none).unwrap_err(), Refused::NotAVoter { me: 1, voters: vec![] });
    let mut me = voter(1, 9093);
    me.key.directory = Uuid::from_bytes([8; 16]);
    let refused = Raft::new(Found { me, ..found() }).unwrap_err();
    assert!(matches!(refused, Refused::OtherDirectory { recorded: DIRECTORY, .. }));
    let election = Some(Election { epoch: i32::MAX, leader: None, voted: None });
    assert_eq!(Raft::new(Found { election, ..found() }).unwrap_err(), Refused::EpochsUsedUp);
}

#[test]
fn quorum_state_reads_as_kafka_writes_it() {
    let voters = Voters::new([voter(1, 9093)]);
    let leads = Election { epoch: 3, leader: Some(1), voted: None };
    assert_eq!(
        leads.to_json(1, &voters),
        r#"{"leaderId":1,"leaderEpoch":3,"votedId":-1,"votedDirectoryId":"AAAAAAAAAAAAAAAAAAAAAA","data_version":1}"#
    );
    assert_eq!(
        leads.to_json(0, &voters),
        r#"{"clusterId":"","leaderId":1,"leaderEpoch":3,"votedId":-1,"appliedOffset":0,"currentVoters":[{"voterId":1}],"data_version":0}"#
    );
}

#[test]
fn a_broken_quorum_state_says_what_is_wrong() {
    for (text, expected) in [
        ("", BadQuorumState::Empty),
        ("leader", BadQuorumState::NotJson),
        ("{}", BadQuorumState::Field("data_version")),
        (r#"{"data_version":2}"#, BadQuorumState::Version(2)),
        (r#"{"data_version":1,"leaderEpoch":-1}"#, BadQuorumState::Field("leaderEpoch")),
        (r#"{"data_version":1,"leaderEpoch":1,"leaderId":1}"#, BadQuorumState::Field("votedId")),
    ] {
        assert_eq!(Election::from_json(text), Err(expected), "{text}");
    }
}

/// What a host does between two starts.
#[derive(Clone, Debug)]
enum Deed {
    Append(u8),
    Flush,
    /// Ends the process; this share of what was not flushed (of 255) survives.
    Crash(u8),
}

fn deed() -> impl Strategy<Value = Deed> {
    prop_oneof![(1..5u8).prop_map(Deed::Append), Just(Deed::Flush), any::<u8>().prop_map(Deed::Crash)]
}

/// A log of epochs, and every (offset, epoch) ever written with the start that wrote it.
#[derive(Default)]
struct Disk {
    election: Option<Election>,
    log: Vec<i32>,
    flushed: usize,
    written: BTreeMap<(usize, i32), usize>,
}

impl Disk {
    fn append(&mut self, epoch: i32, start: usize) {
        let before = self.written.insert((self.log.len(), epoch), start);
        assert_eq!(before, None, "(offset, epoch) written twice");
        assert_eq!(self.election.map(|election| election.epoch), Some(epoch), "epoch not durable");
        self.log.push(epoch);
    }

    fn start(&mut self, start: usize) -> Raft {
        let log_end = LogEnd {
            offset: Offset::try_from(self.log.len()).unwrap(),
            epoch: self.log.last().copied().unwrap_or(0),
        };
        let mut raft = Raft::new(Found { election: self.election, log_end, ..found() }).unwrap();
        let ready = raft.step(Event::ElectionTimeout);
        self.election = ready.persist;
        for _ in &ready.append {
            self.append(raft.epoch(), start);
        }
        let _ = raft.step(Event::Appended(Offset::try_from(self.log.len()).unwrap()));
        raft
    }
}

proptest! {
    #[test]
    fn over_any_crashes_an_epoch_belongs_to_one_start_and_commits_are_durable(
        deeds in proptest::collection::vec(deed(), 0..60)
    ) {
        let mut disk = Disk::default();
        let mut starts = 0;
        let mut raft = disk.start(starts);
        for deed in deeds {
            match deed {
                Deed::Append(count) => {
                    for _ in 0..count {
                        disk.append(raft.epoch(), starts);
                    }
                    let _ = raft.step(Event::Appended(Offset::try_from(disk.log.len()).unwrap()));
                }
                Deed::Flush => {
                    disk.flushed = disk.log.len();
                    let _ = raft.step(Event::Flushed(Offset::try_from(disk.flushed).unwrap()));
                    prop_assert_eq!(raft.committed(), Some(raft.log_end()));
                }
                Deed::Crash(share) => {
                    let kept = (disk.log.len() - disk.flushed) * usize::from(share) / 255;
                    disk.log.truncate(disk.flushed + kept);
                    disk.flushed = disk.log.len();
                    starts += 1;
                    raft = disk.start(starts);
                }
            }
            prop_assert!(raft.committed().is_none_or(|end| end <= Offset::try_from(disk.flushed).unwrap()));
        }
        let mut owner = BTreeMap::new();
        for ((_, epoch), start) in disk.written {
            prop_assert_eq!(*owner.entry(epoch).or_insert(start), start);
        }
    }

    #[test]
    fn quorum_state_round_trips(epoch in 0..i32::MAX, leads: bool, directory: [u8; 16], version in 0..2i16) {
        let directory = if version == 0 { Uuid::ZERO } else { Uuid::from_bytes(directory) };
        let voted = (!leads).then_some(ReplicaKey { id: 1, directory });
        let election = Election { epoch, leader: leads.then_some(1), voted };
        let json = election.to_json(version, &Voters::new([voter(1, 9093)]));
        prop_assert_eq!(Election::from_json(&json), Ok(election));
    }
}
