//! Checkpoints as Kafka writes and reads them.

use ottla_env::disk::RealDisk;
use proptest::prelude::*;

use super::*;

fn partition(topic: &str, partition: i32) -> TopicPartition {
    TopicPartition { topic: TopicName::new(topic).unwrap(), partition }
}

#[test]
fn offsets_read_as_kafka_writes_them() {
    let offsets = Offsets::from([(partition("a", 0), 5), (partition("b.c", 12), i64::MAX)]);
    assert_eq!(format_offsets(&offsets), "0\n2\na 0 5\nb.c 12 9223372036854775807\n");
    assert_eq!(parse_offsets(&format_offsets(&offsets)), Ok(offsets));
}

#[test]
fn what_ends_before_its_entries_holds_none() {
    for text in ["", "0", "0\n", "0\n0\n"] {
        assert_eq!(parse_offsets(text), Ok(Offsets::new()), "{text:?}");
        assert_eq!(parse_epochs(text), Ok(Vec::new()), "{text:?}");
    }
}

#[test]
fn the_line_at_fault_is_named() {
    for (text, line) in [
        ("1\n0\n", 1),
        ("zero", 1),
        ("0\n-1\n", 2),
        ("0\nmany\n", 2),
        ("0\n2\na 0 5\n", 2),
        ("0\n1\na 0 5\nb 0 5\n", 2),
        ("0\n1\na 0\n", 3),
        ("0\n2\na 0 5\na 0 5 6\n", 4),
        ("0\n1\na/b 0 5\n", 3),
        ("0\n1\na 0 99999999999999999999\n", 3),
        ("0\n1\n\n", 3),
    ] {
        assert_eq!(parse_offsets(text).unwrap_err().line, line, "{text:?}");
    }
    assert_eq!(parse_epochs("0\n1\n-1 0\n").unwrap_err().line, 3);
    assert_eq!(parse_epochs("0\n1\n1 -5\n").unwrap_err().line, 3);
}

#[test]
fn errors_name_file_and_line() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join(RECOVERY_POINT);
    assert_eq!(read_offsets(&RealDisk, &path).unwrap(), Offsets::new(), "absent: no entries");
    atomic_file::write(&RealDisk, &path, b"0\n1\nnonsense\n").unwrap();
    let text = read_offsets(&RealDisk, &path).unwrap_err().to_string();
    assert!(
        text.ends_with(
            "recovery-point-offset-checkpoint line 3: \"nonsense\" is not of the form TOPIC PARTITION OFFSET"
        ),
        "{text}"
    );
    atomic_file::write(&RealDisk, &path, b"0\n1\n\xff 0 0\n").unwrap();
    assert!(read_offsets(&RealDisk, &path).unwrap_err().to_string().ends_with("line 3: not UTF-8"));
}

#[test]
fn epochs_survive_the_file() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join(LEADER_EPOCH);
    let entries = [EpochEntry { epoch: 0, start_offset: 0 }, EpochEntry { epoch: 3, start_offset: 17 }];
    write_epochs(&RealDisk, &path, &entries).unwrap();
    assert_eq!(std::fs::read_to_string(&path).unwrap(), "0\n2\n0 0\n3 17\n");
    assert_eq!(read_epochs(&RealDisk, &path).unwrap(), entries);
}

proptest! {
    #[test]
    fn offsets_round_trip(
        offsets in proptest::collection::btree_map(("[a-z.]{3,9}", 0_i32..100), any::<i64>(), 0..20),
    ) {
        let offsets: Offsets =
            offsets.into_iter().map(|((topic, number), offset)| (partition(&topic, number), offset)).collect();
        prop_assert_eq!(parse_offsets(&format_offsets(&offsets)), Ok(offsets));
    }

    #[test]
    fn any_text_is_parsed_or_refused(text in "(0\n)?([0-9]\n)?([a-z0-9 -]{0,9}\n?){0,6}.{0,20}") {
        let _ = parse_offsets(&text);
        let _ = parse_epochs(&text);
    }
}
