//! From a frame to its handler and back: key, version, listener, body; then the answer's bytes.
//!
//! What does not parse, names an API or version that this listener does not serve, or comes to
//! the wrong listener is closed without an answer, as Kafka does; only ApiVersions is answered at
//! any version. What is served stands in one table.

use std::sync::Arc;

use bytes::Bytes;
use ottla_env::disk::FileRegion;
use ottla_net::{ConnectionInfo, Reply, ReplyPart, Started};
use ottla_wire::header::{RequestHeader, ResponseHeader};
use ottla_wire::{ApiKey, Message, Part, Reader, Request, Writer};

use crate::answer::{Answer, End, Handled};
use crate::context::{Face, RequestContext};
use crate::handlers;
use crate::state::Broker;

macro_rules! routes {
    ($($key:ident $request:ident $face:ident => $handler:path;)*) => {
        /// The APIs a face serves, in the order of their keys.
        pub(crate) fn served(face: Face) -> Vec<ApiKey> {
            TABLE.iter().filter(|(_, faces)| faces.include(face)).map(|(key, _)| *key).collect()
        }

        const TABLE: &[(ApiKey, Faces)] = &[$((ApiKey::$key, Faces::$face)),*];

        /// Whether a face serves an API.
        fn serves(face: Face, key: ApiKey) -> bool {
            match key {
                $(ApiKey::$key => Faces::$face.include(face),)*
                _ => false,
            }
        }

        fn dispatch(broker: &Arc<Broker>, context: RequestContext, call: Call) -> Started {
            match context.key {
                $(ApiKey::$key => run::<ottla_wire::messages::$request>(broker, context, call, $handler),)*
                _ => Started::Close,
            }
        }
    };
}

/// Where an API is served.
#[derive(Clone, Copy)]
enum Faces {
    Broker,
    Both,
}

impl Faces {
    fn include(self, face: Face) -> bool {
        match self {
            Self::Both => true,
            Self::Broker => face == Face::Broker,
        }
    }
}

routes! {
    Produce ProduceRequest Broker => handlers::produce::handle;
    Fetch FetchRequest Broker => handlers::fetch::handle;
    ListOffsets ListOffsetsRequest Broker => handlers::list_offsets::handle;
    Metadata MetadataRequest Broker => handlers::metadata::handle;
    OffsetCommit OffsetCommitRequest Broker => handlers::offset_commit::handle;
    OffsetFetch OffsetFetchRequest Broker => handlers::offset_fetch::handle;
    FindCoordinator FindCoordinatorRequest Broker => handlers::find_coordinator::handle;
    JoinGroup JoinGroupRequest Broker => handlers::join_group::handle;
    Heartbeat HeartbeatRequest Broker => handlers::heartbeat::handle;
    LeaveGroup LeaveGroupRequest Broker => handlers::leave_group::handle;
    SyncGroup SyncGroupRequest Broker => handlers::sync_group::handle;
    DescribeGroups DescribeGroupsRequest Broker => handlers::describe_groups::handle;
    ListGroups ListGroupsRequest Broker => handlers::list_groups::handle;
    ApiVersions ApiVersionsRequest Both => handlers::api_versions::handle;
    CreateTopics CreateTopicsRequest Both => handlers::create_topics::handle;
    DeleteTopics DeleteTopicsRequest Both => handlers::delete_topics::handle;
    DeleteRecords DeleteRecordsRequest Broker => handlers::delete_records::handle;
    InitProducerId InitProducerIdRequest Broker => handlers::init_producer_id::handle;
    OffsetForLeaderEpoch OffsetForLeaderEpochRequest Broker => handlers::offset_for_leader_epoch::handle;
    DescribeAcls DescribeAclsRequest Both => handlers::describe_acls::handle;
    DescribeConfigs DescribeConfigsRequest Both => handlers::describe_configs::handle;
    AlterConfigs AlterConfigsRequest Both => handlers::alter_configs::handle;
    DescribeLogDirs DescribeLogDirsRequest Broker => handlers::describe_log_dirs::handle;
    CreatePartitions CreatePartitionsRequest Both => handlers::create_partitions::handle;
    DeleteGroups DeleteGroupsRequest Broker => handlers::delete_groups::handle;
    IncrementalAlterConfigs IncrementalAlterConfigsRequest Both => handlers::incremental_alter_configs::handle;
    ListPartitionReassignments ListPartitionReassignmentsRequest Both => handlers::list_partition_reassignments::handle;
    OffsetDelete OffsetDeleteRequest Broker => handlers::offset_delete::handle;
    DescribeClientQuotas DescribeClientQuotasRequest Broker => handlers::describe_client_quotas::handle;
    DescribeUserScramCredentials DescribeUserScramCredentialsRequest Both => handlers::describe_user_scram_credentials::handle;
    DescribeQuorum DescribeQuorumRequest Both => handlers::describe_quorum::handle;
    UpdateFeatures UpdateFeaturesRequest Both => handlers::update_features::handle;
    DescribeCluster DescribeClusterRequest Both => handlers::describe_cluster::handle;
    ConsumerGroupHeartbeat ConsumerGroupHeartbeatRequest Broker => handlers::consumer_group_heartbeat::handle;
    ConsumerGroupDescribe ConsumerGroupDescribeRequest Broker => handlers::consumer_group_describe::handle;
    ListConfigResources ListConfigResourcesRequest Broker => handlers::list_config_resources::handle;
    DescribeTopicPartitions DescribeTopicPartitionsRequest Broker => handlers::describe_topic_partitions::handle;
}

