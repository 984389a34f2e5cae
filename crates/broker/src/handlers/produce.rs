//! Produce (0), versions 3 to 13 (advertised from 0): append batches as their partitions' leader.
//!
//! Each partition is answered for itself; one that is named twice is refused both times, since
//! only one answer could be told. `acks=all` waits for the acknowledged offset of every partition
//! appended to; `acks=0` has no answer, and an error there can only be told by closing.

use std::collections::HashMap;
use std::sync::Arc;

use ottla_metadata::{Image, Topic};
use ottla_model::{ErrorCode, Offset, Tick, Uuid};
use ottla_partition::{AppendError, AppendRequest, NotLeader, Partition};
use ottla_purgatory::Until;
use ottla_replication::Acks;
use ottla_storage::log::AppendError as LogError;
use ottla_wire::messages::produce_request::{PartitionProduceData, TopicProduceData};
use ottla_wire::messages::produce_response::{
    BatchIndexAndErrorMessage, LeaderIdAndEpoch, PartitionProduceResponse, TopicProduceResponse,
};
use ottla_wire::messages::{ProduceRequest, ProduceResponse};
use ottla_wire::{Records, Str};

use crate::answer::{Answer, End, Handled};
use crate::context::RequestContext;
use crate::errors::append_error;
use crate::limits::{MAX_PRODUCE_WAIT_MS, MAX_RECORD_ERRORS};
use crate::offline;
use crate::parked::{Mark, Parking, Woken};
use crate::state::Broker;

/// An append whose answer waits, and where it stands in the response.
struct Pending {
    /// What it waits for: `acks=all` for the acknowledgement, `flush.messages` for the disk.
    mark: Mark,
    topic: usize,
    partition: usize,
    appended_to: Arc<Partition>,
    end_offset: Offset,
}

pub(crate) fn handle(
    broker: &Arc<Broker>,
    context: &RequestContext,
    request: ProduceRequest,
) -> Handled<ProduceResponse> {
    // A transactional id without a transactional batch has no meaning; the batch itself is looked at.
    let ProduceRequest { transactional_id: _, acks, timeout_ms, topic_data } = request;
    let Ok(acks) = Acks::try_from(acks) else {
        return Handled::now(refuse_all(topic_data, ErrorCode::InvalidRequiredAcks));
    };
    let image = broker.image.load();
    let repeated = repeated_partitions(&topic_data);
    let mut response = ProduceResponse::default();
    let mut pending = Vec::new();
    let mut effects = Vec::new();
    for TopicProduceData { name, topic_id, partition_data } in topic_data {
        let topic = find_topic(&image, &name, topic_id, context.version >= 13);
        let mut answers = Vec::with_capacity(partition_data.len());
        for PartitionProduceData { index, records } in partition_data {
            let mut answer = PartitionProduceResponse { index, base_offset: -1, ..Default::default() };
            let partition = topic.and_then(|topic| {
                if repeated.contains(&(name.clone(), topic_id, index)) {
                    return Err(ErrorCode::InvalidRequest);
                }
                broker.partition(topic, index)
            });
            match partition {
                Err(code) => answer.error_code = code.code(),
                Ok(partition) => {
                    let ask = AppendRequest { acks, zstd_allowed: context.version >= 7, now: context.now };
                    match partition.append(&bytes_of(records), &ask) {
                        Ok(appended) => {
                            answer.base_offset = appended.base_offset;
                            answer.log_append_time_ms = appended.log_append_time;
                            answer.log_start_offset = appended.log_start_offset;
                            effects.push(appended.effect);
                            broker.counters.appended(&appended);
                            if acks == Acks::All || appended.flush_due {
                                let mark =
                                    if appended.flush_due { Mark::Durable } else { Mark::Acknowledged };
                                pending.push(Pending {
                                    mark,
                                    topic: response.responses.len(),
                                    partition: answers.len(),
                                    appended_to: Arc::clone(&partition),
                                    end_offset: appended.last_offset + 1,
                                });
                            }
                        }
                        Err(error) => refuse(&mut answer, &error, context.version, broker, &partition),
                    }
                }
            }
            answers.push(answer);
        }
        response.responses.push(TopicProduceResponse { name, topic_id, partition_responses: answers });
    }
    broker.effects.apply(&effects);
    match acks {
        Acks::None if failed(&response) => Handled::Close,
        Acks::None => {
            if !pending.is_empty() {
                broker.flushes.demand();
            }
            Handled::Silent
        }
        Acks::Leader | Acks::All => wait(broker, context, timeout_ms, response, pending),
    }
}

/// The topic by name, or by id from version 13 on.
fn find_topic<'a>(image: &'a Image, name: &str, id: Uuid, by_id: bool) -> Result<&'a Topic, ErrorCode> {
    if by_id {
        image.topics.get(id).ok_or(ErrorCode::UnknownTopicId)
    } else {
        image.topics.named(name).ok_or(ErrorCode::UnknownTopicOrPartition)
    }
}

