//! One connection, one task: read, start, poll what waits, write.
//!
//! Invariant: requests are started in order of arrival and replies leave in that order; what waits
//! in between overlaps. At every moment the task waits for one of: bytes (only while there is room
//! for another request), a reply that has become ready, a deadline, the stop of the node.

use std::collections::VecDeque;
use std::future::poll_fn;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::task::{Context, Poll};

use ottla_env::blocking::Blocking;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::time::{Duration, Instant, Sleep, sleep, sleep_until, timeout};
use tokio_util::sync::{CancellationToken, WaitForCancellationFuture};

use crate::budget::{Budget, Charge};
use crate::counters::{NetCounters, add, sub};
use crate::frame::{FrameBuffer, FrameError};
use crate::limits;
use crate::log_gate::LogGate;
use crate::outbox::Outbox;
use crate::quota::Slot;
use crate::service::{ConnectionInfo, Reply, Service, Started};
use crate::settings::NetSettings;

/// What all connections of the node share.
pub(crate) struct Node {
    pub(crate) service: Arc<dyn Service>,
    pub(crate) settings: NetSettings,
    pub(crate) counters: Arc<NetCounters>,
    pub(crate) budget: Arc<Budget>,
    pub(crate) blocking: Blocking,
    /// Set before `stop` is cancelled: cheaper to look at.
    pub(crate) stopping: AtomicBool,
    pub(crate) stop: CancellationToken,
    pub(crate) bad_frames: LogGate,
    pub(crate) not_kafka: LogGate,
    pub(crate) bad_regions: LogGate,
}

impl Node {
    /// A peer may go at any time; a region that cannot be read is worth a line.
    fn write_failed(&self, error: &io::Error) -> End {
        let peer = [
            io::ErrorKind::BrokenPipe,
            io::ErrorKind::ConnectionReset,
            io::ErrorKind::TimedOut,
            io::ErrorKind::HostUnreachable,
            io::ErrorKind::NetworkUnreachable,
        ];
        if !peer.contains(&error.kind())
            && let Some(held) = self.bad_regions.pass()
        {
            tracing::error!(%error, held, "a reply could not be read from its file; its connection is closed");
        }
        End::Gone
    }
}

/// Why a connection is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    /// All that was started is answered and nothing more is read.
    Finished,
    /// The peer has gone, or its socket is broken.
    Gone,
    NoFirstRequest,
    Idle,
    SlowFrame,
    Stalled,
}

enum Event {
    Read(io::Result<usize>),
    Replies,
    Time,
    Stop,
    Room,
}

/// A started request whose reply has not been handed to the socket.
struct Pending {
    state: State,
    charge: Charge,
}

enum State {
    Waiting(Pin<Box<dyn Future<Output = Option<Reply>> + Send>>),
    Done(Option<Reply>),
}

/// What a parked connection is woken by, besides its socket and its replies.
struct Waits<'a, 'node> {
    sleep: Pin<&'a mut Sleep>,
    /// When `sleep` ends. It is left alone when the true deadline moves later, which is what it
    /// does with every request.
    armed: Instant,
    stop: Pin<&'a mut WaitForCancellationFuture<'node>>,
    /// Polling `stop` takes a lock that all connections share: once is enough.
    stop_armed: bool,
}

pub(crate) struct Connection {
    socket: TcpStream,
    info: Arc<ConnectionInfo>,
    node: Arc<Node>,
    _slot: Slot,
    input: FrameBuffer,
    /// Of the frame that is being received.
    charge: Option<Charge>,
    /// When that frame was first found incomplete.
    incomplete_since: Option<Instant>,
    pending: VecDeque<Pending>,
    /// Of the frames of what is pending.
    pending_bytes: u64,
    outbox: Outbox,
    born: Instant,
    /// When a request was last started or a reply written.
    active: Instant,
    has_had_request: bool,
    /// Buffers have been given back since `active`.
    released: bool,
    muted_until: Option<Instant>,
    /// The peer sends no more.
    ended: bool,
    /// We start no more.
    closing: bool,
    /// The peer did nothing wrong and is to get its last reply.
    lingers: bool,
    /// When `ended` or `closing` began.
    last_call: Option<Instant>,
}

impl Connection {
    pub(crate) fn new(socket: TcpStream, info: ConnectionInfo, node: Arc<Node>, slot: Slot) -> Self {
        add(&node.counters.connections, 1);
        let now = Instant::now();
        let max_frame = usize::try_from(node.settings.max_request_bytes).unwrap_or(usize::MAX);
        Self {
            socket,
            info: Arc::new(info),
            node,
            _slot: slot,
            input: FrameBuffer::new(max_frame),
            charge: None,
            incomplete_since: None,
            pending: VecDeque::new(),
            pending_bytes: 0,
            outbox: Outbox::default(),
            born: now,
            active: now,
            has_had_request: false,
            released: false,
            muted_until: None,
            ended: false,
            closing: false,
            lingers: false,
            last_call: None,
        }
    }

