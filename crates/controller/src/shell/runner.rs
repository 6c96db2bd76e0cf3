//! The controller's own thread: takes commands in, drains what waits, writes once, answers all.

use super::handle::{Answer, OnCommitted, Request, Shared, lock, stopped};
use crate::core::{
    Core, CoreError, CoreOptions, Effect, Environment, SnapshotEvery, SnapshotMark, Write,
    raft_id_of,
};
use crate::storage::{Opened, Storage, StorageError, WrittenSnapshot};
use headwater_log::Disk;
use headwater_metadata::command::InitializeCluster;
use headwater_metadata::decide::Policy;
use headwater_metadata::image::Image;
use headwater_types::BrokerId;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use tokio::sync::{mpsc, oneshot};

/// How long a tick of Raft is.
const TICK: Duration = Duration::from_millis(100);

/// How often a write is tried again while the disk is full.
const FULL_RETRY: Duration = Duration::from_millis(500);

/// Commands decided between two writes.
const BATCH_MAX: usize = 1_000;

/// Partitions of an image whose snapshot takes a few milliseconds.
const SNAPSHOT_INLINE_PARTITIONS: usize = 5_000;

/// What a controller is started with.
#[derive(Clone)]
pub struct ControllerOptions {
    /// All files go through it.
    pub disk: Arc<dyn Disk>,
    /// The log folder in which the metadata partition lies (`metadata.log.dir`).
    pub log_folder: PathBuf,
    /// This node.
    pub node: BrokerId,
    /// What the first leader of a new cluster does first.
    pub initialize: InitializeCluster,
    /// The rules of decisions.
    pub policy: Policy,
    /// When a snapshot is due.
    pub snapshot_every: SnapshotEvery,
}

impl std::fmt::Debug for ControllerOptions {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ControllerOptions")
            .field("log_folder", &self.log_folder)
            .field("node", &self.node)
            .finish_non_exhaustive()
    }
}

