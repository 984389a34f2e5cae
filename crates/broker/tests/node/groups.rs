//! Groups as clients see them: members, offsets, restarts, power losses, disks without room.

use std::collections::BTreeMap;

use bytes::Bytes;
use ottla_env::testing::{MemDisk, Sequence};
use ottla_model::{ErrorCode, Uuid};
use ottla_wire::messages::describe_groups_response::DescribedGroup;
use ottla_wire::messages::join_group_request::JoinGroupRequestProtocol;
use ottla_wire::messages::offset_commit_request::{OffsetCommitRequestPartition, OffsetCommitRequestTopic};
use ottla_wire::messages::offset_fetch_request::{OffsetFetchRequestGroup, OffsetFetchRequestTopics};
use ottla_wire::messages::sync_group_request::SyncGroupRequestAssignment;
use ottla_wire::messages::{
    DeleteGroupsRequest, DescribeGroupsRequest, FindCoordinatorRequest, FindCoordinatorResponse,
    HeartbeatRequest, JoinGroupRequest, JoinGroupResponse, ListGroupsRequest, OffsetCommitRequest,
    OffsetFetchRequest, SyncGroupRequest,
};

use crate::client::{Client, batch, code};
use crate::stand::{Ground, Stand};

/// A ground on which groups do not wait for more members, and few partitions keep them.
fn ground(disk: &MemDisk) -> Ground {
    Ground::on(disk.clone())
        .with("group.initial.rebalance.delay.ms", "0")
        .with("offsets.topic.num.partitions", "3")
        .with("offsets.topic.replication.factor", "1")
}

async fn find(client: &mut Client, group: &str) -> FindCoordinatorResponse {
    client.call(&FindCoordinatorRequest { key: group.into(), ..Default::default() }, 2).await
}

/// A client that has found the coordinator, which makes its topic.
async fn coordinated(stand: &Stand) -> Client {
    let mut client = stand.client().await;
    assert_eq!(find(&mut client, "g").await.error_code, 0);
    client
}

fn joining(member: &str, instance: Option<&str>) -> JoinGroupRequest {
    let metadata = Bytes::from_static(&[0, 0, 0, 0, 0, 1, 0, 1, b't', 0xff, 0xff, 0xff, 0xff]);
    JoinGroupRequest {
        group_id: "g".into(),
        session_timeout_ms: 30_000,
        rebalance_timeout_ms: 30_000,
        member_id: member.into(),
        group_instance_id: instance.map(Into::into),
        protocol_type: "consumer".into(),
        protocols: vec![JoinGroupRequestProtocol { name: "range".into(), metadata }],
        ..Default::default()
    }
}

/// Joins an empty group, leads it and syncs.
async fn join_alone(client: &mut Client, instance: Option<&str>) -> JoinGroupResponse {
    let mut joined = client.call(&joining("", instance), 9).await;
    if joined.error_code == code(ErrorCode::MemberIdRequired) {
        joined = client.call(&joining(&joined.member_id, instance), 9).await;
    }
    assert_eq!((joined.error_code, &joined.leader), (0, &joined.member_id));
    let synced = sync(client, &joined, instance, &[&joined.member_id]).await;
    assert_eq!(synced, (0, format!("part of {}", joined.member_id)));
    joined
}

async fn sync(
    client: &mut Client,
    joined: &JoinGroupResponse,
    instance: Option<&str>,
    members: &[&str],
) -> (i16, String) {
    let part = |member: &&str| SyncGroupRequestAssignment {
        member_id: (*member).into(),
        assignment: format!("part of {member}").into(),
    };
    let request = SyncGroupRequest {
        group_id: "g".into(),
        generation_id: joined.generation_id,
        member_id: joined.member_id.clone(),
        group_instance_id: instance.map(Into::into),
        protocol_type: joined.protocol_type.clone(),
        protocol_name: joined.protocol_name.clone(),
        assignments: members.iter().map(part).collect(),
    };
    let synced = client.call(&request, 5).await;
    (synced.error_code, String::from_utf8(synced.assignment.to_vec()).unwrap())
}

