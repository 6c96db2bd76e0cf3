//! What the rest of a process holds of its controller.

use super::runner::{self, ControllerOptions, StartError};
use crate::core::{Committed, QuorumStatus};
use headwater_metadata::command::{Command, CommandError, CommandReply};
use headwater_metadata::image::Image;
use headwater_types::ErrorCode;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use tokio::sync::{Notify, mpsc};

/// Takes the outcome of a command, on the controller's thread: it must be quick and not block.
pub type Answer = Box<dyn FnOnce(Result<CommandReply, CommandError>) + Send>;

/// Takes newly committed metadata, on the controller's thread and before any answer that speaks of
/// it: it must be quick and not block.
pub type OnCommitted = Box<dyn FnMut(&Committed) + Send>;

/// Commands that may wait for the controller's thread.
pub(super) const QUEUE_MAX: usize = 10_000;

pub(super) struct Request {
    pub(super) command: Command,
    pub(super) answer: Answer,
}

/// What the handle and the thread share.
#[derive(Debug, Default)]
pub(super) struct Shared {
    pub(super) quorum: Mutex<QuorumStatus>,
    pub(super) image: Mutex<Arc<Image>>,
    /// Why nothing can be written now.
    pub(super) stalled: Mutex<Option<String>>,
    /// Told once when the thread shall end.
    pub(super) stop: Notify,
    /// Why the thread ended, if it was not asked to.
    pub(super) failure: Mutex<Option<String>>,
}

pub(super) fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A running controller. Dropping the last handle stops it as [`ControllerHandle::shutdown`]
/// does, but does not wait.
#[derive(Clone)]
pub struct ControllerHandle {
    requests: mpsc::Sender<Request>,
    shared: Arc<Shared>,
}

impl std::fmt::Debug for ControllerHandle {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ControllerHandle").field("quorum", &self.quorum()).finish_non_exhaustive()
    }
}

impl ControllerHandle {
    /// Opens the folder, replays it, and starts the thread.
    ///
    /// With one voter the cluster is ready when this returns: its id is fixed, and `on_committed`
    /// was called (on the calling thread) with everything that was there.
    ///
    /// # Errors
    ///
    /// The folder cannot be opened or trusted, or the thread cannot be started.
    pub fn start(
        options: ControllerOptions,
        on_committed: OnCommitted,
    ) -> Result<(Self, JoinHandle<()>), StartError> {
        let (sender, receiver) = mpsc::channel(QUEUE_MAX);
        let shared = Arc::new(Shared::default());
        let runner = runner::Runner::open(options, on_committed, Arc::clone(&shared))?;
        let thread = std::thread::Builder::new()
            .name("headwater-controller".to_owned())
            .spawn(move || runner.run(receiver))
            .map_err(StartError::Thread)?;
        Ok((Self { requests: sender, shared }, thread))
    }

    /// Hands a command over. `answer` is called exactly once, on the controller's thread (or at
    /// once on this one where the controller takes nothing more).
    pub fn submit(&self, command: Command, answer: Answer) {
        let refused = match self.requests.try_send(Request { command, answer }) {
            Ok(()) => return,
            Err(refused) => refused,
        };
        let (request, error) = match refused {
            mpsc::error::TrySendError::Full(request) => (
                request,
                CommandError::new(
                    ErrorCode::ThrottlingQuotaExceeded,
                    "The controller has too many commands in work; try again.",
                ),
            ),
            mpsc::error::TrySendError::Closed(request) => (request, stopped()),
        };
        (request.answer)(Err(error));
    }

    /// What is committed now.
    pub fn image(&self) -> Arc<Image> {
        Arc::clone(&lock(&self.shared.image))
    }

    /// The state of the quorum, for DescribeQuorum.
    pub fn quorum(&self) -> QuorumStatus {
        lock(&self.shared.quorum).clone()
    }

    /// Why the controller stopped by itself, if it did: a failing disk, or metadata that cannot be
    /// applied.
    pub fn failure(&self) -> Option<String> {
        lock(&self.shared.failure).clone()
    }

    /// Why commands wait, if they do: the disk is full. They are carried out when there is room.
    pub fn stalled(&self) -> Option<String> {
        lock(&self.shared.stalled).clone()
    }

    /// Asks the controller to stop: it finishes what it has taken in, then its thread ends.
    pub fn shutdown(&self) {
        self.shared.stop.notify_one();
    }
}

/// The answer where the controller runs no more.
pub(super) fn stopped() -> CommandError {
    CommandError::new(ErrorCode::NotController, "The controller has stopped.")
}
