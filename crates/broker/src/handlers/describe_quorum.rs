//! DescribeQuorum (55), versions 0 to 2: leader, epoch, high watermark and voters of the metadata log.
//!
//! A quorum of one: its voter is its leader, and has always caught up with itself.

use std::sync::Arc;

use ottla_model::{ErrorCode, Millis, NodeId};
use ottla_raft::Voters;
use ottla_wire::messages::describe_quorum_request::{self, TopicData as AskedTopic};
use ottla_wire::messages::describe_quorum_response::{
    Listener, Node, PartitionData, ReplicaState, TopicData,
};
use ottla_wire::messages::{DescribeQuorumRequest, DescribeQuorumResponse};

use crate::answer::Handled;
use crate::context::RequestContext;
use crate::metadata_thread::QuorumFacts;
use crate::state::Broker;

const METADATA_TOPIC: &str = "__cluster_metadata";

pub(crate) fn handle(
    broker: &Arc<Broker>,
    context: &RequestContext,
    request: DescribeQuorumRequest,
) -> Handled<DescribeQuorumResponse> {
    let DescribeQuorumRequest { topics } = request;
    if !is_the_metadata_partition(&topics) {
        return Handled::now(unknown(topics));
    }
    let (broker, version, wall) = (Arc::clone(broker), context.version, context.now.wall);
    Handled::later(async move {
        match broker.controller.describe().await {
            Some(facts) if facts.leader == Some(broker.node_id) => {
                describe(&facts, broker.node_id, version, wall)
            }
            Some(_) | None => refuse(),
        }
    })
}

fn is_the_metadata_partition(topics: &[AskedTopic]) -> bool {
    let [AskedTopic { topic_name, partitions }] = topics else { return false };
    let [describe_quorum_request::PartitionData { partition_index }] = partitions.as_slice() else {
        return false;
    };
    *topic_name == *METADATA_TOPIC && *partition_index == 0
}

fn unknown(topics: Vec<AskedTopic>) -> DescribeQuorumResponse {
    let partition = |asked: describe_quorum_request::PartitionData| PartitionData {
        partition_index: asked.partition_index,
        error_code: ErrorCode::UnknownTopicOrPartition.code(),
        error_message: None,
        ..Default::default()
    };
    let topic = |asked: AskedTopic| TopicData {
        topic_name: asked.topic_name,
        partitions: asked.partitions.into_iter().map(partition).collect(),
    };
    response(topics.into_iter().map(topic).collect(), Vec::new())
}

fn refuse() -> DescribeQuorumResponse {
    let partition = PartitionData {
        error_code: ErrorCode::NotLeaderOrFollower.code(),
        error_message: None,
        ..Default::default()
    };
    response(vec![metadata_topic(partition)], Vec::new())
}

fn describe(facts: &QuorumFacts, node_id: NodeId, version: i16, now: Millis) -> DescribeQuorumResponse {
    let QuorumFacts { leader: _, epoch, high_watermark, log_end, voters } = facts;
    let state = |voter: &ottla_raft::Voter| {
        let itself = voter.key.id == node_id;
        ReplicaState {
            replica_id: voter.key.id,
            replica_directory_id: if version >= 2 { voter.key.directory } else { Default::default() },
            log_end_offset: if itself { *log_end } else { -1 },
            last_fetch_timestamp: if itself { now } else { -1 },
            last_caught_up_timestamp: if itself { now } else { -1 },
        }
    };
    let partition = PartitionData {
        partition_index: 0,
        error_code: ErrorCode::None.code(),
        error_message: None,
        leader_id: node_id,
        leader_epoch: *epoch,
        high_watermark: *high_watermark,
        current_voters: voters.iter().map(state).collect(),
        observers: Vec::new(),
    };
    let nodes = if version >= 2 { nodes(voters) } else { Vec::new() };
    response(vec![metadata_topic(partition)], nodes)
}

fn nodes(voters: &Voters) -> Vec<Node> {
    let listener = |endpoint: &ottla_raft::Endpoint| Listener {
        name: endpoint.name.as_str().into(),
        host: endpoint.host.as_str().into(),
        port: endpoint.port,
    };
    let node = |voter: &ottla_raft::Voter| Node {
        node_id: voter.key.id,
        listeners: voter.endpoints.iter().map(listener).collect(),
    };
    voters.iter().map(node).collect()
}

fn metadata_topic(partition: PartitionData) -> TopicData {
    TopicData { topic_name: METADATA_TOPIC.into(), partitions: vec![partition] }
}

const fn response(topics: Vec<TopicData>, nodes: Vec<Node>) -> DescribeQuorumResponse {
    DescribeQuorumResponse { error_code: 0, error_message: None, topics, nodes }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(name: &str, partitions: &[i32]) -> Vec<AskedTopic> {
        let partition = |index: &i32| describe_quorum_request::PartitionData { partition_index: *index };
        vec![AskedTopic { topic_name: name.into(), partitions: partitions.iter().map(partition).collect() }]
    }

    #[test]
    fn only_the_metadata_partition_has_a_quorum() {
        assert!(is_the_metadata_partition(&asked(METADATA_TOPIC, &[0])));
        for other in
            [asked(METADATA_TOPIC, &[1]), asked(METADATA_TOPIC, &[0, 0]), asked("a", &[0]), Vec::new()]
        {
            assert!(!is_the_metadata_partition(&other), "{other:?}");
        }
        let answer = unknown(asked("a", &[4]));
        let [TopicData { topic_name, partitions }] = answer.topics.as_slice() else { panic!("{answer:?}") };
        assert_eq!((&**topic_name, partitions[0].partition_index, partitions[0].error_code), ("a", 4, 3));
    }

    #[test]
    fn directory_ids_and_addresses_are_for_version_2_and_later() {
        let key = ottla_raft::ReplicaKey { id: 1, directory: ottla_model::Uuid::from_bytes([9; 16]) };
        let endpoints =
            vec![ottla_raft::Endpoint { name: "CONTROLLER".into(), host: "h".into(), port: 9093 }];
        let versions = ottla_raft::KRaftVersions { min: 0, max: 1 };
        let voters = Voters::new([ottla_raft::Voter { key, endpoints, versions }]);
        let facts = QuorumFacts { leader: Some(1), epoch: 5, high_watermark: 7, log_end: 8, voters };
        for version in 0..=2 {
            let answer = describe(&facts, 1, version, 1000);
            assert_eq!(answer.nodes.len(), usize::from(version == 2));
            let voter = &answer.topics[0].partitions[0].current_voters[0];
            assert_eq!(voter.replica_directory_id.is_zero(), version < 2);
            assert_eq!((voter.log_end_offset, voter.last_caught_up_timestamp), (8, 1000));
        }
    }
}
