//! One connection: reads frames, hands them to the node, sends the answers.
//!
//! A single task does both directions without waiting in either: it sleeps until the socket can do
//! something that is wanted, or until a parked request of this connection has been answered.

use crate::frame_budget::frame_time_max_ms;
use crate::receive::{ReceiveError, Received, Receiver};
use crate::socket::{Flushed, SendQueue};
use crate::worker::WorkerShell;
use bytes::Bytes;
use headwater_node::{ConnectionId, FrameError};
use std::collections::VecDeque;
use std::io;
use std::pin::Pin;
use std::rc::Rc;
use tokio::io::Interest;
use tokio::net::TcpStream;
use tokio::sync::OwnedSemaphorePermit;

/// Rounds of reading before other connections of the worker get their turn.
const ROUNDS_MAX: usize = 16;
/// Bytes of answers that may wait for the socket before the next request is handled. One answer may
/// go beyond it, so a connection whose peer does not read holds this and the largest answer.
const UNSENT_BYTES_MAX: u64 = 1 << 20;
/// How long a peer may take nothing of an answer, in ms, where `connections.max.idle.ms` says no
/// less. Java's consumer reads only while it polls, which it may leave for 5 minutes
/// (`max.poll.interval.ms`), so a shorter time would cut off clients that do nothing wrong.
const SEND_STALL_MAX_MS: u64 = 600_000;

/// Why a connection ended.
#[derive(Debug, thiserror::Error)]
enum End {
    #[error("the peer closed it")]
    PeerClosed,
    #[error("it was idle too long")]
    Idle,
    #[error("the broker is stopping")]
    Stopping,
    #[error("the peer took nothing of its answer for too long")]
    NotTaken,
    #[error("a request could not be answered")]
    Unanswered,
    #[error("a frame took too long to arrive")]
    TooSlow,
    #[error("{0}")]
    Receive(#[from] ReceiveError),
    #[error("{0}")]
    Io(#[from] io::Error),
    #[error("{0}")]
    Frame(#[from] FrameError),
}

/// Serves a connection to its end.
pub(crate) async fn serve(shell: Rc<WorkerShell>, id: ConnectionId, stream: TcpStream) {
    let mut connection = Connection {
        shell: &shell,
        id,
        stream,
        receiver: Receiver::default(),
        room: Room::NotAsked,
        sending: SendQueue::default(),
        read: Vec::new(),
        frames: VecDeque::new(),
        end: None,
        active_ms: shell.monotonic_ms(),
        frame_begun_ms: None,
        stalled_since_ms: None,
    };
    let _forgotten = ForgetAtEnd { shell: &shell, id };
    let end = connection.run().await;
    tracing::debug!(connection = id.0, reason = %end, "connection ended");
}

/// Sees to it that a connection is forgotten however its task ends: a handler that panics costs its
/// own connection and nothing else.
struct ForgetAtEnd<'a> {
    shell: &'a WorkerShell,
    id: ConnectionId,
}

impl Drop for ForgetAtEnd<'_> {
    fn drop(&mut self) {
        self.shell.forget(self.id);
    }
}

struct Connection<'a> {
    shell: &'a WorkerShell,
    id: ConnectionId,
    stream: TcpStream,
    receiver: Receiver,
    /// Memory set aside for the frame under way.
    room: Room,
    sending: SendQueue,
    /// What one read brought; empty between reads.
    read: Vec<Bytes>,
    /// Requests that have come and are not handled yet, in order. Nothing is read before they are.
    frames: VecDeque<Bytes>,
    /// Set when no more is to be read; what has come is still handled, what is ready still sent.
    end: Option<End>,
    /// When bytes last came, on the monotonic clock.
    active_ms: u64,
    /// When the frame under way began, on the monotonic clock.
    frame_begun_ms: Option<u64>,
    /// Since when the peer has taken nothing of what waits for it, on the monotonic clock.
    stalled_since_ms: Option<u64>,
}

/// Room in memory for the frame under way.
enum Room {
    /// No frame, or one whose length is not known yet.
    NotAsked,
    /// Others hold what this frame needs; nothing is read meanwhile, and its clock stands still.
    Asked(Pin<Box<dyn Future<Output = Option<OwnedSemaphorePermit>>>>),
    /// It may be read.
    Granted { _permit: Option<OwnedSemaphorePermit> },
}

impl Room {
    fn is_asked(&self) -> bool {
        matches!(self, Self::Asked(_))
    }

    /// Waits for the room that was asked for; for ever where none was. Cancel-safe.
    async fn granted(&mut self) -> Option<OwnedSemaphorePermit> {
        match self {
            Self::Asked(room) => room.as_mut().await,
            Self::NotAsked | Self::Granted { .. } => std::future::pending().await,
        }
    }
}

enum Next {
    Again,
    Wait,
}

