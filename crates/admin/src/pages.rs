//! What each address answers. All are GET; whatever else is asked gets 404 or 405.

use crate::Probes;
use crate::limits::METRICS_BYTES;
use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;

/// Whether the process does its work.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Health {
    /// It does.
    Good,
    /// It runs, and part of it failed: a log directory that is offline, say. The text is for people.
    Bad(String),
}

const PLAIN: &str = "text/plain; charset=utf-8";
const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";
const INDEX: &str = "Ottla\n/metrics  counters, for Prometheus\n/health   200 while nothing has failed\n/ready    200 while clients are served\n";

pub(crate) fn router(probes: Probes) -> Router {
    Router::new()
        .route("/", get(|| async { text(StatusCode::OK, PLAIN, INDEX.to_owned()) }))
        .route("/metrics", get(metrics))
        .route("/health", get(health))
        .route("/ready", get(ready))
        .with_state(probes)
}

fn text(status: StatusCode, kind: &'static str, body: String) -> Response {
    (status, [(header::CONTENT_TYPE, kind), (header::CACHE_CONTROL, "no-store")], body).into_response()
}

async fn metrics(State(probes): State<Probes>) -> Response {
    let mut body = String::with_capacity(METRICS_BYTES);
    match (probes.metrics)(&mut body) {
        Ok(()) => text(StatusCode::OK, OPEN_METRICS, body),
        Err(_) => text(StatusCode::INTERNAL_SERVER_ERROR, PLAIN, "the metrics could not be written\n".into()),
    }
}

async fn health(State(probes): State<Probes>) -> Response {
    match (probes.health)() {
        Health::Good => text(StatusCode::OK, PLAIN, "healthy\n".into()),
        Health::Bad(why) => text(StatusCode::SERVICE_UNAVAILABLE, PLAIN, format!("{why}\n")),
    }
}

async fn ready(State(probes): State<Probes>) -> Response {
    if (probes.ready)() {
        text(StatusCode::OK, PLAIN, "ready\n".into())
    } else {
        text(StatusCode::SERVICE_UNAVAILABLE, PLAIN, "not ready\n".into())
    }
}
