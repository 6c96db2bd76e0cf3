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
use std::io;
use std::rc::Rc;
use tokio::io::Interest;
use tokio::net::TcpStream;
use tokio::sync::OwnedSemaphorePermit;

/// Rounds of reading before other connections of the worker get their turn.
const ROUNDS_MAX: usize = 16;

/// Why a connection ended.
#[derive(Debug, thiserror::Error)]
enum End {
    #[error("the peer closed it")]
    PeerClosed,
    #[error("it was idle too long")]
    Idle,
    #[error("the broker is stopping")]
    Stopping,
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
        room: None,
        sending: SendQueue::default(),
        frames: Vec::new(),
        end: None,
        active_ms: shell.monotonic_ms(),
        frame_begun_ms: None,
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
    room: Option<OwnedSemaphorePermit>,
    sending: SendQueue,
    frames: Vec<Bytes>,
    /// Set when no more is to be read; what is ready is still sent.
    end: Option<End>,
    /// When bytes last came, on the monotonic clock.
    active_ms: u64,
    /// When the frame under way began, on the monotonic clock.
    frame_begun_ms: Option<u64>,
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
        self.end.is_none() && self.shell.accepts_more(self.id)
    }

    /// Sends what is ready, then reads and handles what has come.
    async fn round(&mut self) -> Result<Next, End> {
        self.collect_answers();
        if self.sending.flush(&self.stream)? == Flushed::Blocked || !self.wants_to_read() {
            return Ok(Next::Wait);
        }
        let frame_bytes = self.receiver.frame_bytes();
        if frame_bytes > 0 && self.room.is_none() {
            self.room = self.shell.budget().room_for(frame_bytes).await;
        }
        match self.shell.read(&mut self.receiver, &self.stream, &mut self.frames) {
            Ok(Received::Blocked) => return Ok(Next::Wait),
            Ok(Received::Some) => self.note_activity(),
            Ok(Received::End) => {
                self.end = Some(End::PeerClosed);
                return Ok(Next::Again);
            }
            // What came before the bad frame is still handled.
            Err(error) => self.end = Some(error.into()),
        }
        for frame in self.frames.drain(..) {
            if let Err(error) = self.shell.handle(self.id, frame) {
                tracing::debug!(connection = self.id.0, %error, "request refused");
                self.end = Some(error.into());
                break;
            }
        }
        self.shell.end_round();
        Ok(Next::Again)
    }

    fn note_activity(&mut self) {
        self.active_ms = self.shell.monotonic_ms();
        if self.receiver.is_within_frame() {
            self.frame_begun_ms.get_or_insert(self.active_ms);
        } else {
            self.frame_begun_ms = None;
        }
        if self.receiver.frame_bytes() == 0 {
            self.room = None;
        }
    }

    fn collect_answers(&mut self) {
        while let Some(reply) = self.shell.pop_ready(self.id) {
            self.sending.extend(reply.into_parts());
        }
        if self.end.is_none() && self.shell.is_stopping() {
            self.end = Some(End::Stopping);
        }
    }

    fn deadline_passed(&self) -> Option<End> {
        let now_ms = self.shell.monotonic_ms();
        if let Some(begun_ms) = self.frame_begun_ms {
            let time_max_ms = frame_time_max_ms(self.receiver.frame_bytes());
            return (now_ms.saturating_sub(begun_ms) > time_max_ms).then_some(End::TooSlow);
        }
        let idle = now_ms.saturating_sub(self.active_ms) > self.shell.idle_max_ms()
            && self.sending.is_empty()
            && self.shell.in_flight(self.id) == 0;
        idle.then_some(End::Idle)
    }
}
