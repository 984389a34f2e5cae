//! A service whose requests say what is to become of them, and a client that speaks bytes.

use std::collections::HashMap;
use std::io::{self, ErrorKind};
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use ottla_env::blocking::Blocking;
use ottla_env::disk::FileRegion;
use ottla_net::{
    ConnectionInfo, ConnectionLimits, ListenerSettings, NetSettings, Reply, ReplyPart, Server, Service,
    Started, bind, serve,
};
use parking_lot::Mutex;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::{Semaphore, oneshot};

/// Requests are a verb, an id, a number (big-endian), and anything.
#[derive(Default)]
pub struct Fake {
    /// Ids in the order in which they were started.
    pub started: Mutex<Vec<u8>>,
    /// Connections that have said their last word.
    pub closed: AtomicU64,
    /// What `R` answers with.
    pub regions: Mutex<Vec<FileRegion>>,
    waits: Mutex<HashMap<u8, oneshot::Receiver<bool>>>,
    /// One permit for each start, for tests that wait for one.
    starts: Option<Semaphore>,
}

impl Fake {
    pub fn new() -> Arc<Self> {
        Arc::new(Self { starts: Some(Semaphore::new(0)), ..Self::default() })
    }

    /// The request with this id will wait until the sender says whether it is to be answered.
    pub fn hold(&self, id: u8) -> oneshot::Sender<bool> {
        let (release, held) = oneshot::channel();
        self.waits.lock().insert(id, held);
        release
    }

    /// Waits until so many more requests have been started.
    pub async fn has_started(&self, count: u32) {
        self.starts.as_ref().unwrap().acquire_many(count).await.unwrap().forget();
    }
}

impl Service for Fake {
    fn start(&self, _: &Arc<ConnectionInfo>, frame: Bytes) -> Started {
        let (verb, id) = (frame[0], frame[1]);
        let number = u32::from_be_bytes(frame[2..6].try_into().unwrap());
        self.started.lock().push(id);
        self.starts.as_ref().unwrap().add_permits(1);
        match verb {
            b'E' => Started::Reply(Reply::bytes(frame)),
            b'T' => Started::Reply(Reply { throttle_ms: number, ..Reply::bytes(frame) }),
            b'N' => Started::NoReply,
            b'C' => Started::Close,
            b'P' => panic!("planned"),
            b'B' => Started::Reply(Reply::bytes(vec![id; number as usize].into())),
            b'W' => {
                let held = self.waits.lock().remove(&id).unwrap();
                Started::Wait(Box::pin(async move { held.await.unwrap().then(|| Reply::bytes(frame)) }))
            }
            b'Q' => Started::Wait(Box::pin(async { panic!("planned, later") })),
            b'R' => {
                let mut parts = vec![ReplyPart::Bytes(frame)];
                for region in self.regions.lock().iter() {
                    parts.push(ReplyPart::Region(region.clone()));
                    parts.push(ReplyPart::Bytes(Bytes::from_static(b"|")));
                }
                Started::Reply(Reply { parts, throttle_ms: 0 })
            }
            other => unreachable!("verb {other}"),
        }
    }

    fn closed(&self, _: &Arc<ConnectionInfo>) {
        self.closed.fetch_add(1, Ordering::SeqCst);
    }
}

pub fn listener(host: &str) -> ListenerSettings {
    ListenerSettings {
        name: "PLAINTEXT".into(),
        host: host.into(),
        port: 0,
        max_connections: u32::MAX,
        protected: false,
    }
}

pub fn start(fake: &Arc<Fake>, settings: NetSettings, limits: ConnectionLimits) -> (Server, SocketAddr) {
    let bound = bind(&[listener("127.0.0.1")], &settings).unwrap();
    let address = bound.addresses().next().unwrap().1;
    let service: Arc<dyn Service> = Arc::<Fake>::clone(fake);
    (serve(bound, settings, limits, Blocking::new(2), service).unwrap(), address)
}

pub fn start_default(fake: &Arc<Fake>) -> (Server, SocketAddr) {
    start(fake, NetSettings::default(), ConnectionLimits::default())
}

/// A request without its size.
pub fn request(verb: u8, id: u8, number: u32) -> Vec<u8> {
    [&[verb, id][..], &number.to_be_bytes(), b"body"].concat()
}

pub fn framed(body: &[u8]) -> Vec<u8> {
    [&i32::try_from(body.len()).unwrap().to_be_bytes(), body].concat()
}

pub struct Client(pub TcpStream);

impl Client {
    pub async fn connect(address: SocketAddr) -> Self {
        let socket = TcpStream::connect(address).await.unwrap();
        socket.set_nodelay(true).unwrap();
        Self(socket)
    }

    pub async fn write(&mut self, bytes: &[u8]) {
        self.0.write_all(bytes).await.unwrap();
    }

    pub async fn send(&mut self, verb: u8, id: u8, number: u32) {
        self.write(&framed(&request(verb, id, number))).await;
    }

    /// The next reply without its size.
    pub async fn reply(&mut self) -> io::Result<Vec<u8>> {
        let size = self.0.read_i32().await?;
        let mut body = vec![0; usize::try_from(size).unwrap()];
        self.0.read_exact(&mut body).await?;
        Ok(body)
    }

    /// The id in the next reply.
    pub async fn id(&mut self) -> u8 {
        self.reply().await.unwrap()[1]
    }

    /// Asserts that the other side closes, without another reply.
    pub async fn is_closed(&mut self) {
        let error = self.reply().await.expect_err("no reply is due");
        let kinds = [ErrorKind::UnexpectedEof, ErrorKind::ConnectionReset, ErrorKind::BrokenPipe];
        assert!(kinds.contains(&error.kind()), "{error}");
    }
}

/// Lets the runtime turn until `what` holds; the test's own time-out ends it otherwise.
pub async fn until(what: impl Fn() -> bool) {
    while !what() {
        tokio::task::yield_now().await;
    }
}
