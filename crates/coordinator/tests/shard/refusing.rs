//! A refused append changes nothing, and is told as what it is.

use ottla_config::LogSettings;
use ottla_group::Request;
use ottla_model::ErrorCode;
use ottla_partition::AppendError;
use ottla_storage::log::AppendError as LogError;

use crate::node::{
    Node, ask, codes, commit, committed_offset, context, heartbeat, join, later, settled, sync,
};

#[test]
fn a_full_disk_refuses_a_commit_and_changes_nothing() {
    let node = Node::new();
    let shard = node.shard();
    ask(&shard, 1, commit("g", 5));
    assert_eq!(shard.committed(node.flush().acknowledged_offset).len(), 1);
    node.disk.fill_after(0);
    let submitted = ask(&shard, 2, commit("g", 6));
    assert_eq!(codes(&submitted.replies), [(2, ErrorCode::CoordinatorNotAvailable.code())]);
    assert!(matches!(submitted.failed, Some(AppendError::Log(LogError::Full(_)))), "{:?}", submitted.failed);
    assert!((submitted.records, submitted.waits, submitted.effect) == (0, false, None));
    assert_eq!(committed_offset(&shard, "g"), Some(5));
    node.disk.heal();
    ask(&shard, 3, commit("g", 7));
    assert_eq!(codes(&shard.committed(node.flush().acknowledged_offset)), [(3, 0)]);
    assert_eq!(committed_offset(&node.shard(), "g"), Some(7));
}

#[test]
fn a_node_short_of_room_writes_nothing_and_serves_on() {
    let node = Node::new();
    let shard = node.shard();
    let member = settled(&node, &shard, "g");
    node.partition.set_short_of_room(true);
    let unavailable = ErrorCode::CoordinatorNotAvailable.code();
    assert_eq!(codes(&ask(&shard, 1, commit("h", 6)).replies), [(1, unavailable)]);
    assert_eq!(codes(&ask(&shard, 2, join("new", "", b"me")).replies), [(2, unavailable)]);
    assert_eq!(codes(&ask(&shard, 3, heartbeat("g", &member, 1)).replies), [(3, 0)]);
    assert_eq!(shard.read(|shard| shard.counts().groups).unwrap().0, 1);
}

#[test]
fn a_deadline_whose_decision_was_refused_comes_again() {
    let node = Node::new();
    let shard = node.shard();
    settled(&node, &shard, "g");
    node.partition.set_short_of_room(true);
    let refused = shard.expire(&context(later(10_000)));
    assert_eq!((refused.len(), refused[0].records, refused[0].replies.len()), (1, 0, 0));
    assert_eq!(shard.read(|shard| shard.counts().members).unwrap().0, 1);
    node.partition.set_short_of_room(false);
    assert!(shard.expire(&context(later(10_999))).is_empty());
    assert_eq!(shard.expire(&context(later(11_000))).len(), 1);
    assert_eq!(shard.read(|shard| shard.counts().members).unwrap().0, 0);
}

#[test]
fn followers_of_a_refused_assignment_wait_on() {
    let node = Node::new();
    let shard = node.shard();
    let leader = settled(&node, &shard, "g");
    ask(&shard, 1, join("g", "", b"other"));
    let joined = ask(&shard, 2, join("g", &leader, b"me"));
    let ottla_group::Reply::Join(follower) = &joined.replies.iter().find(|(who, _)| who.0 == 1).unwrap().1
    else {
        panic!("{joined:?}")
    };
    ask(&shard, 3, sync("g", &follower.member_id, 2, b""));
    node.disk.fill_after(0);
    let refused = ask(&shard, 4, sync("g", &leader, 2, b"all"));
    assert_eq!(codes(&refused.replies), [(4, ErrorCode::CoordinatorNotAvailable.code())]);
    node.disk.heal();
    ask(&shard, 5, sync("g", &leader, 2, b"all"));
    let mut told = codes(&shard.committed(node.flush().acknowledged_offset));
    told.sort_unstable();
    assert_eq!(told, [(3, 0), (5, 0)]);
}

#[test]
fn what_fits_no_segment_is_too_large() {
    let node = Node::with(LogSettings { segment_bytes: 2_000, ..LogSettings::default() });
    let shard = node.shard();
    let member = settled(&node, &shard, "g");
    ask(&shard, 1, join("g", &member, b"again"));
    let submitted = ask(&shard, 2, sync("g", &member, 2, &[1; 3_000]));
    assert_eq!(codes(&submitted.replies), [(2, ErrorCode::MessageTooLarge.code())]);
    assert!(submitted.failed.is_none(), "no directory has failed");
}

#[test]
fn who_leads_no_more_writes_nothing() {
    let node = Node::new();
    let shard = node.shard();
    node.partition.become_follower(4);
    let moved = ErrorCode::NotCoordinator.code();
    assert_eq!(codes(&ask(&shard, 1, commit("g", 6)).replies), [(1, moved)]);
    assert_eq!(codes(&ask(&shard, 2, join("g", "", b"me")).replies), [(2, moved)]);
    assert_eq!(shard.read(|shard| shard.counts().groups).unwrap().0, 0);
    assert!(shard.repeat(&Request::ExpireOffsets, &context(later(1))).len() == 1);
}
