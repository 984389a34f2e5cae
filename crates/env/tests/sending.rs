//! Regions reach the socket whole, whatever the file is and however slowly the peer reads.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    missing_docs,
    reason = "tests say what went wrong by stopping"
)]

use std::io::{ErrorKind, IoSlice};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use ottla_env::blocking::{Blocking, Lost};
use ottla_env::disk::{Disk, FileRegion, Open, RealDisk};
use ottla_env::net;
use ottla_env::testing::{FaultDisk, MemDisk};
use tokio::io::AsyncReadExt;
use tokio::net::{TcpListener, TcpStream};

const LEN: usize = 5 * 1024 * 1024 + 77;

fn pattern() -> Vec<u8> {
    (0..LEN).map(|at| u8::try_from((at / 3 + at / 1021) % 251).unwrap()).collect()
}

fn region(disk: &dyn Disk, path: &Path, position: u64, len: u64) -> FileRegion {
    let file = disk.open(path, Open::Create).unwrap();
    file.write_at(&mut [IoSlice::new(&pattern())], 0).unwrap();
    FileRegion { file, position, len }
}

/// Both ends of a connection whose buffers hold far less than the region.
async fn pair() -> (TcpStream, TcpStream) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let client = tokio::net::TcpSocket::new_v4().unwrap();
    client.set_recv_buffer_size(8192).unwrap();
    let address = listener.local_addr().unwrap();
    let (client, server) = tokio::join!(client.connect(address), listener.accept());
    (client.unwrap(), server.unwrap().0)
}

async fn sent(region: FileRegion) -> (std::io::Result<()>, u64, Vec<u8>) {
    let (mut client, server) = pair().await;
    let sender = tokio::spawn(async move {
        let mut reported = 0;
        let done = net::send(&region, &server, &Blocking::new(1), |sent| reported += sent).await;
        (done, reported)
    });
    let mut got = Vec::new();
    client.read_to_end(&mut got).await.unwrap();
    let (done, reported) = sender.await.unwrap();
    (done, reported, got)
}

#[tokio::test]
async fn a_real_file_is_sent_whole() {
    let dir = tempfile::tempdir().unwrap();
    let len = LEN as u64 - 10;
    let (done, reported, got) = sent(region(&RealDisk, &dir.path().join("a"), 3, len)).await;
    done.unwrap();
    assert_eq!(reported, len);
    assert!(got == pattern()[3..LEN - 7]);
}

#[tokio::test]
async fn a_cold_file_is_read_by_a_blocking_thread_and_sent_whole() {
    let dir = tempfile::tempdir().unwrap();
    let disk = FaultDisk::new(Arc::new(RealDisk));
    disk.set_cold(true);
    let region = region(&disk, &dir.path().join("a"), 0, LEN as u64);
    let (done, _, got) = sent(region.clone()).await;
    done.unwrap();
    assert!(got == pattern());
    assert_eq!(net::read(&region, &Blocking::new(1)).await.unwrap(), pattern());
}

#[tokio::test]
async fn a_file_without_descriptor_is_copied_whole() {
    let (done, reported, got) = sent(region(&MemDisk::new(), Path::new("/a"), 5, LEN as u64 - 5)).await;
    done.unwrap();
    assert_eq!(reported, LEN as u64 - 5);
    assert!(got == pattern()[5..]);
}

#[tokio::test]
async fn a_region_past_the_end_of_its_file_is_an_error() {
    let dir = tempfile::tempdir().unwrap();
    let past = region(&RealDisk, &dir.path().join("a"), 0, LEN as u64 + 1);
    assert_eq!(net::read(&past, &Blocking::new(1)).await.unwrap_err().kind(), ErrorKind::UnexpectedEof);
    assert_eq!(sent(past).await.0.unwrap_err().kind(), ErrorKind::UnexpectedEof);
    let past = region(&MemDisk::new(), Path::new("/a"), 0, LEN as u64 + 1);
    assert_eq!(sent(past).await.0.unwrap_err().kind(), ErrorKind::UnexpectedEof);
}

#[tokio::test]
async fn no_more_work_than_places_runs_at_a_time() {
    let blocking = Blocking::new(2);
    let (running, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let tasks: Vec<_> = (0..16)
        .map(|_| {
            let (blocking, running, most) = (blocking.clone(), Arc::clone(&running), Arc::clone(&most));
            tokio::spawn(async move {
                let work = move || {
                    most.fetch_max(running.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                    std::thread::yield_now();
                    running.fetch_sub(1, Ordering::SeqCst);
                };
                blocking.run(work).await
            })
        })
        .collect();
    for task in tasks {
        task.await.unwrap().unwrap();
    }
    assert!((1..=2).contains(&most.load(Ordering::SeqCst)));
}

#[tokio::test]
async fn work_that_panics_is_lost_and_gives_its_place_back() {
    let blocking = Blocking::new(1);
    assert_eq!(blocking.run(|| panic!("planned")).await, Err::<(), _>(Lost));
    assert_eq!(blocking.run(|| 7).await, Ok(7));
}
