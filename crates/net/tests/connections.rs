//! Order, overlap, limits and ends of connections, over loopback.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    missing_docs,
    unreachable_pub,
    reason = "tests say what went wrong by stopping"
)]

mod harness;

use std::io::IoSlice;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::atomic::Ordering;
use std::time::Duration;

use harness::{Client, Fake, framed, listener, request, start, start_default, until};
use ottla_env::disk::{Disk, FileRegion, Open, RealDisk};
use ottla_env::testing::MemDisk;
use ottla_net::{ConnectionLimits, NetSettings, bind};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::Instant;

const GRACE: Duration = Duration::from_secs(20);

#[tokio::test]
async fn a_request_is_answered() {
    let fake = Fake::new();
    let (server, address) = start_default(&fake);
    let mut client = Client::connect(address).await;
    client.send(b'E', 7, 0).await;
    assert_eq!(client.reply().await.unwrap(), request(b'E', 7, 0));
    drop(client);
    until(|| fake.closed.load(Ordering::SeqCst) == 1).await;
    let counters = server.counters();
    assert_eq!(counters.requests.load(Ordering::Relaxed), 1);
    assert_eq!(counters.bytes_in.load(Ordering::Relaxed), 14);
    assert_eq!(counters.bytes_out.load(Ordering::Relaxed), 14);
    assert_eq!(server.stop(GRACE).await, 0);
    assert_eq!(counters.connections.load(Ordering::Relaxed), 0);
    assert_eq!(counters.requests_in_flight.load(Ordering::Relaxed), 0);
    assert_eq!(counters.request_bytes.load(Ordering::Relaxed), 0);
}

#[tokio::test]
async fn requests_split_at_every_byte_are_answered_in_order() {
    let fake = Fake::new();
    let (_server, address) = start_default(&fake);
    let bytes = [framed(&request(b'E', 1, 0)), framed(&request(b'E', 2, 0))].concat();
    let mut client = Client::connect(address).await;
    for at in 1..bytes.len() {
        client.write(&bytes[..at]).await;
        tokio::task::yield_now().await;
        client.write(&bytes[at..]).await;
        assert_eq!((client.id().await, client.id().await), (1, 2));
    }
}

#[tokio::test]
async fn a_wait_that_cannot_be_answered_closes_after_the_replies_before_it() {
    let fake = Fake::new();
    let (_server, address) = start_default(&fake);
    let (first, lost) = (fake.hold(1), fake.hold(2));
    let mut client = Client::connect(address).await;
    for id in [1, 2] {
        client.send(b'W', id, 0).await;
    }
    fake.has_started(2).await;
    lost.send(false).unwrap();
    first.send(true).unwrap();
    assert_eq!(client.id().await, 1);
    assert!(client.reply().await.is_err(), "closed");
}

#[tokio::test]
async fn waits_overlap_and_replies_keep_their_order() {
    let fake = Fake::new();
    let (_server, address) = start_default(&fake);
    let (first, third) = (fake.hold(1), fake.hold(3));
    let mut client = Client::connect(address).await;
    for (verb, id) in [(b'W', 1), (b'E', 2), (b'W', 3), (b'N', 4), (b'E', 5)] {
        client.send(verb, id, 0).await;
    }
    fake.has_started(5).await;
    assert_eq!(*fake.started.lock(), [1, 2, 3, 4, 5], "all are started while the first waits");
    third.send(true).unwrap();
    tokio::task::yield_now().await;
    let mut one = [0];
    assert!(client.0.try_read(&mut one).is_err(), "nothing overtakes the first");
    first.send(true).unwrap();
    let ids = [client.id().await, client.id().await, client.id().await, client.id().await];
    assert_eq!(ids, [1, 2, 3, 5]);
}

#[tokio::test]
async fn ten_thousand_pipelined_requests_are_answered_in_order() {
    let fake = Fake::new();
    let (_server, address) = start_default(&fake);
    let client = Client::connect(address).await;
    let (mut reads, mut writes) = client.0.into_split();
    let sender = tokio::spawn(async move {
        for number in 0..10_000 {
            writes.write_all(&framed(&request(b'E', 0, number))).await.unwrap();
        }
        writes
    });
    for number in 0..10_000 {
        let mut reply = [0; 14];
        reads.read_exact(&mut reply).await.unwrap();
        assert_eq!(reply[6..10], u32::to_be_bytes(number));
    }
    drop(sender.await.unwrap());
}

