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

macro_rules! scenarios {
    ($($name:ident,)*) => {
        const NAMES: &[&str] = &[$(stringify!($name)),*];

        $(#[test]
        fn $name() {
            check(stringify!($name));
        })*
    };
}

scenarios! {
    a_first_join_is_told_its_id_and_comes_back_with_it,
    late_members_extend_the_first_rebalance,
    two_members_share_the_partitions,
    cooperative_members_keep_what_they_own,
    the_leader_leaves_and_another_leads,
    a_silent_member_is_out_after_its_session,
    a_pending_member_that_does_not_come_holds_nobody_up_for_long,
    a_static_member_comes_back_without_a_rebalance,
    an_old_static_leader_is_told_of_its_former_self,
    a_second_process_with_an_instance_id_fences_the_first,
    a_static_member_whose_protocol_changes_rebalances,
    static_members_are_waited_for_until_their_session_ends,
    members_that_do_not_sync_are_out,
    who_does_not_rejoin_in_time_is_out,
    old_generations_and_strangers_are_refused,
    the_protocol_that_most_prefer_is_chosen,
    connect_workers_have_their_own_protocol,
    a_follower_that_asks_again_gets_the_same_answer,
    commits_without_a_group_are_stored,
    a_commit_of_an_old_generation_is_refused,
    long_notes_are_refused_one_by_one,
    offsets_of_an_empty_group_go_after_the_retention,
    offsets_of_a_group_at_work_stay,
    offsets_of_subscribed_topics_stay,
    offsets_of_a_simple_consumer_go_by_their_age,
    groups_and_offsets_are_deleted,
    offsets_of_deleted_topics_go,
    a_full_group_refuses,
    the_oldest_clients_are_served,
    offsets_of_transactions_that_kafka_left_end_with_their_markers,
    groups_of_other_kinds_are_left_alone,
    a_refused_append_changes_nothing,
    a_crash_forgets_a_rebalance_and_keeps_the_generation,
}

#[test]
fn every_scenario_is_played() {
    let mut files: Vec<String> = std::fs::read_dir(directory())
        .unwrap()
        .map(|entry| entry.unwrap().path().file_stem().unwrap().to_str().unwrap().to_owned())
        .collect();
    files.sort_unstable();
    let mut names = NAMES.to_vec();
    names.sort_unstable();
    assert_eq!(names, files);
}
