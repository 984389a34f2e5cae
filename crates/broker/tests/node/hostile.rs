//! Strangers: requests cut short, of random bytes, of extreme numbers, at the wrong listener. Each is answered or its connection
//! closed; the node lives on, has no handler panic and no answer that it cannot encode, and serves others.
//!
//! A few seconds from seeds; more with `OTTLA_FUZZ_SECONDS`.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use bytes::Bytes;
use ottla_env::testing::Sequence;
use ottla_model::{ErrorCode, Uuid};
use ottla_record::{Builder, Codec};
use ottla_wire::header::{encode_request, request_header_version};
use ottla_wire::messages::*;
use ottla_wire::{ApiKey, Message, Part, Reader, Request};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::client::{Client, batch, build, code, encoded, fetching, framed, idempotent, producing};
use crate::group_samples::group_samples;
use crate::stand::Stand;

/// How long an answer is waited for that may never come (`acks=0`, a fetch that waits).
const BRIEFLY: Duration = Duration::from_millis(20);

fn fuzz_time() -> Duration {
    let seconds = std::env::var("OTTLA_FUZZ_SECONDS").ok().and_then(|text| text.parse().ok());
    Duration::from_secs_f64(seconds.unwrap_or(4.0))
}

/// A request's header, its body, and what it is.
pub struct Sample {
    key: ApiKey,
    version: i16,
    header: Vec<u8>,
    body: Vec<u8>,
}

fn header(key: i16, version: i16, flexible: bool) -> Vec<u8> {
    let mut bytes =
        [&key.to_be_bytes()[..], &version.to_be_bytes(), &7_i32.to_be_bytes(), b"\0\x04test"].concat();
    if flexible {
        bytes.push(0);
    }
    bytes
}

/// The request in each version; one that cannot say it all says the defaults.
pub fn samples_of<R: Request>(request: &R, samples: &mut Vec<Sample>) {
    let versions = R::KEY.versions();
    for version in versions.min..=versions.max {
        let header = header(R::KEY.code(), version, request_header_version(R::KEY, version) == 2);
        let body = request.to_bytes(version).or_else(|_| R::default().to_bytes(version)).unwrap().to_vec();
        samples.push(Sample { key: R::KEY, version, header, body });
    }
}

