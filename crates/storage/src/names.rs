//! Names in a log directory, as Kafka writes them: partition directories and the files in them.
//!
//! Only the canonical form of a name is recognised, so that formatting what was parsed gives the
//! same name again. What is done with a directory or file is decided elsewhere.

use std::fmt;

use ottla_model::{LeaderEpoch, Offset, TopicName, TopicPartition, Uuid};

/// The topic of the metadata log, which lives among the partitions but is not one of them.
pub const METADATA_TOPIC: &str = "__cluster_metadata";
/// Kafka's cache of remote indexes; never looked into.
pub const REMOTE_INDEX_CACHE: &str = "remote-log-index-cache";
/// What Linux file systems allow for a name, in bytes.
const MAX_NAME: usize = 255;

/// What a directory in a log directory is. In a cut `Delete` or `Stray` name the topic is a prefix
/// of the real one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DirName {
    /// `topic-partition`.
    Partition(TopicPartition),
    /// `topic-partition.id-delete`: to be removed.
    Delete(TopicPartition),
    /// `topic-partition.id-stray`: found, but not in the metadata.
    Stray(TopicPartition),
    /// `topic-partition.id-future`: a copy on its way to another log directory.
    Future(TopicPartition),
    /// `__cluster_metadata-0`.
    MetadataLog,
    /// `remote-log-index-cache`.
    RemoteIndexCache,
    /// Nothing of Kafka's; Kafka refuses to start beside it.
    Foreign,
}

impl DirName {
    /// Recognises the name of a directory (Kafka `LocalLog.parseTopicPartitionName`).
    #[must_use]
    pub fn parse(name: &str) -> Self {
        if name == REMOTE_INDEX_CACHE {
            return Self::RemoteIndexCache;
        }
        if let Some((rest, mark)) = name.rsplit_once('-')
            && matches!(mark, "delete" | "stray" | "future")
        {
            let found = rest.rsplit_once('.').filter(|(_, id)| !id.is_empty());
            return match (found.and_then(|(partition, _)| parse_partition(partition)), mark) {
                (Some(partition), "delete") => Self::Delete(partition),
                (Some(partition), "stray") => Self::Stray(partition),
                (Some(partition), _) => Self::Future(partition),
                (None, _) => Self::Foreign,
            };
        }
        match parse_partition(name) {
            Some(found) if found.topic.as_str() == METADATA_TOPIC && found.partition == 0 => {
                Self::MetadataLog
            }
            Some(found) => Self::Partition(found),
            None => Self::Foreign,
        }
    }
}

fn parse_partition(name: &str) -> Option<TopicPartition> {
    let (topic, number) = name.rsplit_once('-')?;
    let partition = number.parse::<i32>().ok().filter(|partition| partition.to_string() == number)?;
    Some(TopicPartition { topic: TopicName::new(topic).ok()?, partition })
}

/// The name under which a partition's directory waits for its removal; `id` is drawn afresh.
#[must_use]
pub fn delete_dir(partition: &TopicPartition, id: Uuid) -> String {
    capped(partition, id, "delete")
}

/// The name under which a partition that the metadata does not know is set aside.
#[must_use]
pub fn stray_dir(partition: &TopicPartition, id: Uuid) -> String {
    capped(partition, id, "stray")
}

/// The name of a copy being made for another log directory; Kafka does not cut this one.
#[must_use]
pub fn future_dir(partition: &TopicPartition, id: Uuid) -> String {
    format!("{partition}.{}-future", Hex(id))
}

/// Cuts the topic, never what follows it, so that the whole is a legal name.
fn capped(partition: &TopicPartition, id: Uuid, mark: &str) -> String {
    let tail = format!("-{}.{}-{mark}", partition.partition, Hex(id));
    let topic = partition.topic.as_str();
    let keep = topic.len().min(MAX_NAME.saturating_sub(tail.len()));
    // Topic names are ASCII.
    format!("{}{tail}", topic.get(..keep).unwrap_or(topic))
}

