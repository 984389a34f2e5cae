//! Ranges: the order of members, where topics are cut, and the cases of Kafka's `RangeAssignorTest`.

use super::*;

/// What each member, in the order of ids, gets.
#[track_caller]
fn check(members: &Members, topics: &[(u32, i32)], expected: &[&[(u32, &[i32])]]) {
    let cluster = cluster(topics);
    let target = Assignor::Range.assign(members, &cluster);
    judge(members, &cluster, &target).unwrap();
    let expected: Vec<Assignment> = expected.iter().map(|assignment| owning(assignment)).collect();
    assert_eq!(target.into_values().collect::<Vec<_>>(), expected);
}

fn fixed(instance: &str) -> Subscriber {
    Subscriber { instance_id: Some(instance.into()), ..member(&[1], &[]) }
}

#[test]
fn each_topic_is_cut_by_itself() {
    let members = group([("A", member(&[1, 3], &[])), ("B", member(&[1, 3], &[]))]);
    check(&members, &[(1, 3), (3, 2)], &[&[(1, &[0, 1]), (3, &[0])], &[(1, &[2]), (3, &[1])]]);
}

#[test]
fn a_topic_is_cut_among_its_own_subscribers() {
    let members = group([("A", member(&[1, 2], &[])), ("B", member(&[3], &[])), ("C", member(&[2, 3], &[]))]);
    check(
        &members,
        &[(1, 3), (2, 3), (3, 2)],
        &[&[(1, &[0, 1, 2]), (2, &[0, 1])], &[(3, &[0])], &[(2, &[2]), (3, &[1])]],
    );
}

#[test]
fn the_last_members_go_without_when_partitions_run_out() {
    let members =
        group([("A", member(&[1, 3], &[])), ("B", member(&[1, 3], &[])), ("C", member(&[1, 3], &[]))]);
    check(&members, &[(1, 3), (3, 2)], &[&[(1, &[0]), (3, &[0])], &[(1, &[1]), (3, &[1])], &[(1, &[2])]]);
    check(&members, &[(1, 2), (3, 2)], &[&[(1, &[0]), (3, &[0])], &[(1, &[1]), (3, &[1])], &[]]);
}

#[test]
fn what_members_owned_plays_no_part() {
    let owned: [(u32, &[i32]); 2] = [(1, &[0, 1]), (2, &[0, 1])];
    let rest: [(u32, &[i32]); 2] = [(1, &[2]), (2, &[2])];
    let members =
        group([("A", member(&[1, 2], &owned)), ("B", member(&[1, 2], &rest)), ("C", member(&[1, 2], &[]))]);
    check(
        &members,
        &[(1, 3), (2, 3)],
        &[&[(1, &[0]), (2, &[0])], &[(1, &[1]), (2, &[1])], &[(1, &[2]), (2, &[2])]],
    );
    let members =
        group([("A", member(&[1, 2], &owned)), ("B", member(&[1, 2], &rest)), ("C", member(&[1], &[]))]);
    check(
        &members,
        &[(1, 4), (2, 3)],
        &[&[(1, &[0, 1]), (2, &[0, 1])], &[(1, &[2]), (2, &[2])], &[(1, &[3])]],
    );
    let members = group([("B", member(&[1, 2], &rest))]);
    check(&members, &[(1, 3), (2, 3)], &[&[(1, &[0, 1, 2]), (2, &[0, 1, 2])]]);
}

#[test]
fn a_partition_more_lengthens_a_range() {
    let members = group([
        ("A", member(&[1, 2], &[(1, &[0, 1]), (2, &[0, 1])])),
        ("B", member(&[1, 2], &[(1, &[2]), (2, &[2])])),
    ]);
    check(&members, &[(1, 4), (2, 4)], &[&[(1, &[0, 1]), (2, &[0, 1])], &[(1, &[2, 3]), (2, &[2, 3])]]);
}

#[test]
fn changed_subscriptions_cut_anew() {
    let members = group([
        ("A", member(&[1], &[(1, &[0, 1, 2]), (2, &[0])])),
        ("B", member(&[1, 2, 3], &[(2, &[1])])),
        ("C", member(&[2], &[(2, &[2]), (3, &[0, 1])])),
    ]);
    check(
        &members,
        &[(1, 3), (2, 3), (3, 2)],
        &[&[(1, &[0, 1])], &[(1, &[2]), (2, &[0, 1]), (3, &[0, 1])], &[(2, &[2])]],
    );
}

#[test]
fn a_static_member_keeps_its_range_under_a_new_id() {
    let before = group([("A", fixed("a")), ("B", fixed("b"))]);
    check(&before, &[(1, 3)], &[&[(1, &[0, 1])], &[(1, &[2])]]);
    let after = group([("Z", fixed("a")), ("B", fixed("b"))]);
    check(&after, &[(1, 3)], &[&[(1, &[2])], &[(1, &[0, 1])]]);
}

#[test]
fn static_members_stand_before_the_others() {
    let members = group([("A", member(&[1], &[])), ("B", fixed("z")), ("C", fixed("y"))]);
    check(&members, &[(1, 5)], &[&[(1, &[4])], &[(1, &[2, 3])], &[(1, &[0, 1])]]);
}

#[test]
fn names_are_ordered_by_their_utf_16_units() {
    // U+FF5E comes before U+1F600 as a character and after it (D83D DE00) in UTF-16.
    let members = group([("A", fixed("\u{ff5e}")), ("B", fixed("\u{1f600}"))]);
    check(&members, &[(1, 1)], &[&[], &[(1, &[0])]]);
}
