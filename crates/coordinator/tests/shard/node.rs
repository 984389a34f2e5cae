//! One partition of `__consumer_offsets` on a disk that can be filled, stopped and crashed, and requests to it.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::Bytes;
use ottla_config::LogSettings;
use ottla_coordinator::{GroupShard, Submitted};
use ottla_env::disk::Disk;
use ottla_env::testing::{FaultDisk, MemDisk};
use ottla_group::{Ask, Client, Context, Reply, Request, Settings, Waiter};
use ottla_metadata::Image;
use ottla_model::{Now, Tick, TopicName, TopicPartition, Uuid};
use ottla_partition::{Effect, Partition, PartitionId};
use ottla_record::{BatchView, Builder, Codec};
use ottla_replication::AckDurable;
use ottla_storage::file_cache::FileCache;
use ottla_storage::log::{Log, LogPlace, Start};
use ottla_wire::messages::join_group_request::JoinGroupRequestProtocol;
use ottla_wire::messages::offset_commit_request::{OffsetCommitRequestPartition, OffsetCommitRequestTopic};
use ottla_wire::messages::offset_fetch_request::OffsetFetchRequestGroup;
use ottla_wire::messages::sync_group_request::SyncGroupRequestAssignment;
use ottla_wire::messages::{HeartbeatRequest, JoinGroupRequest, OffsetCommitRequest, SyncGroupRequest};

pub(crate) const NOW: Now = Now { tick: Tick(1_000_000_000), wall: 1_700_000_000_000 };
const DIR: &str = "/data/__consumer_offsets-0";

/// A node with one partition.
pub(crate) struct Node {
    memory: MemDisk,
    pub(crate) disk: FaultDisk,
    pub(crate) partition: Arc<Partition>,
}

impl Node {
    pub(crate) fn new() -> Self {
        Self::with(LogSettings::default())
    }

    pub(crate) fn with(settings: LogSettings) -> Self {
        let memory = MemDisk::new();
        memory.create_dir_all(Path::new(DIR)).unwrap();
        memory.sync_dir(Path::new("/")).unwrap();
        memory.sync_dir(Path::new("/data")).unwrap();
        Self::open(memory, settings)
    }

    fn open(memory: MemDisk, settings: LogSettings) -> Self {
        let disk = FaultDisk::new(Arc::new(memory.clone()));
        let topic = TopicName::new("__consumer_offsets").unwrap();
        let place = LogPlace {
            partition: TopicPartition { topic, partition: 0 },
            topic_id: None,
            dir: PathBuf::from(DIR),
            cache: FileCache::new(Arc::new(disk.clone()), 64),
            dirty: Arc::default(),
            settings,
            producer_expiration_ms: 86_400_000,
        };
        let log = Log::open(place, Start::default(), NOW).unwrap().log;
        let id = PartitionId { topic: Uuid::UNASSIGNED, partition: 0 };
        let partition = Arc::new(Partition::new(id, log, AckDurable::Alone));
        partition.become_leader(3);
        Self { memory, disk, partition }
    }

    /// The power goes, and comes back: what was not flushed may be lost.
    pub(crate) fn crash(self, seed: u64) -> Self {
        Self::open(self.memory.crash(seed), LogSettings::default())
    }

    /// A shard that is not loaded.
    pub(crate) fn unloaded(&self) -> GroupShard {
        GroupShard::new(0, Arc::clone(&self.partition), Codec::None)
    }

    /// A shard that has loaded the log.
    pub(crate) fn shard(&self) -> GroupShard {
        let shard = self.unloaded();
        shard.load(&context(NOW)).unwrap();
        shard
    }

    /// Flushes the log; the marks afterwards.
    pub(crate) fn flush(&self) -> Effect {
        let flushed = self.partition.with_log(|log| log.flush_job()).run().unwrap();
        self.partition.flushed(&flushed).unwrap()
    }

    /// Something that is in the log without the shard.
    pub(crate) fn append(&self, batch: &Bytes) {
        self.partition.append_own(&BatchView::parse(batch).unwrap(), NOW).unwrap();
    }
}

/// A batch of one record.
pub(crate) fn batch(key: &[u8], value: Option<&[u8]>) -> Bytes {
    let mut builder = Builder::new(0, Codec::None);
    builder.push(NOW.wall, Some(key), value, &[]);
    builder.finish().unwrap()
}

pub(crate) fn context(now: Now) -> Context {
    let settings = Settings { initial_rebalance_delay_ms: 0, ..Settings::default() };
    Context {
        now,
        image: Arc::new(Image::default()),
        settings: Arc::new(settings),
        fresh: Uuid::from_bytes([7; 16]),
    }
}

pub(crate) fn later(millis: u64) -> Now {
    Now { tick: NOW.tick.plus_millis(millis), wall: NOW.wall.saturating_add_unsigned(millis) }
}

/// Asks at a time.
pub(crate) fn ask_at(shard: &GroupShard, now: Now, waiter: u64, request: Request) -> Submitted {
    ask_in_version(shard, now, waiter, 3, request)
}