fn committing(group: &str, partition: i32, offset: i64, note: &str) -> OffsetCommitRequest {
    let partition = OffsetCommitRequestPartition {
        partition_index: partition,
        committed_offset: offset,
        committed_metadata: Some(note.into()),
        ..Default::default()
    };
    let topic =
        OffsetCommitRequestTopic { name: "t".into(), topic_id: Uuid::ZERO, partitions: vec![partition] };
    OffsetCommitRequest {
        group_id: group.into(),
        generation_id_or_member_epoch: -1,
        topics: vec![topic],
        ..Default::default()
    }
}

async fn commit(client: &mut Client, request: &OffsetCommitRequest) -> i16 {
    client.call(request, 9).await.topics[0].partitions[0].error_code
}

/// Offset and note in each partition of the topic; −1 for none.
async fn committed(client: &mut Client, group: &str, partitions: i32) -> Vec<(i64, String)> {
    let topic = OffsetFetchRequestTopics {
        name: "t".into(),
        partition_indexes: (0..partitions).collect(),
        ..Default::default()
    };
    let group =
        OffsetFetchRequestGroup { group_id: group.into(), topics: Some(vec![topic]), ..Default::default() };
    let request = OffsetFetchRequest { groups: vec![group], require_stable: true, ..Default::default() };
    let mut answer = client.call(&request, 9).await.groups.remove(0);
    assert_eq!(answer.error_code, 0);
    let partitions = answer.topics.remove(0).partitions;
    partitions
        .into_iter()
        .map(|partition| {
            assert_eq!(partition.error_code, 0);
            (partition.committed_offset, partition.metadata.unwrap().to_string())
        })
        .collect()
}

async fn describe(client: &mut Client, group: &str) -> DescribedGroup {
    let request = DescribeGroupsRequest { groups: vec![group.into()], ..Default::default() };
    client.call(&request, 6).await.groups.remove(0)
}