/// A controller did not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The folder cannot be used.
    #[error(transparent)]
    Storage(#[from] StorageError),
    /// The disk is full: what says that this node leads cannot be written.
    #[error("{0}")]
    Full(String),
    /// What was found cannot be used.
    #[error(transparent)]
    Core(#[from] CoreError),
    /// The system gives no random bytes.
    #[error("no random bytes: {0}")]
    Random(getrandom::Error),
    /// The system starts no thread.
    #[error("cannot start the controller's thread: {0}")]
    Thread(std::io::Error),
}

/// Why a running controller stops by itself.
#[derive(Debug, thiserror::Error)]
enum RunError {
    #[error(transparent)]
    Storage(#[from] StorageError),
    #[error(transparent)]
    Core(#[from] CoreError),
}

/// Everything that the thread owns.
pub(super) struct Runner {
    core: Core<Answer>,
    storage: Storage,
    on_committed: OnCommitted,
    shared: Arc<Shared>,
    effects: Vec<Effect<Answer>>,
    /// The snapshot that another thread is writing.
    snapshot: Option<oneshot::Receiver<Result<WrittenSnapshot, StorageError>>>,
    /// The write for which there is no room.
    stalled: Option<Write>,
}

impl Runner {
    /// Opens the folder and replays it. The only voter elects itself on the way.
    pub(super) fn open(
        options: ControllerOptions,
        mut on_committed: OnCommitted,
        shared: Arc<Shared>,
    ) -> Result<Self, StartError> {
        let Opened { storage, restored, damaged_snapshots } =
            Storage::open(Arc::clone(&options.disk), &options.log_folder, now_ms())?;
        for damaged in damaged_snapshots {
            tracing::warn!(
                snapshot = damaged,
                "a metadata snapshot cannot be read, an older one is used"
            );
        }
        let raft_id = raft_id_of(options.node);
        let core_options = CoreOptions {
            raft_id,
            voters: vec![raft_id],
            seed: getrandom::u64().map_err(StartError::Random)?,
            initialize: options.initialize,
            policy: options.policy,
            snapshot_every: options.snapshot_every,
        };
        if restored.snapshot.index > 0 {
            // What the snapshot holds is committed, and nothing will say so again.
            let empty = Image::default();
            let image = Arc::new(restored.image.clone());
            let delta = Arc::new(headwater_metadata::image::delta(&empty, &image));
            on_committed(&crate::core::Committed { image, delta });
        }
        let core = Core::new(core_options, restored)?;
        *lock(&shared.image) = Arc::clone(core.committed());
        let effects = Vec::new();
        let mut runner =
            Self { core, storage, on_committed, shared, effects, snapshot: None, stalled: None };
        runner.work().map_err(|error| match error {
            RunError::Storage(error) => StartError::Storage(error),
            RunError::Core(error) => StartError::Core(error),
        })?;
        let stalled = lock(&runner.shared.stalled).take();
        match stalled {
            Some(error) => Err(StartError::Full(error)),
            None => Ok(runner),
        }
    }

    /// Runs until it is asked to stop, or cannot go on.
    pub(super) fn run(mut self, mut requests: mpsc::Receiver<Request>) {
        let outcome = match tokio::runtime::Builder::new_current_thread().enable_time().build() {
            Ok(runtime) => {
                let outcome = runtime.block_on(self.serve(&mut requests));
                outcome.map_err(|error| error.to_string())
            }
            Err(error) => Err(error.to_string()),
        };
        if let Err(error) = outcome {
            tracing::error!(error, "the controller stops");
            *lock(&self.shared.failure) = Some(error);
        } else if let Err(error) = self.storage.close() {
            tracing::warn!(%error, "the metadata folder was not closed cleanly");
        }
        // Nobody waits in vain.
        requests.close();
        while let Ok(request) = requests.try_recv() {
            (request.answer)(Err(stopped()));
        }
        for answer in self.core.give_up() {
            answer(Err(stopped()));
        }
    }

    async fn serve(&mut self, requests: &mut mpsc::Receiver<Request>) -> Result<(), RunError> {
        let mut ticks = tokio::time::interval(TICK);
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            // A quorum of one has nobody to be late for: no tick wakes an idle process.
            let peers = self.core.has_peers();
            let shared = Arc::clone(&self.shared);
            let full = self.stalled.is_some();
            let first = tokio::select! {
                request = requests.recv(), if !full => request,
                () = tokio::time::sleep(FULL_RETRY), if full => {
                    self.retry()?;
                    continue;
                }
                () = shared.stop.notified() => None,
                written = finished(&mut self.snapshot) => {
                    self.snapshot_ended(written);
                    self.work()?;
                    continue;
                }
                _ = ticks.tick(), if peers => {
                    self.core.handle_tick();
                    self.work()?;
                    continue;
                }
            };
            let Some(first) = first else { return self.finish(requests).await };
            self.take(first);
            for _ in 1..BATCH_MAX {
                let Ok(request) = requests.try_recv() else { break };
                self.take(request);
            }
            self.work()?;
        }
    }

    /// Carries out what came before the end.
    async fn finish(&mut self, requests: &mut mpsc::Receiver<Request>) -> Result<(), RunError> {
        requests.close();
        while let Ok(request) = requests.try_recv() {
            self.take(request);
        }
        self.work()?;
        if self.snapshot.is_some() {
            let written = finished(&mut self.snapshot).await;
            self.snapshot_ended(written);
        }
        Ok(())
    }

    fn take(&mut self, request: Request) {
        let Request { command, answer } = request;
        let mut world = Environment { now_ms: now_ms(), ids: &mut random_id };
        self.core.handle_command(answer, &command, &mut world);
    }

    /// Carries out what the core wants, until it wants nothing more.
    fn work(&mut self) -> Result<(), RunError> {
        loop {
            let mut effects = std::mem::take(&mut self.effects);
            self.core.poll(&mut effects)?;
            if effects.is_empty() {
                break;
            }
            for effect in effects.drain(..) {
                self.carry_out(effect)?;
            }
            self.effects = effects;
        }
        *lock(&self.shared.quorum) = self.core.quorum();
        Ok(())
    }

    fn carry_out(&mut self, effect: Effect<Answer>) -> Result<(), RunError> {
        match effect {
            // There is no peer yet to whom anything could go.
            Effect::Send(_) => {}
            Effect::Persist { write, then: _ } => self.persist(write)?,
            Effect::Publish(committed) => {
                *lock(&self.shared.image) = Arc::clone(&committed.image);
                (self.on_committed)(&committed);
            }
            Effect::Answer { ticket, outcome } => ticket(outcome),
            Effect::Snapshot { mark, image } => self.snapshot(mark, image),
        }
        Ok(())
    }

    fn persist(&mut self, write: Write) -> Result<(), RunError> {
        match self.storage.persist(&write, now_ms()) {
            Ok(()) => {
                if lock(&self.shared.stalled).take().is_some() {
                    tracing::info!("there is room for metadata again");
                }
                self.core.handle_persisted();
                Ok(())
            }
            Err(error) if error.is_full() => {
                let reason = error.to_string();
                if lock(&self.shared.stalled).replace(reason).is_none() {
                    tracing::error!(%error, "no room for metadata: admin commands wait");
                }
                self.stalled = Some(write);
                Ok(())
            }
            Err(error) => Err(error.into()),
        }
    }

    fn retry(&mut self) -> Result<(), RunError> {
        if let Some(write) = self.stalled.take() {
            self.persist(write)?;
        }
        self.work()
    }

    /// Writes a snapshot: a small one at once, a large one on a thread of its own, for it would
    /// hold up every command meanwhile.
    fn snapshot(&mut self, mark: SnapshotMark, image: Arc<Image>) {
        let small = image.partition_count() <= SNAPSHOT_INLINE_PARTITIONS;
        let job = match self.storage.prepare_snapshot(mark, image, now_ms()) {
            Ok(job) => job,
            Err(error) => return self.snapshot_ended(Err(error)),
        };
        if small {
            return self.snapshot_ended(job.run());
        }
        let (sender, receiver) = oneshot::channel();
        let thread = std::thread::Builder::new().name("headwater-snapshot".to_owned());
        let started = thread.spawn(move || {
            // Nobody listens any more where the controller has failed.
            let _ = sender.send(job.run());
        });
        match started {
            Ok(_) => self.snapshot = Some(receiver),
            Err(error) => {
                tracing::warn!(%error, "a metadata snapshot could not be started");
                self.core.handle_snapshot_failed();
            }
        }
    }

    fn snapshot_ended(&mut self, outcome: Result<WrittenSnapshot, StorageError>) {
        let deleted = outcome.and_then(|written| {
            let keep_from = self.core.handle_snapshot_written(written.mark.clone());
            self.storage.adopt_snapshot(written);
            self.storage.delete_to(keep_from, now_ms())
        });
        if let Err(error) = deleted {
            // The log grows until the next one; that is all that is lost.
            tracing::warn!(%error, "a metadata snapshot was not written");
            self.core.handle_snapshot_failed();
        }
    }
}

/// Waits for a snapshot, forever where none is being written.
async fn finished(
    snapshot: &mut Option<oneshot::Receiver<Result<WrittenSnapshot, StorageError>>>,
) -> Result<WrittenSnapshot, StorageError> {
    let outcome = match snapshot {
        Some(receiver) => receiver.await,
        None => std::future::pending().await,
    };
    *snapshot = None;
    outcome.unwrap_or(Err(StorageError::SnapshotAbandoned))
}

fn now_ms() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}

/// 16 random bytes. Where the system gives none any more, the clock must do: ids are compared with
/// those that exist before they are used.
fn random_id() -> [u8; 16] {
    let mut bytes = [0; 16];
    if getrandom::fill(&mut bytes).is_err() {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        bytes =
            since.as_nanos().wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835).to_be_bytes();
    }
    bytes
}