    /// Serves the connection to its end.
    pub(crate) async fn run(mut self) {
        let node = Arc::clone(&self.node);
        let armed = self.due();
        let sleep = pin!(sleep_until(armed));
        let stop = pin!(node.stop.cancelled());
        let end = self.drive(Waits { sleep, armed, stop, stop_armed: false }).await;
        match end {
            End::Finished if self.lingers => self.linger().await,
            End::Finished | End::Gone => {}
            End::NoFirstRequest => add(&node.counters.first_request_timeouts, 1),
            End::Idle => add(&node.counters.idle_closed, 1),
            End::SlowFrame => add(&node.counters.slow_frames, 1),
            End::Stalled => add(&node.counters.stalled_writes, 1),
        }
        tracing::debug!(connection = self.info.id, peer = %self.info.peer, ?end, "connection closed");
    }

    async fn drive(&mut self, mut waits: Waits<'_, '_>) -> End {
        loop {
            if self.node.stopping.load(Ordering::Relaxed) && !self.closing {
                self.lingers = true;
                self.close();
            }
            let crowded = match self.start_requests() {
                Ok(crowded) => crowded,
                Err(error) => {
                    self.refuse(error);
                    false
                }
            };
            self.collect_replies();
            if !self.outbox.is_empty() {
                match self.flush().await {
                    Ok(()) => continue,
                    Err(end) => return end,
                }
            }
            if self.is_finished() {
                return End::Finished;
            }
            let event = self.park(&mut waits, crowded).await;
            if let Err(end) = self.handle(event, &mut waits) {
                return end;
            }
        }
    }

    fn handle(&mut self, event: Event, waits: &mut Waits<'_, '_>) -> Result<(), End> {
        match event {
            Event::Read(Ok(0)) => {
                self.ended = true;
                self.last_call();
                Ok(())
            }
            Event::Read(Ok(count)) => {
                add(&self.node.counters.bytes_in, count as u64);
                Ok(())
            }
            Event::Read(Err(_)) => Err(End::Gone),
            Event::Stop | Event::Replies | Event::Room => Ok(()),
            Event::Time => {
                self.look_at_clock(Instant::now())?;
                waits.armed = self.due();
                waits.sleep.as_mut().reset(waits.armed);
                Ok(())
            }
        }
    }

    /// Starts what has arrived, as far as the bounds allow; true when the node has no room.
    fn start_requests(&mut self) -> Result<bool, FrameError> {
        let mut started = false;
        while self.may_start() {
            let Some(total) = self.input.announced()? else { break };
            if self.charge.is_none() {
                if !self.node.budget.has_room() {
                    return Ok(true);
                }
                self.charge = Some(self.node.budget.charge(total.min(limits::CHARGED_IN_ADVANCE)));
            }
            if let Some(charge) = &mut self.charge {
                charge.raise(self.input.len().min(total));
            }
            let Some(frame) = self.input.next()? else {
                self.incomplete_since.get_or_insert_with(Instant::now);
                break;
            };
            self.incomplete_since = None;
            let Some(mut charge) = self.charge.take() else { break };
            charge.start();
            if !started {
                started = true;
                self.has_had_request = true;
                self.touch();
            }
            add(&self.node.counters.requests, 1);
            match self.node.service.start(&self.info, frame) {
                Started::Reply(reply) if self.pending.is_empty() => self.send(reply),
                Started::Reply(reply) => self.wait_for(State::Done(Some(reply)), charge),
                Started::Wait(wait) => self.wait_for(State::Waiting(wait), charge),
                Started::NoReply => {}
                Started::Close => {
                    add(&self.node.counters.frames_refused, 1);
                    self.lingers = true;
                    self.close();
                }
            }
        }
        Ok(false)
    }

    fn may_start(&self) -> bool {
        !self.closing && self.muted_until.is_none() && self.has_place() && !self.outbox.is_full()
    }

    fn has_place(&self) -> bool {
        let most = self.node.settings.queued_max_requests.clamp(1, limits::REQUESTS_PER_CONNECTION);
        self.pending.len() < most && self.pending_bytes < limits::REQUEST_BYTES_PER_CONNECTION
    }

