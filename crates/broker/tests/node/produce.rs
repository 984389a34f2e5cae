//! Produce: offsets, acknowledgements, producers, and what is refused.

use bytes::Bytes;
use ottla_env::disk::RealDisk;
use ottla_model::ErrorCode;
use ottla_record::{Builder, Codec};
use ottla_wire::Records;
use ottla_wire::messages::produce_request::{PartitionProduceData, TopicProduceData};
use ottla_wire::messages::{InitProducerIdRequest, ProduceRequest, ProduceResponse};

use crate::client::{batch, build, code, idempotent, producing};
use crate::stand::{Ground, Stand};

fn codes(response: &ProduceResponse) -> Vec<i16> {
    let answers = response.responses.iter().flat_map(|topic| &topic.partition_responses);
    answers.map(|answer| answer.error_code).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn offsets_grow_by_records_whatever_the_acks() {
    let stand = Stand::new().await;
    let mut client = stand.client().await;
    client.create("t", 2, &[]).await;
    let one = client.produce(1, "t", 0, batch(&["a", "b"])).await;
    assert_eq!((one.error_code, one.base_offset, one.log_start_offset), (0, 0, 0));
    assert_eq!(one.log_append_time_ms, -1);
    client.send(&producing(0, "t", 0, batch(&["c"])), 12).await;
    assert_eq!(client.append("t", 0, batch(&["d", "e", "f"])).await, 3);
    assert_eq!(client.append("t", 1, batch(&["x"])).await, 0, "each partition counts for itself");
    let values: Vec<_> = client.read_from("t", 0, 0).await;
    let expected = ["a", "b", "c", "d", "e", "f"];
    assert_eq!(values, (0..).zip(expected.map(str::to_owned)).collect::<Vec<_>>());
    stand.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_version_of_produce_is_served_on_a_real_disk() {
    let dir = tempfile::tempdir().unwrap();
    let stand = Ground::on(RealDisk).with("log.dirs", dir.path().to_str().unwrap()).start().await;
    let mut client = stand.client().await;
    let id = client.create("t", 1, &[]).await;
    for version in 3..=13 {
        let mut request = producing(-1, "t", 0, batch(&["v"]));
        if version >= 13 {
            request.topic_data[0].name = "".into();
            request.topic_data[0].topic_id = id;
        }
        let response = client.call(&request, version).await;
        let answer = &response.responses[0].partition_responses[0];
        assert_eq!((answer.error_code, answer.base_offset), (0, i64::from(version) - 3));
    }
    assert_eq!(client.read_from("t", 0, 0).await.len(), 11);
    stand.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_request_reaches_many_partitions_and_each_is_answered_for_itself() {
    let stand = Stand::new().await;
    let mut client = stand.client().await;
    client.create("t", 3, &[]).await;
    let data = |index, batch: Bytes| PartitionProduceData { index, records: Some(Records::Bytes(batch)) };
    let partition_data = vec![
        data(2, batch(&["a"])),
        data(3, batch(&["nowhere"])),
        data(0, Bytes::from_static(b"no batch")),
        data(1, batch(&["b"])),
    ];
    let topic = TopicProduceData { name: "t".into(), partition_data, ..Default::default() };
    let request =
        ProduceRequest { acks: -1, timeout_ms: 30_000, topic_data: vec![topic], ..Default::default() };
    let response = client.call(&request, 12).await;
    let answers = &response.responses[0].partition_responses;
    assert_eq!(answers.iter().map(|one| one.index).collect::<Vec<_>>(), [2, 3, 0, 1]);
    let unknown = code(ErrorCode::UnknownTopicOrPartition);
    assert_eq!((answers[0].error_code, answers[1].error_code, answers[3].error_code), (0, unknown, 0));
    assert_ne!(answers[2].error_code, 0);
    assert_eq!(client.read_from("t", 0, 0).await, []);
    assert_eq!(client.read_from("t", 1, 0).await.len(), 1);
    stand.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_partition_that_a_request_repeats_is_refused_both_times() {
    let stand = Stand::new().await;
    let mut client = stand.client().await;
    client.create("t", 2, &[]).await;
    let mut request = producing(-1, "t", 0, batch(&["first"]));
    let again = producing(-1, "t", 0, batch(&["second"])).topic_data;
    let other = producing(-1, "t", 1, batch(&["alone"])).topic_data;
    request.topic_data.extend(again.into_iter().chain(other));
    let invalid = code(ErrorCode::InvalidRequest);
    assert_eq!(codes(&client.call(&request, 12).await), [invalid, invalid, 0]);
    assert_eq!(client.read_from("t", 0, 0).await, []);
    stand.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn other_acks_are_refused_for_each_partition() {
    let stand = Stand::new().await;
    let mut client = stand.client().await;
    client.create("t", 2, &[]).await;
    for acks in [2, -2, i16::MAX] {
        let mut request = producing(acks, "t", 0, batch(&["a"]));
        request.topic_data.extend(producing(acks, "t", 1, batch(&["b"])).topic_data);
        let refused = code(ErrorCode::InvalidRequiredAcks);
        assert_eq!(codes(&client.call(&request, 12).await), [refused, refused]);
    }
    assert_eq!(client.read_from("t", 0, 0).await, []);
    stand.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_error_without_acks_closes_the_connection() {
    let stand = Stand::new().await;
    let mut client = stand.client().await;
    client.send(&producing(0, "nowhere", 0, batch(&["a"])), 12).await;
    client.is_closed().await;
    stand.client().await.is_served().await;
    stand.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn unknown_topics_have_their_codes_by_name_and_by_id() {
    let stand = Stand::new().await;
    let mut client = stand.client().await;
    let answer = client.produce(-1, "nowhere", 0, batch(&["a"])).await;
    assert_eq!((answer.error_code, answer.base_offset), (code(ErrorCode::UnknownTopicOrPartition), -1));
    let mut request = producing(-1, "", 0, batch(&["a"]));
    request.topic_data[0].topic_id = ottla_model::Uuid::from_bytes([9; 16]);
    assert_eq!(codes(&client.call(&request, 13).await), [code(ErrorCode::UnknownTopicId)]);
    client.create("t", 1, &[]).await;
    for partition in [-1, 1, i32::MAX] {
        let answer = client.produce(-1, "t", partition, batch(&["a"])).await;
        assert_eq!(answer.error_code, code(ErrorCode::UnknownTopicOrPartition), "partition {partition}");
    }
    stand.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn repeated_batches_of_a_producer_keep_their_offset_and_gaps_are_refused() {
    let stand = Stand::new().await;
    let mut client = stand.client().await;
    client.create("t", 1, &[]).await;
    let request =
        InitProducerIdRequest { transactional_id: None, transaction_timeout_ms: 1000, ..Default::default() };
    let answer = client.ask(&request).await;
    assert_eq!((answer.error_code, answer.producer_epoch), (0, 0));
    let id = answer.producer_id;
    for sequence in 0..7 {
        let sent = idempotent(id, 0, sequence * 2, &["a", "b"]);
        assert_eq!(client.append("t", 0, sent).await, i64::from(sequence) * 2);
    }
    for sequence in 2..7 {
        let again = client.produce(-1, "t", 0, idempotent(id, 0, sequence * 2, &["a", "b"])).await;
        assert_eq!((again.error_code, again.base_offset), (0, i64::from(sequence) * 2));
    }
    let out_of_order = code(ErrorCode::OutOfOrderSequenceNumber);
    for sequence in [0, 15, 13] {
        let refused = client.produce(-1, "t", 0, idempotent(id, 0, sequence, &["a", "b"])).await;
        assert_eq!((refused.error_code, refused.base_offset), (out_of_order, -1), "sequence {sequence}");
    }
    assert_eq!(client.append("t", 0, idempotent(id, 1, 0, &["new epoch"])).await, 14);
    let fenced = client.produce(-1, "t", 0, idempotent(id, 0, 14, &["old"])).await;
    assert_eq!(fenced.error_code, code(ErrorCode::InvalidProducerEpoch));
    assert_eq!(client.read_from("t", 0, 0).await.len(), 15);
    stand.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_clients_may_not_append_is_refused_with_its_code() {
    let stand = Stand::new().await;
    let mut client = stand.client().await;
    client.create("t", 1, &[("max.message.bytes", "200")]).await;
    client.create("__consumer_offsets", 1, &[]).await;
    let plain = || Builder::new(0, Codec::None);
    let mut wrong_crc = batch(&["a"]).to_vec();
    *wrong_crc.last_mut().unwrap() ^= 1;
    let cases = [
        (
            "transactional",
            build(plain().producer(5, 0, 0).transactional(), &["a"]),
            ErrorCode::InvalidTxnState,
        ),
        ("control", build(plain().producer(5, 0, 0).control(), &["a"]), ErrorCode::InvalidRecord),
        ("wrong crc", wrong_crc.into(), ErrorCode::CorruptMessage),
        ("nothing", Bytes::new(), ErrorCode::InvalidRecord),
        ("two", [batch(&["a"]), batch(&["b"])].concat().into(), ErrorCode::InvalidRecord),
        ("too large", batch(&["x".repeat(300).as_str()]), ErrorCode::MessageTooLarge),
    ];
    for (name, records, expected) in cases {
        let answer = client.produce(-1, "t", 0, records).await;
        assert_eq!(answer.error_code, code(expected), "{name}");
        assert!(answer.error_message.is_some_and(|text| !text.is_empty()), "{name} is not explained");
    }
    let internal = client.produce(-1, "__consumer_offsets", 0, batch(&["a"])).await;
    assert_eq!(internal.error_code, code(ErrorCode::InvalidTopicException));
    let mut null = producing(-1, "t", 0, Bytes::new());
    null.topic_data[0].partition_data[0].records = None;
    assert_eq!(codes(&client.call(&null, 12).await), [code(ErrorCode::InvalidRecord)]);
    assert_eq!(client.read_from("t", 0, 0).await, [], "nothing of it was appended");
    stand.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn pipelined_produces_are_answered_in_order_and_appended_in_order() {
    let stand = Stand::new().await;
    let mut client = stand.client().await;
    client.create("t", 1, &[]).await;
    let mut ids = Vec::new();
    for number in 0..50 {
        let acks = if number % 3 == 0 { -1 } else { 1 };
        ids.push(client.send(&producing(acks, "t", 0, batch(&[&number.to_string()])), 12).await);
    }
    for (number, id) in (0..).zip(ids) {
        let response = client.answer::<ProduceRequest>(12, id).await.unwrap();
        assert_eq!(response.responses[0].partition_responses[0].base_offset, number);
    }
    let values: Vec<String> = client.read_from("t", 0, 0).await.into_iter().map(|(_, value)| value).collect();
    assert_eq!(values, (0..50).map(|number| number.to_string()).collect::<Vec<_>>());
    stand.stop().await;
}
