//! Power loss: what was acknowledged is there again, what is there is a prefix of what was sent.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use ottla_env::disk::Disk;
use ottla_env::testing::{FaultDisk, MemDisk, Sequence};
use ottla_wire::messages::ProduceRequest;

use crate::client::{Client, batch, encoded, framed, idempotent, producing};
use crate::stand::{DIR, Ground, Stand};

/// Starts after the power went, by each seed; more with `OTTLA_CRASH_SEEDS`.
fn seeds() -> u64 {
    std::env::var("OTTLA_CRASH_SEEDS").ok().and_then(|text| text.parse().ok()).unwrap_or(40)
}

/// What each partition has been sent, and how much of it was answered.
#[derive(Default)]
struct Sent {
    values: BTreeMap<i32, Vec<String>>,
    /// By a node that said `acks=all`: on disk.
    durable: BTreeMap<i32, usize>,
    /// With any acks: written, and gone only with the machine.
    written: BTreeMap<i32, usize>,
}

impl Sent {
    /// Sends a few requests at once and waits for some of the answers, so that the power goes in the middle.
    async fn work(&mut self, client: &mut Client, luck: &mut Sequence) {
        let mut on_the_way = Vec::new();
        for _ in 0..6 + luck.below(20) {
            let partition = i32::try_from(luck.below(3)).unwrap();
            let values = self.values.entry(partition).or_default();
            let new: Vec<String> = (0..1 + luck.below(4))
                .map(|_| {
                    format!("{}-{}", luck.below(1000), "x".repeat(usize::try_from(luck.below(700)).unwrap()))
                })
                .collect();
            values.extend(new.iter().cloned());
            let texts: Vec<&str> = new.iter().map(String::as_str).collect();
            let acks = if luck.one_in(5) { 1 } else { -1 };
            let id = client.send(&producing(acks, "t", partition, batch(&texts)), 12).await;
            on_the_way.push((id, partition, values.len(), acks));
        }
        let awaited = usize::try_from(luck.below(on_the_way.len() as u64 + 1)).unwrap();
        for (id, partition, end, acks) in on_the_way.into_iter().take(awaited) {
            let response = client.answer::<ProduceRequest>(12, id).await.unwrap();
            let answer = &response.responses[0].partition_responses[0];
            assert_eq!(answer.error_code, 0, "{:?}", answer.error_message);
            self.written.insert(partition, end);
            if acks == -1 {
                self.durable.insert(partition, end);
            }
        }
    }

    /// Everything acknowledged is there, and what is there is a prefix. From then on, what is there is what was sent.
    async fn check(&mut self, client: &mut Client, seed: u64, power_was_lost: bool) {
        for (partition, sent) in &mut self.values {
            let read = client.read_from("t", *partition, 0).await;
            let offsets: Vec<i64> = read.iter().map(|(offset, _)| *offset).collect();
            assert_eq!(offsets, (0..i64::try_from(read.len()).unwrap()).collect::<Vec<_>>(), "seed {seed}");
            let read: Vec<String> = read.into_iter().map(|(_, value)| value).collect();
            assert!(read.len() <= sent.len() && read[..] == sent[..read.len()], "seed {seed}: no prefix");
            let promised = if power_was_lost { &self.durable } else { &self.written };
            let acknowledged = promised.get(partition).copied().unwrap_or(0);
            assert!(read.len() >= acknowledged, "seed {seed}: {} of {acknowledged} are there", read.len());
            assert_eq!(client.offset_for("t", *partition, -1).await.0, i64::try_from(read.len()).unwrap());
            sent.truncate(read.len());
            // What is read after a start has been made durable by it, or is in doubt no longer: the epoch has risen.
            self.written.insert(*partition, sent.len());
        }
    }
}

