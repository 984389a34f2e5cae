//! Fetch (1), versions 4 to 18: records from the leader's log, as regions of its files.
//!
//! A fetch reads its partitions once; with enough bytes, an error or no time to wait it answers.
//! Otherwise it is parked on its partitions' marks and reads again when one has moved. Sessions
//! (KIP-227) keep the list of partitions and leave out of the answer what stands still.

use std::sync::Arc;

use ottla_env::disk::FileRegion;
use ottla_model::{ErrorCode, Offset, Tick};
use ottla_partition::{Isolation, Partition, PartitionRead, ReadError, ReadRequest};
use ottla_purgatory::Until;
use ottla_wire::messages::fetch_request::{FetchTopic, ForgottenTopic};
use ottla_wire::messages::fetch_response::{
    AbortedTransaction, EpochEndOffset, FetchableTopicResponse, LeaderIdAndEpoch, NodeEndpoint, PartitionData,
};
use ottla_wire::messages::{FetchRequest, FetchResponse, fetch_request};
use ottla_wire::{Records, Str};
use parking_lot::Mutex;

use crate::answer::{Answer, End, Handled};
use crate::context::RequestContext;
use crate::errors::{read_error, session_error};
use crate::limits::MAX_FETCH_WAIT_MS;
use crate::parked::{Mark, Woken};
use crate::sessions::{
    Answered, FetchPartition, NO_SESSION, Opened, PartitionKey, Session, SessionRequest, TopicKey,
};
use crate::state::Broker;

/// A consumer; any other id is a broker's, or −2 for a tool that looks at the log's end.
const CONSUMER: i32 = -1;
const DEBUGGING_CONSUMER: i32 = -2;

/// What stays the same over the reads of one fetch.
struct Fetch {
    context: RequestContext,
    isolation: Isolation,
    min_bytes: u64,
    max_bytes: u64,
    deadline: Tick,
    partitions: Vec<(PartitionKey, FetchPartition)>,
    session: Option<Arc<Mutex<Session>>>,
    /// Whether the session leaves out what stands still.
    incremental: bool,
}

/// One partition, read once.
struct ReadPartition {
    partition: Option<Arc<Partition>>,
    outcome: Result<PartitionRead, ErrorCode>,
}

pub(crate) fn handle(
    broker: &Arc<Broker>,
    context: &RequestContext,
    request: FetchRequest,
) -> Handled<FetchResponse> {
    let FetchRequest {
        cluster_id: _, // for the metadata quorum only
        replica_id,
        replica_state: fetch_request::ReplicaState { replica_id: replica_id_15, replica_epoch: _ }, // no followers yet
        max_wait_ms,
        min_bytes,
        max_bytes,
        isolation_level,
        session_id,
        session_epoch,
        topics,
        forgotten_topics_data,
        rack_id: _, // no replica but the leader to prefer
    } = request;
    let replica_id = if context.version >= 15 { replica_id_15 } else { replica_id };
    let by_id = context.version >= 13;
    let isolation = match (replica_id, isolation_level) {
        (CONSUMER, 0) => Isolation::Uncommitted,
        (CONSUMER, _) => Isolation::Committed,
        (DEBUGGING_CONSUMER, _) => Isolation::LogEnd,
        // A broker that is no replica of anything here.
        _ => return Handled::now(refuse_all(topics, ErrorCode::NotLeaderOrFollower)),
    };
    let session_request = SessionRequest {
        id: session_id,
        epoch: session_epoch,
        uses_topic_ids: by_id,
        asked: asked(topics, by_id),
        forgotten: forgotten(forgotten_topics_data, by_id),
    };
    let (session, incremental, partitions) = match broker.open_session(session_request, context.now.tick) {
        Err(refused) => {
            let error_code = session_error(refused).code();
            return Handled::now(FetchResponse { error_code, ..Default::default() });
        }
        Ok(Opened::Sessionless(partitions)) => (None, false, partitions),
        Ok(Opened::Full(session, partitions)) => (Some(session), false, partitions),
        Ok(Opened::Incremental(session, partitions)) => (Some(session), true, partitions),
    };
    let fetch_max_bytes = u64::try_from(broker.config().topics.fetch_max_bytes).unwrap_or(0);
    let max_bytes = u64::try_from(max_bytes).unwrap_or(0).min(fetch_max_bytes);
    let wait_ms = u64::try_from(max_wait_ms).unwrap_or(0).min(MAX_FETCH_WAIT_MS);
    let fetch = Fetch {
        context: context.clone(),
        isolation,
        min_bytes: u64::try_from(min_bytes).unwrap_or(0).min(max_bytes),
        max_bytes,
        deadline: context.now.tick.plus_millis(wait_ms),
        partitions,
        session,
        incremental,
    };
    let read = fetch.read(broker);
    if wait_ms == 0 || fetch.is_enough(&read) {
        return Handled::Now(fetch.answer(broker, read));
    }
    let broker = Arc::clone(broker);
    Handled::Later(Box::pin(async move { End::Answer(fetch.wait(&broker, read).await) }))
}

