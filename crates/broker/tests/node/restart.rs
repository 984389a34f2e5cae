//! What a stop and a start keep, and what is found in directories.

use std::io::IoSlice;
use std::path::{Path, PathBuf};

use ottla_env::disk::{Disk, Open, RealDisk};
use ottla_env::testing::MemDisk;
use ottla_model::{ErrorCode, Uuid};
use ottla_record::{Limits, Records, Scratch};
use ottla_wire::MetadataRecord;
use ottla_wire::messages::metadata_response::MetadataResponsePartition;

use crate::client::{Client, TOPIC, batch, code, idempotent};
use crate::stand::{DIR, Ground, Stand};

async fn started(ground: &Ground) -> (Stand, Client) {
    let stand = ground.start().await;
    let client = stand.client().await;
    (stand, client)
}

/// Names in the log directory that contain a text.
fn names_with(disk: &dyn Disk, text: &str) -> Vec<String> {
    let names = disk.list(Path::new(DIR)).unwrap().into_iter().map(|entry| entry.name);
    names.filter(|name| name.contains(text)).collect()
}

fn in_dir(name: &str) -> PathBuf {
    Path::new(DIR).join(name)
}

async fn partition(client: &mut Client, topic: &str) -> MetadataResponsePartition {
    client.topic(topic, false).await.partitions.remove(0)
}

/// What the metadata log says of recoveries of partitions, in its order.
fn recovery_states(disk: &dyn Disk) -> Vec<i8> {
    let log = disk.open(&in_dir("__cluster_metadata-0/00000000000000000000.log"), Open::Read).unwrap();
    let mut bytes = vec![0; usize::try_from(log.len().unwrap()).unwrap()];
    ottla_env::disk::read_exact_at(&*log, &mut bytes, 0).unwrap();
    let mut states = Vec::new();
    for batch in
        ottla_record::batches(&bytes).map(Result::unwrap).filter(|batch| !batch.header().is_control())
    {
        let mut scratch = Scratch::default();
        let mut records = Records::new(&batch, Limits::TRUSTED, &mut scratch).unwrap();
        while let Some(record) = records.next_record().unwrap() {
            let value = bytes::Bytes::copy_from_slice(record.value.unwrap());
            if let Ok((MetadataRecord::PartitionChange(change), _)) = MetadataRecord::decode(value) {
                states.extend(Some(change.leader_recovery_state).filter(|state| *state >= 0));
            }
        }
    }
    states
}

