//! The pages, asked for over a socket.

use crate::listener::Bounds;
use crate::{Admin, Health, Probes};
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::registry::Registry;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

struct Running {
    address: SocketAddr,
    good: Arc<AtomicBool>,
    stop: CancellationToken,
    task: JoinHandle<std::io::Result<()>>,
}

async fn start() -> Running {
    start_within(Bounds::default()).await
}

async fn start_within(bounds: Bounds) -> Running {
    let mut registry = Registry::default();
    let requests = Counter::<u64>::default();
    registry.register("requests", "Requests answered", requests.clone());
    requests.inc_by(7);
    let registry = Arc::new(registry);
    let good = Arc::new(AtomicBool::new(true));
    let (healthy, serving) = (Arc::clone(&good), Arc::clone(&good));
    let probes = Probes {
        metrics: Arc::new(move |text| encode(text, &registry)),
        health: Arc::new(move || match healthy.load(Ordering::Relaxed) {
            true => Health::Good,
            false => Health::Bad("/data is offline".into()),
        }),
        ready: Arc::new(move || serving.load(Ordering::Relaxed)),
    };
    let admin = Admin::bind_within(bounds, "127.0.0.1", 0, probes).await.unwrap();
    let (address, stop) = (admin.local_addr(), CancellationToken::new());
    let task = tokio::spawn(admin.serve(stop.clone()));
    Running { address, good, stop, task }
}

async fn ask(address: SocketAddr, method: &str, path: &str) -> String {
    let mut stream = TcpStream::connect(address).await.unwrap();
    let request = format!("{method} {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    answer
}

#[tokio::test]
async fn metrics_are_open_metrics() {
    let running = start().await;
    let answer = ask(running.address, "GET", "/metrics").await;
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
    assert!(answer.contains("application/openmetrics-text"), "{answer}");
    assert!(answer.contains("requests_total 7\n") && answer.contains("# EOF"), "{answer}");
}

#[tokio::test]
async fn health_and_readiness_follow_their_probes() {
    let running = start().await;
    for path in ["/health", "/ready"] {
        assert!(ask(running.address, "GET", path).await.starts_with("HTTP/1.1 200 "), "{path}");
    }
    running.good.store(false, Ordering::Relaxed);
    assert!(ask(running.address, "GET", "/health").await.ends_with("/data is offline\n"));
    for path in ["/health", "/ready"] {
        assert!(ask(running.address, "GET", path).await.starts_with("HTTP/1.1 503 "), "{path}");
    }
}

#[tokio::test]
async fn only_get_is_answered_and_only_what_is_there() {
    let running = start().await;
    assert!(ask(running.address, "POST", "/health").await.starts_with("HTTP/1.1 405 "));
    assert!(ask(running.address, "GET", "/elsewhere").await.starts_with("HTTP/1.1 404 "));
    assert!(ask(running.address, "GET", "/").await.contains("/metrics"));
}

#[tokio::test]
async fn a_stop_ends_the_server() {
    let running = start().await;
    running.stop.cancel();
    running.task.await.unwrap().unwrap();
    assert!(TcpStream::connect(running.address).await.is_err());
}

#[tokio::test]
async fn a_silent_connection_gives_its_place_to_the_next() {
    let bounds = Bounds { connections: 1, lifetime: Duration::from_millis(50) };
    let running = start_within(bounds).await;
    let mut silent = TcpStream::connect(running.address).await.unwrap();
    assert!(ask(running.address, "GET", "/ready").await.starts_with("HTTP/1.1 200 "));
    let read = silent.read(&mut [0; 1]).await;
    assert!(matches!(read, Ok(0) | Err(_)), "{read:?}");
}