/// A request of each API that a broker's listener serves, that does something.
fn samples(topic_id: Uuid) -> Vec<Sample> {
    let mut all = Vec::new();
    let mut produce = producing(1, "t", 0, batch(&["a"]));
    produce.topic_data[0].topic_id = topic_id;
    samples_of(&produce, &mut all);
    let mut fetch = fetching("t", 0, 0);
    fetch.topics[0].topic_id = topic_id;
    samples_of(&fetch, &mut all);
    let partition = list_offsets_request::ListOffsetsPartition { timestamp: -1, ..Default::default() };
    let topic = list_offsets_request::ListOffsetsTopic { name: "t".into(), partitions: vec![partition] };
    samples_of(&ListOffsetsRequest { replica_id: -1, topics: vec![topic], ..Default::default() }, &mut all);
    let topic = metadata_request::MetadataRequestTopic { name: Some("t".into()), ..Default::default() };
    samples_of(&MetadataRequest { topics: Some(vec![topic]), ..Default::default() }, &mut all);
    samples_of(
        &ApiVersionsRequest {
            client_software_name: "test".into(),
            client_software_version: "1".into(),
            ..Default::default()
        },
        &mut all,
    );
    let topic = create_topics_request::CreatableTopic {
        name: "made".into(),
        num_partitions: 2,
        replication_factor: 1,
        ..Default::default()
    };
    samples_of(&CreateTopicsRequest { topics: vec![topic], ..Default::default() }, &mut all);
    samples_of(&DeleteTopicsRequest { topic_names: vec!["made".into()], ..Default::default() }, &mut all);
    let topic = delete_topics_request::DeleteTopicState { name: Some("made".into()), ..Default::default() };
    samples_of(&DeleteTopicsRequest { topics: vec![topic], ..Default::default() }, &mut all);
    let partition = delete_records_request::DeleteRecordsPartition { partition_index: 1, offset: 0 };
    let topic = delete_records_request::DeleteRecordsTopic { name: "t".into(), partitions: vec![partition] };
    samples_of(&DeleteRecordsRequest { topics: vec![topic], timeout_ms: 1000 }, &mut all);
    samples_of(&InitProducerIdRequest { transactional_id: None, ..Default::default() }, &mut all);
    let partition = offset_for_leader_epoch_request::OffsetForLeaderPartition::default();
    let topic = offset_for_leader_epoch_request::OffsetForLeaderTopic {
        topic: "t".into(),
        partitions: vec![partition],
    };
    samples_of(&OffsetForLeaderEpochRequest { topics: vec![topic], ..Default::default() }, &mut all);
    samples_of(
        &DescribeAclsRequest { resource_type_filter: 1, operation: 1, ..Default::default() },
        &mut all,
    );
    let resource = describe_configs_request::DescribeConfigsResource {
        resource_type: 2,
        resource_name: "t".into(),
        configuration_keys: None,
    };
    samples_of(&DescribeConfigsRequest { resources: vec![resource], ..Default::default() }, &mut all);
    let config =
        alter_configs_request::AlterableConfig { name: "retention.ms".into(), value: Some("9".into()) };
    let resource = alter_configs_request::AlterConfigsResource {
        resource_type: 2,
        resource_name: "t".into(),
        configs: vec![config],
    };
    samples_of(&AlterConfigsRequest { resources: vec![resource], validate_only: true }, &mut all);
    let topic =
        describe_log_dirs_request::DescribableLogDirTopic { topic: "t".into(), partitions: vec![0, 1] };
    samples_of(&DescribeLogDirsRequest { topics: Some(vec![topic]) }, &mut all);
    let topic =
        create_partitions_request::CreatePartitionsTopic { name: "t".into(), count: 3, assignments: None };
    samples_of(
        &CreatePartitionsRequest { topics: vec![topic], timeout_ms: 1000, validate_only: true },
        &mut all,
    );
    let config = incremental_alter_configs_request::AlterableConfig {
        name: "retention.ms".into(),
        config_operation: 0,
        value: Some("9000000".into()),
    };
    let resource = incremental_alter_configs_request::AlterConfigsResource {
        resource_type: 2,
        resource_name: "t".into(),
        configs: vec![config],
    };
    samples_of(&IncrementalAlterConfigsRequest { resources: vec![resource], ..Default::default() }, &mut all);
    samples_of(&ListPartitionReassignmentsRequest::default(), &mut all);
    let component = describe_client_quotas_request::ComponentData {
        entity_type: "user".into(),
        match_type: 2,
        ..Default::default()
    };
    samples_of(&DescribeClientQuotasRequest { components: vec![component], strict: false }, &mut all);
    samples_of(&DescribeUserScramCredentialsRequest::default(), &mut all);
    let topic = describe_quorum_request::TopicData {
        topic_name: "__cluster_metadata".into(),
        partitions: vec![Default::default()],
    };
    samples_of(&DescribeQuorumRequest { topics: vec![topic] }, &mut all);
    let feature = update_features_request::FeatureUpdateKey {
        feature: "metadata.version".into(),
        max_version_level: 1000,
        ..Default::default()
    };
    samples_of(&UpdateFeaturesRequest { feature_updates: vec![feature], ..Default::default() }, &mut all);
    samples_of(&DescribeClusterRequest::default(), &mut all);
    samples_of(&ListConfigResourcesRequest { resource_types: vec![2] }, &mut all);
    let topic = describe_topic_partitions_request::TopicRequest { name: "t".into() };
    samples_of(&DescribeTopicPartitionsRequest { topics: vec![topic], ..Default::default() }, &mut all);
    group_samples(topic_id, &mut all);
    all
}