#[tokio::test]
async fn no_more_is_started_than_may_be_in_flight() {
    let fake = Fake::new();
    let settings = NetSettings { queued_max_requests: 2, ..NetSettings::default() };
    let (server, address) = start(&fake, settings, ConnectionLimits::default());
    let held: Vec<_> = (1..=3).map(|id| fake.hold(id)).collect();
    let mut client = Client::connect(address).await;
    for id in 1..=3 {
        client.send(b'W', id, 0).await;
    }
    fake.has_started(2).await;
    tokio::task::yield_now().await;
    assert_eq!(*fake.started.lock(), [1, 2]);
    assert_eq!(server.counters().requests_in_flight.load(Ordering::Relaxed), 2);
    for (id, held) in (1..).zip(held) {
        held.send(true).unwrap();
        assert_eq!(client.id().await, id);
    }
}

#[tokio::test]
async fn no_more_bytes_are_in_flight_than_one_connection_may_have() {
    let fake = Fake::new();
    let (_server, address) = start_default(&fake);
    let held = fake.hold(1);
    let mut client = Client::connect(address).await;
    let large = [request(b'W', 1, 0), vec![0; 33 * 1024 * 1024]].concat();
    client.write(&framed(&large)).await;
    client.send(b'N', 2, 0).await;
    fake.has_started(1).await;
    for _ in 0..100 {
        tokio::task::yield_now().await;
    }
    assert_eq!(*fake.started.lock(), [1]);
    held.send(true).unwrap();
    assert!(client.reply().await.unwrap() == large);
    fake.has_started(1).await;
}

#[tokio::test]
async fn half_a_frame_does_not_keep_others_out_of_a_full_node() {
    let fake = Fake::new();
    let settings = NetSettings { queued_max_request_bytes: Some(100), ..NetSettings::default() };
    let (server, address) = start(&fake, settings, ConnectionLimits::default());
    let (mut slow, mut other) = (Client::connect(address).await, Client::connect(address).await);
    for client in [&mut slow, &mut other] {
        client.send(b'E', 1, 0).await;
        assert_eq!(client.id().await, 1);
    }
    let counters = server.counters();
    slow.write(&[&1000_i32.to_be_bytes()[..], &[0; 200]].concat()).await;
    until(|| counters.request_bytes.load(Ordering::Relaxed) > 100).await;
    other.send(b'E', 2, 0).await;
    tokio::time::pause();
    let before = Instant::now();
    assert_eq!(other.id().await, 2);
    assert!(before.elapsed() >= Duration::from_secs(29));
    slow.is_closed().await;
    assert_eq!(counters.slow_frames.load(Ordering::Relaxed), 1);
}

#[tokio::test]
async fn a_region_that_its_file_lacks_closes_the_connection() {
    let fake = Fake::new();
    let file = MemDisk::new().open(std::path::Path::new("/a"), Open::Create).unwrap();
    fake.regions.lock().push(FileRegion { file, position: 0, len: 10 });
    let (_server, address) = start_default(&fake);
    let mut client = Client::connect(address).await;
    client.send(b'R', 1, 0).await;
    client.is_closed().await;
}

#[tokio::test]
async fn a_full_node_reads_again_when_bytes_are_given_back() {
    let fake = Fake::new();
    let settings = NetSettings { queued_max_request_bytes: Some(10), ..NetSettings::default() };
    let (_server, address) = start(&fake, settings, ConnectionLimits::default());
    let held = fake.hold(1);
    let (mut first, mut second) = (Client::connect(address).await, Client::connect(address).await);
    first.send(b'W', 1, 0).await;
    fake.has_started(1).await;
    second.send(b'E', 2, 0).await;
    for _ in 0..100 {
        tokio::task::yield_now().await;
    }
    assert_eq!(*fake.started.lock(), [1]);
    held.send(true).unwrap();
    assert_eq!(first.id().await, 1);
    assert_eq!(second.id().await, 2);
}

#[tokio::test]
async fn bad_sizes_close_after_the_replies_before_them() {
    let fake = Fake::new();
    let (server, address) = start_default(&fake);
    for size in [-1, 0, 7, i32::MIN, i32::MAX, 100 * 1024 * 1024 + 1] {
        let mut client = Client::connect(address).await;
        let held = fake.hold(1);
        client.write(&[framed(&request(b'W', 1, 0)), size.to_be_bytes().to_vec()].concat()).await;
        held.send(true).unwrap();
        assert_eq!(client.id().await, 1);
        client.is_closed().await;
    }
    assert_eq!(server.counters().frames_too_large.load(Ordering::Relaxed), 2);
    assert_eq!(server.counters().frames_refused.load(Ordering::Relaxed), 4);
}

