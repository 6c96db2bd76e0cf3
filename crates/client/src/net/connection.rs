//! One open connection: callers put requests into the core and wait; one task moves bytes.
//!
//! A caller encodes under a short lock and wakes the task, so requests of many callers leave in
//! one write. The lock is never held across an await. Bounds: requests in flight and bytes that
//! wait for the socket; a caller that meets one waits.

use super::address::Address;
use super::transport::{Streams, Transport};
use crate::core::limits::OUTBOX_BYTES_MAX;
use crate::core::{
    self, Answer, Broker, BrokerVersions, CallError, ConnectionConfig, ConnectionError, Event,
    SendError, SendOptions,
};
use bytes::{Buf, Bytes};
use headwater_protocol::wire::{Reader, Segment};
use headwater_protocol::{Message, Request};
use headwater_types::BrokerId;
use parking_lot::Mutex;
use std::collections::VecDeque;
use std::future::{Future, poll_fn};
use std::io::{self, IoSlice};
use std::marker::PhantomData;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore, oneshot};
use tokio::task::JoinHandle;
use tokio::time::Instant;

/// Slices of one vectored write.
const WRITE_SLICES_MAX: usize = 64;

type Reply = oneshot::Sender<Result<Answer, ConnectionError>>;

/// Finds the caller of an answer, and frees its place in the queue when dropped.
struct Waiter {
    reply: Reply,
    _place: OwnedSemaphorePermit,
}

struct State {
    core: core::Connection<Waiter>,
    /// When the timer of the task goes off.
    timer_ms: u64,
}

struct Shared {
    state: Mutex<State>,
    /// Something is to be written.
    written: Notify,
    /// The outbox was emptied.
    drained: Notify,
    /// The timer must go off earlier.
    timer: Notify,
    places: Arc<Semaphore>,
    started: Instant,
    broker: Broker,
}

/// Ends the task when the last handle goes.
struct Task(JoinHandle<()>);

impl Drop for Task {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// An open connection to a broker, its versions known. Clones share it; when the last one is
/// dropped, the socket is closed.
#[derive(Clone)]
pub struct Connection {
    shared: Arc<Shared>,
    versions: Arc<BrokerVersions>,
    task: Arc<Task>,
}

impl Connection {
    /// Opens a connection and asks the broker for its versions. Must be called within a tokio
    /// runtime.
    ///
    /// # Errors
    /// [`CallError::Connect`] with the reason for each address.
    pub async fn open(
        transport: &dyn Transport,
        address: &Address,
        id: Option<BrokerId>,
        config: ConnectionConfig,
        connect_timeout: Duration,
    ) -> Result<Self, CallError> {
        let broker = Broker { id, address: address.to_string() };
        let failed = |reason: String| CallError::Connect { broker: broker.clone(), reason };
        let streams = transport
            .connect(address, connect_timeout)
            .await
            .map_err(|error| failed(error.to_string()))?;
        let started = Instant::now();
        let shared = Arc::new(Shared {
            places: Arc::new(Semaphore::new(config.in_flight_max)),
            state: Mutex::new(State { core: core::Connection::new(config, 0), timer_ms: 0 }),
            written: Notify::new(),
            drained: Notify::new(),
            timer: Notify::new(),
            started,
            broker: broker.clone(),
        });
        let (ready, negotiated) = oneshot::channel();
        let task = tokio::spawn(carry(Arc::clone(&shared), streams, ready));
        let task = Arc::new(Task(task));
        let versions = match negotiated.await {
            Ok(Ok(versions)) => versions,
            Ok(Err(error)) => return Err(refused(broker, error)),
            Err(_) => return Err(refused(broker, ConnectionError::Closed)),
        };
        Ok(Self { shared, versions, task })
    }

    /// The highest version of a request that both sides know.
    ///
    /// # Errors
    /// When there is none.
    pub fn version<R: Request>(&self) -> Result<i16, CallError> {
        self.versions.best::<R>().map_err(|cause| CallError::Send {
            broker: self.shared.broker.clone(),
            api: R::KEY,
            cause: SendError::Unsupported(cause),
        })
    }

    /// Hands a request over and waits for room, not for the answer. Requests leave in the order
    /// in which these calls end.
    ///
    /// Cancel-safe: dropped before it ends, nothing is sent.
    ///
    /// # Errors
    /// When the connection cannot take the request; nothing was sent then.
    pub async fn send<R: Request>(
        &self,
        request: &R,
        version: i16,
        timeout: Duration,
    ) -> Result<Pending<R>, CallError> {
        let failed = |cause: SendError| CallError::Send {
            broker: self.shared.broker.clone(),
            api: R::KEY,
            cause,
        };
        self.shared.quiet().await;
        let place = Arc::clone(&self.shared.places)
            .acquire_owned()
            .await
            .map_err(|_| failed(SendError::Closed(ConnectionError::Closed)))?;
        self.shared.room().await;
        let (reply, answer) = oneshot::channel();
        let options = SendOptions { version, timeout_ms: millis(timeout) };
        self.shared.put(request, options, Waiter { reply, _place: place }).map_err(failed)?;
        Ok(Pending { connection: self.clone(), answer, version, request: PhantomData })
    }