/// Answers when every append is acknowledged, or with REQUEST_TIMED_OUT for those that are not.
fn wait(
    broker: &Arc<Broker>,
    context: &RequestContext,
    timeout_ms: i32,
    mut response: ProduceResponse,
    mut pending: Vec<Pending>,
) -> Handled<ProduceResponse> {
    if pending.iter().all(Pending::is_done) {
        return Handled::now(response);
    }
    let timeout = u64::try_from(timeout_ms).unwrap_or(0).min(MAX_PRODUCE_WAIT_MS);
    let deadline = context.now.tick.plus_millis(timeout);
    let mut parking = park(broker, &pending, deadline);
    if pending.iter().all(Pending::is_done) {
        return Handled::now(response);
    }
    broker.flushes.demand();
    let broker = Arc::clone(broker);
    Handled::Later(Box::pin(async move {
        loop {
            // Whoever was done or left before the wait was parked wakes nobody: the others are waited for without it.
            let settled = pending.iter().any(|one| one.is_done() || one.refusal().is_some());
            let woken = if settled { Woken::Gone } else { parking.woken().await };
            pending.retain(|one| {
                let error = match one.refusal() {
                    _ if one.is_done() => return false,
                    Some(why) => why.code(),
                    None if woken == Woken::Expired => ErrorCode::RequestTimedOut,
                    // One of the others has left: this one is waited for.
                    None => return true,
                };
                one.set_error(&mut response, error);
                false
            });
            if pending.is_empty() {
                return End::Answer(Answer::from(response));
            }
            parking = park(&broker, &pending, deadline);
        }
    }))
}

fn park(broker: &Broker, pending: &[Pending], deadline: Tick) -> Parking {
    let marks = pending.iter().map(|one| ((one.appended_to.id(), one.mark), one.end_offset)).collect();
    broker.parked.park(Until::All, marks, deadline)
}

impl Pending {
    /// Why the partition is no longer served here, if so.
    fn refusal(&self) -> Option<NotLeader> {
        self.appended_to.refusal()
    }

    fn is_done(&self) -> bool {
        let reached = match self.mark {
            Mark::Durable => self.appended_to.offsets().durable,
            Mark::Acknowledged | Mark::HighWatermark | Mark::LastStable => {
                self.appended_to.acknowledged_offset()
            }
        };
        reached >= self.end_offset
    }

    fn set_error(&self, response: &mut ProduceResponse, code: ErrorCode) {
        let topic = response.responses.get_mut(self.topic);
        if let Some(answer) = topic.and_then(|topic| topic.partition_responses.get_mut(self.partition)) {
            answer.error_code = code.code();
            answer.base_offset = -1;
        }
    }
}

fn refuse(
    answer: &mut PartitionProduceResponse,
    error: &AppendError,
    version: i16,
    broker: &Arc<Broker>,
    partition: &Partition,
) {
    // A write that failed leaves doubt about the directory: nothing in it is served any more.
    if let AppendError::Log(LogError::Storage(why)) = error
        && let Some(directory) = broker.logs.dir_of(partition)
    {
        offline::take_offline(broker, directory, why);
    }
    let code = append_error(error);
    answer.error_code = code.code();
    if let AppendError::Rejected(rejected) = error {
        let told = rejected.record_errors.iter().take(MAX_RECORD_ERRORS);
        answer.record_errors = told
            .map(|fault| BatchIndexAndErrorMessage {
                batch_index: fault.index,
                batch_index_error_message: Some(fault.message.as_str().into()),
            })
            .collect();
    }
    answer.error_message = Some(error.to_string().into());
    if code == ErrorCode::NotLeaderOrFollower
        && version >= 10
        && let Some((leader_id, leader_epoch)) = broker.current_leader(partition.name())
    {
        answer.current_leader = LeaderIdAndEpoch { leader_id, leader_epoch };
    }
}

/// The bytes of a partition's records; null and empty are the same: no batch.
fn bytes_of(records: Option<Records>) -> bytes::Bytes {
    match records {
        Some(Records::Bytes(bytes)) => bytes,
        Some(Records::Hole { .. }) | None => bytes::Bytes::new(),
    }
}

type PartitionName = (Str, Uuid, i32);

/// Partitions that a request names more than once. Requests are short; only repetition costs.
fn repeated_partitions(topics: &[TopicProduceData]) -> Vec<PartitionName> {
    let count: usize = topics.iter().map(|topic| topic.partition_data.len()).sum();
    if count < 2 {
        return Vec::new();
    }
    let mut seen: HashMap<PartitionName, u32> = HashMap::with_capacity(count);
    for topic in topics {
        for partition in &topic.partition_data {
            *seen.entry((topic.name.clone(), topic.topic_id, partition.index)).or_insert(0) += 1;
        }
    }
    seen.into_iter().filter(|(_, times)| *times > 1).map(|(name, _)| name).collect()
}

fn refuse_all(topics: Vec<TopicProduceData>, code: ErrorCode) -> ProduceResponse {
    let partition = |data: PartitionProduceData| PartitionProduceResponse {
        index: data.index,
        error_code: code.code(),
        base_offset: -1,
        ..Default::default()
    };
    let topic = |data: TopicProduceData| TopicProduceResponse {
        name: data.name,
        topic_id: data.topic_id,
        partition_responses: data.partition_data.into_iter().map(partition).collect(),
    };
    ProduceResponse { responses: topics.into_iter().map(topic).collect(), ..Default::default() }
}

fn failed(response: &ProduceResponse) -> bool {
    let mut answers = response.responses.iter().flat_map(|topic| &topic.partition_responses);
    answers.any(|answer| answer.error_code != ErrorCode::None.code())
}