async fn started(ground: &Ground) -> (Stand, Client) {
    let stand = ground.start().await;
    let client = stand.client().await;
    (stand, client)
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_acknowledged_survives_power_losses_one_after_the_other() {
    for seed in 0..seeds() {
        let mut luck = Sequence::new(seed);
        let mut disk = MemDisk::new();
        let mut ground = Ground::on(disk.clone());
        let (mut stand, mut client) = started(&ground).await;
        client.create("t", 3, &[("segment.bytes", "1048576")]).await;
        let (mut sent, mut epoch) = (Sent::default(), 0);
        for _ in 0..4 {
            sent.work(&mut client, &mut luck).await;
            let power_was_lost = !luck.one_in(3);
            if !power_was_lost {
                // The process ends, not the machine: what was written stays.
                disk = disk.kill();
            } else {
                disk = disk.crash(luck.number());
            }
            ground = ground.moved_to(disk.clone());
            // The old node lives on a while, on a disk that is no longer there.
            let (next, other) = started(&ground).await;
            drop(std::mem::replace(&mut stand, next));
            client = other;
            sent.check(&mut client, seed, power_was_lost).await;
            let now = client.offset_for("t", 0, -1).await.1;
            assert!(now > epoch, "an unclean start begins a new epoch");
            epoch = now;
        }
        drop(stand);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn topics_that_were_answered_survive_power_losses() {
    for seed in 0..seeds() / 2 {
        let mut disk = MemDisk::new();
        let mut ground = Ground::on(disk.clone());
        let mut expected = BTreeMap::new();
        for round in 0..3 {
            let (stand, mut client) = started(&ground).await;
            let mut found: Vec<_> = client.topics().await;
            found.sort();
            assert_eq!(found, expected.clone().into_iter().collect::<Vec<_>>(), "seed {seed} round {round}");
            for number in 0..3 {
                let name = format!("topic-{round}-{number}");
                let id = client.create(&name, 1 + number, &[("retention.ms", "1000000")]).await;
                client.append(&name, 0, batch(&["usable at once"])).await;
                expected.insert(name, id);
            }
            if round > 0 {
                let gone = format!("topic-{}-0", round - 1);
                assert_eq!(client.delete(&gone).await, 0);
                expected.remove(&gone);
            }
            disk = disk.crash(seed * 10 + round);
            ground = ground.moved_to(disk.clone());
            drop(stand);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deleted_start_and_a_sequence_survive_a_power_loss() {
    for seed in 0..seeds() / 2 {
        let disk = MemDisk::new();
        let ground = Ground::on(disk.clone());
        let (stand, mut client) = started(&ground).await;
        client.create("t", 1, &[]).await;
        for sequence in 0..6 {
            client.append("t", 0, idempotent(9, 0, sequence, &["a"])).await;
        }
        assert_eq!(client.delete_records("t", 0, 2).await, Ok(2));
        let ground = ground.moved_to(disk.crash(seed));
        drop(stand);
        let (stand, mut client) = started(&ground).await;
        assert_eq!(client.offset_for("t", 0, -2).await.0, 2, "the start that was answered");
        let again = client.produce(-1, "t", 0, idempotent(9, 0, 5, &["a"])).await;
        assert_eq!((again.error_code, again.base_offset), (0, 5), "a retry after the power loss is known");
        assert_eq!(client.append("t", 0, idempotent(9, 0, 6, &["b"])).await, 6);
        drop(stand);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_retry_is_acknowledged_when_its_first_attempt_is_on_disk() {
    for seed in 0..seeds() {
        let disk = MemDisk::new();
        let ground = Ground::on(disk.clone());
        let (mut stand, mut client) = started(&ground).await;
        client.create("t", 1, &[]).await;
        let sent = idempotent(9, 0, 0, &["kept"]);
        let first = client.produce(1, "t", 0, sent.clone()).await;
        assert_eq!((first.error_code, first.base_offset), (0, 0));
        let mut disk = disk;
        let mut ground = ground;
        if seed % 2 == 0 {
            // The process ends in between: the next one finds the record in memory only.
            disk = disk.kill();
            ground = ground.moved_to(disk.clone());
            let (next, other) = started(&ground).await;
            drop(std::mem::replace(&mut stand, next));
            client = other;
        }
        assert_eq!(client.append("t", 0, sent).await, 0);
        let ground = ground.moved_to(disk.crash(seed));
        let (next, mut client) = started(&ground).await;
        assert_eq!(client.read_from("t", 0, 0).await, [(0, "kept".to_owned())], "seed {seed}");
        drop((stand, next));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn flush_messages_makes_every_answer_wait_for_the_disk() {
    for seed in 0..seeds() / 4 {
        let disk = MemDisk::new();
        // Without it an acknowledgement would rest on memory here, and acks=1 everywhere.
        let ground = Ground::on(disk.clone()).with("ottla.ack.durable", "never");
        let (stand, mut client) = started(&ground).await;
        client.create("t", 1, &[("flush.messages", "1")]).await;
        for (acks, offset) in [(1, 0), (-1, 1)] {
            let answer = client.produce(acks, "t", 0, batch(&["kept"])).await;
            assert_eq!((answer.error_code, answer.base_offset), (0, offset));
        }
        let ground = ground.moved_to(disk.crash(seed));
        let (next, mut client) = started(&ground).await;
        let kept = "kept".to_owned();
        assert_eq!(client.read_from("t", 0, 0).await, [(0, kept.clone()), (1, kept)], "seed {seed}");
        drop(stand);
        next.stop().await;
    }
}

/// A start on this disk that loses power after so many changes; what the machine then finds. `None` when the start came through.
async fn interrupted(disk: &MemDisk, ground: &Ground, changes: u64) -> Option<MemDisk> {
    let failing = FaultDisk::new(Arc::new(disk.clone()));
    failing.stop_after(changes);
    let started = ground.moved_to(failing.clone()).try_start().await;
    let stopped = started.is_err() || failing.log().len() as u64 > changes;
    drop(started);
    stopped.then(|| disk.crash(changes))
}

/// Starts for the first time, losing power at each change in turn; then on what is left.
async fn first_starts_are_repeated(settings: &[(&str, &str)]) {
    let on = |disk: MemDisk| {
        settings.iter().fold(Ground::on(disk), |ground, (name, value)| ground.with(name, value))
    };
    let mut changes = 0;
    loop {
        let empty = MemDisk::new();
        let Some(disk) = interrupted(&empty, &on(empty.clone()), changes).await else { break };
        let (stand, mut client) = started(&on(disk)).await;
        client.create("t", 2, &[]).await;
        client.append("t", 0, batch(&["a"])).await;
        client.append("t", 1, batch(&["a"])).await;
        drop(stand);
        changes += 1;
    }
    assert!(changes > 20, "{changes}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_first_start_may_lose_power_at_any_change_and_be_repeated() {
    first_starts_are_repeated(&[]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_first_start_on_two_directories_may_lose_power_at_any_change() {
    first_starts_are_repeated(&[("log.dirs", "/one,/two"), ("metadata.log.dir", "/two")]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_recovery_may_lose_power_at_any_change_and_be_repeated() {
    let disk = MemDisk::new();
    let ground = Ground::on(disk.clone());
    let (stand, mut client) = started(&ground).await;
    client.create("t", 3, &[("segment.bytes", "1048576")]).await;
    let mut sent = Sent::default();
    sent.work(&mut client, &mut Sequence::new(5)).await;
    // Answers are still on their way to the first client.
    let mut client = stand.client().await;
    client.create("deleted", 2, &[]).await;
    assert_eq!(client.delete("deleted").await, 0);
    let crashed = disk.crash(3);
    drop(stand);
    let mut changes = 0;
    loop {
        // Twice in a row, the second time a little later.
        let fresh = crashed.kill();
        let Some(once) = interrupted(&fresh, &ground, changes).await else { break };
        let twice = interrupted(&once, &ground, changes + 3).await.unwrap_or_else(|| once.kill());
        let (stand, mut client) = started(&ground.moved_to(twice)).await;
        let names: Vec<String> = client.topics().await.into_iter().map(|(name, _)| name).collect();
        assert_eq!(names, ["t"], "after {changes} changes");
        let mut kept = Sent { values: sent.values.clone(), durable: sent.durable.clone(), ..Sent::default() };
        kept.check(&mut client, changes, true).await;
        drop(stand);
        changes += 1;
    }
    assert!(changes > 20, "{changes}");
}

#[tokio::test(flavor = "multi_thread")]
async fn topics_survive_snapshots_of_the_metadata_and_power_losses() {
    for seed in 0..seeds() / 8 {
        let mut disk = MemDisk::new();
        let mut ground =
            Ground::on(disk.clone()).with("metadata.log.max.record.bytes.between.snapshots", "2000");
        let mut expected = Vec::new();
        for round in 0..3 {
            let (stand, mut client) = started(&ground).await;
            for number in 0..40 {
                let name = format!("topic-{round}-{number:02}");
                let id = client.create(&name, 1, &[]).await;
                expected.push((name, id));
            }
            let mut found = client.topics().await;
            found.sort();
            assert_eq!(found, expected, "seed {seed} round {round}");
            disk = disk.crash(seed * 10 + round);
            ground = ground.moved_to(disk.clone());
            drop(stand);
        }
        let log = disk.list(&Path::new(DIR).join("__cluster_metadata-0")).unwrap();
        let snapshots = log.iter().filter(|entry| entry.name.ends_with(".checkpoint")).count();
        assert!(snapshots > 1, "{log:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_acknowledged_while_the_node_stopped_is_there() {
    let disk = MemDisk::new();
    let ground = Ground::on(disk.clone());
    let (stand, mut client) = started(&ground).await;
    client.create("t", 4, &[]).await;
    let mut tasks = Vec::new();
    for partition in 0..4 {
        let mut client = stand.client().await;
        tasks.push(tokio::spawn(async move {
            let mut acknowledged = 0;
            loop {
                let request = producing(-1, "t", partition, batch(&[&acknowledged.to_string()]));
                let sent = client.write(&framed(&encoded(&request, 12, 1))).await;
                let Ok(answer) = client.answer::<ProduceRequest>(12, 1).await else { return acknowledged };
                if sent.is_err() || answer.responses[0].partition_responses[0].error_code != 0 {
                    return acknowledged;
                }
                acknowledged += 1;
            }
        }));
    }
    for number in 0..20 {
        client.append("t", number % 4, batch(&["beside"])).await;
    }
    drop(client);
    stand.stop().await;
    let mut acknowledged = Vec::new();
    for task in tasks {
        acknowledged.push(task.await.unwrap());
    }
    let (stand, mut client) = started(&ground).await;
    for (partition, count) in (0..).zip(acknowledged) {
        let read = client.read_from("t", partition, 0).await;
        let numbers: Vec<_> =
            read.into_iter().map(|(_, value)| value).filter(|value| value != "beside").collect();
        assert!(numbers.len() == count || numbers.len() == count + 1, "{} of {count}", numbers.len());
        assert!(numbers.iter().zip(0..).all(|(value, number)| *value == number.to_string()));
    }
    stand.stop().await;
}

/// An idempotent producer that keeps at most five batches on the way, and sends again what was not answered.
struct Retrying {
    id: i64,
    acknowledged: i32,
}

impl Retrying {
    fn batch(&self, sequence: i32) -> bytes::Bytes {
        idempotent(self.id, 0, sequence, &[&format!("{}-{sequence}", self.id)])
    }

    /// Sends what is not acknowledged, and waits for so many of the answers.
    async fn send(&mut self, client: &mut Client, on_the_way: i32, awaited: i32) {
        let mut ids = Vec::new();
        for sequence in self.acknowledged..self.acknowledged + on_the_way {
            ids.push(client.send(&producing(-1, "t", 0, self.batch(sequence)), 12).await);
        }
        for id in ids.into_iter().take(usize::try_from(awaited).unwrap()) {
            let response = client.answer::<ProduceRequest>(12, id).await.unwrap();
            let answer = &response.responses[0].partition_responses[0];
            assert_eq!(answer.error_code, 0, "{:?}", answer.error_message);
            self.acknowledged += 1;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn producers_that_try_again_lose_nothing_and_repeat_nothing() {
    for seed in 0..seeds() / 2 {
        let mut luck = Sequence::new(seed);
        let mut disk = MemDisk::new();
        let mut ground = Ground::on(disk.clone());
        let (mut stand, mut client) = started(&ground).await;
        client.create("t", 1, &[]).await;
        let mut producers = [Retrying { id: 1, acknowledged: 0 }, Retrying { id: 2, acknowledged: 0 }];
        for _ in 0..4 {
            for producer in &mut producers {
                let on_the_way = i32::try_from(1 + luck.below(5)).unwrap();
                let awaited = i32::try_from(luck.below(6)).unwrap().min(on_the_way);
                // A connection of its own: answers that nobody waited for stay in the old one.
                let mut client = stand.client().await;
                producer.send(&mut client, on_the_way, awaited).await;
            }
            disk = if luck.one_in(2) { disk.kill() } else { disk.crash(luck.number()) };
            ground = ground.moved_to(disk.clone());
            let (next, other) = started(&ground).await;
            drop(std::mem::replace(&mut stand, next));
            client = other;
        }
        for producer in &mut producers {
            producer.send(&mut stand.client().await, 5, 5).await;
        }
        let read = client.read_from("t", 0, 0).await;
        for producer in &producers {
            let prefix = format!("{}-", producer.id);
            let own: Vec<&str> = read.iter().filter_map(|(_, value)| value.strip_prefix(&prefix)).collect();
            let expected: Vec<String> = (0..producer.acknowledged).map(|number| number.to_string()).collect();
            assert_eq!(own, expected, "seed {seed} producer {}", producer.id);
        }
        drop(stand);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_topic_made_anew_is_whole_or_absent_whenever_the_power_goes() {
    let mut changes = 0;
    loop {
        let disk = MemDisk::new();
        let failing = FaultDisk::new(Arc::new(disk.clone()));
        let ground = Ground::on(failing.clone());
        let (stand, mut client) = started(&ground).await;
        let old = client.create("t", 1, &[]).await;
        client.append("t", 0, batch(&["old"])).await;
        let before = failing.log().len() as u64;
        failing.stop_after(changes);
        let deleted = client.delete("t").await == 0;
        let made = client.try_create("t", 1, &[]).await;
        let produced = client.produce(-1, "t", 0, batch(&["new"])).await;
        let came_through = failing.log().len() as u64 <= before + changes;
        let ground = ground.moved_to(disk.crash(changes));
        drop(stand);
        let (stand, mut client) = started(&ground).await;
        let found = client.topics().await;
        let read = match found.as_slice() {
            [] => Vec::new(),
            _ => client.read_from("t", 0, 0).await,
        };
        let values: Vec<&str> = read.iter().map(|(_, value)| value.as_str()).collect();
        match found.as_slice() {
            [] => assert_ne!(made.error_code, 0, "after {changes} changes: what was answered is gone"),
            [(_, id)] if *id == old => {
                assert!(!deleted, "after {changes} changes: the deleted topic is back");
                assert!(values == ["old"] || values == ["old", "new"], "after {changes} changes: {values:?}");
            }
            _ => assert!(values.is_empty() || values == ["new"], "after {changes} changes: {values:?}"),
        }
        if produced.error_code == 0 {
            assert_eq!(
                values.last(),
                Some(&"new"),
                "after {changes} changes: an acknowledged record is gone"
            );
        }
        drop(stand);
        if came_through {
            break;
        }
        changes += 1;
    }
    assert!(changes > 10, "{changes}");
}