    /// Sends a request and waits for its answer.
    ///
    /// Dropped before it ends, the request may have been sent; its answer is thrown away.
    ///
    /// # Errors
    /// When the request was not sent, or brought no answer that can be read.
    pub async fn call<R: Request>(
        &self,
        request: &R,
        version: i16,
        timeout: Duration,
    ) -> Result<R::Response, CallError> {
        self.send(request, version, timeout).await?.await
    }

    /// The broker asked for silence (KIP-219): later requests wait that long.
    pub fn throttled(&self, throttle: Duration) {
        let now_ms = self.shared.now_ms();
        self.shared.state.lock().core.throttled(now_ms, millis(throttle));
    }

    /// Whether the connection is over.
    pub fn is_closed(&self) -> bool {
        self.shared.state.lock().core.is_closed()
    }

    /// What the broker can do.
    pub fn versions(&self) -> &Arc<BrokerVersions> {
        &self.versions
    }

    /// Who is at the other end.
    pub fn broker(&self) -> &Broker {
        &self.shared.broker
    }
}

/// The broker's first answer was none: for the caller it could not be reached.
fn refused(broker: Broker, error: ConnectionError) -> CallError {
    match error {
        // Retriable ways to fail are those of a broker that is down or starting.
        ConnectionError::Io { message } => CallError::Connect { broker, reason: message },
        cause => {
            CallError::Connection { broker, api: headwater_protocol::ApiKey::ApiVersions, cause }
        }
    }
}

/// An answer on its way. It keeps the connection open.
pub struct Pending<R> {
    connection: Connection,
    answer: oneshot::Receiver<Result<Answer, ConnectionError>>,
    version: i16,
    request: PhantomData<fn() -> R>,
}

impl<R: Request> Future for Pending<R> {
    type Output = Result<R::Response, CallError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let answer = ready!(Pin::new(&mut self.answer).poll(cx));
        let broker = || self.connection.shared.broker.clone();
        let answer = answer.unwrap_or(Err(ConnectionError::Closed));
        let version = self.version;
        Poll::Ready(match answer {
            Ok(answer) => {
                R::Response::decode(&mut Reader::new(answer.body), version).map_err(|error| {
                    CallError::Decode {
                        broker: broker(),
                        api: R::KEY,
                        version,
                        reason: error.to_string(),
                    }
                })
            }
            Err(cause) => Err(CallError::Connection { broker: broker(), api: R::KEY, cause }),
        })
    }
}

impl Shared {
    fn now_ms(&self) -> u64 {
        millis(self.started.elapsed())
    }

    fn put<R: Request>(
        &self,
        request: &R,
        options: SendOptions,
        waiter: Waiter,
    ) -> Result<(), SendError> {
        let now_ms = self.now_ms();
        let mut state = self.state.lock();
        state.core.send(now_ms, request, options, waiter)?;
        let due_ms = now_ms.saturating_add(options.timeout_ms);
        let earlier = due_ms < state.timer_ms;
        drop(state);
        self.written.notify_one();
        if earlier {
            self.timer.notify_one();
        }
        Ok(())
    }

    /// Waits until the broker wants requests again.
    async fn quiet(&self) {
        loop {
            let until_ms = self.state.lock().core.quiet_until_ms();
            if until_ms <= self.now_ms() {
                return;
            }
            tokio::time::sleep_until(self.at(until_ms)).await;
        }
    }

    /// Waits until few enough bytes wait for the socket.
    async fn room(&self) {
        loop {
            let mut drained = pin!(self.drained.notified());
            drained.as_mut().enable();
            {
                let state = self.state.lock();
                if state.core.is_closed() || state.core.output_bytes() < OUTBOX_BYTES_MAX {
                    return;
                }
            }
            drained.await;
        }
    }

    fn at(&self, ms: u64) -> Instant {
        self.started + Duration::from_millis(ms)
    }
}

type Ready = oneshot::Sender<Result<Arc<BrokerVersions>, ConnectionError>>;

/// The connection's task: it ends when the connection is over.
async fn carry(shared: Arc<Shared>, streams: Streams, ready: Ready) {
    let Streams { mut reader, mut writer } = streams;
    let mut last = LastRites { shared, ready: Some(ready) };
    let shared = Arc::clone(&last.shared);
    let error = tokio::select! {
        error = read(&shared, &mut reader, &mut last.ready) => error,
        error = write(&shared, &mut writer) => error,
        error = watch_time(&shared) => error,
    };
    shared.state.lock().core.close(error);
}