    fn wait_for(&mut self, state: State, charge: Charge) {
        self.pending_bytes += charge.bytes();
        self.pending.push_back(Pending { state, charge });
    }

    /// Moves the replies that are next in order and ready to the outbox.
    fn collect_replies(&mut self) {
        while let Some(Pending { state: State::Done(reply), charge }) = self.pending.front_mut() {
            let reply = reply.take();
            self.pending_bytes -= charge.bytes();
            self.pending.pop_front();
            self.touch();
            match reply {
                Some(reply) => self.send(reply),
                None => self.close(),
            }
        }
    }

    fn send(&mut self, reply: Reply) {
        if reply.throttle_ms > 0 {
            let mute = Duration::from_millis(reply.throttle_ms.into()).min(limits::LONGEST_MUTE);
            let until = Instant::now() + mute;
            self.muted_until = Some(self.muted_until.map_or(until, |already| already.max(until)));
        }
        if self.outbox.push(reply).is_err() {
            tracing::error!(connection = self.info.id, "a reply is larger than a frame can be");
            self.close();
        }
    }

    async fn flush(&mut self) -> Result<(), End> {
        let sent = AtomicU64::new(0);
        let tried = self.outbox.try_flush(&self.socket, &sent);
        let done = match tried {
            Ok(true) => Ok(()),
            // Rare, and large: not a part of every connection's task.
            Ok(false) => {
                let slow = flush_slowly(&mut self.outbox, &self.socket, &self.node, &sent);
                let done = Box::pin(slow).await;
                self.touch();
                done
            }
            Err(error) => Err(self.node.write_failed(&error)),
        };
        add(&self.node.counters.bytes_out, sent.into_inner());
        done
    }

    async fn park(&mut self, waits: &mut Waits<'_, '_>, crowded: bool) -> Event {
        let due = self.due();
        if due < waits.armed {
            waits.armed = due;
            waits.sleep.as_mut().reset(due);
        }
        let reads = !crowded && !self.ended && self.may_start();
        if !crowded {
            return poll_fn(|cx| self.poll_event(cx, waits, reads)).await;
        }
        let budget = Arc::clone(&self.node.budget);
        tokio::select! {
            biased;
            event = poll_fn(|cx| self.poll_event(cx, waits, false)) => event,
            () = budget.wait() => Event::Room,
        }
    }

    fn poll_event(&mut self, cx: &mut Context<'_>, waits: &mut Waits<'_, '_>, reads: bool) -> Poll<Event> {
        for pending in &mut self.pending {
            if let State::Waiting(wait) = &mut pending.state
                && let Poll::Ready(reply) = wait.as_mut().poll(cx)
            {
                pending.state = State::Done(reply);
            }
        }
        if let Some(Pending { state: State::Done(_), .. }) = self.pending.front() {
            return Poll::Ready(Event::Replies);
        }
        if reads && let Poll::Ready(read) = self.input.poll_read(&mut self.socket, cx) {
            return Poll::Ready(Event::Read(read));
        }
        if !waits.stop_armed {
            waits.stop_armed = true;
            if waits.stop.as_mut().poll(cx).is_ready() {
                return Poll::Ready(Event::Stop);
            }
        } else if !self.closing && self.node.stopping.load(Ordering::Relaxed) {
            return Poll::Ready(Event::Stop);
        }
        waits.sleep.as_mut().poll(cx).map(|()| Event::Time)
    }

    /// The next moment at which [`Self::look_at_clock`] has something to do.
    fn due(&self) -> Instant {
        let settings = &self.node.settings;
        let moments = [
            self.muted_until,
            self.last_call.map(|since| since + limits::LAST_REPLIES),
            (!self.has_had_request).then(|| self.born + settings.first_request),
            self.incomplete_since.map(|since| since + limits::SLOW_FRAME),
            (!self.released).then(|| self.active + limits::RELEASE_BUFFERS_AFTER),
            settings.max_idle.filter(|_| self.is_idle()).map(|idle| self.active + idle),
        ];
        let latest = self.active + limits::LONGEST_MUTE;
        moments.into_iter().flatten().fold(latest, Instant::min)
    }

