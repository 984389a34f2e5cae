//! CreatePartitions.

use ottla_controller::{Reply, Request};
use ottla_model::ErrorCode;
use ottla_wire::messages::CreatePartitionsRequest;
use ottla_wire::messages::create_partitions_request::{CreatePartitionsAssignment, CreatePartitionsTopic};

use crate::cluster::{Cluster, code, topic};

fn growth(name: &str, count: i32, assignments: Option<&[&[i32]]>) -> CreatePartitionsTopic {
    let assignment = |ids: &&[i32]| CreatePartitionsAssignment { broker_ids: ids.to_vec() };
    CreatePartitionsTopic {
        name: name.into(),
        count,
        assignments: assignments.map(|assignments| assignments.iter().map(assignment).collect()),
    }
}

fn grown(cluster: &mut Cluster, topics: Vec<CreatePartitionsTopic>, validate_only: bool) -> Vec<ErrorCode> {
    let request = CreatePartitionsRequest { topics, timeout_ms: 0, validate_only };
    let Reply::CreatePartitions(response) = cluster.ask(Request::CreatePartitions(request)) else {
        panic!("the reply is another's")
    };
    response.results.iter().map(|result| code(result.error_code)).collect()
}

#[test]
fn a_topic_grows_and_its_old_partitions_stay_as_they_are() {
    let mut cluster = Cluster::running();
    cluster.create(topic("t", 2, 1));
    let old = cluster.partition("t", 1).clone();
    assert_eq!(grown(&mut cluster, vec![growth("t", 5, None)], false), [ErrorCode::None]);
    let partitions = &cluster.image.topics.named("t").unwrap().partitions;
    assert_eq!((partitions.size(), &partitions[&1]), (5, &old));
    assert_eq!(partitions[&4].leader, Some(1));
}

#[test]
fn a_topic_never_shrinks_nor_grows_by_nothing() {
    let mut cluster = Cluster::running();
    cluster.create(topic("t", 2, 1));
    for count in [2, 1, 0, -1, i32::MIN] {
        let refused = grown(&mut cluster, vec![growth("t", count, None)], false);
        assert_eq!(refused, [ErrorCode::InvalidPartitions], "{count}");
    }
    assert_eq!(grown(&mut cluster, vec![growth("t", i32::MAX, None)], false), [ErrorCode::PolicyViolation]);
    assert_eq!(grown(&mut cluster, vec![growth("u", 3, None)], false), [ErrorCode::UnknownTopicOrPartition]);
}

#[test]
fn replicas_placed_by_hand_must_fit() {
    let mut cluster = Cluster::running();
    cluster.create(topic("t", 1, 1));
    for bad in [&[&[1][..]][..], &[&[1], &[9]], &[&[1], &[]], &[&[1], &[1, 1]]] {
        let refused = grown(&mut cluster, vec![growth("t", 3, Some(bad))], false);
        assert_eq!(refused, [ErrorCode::InvalidReplicaAssignment], "{bad:?}");
    }
    assert_eq!(grown(&mut cluster, vec![growth("t", 3, Some(&[&[1], &[1]]))], false), [ErrorCode::None]);
}

#[test]
fn a_name_that_comes_twice_is_refused_and_answered_once() {
    let mut cluster = Cluster::running();
    cluster.create(topic("t", 1, 1));
    let twice = vec![growth("t", 2, None), growth("t", 3, None)];
    assert_eq!(grown(&mut cluster, twice, false), [ErrorCode::InvalidRequest]);
}

#[test]
fn validating_changes_nothing() {
    let mut cluster = Cluster::running();
    cluster.create(topic("t", 1, 1));
    let before = cluster.image.clone();
    assert_eq!(grown(&mut cluster, vec![growth("t", 2, None)], true), [ErrorCode::None]);
    assert_eq!(cluster.image, before);
}