/// Tells everybody that the connection is over, however its task ends: nobody waits for ever.
struct LastRites {
    shared: Arc<Shared>,
    ready: Option<Ready>,
}

impl Drop for LastRites {
    fn drop(&mut self) {
        // The first error stays; this one counts when the task was aborted.
        self.shared.state.lock().core.close(ConnectionError::Closed);
        hand_out(&self.shared, &mut self.ready);
        self.shared.drained.notify_waiters();
    }
}

async fn read(
    shared: &Shared,
    reader: &mut (dyn AsyncRead + Send + Unpin),
    ready: &mut Option<Ready>,
) -> ConnectionError {
    loop {
        let read = poll_fn(|cx| {
            let mut state = shared.state.lock();
            // Polled while the lock is held, and dropped with it; reading is cancel-safe.
            let count = {
                let reading = pin!(reader.read_buf(state.core.space()));
                ready!(reading.poll(cx))
            };
            if count.as_ref().is_ok_and(|&count| count > 0) {
                state.core.received(shared.now_ms());
            }
            Poll::Ready(count)
        });
        match read.await {
            Ok(0) => return ConnectionError::ClosedByPeer,
            Ok(_) => {
                if let Some(error) = hand_out(shared, ready) {
                    return error;
                }
            }
            Err(error) => return from_io(&error),
        }
    }
}

/// Gives answers to their callers; says why the connection is over, if it is.
fn hand_out(shared: &Shared, ready: &mut Option<Ready>) -> Option<ConnectionError> {
    loop {
        let event = shared.state.lock().core.poll_event()?;
        // A caller that has gone does not mind.
        match event {
            Event::Ready(versions) => {
                if let Some(ready) = ready.take() {
                    let _ = ready.send(Ok(versions));
                }
            }
            Event::Answered { token, answer } => {
                let _ = token.reply.send(Ok(answer));
            }
            Event::Failed { token, error, .. } => {
                let _ = token.reply.send(Err(error));
            }
            Event::Closed(error) => {
                if let Some(ready) = ready.take() {
                    let _ = ready.send(Err(error.clone()));
                }
                return Some(error);
            }
        }
    }
}

async fn write(shared: &Shared, writer: &mut (dyn AsyncWrite + Send + Unpin)) -> ConnectionError {
    loop {
        let segments = shared.state.lock().core.take_output();
        if segments.is_empty() {
            shared.written.notified().await;
            continue;
        }
        shared.drained.notify_waiters();
        if let Err(error) = write_all(writer, segments).await {
            return from_io(&error);
        }
    }
}

async fn write_all(
    writer: &mut (dyn AsyncWrite + Send + Unpin),
    segments: Vec<Segment>,
) -> io::Result<()> {
    let mut queue = VecDeque::with_capacity(segments.len());
    for segment in segments {
        match segment {
            Segment::Memory(bytes) => queue.push_back(bytes),
            Segment::External { .. } => {
                return Err(io::Error::other("a client's request refers to bytes of a file"));
            }
        }
    }
    while !queue.is_empty() {
        let slices: Vec<IoSlice<'_>> =
            queue.iter().take(WRITE_SLICES_MAX).map(|bytes| IoSlice::new(bytes)).collect();
        let written = writer.write_vectored(&slices).await?;
        if written == 0 {
            return Err(io::ErrorKind::WriteZero.into());
        }
        advance(&mut queue, written);
    }
    writer.flush().await
}

/// Drops the first `count` bytes of the queue.
fn advance(queue: &mut VecDeque<Bytes>, mut count: usize) {
    while let Some(front) = queue.front_mut() {
        if front.len() > count {
            front.advance(count);
            return;
        }
        count -= front.len();
        queue.pop_front();
    }
}

async fn watch_time(shared: &Shared) -> ConnectionError {
    loop {
        let due_ms = {
            let mut state = shared.state.lock();
            let now_ms = shared.now_ms();
            state.core.tick(now_ms);
            if state.core.is_closed() {
                // The error is an event already; this one is never seen.
                return ConnectionError::Closed;
            }
            state.timer_ms = state.core.deadline_ms().unwrap_or(u64::MAX);
            state.timer_ms
        };
        if due_ms == u64::MAX {
            shared.timer.notified().await;
        } else {
            tokio::select! {
                () = tokio::time::sleep_until(shared.at(due_ms)) => {}
                () = shared.timer.notified() => {}
            }
        }
    }
}

fn from_io(error: &io::Error) -> ConnectionError {
    use io::ErrorKind;
    match error.kind() {
        ErrorKind::ConnectionReset | ErrorKind::BrokenPipe | ErrorKind::UnexpectedEof => {
            ConnectionError::ClosedByPeer
        }
        _ => ConnectionError::Io { message: error.to_string() },
    }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

impl std::fmt::Debug for Connection {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Connection")
            .field("broker", &self.shared.broker)
            .field("handles", &Arc::strong_count(&self.task))
            .finish_non_exhaustive()
    }
}