/// A node with a topic of each kind of state; the answers before the stop are asked again after the start.
async fn keeps_everything(ground: Ground) {
    let (stand, mut client) = started(&ground).await;
    let cluster = stand.facts().cluster_id.clone();
    let id = client.create("t", 2, &[("retention.ms", "12345678")]).await;
    for sequence in 0..7 {
        client.append("t", 0, idempotent(77, 2, sequence, &["a"])).await;
    }
    client.append("t", 1, batch(&["x", "y", "z"])).await;
    assert_eq!(client.delete_records("t", 1, 2).await, Ok(2));
    assert_eq!(client.configure(TOPIC, "t", "max.message.bytes", "2000").await, 0);
    let epoch = partition(&mut client, "t").await.leader_epoch;
    drop(client);
    stand.stop().await;
    let (stand, mut client) = started(&ground).await;
    assert_eq!(stand.facts().cluster_id, cluster);
    assert_eq!(client.topics().await, [("t".to_owned(), id)]);
    assert_eq!(client.read_from("t", 0, 0).await.len(), 7);
    assert_eq!(client.read_from("t", 1, 2).await, [(2, "z".to_owned())]);
    assert_eq!(client.fetch("t", 1, 1).await.error_code, code(ErrorCode::OffsetOutOfRange));
    assert_eq!(client.offset_for("t", 1, -2).await.0, 2);
    for sequence in 2..7 {
        let again = client.produce(-1, "t", 0, idempotent(77, 2, sequence, &["a"])).await;
        // Kafka's snapshot, and so ours, keeps the last batch of each producer only.
        let expected = if sequence == 6 { (0, 6) } else { (code(ErrorCode::OutOfOrderSequenceNumber), -1) };
        assert_eq!((again.error_code, again.base_offset), expected, "sequence {sequence}");
    }
    let fenced = client.produce(-1, "t", 0, idempotent(77, 1, 7, &["a"])).await;
    assert_eq!(fenced.error_code, code(ErrorCode::InvalidProducerEpoch));
    assert_eq!(client.append("t", 0, idempotent(77, 2, 7, &["b"])).await, 7);
    let large = client.produce(-1, "t", 1, batch(&["x".repeat(3000).as_str()])).await;
    assert_eq!(large.error_code, code(ErrorCode::MessageTooLarge));
    let after = partition(&mut client, "t").await;
    assert!(after.leader_epoch > epoch, "a start is a new leadership");
    assert_eq!((after.leader_id, after.isr_nodes), (1, vec![1]));
    drop(client);
    stand.stop().await;
    let (stand, mut client) = started(&ground).await;
    assert_eq!(client.read_from("t", 0, 0).await.len(), 8);
    stand.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clean_stop_keeps_everything_on_a_disk_in_memory() {
    keeps_everything(Ground::on(MemDisk::new())).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clean_stop_keeps_everything_on_a_real_disk() {
    let dir = tempfile::tempdir().unwrap();
    keeps_everything(Ground::on(RealDisk).with("log.dirs", dir.path().to_str().unwrap())).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clean_stop_leaves_its_mark_and_a_start_takes_it() {
    let disk = MemDisk::new();
    let ground = Ground::on(disk.clone());
    let mark = in_dir(".kafka_cleanshutdown");
    for _ in 0..2 {
        let (stand, _client) = started(&ground).await;
        assert_eq!(disk.metadata(&mark).unwrap(), None);
        stand.stop().await;
        assert!(disk.metadata(&mark).unwrap().is_some());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unclean_start_begins_a_new_epoch_before_the_first_append() {
    let disk = MemDisk::new();
    let ground = Ground::on(disk.clone());
    let (stand, mut client) = started(&ground).await;
    client.create("t", 1, &[]).await;
    client.append("t", 0, batch(&["a"])).await;
    let before = partition(&mut client, "t").await.leader_epoch;
    let ground = ground.moved_to(disk.kill());
    drop(stand);
    let (stand, mut client) = started(&ground).await;
    let after = partition(&mut client, "t").await;
    assert!(after.leader_epoch > before);
    assert_eq!((after.leader_id, after.isr_nodes.clone(), after.error_code), (1, vec![1], 0));
    client.append("t", 0, batch(&["b"])).await;
    let epoch_of_b = client.offset_for("t", 0, -1).await.1;
    assert_eq!(epoch_of_b, after.leader_epoch);
    assert_eq!(client.offset_for("t", 0, -2).await, (0, before), "the record before keeps its epoch");
    stand.stop().await;
    let (recovering, recovered) = (1, 0);
    assert_eq!(recovery_states(&*ground.disk), [recovering, recovered], "an unclean election, and its end");
    let (stand, mut client) = started(&ground).await;
    assert_eq!(partition(&mut client, "t").await.isr_nodes, [1]);
    assert_eq!(client.read_from("t", 0, 0).await.len(), 2);
    stand.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deleted_topic_stays_deleted_and_its_files_go() {
    let disk = MemDisk::new();
    let ground = Ground::on(disk.clone()).with("log.segment.delete.delay.ms", "0");
    let (stand, mut client) = started(&ground).await;
    client.create("t", 2, &[]).await;
    client.append("t", 0, batch(&["a"])).await;
    assert_eq!(client.delete("t").await, 0);
    assert_eq!(client.delete("t").await, code(ErrorCode::UnknownTopicOrPartition));
    let gone = client.produce(-1, "t", 0, batch(&["b"])).await;
    assert_eq!(gone.error_code, code(ErrorCode::UnknownTopicOrPartition));
    assert!(names_with(&disk, "t-").iter().all(|name| name.ends_with("-delete")));
    while !names_with(&disk, "-delete").is_empty() {
        tokio::task::yield_now().await;
    }
    stand.stop().await;
    let (stand, mut client) = started(&ground).await;
    assert_eq!(client.topics().await, []);
    stand.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_to_be_removed_is_removed_by_the_next_start() {
    let disk = MemDisk::new();
    let ground = Ground::on(disk.clone());
    let (stand, mut client) = started(&ground).await;
    client.create("t", 2, &[]).await;
    assert_eq!(client.delete("t").await, 0);
    assert_eq!(names_with(&disk, "-delete").len(), 2, "removed a minute later only");
    stand.stop().await;
    let (stand, mut client) = started(&ground).await;
    while !names_with(&disk, "-delete").is_empty() {
        tokio::task::yield_now().await;
    }
    assert_eq!(client.topics().await, []);
    stand.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_topic_made_anew_has_another_id_and_no_old_records() {
    let disk = MemDisk::new();
    let ground = Ground::on(disk.clone());
    let (stand, mut client) = started(&ground).await;
    let first = client.create("t", 1, &[]).await;
    client.append("t", 0, idempotent(5, 0, 0, &["old"])).await;
    assert_eq!(client.delete("t").await, 0);
    let second = client.create("t", 1, &[]).await;
    assert_ne!(first, second);
    assert_eq!(client.read_from("t", 0, 0).await, []);
    assert_eq!(client.append("t", 0, idempotent(5, 0, 0, &["new"])).await, 0);
    // After the process was killed, and after a clean stop.
    let (killed, mut client) = started(&ground.moved_to(disk.kill())).await;
    assert_eq!(client.topics().await, [("t".to_owned(), second)]);
    assert_eq!(client.read_from("t", 0, 0).await, [(0, "new".to_owned())]);
    killed.stop().await;
    stand.stop().await;
    let (stand, mut client) = started(&ground).await;
    assert_eq!(client.topics().await, [("t".to_owned(), second)]);
    assert_eq!(client.read_from("t", 0, 0).await, [(0, "new".to_owned())]);
    stand.stop().await;
}

fn write(disk: &dyn Disk, path: &Path, text: &str) {
    let file = disk.open(path, Open::Create).unwrap();
    file.set_len(0).unwrap();
    file.write_at(&mut [IoSlice::new(text.as_bytes())], 0).unwrap();
    file.sync().unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_directory_of_another_topic_is_put_away_and_nothing_of_it_is_served() {
    let disk = MemDisk::new();
    let ground = Ground::on(disk.clone());
    let (stand, mut client) = started(&ground).await;
    client.create("t", 1, &[]).await;
    client.append("t", 0, batch(&["other's"])).await;
    stand.stop().await;
    let other = Uuid::from_bytes([9; 16]);
    write(&disk, &in_dir("t-0/partition.metadata"), &format!("version: 0\ntopic_id: {other}"));
    disk.create_dir_all(&in_dir("unknown-3")).unwrap();
    let (stand, mut client) = started(&ground).await;
    assert_eq!(client.topics().await.len(), 1);
    assert_eq!(names_with(&disk, "-stray").len(), 2, "kept for the operator");
    assert_eq!(client.read_from("t", 0, 0).await, []);
    client.append("t", 0, batch(&["ours"])).await;
    stand.stop().await;
    let (stand, mut client) = started(&ground).await;
    assert_eq!(client.read_from("t", 0, 0).await, [(0, "ours".to_owned())]);
    assert_eq!(names_with(&disk, "-stray").len(), 2);
    stand.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_without_an_id_is_adopted_by_the_topic_of_its_name() {
    let disk = MemDisk::new();
    let ground = Ground::on(disk.clone());
    let (stand, mut client) = started(&ground).await;
    let id = client.create("t", 1, &[]).await;
    client.append("t", 0, batch(&["a"])).await;
    stand.stop().await;
    let file = in_dir("t-0/partition.metadata");
    disk.remove_file(&file).unwrap();
    let (stand, mut client) = started(&ground).await;
    assert_eq!(client.read_from("t", 0, 0).await, [(0, "a".to_owned())]);
    let written = disk.open(&file, Open::Read).unwrap();
    let mut text = vec![0; usize::try_from(written.len().unwrap()).unwrap()];
    ottla_env::disk::read_exact_at(&*written, &mut text, 0).unwrap();
    assert!(String::from_utf8(text).unwrap().contains(&id.to_string()));
    stand.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_directory_that_vanished_is_made_again_empty() {
    let disk = MemDisk::new();
    let ground = Ground::on(disk.clone());
    let (stand, mut client) = started(&ground).await;
    client.create("t", 1, &[]).await;
    client.append("t", 0, batch(&["a"])).await;
    stand.stop().await;
    disk.remove_dir_all(&in_dir("t-0")).unwrap();
    let (stand, mut client) = started(&ground).await;
    assert_eq!(client.read_from("t", 0, 0).await, []);
    assert_eq!(client.append("t", 0, batch(&["b"])).await, 0);
    stand.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_directory_in_use_or_of_another_cluster_stops_the_start_with_a_line() {
    let disk = MemDisk::new();
    let ground = Ground::on(disk.clone());
    let (stand, _client) = started(&ground).await;
    let Err(error) = ground.try_start().await else { panic!("two nodes have one directory") };
    assert!(error.to_string().contains("in use"), "{error}");
    stand.stop().await;
    let meta =
        "version=1\ncluster.id=other-cluster-000000000\nnode.id=1\ndirectory.id=AAAAAAAAAAAAAAAAAAAAAQ\n";
    disk.create_dir_all(Path::new("/second")).unwrap();
    write(&disk, Path::new("/second/meta.properties"), meta);
    let two = ground.clone().with("log.dirs", &format!("{DIR},/second"));
    let Err(error) = two.try_start().await else { panic!("two clusters have one node") };
    let text = error.to_string();
    assert!(text.contains("cluster") && !text.contains('\n'), "{text}");
    let Err(error) = ground.clone().with("node.id", "2").try_start().await else { panic!("another node") };
    assert!(error.to_string().contains("node.id=2"), "{error}");
    let (stand, _client) = started(&ground).await;
    stand.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_directory_that_is_added_gets_an_identity_and_new_logs() {
    let disk = MemDisk::new();
    let ground = Ground::on(disk.clone());
    let (stand, mut client) = started(&ground).await;
    client.create("t", 1, &[]).await;
    client.append("t", 0, batch(&["a"])).await;
    stand.stop().await;
    let two = ground.with("log.dirs", &format!("{DIR},/more")).with("metadata.log.dir", DIR);
    for round in 0..2 {
        let (stand, mut client) = started(&two).await;
        assert_eq!(client.read_from("t", 0, 0).await.len(), 1);
        if round == 0 {
            client.create("new", 4, &[]).await;
        }
        for partition in 0..4 {
            assert_eq!(client.append("new", partition, batch(&["b"])).await, round);
        }
        stand.stop().await;
    }
    assert!(disk.metadata(Path::new("/more/meta.properties")).unwrap().is_some());
    let more = disk.list(Path::new("/more")).unwrap();
    assert!(more.iter().any(|entry| entry.name.starts_with("new-")), "{more:?}");
}
