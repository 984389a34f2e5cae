//! The figures beside Apache Kafka in the same run: start, memory, processor seconds for each GB, sizes.
//!
//! Both brokers get the same properties, clients and bytes, one after the other and in both orders. Memory that the host
//! took back costs processor time when it is used again, so as many bytes as a round needs are written and deleted first.

use crate::broker::{Broker, Kind, Node};
use crate::figures::{megabytes_of, memory, processor_seconds, program};
use crate::paths;
use crate::process::{self, Result};
use crate::tidy;
use crate::toolchain::{ClassPath, Language, java_command};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

/// Bound of one producer or consumer.
const LOAD_LIMIT: Duration = Duration::from_secs(500);
/// Bytes of a record and of the producer's batches.
const LOADS: [(u64, u64); 2] = [(1024, 65_536), (100, 16_384)];
/// Partitions on the directory of the second start.
const PARTITIONS: &str = "1000";
/// How long an idle broker is left alone before its memory is read.
const IDLE: Duration = Duration::from_secs(3);

/// `cargo xtask bench [--megabytes N] [--only kafka|ottla]`.
pub(crate) fn command(words: &[&str]) -> Result<()> {
    let (mut megabytes, mut only) = (512, None);
    for pair in words.chunks(2) {
        match pair {
            ["--megabytes", count] => megabytes = count.parse()?,
            ["--only", kind] => only = Some(Kind::parse(kind)?),
            _ => return Err("usage: cargo xtask bench [--megabytes N] [--only kafka|ottla]".into()),
        }
    }
    Language::Java.prepare()?;
    Language::Kcat.prepare()?;
    let ottla = if only == Some(Kind::Kafka) { PathBuf::new() } else { program()? };
    for (round, order) in [[Kind::Ottla, Kind::Kafka], [Kind::Kafka, Kind::Ottla]].into_iter().enumerate() {
        for kind in order.into_iter().filter(|kind| only.is_none_or(|one| one == *kind)) {
            println!("round {}: {}", round + 1, kind.name());
            measure(kind, &ottla, megabytes)?;
        }
    }
    println!("\nlines of each room");
    tidy::print_lines()
}

fn measure(kind: Kind, ottla: &Path, megabytes: u64) -> Result<()> {
    let node = Node::new(&paths::fresh(&format!("bench-{}", kind.name()))?, 1)?;
    let broker = Broker::start_binary(kind, &node, true, ottla)?;
    println!("  ready on an empty directory      {:>8.1} ms", broker.ready_after.as_secs_f64() * 1000.0);
    std::thread::sleep(IDLE);
    let pid = broker.pid();
    println!("  memory when idle                 {:>8.1} MB", memory(pid, "VmRSS:")?);
    // Unmeasured: a JVM runs at its speed only after it has compiled what is hot.
    for (record, batch) in LOADS {
        load(&node, megabytes * 1_000_000 / record, record, batch, "warm")?;
        read(&node, record, "warm")?;
    }
    for (record, batch) in LOADS {
        warm_up(&node.folder, megabytes)?;
        produce(&node, pid, megabytes * 1_000_000 / record, record, batch)?;
        consume(&node, pid, megabytes, record)?;
    }
    println!("  memory at most, under load       {:>8.1} MB", memory(pid, "VmHWM:")?);
    let mut topics = java_command(ClassPath::Tools, "org.apache.kafka.tools.TopicCommand")?;
    topics.args([
        "--bootstrap-server",
        &node.listen.to_string(),
        "--create",
        "--topic",
        "many",
        "--partitions",
        PARTITIONS,
    ]);
    process::succeed(&mut topics, LOAD_LIMIT, &node.folder.join("topics.log"))?;
    broker.stop()?;
    let broker = Broker::start_binary(kind, &node, false, ottla)?;
    println!("  ready with 1,000 partitions      {:>8.1} ms", broker.ready_after.as_secs_f64() * 1000.0);
    broker.stop()?;
    Ok(std::fs::remove_dir_all(&node.folder)?)
}

fn produce(node: &Node, pid: u32, count: u64, record: u64, batch: u64) -> Result<()> {
    let before = processor_seconds(pid)?;
    let took = load(node, count, record, batch, "bench")?;
    tell("produced", record, count * record, took, processor_seconds(pid)? - before);
    Ok(())
}

fn consume(node: &Node, pid: u32, megabytes: u64, record: u64) -> Result<()> {
    let before = processor_seconds(pid)?;
    let took = read(node, record, "bench")?;
    tell("consumed", record, megabytes * 1_000_000, took, processor_seconds(pid)? - before);
    Ok(())
}

/// Kafka's own producer-perf-test to partition 0, acks=1, without compression.
fn load(node: &Node, count: u64, record: u64, batch: u64, topic: &str) -> Result<Duration> {
    let mut perf = java_command(ClassPath::Tools, "org.apache.kafka.tools.ProducerPerformance")?;
    perf.args(["--topic", &format!("{topic}-{record}"), "--num-records", &count.to_string()]);
    perf.args([
        "--record-size",
        &record.to_string(),
        "--throughput",
        "-1",
        "--bootstrap-server",
        &node.listen.to_string(),
    ]);
    perf.args([
        "--command-property",
        "acks=1",
        &format!("batch.size={batch}"),
        "linger.ms=5",
        "enable.idempotence=false",
    ]);
    timed(&mut perf, &node.folder.join(format!("{topic}-{record}.log")))
}

/// kcat from the beginning to the end of partition 0, printing nothing.
fn read(node: &Node, record: u64, topic: &str) -> Result<Duration> {
    let mut kcat = Command::new("kcat");
    kcat.args([
        "-C",
        "-b",
        &node.listen.to_string(),
        "-t",
        &format!("{topic}-{record}"),
        "-p",
        "0",
        "-o",
        "beginning",
    ]);
    kcat.args(["-e", "-q", "-f", ""]);
    timed(&mut kcat, &node.folder.join("consume.log"))
}

fn timed(command: &mut Command, log: &Path) -> Result<Duration> {
    let started = Instant::now();
    process::succeed(command, LOAD_LIMIT, log)?;
    Ok(started.elapsed())
}

fn tell(what: &str, record: u64, bytes: u64, took: Duration, processor: f64) {
    let gigabytes = megabytes_of(bytes) / 1000.0;
    let rate = megabytes_of(bytes) / took.as_secs_f64();
    println!(
        "  {what} {record:>4} B records     {:>13.2} s of processor for each GB, {rate:>6.0} MB/s",
        processor / gigabytes
    );
}

/// Writes and deletes as many bytes as the round will.
fn warm_up(folder: &Path, megabytes: u64) -> Result<()> {
    let path = folder.join("warm-up");
    let mut file = std::fs::File::create(&path)?;
    let block = vec![7_u8; 1_000_000];
    for _ in 0..megabytes {
        std::io::Write::write_all(&mut file, &block)?;
    }
    Ok(std::fs::remove_file(path)?)
}