/// Sends one frame on a connection of its own, and waits until it is answered or closed, or briefly.
async fn throw(address: SocketAddr, body: &[u8]) {
    let mut socket = TcpStream::connect(address).await.unwrap();
    if socket.write_all(&framed(body)).await.is_err() {
        return;
    }
    let mut answer = [0; 4];
    let _ = tokio::time::timeout(BRIEFLY, socket.read_exact(&mut answer)).await;
}

/// The node serves an honest client, and nothing of what it met was too much for it.
async fn is_unharmed(stand: &Stand) {
    let mut client = stand.client().await;
    client.is_served().await;
    client.append("honest", 0, batch(&["a"])).await;
    let panics = stand.node.net_counters().panics.load(std::sync::atomic::Ordering::Relaxed);
    assert_eq!(panics, 0, "a handler panicked");
    let mut registry = prometheus_client::registry::Registry::default();
    stand.node.register_metrics(&mut registry);
    let mut text = String::new();
    prometheus_client::encoding::text::encode(&mut text, &registry).unwrap();
    assert!(text.contains("ottla_bugs_total 0\n"), "{text}");
}

/// A node with a topic for strangers and one for others.
async fn stand_for_strangers() -> (Stand, Uuid) {
    let stand = Stand::new().await;
    let mut client = stand.client().await;
    client.create("honest", 1, &[]).await;
    let id = client.create("t", 2, &[]).await;
    (stand, id)
}

