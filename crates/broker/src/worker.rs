//! A worker thread: one runtime, its connections, and the node's worker behind them.

use crate::connection::serve;
use crate::frame_budget::FrameBudget;
use crate::mailbox::{Mailbox, Message};
use crate::places::Place;
use crate::receive::{ReceiveError, Received, Receiver};
use crate::shared::Shared;
use bytes::{Bytes, BytesMut};
use headwater_node::{
    ConnectionId, FrameError, Outbox, Reply, RequestContext, Ticket, Wake, Worker, WorkerId,
};
use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;
use tokio::net::TcpStream;
use tokio::sync::Notify;
use tokio::task::LocalSet;

/// How often connections look whether they have been idle or slow for too long.
const SWEEP_EVERY: Duration = Duration::from_secs(5);
/// The same where `connections.max.idle.ms` is shorter than that.
const SWEEP_LEAST: Duration = Duration::from_millis(100);
/// How long answers that are ready may take to leave once the broker stops.
const STOP_TIME_MAX: Duration = Duration::from_secs(5);

/// What the tasks of one worker thread share.
pub(crate) struct WorkerShell {
    shared: Arc<Shared>,
    index: usize,
    worker: RefCell<Worker>,
    out: RefCell<Outbox>,
    /// Rung when a connection has something to do besides its socket.
    bells: RefCell<BTreeMap<ConnectionId, Rc<Notify>>>,
    /// Into which all connections read.
    buffer: RefCell<BytesMut>,
    deadline_changed: Notify,
    stopping: Cell<bool>,
    drained: Notify,
    frame_bytes_max: usize,
    idle_max_ms: u64,
}

/// Runs a worker until it is told to stop; the body of its thread.
pub(crate) fn run(shared: Arc<Shared>, index: u16) -> std::io::Result<()> {
    let _ends = shared.mailboxes.get(usize::from(index)).map(|mine| EndsMailbox(Arc::clone(mine)));
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_io().enable_time().build()?;
    let settings = shared.node.network_settings();
    let shell = Rc::new(WorkerShell {
        index: usize::from(index),
        worker: RefCell::new(Worker::new(WorkerId(index))),
        out: RefCell::default(),
        bells: RefCell::default(),
        buffer: RefCell::default(),
        deadline_changed: Notify::new(),
        stopping: Cell::new(false),
        drained: Notify::new(),
        frame_bytes_max: settings.request_bytes_max,
        idle_max_ms: settings.idle_max_ms,
        shared,
    });
    // None of these may end unnoticed: a panic in one of them ends the thread, and with it the
    // broker.
    LocalSet::new().block_on(&runtime, async {
        tokio::select! {
            () = receive_mail(Rc::clone(&shell)) => {}
            () = expire_deadlines(Rc::clone(&shell)) => {}
            () = sweep(Rc::clone(&shell)) => {}
        }
    });
    Ok(())
}

/// Sees to it that no more connections are dealt to a worker, however it ends.
struct EndsMailbox(Arc<Mailbox>);

impl Drop for EndsMailbox {
    fn drop(&mut self) {
        self.0.end();
    }
}

async fn receive_mail(shell: Rc<WorkerShell>) {
    let Some(mailbox) = shell.shared.mailboxes.get(shell.index).map(Arc::clone) else { return };
    let mut messages = Vec::new();
    loop {
        mailbox.receive(&mut messages).await;
        for message in messages.drain(..) {
            match message {
                Message::Accepted { stream, listener, peer, place } => {
                    shell.accept(stream, listener, peer, place);
                }
                Message::Resume(ticket, wake) => shell.resume(ticket, wake),
                Message::Stop => shell.stopping.set(true),
            }
        }
        shell.end_round();
        if shell.stopping.get() {
            shell.ring_all();
            let drained = async {
                while !shell.bells.borrow().is_empty() {
                    shell.drained.notified().await;
                }
            };
            if tokio::time::timeout(STOP_TIME_MAX, drained).await.is_err() {
                tracing::warn!("some connections did not take their last answers in time");
            }
            return;
        }
    }
}

async fn expire_deadlines(shell: Rc<WorkerShell>) {
    loop {
        let next = shell.worker.borrow().next_deadline();
        let changed = shell.deadline_changed.notified();
        match next {
            None => changed.await,
            Some(deadline_ms) => {
                let at = tokio::time::Instant::from_std(shell.shared.clock.instant_at(deadline_ms));
                tokio::select! {
                    () = tokio::time::sleep_until(at) => shell.expire(),
                    () = changed => {}
                }
            }
        }
    }
}

async fn sweep(shell: Rc<WorkerShell>) {
    let every = SWEEP_EVERY.min(Duration::from_millis(shell.idle_max_ms / 4).max(SWEEP_LEAST));
    let mut turns = tokio::time::interval(every);
    loop {
        turns.tick().await;
        shell.ring_all();
    }
}

