//! What a failing or full disk does: what was promised holds, and the rest is refused with a reason.

use std::io::ErrorKind;
use std::path::Path;
use std::sync::Arc;

use ottla_env::disk::Disk;
use ottla_env::testing::{FaultDisk, MemDisk, Verb};
use ottla_model::ErrorCode;
use ottla_wire::messages::{FetchRequest, ProduceRequest};

use crate::client::{Client, batch, code, fetching, producing};
use crate::stand::{DIR, Ground, Stand};

/// A node on a disk that can fail; `settings` on top of the usual ones.
async fn on_fault_disk(settings: &[(&str, &str)]) -> (FaultDisk, Stand) {
    let disk = FaultDisk::new(Arc::new(MemDisk::new()));
    let ground = Ground::on(disk.clone());
    let ground = settings.iter().fold(ground, |ground, (name, value)| ground.with(name, value));
    (disk, ground.start().await)
}

/// Produces until the answer has this code.
async fn produce_until(client: &mut Client, topic: &str, expected: ErrorCode) {
    while client.produce(1, topic, 0, batch(&["probe"])).await.error_code != code(expected) {
        tokio::task::yield_now().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_to_acks_all_means_that_the_records_are_on_disk() {
    let disk = MemDisk::new();
    let stand = Ground::on(disk.clone()).start().await;
    let mut client = stand.client().await;
    client.create("t", 1, &[]).await;
    let log = Path::new(DIR).join("t-0/00000000000000000000.log");
    let sent = batch(&["kept"]);
    let value = |bytes: &[u8]| bytes.windows(4).any(|window| window == b"kept");
    for seed in 0..20 {
        client.append("t", 0, sent.clone()).await;
        let crashed = disk.crash(seed);
        let file = crashed.open(&log, ottla_env::disk::Open::Read).unwrap();
        let mut bytes = vec![0; sent.len()];
        ottla_env::disk::read_exact_at(&*file, &mut bytes, seed * sent.len() as u64).unwrap();
        assert!(value(&bytes), "seed {seed}");
    }
    stand.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failed_sync_takes_the_only_directory_offline_and_the_node_wishes_to_stop() {
    let (disk, stand) = on_fault_disk(&[]).await;
    let mut client = stand.client().await;
    client.create("t", 2, &[]).await;
    client.append("t", 0, batch(&["kept"])).await;
    assert_eq!((stand.node.offline())(), [] as [String; 0]);
    disk.fail_always(Verb::Sync, "t-0", ErrorKind::Other);
    let answer = client.produce(-1, "t", 0, batch(&["lost"])).await;
    assert_eq!((answer.error_code, answer.base_offset), (code(ErrorCode::KafkaStorageError), -1));
    disk.heal();
    for partition in [0, 1] {
        let answer = client.produce(1, "t", partition, batch(&["refused"])).await;
        assert_eq!(answer.error_code, code(ErrorCode::KafkaStorageError), "a sync is never tried again");
        let read = client.fetch("t", partition, 0).await;
        assert_eq!(read.error_code, code(ErrorCode::KafkaStorageError));
    }
    assert_eq!((stand.node.offline())(), [DIR]);
    assert!(stand.node.wishes_to_stop().await.contains("metadata directory"));
    stand.stop().await;
    let clean = disk.metadata(&Path::new(DIR).join(".kafka_cleanshutdown")).unwrap();
    assert_eq!(clean, None, "no mark of a clean stop after a failure");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failed_write_takes_its_directory_offline() {
    let (disk, stand) = on_fault_disk(&[]).await;
    let mut client = stand.client().await;
    client.create("t", 2, &[]).await;
    disk.fail_always(Verb::Write, "t-0", ErrorKind::Other);
    let answer = client.produce(1, "t", 0, batch(&["lost"])).await;
    assert_eq!(answer.error_code, code(ErrorCode::KafkaStorageError));
    assert_eq!((stand.node.offline())(), [DIR]);
    stand.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_failed_directory_of_two_takes_only_its_partitions_along() {
    let dirs = [("log.dirs", "/one,/two"), ("metadata.log.dir", "/one")];
    let (disk, stand) = on_fault_disk(&dirs).await;
    let (mut client, mut waiting) = (stand.client().await, stand.client().await);
    client.create("t", 6, &[]).await;
    let mut places = Vec::new();
    for partition in 0..6 {
        client.append("t", partition, batch(&["kept"])).await;
        let place = Path::new("/two").join(format!("t-{partition}"));
        places.push(disk.metadata(&place).unwrap().is_some());
    }
    assert!(places.contains(&true) && places.contains(&false), "{places:?}");
    let failing = i32::try_from(places.iter().position(|two| *two).unwrap()).unwrap();
    let mut request = fetching("t", failing, 1);
    request.max_wait_ms = 60_000;
    let parked = waiting.send(&request, 12).await;
    disk.fail_always(Verb::Sync, "/two", ErrorKind::Other);
    let answer = client.produce(-1, "t", failing, batch(&["lost"])).await;
    assert_eq!(answer.error_code, code(ErrorCode::KafkaStorageError));
    // What waits may have been woken by the append before the sync failed.
    waiting.answer::<FetchRequest>(12, parked).await.unwrap();
    assert_eq!((stand.node.offline())(), ["/two"]);
    for (partition, two) in (0..).zip(places) {
        let expected = if two { ErrorCode::KafkaStorageError } else { ErrorCode::None };
        let answer = client.produce(-1, "t", partition, batch(&["more"])).await;
        assert_eq!(answer.error_code, code(expected), "partition {partition}");
        assert_eq!(client.fetch("t", partition, 0).await.error_code, code(expected));
    }
    client.create("new", 2, &[]).await;
    client.append("new", 1, batch(&["a new topic goes where there is a disk"])).await;
    stand.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_nearly_full_disk_takes_no_records_but_gives_and_deletes_them() {
    let (disk, stand) = on_fault_disk(&[]).await;
    let mut client = stand.client().await;
    client.create("t", 1, &[]).await;
    client.create("other", 1, &[]).await;
    client.append("t", 0, batch(&["a", "b"])).await;
    disk.set_free(1 << 20);
    produce_until(&mut client, "t", ErrorCode::KafkaStorageError).await;
    let refused = client.produce(-1, "t", 0, batch(&["c"])).await;
    assert!(refused.error_message.unwrap().contains("free space"), "the producer is told what to do");
    assert_eq!((stand.node.offline())(), [] as [String; 0], "nothing has failed");
    assert_eq!(client.read_from("t", 0, 0).await[0].1, "a");
    assert_eq!(client.delete_records("t", 0, 1).await, Ok(1));
    assert_eq!(client.delete("other").await, 0);
    let while_short = client.try_create("late", 1, &[]).await;
    assert_eq!(while_short.error_code, 0, "metadata goes on");
    produce_until(&mut client, "late", ErrorCode::KafkaStorageError).await;
    disk.set_free(1 << 39);
    produce_until(&mut client, "t", ErrorCode::None).await;
    produce_until(&mut client, "late", ErrorCode::None).await;
    stand.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_disk_refuses_an_append_whole_and_takes_the_next_when_there_is_room() {
    let (disk, stand) = on_fault_disk(&[]).await;
    let mut client = stand.client().await;
    client.create("t", 1, &[]).await;
    client.append("t", 0, batch(&["before"])).await;
    for room in [0, 1, 30, 61, 70] {
        disk.fill_after(room);
        let refused = client.produce(1, "t", 0, batch(&["does not fit"])).await;
        assert_eq!(refused.error_code, code(ErrorCode::KafkaStorageError), "{room} bytes of room");
    }
    disk.heal();
    assert_eq!(client.append("t", 0, batch(&["after"])).await, 1);
    let expected = [(0, "before".to_owned()), (1, "after".to_owned())];
    assert_eq!(client.read_from("t", 0, 0).await, expected);
    stand.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn cold_data_is_served_all_the_same() {
    let (disk, stand) = on_fault_disk(&[]).await;
    let mut client = stand.client().await;
    client.create("t", 1, &[]).await;
    for _ in 0..10 {
        client.append("t", 0, batch(&["a"])).await;
    }
    disk.set_cold(true);
    assert_eq!(client.read_from("t", 0, 0).await.len(), 10);
    stand.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn no_acknowledgement_costs_more_than_one_sync() {
    let (disk, stand) = on_fault_disk(&[]).await;
    let mut client = stand.client().await;
    client.create("t", 1, &[]).await;
    client.append("t", 0, batch(&["first"])).await;
    let syncs = || {
        let log = disk.log();
        log.iter()
            .filter(|(verb, path)| *verb == Verb::Sync && path.ends_with("t-0/00000000000000000000.log"))
            .count()
    };
    let before = syncs();
    let mut ids = Vec::new();
    for _ in 0..200 {
        ids.push(client.send(&producing(-1, "t", 0, batch(&["a"])), 12).await);
    }
    for id in ids {
        let response = client.answer::<ProduceRequest>(12, id).await.unwrap();
        assert_eq!(response.responses[0].partition_responses[0].error_code, 0);
    }
    let rounds = syncs() - before;
    assert!((1..=200).contains(&rounds), "{rounds}");
    stand.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_is_told_so_acknowledges_before_the_disk_does() {
    let (disk, stand) = on_fault_disk(&[("ottla.ack.durable", "never")]).await;
    let mut client = stand.client().await;
    client.create("t", 1, &[]).await;
    let before = disk.log().len();
    client.append("t", 0, batch(&["in memory"])).await;
    let synced = disk.log()[before..]
        .iter()
        .any(|(verb, path)| *verb == Verb::Sync && path.to_string_lossy().contains("t-0"));
    assert!(!synced);
    stand.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_disk_refuses_topics_whole_and_makes_them_when_there_is_room() {
    let (disk, stand) = on_fault_disk(&[]).await;
    let mut client = stand.client().await;
    client.create("before", 1, &[]).await;
    for room in [0, 10, 100] {
        disk.fill_after(room);
        let refused = client.try_create("late", 1, &[]).await;
        assert_eq!(refused.error_code, code(ErrorCode::KafkaStorageError), "{room} bytes of room");
    }
    disk.heal();
    let names: Vec<String> = client.topics().await.into_iter().map(|(name, _)| name).collect();
    assert_eq!(names, ["before"]);
    client.create("late", 1, &[]).await;
    client.append("late", 0, batch(&["a"])).await;
    assert_eq!((stand.node.offline())(), [] as [String; 0]);
    stand.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn data_that_cannot_be_read_harms_only_who_asks_for_it() {
    let (disk, stand) = on_fault_disk(&[]).await;
    let mut client = stand.client().await;
    client.create("t", 2, &[]).await;
    for partition in [0, 1] {
        client.append("t", partition, batch(&["a"])).await;
    }
    disk.fail_always(Verb::Read, "t-0", ErrorKind::Other);
    let mut unlucky = stand.client().await;
    let id = unlucky.send(&fetching("t", 0, 0), 12).await;
    // Either the look into the log fails, which has a code, or the sending, which has none.
    if let Ok(response) = unlucky.answer::<FetchRequest>(12, id).await {
        assert_eq!(response.responses[0].partitions[0].error_code, code(ErrorCode::KafkaStorageError));
    }
    assert_eq!(client.read_from("t", 1, 0).await.len(), 1);
    client.append("t", 1, batch(&["b"])).await;
    disk.heal();
    stand.stop().await;
}
