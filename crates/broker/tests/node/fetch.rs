//! Fetch: what is read, when a wait ends, and how sessions leave out what stands still.

use bytes::Bytes;
use ottla_model::{ErrorCode, Uuid};
use ottla_wire::Records;
use ottla_wire::messages::fetch_request::{FetchTopic, ForgottenTopic};
use ottla_wire::messages::{FetchRequest, FetchResponse};

use crate::client::{batch, code, fetching, records_of};
use crate::stand::Stand;

/// All partitions of an answer by topic and number.
fn told(response: &FetchResponse) -> Vec<i32> {
    response.responses.iter().flat_map(|topic| &topic.partitions).map(|one| one.partition_index).collect()
}

fn with(mut request: FetchRequest, min_bytes: i32, max_wait_ms: i32) -> FetchRequest {
    (request.min_bytes, request.max_wait_ms) = (min_bytes, max_wait_ms);
    request
}

#[tokio::test(flavor = "multi_thread")]
async fn whole_batches_are_read_from_the_one_that_holds_the_offset() {
    let stand = Stand::new().await;
    let mut client = stand.client().await;
    client.create("t", 1, &[]).await;
    client.append("t", 0, batch(&["a", "b", "c"])).await;
    client.append("t", 0, batch(&["d", "e"])).await;
    let data = client.fetch("t", 0, 1).await;
    let offsets: Vec<i64> = records_of(&data).iter().map(|(offset, _)| *offset).collect();
    assert_eq!(offsets, [0, 1, 2, 3, 4]);
    assert_eq!((data.high_watermark, data.last_stable_offset, data.log_start_offset), (5, 5, 0));
    assert_eq!(data.aborted_transactions, None);
    assert_eq!(records_of(&client.fetch("t", 0, 4).await).len(), 2);
    stand.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fetch_that_waits_is_woken_by_a_produce() {
    let stand = Stand::new().await;
    let (mut reader, mut writer) = (stand.client().await, stand.client().await);
    writer.create("t", 1, &[]).await;
    writer.append("t", 0, batch(&["before"])).await;
    let request = with(fetching("t", 0, 1), 1, 60_000);
    let id = reader.send(&request, 12).await;
    for acks in [0, 1] {
        writer.send(&crate::client::producing(acks, "t", 0, batch(&["after"])), 12).await;
    }
    let response = reader.answer::<FetchRequest>(12, id).await.unwrap();
    assert_eq!(records_of(&response.responses[0].partitions[0])[0], (1, "after".to_owned()));
    stand.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fetch_waits_until_there_are_bytes_enough() {
    let stand = Stand::new().await;
    let (mut reader, mut writer) = (stand.client().await, stand.client().await);
    writer.create("t", 2, &[]).await;
    let one = batch(&["0123456789"]);
    let mut request = with(fetching("t", 0, 0), i32::try_from(3 * one.len()).unwrap(), 60_000);
    request.topics.extend(fetching("t", 1, 0).topics);
    let id = reader.send(&request, 12).await;
    for partition in [0, 1, 0] {
        writer.append("t", partition, one.clone()).await;
    }
    let response = reader.answer::<FetchRequest>(12, id).await.unwrap();
    let count: usize =
        response.responses.iter().flat_map(|topic| &topic.partitions).map(|one| records_of(one).len()).sum();
    assert_eq!(count, 3);
    stand.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wait_that_expires_answers_empty_records_that_are_not_null() {
    let stand = Stand::new().await;
    let mut client = stand.client().await;
    client.create("t", 1, &[]).await;
    for version in 4..=12 {
        let begin = std::time::Instant::now();
        let response = client.call(&with(fetching("t", 0, 0), 1, 40), version).await;
        assert!(begin.elapsed().as_millis() >= 40, "version {version} did not wait");
        let data = &response.responses[0].partitions[0];
        assert_eq!((data.error_code, data.high_watermark), (0, 0));
        assert_eq!(data.records, Some(Records::Bytes(Bytes::new())));
    }
    stand.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_waits_ends_when_the_topic_is_deleted() {
    let stand = Stand::new().await;
    let (mut reader, mut writer) = (stand.client().await, stand.client().await);
    let topic_id = writer.create("t", 1, &[]).await;
    let by_name = reader.send(&with(fetching("t", 0, 0), 1, 60_000), 12).await;
    let mut request = with(fetching("", 0, 0), 1, 60_000);
    request.topics[0].topic_id = topic_id;
    let by_id = reader.send(&request, 17).await;
    assert_eq!(writer.delete("t").await, 0);
    let name = reader.answer::<FetchRequest>(12, by_name).await.unwrap();
    assert_eq!(name.responses[0].partitions[0].error_code, code(ErrorCode::UnknownTopicOrPartition));
    let id = reader.answer::<FetchRequest>(17, by_id).await.unwrap();
    assert_eq!(id.responses[0].partitions[0].error_code, code(ErrorCode::UnknownTopicId));
    stand.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn bounds_hold_but_the_first_batch_is_always_sent() {
    let stand = Stand::new().await;
    let mut client = stand.client().await;
    client.create("t", 3, &[]).await;
    let large = "x".repeat(1000);
    for partition in 0..3 {
        for _ in 0..3 {
            client.append("t", partition, batch(&[&large])).await;
        }
    }
    let size = i32::try_from(batch(&[&large]).len()).unwrap();
    let count = |response: &FetchResponse| -> Vec<usize> {
        response
            .responses
            .iter()
            .flat_map(|topic| &topic.partitions)
            .map(|one| records_of(one).len())
            .collect()
    };
    for (max_bytes, partition_max_bytes, expected) in [
        (1, 1, [1, 0, 0]),
        (0, 0, [1, 0, 0]),
        (-1, -1, [1, 0, 0]),
        (i32::MAX, 1, [1, 0, 0]),
        (i32::MAX, size, [1, 1, 1]),
        (i32::MAX, i32::MAX, [3, 3, 3]),
        (2 * size, i32::MAX, [2, 0, 0]),
        (4 * size, i32::MAX, [3, 1, 0]),
    ] {
        let mut request = fetching("t", 0, 0);
        request
            .topics
            .extend([fetching("t", 1, 0), fetching("t", 2, 0)].into_iter().flat_map(|it| it.topics));
        request.max_bytes = max_bytes;
        for topic in &mut request.topics {
            topic.partitions[0].partition_max_bytes = partition_max_bytes;
        }
        let response = client.call(&request, 12).await;
        assert_eq!(count(&response), expected, "{max_bytes} {partition_max_bytes}");
    }
    stand.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn errors_of_a_partition_are_told_at_once_with_their_codes() {
    let stand = Stand::new().await;
    let mut client = stand.client().await;
    let id = client.create("t", 1, &[]).await;
    client.append("t", 0, batch(&["a", "b"])).await;
    let epoch = client.offset_for("t", 0, -1).await.1;
    let mut cases = vec![("no such topic", fetching("nowhere", 0, 0), ErrorCode::UnknownTopicOrPartition)];
    cases.push(("no such partition", fetching("t", 7, 0), ErrorCode::UnknownTopicOrPartition));
    for offset in [-1, 3, i64::MAX, i64::MIN] {
        cases.push(("offset", fetching("t", 0, offset), ErrorCode::OffsetOutOfRange));
    }
    for (known, error) in
        [(epoch + 1, ErrorCode::UnknownLeaderEpoch), (epoch - 1, ErrorCode::FencedLeaderEpoch)]
    {
        // An epoch below zero would mean none.
        if known >= 0 {
            let mut request = fetching("t", 0, 0);
            request.topics[0].partitions[0].current_leader_epoch = known;
            cases.push(("epoch", request, error));
        }
    }
    for (name, request, error) in cases {
        let response = client.call(&with(request, 1, 60_000), 12).await;
        let data = &response.responses[0].partitions[0];
        assert_eq!(data.error_code, code(error), "{name}");
        assert_eq!(data.records, Some(Records::Bytes(Bytes::new())), "{name}");
    }
    for (topic_id, error) in [(id, ErrorCode::None), (Uuid::from_bytes([9; 16]), ErrorCode::UnknownTopicId)] {
        let mut request = fetching("", 0, 0);
        request.topics[0].topic_id = topic_id;
        let response = client.call(&with(request, 1, 60_000), 18).await;
        assert_eq!(response.responses[0].topic_id, topic_id);
        assert_eq!(response.responses[0].partitions[0].error_code, code(error));
    }
    stand.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn readers_of_committed_data_get_a_list_of_aborted_transactions() {
    let stand = Stand::new().await;
    let mut client = stand.client().await;
    client.create("t", 1, &[]).await;
    client.append("t", 0, batch(&["a"])).await;
    let mut request = fetching("t", 0, 0);
    request.isolation_level = 1;
    let response = client.call(&request, 12).await;
    let data = &response.responses[0].partitions[0];
    assert_eq!(data.aborted_transactions, Some(Vec::new()));
    assert_eq!((records_of(data).len(), data.last_stable_offset), (1, 1));
    stand.stop().await;
}

/// A fetch of a session, naming these partitions.
fn in_session(id: i32, epoch: i32, partitions: &[(i32, i64)]) -> FetchRequest {
    let topics = partitions.iter().flat_map(|(partition, offset)| fetching("t", *partition, *offset).topics);
    FetchRequest {
        min_bytes: 1,
        max_bytes: 1 << 20,
        session_id: id,
        session_epoch: epoch,
        topics: topics.collect::<Vec<FetchTopic>>(),
        ..Default::default()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_tells_what_moved_and_leaves_out_the_rest() {
    let stand = Stand::new().await;
    let mut client = stand.client().await;
    client.create("t", 3, &[]).await;
    client.append("t", 1, batch(&["a"])).await;
    let full = client.call(&in_session(0, 0, &[(0, 0), (1, 0), (2, 0)]), 12).await;
    let id = full.session_id;
    assert_ne!(id, 0);
    assert_eq!(told(&full), [0, 1, 2], "the first answer tells everything");
    let still = client.call(&in_session(id, 1, &[(1, 1)]), 12).await;
    assert_eq!((still.session_id, told(&still)), (id, vec![]));
    client.append("t", 2, batch(&["b"])).await;
    let moved = client.call(&in_session(id, 2, &[]), 12).await;
    assert_eq!(told(&moved), [2]);
    let mut forget = in_session(id, 3, &[(0, 0)]);
    forget.forgotten_topics_data =
        vec![ForgottenTopic { topic: "t".into(), partitions: vec![2], ..Default::default() }];
    assert_eq!(told(&client.call(&forget, 12).await), [] as [i32; 0]);
    let stale = client.call(&in_session(id, 3, &[]), 12).await;
    assert_eq!(stale.error_code, code(ErrorCode::InvalidFetchSessionEpoch));
    let unknown = client.call(&in_session(id.wrapping_add(1), 1, &[]), 12).await;
    assert_eq!(unknown.error_code, code(ErrorCode::FetchSessionIdNotFound));
    let ids = client.call(&in_session(id, 4, &[]), 13).await;
    assert_eq!(ids.error_code, code(ErrorCode::FetchSessionTopicIdError));
    let closed = client.call(&in_session(id, -1, &[(0, 0)]), 12).await;
    assert_eq!((closed.error_code, closed.session_id, told(&closed)), (0, 0, vec![0]));
    let gone = client.call(&in_session(id, 4, &[]), 12).await;
    assert_eq!(gone.error_code, code(ErrorCode::FetchSessionIdNotFound));
    stand.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_that_waits_is_woken_and_tells_of_the_deleted_topic() {
    let stand = Stand::new().await;
    let (mut reader, mut writer) = (stand.client().await, stand.client().await);
    writer.create("t", 2, &[]).await;
    let full = reader.call(&in_session(0, 0, &[(0, 0), (1, 0)]), 12).await;
    let id = reader.send(&with(in_session(full.session_id, 1, &[]), 1, 60_000), 12).await;
    writer.append("t", 1, batch(&["a"])).await;
    let woken = reader.answer::<FetchRequest>(12, id).await.unwrap();
    assert_eq!(told(&woken), [1]);
    let id = reader.send(&with(in_session(full.session_id, 2, &[(1, 1)]), 1, 60_000), 12).await;
    assert_eq!(writer.delete("t").await, 0);
    let gone = reader.answer::<FetchRequest>(12, id).await.unwrap();
    assert_eq!(told(&gone), [0, 1]);
    let unknown = code(ErrorCode::UnknownTopicOrPartition);
    assert!(gone.responses.iter().flat_map(|topic| &topic.partitions).all(|one| one.error_code == unknown));
    stand.stop().await;
}
