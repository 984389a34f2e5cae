//! The node's own bounds, and the epochs by which a client finds out that its log goes another way.

use ottla_env::testing::MemDisk;
use ottla_model::ErrorCode;
use ottla_wire::messages::FetchRequest;

use crate::client::{Client, batch, code, fetching, records_of};
use crate::stand::{Ground, Stand};

/// So large that not many fit into a segment.
fn large(kib: usize) -> String {
    "x".repeat(kib * 1024)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_larger_than_a_segment_is_refused() {
    let stand = Stand::new().await;
    let mut client = stand.client().await;
    client.create("t", 1, &[("segment.bytes", "1048576"), ("max.message.bytes", "4000000")]).await;
    let answer = client.produce(-1, "t", 0, batch(&[&large(1100)])).await;
    assert_eq!(answer.error_code, code(ErrorCode::RecordListTooLarge));
    assert_eq!(client.append("t", 0, batch(&[&large(900)])).await, 0, "one that fits is taken");
    stand.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_brokers_own_bound_holds_for_a_fetch_that_asks_for_more() {
    let stand = Ground::on(MemDisk::new()).with("fetch.max.bytes", "2048").start().await;
    let mut client = stand.client().await;
    client.create("t", 1, &[]).await;
    for _ in 0..4 {
        client.append("t", 0, batch(&[&large(1)])).await;
    }
    let response = client.call(&fetching("t", 0, 0), 12).await;
    assert_eq!(records_of(&response.responses[0].partitions[0]).len(), 1, "two would be above 2,048 bytes");
    stand.stop().await;
}

/// A fetch by a client that knows one epoch and has read its last record in another.
async fn fetch_in_epochs(client: &mut Client, offset: i64, known: i32, last: i32) -> (i16, (i32, i64)) {
    let mut request: FetchRequest = fetching("t", 0, offset);
    let asked = &mut request.topics[0].partitions[0];
    (asked.current_leader_epoch, asked.last_fetched_epoch) = (known, last);
    let response = client.call(&request, 12).await;
    let data = &response.responses[0].partitions[0];
    (data.error_code, (data.diverging_epoch.epoch, data.diverging_epoch.end_offset))
}

#[tokio::test(flavor = "multi_thread")]
async fn epochs_tell_a_client_that_it_is_late_early_or_on_another_way() {
    let disk = MemDisk::new();
    let ground = Ground::on(disk.clone());
    let stand = ground.start().await;
    let mut client = stand.client().await;
    client.create("t", 1, &[]).await;
    client.append("t", 0, batch(&["a", "b"])).await;
    let old = client.offset_for("t", 0, -1).await.1;
    let ground = ground.moved_to(disk.crash(1));
    drop(stand);
    let stand = ground.start().await;
    let mut client = stand.client().await;
    client.append("t", 0, batch(&["c"])).await;
    let new = client.offset_for("t", 0, -1).await.1;
    assert!(new > old, "an unclean start begins a new epoch");
    let none = (-1, -1);
    assert_eq!(fetch_in_epochs(&mut client, 0, old, -1).await, (code(ErrorCode::FencedLeaderEpoch), none));
    assert_eq!(
        fetch_in_epochs(&mut client, 0, new + 1, -1).await,
        (code(ErrorCode::UnknownLeaderEpoch), none)
    );
    assert_eq!(fetch_in_epochs(&mut client, 2, new, old).await, (0, none), "the old epoch ends there");
    assert_eq!(
        fetch_in_epochs(&mut client, 3, new, old).await,
        (0, (old, 2)),
        "beyond its end the logs part"
    );
    stand.stop().await;
}
