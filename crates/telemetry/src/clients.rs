//! The clients whose metrics this broker may get: who may ask and send, and when (`ClientMetricsManager`,
//! `ClientMetricsInstance`).
//!
//! Pure: time is an argument. Invariants: a client stands once in `by_expiry`, with its `expires`; a connection names at most one
//! client and a client the connection that used it last; `shown` is the sum of the clients' series.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use bytes::Bytes;
use ottla_config::ClientMetricsSettings;
use ottla_model::{ErrorCode, Tick, Uuid};
use ottla_record::Compression;

use crate::limits::{MAX_CLIENTS, MAX_SERIES, MAX_SERIES_BYTES, MAX_SERIES_OF_CLIENT};
use crate::otlp::Samples;
use crate::series::{Amount, Exposition, Series};
use crate::subscriptions::{Attributes, Subscription, subscription};

/// A client that is silent for so long, or for three of its intervals, is forgotten.
const EXPIRY_MS: u64 = 60_000;

/// What a client sends.
#[derive(Clone, Debug)]
pub struct Push {
    /// Its id.
    pub instance: Uuid,
    /// Of the subscription that it was told.
    pub subscription_id: i32,
    /// Whether this is the client's last word.
    pub terminating: bool,
    /// As in a record batch.
    pub compression_type: i8,
    /// The payload.
    pub metrics: Bytes,
}

#[derive(Debug)]
struct Client {
    attributes: Attributes,
    connection: u64,
    subscription: Arc<Subscription>,
    /// Of the subscriptions that `subscription` was made of.
    version: u64,
    last_ask: Option<Tick>,
    last_push: Option<Tick>,
    terminating: bool,
    last_error: ErrorCode,
    expires: Tick,
    series: Series,
}

impl Client {
    fn is_due(&self, since: Option<Tick>, now: Tick) -> bool {
        let interval = u64::try_from(self.subscription.interval_ms).unwrap_or_default();
        since.is_none_or(|since| now.millis_since(since) >= interval)
    }

    /// Whether it may ask now: an interval after its last word, or at once after an error that sends it back to ask.
    fn may_ask(&mut self, now: Tick) -> bool {
        if self.is_due(self.last_ask.max(self.last_push), now) {
            self.last_ask = Some(now);
            return true;
        }
        matches!(self.last_error, ErrorCode::UnknownSubscriptionId | ErrorCode::UnsupportedCompressionType)
    }

    /// Whether it may send now: once after each time that it asked, else an interval after the last time.
    fn may_push(&mut self, now: Tick) -> bool {
        let may = self.last_ask > self.last_push || self.is_due(self.last_push, now);
        if may {
            self.last_push = Some(now);
        }
        may
    }

    fn check(&mut self, push: &Push, now: Tick, max_bytes: usize) -> Result<Compression, ErrorCode> {
        if self.terminating {
            return Err(ErrorCode::InvalidRequest);
        }
        if !self.may_push(now) && !push.terminating {
            return Err(ErrorCode::ThrottlingQuotaExceeded);
        }
        if push.subscription_id != self.subscription.id {
            return Err(ErrorCode::UnknownSubscriptionId);
        }
        let known = |codec: &Compression| i8::try_from(codec.id()) == Ok(push.compression_type);
        let compression = Compression::ALL.into_iter().find(known);
        let compression = compression.ok_or(ErrorCode::UnsupportedCompressionType)?;
        if push.metrics.len() > max_bytes { Err(ErrorCode::TelemetryTooLarge) } else { Ok(compression) }
    }
}

/// All of them, and the subscriptions.
#[derive(Debug, Default)]
pub struct Clients {
    subscriptions: Vec<ClientMetricsSettings>,
    version: u64,
    clients: HashMap<Uuid, Client>,
    by_expiry: BTreeSet<(Tick, Uuid)>,
    by_connection: HashMap<u64, Uuid>,
    shown: Amount,
}

impl Clients {
    /// Clients known.
    #[must_use]
    pub fn len(&self) -> usize {
        self.clients.len()
    }

