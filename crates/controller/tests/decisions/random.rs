//! Random sequences of requests: whatever is asked, the image stays sound and goes forward (`Cluster::ask` checks
//! both after each), nothing is answered with UNKNOWN_SERVER_ERROR, and validating is deciding without records.

use ottla_config::alter::Operation;
use ottla_controller::{ConfigChanges, Reply, Request};
use ottla_metadata::{ConfigResource, MetadataVersion};
use ottla_model::ErrorCode;
use ottla_wire::messages::create_partitions_request::CreatePartitionsTopic;
use ottla_wire::messages::{CreatePartitionsRequest, CreateTopicsRequest, DeleteTopicsRequest};
use proptest::prelude::*;

use crate::cluster::{Cluster, DIRECTORY, placed, topic};
use crate::configs::change;
use crate::features::updates;

/// Few names, so that they meet; some of them bad, some that fold to the same.
const NAMES: [&str; 6] = ["a", "b", "x.y", "x_y", "..", "__consumer_offsets"];

#[derive(Clone, Debug)]
enum Step {
    Create(Vec<(usize, i32, i16)>),
    Place(usize, Vec<i32>),
    Delete(Vec<usize>),
    Grow(usize, i32),
    Alter(usize, usize, usize),
    Level(usize, i16, i8),
    Stop,
    Start { clean: bool },
    ProducerIds,
    Recovered,
    Assign(usize, i32),
    OtherBroker(i32, bool),
}

fn name() -> impl Strategy<Value = usize> {
    0..NAMES.len()
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => proptest::collection::vec((name(), -2..5_i32, -2..3_i16), 1..4).prop_map(Step::Create),
        1 => (name(), proptest::collection::vec(0..4_i32, 0..3)).prop_map(|(name, ids)| Step::Place(name, ids)),
        2 => proptest::collection::vec(name(), 1..3).prop_map(Step::Delete),
        2 => (name(), -1..8_i32).prop_map(|(name, count)| Step::Grow(name, count)),
        3 => (0..9_usize, 0..6_usize, 0..5_usize).prop_map(|(resource, setting, how)| Step::Alter(resource, setting, how)),
        1 => (0..4_usize, 0..35_i16, 0..4_i8).prop_map(|(feature, level, way)| Step::Level(feature, level, way)),
        1 => Just(Step::Stop),
        2 => any::<bool>().prop_map(|clean| Step::Start { clean }),
        1 => Just(Step::ProducerIds),
        1 => Just(Step::Recovered),
        1 => (name(), 0..3_i32).prop_map(|(name, number)| Step::Assign(name, number)),
        1 => (2..4_i32, any::<bool>()).prop_map(|(id, fenced)| Step::OtherBroker(id, fenced)),
    ]
}

fn config_changes(resource: usize, setting: usize, how: usize) -> ConfigChanges {
    let resource = match resource {
        7 => ConfigResource::all_brokers(),
        8 => ConfigResource::broker(1),
        other => ConfigResource::topic(NAMES[other % NAMES.len()]),
    };
    let (name, value) = [
        ("retention.ms", "100"),
        ("cleanup.policy", "compact"),
        ("min.insync.replicas", "2"),
        ("unclean.leader.election.enable", "true"),
        ("log.retention.ms", "-7"),
        ("nonsense", "x"),
    ][setting];
    let (operation, value) = match how {
        0 | 1 => (Operation::Set, Some(value)),
        2 => (Operation::Delete, None),
        3 => (Operation::Append, Some(value)),
        _ => (Operation::Subtract, Some(value)),
    };
    let changes = vec![change(name, operation, value)];
    ConfigChanges { resources: vec![(resource, changes)], replace: how == 1, validate_only: false }
}