#[tokio::test]
async fn http_and_tls_are_recognised_and_closed() {
    let fake = Fake::new();
    let (server, address) = start_default(&fake);
    for hello in [&b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"[..], &[0x16, 3, 1, 2, 0, 1, 0, 1]] {
        let mut client = Client::connect(address).await;
        client.write(hello).await;
        client.is_closed().await;
    }
    assert_eq!(server.counters().not_kafka.load(Ordering::Relaxed), 2);
}

#[tokio::test]
async fn a_refused_request_closes_after_the_replies_before_it() {
    let fake = Fake::new();
    let (_server, address) = start_default(&fake);
    let mut client = Client::connect(address).await;
    for (verb, id) in [(b'E', 1), (b'C', 2), (b'E', 3)] {
        client.send(verb, id, 0).await;
    }
    assert_eq!(client.id().await, 1);
    client.is_closed().await;
    assert_eq!(*fake.started.lock(), [1, 2]);
}

#[tokio::test]
async fn a_panic_closes_its_connection_only() {
    let fake = Fake::new();
    let (server, address) = start_default(&fake);
    let mut other = Client::connect(address).await;
    for verb in *b"PQ" {
        let mut client = Client::connect(address).await;
        client.send(verb, 1, 0).await;
        client.is_closed().await;
    }
    other.send(b'E', 2, 0).await;
    assert_eq!(other.id().await, 2);
    let counters = server.counters();
    until(|| counters.panics.load(Ordering::Relaxed) == 2).await;
    assert_eq!(counters.requests_in_flight.load(Ordering::Relaxed), 0);
    assert_eq!(fake.closed.load(Ordering::SeqCst), 2);
}

#[tokio::test]
async fn a_half_closed_peer_gets_its_replies() {
    let fake = Fake::new();
    let (_server, address) = start_default(&fake);
    let held = fake.hold(1);
    let mut client = Client::connect(address).await;
    client.send(b'W', 1, 0).await;
    client.send(b'E', 2, 0).await;
    client.0.shutdown().await.unwrap();
    fake.has_started(2).await;
    held.send(true).unwrap();
    assert_eq!((client.id().await, client.id().await), (1, 2));
    client.is_closed().await;
}

#[tokio::test]
async fn a_half_frame_and_an_end_is_an_end() {
    let fake = Fake::new();
    let (_server, address) = start_default(&fake);
    let mut client = Client::connect(address).await;
    client.write(&framed(&request(b'E', 1, 0))[..9]).await;
    client.0.shutdown().await.unwrap();
    client.is_closed().await;
    assert!(fake.started.lock().is_empty());
}

#[tokio::test]
async fn a_reset_drops_what_waits() {
    let fake = Fake::new();
    let (server, address) = start_default(&fake);
    let held = fake.hold(1);
    let mut client = Client::connect(address).await;
    client.send(b'W', 1, 0).await;
    fake.has_started(1).await;
    client.0.set_zero_linger().unwrap();
    drop(client);
    until(|| fake.closed.load(Ordering::SeqCst) == 1).await;
    assert!(held.is_closed(), "the wait is gone");
    assert_eq!(server.counters().requests_in_flight.load(Ordering::Relaxed), 0);
}

#[tokio::test]
async fn regions_large_and_small_reach_a_slow_reader_whole() {
    let dir = tempfile::tempdir().unwrap();
    let bytes: Vec<u8> = (0..3_000_000_u32).map(|at| u8::try_from(at / 7 % 251).unwrap()).collect();
    let fake = Fake::new();
    let disks: [(&dyn Disk, _); 2] = [(&RealDisk, dir.path().join("a")), (&MemDisk::new(), "/a".into())];
    for (disk, path) in disks {
        let file = disk.open(&path, Open::Create).unwrap();
        file.write_at(&mut [IoSlice::new(&bytes)], 0).unwrap();
        for (position, len) in [(5, 1000), (0, 2_900_000), (9, 0), (17, 140_000), (100, 130_000)] {
            fake.regions.lock().push(FileRegion { file: file.clone(), position, len });
        }
    }
    let mut expected = request(b'R', 1, 0);
    for region in fake.regions.lock().iter() {
        let from = usize::try_from(region.position).unwrap();
        let len = usize::try_from(region.len).unwrap();
        expected.extend_from_slice(&bytes[from..from + len]);
        expected.push(b'|');
    }
    let settings = NetSettings { send_buffer: Some(8192), ..NetSettings::default() };
    let (server, address) = start(&fake, settings, ConnectionLimits::default());
    let mut client = Client::connect(address).await;
    client.send(b'R', 1, 0).await;
    client.send(b'E', 2, 0).await;
    assert!(client.reply().await.unwrap() == expected);
    assert_eq!(client.id().await, 2);
    let out = server.counters().bytes_out.load(Ordering::Relaxed);
    assert_eq!(out, expected.len() as u64 + 4 + 14);
}