/// A request's own bytes, and the way its answer is framed.
struct Call {
    reader: Reader,
    correlation_id: i32,
}

/// Starts a request: up to its first wait on this very call.
pub(crate) fn start(
    broker: &Arc<Broker>,
    face: Face,
    connection: &Arc<ConnectionInfo>,
    frame: Bytes,
) -> Started {
    let mut reader = Reader::for_frame(frame);
    let Ok(RequestHeader { key, version, correlation_id, client_id }) = RequestHeader::decode(&mut reader)
    else {
        broker.counters.malformed(connection);
        return Started::Close;
    };
    if !key.versions().contains(version) || !serves(face, key) {
        if key == ApiKey::ApiVersions {
            let refusal = handlers::api_versions::unsupported_version();
            return reply(broker, key, 0, correlation_id, refusal.into())
                .map_or(Started::Close, Started::Reply);
        }
        broker.counters.malformed(connection);
        return Started::Close;
    }
    let now = broker.clock.now();
    broker.counters.request(key);
    let context =
        RequestContext { key, version, client_id, face, served, connection: Arc::clone(connection), now };
    dispatch(broker, context, Call { reader, correlation_id })
}

fn run<Q: Request>(
    broker: &Arc<Broker>,
    context: RequestContext,
    call: Call,
    handler: impl FnOnce(&Arc<Broker>, &RequestContext, Q) -> Handled<Q::Response>,
) -> Started
where
    Q::Response: Send + 'static,
{
    let Call { mut reader, correlation_id } = call;
    let request = match Q::decode(&mut reader, context.version) {
        Ok(request) => request,
        Err(error) => {
            let (api, version, client) = (context.key.name(), context.version, &context.client_id);
            tracing::debug!(api, version, ?client, %error, "a request does not parse");
            broker.counters.malformed(&context.connection);
            return Started::Close;
        }
    };
    broker.counters.left_over(reader.remaining());
    let (key, version) = (context.key, context.version);
    match handler(broker, &context, request) {
        Handled::Now(answer) => {
            reply(broker, key, version, correlation_id, answer).map_or(Started::Close, Started::Reply)
        }
        Handled::Silent => Started::NoReply,
        Handled::Close => Started::Close,
        Handled::Later(answer) => {
            let broker = Arc::clone(broker);
            Started::Wait(Box::pin(async move {
                match answer.await {
                    End::Answer(answer) => reply(&broker, key, version, correlation_id, answer),
                    End::Close => None,
                }
            }))
        }
    }
}

/// The bytes of an answer; `None`, which closes the connection, when it cannot be said in the
/// request's version: a bug, counted as one.
fn reply<R: Message>(
    broker: &Broker,
    key: ApiKey,
    version: i16,
    correlation_id: i32,
    answer: Answer<R>,
) -> Option<Reply> {
    answer.message.each_error(&mut |code| broker.counters.answered(key, code));
    let encoded = encode(key, version, correlation_id, answer);
    if let Err(error) = &encoded {
        tracing::error!(api = key.name(), version, %error, "an answer could not be encoded: the connection is closed");
        broker.counters.bug();
    }
    encoded.ok()
}

fn encode<R: Message>(
    key: ApiKey,
    version: i16,
    correlation_id: i32,
    answer: Answer<R>,
) -> Result<Reply, ottla_wire::EncodeError> {
    let Answer { message, regions, throttle_ms } = answer;
    let mut writer = Writer::new();
    ResponseHeader { correlation_id }.encode(&mut writer, key, version)?;
    message.encode(&mut writer, version)?;
    Ok(Reply { parts: fill_holes(writer.into_parts(), regions), throttle_ms })
}

/// Puts the regions where the message left room for them.
fn fill_holes(parts: Vec<Part>, mut regions: Vec<Vec<FileRegion>>) -> Vec<ReplyPart> {
    let mut filled = Vec::with_capacity(parts.len());
    for part in parts {
        match part {
            Part::Bytes(bytes) => filled.push(ReplyPart::Bytes(bytes)),
            Part::Hole { len: _, id } => {
                let hole = usize::try_from(id).ok().and_then(|id| regions.get_mut(id));
                filled.extend(hole.map(std::mem::take).into_iter().flatten().map(ReplyPart::Region));
            }
        }
    }
    filled
}
