//! One session: its partitions in the order in which they are next read.

use std::collections::{BTreeMap, HashMap};

use ottla_model::{LeaderEpoch, Offset, Uuid};

/// A topic as the session's requests name it: by id from Fetch 13 on, by name before.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum TopicKey {
    /// By id.
    Id(Uuid),
    /// By name, as it was sent: it may be no legal name.
    Name(Box<str>),
}

/// A partition as the session's requests name it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct PartitionKey {
    /// Its topic.
    pub(crate) topic: TopicKey,
    /// Its number.
    pub(crate) partition: i32,
}

/// What a fetch asks of one partition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct FetchPartition {
    /// The leader epoch the client knows, −1 for none.
    pub(crate) current_leader_epoch: LeaderEpoch,
    /// Where it reads on.
    pub(crate) fetch_offset: Offset,
    /// The epoch of the last record it has, −1 for none.
    pub(crate) last_fetched_epoch: LeaderEpoch,
    /// A follower's start offset, −1 from consumers.
    pub(crate) log_start_offset: Offset,
    /// At most this many bytes.
    pub(crate) max_bytes: i32,
}

/// What an answer says of one partition, as far as it decides whether it is worth saying.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Answered {
    /// Bytes of records.
    pub(crate) bytes: u64,
    /// The high watermark told.
    pub(crate) high_watermark: Offset,
    /// The log start offset told.
    pub(crate) log_start_offset: Offset,
    /// An error, a preferred replica or a diverging epoch: always told.
    pub(crate) notable: bool,
    /// An error: forgets what was told before, so that recovery from it is told too.
    pub(crate) failed: bool,
}

#[derive(Debug)]
struct Entry {
    place: u64,
    asked: FetchPartition,
    told_high_watermark: Offset,
    told_log_start: Offset,
}

/// One session. `epoch` is the one its next request must carry.
#[derive(Debug)]
pub(crate) struct Session {
    pub(crate) id: i32,
    pub(crate) epoch: i32,
    pub(crate) uses_topic_ids: bool,
    entries: HashMap<PartitionKey, Entry>,
    /// Places in reading order; each names an entry whose `place` is the same.
    order: BTreeMap<u64, PartitionKey>,
    next_place: u64,
}

impl Session {
    pub(crate) fn new(id: i32, epoch: i32, uses_topic_ids: bool) -> Self {
        Self { id, epoch, uses_topic_ids, entries: HashMap::new(), order: BTreeMap::new(), next_place: 0 }
    }

    /// Adds the partitions or changes what is asked of them, then forgets the others named.
    pub(crate) fn update(&mut self, asked: Vec<(PartitionKey, FetchPartition)>, forgotten: &[PartitionKey]) {
        for (key, asked) in asked {
            if let Some(entry) = self.entries.get_mut(&key) {
                entry.asked = asked;
            } else {
                let place = self.take_place();
                self.order.insert(place, key.clone());
                let entry = Entry { place, asked, told_high_watermark: -1, told_log_start: -1 };
                self.entries.insert(key, entry);
            }
        }
        for key in forgotten {
            if let Some(entry) = self.entries.remove(key) {
                self.order.remove(&entry.place);
            }
        }
    }

    /// The partitions in reading order.
    pub(crate) fn partitions(&self) -> Vec<(PartitionKey, FetchPartition)> {
        let in_order = self.order.values();
        in_order.filter_map(|key| Some((key.clone(), self.entries.get(key)?.asked))).collect()
    }

    pub(crate) fn len(&self) -> usize {
        self.entries.len()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Whether an answer must name this partition; remembers what is told. A partition that gave records is
    /// read last next time, so that one busy partition does not starve the others.
    pub(crate) fn tell(&mut self, key: &PartitionKey, answered: &Answered) -> bool {
        let place = self.next_place;
        let Some(entry) = self.entries.get_mut(key) else { return true };
        let must_tell = entry.must_tell(answered);
        entry.told_high_watermark = if answered.failed { -1 } else { answered.high_watermark };
        entry.told_log_start = answered.log_start_offset;
        if answered.bytes > 0 {
            self.next_place += 1;
            self.order.remove(&std::mem::replace(&mut entry.place, place));
            self.order.insert(place, key.clone());
        }
        must_tell
    }

    fn take_place(&mut self) -> u64 {
        self.next_place += 1;
        self.next_place - 1
    }
}

impl Entry {
    fn must_tell(&self, answered: &Answered) -> bool {
        answered.bytes > 0
            || answered.notable
            || answered.failed
            || self.told_high_watermark != answered.high_watermark
            || self.told_log_start != answered.log_start_offset
    }
}