    fn look_at_clock(&mut self, now: Instant) -> Result<(), End> {
        let settings = &self.node.settings;
        if self.last_call.is_some_and(|since| now >= since + limits::LAST_REPLIES) {
            return Err(End::Gone);
        }
        if !self.has_had_request && now >= self.born + settings.first_request {
            return Err(End::NoFirstRequest);
        }
        if self.incomplete_since.is_some_and(|since| now >= since + limits::SLOW_FRAME) {
            if !self.node.budget.has_room() {
                return Err(End::SlowFrame);
            }
            self.incomplete_since = Some(now);
        }
        if self.is_idle() && settings.max_idle.is_some_and(|idle| now >= self.active + idle) {
            return Err(End::Idle);
        }
        if self.muted_until.is_some_and(|until| now >= until) {
            self.muted_until = None;
            // Being muted is not being idle.
            self.touch();
        }
        if !self.released && now >= self.active + limits::RELEASE_BUFFERS_AFTER {
            self.released = true;
            self.input.release();
            self.outbox.release();
            self.pending.shrink_to_fit();
        }
        if now >= self.active + limits::LONGEST_MUTE {
            // Only what waits for a reply comes here: look again in an hour.
            self.active = now;
        }
        Ok(())
    }

    /// Nothing is owed to the peer, and it is not muted.
    fn is_idle(&self) -> bool {
        self.pending.is_empty() && self.muted_until.is_none()
    }

    fn touch(&mut self) {
        self.active = Instant::now();
        self.released = false;
    }

    fn is_finished(&self) -> bool {
        let no_more = self.closing || (self.ended && !self.input.holds_frame());
        no_more && self.pending.is_empty()
    }

    /// Ends after the replies to what was started.
    fn close(&mut self) {
        self.closing = true;
        self.charge = None;
        self.incomplete_since = None;
        self.last_call();
    }

    fn last_call(&mut self) {
        if self.last_call.is_none() {
            self.last_call = Some(Instant::now());
        }
    }

    /// Counts and tells what came instead of a frame; nothing after it is read.
    fn refuse(&mut self, error: FrameError) {
        self.close();
        let counters = &self.node.counters;
        let (peer, listener) = (self.info.peer, &self.info.listener);
        let spoken = match error {
            FrameError::Http => Some("HTTP"),
            FrameError::Tls => Some("TLS"),
            FrameError::TooSmall(_) | FrameError::TooLarge(_) => None,
        };
        if let Some(spoken) = spoken {
            add(&counters.not_kafka, 1);
            if let Some(held) = self.node.not_kafka.pass() {
                tracing::warn!(%peer, %listener, held, "a client speaks {spoken}, this port speaks Kafka \
                     without encryption: check the client's address and security.protocol");
            }
            return;
        }
        let size = match error {
            FrameError::TooLarge(size) => {
                add(&counters.frames_too_large, 1);
                size
            }
            FrameError::TooSmall(size) => {
                add(&counters.frames_refused, 1);
                size
            }
            FrameError::Http | FrameError::Tls => return,
        };
        if let Some(held) = self.node.bad_frames.pass() {
            let most = self.node.settings.max_request_bytes;
            tracing::warn!(%peer, %listener, size, held, "connection closed for the size of its request; \
                 socket.request.max.bytes allows {most}");
        }
    }

    /// Lets the peer take the last reply: closing with bytes unread would send a reset, and that
    /// may overtake it.
    async fn linger(&mut self) {
        if self.socket.shutdown().await.is_err() {
            return;
        }
        let socket = &self.socket;
        let drained = async {
            let mut rest = limits::LINGER_BYTES;
            let mut scratch = [0; 4096];
            while rest > 0 && socket.readable().await.is_ok() {
                match socket.try_read(&mut scratch) {
                    Ok(0) => break,
                    Ok(count) => rest = rest.saturating_sub(count),
                    Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                    Err(_) => break,
                }
            }
        };
        // Boxed: the scratch would be a part of every connection's task.
        let _ = timeout(limits::LINGER, Box::pin(drained)).await;
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        sub(&self.node.counters.connections, 1);
        // A handler's panic may be what drops us; a second one must not end the process.
        let said = catch_unwind(AssertUnwindSafe(|| self.node.service.closed(&self.info)));
        if said.is_err() {
            add(&self.node.counters.panics, 1);
        }
    }
}

/// Writes all of the outbox; gives up when the peer takes nothing for `connections.max.idle.ms`.
async fn flush_slowly(
    outbox: &mut Outbox,
    socket: &TcpStream,
    node: &Node,
    sent: &AtomicU64,
) -> Result<(), End> {
    let stalled = async {
        let Some(idle) = node.settings.max_idle else { return std::future::pending().await };
        let mut before = None;
        loop {
            let seen = sent.load(Ordering::Relaxed);
            if before == Some(seen) {
                return;
            }
            before = Some(seen);
            sleep(idle).await;
        }
    };
    tokio::select! {
        biased;
        done = outbox.flush(socket, &node.blocking, sent) => done.map_err(|error| node.write_failed(&error)),
        () = stalled => Err(End::Stalled),
    }
}