    /// Whether none is.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.clients.is_empty()
    }

    /// Series shown, of all of them.
    #[must_use]
    pub const fn series(&self) -> usize {
        self.shown.series
    }

    /// Other subscriptions; clients learn it with their next request.
    pub fn subscribe(&mut self, subscriptions: Vec<ClientMetricsSettings>) {
        self.subscriptions = subscriptions;
        self.version += 1;
    }

    /// What a client is asked for, and its id: a new one for a client without one.
    pub fn ask(
        &mut self,
        instance: Uuid,
        connection: u64,
        now: Tick,
        mut draw: impl FnMut() -> Uuid,
        attributes: impl FnOnce(Uuid) -> Attributes,
    ) -> Result<(Uuid, Arc<Subscription>), ErrorCode> {
        let mut instance = instance;
        while instance.is_zero() || is_reserved(instance) {
            instance = Some(draw()).filter(|id| !self.clients.contains_key(id)).unwrap_or(Uuid::ZERO);
        }
        let client = self.touch(instance, connection, now, attributes);
        if !client.may_ask(now) {
            return Err(ErrorCode::ThrottlingQuotaExceeded);
        }
        client.last_error = ErrorCode::None;
        Ok((instance, Arc::clone(&client.subscription)))
    }

    /// Whether what a client sends is taken; answers how it is compressed.
    pub fn admit(
        &mut self,
        push: &Push,
        connection: u64,
        now: Tick,
        max_bytes: usize,
        attributes: impl FnOnce(Uuid) -> Attributes,
    ) -> Result<Compression, ErrorCode> {
        if push.instance.is_zero() || is_reserved(push.instance) {
            return Err(ErrorCode::InvalidRequest);
        }
        let client = self.touch(push.instance, connection, now, attributes);
        let checked = client.check(push, now, max_bytes);
        client.last_error = checked.err().unwrap_or(ErrorCode::None);
        client.terminating = push.terminating;
        if push.terminating {
            let gone = std::mem::take(&mut client.series).amount();
            self.shown = self.shown.minus(gone);
        }
        checked
    }

    /// What was taken could not be read.
    pub fn failed(&mut self, instance: Uuid, error: ErrorCode) {
        if let Some(client) = self.clients.get_mut(&instance) {
            client.last_error = error;
        }
    }

    /// Shows what a client sent, if it is still there; answers how many series found no room.
    pub fn show(&mut self, instance: Uuid, samples: Samples) -> usize {
        let Some(client) = self.clients.get_mut(&instance).filter(|client| !client.terminating) else {
            return 0;
        };
        let others = self.shown.minus(client.series.amount());
        let mut room = Amount { series: MAX_SERIES, bytes: MAX_SERIES_BYTES }.minus(others);
        room.series = room.series.min(MAX_SERIES_OF_CLIENT);
        let left_out = client.series.take(samples, room);
        self.shown = others.plus(client.series.amount());
        left_out
    }

    /// A connection is gone: so is the client that used it last.
    pub fn closed(&mut self, connection: u64) {
        if let Some(instance) = self.by_connection.get(&connection).copied() {
            self.forget(instance);
        }
    }

    /// Forgets who has been silent for too long.
    pub fn expire(&mut self, now: Tick) {
        while let Some((expires, instance)) = self.by_expiry.first().copied()
            && expires <= now
        {
            self.forget(instance);
        }
    }

    /// The client of an id, made or renewed where the subscriptions have changed, used now by this connection.
    fn touch(
        &mut self,
        instance: Uuid,
        connection: u64,
        now: Tick,
        attributes: impl FnOnce(Uuid) -> Attributes,
    ) -> &mut Client {
        if let Some(earlier) = self.by_connection.insert(connection, instance)
            && earlier != instance
        {
            // A connection is one client's; what it was called before is nobody.
            self.forget(earlier);
            self.by_connection.insert(connection, instance);
        }
        if !self.clients.contains_key(&instance) && self.clients.len() >= MAX_CLIENTS {
            // Who would be forgotten next gives way.
            if let Some((_, next)) = self.by_expiry.first().copied() {
                self.forget(next);
            }
        }
        let made = |attributes: Attributes, series: Series| Client {
            subscription: subscription(&self.subscriptions, &attributes, instance),
            attributes,
            connection,
            version: self.version,
            last_ask: None,
            last_push: None,
            terminating: false,
            last_error: ErrorCode::None,
            expires: now,
            series,
        };
        let client = match self.clients.remove(&instance) {
            None => made(attributes(instance).cut(), Series::default()),
            Some(known) => {
                self.by_expiry.remove(&(known.expires, instance));
                if known.connection != connection {
                    self.by_connection.remove(&known.connection);
                }
                if known.version < self.version { made(known.attributes, known.series) } else { known }
            }
        };
        let interval = u64::try_from(client.subscription.interval_ms).unwrap_or_default();
        let expires = now.plus_millis(EXPIRY_MS.max(3 * interval));
        self.by_expiry.insert((expires, instance));
        self.clients.entry(instance).insert_entry(Client { connection, expires, ..client }).into_mut()
    }

    fn forget(&mut self, instance: Uuid) {
        if let Some(client) = self.clients.remove(&instance) {
            self.by_expiry.remove(&(client.expires, instance));
            self.by_connection.remove(&client.connection);
            self.shown = self.shown.minus(client.series.amount());
        }
    }

    /// A copy of every series, to be written.
    #[must_use]
    pub fn exposition(&self) -> Exposition {
        let mut all = Exposition::with_capacity(self.shown.series);
        self.clients.values().for_each(|client| all.add(&client.series));
        all
    }
}

/// An id that Kafka hands out to nobody.
fn is_reserved(id: Uuid) -> bool {
    id == Uuid::METADATA_TOPIC
}

#[cfg(test)]
mod tests;