#[tokio::test]
async fn large_replies_from_memory_keep_their_order() {
    let fake = Fake::new();
    let (_server, address) = start_default(&fake);
    let mut client = Client::connect(address).await;
    let sizes = [100, 5000, 3_000_000, 10, 70_000];
    for (id, size) in (1..).zip(sizes) {
        client.send(b'B', id, size).await;
    }
    for (id, size) in (1..).zip(sizes) {
        assert!(client.reply().await.unwrap() == vec![id; size as usize]);
    }
}

#[tokio::test(start_paused = true)]
async fn who_asks_nothing_for_thirty_seconds_is_closed() {
    let fake = Fake::new();
    let (server, address) = start_default(&fake);
    let mut client = Client::connect(address).await;
    let before = Instant::now();
    client.write(&[0, 0]).await;
    client.is_closed().await;
    assert!(before.elapsed() >= Duration::from_secs(30));
    assert_eq!(server.counters().first_request_timeouts.load(Ordering::Relaxed), 1);
}

#[tokio::test]
async fn who_drips_bytes_after_the_first_request_is_idle() {
    let fake = Fake::new();
    let settings = NetSettings { max_idle: Some(Duration::from_secs(100)), ..NetSettings::default() };
    let (server, address) = start(&fake, settings, ConnectionLimits::default());
    let mut client = Client::connect(address).await;
    client.send(b'E', 1, 0).await;
    assert_eq!(client.id().await, 1);
    let half = framed(&request(b'E', 2, 0));
    tokio::time::pause();
    let before = Instant::now();
    for byte in &half[..10] {
        client.write(&[*byte]).await;
        tokio::time::advance(Duration::from_secs(9)).await;
    }
    client.is_closed().await;
    assert!((100..=101).contains(&before.elapsed().as_secs()), "{:?}", before.elapsed());
    assert_eq!(server.counters().idle_closed.load(Ordering::Relaxed), 1);
}

#[tokio::test]
async fn a_parked_request_is_not_idle() {
    let fake = Fake::new();
    let settings = NetSettings { max_idle: Some(Duration::from_secs(10)), ..NetSettings::default() };
    let (_server, address) = start(&fake, settings, ConnectionLimits::default());
    let held = fake.hold(1);
    let mut client = Client::connect(address).await;
    client.send(b'W', 1, 0).await;
    fake.has_started(1).await;
    tokio::time::pause();
    tokio::time::sleep(Duration::from_secs(3 * 3600)).await;
    held.send(true).unwrap();
    assert_eq!(client.id().await, 1);
    let before = Instant::now();
    client.is_closed().await;
    assert!(before.elapsed() >= Duration::from_secs(9), "idle counts from the reply");
}

