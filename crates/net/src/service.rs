//! What a connection asks of the rooms above, and what they answer.

use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::{Arc, OnceLock};

use bytes::Bytes;
use ottla_env::disk::FileRegion;

/// Answers requests.
pub trait Service: Send + Sync + 'static {
    /// Starts the request in `frame` (without its size). Called once for each frame of a
    /// connection, in order of arrival, each call after the one before has returned; it runs up to
    /// its first wait and must not block. A panic closes this connection only.
    fn start(&self, connection: &Arc<ConnectionInfo>, frame: Bytes) -> Started;

    /// The connection is gone; its last word.
    fn closed(&self, connection: &Arc<ConnectionInfo>) {
        let _ = connection;
    }
}

/// How far a request has come when it is started.
pub enum Started {
    /// Answered.
    Reply(Reply),
    /// Done; nothing is to be sent (`acks=0`).
    NoReply,
    /// Answered later; `None` when it cannot be answered: the connection closes after the replies to what came
    /// before it. Dropped when the connection goes.
    Wait(Pin<Box<dyn Future<Output = Option<Reply>> + Send>>),
    /// The frame is no request that can be answered: the connection closes after the replies to
    /// what came before it.
    Close,
}

/// A response without its size.
#[derive(Clone, Debug, Default)]
pub struct Reply {
    /// Header and body, one after the other.
    pub parts: Vec<ReplyPart>,
    /// The reply leaves at once; for this long no further request is read (KIP-219).
    pub throttle_ms: u32,
}

/// Part of a response.
#[derive(Clone, Debug)]
pub enum ReplyPart {
    /// From memory.
    Bytes(Bytes),
    /// From a file.
    Region(FileRegion),
}

impl Reply {
    /// A reply from memory, not throttled.
    #[must_use]
    pub fn bytes(bytes: Bytes) -> Self {
        Self { parts: vec![ReplyPart::Bytes(bytes)], throttle_ms: 0 }
    }

    /// Bytes of all parts.
    #[must_use]
    pub fn len(&self) -> u64 {
        let len = |part: &ReplyPart| match part {
            ReplyPart::Bytes(bytes) => bytes.len() as u64,
            ReplyPart::Region(region) => region.len,
        };
        self.parts.iter().map(len).fold(0, u64::saturating_add)
    }

    /// Whether there is not one byte.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// What is known of a connection.
#[derive(Debug)]
pub struct ConnectionInfo {
    /// Unique in this process.
    pub id: u64,
    /// The peer; an IPv4 address also when it came through an IPv6 socket.
    pub peer: SocketAddr,
    /// Our side: what Metadata answers with when nothing is advertised.
    pub local: SocketAddr,
    /// Name of the listener that accepted it.
    pub listener: Arc<str>,
    /// What the client says it is (`ApiVersions` 3 and later, KIP-511); the first word counts.
    pub software: OnceLock<ClientSoftware>,
}

/// A client library, by its own word; checked by the handler.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClientSoftware {
    /// Such as `apache-kafka-java`.
    pub name: String,
    /// Such as `4.3.1`.
    pub version: String,
}
