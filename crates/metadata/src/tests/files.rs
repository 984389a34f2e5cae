//! Batches, checkpoints, and what a fresh directory and a first activation hold.

use std::collections::BTreeMap;

use ottla_record::{BatchView, Scratch, batches};
use ottla_wire::MetadataRecord;
use ottla_wire::messages::{LeaderChangeMessage, VotersRecord, leader_change_message, voters_record};
use proptest::prelude::*;

use super::*;
use crate::MetadataVersion;
use crate::batch::{Control, Entry, Place, ReadError, WriteError, control_batch, metadata_batch, read_batch};
use crate::bootstrap::{ActivationError, activation_records, bootstrap_records, fresh};
use crate::checkpoint::{CheckpointError, Preamble, SnapshotFile, SnapshotId, Writer, read_checkpoint};
use crate::features::levels_at_format;

const PLACE: Place = Place { base_offset: 7, epoch: 3, now: 1000 };

fn voters() -> VotersRecord {
    let endpoint =
        voters_record::Endpoint { name: "CONTROLLER".into(), host: "localhost".into(), port: 9093 };
    let voter = voters_record::Voter {
        voter_id: 1,
        voter_directory_id: id(5),
        endpoints: vec![endpoint],
        k_raft_version_feature: voters_record::KRaftVersionFeature {
            min_supported_version: 0,
            max_supported_version: 1,
        },
    };
    VotersRecord { version: 0, voters: vec![voter] }
}

fn entries(content: &[u8]) -> Vec<(i64, Entry)> {
    let mut found = Vec::new();
    for batch in batches(content) {
        let each = |offset, entry| {
            found.push((offset, entry));
            Ok::<(), ReadError>(())
        };
        read_batch(&batch.unwrap(), &mut Scratch::default(), each).unwrap();
    }
    found
}

fn checkpoint(preamble: Preamble, records: Vec<MetadataRecord>) -> Vec<u8> {
    let writer = Writer::new(4, 99, preamble, MetadataVersion::DEFAULT, records);
    writer.map(Result::unwrap).collect::<Vec<_>>().concat()
}

fn load(content: &[u8]) -> Result<(Preamble, Vec<MetadataRecord>), CheckpointError> {
    let mut records = Vec::new();
    let preamble = read_checkpoint(content, |record| {
        records.push(record);
        Ok::<(), CheckpointError>(())
    })?;
    Ok((preamble, records))
}

#[test]
fn a_batch_carries_the_epoch_and_one_time() {
    let records = vec![level("metadata.version", 30), topic("a", 1)];
    let bytes = metadata_batch(PLACE, MetadataVersion::DEFAULT, &records).unwrap();
    let header = *BatchView::parse(&bytes).unwrap().header();
    assert_eq!((header.base_offset, header.last_offset(), header.partition_leader_epoch), (7, 8, 3));
    assert_eq!((header.base_timestamp, header.max_timestamp), (1000, 1000));
    assert_eq!(
        (header.attributes, header.producer_id, header.producer_epoch, header.base_sequence),
        (0, -1, -1, -1)
    );
    let expected: Vec<_> = (7..).zip(records.into_iter().map(Entry::Metadata)).collect();
    assert_eq!(entries(&bytes), expected);
}

#[test]
fn control_records_are_at_version_0() {
    let voter = leader_change_message::Voter { voter_id: 1, ..leader_change_message::Voter::default() };
    let change = LeaderChangeMessage {
        version: 0,
        leader_id: 1,
        voters: vec![voter.clone()],
        granting_voters: vec![voter],
    };
    let bytes = control_batch(PLACE, &[Control::LeaderChange(change.clone())]).unwrap();
    let view = BatchView::parse(&bytes).unwrap();
    assert!(view.header().is_control());
    // length, attributes, deltas, key of 4 bytes: version 0 and type 2; value: version, leader, two voters, tags.
    assert_eq!(
        view.body(),
        [58, 0, 0, 0, 8, 0, 0, 0, 2, 38, 0, 0, 0, 0, 0, 1, 2, 0, 0, 0, 1, 0, 2, 0, 0, 0, 1, 0, 0, 0]
            .as_slice()
    );
    assert_eq!(entries(&bytes), [(7, Entry::Control(Control::LeaderChange(change)))]);
}

#[test]
fn a_batch_larger_than_its_readers_take_is_refused() {
    let name = "x".repeat(30_000);
    let records = vec![level(&name, 1); 300];
    assert!(matches!(
        metadata_batch(PLACE, MetadataVersion::DEFAULT, &records),
        Err(WriteError::TooLarge(size)) if size > 8 << 20
    ));
}

#[test]
fn snapshot_names_are_kafkas() {
    let id = SnapshotId { end_offset: 57, epoch: 3 };
    assert_eq!(id.file_name(), "00000000000000000057-0000000003.checkpoint");
    assert_eq!(SnapshotFile::parse(&id.file_name()), Some(SnapshotFile::Complete(id)));
    assert_eq!(SnapshotId::BOOTSTRAP.file_name(), "00000000000000000000-0000000000.checkpoint");
    for (name, expected) in [
        ("00000000000000000057-0000000003-123.checkpoint.part", Some(SnapshotFile::Part)),
        ("00000000000000000057-0000000003.checkpoint.deleted", Some(SnapshotFile::Deleted)),
        ("leader-epoch-checkpoint", None),
        ("bootstrap.checkpoint", None),
        ("57-3.checkpoint", None),
        ("00000000000000000057-99999999999.checkpoint", None),
        ("0000000000000000005a-0000000003.checkpoint", None),
    ] {
        assert_eq!(SnapshotFile::parse(name), expected, "{name}");
    }
}