/// Asks in a version of the API.
pub(crate) fn ask_in_version(
    shard: &GroupShard,
    now: Now,
    waiter: u64,
    version: i16,
    request: Request,
) -> Submitted {
    let ask = Ask { waiter: Waiter(waiter), client: Client::default(), version, request };
    let mut drawn = [7; 16];
    drawn[8..].copy_from_slice(&waiter.to_be_bytes());
    shard.submit(&ask, &Context { fresh: Uuid::from_bytes(drawn), ..context(now) }).unwrap()
}

pub(crate) fn ask(shard: &GroupShard, waiter: u64, request: Request) -> Submitted {
    ask_at(shard, NOW, waiter, request)
}

/// A commit of one offset by somebody outside of the group.
pub(crate) fn commit(group: &str, offset: i64) -> Request {
    commit_as(group, "", -1, &[(0, offset)])
}

pub(crate) fn commit_as(group: &str, member: &str, generation: i32, offsets: &[(i32, i64)]) -> Request {
    let at = |(partition, offset): &(i32, i64)| OffsetCommitRequestPartition {
        partition_index: *partition,
        committed_offset: *offset,
        committed_leader_epoch: -1,
        committed_metadata: None,
    };
    let partitions = offsets.iter().map(at).collect();
    let topic = OffsetCommitRequestTopic { name: "t".into(), partitions, ..Default::default() };
    Request::Commit(OffsetCommitRequest {
        group_id: group.into(),
        generation_id_or_member_epoch: generation,
        member_id: member.into(),
        retention_time_ms: -1,
        topics: vec![topic],
        ..Default::default()
    })
}

pub(crate) fn join(group: &str, member: &str, metadata: &'static [u8]) -> Request {
    let offered = JoinGroupRequestProtocol { name: "range".into(), metadata: Bytes::from_static(metadata) };
    Request::Join(JoinGroupRequest {
        group_id: group.into(),
        session_timeout_ms: 10_000,
        rebalance_timeout_ms: 20_000,
        member_id: member.into(),
        protocol_type: "consumer".into(),
        protocols: vec![offered],
        ..Default::default()
    })
}

pub(crate) fn sync(group: &str, member: &str, generation: i32, assignment: &[u8]) -> Request {
    let part = SyncGroupRequestAssignment {
        member_id: member.into(),
        assignment: Bytes::copy_from_slice(assignment),
    };
    Request::Sync(SyncGroupRequest {
        group_id: group.into(),
        generation_id: generation,
        member_id: member.into(),
        assignments: vec![part],
        ..Default::default()
    })
}

pub(crate) fn heartbeat(group: &str, member: &str, generation: i32) -> Request {
    Request::Heartbeat(HeartbeatRequest {
        group_id: group.into(),
        generation_id: generation,
        member_id: member.into(),
        ..Default::default()
    })
}

/// A group of one member that has its assignment; the member's id.
pub(crate) fn settled(node: &Node, shard: &GroupShard, group: &str) -> String {
    ask(shard, 901, join(group, "", b"me"));
    shard.expire(&context(NOW));
    let (_, reply) = shard.committed(node.flush().acknowledged_offset).pop().unwrap();
    let Reply::Join(joined) = reply else { panic!("{reply:?}") };
    ask(shard, 902, sync(group, &joined.member_id, joined.generation_id, b"all"));
    assert_eq!(shard.committed(node.flush().acknowledged_offset).len(), 1);
    joined.member_id.to_string()
}

/// The error of a reply; of a commit that of its first partition.
pub(crate) fn code(reply: &Reply) -> i16 {
    match reply {
        Reply::Join(reply) => reply.error_code,
        Reply::Sync(reply) => reply.error_code,
        Reply::Heartbeat(reply) => reply.error_code,
        Reply::Leave(reply) => reply.error_code,
        Reply::Commit(reply) => reply.topics[0].partitions[0].error_code,
        Reply::DeleteOffsets(reply) => reply.error_code,
        Reply::ConsumerHeartbeat(reply) => reply.error_code,
        Reply::DeleteGroup(result) => result.as_ref().map_or_else(|refusal| refusal.code.code(), |()| 0),
    }
}

/// Waiters and errors of replies.
pub(crate) fn codes(replies: &[(Waiter, Reply)]) -> Vec<(u64, i16)> {
    replies.iter().map(|(waiter, reply)| (waiter.0, code(reply))).collect()
}

/// The offset of partition 0 of the group.
pub(crate) fn committed_offset(shard: &GroupShard, group: &str) -> Option<i64> {
    let request = OffsetFetchRequestGroup { group_id: group.into(), ..Default::default() };
    let request = OffsetFetchRequestGroup { topics: None, member_epoch: -1, ..request };
    let (answer, _) = shard.read(|shard| shard.fetch_offsets(&request, false, &Image::default())).unwrap();
    let first = answer.topics.first()?.partitions.iter().find(|partition| partition.partition_index == 0);
    first.map(|partition| partition.committed_offset)
}