impl Fetch {
    /// Reads every partition in order, within the bytes that are left. The first that has records
    /// gives at least one batch, however large, so that a consumer always moves on.
    fn read(&self, broker: &Broker) -> Vec<ReadPartition> {
        let mut left = self.max_bytes;
        let mut min_one = true;
        let one = |(key, asked): &(PartitionKey, FetchPartition)| {
            let partition = match broker.partition_by_key(&key.topic, key.partition) {
                Ok(partition) => partition,
                Err(code) => return ReadPartition { partition: None, outcome: Err(code) },
            };
            let ask = ReadRequest {
                offset: asked.fetch_offset,
                max_bytes: u64::try_from(asked.max_bytes).unwrap_or(0).min(left),
                min_one,
                isolation: self.isolation,
                current_leader_epoch: asked.current_leader_epoch,
                last_fetched_epoch: asked.last_fetched_epoch,
            };
            let outcome = partition.read(&ask).map_err(|error| self.error_code(&error));
            if let Ok(read) = &outcome {
                min_one &= read.bytes == 0;
                left = left.saturating_sub(read.bytes);
            }
            ReadPartition { partition: Some(partition), outcome }
        };
        self.partitions.iter().map(one).collect()
    }

    /// Clients of version 5 and before do not know KAFKA_STORAGE_ERROR and would not retry.
    fn error_code(&self, error: &ReadError) -> ErrorCode {
        match read_error(error) {
            ErrorCode::KafkaStorageError if self.context.version <= 5 => ErrorCode::NotLeaderOrFollower,
            code => code,
        }
    }

    fn is_enough(&self, read: &[ReadPartition]) -> bool {
        let mut bytes: u64 = 0;
        for one in read {
            match &one.outcome {
                Err(_) => return true,
                Ok(read) if read.diverging.is_some() => return true,
                Ok(read) => bytes = bytes.saturating_add(read.bytes),
            }
        }
        bytes >= self.min_bytes || read.is_empty()
    }

    async fn wait(self, broker: &Arc<Broker>, mut read: Vec<ReadPartition>) -> Answer<FetchResponse> {
        loop {
            let mark =
                if self.isolation == Isolation::Committed { Mark::LastStable } else { Mark::HighWatermark };
            let seen = |one: &ReadPartition| Some((Arc::clone(one.partition.as_ref()?), self.mark_of(one)?));
            let seen: Vec<_> = read.iter().filter_map(seen).collect();
            let marks =
                seen.iter().map(|(partition, offset)| ((partition.id(), mark), *offset + 1)).collect();
            let mut parking = broker.parked.park(Until::Any, marks, self.deadline);
            // A mark that moved, or a partition that left, before the wait was parked wakes nobody: look once more.
            let moved = seen.iter().any(|(partition, offset)| {
                self.current_mark(partition) > *offset || partition.refusal().is_some()
            });
            drop(read);
            let woken = if moved { Woken::Reached } else { parking.woken().await };
            read = self.read(broker);
            if woken != Woken::Reached || self.is_enough(&read) {
                return self.answer(broker, read);
            }
        }
    }

    fn mark_of(&self, one: &ReadPartition) -> Option<Offset> {
        let read = one.outcome.as_ref().ok()?;
        Some(if self.isolation == Isolation::Committed {
            read.last_stable_offset
        } else {
            read.high_watermark
        })
    }

    fn current_mark(&self, partition: &Partition) -> Offset {
        let offsets = partition.offsets();
        if self.isolation == Isolation::Committed { offsets.last_stable } else { offsets.high_watermark }
    }

    fn answer(&self, broker: &Broker, read: Vec<ReadPartition>) -> Answer<FetchResponse> {
        let mut regions = Vec::new();
        let mut response = FetchResponse::default();
        let mut session = self.session.as_ref().map(|session| session.lock());
        for ((key, _), one) in self.partitions.iter().zip(read) {
            let must_tell = session.as_mut().is_none_or(|session| session.tell(key, &answered(&one)));
            if must_tell || !self.incremental {
                let data = self.partition_data(broker, key, one, &mut regions, &mut response.node_endpoints);
                push(&mut response.responses, key, data);
            }
        }
        response.session_id = session.map_or(NO_SESSION, |session| session.id);
        Answer { message: response, regions, throttle_ms: 0 }
    }