#[test]
fn a_checkpoint_of_many_batches_comes_back() {
    let records: Vec<MetadataRecord> = (0..20_000).map(|n| level(&format!("feature-{n}"), 1)).collect();
    let preamble = Preamble { last_contained_timestamp: 12, kraft_version: 1, voters: Some(voters()) };
    let content = checkpoint(preamble.clone(), records.clone());
    assert!(batches(&content).count() > 3);
    let mut next = 0;
    for batch in batches(&content) {
        let header = *batch.unwrap().header();
        assert_eq!((header.base_offset, header.partition_leader_epoch), (next, 4));
        next = header.next_offset();
    }
    assert_eq!(load(&content), Ok((preamble, records)));
}

#[test]
fn a_checkpoint_cut_off_anywhere_is_refused() {
    let content = checkpoint(Preamble::default(), vec![topic("a", 1)]);
    for end in 0..content.len() {
        assert!(load(&content[..end]).is_err(), "{end}");
    }
    assert!(load(&content).is_ok());
}

#[test]
fn the_files_of_a_fresh_directory_say_the_levels_and_the_voters() {
    let levels = levels_at_format(MetadataVersion::DEFAULT, &BTreeMap::new()).unwrap();
    let fresh = fresh(MetadataVersion::DEFAULT, &levels, voters(), 99).unwrap();
    let (preamble, records) = load(&fresh.bootstrap).unwrap();
    assert_eq!(preamble, Preamble::default());
    assert_eq!(
        records,
        [
            level("metadata.version", 30),
            level("eligible.leader.replicas.version", 1),
            level("group.version", 1),
            level("share.version", 1),
            level("streams.version", 1),
            level("transaction.version", 2),
        ]
    );
    let (preamble, records) = load(&fresh.zero.unwrap()).unwrap();
    assert_eq!(preamble, Preamble { last_contained_timestamp: 99, kraft_version: 1, voters: Some(voters()) });
    assert_eq!(records, []);
}

#[test]
fn configured_voters_are_not_formatted() {
    let asked = BTreeMap::from([("kraft.version".to_owned(), 0)]);
    let levels = levels_at_format(MetadataVersion::DEFAULT, &asked).unwrap();
    assert_eq!(fresh(MetadataVersion::DEFAULT, &levels, voters(), 99).unwrap().zero, None);
}

fn names(records: &[MetadataRecord]) -> Vec<&'static str> {
    records.iter().map(MetadataRecord::name).collect()
}

#[test]
fn the_first_activation_writes_the_bootstrap_records_in_a_transaction() {
    let levels = levels_at_format(MetadataVersion::DEFAULT, &BTreeMap::new()).unwrap();
    let bootstrap = bootstrap_records(MetadataVersion::DEFAULT, &levels);
    let records = activation_records(&Image::default(), None, &bootstrap, 1).unwrap();
    assert_eq!(records[0].name(), "BeginTransactionRecord");
    assert_eq!(records[1..=bootstrap.len()], bootstrap);
    assert_eq!(names(&records[bootstrap.len() + 1..]), ["ConfigRecord", "EndTransactionRecord"]);

    let again = activation_records(&Image::default(), Some(5), &bootstrap, 1).unwrap();
    assert_eq!(names(&again[..2]), ["AbortTransactionRecord", "BeginTransactionRecord"]);
}

#[test]
fn without_transactions_and_elr_the_bootstrap_records_stand_alone() {
    let bootstrap = [level("metadata.version", 12)];
    assert_eq!(activation_records(&Image::default(), None, &bootstrap, 1).unwrap(), bootstrap);
    let version = MetadataVersion::from_level(12).unwrap();
    let open = ActivationError::OpenTransaction { start: 3, version };
    assert_eq!(activation_records(&Image::default(), Some(3), &bootstrap, 1), Err(open));
}

#[test]
fn a_later_activation_only_ends_what_was_left_open() {
    let image = image(&[]);
    assert_eq!(activation_records(&image, None, &[], 1).unwrap(), []);
    assert_eq!(names(&activation_records(&image, Some(9), &[], 1).unwrap()), ["AbortTransactionRecord"]);
    assert_eq!(activation_records(&Image::default(), None, &[], 1), Err(ActivationError::NoMetadataVersion));
}

proptest! {
    #[test]
    fn a_damaged_checkpoint_is_refused_or_the_same(at in 0..4096usize, flip in 1..=255u8) {
        let mut content = checkpoint(Preamble::default(), vec![topic("a", 1), partition(1, 0).into()]);
        let at = at % content.len();
        let whole = load(&content);
        content[at] ^= flip;
        // Offset and epoch stand outside the checksum; the records do not.
        if let Ok(found) = load(&content) {
            prop_assert_eq!(Ok(found), whole);
        }
    }

    #[test]
    fn reading_anything_at_all_ends(content in proptest::collection::vec(any::<u8>(), 0..300)) {
        let _ = load(&content);
    }
}