/// The request of a step; `None` where the step is not one.
fn request(cluster: &mut Cluster, step: &Step) -> Option<Request> {
    Some(match step {
        Step::Create(topics) => {
            let topics: Vec<_> =
                topics.iter().map(|(name, count, factor)| topic(NAMES[*name], *count, *factor)).collect();
            let ids = topics.iter().map(|_| cluster.draw()).collect();
            Request::CreateTopics { request: CreateTopicsRequest { topics, ..Default::default() }, ids }
        }
        Step::Place(name, ids) => {
            let topics = vec![placed(NAMES[*name], &[(0, ids)])];
            Request::CreateTopics {
                request: CreateTopicsRequest { topics, ..Default::default() },
                ids: vec![cluster.draw()],
            }
        }
        Step::Delete(names) => {
            let topic_names = names.iter().map(|name| NAMES[*name].into()).collect();
            let request = DeleteTopicsRequest { topic_names, ..Default::default() };
            Request::DeleteTopics { request, version: 5 }
        }
        Step::Grow(name, count) => {
            let grown = CreatePartitionsTopic { name: NAMES[*name].into(), count: *count, assignments: None };
            Request::CreatePartitions(CreatePartitionsRequest { topics: vec![grown], ..Default::default() })
        }
        Step::Alter(resource, setting, how) => {
            Request::AlterConfigs(config_changes(*resource, *setting, *how))
        }
        Step::Level(feature, level, way) => {
            let feature = [
                MetadataVersion::FEATURE,
                "group.version",
                "eligible.leader.replicas.version",
                "kraft.version",
            ][*feature];
            Request::UpdateFeatures { request: updates(&[(feature, *level, *way)], false), version: 2 }
        }
        Step::Stop => Request::ShutDown(cluster.epoch),
        Step::ProducerIds => Request::AllocateProducerIds,
        Step::Recovered => Request::Recovered,
        Step::Assign(name, number) => {
            let id = cluster.image.topics.id_of(NAMES[*name])?;
            Request::AssignDirectories(vec![(id, *number, DIRECTORY)])
        }
        Step::Start { .. } | Step::OtherBroker(..) => return None,
    })
}

fn codes(reply: &Reply) -> Vec<i16> {
    match reply {
        Reply::CreateTopics(response) => response.topics.iter().map(|topic| topic.error_code).collect(),
        Reply::DeleteTopics(Ok(response)) => {
            response.responses.iter().map(|topic| topic.error_code).collect()
        }
        Reply::DeleteTopics(Err(code)) => vec![code.code()],
        Reply::CreatePartitions(response) => response.results.iter().map(|topic| topic.error_code).collect(),
        Reply::AlterConfigs(outcomes) => outcomes
            .values()
            .map(|outcome| outcome.as_ref().map_or_else(|no| no.code.code(), |()| 0))
            .collect(),
        Reply::UpdateFeatures(response) => vec![response.error_code],
        Reply::AllocateProducerIds(outcome) => vec![outcome.as_ref().map_or_else(|code| code.code(), |_| 0)],
        Reply::Registered(outcome) => vec![outcome.as_ref().map_or_else(|no| no.code.code(), |_| 0)],
        Reply::Done(outcome) => vec![outcome.as_ref().map_or_else(|no| no.code.code(), |()| 0)],
    }
}

fn only_validating(request: &Request) -> Option<Request> {
    let mut request = request.clone();
    match &mut request {
        Request::CreateTopics { request, .. } => request.validate_only = true,
        Request::CreatePartitions(request) => request.validate_only = true,
        Request::AlterConfigs(changes) => changes.validate_only = true,
        Request::UpdateFeatures { request, .. } => request.validate_only = true,
        Request::DeleteTopics { .. }
        | Request::AllocateProducerIds
        | Request::Register(_)
        | Request::Unfence(_)
        | Request::ShutDown(_)
        | Request::Recovered
        | Request::AssignDirectories(_) => return None,
    }
    Some(request)
}

fn take(cluster: &mut Cluster, step: &Step) {
    match step {
        Step::Start { clean } => cluster.start(clean.then_some(cluster.epoch)),
        Step::OtherBroker(id, fenced) if !cluster.image.brokers.contains_key(id) => {
            cluster.add_broker(*id, None, *fenced)
        }
        _ => {
            let Some(request) = request(cluster, step) else { return };
            let validated = only_validating(&request).map(|request| cluster.decide(request));
            let reply = cluster.ask(request);
            assert!(!codes(&reply).contains(&ErrorCode::UnknownServerError.code()), "{step:?}: {reply:?}");
            if let Some((records, same)) = validated {
                assert_eq!((records.len(), same), (0, reply), "{step:?}");
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn whatever_is_asked_the_metadata_stay_sound(
        level in 7..=33_i16,
        steps in proptest::collection::vec(step(), 1..40),
    ) {
        let mut cluster = Cluster::formatted(MetadataVersion::from_level(level).unwrap());
        cluster.start(None);
        for step in &steps {
            take(&mut cluster, step);
        }
    }
}
