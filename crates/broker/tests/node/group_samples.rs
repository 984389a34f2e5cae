//! Requests to groups that do something, for those who change them.

use bytes::Bytes;
use ottla_model::Uuid;
use ottla_wire::messages::{
    ConsumerGroupDescribeRequest, ConsumerGroupHeartbeatRequest, DeleteGroupsRequest, DescribeGroupsRequest,
    FindCoordinatorRequest, HeartbeatRequest, JoinGroupRequest, LeaveGroupRequest, ListGroupsRequest,
    OffsetCommitRequest, OffsetDeleteRequest, OffsetFetchRequest, SyncGroupRequest, join_group_request,
    leave_group_request, offset_commit_request, offset_delete_request, offset_fetch_request,
    sync_group_request,
};

use crate::hostile::{Sample, samples_of};

/// One of each API and version.
pub fn group_samples(topic_id: Uuid, all: &mut Vec<Sample>) {
    let (group, member) = ("g", "m");
    samples_of(
        &FindCoordinatorRequest {
            key: group.into(),
            coordinator_keys: vec![group.into()],
            ..Default::default()
        },
        all,
    );
    let protocol = join_group_request::JoinGroupRequestProtocol {
        name: "range".into(),
        metadata: Bytes::from_static(&[0, 0, 0, 0, 0, 1, 0, 1, b't', 0xff, 0xff, 0xff, 0xff]),
    };
    // Nobody of this name is in the group, so that it is answered at once; early versions know no rebalance timeout.
    let join = JoinGroupRequest {
        group_id: group.into(),
        session_timeout_ms: 10_000,
        rebalance_timeout_ms: 10_000,
        member_id: member.into(),
        protocol_type: "consumer".into(),
        protocols: vec![protocol],
        ..Default::default()
    };
    samples_of(&join, all);
    let part = sync_group_request::SyncGroupRequestAssignment {
        member_id: member.into(),
        assignment: Bytes::from_static(b"part"),
    };
    let sync = SyncGroupRequest {
        group_id: group.into(),
        generation_id: 1,
        member_id: member.into(),
        protocol_type: Some("consumer".into()),
        protocol_name: Some("range".into()),
        assignments: vec![part],
        ..Default::default()
    };
    samples_of(&sync, all);
    samples_of(
        &HeartbeatRequest {
            group_id: group.into(),
            generation_id: 1,
            member_id: member.into(),
            ..Default::default()
        },
        all,
    );
    samples_of(
        &LeaveGroupRequest { group_id: group.into(), member_id: member.into(), ..Default::default() },
        all,
    );
    let identity = leave_group_request::MemberIdentity { member_id: member.into(), ..Default::default() };
    samples_of(
        &LeaveGroupRequest { group_id: group.into(), members: vec![identity], ..Default::default() },
        all,
    );
    offsets(topic_id, all);
    samples_of(&ListGroupsRequest { states_filter: vec!["Stable".into()], ..Default::default() }, all);
    samples_of(&DescribeGroupsRequest { groups: vec![group.into()], ..Default::default() }, all);
    samples_of(&DeleteGroupsRequest { groups_names: vec!["other".into()] }, all);
    samples_of(
        &ConsumerGroupHeartbeatRequest {
            group_id: "consumers".into(),
            member_id: member.into(),
            member_epoch: 0,
            rebalance_timeout_ms: 10_000,
            subscribed_topic_names: Some(vec!["t".into()]),
            topic_partitions: Some(Vec::new()),
            ..Default::default()
        },
        all,
    );
    samples_of(
        &ConsumerGroupDescribeRequest { group_ids: vec!["consumers".into()], ..Default::default() },
        all,
    );
}

fn offsets(topic_id: Uuid, all: &mut Vec<Sample>) {
    let partition = offset_commit_request::OffsetCommitRequestPartition {
        committed_offset: 3,
        committed_metadata: Some("note".into()),
        ..Default::default()
    };
    let topic = offset_commit_request::OffsetCommitRequestTopic {
        name: "t".into(),
        topic_id,
        partitions: vec![partition],
    };
    samples_of(
        &OffsetCommitRequest {
            group_id: "simple".into(),
            generation_id_or_member_epoch: -1,
            topics: vec![topic],
            ..Default::default()
        },
        all,
    );
    let topic =
        offset_fetch_request::OffsetFetchRequestTopic { name: "t".into(), partition_indexes: vec![0] };
    samples_of(
        &OffsetFetchRequest { group_id: "simple".into(), topics: Some(vec![topic]), ..Default::default() },
        all,
    );
    let topic = offset_fetch_request::OffsetFetchRequestTopics {
        name: "t".into(),
        topic_id,
        partition_indexes: vec![0],
    };
    let group = offset_fetch_request::OffsetFetchRequestGroup {
        group_id: "simple".into(),
        topics: Some(vec![topic]),
        ..Default::default()
    };
    samples_of(&OffsetFetchRequest { groups: vec![group], ..Default::default() }, all);
    let partition = offset_delete_request::OffsetDeleteRequestPartition { partition_index: 1 };
    let topic =
        offset_delete_request::OffsetDeleteRequestTopic { name: "t".into(), partitions: vec![partition] };
    samples_of(&OffsetDeleteRequest { group_id: "simple".into(), topics: vec![topic] }, all);
}
