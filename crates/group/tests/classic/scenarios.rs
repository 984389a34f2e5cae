//! Every scenario brings what its file says. `OTTLA_UPDATE=1` writes the files anew; the difference is to be read.

use std::path::{Path, PathBuf};

use crate::script;

fn directory() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/classic/scenarios")
}

fn check(name: &str) {
    let path = directory().join(name).with_extension("txt");
    let expected = std::fs::read_to_string(&path).unwrap();
    let played = script::play(&expected);
    if std::env::var_os("OTTLA_UPDATE").is_some() {
        std::fs::write(&path, &played).unwrap();
        return;
    }
    let differs = expected.lines().zip(played.lines()).position(|(expected, played)| expected != played);
    if let Some(line) = differs {
        let (expected, played) = (expected.lines().nth(line), played.lines().nth(line));
        panic!(
            "{}:{}: expected\n{}\nplayed\n{}",
            path.display(),
            line + 1,
            expected.unwrap(),
            played.unwrap()
        );
    }
    assert_eq!(expected.len(), played.len(), "{}: the trace is longer or shorter", path.display());
}

#[test]
fn a_first_join_is_told_its_id_and_comes_back_with_it() {
    check("a_first_join_is_told_its_id_and_comes_back_with_it");
}

#[test]
fn late_members_extend_the_first_rebalance() {
    check("late_members_extend_the_first_rebalance");
}

#[test]
fn two_members_share_the_partitions() {
    check("two_members_share_the_partitions");
}

#[test]
fn cooperative_members_keep_what_they_own() {
    check("cooperative_members_keep_what_they_own");
}

#[test]
fn the_leader_leaves_and_another_leads() {
    check("the_leader_leaves_and_another_leads");
}

#[test]
fn a_silent_member_is_out_after_its_session() {
    check("a_silent_member_is_out_after_its_session");
}

#[test]
fn a_pending_member_that_does_not_come_holds_nobody_up_for_long() {
    check("a_pending_member_that_does_not_come_holds_nobody_up_for_long");
}

#[test]
fn a_static_member_comes_back_without_a_rebalance() {
    check("a_static_member_comes_back_without_a_rebalance");
}

#[test]
fn an_old_static_leader_is_told_of_its_former_self() {
    check("an_old_static_leader_is_told_of_its_former_self");
}

#[test]
fn a_second_process_with_an_instance_id_fences_the_first() {
    check("a_second_process_with_an_instance_id_fences_the_first");
}

#[test]
fn a_static_member_whose_protocol_changes_rebalances() {
    check("a_static_member_whose_protocol_changes_rebalances");
}

#[test]
fn static_members_are_waited_for_until_their_session_ends() {
    check("static_members_are_waited_for_until_their_session_ends");
}

#[test]
fn members_that_do_not_sync_are_out() {
    check("members_that_do_not_sync_are_out");
}

#[test]
fn who_does_not_rejoin_in_time_is_out() {
    check("who_does_not_rejoin_in_time_is_out");
}

#[test]
fn old_generations_and_strangers_are_refused() {
    check("old_generations_and_strangers_are_refused");
}

#[test]
fn the_protocol_that_most_prefer_is_chosen() {
    check("the_protocol_that_most_prefer_is_chosen");
}

#[test]
fn connect_workers_have_their_own_protocol() {
    check("connect_workers_have_their_own_protocol");
}

#[test]
fn a_follower_that_asks_again_gets_the_same_answer() {
    check("a_follower_that_asks_again_gets_the_same_answer");
}

#[test]
fn commits_without_a_group_are_stored() {
    check("commits_without_a_group_are_stored");
}

#[test]
fn a_commit_of_an_old_generation_is_refused() {
    check("a_commit_of_an_old_generation_is_refused");
}

#[test]
fn long_notes_are_refused_one_by_one() {
    check("long_notes_are_refused_one_by_one");
}

#[test]
fn offsets_of_an_empty_group_go_after_the_retention() {
    check("offsets_of_an_empty_group_go_after_the_retention");
}

#[test]
fn offsets_of_a_group_at_work_stay() {
    check("offsets_of_a_group_at_work_stay");
}

#[test]
fn offsets_of_subscribed_topics_stay() {
    check("offsets_of_subscribed_topics_stay");
}

#[test]
fn offsets_of_a_simple_consumer_go_by_their_age() {
    check("offsets_of_a_simple_consumer_go_by_their_age");
}

#[test]
fn groups_and_offsets_are_deleted() {
    check("groups_and_offsets_are_deleted");
}

#[test]
fn offsets_of_deleted_topics_go() {
    check("offsets_of_deleted_topics_go");
}

#[test]
fn a_full_group_refuses() {
    check("a_full_group_refuses");
}

#[test]
fn the_oldest_clients_are_served() {
    check("the_oldest_clients_are_served");
}

#[test]
fn offsets_of_transactions_that_kafka_left_end_with_their_markers() {
    check("offsets_of_transactions_that_kafka_left_end_with_their_markers");
}

#[test]
fn groups_of_other_kinds_are_left_alone() {
    check("groups_of_other_kinds_are_left_alone");
}

#[test]
fn a_refused_append_changes_nothing() {
    check("a_refused_append_changes_nothing");
}

#[test]
fn a_crash_forgets_a_rebalance_and_keeps_the_generation() {
    check("a_crash_forgets_a_rebalance_and_keeps_the_generation");
}

#[test]
fn whom_the_leader_leaves_out_has_nothing() {
    check("whom_the_leader_leaves_out_has_nothing");
}

#[test]
fn every_scenario_is_played() {
    let played = include_str!("scenarios.rs");
    for file in std::fs::read_dir(directory()).unwrap() {
        let path = file.unwrap().path();
        let name = path.file_stem().unwrap().to_str().unwrap();
        assert!(played.contains(&format!("fn {name}()")), "{name}");
    }
}