#[tokio::test(flavor = "multi_thread")]
async fn the_samples_are_good_requests_and_cover_every_api_that_is_served() {
    let (stand, id) = stand_for_strangers().await;
    let mut client = stand.client().await;
    let mut covered = Vec::new();
    for sample in samples(id) {
        client.write(&framed(&[&sample.header[..], &sample.body].concat())).await.unwrap();
        let answer = client.reply().await;
        assert!(answer.is_ok(), "{} {}: {answer:?}", sample.key, sample.version);
        covered.push((sample.key.code(), sample.version));
    }
    let asked = ApiVersionsRequest {
        client_software_name: "t".into(),
        client_software_version: "1".into(),
        ..Default::default()
    };
    for api in client.call(&asked, 3).await.api_keys {
        let key = ApiKey::from_code(api.api_key).unwrap();
        for version in key.versions().min..=api.max_version {
            assert!(covered.contains(&(api.api_key, version)), "{key} {version}");
        }
    }
    stand.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_cut_short_or_of_nonsense_harm_nobody() {
    let (stand, id) = stand_for_strangers().await;
    let mut luck = Sequence::new(1);
    for sample in samples(id) {
        let length = sample.body.len();
        for cut in [0, 1, length / 4, length / 2, length.saturating_sub(1)] {
            throw(stand.address(), &[&sample.header[..], &sample.body[..cut.min(length)]].concat()).await;
        }
        for nonsense in
            [vec![0; 64], vec![0xff; 64], (0..200).map(|_| luck.number().to_le_bytes()[0]).collect()]
        {
            throw(stand.address(), &[&sample.header[..], &nonsense].concat()).await;
        }
    }
    is_unharmed(&stand).await;
    stand.stop().await;
}

/// A few changes: a bit, a byte that may be a length, a piece cut out, a piece doubled.
fn mutate(bytes: &mut Vec<u8>, luck: &mut Sequence) {
    let mut below = |bound: usize| usize::try_from(luck.below(bound as u64)).unwrap();
    for _ in 0..=below(4) {
        if bytes.is_empty() {
            return;
        }
        let at = below(bytes.len());
        match below(4) {
            0 => bytes[at] ^= 1 << below(8),
            1 => bytes[at] = [0, 1, 0x7f, 0x80, 0xff][below(5)],
            2 => drop(bytes.drain(at..(at + below(8)).min(bytes.len()))),
            _ => {
                let piece = bytes[at..(at + below(16)).min(bytes.len())].to_vec();
                bytes.splice(at..at, piece);
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn changed_requests_harm_nobody() {
    let (stand, id) = stand_for_strangers().await;
    let samples = samples(id);
    let end = Instant::now() + fuzz_time();
    let mut seed = 0;
    while Instant::now() < end {
        let mut luck = Sequence::new(seed);
        let sample = &samples[usize::try_from(luck.below(samples.len() as u64)).unwrap()];
        let mut bytes = [&sample.header[..], &sample.body].concat();
        let header_too = luck.one_in(8);
        if header_too {
            mutate(&mut bytes, &mut luck);
        } else {
            let mut body = bytes.split_off(sample.header.len());
            mutate(&mut body, &mut luck);
            bytes.append(&mut body);
        }
        throw(stand.address(), &bytes).await;
        seed += 1;
        if seed % 500 == 0 {
            is_unharmed(&stand).await;
        }
    }
    assert!(seed > 20, "{seed} requests only");
    is_unharmed(&stand).await;
    stand.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn batches_with_changed_bytes_are_refused_or_read_back() {
    let (stand, _) = stand_for_strangers().await;
    let mut client = stand.client().await;
    let mut luck = Sequence::new(3);
    let codecs = [Codec::None, Codec::Gzip(1), Codec::Snappy, Codec::Lz4(1), Codec::Zstd(1)];
    let end = Instant::now() + fuzz_time() / 4;
    while Instant::now() < end {
        let codec = codecs[usize::try_from(luck.below(5)).unwrap()];
        let mut bytes = build(Builder::new(0, codec), &["some value", "and another", "and a third"]).to_vec();
        mutate(&mut bytes, &mut luck);
        if bytes.len() >= 61 && !luck.one_in(4) {
            // With a right checksum the walk over the records has to find what is wrong.
            let crc = ottla_record::crc32c(&bytes[21..]);
            bytes[17..21].copy_from_slice(&crc.to_be_bytes());
        }
        let answer = client.produce(1, "t", 0, bytes.into()).await;
        let unknown = code(ErrorCode::UnknownServerError);
        assert_ne!(answer.error_code, unknown, "{:?}", answer.error_message);
    }
    let mut next = 0;
    loop {
        let data = client.fetch("t", 0, next).await;
        let Some(ottla_wire::Records::Bytes(bytes)) = &data.records else { panic!("null records") };
        if bytes.is_empty() {
            break;
        }
        for batch in ottla_record::batches(bytes) {
            let batch = batch.unwrap();
            batch.check_crc().unwrap();
            assert_eq!(batch.header().base_offset, next);
            next = batch.header().next_offset();
        }
    }
    is_unharmed(&stand).await;
    stand.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn extreme_numbers_are_answered() {
    let (stand, id) = stand_for_strangers().await;
    let mut client = stand.client().await;
    client.append("t", 0, batch(&["a"])).await;
    let numbers = [i64::MIN, i64::MIN + 1, -7, -2, -1, 0, 1, i64::MAX - 1, i64::MAX];
    for number in numbers {
        let small = i32::try_from(number.clamp(i32::MIN.into(), i32::MAX.into())).unwrap();
        let short = i16::try_from(number.clamp(i16::MIN.into(), i16::MAX.into())).unwrap();
        let mut fetch = fetching("", small, number);
        fetch.topics[0].topic_id = id;
        let partition = &mut fetch.topics[0].partitions[0];
        (partition.current_leader_epoch, partition.last_fetched_epoch) = (small, small);
        (partition.log_start_offset, partition.partition_max_bytes) = (number, small);
        (fetch.max_bytes, fetch.min_bytes, fetch.isolation_level) =
            (small, small, i8::try_from(small.clamp(-128, 127)).unwrap());
        client.ask(&fetch).await;
        fetch.topics[0].partitions[0].partition = 0;
        fetch.topics[0].partitions[0].current_leader_epoch = -1;
        client.ask(&fetch).await;
        (fetch.session_id, fetch.session_epoch) = (small, small);
        client.ask(&fetch).await;
        fetch.replica_state.replica_id = small;
        client.ask(&fetch).await;
        let partition = list_offsets_request::ListOffsetsPartition {
            partition_index: 0,
            current_leader_epoch: small,
            timestamp: number,
        };
        let topic = list_offsets_request::ListOffsetsTopic { name: "t".into(), partitions: vec![partition] };
        client
            .ask(&ListOffsetsRequest {
                replica_id: -1,
                topics: vec![topic],
                timeout_ms: small,
                ..Default::default()
            })
            .await;
        let _ = client.delete_records("t", 1, number).await;
        let partition = offset_for_leader_epoch_request::OffsetForLeaderPartition {
            partition: 0,
            current_leader_epoch: -1,
            leader_epoch: small,
        };
        let topic = offset_for_leader_epoch_request::OffsetForLeaderTopic {
            topic: "t".into(),
            partitions: vec![partition],
        };
        client.ask(&OffsetForLeaderEpochRequest { replica_id: small, topics: vec![topic] }).await;
        let init = InitProducerIdRequest {
            transactional_id: None,
            transaction_timeout_ms: small,
            producer_id: number,
            producer_epoch: short,
            ..Default::default()
        };
        client.ask(&init).await;
        let mut produce = producing(-1, "t", small, batch(&["a"]));
        produce.timeout_ms = small;
        client.call(&produce, 12).await;
        let mut stamped =
            Builder::new(number.clamp(0, i64::MAX - 9), Codec::None).producer(number, short, small);
        stamped.push(number, None, Some(b"x"), &[]).push(number.wrapping_neg(), None, Some(b"y"), &[]);
        if let Ok(records) = stamped.finish() {
            client.produce(-1, "t", 0, records).await;
        }
        client.produce(-1, "t", 0, idempotent(number, short, small, &["a", "b", "c"])).await;
        let topic = describe_topic_partitions_request::TopicRequest { name: "t".into() };
        let cursor =
            describe_topic_partitions_request::Cursor { topic_name: "t".into(), partition_index: small };
        let describe = DescribeTopicPartitionsRequest {
            topics: vec![topic],
            response_partition_limit: small,
            cursor: Some(cursor),
        };
        client.ask(&describe).await;
        let grow = create_partitions_request::CreatePartitionsTopic {
            name: "t".into(),
            count: small,
            assignments: None,
        };
        client
            .ask(&CreatePartitionsRequest { topics: vec![grow], timeout_ms: 1000, validate_only: false })
            .await;
        let created = client.try_create("wide", small, &[]).await;
        assert!(created.error_code != 0 || (1..=1).contains(&small) || small == -1, "{small} partitions");
        client.delete("wide").await;
    }
    is_unharmed(&stand).await;
    stand.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn each_listener_serves_its_own_apis_and_closes_at_every_other() {
    let stand = Stand::new().await;
    let asked = ApiVersionsRequest {
        client_software_name: "t".into(),
        client_software_version: "1".into(),
        ..Default::default()
    };
    let addresses = [stand.address(), stand.facts().controllers[0].1];
    let mut seen = Vec::new();
    for address in addresses {
        let told = Client::connect(address).await.call(&asked, 3).await.api_keys;
        for key in (-1..=110).chain([i16::MAX, i16::MIN]) {
            let range = told.iter().find(|api| api.api_key == key);
            let known = ApiKey::from_code(key);
            let (min, max) =
                known.map_or((0, 0), |key| (key.defined_versions().min, key.defined_versions().max));
            for version in [i16::MIN, -1, min, max, max + 1, i16::MAX] {
                let served = range.is_some_and(|api| (api.min_version..=api.max_version).contains(&version))
                    && known.is_some_and(|key| key.versions().contains(version));
                if served || key == ApiKey::ApiVersions.code() {
                    continue;
                }
                let flexible = known.is_some_and(|key| request_header_version(key, version) == 2);
                let mut client = Client::connect(address).await;
                client.write(&framed(&[header(key, version, flexible), vec![0; 40]].concat())).await.unwrap();
                client.is_closed().await;
            }
        }
        seen.push(told.into_iter().map(|api| api.api_key).collect::<Vec<_>>());
    }
    let (broker, controller) = (&seen[0], &seen[1]);
    assert!(broker.contains(&ApiKey::Produce.code()) && !controller.contains(&ApiKey::Produce.code()));
    assert!(broker.contains(&ApiKey::Metadata.code()) && !controller.contains(&ApiKey::Metadata.code()));
    stand.client().await.is_served().await;
    stand.controller().await.is_served().await;
    stand.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn only_api_versions_is_answered_in_a_version_that_nobody_knows() {
    let stand = Stand::new().await;
    for version in [99, i16::MAX, -1] {
        let mut client = stand.client().await;
        client.write(&framed(&header(ApiKey::ApiVersions.code(), version, true))).await.unwrap();
        let mut reader = Reader::for_frame(client.reply().await.unwrap());
        assert_eq!(reader.i32().unwrap(), 7);
        let answer = ApiVersionsResponse::decode(&mut reader, 0).unwrap();
        assert_eq!(answer.error_code, code(ErrorCode::UnsupportedVersion));
        assert!(answer.api_keys.iter().any(|api| api.api_key == ApiKey::ApiVersions.code()));
        client.is_served().await;
    }
    stand.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn sizes_that_are_no_sizes_close_the_connection() {
    let stand = Stand::new().await;
    let http = *b"GET ";
    for size in
        [(-1_i32).to_be_bytes(), i32::MIN.to_be_bytes(), i32::MAX.to_be_bytes(), [0; 4], [0, 0, 0, 3], http]
    {
        let mut client = stand.client().await;
        client.write(&[&size[..], b"/ HTTP/1.1\r\n\r\n"].concat()).await.unwrap();
        client.is_closed().await;
    }
    stand.client().await.is_served().await;
    stand.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_follows_a_request_in_its_frame_is_ignored() {
    let stand = Stand::new().await;
    let mut client = stand.client().await;
    let mut bytes = encoded(&DescribeClusterRequest::default(), 0, 1);
    bytes.extend([0xff; 100]);
    client.write(&framed(&bytes)).await.unwrap();
    assert!(client.reply().await.is_ok());
    client.is_served().await;
    stand.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_leaves_while_it_waits_leaves_nothing_behind() {
    let (stand, _) = stand_for_strangers().await;
    let parked = stand.node.gauges();
    let waiting = || parked().iter().find(|(name, ..)| *name == "ottla_parked_requests").unwrap().2;
    let mut clients = Vec::new();
    for _ in 0..50 {
        let mut client = stand.client().await;
        let mut request = fetching("t", 0, 0);
        (request.max_wait_ms, request.min_bytes) = (i32::MAX, i32::MAX);
        client.send(&request, 12).await;
        clients.push(client);
    }
    while waiting() < 50 {
        tokio::task::yield_now().await;
    }
    // Whoever only ends its half may still be answered; these are gone.
    for client in clients {
        client.vanish();
    }
    while waiting() > 0 {
        tokio::task::yield_now().await;
    }
    is_unharmed(&stand).await;
    stand.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_in_many_pieces_is_one_request() {
    let stand = Stand::new().await;
    let mut client = stand.client().await;
    let parts = encode_request(&DescribeClusterRequest::default(), 0, 1, None).unwrap();
    let bytes: Vec<u8> = parts
        .iter()
        .flat_map(|part| match part {
            Part::Bytes(bytes) => bytes.to_vec(),
            Part::Hole { .. } => Vec::new(),
        })
        .collect();
    for byte in framed(&bytes) {
        client.write(&[byte]).await.unwrap();
        tokio::task::yield_now().await;
    }
    let answer: Bytes = client.reply().await.unwrap();
    assert!(!answer.is_empty());
    stand.stop().await;
}
