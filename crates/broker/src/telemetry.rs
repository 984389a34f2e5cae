//! Clients' own metrics (KIP-714), hosted: the lock around what `ottla_telemetry` decides, and what a request tells of
//! its client. Nothing is decoded or written under the lock.

use std::fmt;
use std::sync::Arc;

use ottla_config::{ClientMetricsSettings, ConfigMap};
use ottla_model::{ErrorCode, Tick, Uuid};
use ottla_telemetry::{Attributes, Clients, Push, Subscription, read};
use parking_lot::Mutex;

use crate::context::RequestContext;

/// What this broker knows of its clients' metrics.
#[derive(Default)]
pub(crate) struct Telemetry {
    clients: Mutex<Clients>,
}

impl Telemetry {
    /// Takes over all subscriptions. One that Kafka stored and that cannot be matched here is passed over.
    pub(crate) fn subscribe(&self, stored: &[ConfigMap]) {
        let read = |values| {
            let settings = ClientMetricsSettings::read(values);
            settings.inspect_err(
                |error| tracing::warn!(%error, "a subscription to client metrics is passed over"),
            )
        };
        self.clients.lock().subscribe(stored.iter().filter_map(|values| read(values).ok()).collect());
    }

    /// What a client is asked for; `draw` makes an id for one that has none.
    pub(crate) fn ask(
        &self,
        instance: Uuid,
        context: &RequestContext,
        draw: impl FnMut() -> Uuid,
    ) -> Result<(Uuid, Arc<Subscription>), ErrorCode> {
        let now = context.now.tick;
        self.clients.lock().ask(instance, context.connection.id, now, draw, |id| attributes(id, context))
    }

    /// Takes what a client sends; `max_bytes` (`telemetry.max.bytes`) bounds it before and after it is decompressed.
    /// Answers how many series found no room. What cannot be read is INVALID_RECORD, as it is in Kafka when its plugin
    /// fails.
    pub(crate) fn push(
        &self,
        push: Push,
        context: &RequestContext,
        max_bytes: usize,
    ) -> Result<usize, ErrorCode> {
        let (connection, now) = (context.connection.id, context.now.tick);
        let admitted =
            self.clients.lock().admit(&push, connection, now, max_bytes, |id| attributes(id, context));
        let compression = admitted?;
        let Push { instance, subscription_id: _, terminating, compression_type: _, metrics } = push;
        if metrics.is_empty() || terminating {
            return Ok(0);
        }
        let client_id = context.client_id.as_deref().unwrap_or_default();
        match read(compression, metrics, max_bytes, client_id, instance) {
            Ok(samples) => Ok(self.clients.lock().show(instance, samples)),
            Err(error) => {
                tracing::debug!(%instance, %error, "a client's metrics cannot be read");
                self.clients.lock().failed(instance, ErrorCode::InvalidRecord);
                Err(ErrorCode::InvalidRecord)
            }
        }
    }

    /// A connection is gone, and with it the client that used it last.
    pub(crate) fn closed(&self, connection: u64) {
        self.clients.lock().closed(connection);
    }

    /// Forgets who has been silent for too long.
    pub(crate) fn expire(&self, now: Tick) {
        self.clients.lock().expire(now);
    }

    /// Clients known, and series shown.
    pub(crate) fn counts(&self) -> (usize, usize) {
        let clients = self.clients.lock();
        (clients.len(), clients.series())
    }

    /// Writes every series.
    pub(crate) fn write_metrics(&self, text: &mut String) -> fmt::Result {
        let all = self.clients.lock().exposition();
        all.write(text)
    }
}

/// What is known of the client that sent a request.
fn attributes(instance: Uuid, context: &RequestContext) -> Attributes {
    let connection = &context.connection;
    let software = connection.software.get();
    Attributes {
        instance: instance.to_string(),
        client_id: context.client_id.as_ref().map(ToString::to_string),
        software: software.map(|software| (software.name.clone(), software.version.clone())),
        address: Attributes::address(connection.peer.ip()),
        port: connection.peer.port().to_string(),
    }
}
