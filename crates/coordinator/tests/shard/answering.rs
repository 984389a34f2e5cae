//! What is answered cannot be lost any more.

use ottla_coordinator::Refused;
use ottla_group::{Ask, Client, Reply, Request, Waiter};
use ottla_model::ErrorCode;
use ottla_wire::messages::LeaveGroupRequest;
use ottla_wire::messages::leave_group_request::MemberIdentity;

use crate::node::{
    NOW, Node, ask, ask_at, ask_in_version, codes, commit, commit_as, committed_offset, context, heartbeat,
    join, later, settled, sync,
};

#[test]
fn a_commit_is_answered_when_its_log_is_flushed() {
    let node = Node::new();
    let shard = node.shard();
    let submitted = ask(&shard, 1, commit("g", 5));
    assert!(submitted.waits && submitted.replies.is_empty());
    assert_eq!((submitted.records, submitted.effect.unwrap().acknowledged_offset), (1, 0));
    let (_, read_at) = shard.read(|_| ()).unwrap();
    assert_eq!(read_at, 1, "what is read waits too");
    assert!(shard.committed(0).is_empty());
    let effect = node.flush();
    assert_eq!(effect.acknowledged_offset, read_at);
    assert_eq!(codes(&shard.committed(effect.acknowledged_offset)), [(1, 0)]);
    assert!(shard.committed(effect.acknowledged_offset).is_empty(), "once");
}

#[test]
fn what_writes_nothing_waits_for_what_it_has_read() {
    let node = Node::new();
    let shard = node.shard();
    ask(&shard, 1, commit("g", 5));
    let stranger = ask(&shard, 2, heartbeat("g", "nobody", 1));
    assert!(stranger.waits && stranger.effect.is_none() && stranger.records == 0);
    ask(&shard, 3, commit("g", 6));
    let unknown = ErrorCode::UnknownMemberId.code();
    assert_eq!(codes(&shard.committed(1)), [(1, 0), (2, unknown)]);
    node.flush();
    let at_once = ask(&shard, 4, heartbeat("g", "nobody", 1));
    assert_eq!((codes(&at_once.replies), at_once.waits), (vec![(4, unknown)], false));
}

#[test]
fn a_decision_is_one_batch() {
    let node = Node::new();
    let shard = node.shard();
    let offsets = [(0, 1), (1, 2), (2, 3)];
    assert_eq!(ask(&shard, 1, commit_as("g", "", -1, &offsets)).records, 3);
    let first = node.partition.with_log(|log| log.reader().read(0, 1 << 20, true, 3).unwrap());
    let mut bytes = vec![0; first.regions[0].len.try_into().unwrap()];
    let region = &first.regions[0];
    ottla_env::disk::read_exact_at(&*region.file, &mut bytes, region.position).unwrap();
    let batches: Vec<_> =
        ottla_record::batches(&bytes).map(|batch| batch.unwrap().header().record_count).collect();
    assert_eq!(batches, [3]);
}

#[test]
fn who_waits_for_members_is_answered_by_their_deeds_and_by_time() {
    let node = Node::new();
    let shard = node.shard();
    let member = settled(&node, &shard, "g");
    let joining = ask(&shard, 1, join("g", "", b"other"));
    assert!(joining.replies.is_empty() && !joining.waits, "it waits for the member, not for the log");
    assert_eq!(joining.next_deadline, shard.next_deadline());
    let beat = ask(&shard, 2, heartbeat("g", &member, 1));
    assert_eq!(codes(&beat.replies), [(2, ErrorCode::RebalanceInProgress.code())]);
    assert!(shard.expire(&context(later(9_999))).is_empty());
    let expired = shard.expire(&context(later(10_000)));
    let replies: Vec<_> = expired.iter().flat_map(|submitted| codes(&submitted.replies)).collect();
    assert_eq!(replies, [(1, 0)], "the session of the silent member is over");
}