#[tokio::test]
async fn who_takes_nothing_is_closed() {
    let fake = Fake::new();
    let settings = NetSettings { max_idle: Some(Duration::from_secs(60)), ..NetSettings::default() };
    let (server, address) = start(&fake, settings, ConnectionLimits::default());
    let mut client = Client::connect(address).await;
    client.send(b'B', 1, 64 * 1024 * 1024).await;
    fake.has_started(1).await;
    tokio::time::pause();
    let counters = server.counters();
    let patience = async {
        while counters.stalled_writes.load(Ordering::Relaxed) == 0 {
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
    };
    let before = Instant::now();
    patience.await;
    assert!(before.elapsed() >= Duration::from_secs(59));
    assert_eq!(fake.closed.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn a_throttled_reply_leaves_at_once_and_mutes() {
    let fake = Fake::new();
    let (_server, address) = start_default(&fake);
    let mut client = Client::connect(address).await;
    client.send(b'T', 1, 20_000).await;
    client.send(b'E', 2, 0).await;
    let before = Instant::now();
    assert_eq!(client.id().await, 1);
    assert!(before.elapsed() < Duration::from_secs(19));
    assert_eq!(*fake.started.lock(), [1], "the next is not started");
    tokio::time::pause();
    assert_eq!(client.id().await, 2);
    assert!(before.elapsed() >= Duration::from_secs(20));
}

#[tokio::test]
async fn an_address_has_so_many_connections_and_no_more() {
    let fake = Fake::new();
    let limits = ConnectionLimits { per_ip: 1, ..ConnectionLimits::default() };
    let (server, address) = start(&fake, NetSettings::default(), limits.clone());
    let mut first = Client::connect(address).await;
    first.send(b'E', 1, 0).await;
    assert_eq!(first.id().await, 1);
    Client::connect(address).await.is_closed().await;
    assert_eq!(server.counters().refused.load(Ordering::Relaxed), 1);
    let overrides = [(IpAddr::from(Ipv4Addr::LOCALHOST), 2)].into();
    server.set_limits(ConnectionLimits { overrides, ..limits });
    let mut second = Client::connect(address).await;
    second.send(b'E', 2, 0).await;
    assert_eq!(second.id().await, 2);
    drop(first);
    until(|| fake.closed.load(Ordering::SeqCst) == 1).await;
    let mut third = Client::connect(address).await;
    third.send(b'E', 3, 0).await;
    assert_eq!(third.id().await, 3);
}

#[tokio::test]
async fn a_full_node_accepts_when_a_connection_ends() {
    let fake = Fake::new();
    let limits = ConnectionLimits { max_connections: 1, ..ConnectionLimits::default() };
    let (server, address) = start(&fake, NetSettings::default(), limits);
    let mut first = Client::connect(address).await;
    first.send(b'E', 1, 0).await;
    assert_eq!(first.id().await, 1);
    let mut second = Client::connect(address).await;
    second.send(b'E', 2, 0).await;
    for _ in 0..100 {
        tokio::task::yield_now().await;
    }
    assert_eq!(*fake.started.lock(), [1]);
    assert_eq!(server.counters().accepted.load(Ordering::Relaxed), 1);
    drop(first);
    assert_eq!(second.id().await, 2);
}

#[tokio::test]
async fn a_listener_bound_to_all_takes_both_families() {
    let fake = Fake::new();
    let settings = NetSettings::default();
    let bound = bind(&[listener("")], &settings).unwrap();
    let port = bound.port("PLAINTEXT").unwrap();
    let service: std::sync::Arc<dyn ottla_net::Service> = std::sync::Arc::<Fake>::clone(&fake);
    let blocking = ottla_env::blocking::Blocking::new(1);
    let _server = ottla_net::serve(bound, settings, ConnectionLimits::default(), blocking, service).unwrap();
    let mut hosts = vec!["127.0.0.1"];
    if std::net::TcpListener::bind("[::1]:0").is_ok() {
        hosts.push("::1");
    }
    for host in hosts {
        let mut client = Client::connect((host.parse::<IpAddr>().unwrap(), port).into()).await;
        client.send(b'E', 1, 0).await;
        assert_eq!(client.id().await, 1);
    }
}

#[tokio::test]
async fn a_port_taken_is_a_clear_error() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port();
    let settings = ottla_net::ListenerSettings { port, ..listener("127.0.0.1") };
    let error = bind(&[settings], &NetSettings::default()).unwrap_err().to_string();
    assert!(error.contains(&format!("PLAINTEXT: cannot listen on 127.0.0.1:{port}")), "{error}");
    assert!(error.contains("choose another port"), "{error}");
}

#[tokio::test]
async fn a_stop_lets_what_was_started_answer() {
    let fake = Fake::new();
    let (server, address) = start_default(&fake);
    let held = fake.hold(1);
    let (mut busy, mut idle) = (Client::connect(address).await, Client::connect(address).await);
    idle.send(b'E', 9, 0).await;
    assert_eq!(idle.id().await, 9);
    busy.send(b'W', 1, 0).await;
    fake.has_started(2).await;
    let stopping = tokio::spawn(server.stop(GRACE));
    idle.is_closed().await;
    busy.send(b'E', 2, 0).await;
    held.send(true).unwrap();
    assert_eq!(busy.id().await, 1);
    busy.is_closed().await;
    drop((busy, idle));
    assert_eq!(stopping.await.unwrap(), 0);
    assert_eq!(*fake.started.lock(), [9, 1], "nothing is started during the stop");
    assert!(tokio::net::TcpStream::connect(address).await.is_err());
}

#[tokio::test]
async fn a_stop_is_bounded() {
    let fake = Fake::new();
    let (server, address) = start_default(&fake);
    let held = fake.hold(1);
    let mut client = Client::connect(address).await;
    client.send(b'W', 1, 0).await;
    fake.has_started(1).await;
    tokio::time::pause();
    assert_eq!(server.stop(Duration::from_secs(5)).await, 1);
    assert!(held.is_closed());
    client.is_closed().await;
}