impl WorkerShell {
    fn accept(
        self: &Rc<Self>,
        stream: std::net::TcpStream,
        listener: Arc<str>,
        peer: std::net::SocketAddr,
        place: Place,
    ) {
        let stream = match TcpStream::from_std(stream) {
            Ok(stream) => stream,
            Err(error) => {
                tracing::warn!(%error, "an accepted connection could not be registered");
                self.connection_gone();
                return;
            }
        };
        let id = self
            .worker
            .borrow_mut()
            .connect(|id| RequestContext::anonymous(id, listener, peer.ip()));
        self.bells.borrow_mut().insert(id, Rc::new(Notify::new()));
        let shell = Rc::clone(self);
        tokio::task::spawn_local(async move {
            serve(shell, id, stream).await;
            drop(place);
        });
    }

    /// Hands one frame to the node.
    pub fn handle(&self, id: ConnectionId, frame: Bytes) -> Result<(), FrameError> {
        let now = self.shared.clock.now();
        let mut worker = self.worker.borrow_mut();
        let before = worker.next_deadline();
        let handled =
            worker.handle_frame(&self.shared.node, id, frame, now, &mut self.out.borrow_mut());
        if worker.next_deadline() != before {
            self.deadline_changed.notify_one();
        }
        handled
    }

    /// Ends a round of requests: what was written is synced, what was asked for is done.
    pub fn end_round(&self) {
        let ended = catch_unwind(AssertUnwindSafe(|| {
            let mut out = self.out.borrow_mut();
            self.shared.node.end_round(&mut out);
            self.shared.deliver(&mut out);
        }));
        if ended.is_err() {
            // Nobody knows what was left undone, a sync perhaps.
            self.shared.cannot_go_on("a round of requests could not be ended");
        }
    }

    /// Resumes a request. One that panics costs its connection and nothing else.
    fn resume(&self, ticket: Ticket, wake: Wake) {
        let now = self.shared.clock.now();
        let waits = self.worker.borrow().connection_of(ticket);
        let resumed = catch_unwind(AssertUnwindSafe(|| {
            self.worker.borrow_mut().resume(
                &self.shared.node,
                ticket,
                wake,
                now,
                &mut self.out.borrow_mut(),
            )
        }));
        match (resumed, waits) {
            (Ok(ready), _) => {
                if let Some(id) = ready {
                    self.ring(id);
                }
            }
            (Err(_), Some(id)) => {
                tracing::error!(connection = id.0, "a request panicked when it was resumed");
                self.worker.borrow_mut().abandon(id, ticket);
                self.ring(id);
            }
            (Err(_), None) => self.shared.cannot_go_on("a wake of no request panicked"),
        }
    }

    fn expire(&self) {
        let now = self.shared.clock.now();
        loop {
            // Not in the loop's head, where it would stay borrowed.
            let expired = self.worker.borrow_mut().pop_expired(now);
            let Some(ticket) = expired else { break };
            self.resume(ticket, Wake::Deadline);
        }
        self.end_round();
    }

    fn ring(&self, id: ConnectionId) {
        if let Some(bell) = self.bells.borrow().get(&id) {
            bell.notify_one();
        }
    }

    fn ring_all(&self) {
        for bell in self.bells.borrow().values() {
            bell.notify_one();
        }
    }

    pub fn bell(&self, id: ConnectionId) -> Option<Rc<Notify>> {
        self.bells.borrow().get(&id).cloned()
    }

    pub fn pop_ready(&self, id: ConnectionId) -> Option<Reply> {
        self.worker.borrow_mut().connection(id)?.pop_ready()
    }

    pub fn accepts_more(&self, id: ConnectionId) -> bool {
        self.worker.borrow_mut().connection(id).is_some_and(|connection| connection.accepts_more())
    }

    /// Whether the node wants the connection closed: one of its requests has no answer.
    pub fn is_closing(&self, id: ConnectionId) -> bool {
        self.worker.borrow_mut().connection(id).is_some_and(|connection| connection.is_closing())
    }

    pub fn in_flight(&self, id: ConnectionId) -> usize {
        self.worker.borrow_mut().connection(id).map_or(0, |connection| connection.in_flight())
    }

    /// Reads once from a socket into the buffer that all share.
    pub fn read(
        &self,
        receiver: &mut Receiver,
        stream: &TcpStream,
        frames: &mut Vec<Bytes>,
    ) -> Result<Received, ReceiveError> {
        receiver.read(stream, &mut self.buffer.borrow_mut(), self.frame_bytes_max, frames)
    }

    pub fn budget(&self) -> &FrameBudget {
        &self.shared.budget
    }

    pub fn monotonic_ms(&self) -> u64 {
        self.shared.clock.monotonic_ms()
    }

    pub fn idle_max_ms(&self) -> u64 {
        self.idle_max_ms
    }

    pub fn is_stopping(&self) -> bool {
        self.stopping.get()
    }

    /// Forgets a connection whose task ends.
    pub fn forget(&self, id: ConnectionId) {
        self.worker.borrow_mut().disconnect(&self.shared.node, id);
        self.bells.borrow_mut().remove(&id);
        self.connection_gone();
        self.drained.notify_one();
    }

    fn connection_gone(&self) {
        if let Some(load) = self.shared.loads.get(self.index) {
            load.fetch_sub(1, Ordering::Relaxed);
        }
    }
}