struct Hex(Uuid);

impl fmt::Display for Hex {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.to_bytes().iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// What a file of a partition holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum FileKind {
    /// Record batches.
    Log,
    /// Offset index.
    Index,
    /// Time index.
    TimeIndex,
    /// Aborted transactions.
    TxnIndex,
    /// Producer state; the offset is the end of what it covers.
    Snapshot,
}

impl FileKind {
    /// Every kind; those of a segment first.
    pub const ALL: [Self; 5] = [Self::Log, Self::Index, Self::TimeIndex, Self::TxnIndex, Self::Snapshot];

    /// The extension, with its dot.
    #[must_use]
    pub const fn extension(self) -> &'static str {
        match self {
            Self::Log => ".log",
            Self::Index => ".index",
            Self::TimeIndex => ".timeindex",
            Self::TxnIndex => ".txnindex",
            Self::Snapshot => ".snapshot",
        }
    }
}

/// In which state a file of a partition is, by the end of its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum FileState {
    /// In use.
    Live,
    /// `.cleaned`: being compacted; dropped at start.
    Cleaned,
    /// `.swap`: complete, to replace others; finished at start.
    Swap,
    /// `.deleted`: to be removed.
    Deleted,
}

impl FileState {
    /// Every state.
    pub const ALL: [Self; 4] = [Self::Live, Self::Cleaned, Self::Swap, Self::Deleted];

    /// The end of the name, with its dot.
    #[must_use]
    pub const fn suffix(self) -> &'static str {
        match self {
            Self::Live => "",
            Self::Cleaned => ".cleaned",
            Self::Swap => ".swap",
            Self::Deleted => ".deleted",
        }
    }
}

/// The name of a file of a partition: 20 digits, what it holds, its state.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FileName {
    /// Base offset of the segment, or end offset of a snapshot; never negative.
    pub offset: Offset,
    /// What it holds.
    pub kind: FileKind,
    /// Its state.
    pub state: FileState,
}

impl FileName {
    /// The name of a file in use.
    #[must_use]
    pub const fn live(offset: Offset, kind: FileKind) -> Self {
        Self { offset, kind, state: FileState::Live }
    }

    /// The same file in another state.
    #[must_use]
    pub const fn to(self, state: FileState) -> Self {
        Self { state, ..self }
    }

    /// Recognises a name; `None` for everything that is not a file of a segment or a snapshot.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        let (digits, rest) = name.split_at_checked(20)?;
        let offset = digits_only(digits)?;
        FileKind::ALL.into_iter().find_map(|kind| {
            let suffix = rest.strip_prefix(kind.extension())?;
            let state = FileState::ALL.into_iter().find(|state| state.suffix() == suffix)?;
            Some(Self { offset, kind, state })
        })
    }
}

impl fmt::Display for FileName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:020}{}{}", self.offset, self.kind.extension(), self.state.suffix())
    }
}

/// The name of a snapshot of the metadata log: its end offset (exclusive) and the epoch of the
/// record before (Kafka `Snapshots.filenameFromSnapshotId`).
#[must_use]
pub fn metadata_snapshot(end_offset: Offset, epoch: LeaderEpoch) -> String {
    format!("{end_offset:020}-{epoch:010}.checkpoint")
}

/// Recognises the name of a complete snapshot of the metadata log.
#[must_use]
pub fn parse_metadata_snapshot(name: &str) -> Option<(Offset, LeaderEpoch)> {
    let (offset, epoch) = name.strip_suffix(".checkpoint")?.split_once('-')?;
    if offset.len() != 20 || epoch.len() != 10 {
        return None;
    }
    Some((digits_only(offset)?, i32::try_from(digits_only(epoch)?).ok()?))
}