impl Connection<'_> {
    async fn run(&mut self) -> End {
        let Some(bell) = self.shell.bell(self.id) else { return End::Stopping };
        loop {
            let mut waits = false;
            for _ in 0..ROUNDS_MAX {
                match self.round().await {
                    Ok(Next::Again) => {}
                    Ok(Next::Wait) => {
                        waits = true;
                        break;
                    }
                    Err(end) => return end,
                }
            }
            if self.sending.is_empty()
                && self.frames.is_empty()
                && let Some(end) = self.end.take()
            {
                return end;
            }
            if !waits {
                // A socket that stays ready would never let go of the thread by itself: waiting for
                // what is there already does not yield.
                tokio::task::yield_now().await;
                continue;
            }
            // Only what the next round will use up may be waited for. While an answer is blocked
            // nothing is read, so bytes that have come (or the peer's end) would wake this task at
            // once, for ever, and the thread would see no other event again.
            let wanted = match (self.sending.is_empty(), self.wants_to_read()) {
                (false, _) => Interest::WRITABLE,
                (true, true) => Interest::READABLE,
                (true, false) => Interest::ERROR,
            };
            tokio::select! {
                biased;
                () = bell.notified() => {}
                permit = self.room.granted() => {
                    self.room = Room::Granted { _permit: permit };
                    // The sender could not go on before.
                    self.frame_begun_ms = Some(self.shell.monotonic_ms());
                }
                ready = self.stream.ready(wanted) => match ready {
                    Err(error) => return error.into(),
                    Ok(_) if wanted == Interest::ERROR => return End::PeerClosed,
                    Ok(_) => {}
                },
            }
            if let Some(end) = self.deadline_passed() {
                return end;
            }
        }
    }

    fn wants_to_read(&self) -> bool {
        self.end.is_none()
            && self.frames.is_empty()
            && !self.room.is_asked()
            && self.shell.accepts_more(self.id)
    }

    /// Sends what is ready, then handles what has come, or reads where all of it is handled.
    async fn round(&mut self) -> Result<Next, End> {
        self.collect_answers();
        if self.flush()? == Flushed::Blocked {
            return Ok(Next::Wait);
        }
        if self.frames.is_empty()
            && let Some(next) = self.read()
        {
            return Ok(next);
        }
        if !self.may_handle() {
            return Ok(Next::Wait);
        }
        self.handle_frames();
        Ok(Next::Again)
    }

    fn flush(&mut self) -> io::Result<Flushed> {
        let before = self.sending.bytes();
        let flushed = self.sending.flush(&self.stream)?;
        match flushed {
            Flushed::All => self.stalled_since_ms = None,
            Flushed::Blocked if self.sending.bytes() < before => {
                self.stalled_since_ms = Some(self.shell.monotonic_ms());
            }
            Flushed::Blocked => {
                self.stalled_since_ms.get_or_insert_with(|| self.shell.monotonic_ms());
            }
        }
        Ok(flushed)
    }

    /// Reads once; gives what to do next where that brought no request.
    fn read(&mut self) -> Option<Next> {
        if !self.wants_to_read() {
            return Some(Next::Wait);
        }
        let frame_bytes = self.receiver.frame_bytes();
        if frame_bytes > 0 && matches!(self.room, Room::NotAsked) {
            match self.shell.budget().room_for(frame_bytes) {
                None => self.room = Room::Granted { _permit: None },
                Some(room) => {
                    self.room = Room::Asked(Box::pin(room));
                    self.frame_begun_ms = None;
                    return Some(Next::Wait);
                }
            }
        }
        match self.shell.read(&mut self.receiver, &self.stream, &mut self.read) {
            Ok(Received::Blocked) => return Some(Next::Wait),
            Ok(Received::Some) => self.note_activity(),
            Ok(Received::End) => self.end = Some(End::PeerClosed),
            // What came before the bad frame is still handled.
            Err(error) => self.end = Some(error.into()),
        }
        self.frames.extend(self.read.drain(..));
        self.frames.is_empty().then_some(Next::Again)
    }

    /// Whether a request that has come may be handled: what it adds to is bounded.
    fn may_handle(&self) -> bool {
        self.sending.bytes() < UNSENT_BYTES_MAX && self.shell.accepts_more(self.id)
    }

    /// Handles requests until there are enough answers to send first.
    fn handle_frames(&mut self) {
        while self.may_handle()
            && let Some(frame) = self.frames.pop_front()
        {
            if let Err(error) = self.shell.handle(self.id, frame) {
                tracing::debug!(connection = self.id.0, %error, "request refused");
                self.end = Some(error.into());
                self.frames.clear();
            }
            self.collect_answers();
        }
        self.shell.end_round();
    }

    fn note_activity(&mut self) {
        self.active_ms = self.shell.monotonic_ms();
        if self.receiver.is_within_frame() {
            self.frame_begun_ms.get_or_insert(self.active_ms);
        } else {
            self.frame_begun_ms = None;
        }
        if self.receiver.frame_bytes() == 0 {
            self.room = Room::NotAsked;
        }
    }

    fn collect_answers(&mut self) {
        while let Some(reply) = self.shell.pop_ready(self.id) {
            self.sending.extend(reply.into_parts());
        }
        let over = if self.shell.is_stopping() {
            End::Stopping
        } else if self.shell.is_closing(self.id) {
            End::Unanswered
        } else {
            return;
        };
        self.frames.clear();
        self.end.get_or_insert(over);
    }

    fn deadline_passed(&self) -> Option<End> {
        let now_ms = self.shell.monotonic_ms();
        if let Some(since_ms) = self.stalled_since_ms {
            let time_max_ms = self.shell.idle_max_ms().min(SEND_STALL_MAX_MS);
            if now_ms.saturating_sub(since_ms) > time_max_ms {
                return Some(End::NotTaken);
            }
        }
        if let Some(begun_ms) = self.frame_begun_ms {
            let time_max_ms = frame_time_max_ms(self.receiver.frame_bytes());
            return (now_ms.saturating_sub(begun_ms) > time_max_ms).then_some(End::TooSlow);
        }
        let idle = now_ms.saturating_sub(self.active_ms) > self.shell.idle_max_ms()
            && self.sending.is_empty()
            && !self.room.is_asked()
            && self.shell.in_flight(self.id) == 0;
        idle.then_some(End::Idle)
    }
}
