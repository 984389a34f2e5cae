//! Metrics and health over HTTP: `/metrics` (Prometheus), `/health`, `/ready`, on a listener of their own.
//!
//! Invariant: nothing here waits for the broker or changes it; every answer comes from what [`Probes`] say at
//! once, and a client that is slow, silent or many costs a bounded number of small tasks. What is counted and what
//! "healthy" means is left to who makes the probes; encryption and login are left to whoever puts a proxy in front.

pub mod limits;
mod listener;
mod pages;
#[cfg(test)]
mod tests;

use listener::{BoundedListener, Bounds};
use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use tokio_util::sync::CancellationToken;

pub use pages::Health;

/// Where the answers come from. Each is called for one request and must return at once.
#[derive(Clone)]
pub struct Probes {
    /// Writes every metric in the OpenMetrics text format.
    pub metrics: Arc<dyn Fn(&mut String) -> fmt::Result + Send + Sync>,
    /// Whether the process does its work.
    pub health: Arc<dyn Fn() -> Health + Send + Sync>,
    /// Whether clients are served.
    pub ready: Arc<dyn Fn() -> bool + Send + Sync>,
}

/// The HTTP server, bound and not yet serving.
pub struct Admin {
    listener: BoundedListener,
    address: SocketAddr,
    probes: Probes,
}

impl Admin {
    /// Binds `host:port` (port 0: any). An error names nothing; the caller knows what it asked for.
    pub async fn bind(host: &str, port: u16, probes: Probes) -> io::Result<Self> {
        Self::bind_within(Bounds::default(), host, port, probes).await
    }

    async fn bind_within(bounds: Bounds, host: &str, port: u16, probes: Probes) -> io::Result<Self> {
        let listener = tokio::net::TcpListener::bind((host, port)).await?;
        let address = listener.local_addr()?;
        Ok(Self { listener: BoundedListener::new(listener, bounds), address, probes })
    }

    /// The address that was bound.
    pub const fn local_addr(&self) -> SocketAddr {
        self.address
    }

    /// Serves until `stop`, then gives requests in work [`limits::STOP_TIMEOUT`] to end.
    pub async fn serve(self, stop: CancellationToken) -> io::Result<()> {
        let router = pages::router(self.probes);
        let asked = stop.clone();
        let serving = axum::serve(self.listener, router)
            .with_graceful_shutdown(async move { asked.cancelled().await })
            .into_future();
        let overdue = async {
            stop.cancelled().await;
            tokio::time::sleep(limits::STOP_TIMEOUT).await;
        };
        tokio::select! {
            result = serving => result,
            () = overdue => Ok(()),
        }
    }
}