fn digits_only(text: &str) -> Option<i64> {
    if text.bytes().all(|byte| byte.is_ascii_digit()) { text.parse().ok() } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn partition(topic: &str, partition: i32) -> TopicPartition {
        TopicPartition { topic: TopicName::new(topic).unwrap(), partition }
    }

    #[test]
    fn directories_split_at_the_last_dash() {
        assert_eq!(DirName::parse("a-b-delete-12"), DirName::Partition(partition("a-b-delete", 12)));
        assert_eq!(DirName::parse("a.b-3.0123abcd-delete"), DirName::Delete(partition("a.b", 3)));
        assert_eq!(DirName::parse("t-3.x-future"), DirName::Future(partition("t", 3)));
        assert_eq!(DirName::parse("__cluster_metadata-0"), DirName::MetadataLog);
        assert_eq!(DirName::parse("remote-log-index-cache"), DirName::RemoteIndexCache);
    }

    #[test]
    fn what_is_not_canonical_is_foreign() {
        for name in [
            "",
            "-",
            "a",
            "a-",
            "-0",
            "a-01",
            "a-+1",
            "a-2147483648",
            "..-0",
            "a/b-0",
            "a-0.-delete",
            "a-delete",
        ] {
            assert_eq!(DirName::parse(name), DirName::Foreign, "{name}");
        }
    }

    #[test]
    fn delete_and_stray_names_are_cut_to_255_but_future_names_are_not() {
        let long = partition(&"x".repeat(249), 7);
        let id = Uuid::from_bytes([0xab; 16]);
        assert_eq!(delete_dir(&long, id).len(), 255);
        assert_eq!(stray_dir(&long, id).len(), 255);
        assert_eq!(future_dir(&long, id).len(), 249 + 2 + 33 + 7);
        let short = partition("t", 0);
        assert_eq!(delete_dir(&short, id), "t-0.abababababababababababababababab-delete");
        assert!(matches!(DirName::parse(&delete_dir(&long, id)), DirName::Delete(cut) if cut.partition == 7));
        assert_eq!(DirName::parse(&stray_dir(&short, id)), DirName::Stray(short.clone()));
        assert_eq!(DirName::parse(&future_dir(&short, id)), DirName::Future(short));
    }

    #[test]
    fn file_names_read_as_kafka_writes_them() {
        assert_eq!(FileName::live(42, FileKind::Log).to_string(), "00000000000000000042.log");
        let deleted = FileName::live(0, FileKind::Snapshot).to(FileState::Deleted);
        assert_eq!(deleted.to_string(), "00000000000000000000.snapshot.deleted");
        for name in [
            "",
            "1.log",
            "0000000000000000004a.log",
            "00000000000000000042.log.tmp",
            "99999999999999999999.log",
        ] {
            assert_eq!(FileName::parse(name), None, "{name}");
        }
        assert_eq!(metadata_snapshot(8, 3), "00000000000000000008-0000000003.checkpoint");
        assert_eq!(parse_metadata_snapshot("00000000000000000008-0000000003.checkpoint"), Some((8, 3)));
        assert_eq!(parse_metadata_snapshot("00000000000000000008-0000000003.checkpoint.part"), None);
    }

    proptest! {
        #[test]
        fn file_names_round_trip(offset in 0..=i64::MAX, kind in 0..5_usize, state in 0..4_usize) {
            let name = FileName { offset, kind: FileKind::ALL[kind], state: FileState::ALL[state] };
            prop_assert_eq!(FileName::parse(&name.to_string()), Some(name));
        }

        #[test]
        fn directories_round_trip(topic in "[a-zA-Z0-9._-]{3,249}", number in 0..=i32::MAX) {
            let found = partition(&topic, number);
            prop_assert_eq!(DirName::parse(&found.to_string()), DirName::Partition(found));
        }

        #[test]
        fn any_name_is_classified(name in ".{0,60}") {
            let _ = DirName::parse(&name);
            let _ = FileName::parse(&name);
            let _ = parse_metadata_snapshot(&name);
        }
    }
}