/// Asks until the shards are loaded.
async fn loaded(client: &mut Client) {
    let loading = code(ErrorCode::CoordinatorLoadInProgress);
    for _ in 0..10_000 {
        if client.call(&ListGroupsRequest::default(), 5).await.error_code != loading {
            return;
        }
        tokio::task::yield_now().await;
    }
    panic!("the groups are not loaded");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_first_coordinator_brings_its_topic_and_can_be_used_at_once() {
    let stand = ground(&MemDisk::new()).start().await;
    let mut client = stand.client().await;
    let found = find(&mut client, "g").await;
    assert_eq!((found.error_code, found.node_id), (0, 1));
    let topic = client.topic("__consumer_offsets", false).await;
    assert_eq!((topic.is_internal, topic.partitions.len()), (true, 3));
    client.create("t", 1, &[]).await;
    assert_eq!(commit(&mut client, &committing("g", 0, 5, "x")).await, 0);
    let many =
        FindCoordinatorRequest { coordinator_keys: vec!["g".into(), "h".into()], ..Default::default() };
    let many = client.call(&many, 6).await.coordinators;
    assert_eq!(many.iter().map(|one| one.error_code).collect::<Vec<_>>(), [0, 0]);
    for (kind, error) in [(1, ErrorCode::UnsupportedVersion), (9, ErrorCode::InvalidRequest)] {
        let asked = FindCoordinatorRequest { key_type: kind, ..Default::default() };
        assert_eq!(client.call(&asked, 2).await.error_code, code(error));
    }
    stand.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_enough_brokers_for_its_topic_there_is_no_coordinator() {
    let stand = ground(&MemDisk::new()).with("offsets.topic.replication.factor", "3").start().await;
    let mut client = stand.client().await;
    assert_eq!(find(&mut client, "g").await.error_code, code(ErrorCode::CoordinatorNotAvailable));
    assert_eq!(commit_code_without_topic(&mut client).await, code(ErrorCode::NotCoordinator));
    stand.stop().await;
}

async fn commit_code_without_topic(client: &mut Client) -> i16 {
    client.create("t", 1, &[]).await;
    commit(client, &committing("g", 0, 5, "x")).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_group_and_its_offsets_are_there_after_a_restart() {
    let disk = MemDisk::new();
    let first = ground(&disk).start().await;
    let mut client = coordinated(&first).await;
    client.create("t", 2, &[]).await;
    let joined = join_alone(&mut client, Some("i")).await;
    let mut own = committing("g", 1, 7, "so far");
    own.member_id = joined.member_id.clone();
    own.group_instance_id = Some("i".into());
    own.generation_id_or_member_epoch = joined.generation_id;
    assert_eq!(commit(&mut client, &own).await, 0);
    let before = describe(&mut client, "g").await;
    assert_eq!((&*before.group_state, before.members.len()), ("Stable", 1));
    first.stop().await;

    let second = ground(&disk).start().await;
    let mut client = second.client().await;
    loaded(&mut client).await;
    assert_eq!(describe(&mut client, "g").await, before);
    assert_eq!(committed(&mut client, "g", 2).await, [(-1, String::new()), (7, "so far".to_owned())]);
    // The member goes on where it was.
    let beat = HeartbeatRequest {
        group_id: "g".into(),
        generation_id: joined.generation_id,
        member_id: joined.member_id.clone(),
        group_instance_id: Some("i".into()),
    };
    assert_eq!(client.call(&beat, 4).await.error_code, 0);
    assert_eq!(commit(&mut client, &own).await, 0);
    // A second of the same instance takes its place without a rebalance.
    let again = client.call(&joining("", Some("i")), 9).await;
    assert_eq!(
        (again.error_code, again.generation_id, again.skip_assignment),
        (0, joined.generation_id, true)
    );
    assert_eq!(client.call(&beat, 4).await.error_code, code(ErrorCode::FencedInstanceId));
    second.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_member_waits_for_the_first_to_join_again() {
    let stand = ground(&MemDisk::new()).start().await;
    let (mut one, mut two) = (coordinated(&stand).await, stand.client().await);
    let first = join_alone(&mut one, None).await;
    let id = two.call(&joining("", None), 9).await.member_id;
    let waits = two.send(&joining(&id, None), 9).await;
    let beat = |generation_id| HeartbeatRequest {
        group_id: "g".into(),
        generation_id,
        member_id: first.member_id.clone(),
        ..Default::default()
    };
    let rebalancing = code(ErrorCode::RebalanceInProgress);
    while one.call(&beat(1), 4).await.error_code != rebalancing {
        tokio::task::yield_now().await;
    }
    let leads = one.call(&joining(&first.member_id, None), 9).await;
    let follows = two.answer::<JoinGroupRequest>(9, waits).await.unwrap();
    assert_eq!((leads.generation_id, follows.generation_id), (2, 2));
    assert_eq!((leads.members.len(), follows.members.len()), (2, 0));
    let members: Vec<&str> = leads.members.iter().map(|member| &*member.member_id).collect();
    // The follower asks first and waits for the leader.
    let asks = SyncGroupRequest {
        group_id: "g".into(),
        generation_id: 2,
        member_id: follows.member_id.clone(),
        protocol_type: follows.protocol_type.clone(),
        protocol_name: follows.protocol_name.clone(),
        ..Default::default()
    };
    let waits = two.send(&asks, 5).await;
    assert_eq!(sync(&mut one, &leads, None, &members).await.0, 0);
    let part = two.answer::<SyncGroupRequest>(5, waits).await.unwrap();
    assert_eq!((part.error_code, &part.assignment[..]), (0, format!("part of {id}").as_bytes()));
    assert_eq!(one.call(&beat(1), 4).await.error_code, code(ErrorCode::IllegalGeneration));
    assert_eq!(one.call(&beat(2), 4).await.error_code, 0);
    stand.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn acknowledged_commits_survive_power_losses_one_after_the_other() {
    for seed in 0..20 {
        let mut luck = Sequence::new(seed);
        let mut disk = MemDisk::new();
        let mut stand = ground(&disk).start().await;
        let mut client = coordinated(&stand).await;
        client.create("t", 4, &[]).await;
        let mut known: BTreeMap<(String, i32), i64> = BTreeMap::new();
        let mut next = 0;
        for _ in 0..3 {
            let mut on_the_way = Vec::new();
            for _ in 0..10 + luck.below(20) {
                let group = format!("group-{}", luck.below(5));
                let partition = i32::try_from(luck.below(4)).unwrap();
                next += 1;
                let id = client.send(&committing(&group, partition, next, "n"), 9).await;
                on_the_way.push((id, group, partition, next));
            }
            let awaited = usize::try_from(luck.below(on_the_way.len() as u64 + 1)).unwrap();
            for (id, group, partition, offset) in on_the_way.into_iter().take(awaited) {
                let answer = client.answer::<OffsetCommitRequest>(9, id).await.unwrap();
                assert_eq!(answer.topics[0].partitions[0].error_code, 0);
                known.insert((group, partition), offset);
            }
            disk = disk.crash(luck.number());
            let other = ground(&disk).start().await;
            drop(std::mem::replace(&mut stand, other));
            client = stand.client().await;
            loaded(&mut client).await;
            for group in 0..5 {
                let name = format!("group-{group}");
                for (partition, (offset, _)) in committed(&mut client, &name, 4).await.into_iter().enumerate()
                {
                    let partition = i32::try_from(partition).unwrap();
                    let acknowledged = known.get(&(name.clone(), partition)).copied().unwrap_or(-1);
                    assert!(offset >= acknowledged, "seed {seed}: {name}-{partition} went back to {offset}");
                    assert!(offset <= next, "seed {seed}: {offset} was never sent");
                    known.insert((name.clone(), partition), offset);
                }
            }
        }
        drop(stand);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn offsets_go_with_their_topic_and_a_group_with_its_deletion() {
    let stand = ground(&MemDisk::new()).start().await;
    let mut client = coordinated(&stand).await;
    client.create("t", 1, &[]).await;
    client.append("t", 0, batch(&["a", "b"])).await;
    assert_eq!(commit(&mut client, &committing("g", 0, 2, "n")).await, 0);
    assert_eq!(commit(&mut client, &committing("h", 0, 1, "n")).await, 0);
    let delete = DeleteGroupsRequest { groups_names: vec!["h".into(), "nobody".into()] };
    let deleted = client.call(&delete, 3).await.results;
    let codes: Vec<i16> = deleted.iter().map(|result| result.error_code).collect();
    assert_eq!(codes, [0, code(ErrorCode::GroupIdNotFound)]);
    assert_eq!(committed(&mut client, "h", 1).await[0].0, -1);
    assert_eq!(client.delete("t").await, 0);
    for _ in 0..10_000 {
        if committed(&mut client, "g", 1).await[0].0 == -1 {
            client.create("t", 1, &[]).await;
            assert_eq!(committed(&mut client, "g", 1).await[0].0, -1);
            return stand.stop().await;
        }
        tokio::task::yield_now().await;
    }
    panic!("the offset of a deleted topic stays");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_leaves_while_it_waits_harms_nobody() {
    let stand = ground(&MemDisk::new()).start().await;
    let mut client = coordinated(&stand).await;
    let first = join_alone(&mut client, None).await;
    let mut other = stand.client().await;
    let id = other.call(&joining("", None), 9).await.member_id;
    other.send(&joining(&id, None), 9).await;
    other.vanish();
    client.is_served().await;
    // Its place is kept for as long as it may take to come back; the first goes on all the same.
    let rejoined = client.call(&joining(&first.member_id, None), 9).await;
    assert_eq!(rejoined.error_code, 0);
    stand.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_look_at_all_groups_waits_only_for_what_is_not_on_disk_yet() {
    let stand = ground(&MemDisk::new()).start().await;
    let mut client = coordinated(&stand).await;
    client.create("t", 1, &[]).await;
    // Each in turn: one partition of the groups' topic has something new, the others have been acknowledged for long.
    for round in 0..50 {
        let group = format!("group-{}", round % 7);
        let commits = client.send(&committing(&group, 0, round, "n"), 9).await;
        let lists = client.send(&ListGroupsRequest::default(), 5).await;
        let committed = client.answer::<OffsetCommitRequest>(9, commits).await.unwrap();
        assert_eq!(committed.topics[0].partitions[0].error_code, 0);
        let listed = client.answer::<ListGroupsRequest>(5, lists).await.unwrap();
        assert_eq!(listed.error_code, 0);
        assert!(listed.groups.iter().any(|known| *known.group_id == *group), "{group}");
    }
    stand.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_member_that_waits_for_others_does_not_hold_up_a_stop() {
    let stand = ground(&MemDisk::new()).start().await;
    let mut client = coordinated(&stand).await;
    join_alone(&mut client, None).await;
    let mut other = stand.client().await;
    let id = other.call(&joining("", None), 9).await.member_id;
    let waits = other.send(&joining(&id, None), 9).await;
    while &*describe(&mut client, "g").await.group_state != "PreparingRebalance" {
        tokio::task::yield_now().await;
    }
    stand.stop().await;
    let sent_away = other.answer::<JoinGroupRequest>(9, waits).await.unwrap();
    assert_eq!(sent_away.error_code, code(ErrorCode::NotCoordinator));
}

#[tokio::test(flavor = "multi_thread")]
async fn how_far_a_group_is_behind_is_a_metric() {
    let stand = ground(&MemDisk::new()).start().await;
    let mut client = coordinated(&stand).await;
    client.create("t", 2, &[]).await;
    client.append("t", 0, batch(&["a"])).await;
    client.append("t", 0, batch(&["b", "c"])).await;
    assert_eq!(commit(&mut client, &committing("a \"group\"\n", 0, 1, "n")).await, 0);
    assert_eq!(commit(&mut client, &committing("ahead", 0, 3, "n")).await, 0);
    let mut text = String::new();
    stand.node.labelled_gauges()(&mut text).unwrap();
    let of = |group: &str| format!("{{group=\"{group}\",topic=\"t\",partition=\"0\"}} ");
    let value = |metric: &str, group: &str| {
        let line = format!("{metric}{}", of(group));
        text.lines().find_map(|known| known.strip_prefix(&line)).unwrap_or_else(|| panic!("{line}: {text}"))
    };
    assert_eq!(value("ottla_group_lag_records", "a \\\"group\\\"\\n"), "2");
    assert_eq!(value("ottla_group_lag_records", "ahead"), "0");
    assert_eq!(value("ottla_group_lag_seconds", "ahead"), "0.000");
    let seconds: f64 = value("ottla_group_lag_seconds", "a \\\"group\\\"\\n").parse().unwrap();
    assert!(seconds >= 0.0);
    assert!(text.contains("ottla_groups{kind=\"classic\",state=\"Empty\"} 2\n"), "{text}");
    stand.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_that_is_over_frees_the_group() {
    let stand = ground(&MemDisk::new()).with("group.min.session.timeout.ms", "100").start().await;
    let mut client = coordinated(&stand).await;
    let mut short = joining("", Some("i"));
    short.session_timeout_ms = 300;
    let joined = client.call(&short, 9).await;
    assert_eq!(sync(&mut client, &joined, Some("i"), &[&joined.member_id]).await.0, 0);
    assert_eq!(&*describe(&mut client, "g").await.group_state, "Stable");
    while &*describe(&mut client, "g").await.group_state != "Empty" {
        tokio::task::yield_now().await;
    }
    stand.stop().await;
}