#[test]
fn a_shard_that_leaves_answers_everybody_who_waits() {
    let node = Node::new();
    let shard = node.shard();
    settled(&node, &shard, "g");
    ask(&shard, 1, join("g", "", b"other"));
    ask(&shard, 2, commit("h", 5));
    ask(&shard, 3, heartbeat("h", "nobody", 1));
    ask(&shard, 4, Request::DeleteGroup("none".into()));
    let moved = ErrorCode::NotCoordinator.code();
    let mut told = codes(&shard.leave());
    told.sort_unstable();
    assert_eq!(told, [(1, moved), (2, moved), (3, moved), (4, moved)]);
    assert!(shard.leave().is_empty(), "once");
    assert!(shard.committed(node.flush().acknowledged_offset).is_empty());
    let ask = Ask { waiter: Waiter(5), client: Client::default(), version: 3, request: commit("h", 6) };
    assert_eq!(shard.submit(&ask, &context(NOW)).unwrap_err(), Refused(ErrorCode::NotCoordinator));
    assert_eq!(shard.read(|_| ()).unwrap_err(), Refused(ErrorCode::NotCoordinator));
    assert_eq!((shard.next_deadline(), shard.expire(&context(later(60_000))).len()), (None, 0));
}

#[test]
fn bounded_work_is_repeated_until_nothing_is_left() {
    let node = Node::new();
    let shard = node.shard();
    let offsets: Vec<(i32, i64)> = (0..5_001).map(|partition| (partition, 1)).collect();
    ask(&shard, 1, commit_as("g", "", -1, &offsets));
    let week = later(7 * 24 * 3600 * 1000);
    let pieces: Vec<usize> =
        shard.repeat(&Request::ExpireOffsets, &context(week)).iter().map(|piece| piece.records).collect();
    assert_eq!(pieces, [5_000, 2, 0], "the last offset goes with its group");
    assert_eq!(
        (committed_offset(&shard, "g"), shard.read(|shard| shard.counts().groups).unwrap().0),
        (None, 0)
    );
}

#[test]
fn the_assignment_is_answered_when_it_is_flushed() {
    let node = Node::new();
    let shard = node.shard();
    let member = settled(&node, &shard, "g");
    ask(&shard, 1, join("g", &member, b"more"));
    let synced = ask(&shard, 2, sync("g", &member, 2, b"all"));
    assert!(synced.waits && synced.replies.is_empty() && synced.records == 1);
    assert_eq!(ask_at(&shard, later(1), 3, heartbeat("g", &member, 2)).replies.len(), 0);
    let replies = shard.committed(node.flush().acknowledged_offset);
    assert_eq!(codes(&replies), [(2, 0), (3, 0)]);
}

#[test]
fn static_members_that_ask_for_no_time_do_not_keep_the_others_deadlines_waiting() {
    let node = Node::new();
    let shard = node.shard();
    for (instance, rebalance_timeout_ms) in [("one", 0), ("two", 60_000)] {
        let Request::Join(mut static_join) = join("g", "", b"me") else { unreachable!() };
        static_join.group_instance_id = Some(instance.into());
        static_join.rebalance_timeout_ms = rebalance_timeout_ms;
        ask_at(&shard, NOW, 1, Request::Join(static_join));
    }
    shard.expire(&context(NOW));
    let replies = shard.committed(node.flush().acknowledged_offset);
    for (_, reply) in replies {
        let Reply::Join(joined) = reply else { panic!("{reply:?}") };
        ask(&shard, 2, sync("g", &joined.member_id, joined.generation_id, b"all"));
    }
    let leaves = MemberIdentity { group_instance_id: Some("two".into()), ..Default::default() };
    let leave = LeaveGroupRequest { group_id: "g".into(), members: vec![leaves], ..Default::default() };
    ask(&shard, 3, Request::Leave(leave));
    // Nobody joins again: each time the deadline passes it is set anew, for later.
    assert!(shard.expire(&context(later(1))).len() <= 2);
    assert!(shard.next_deadline().is_some_and(|next| next > later(1).tick));
    shard.expire(&context(later(10_001)));
    assert_eq!(shard.read(|shard| shard.counts().members).unwrap().0, 0, "its session is over");
}

#[test]
fn many_deadlines_are_met_a_few_at_a_time() {
    let node = Node::new();
    let shard = node.shard();
    for group in 0..600 {
        // An id that was given out and never came back.
        ask_in_version(&shard, NOW, 1000 + group, 9, join(&format!("g{group}"), "", b"me"));
    }
    let first = shard.expire(&context(later(10_000))).len();
    assert!((1..600).contains(&first), "{first} at once");
    assert!(shard.next_deadline().is_some_and(|next| next <= later(10_000).tick));
    let mut all = first;
    while shard.next_deadline().is_some() {
        all += shard.expire(&context(later(10_000))).len();
    }
    assert_eq!(all, 600);
}