    fn partition_data(
        &self,
        broker: &Broker,
        key: &PartitionKey,
        one: ReadPartition,
        regions: &mut Vec<Vec<FileRegion>>,
        endpoints: &mut Vec<NodeEndpoint>,
    ) -> PartitionData {
        let mut data = empty(key.partition, ErrorCode::None);
        match one.outcome {
            Ok(read) => {
                data.high_watermark = read.high_watermark;
                data.last_stable_offset = read.last_stable_offset;
                data.log_start_offset = read.log_start_offset;
                data.aborted_transactions =
                    read.aborted.map(|aborted| aborted.into_iter().map(told).collect());
                if let Some((epoch, end_offset)) = read.diverging {
                    data.diverging_epoch = EpochEndOffset { epoch, end_offset };
                }
                if read.bytes > 0 {
                    let id = u32::try_from(regions.len()).unwrap_or(u32::MAX);
                    let len = u32::try_from(read.bytes).unwrap_or(u32::MAX);
                    data.records = Some(Records::Hole { len, id });
                    regions.push(read.regions);
                }
            }
            Err(code) => {
                data.error_code = code.code();
                let moved = matches!(code, ErrorCode::NotLeaderOrFollower | ErrorCode::FencedLeaderEpoch);
                let leader = one.partition.filter(|_| moved && self.context.version >= 16);
                if let Some((leader_id, leader_epoch)) =
                    leader.and_then(|it| broker.current_leader(it.name()))
                {
                    data.current_leader = LeaderIdAndEpoch { leader_id, leader_epoch };
                    let known = endpoints.iter().any(|endpoint| endpoint.node_id == leader_id);
                    endpoints.extend(broker.node_endpoint(&self.context, leader_id).filter(|_| !known));
                }
            }
        }
        data
    }
}

fn told((producer_id, first_offset): (i64, Offset)) -> AbortedTransaction {
    AbortedTransaction { producer_id, first_offset }
}

fn answered(one: &ReadPartition) -> Answered {
    match &one.outcome {
        Ok(read) => Answered {
            bytes: read.bytes,
            high_watermark: read.high_watermark,
            log_start_offset: read.log_start_offset,
            notable: read.diverging.is_some(),
            failed: false,
        },
        Err(_) => {
            Answered { bytes: 0, high_watermark: -1, log_start_offset: -1, notable: true, failed: true }
        }
    }
}

/// Records are never null, also where there are none: librdkafka stands still at a null.
fn empty(partition_index: i32, error: ErrorCode) -> PartitionData {
    PartitionData {
        partition_index,
        error_code: error.code(),
        high_watermark: -1,
        records: Some(Records::Bytes(bytes::Bytes::new())),
        ..Default::default()
    }
}

/// Adds a partition to its topic, which is a new entry unless it is the one before.
fn push(topics: &mut Vec<FetchableTopicResponse>, key: &PartitionKey, data: PartitionData) {
    let (topic, topic_id) = match &key.topic {
        TopicKey::Id(id) => (Str::new(), *id),
        TopicKey::Name(name) => (Str::from(&**name), ottla_model::Uuid::ZERO),
    };
    match topics.last_mut() {
        Some(last) if last.topic == topic && last.topic_id == topic_id => last.partitions.push(data),
        _ => topics.push(FetchableTopicResponse { topic, topic_id, partitions: vec![data] }),
    }
}

fn topic_key(name: &Str, id: ottla_model::Uuid, by_id: bool) -> TopicKey {
    if by_id { TopicKey::Id(id) } else { TopicKey::Name((&**name).into()) }
}

fn asked(topics: Vec<FetchTopic>, by_id: bool) -> Vec<(PartitionKey, FetchPartition)> {
    let mut asked = Vec::with_capacity(topics.iter().map(|topic| topic.partitions.len()).sum());
    for FetchTopic { topic, topic_id, partitions } in topics {
        for partition in partitions {
            let fetch_request::FetchPartition {
                partition,
                current_leader_epoch,
                fetch_offset,
                last_fetched_epoch,
                log_start_offset,
                partition_max_bytes,
                replica_directory_id: _, // a follower's
                high_watermark: _,       // a follower's
            } = partition;
            let key = PartitionKey { topic: topic_key(&topic, topic_id, by_id), partition };
            let max_bytes = partition_max_bytes;
            asked.push((
                key,
                FetchPartition {
                    current_leader_epoch,
                    fetch_offset,
                    last_fetched_epoch,
                    log_start_offset,
                    max_bytes,
                },
            ));
        }
    }
    asked
}

fn forgotten(topics: Vec<ForgottenTopic>, by_id: bool) -> Vec<PartitionKey> {
    let mut forgotten = Vec::new();
    for ForgottenTopic { topic, topic_id, partitions } in topics {
        let topic = topic_key(&topic, topic_id, by_id);
        forgotten
            .extend(partitions.into_iter().map(|partition| PartitionKey { topic: topic.clone(), partition }));
    }
    forgotten
}

fn refuse_all(topics: Vec<FetchTopic>, code: ErrorCode) -> FetchResponse {
    let topic = |topic: FetchTopic| FetchableTopicResponse {
        topic: topic.topic,
        topic_id: topic.topic_id,
        partitions: topic.partitions.iter().map(|asked| empty(asked.partition, code)).collect(),
    };
    FetchResponse { responses: topics.into_iter().map(topic).collect(), ..Default::default() }
}
