//! The control thread: starts everything, keeps time, stops everything.

use crate::acceptor::accept;
use crate::broker::StopError;
use crate::facts;
use crate::mailbox::Message;
use crate::metadata::{QuorumView, register, start_controller};
use crate::options::BrokerOptions;
use crate::shared::Shared;
use crate::start::{Prepared, StartError, Started, prepare};
use crate::worker;
use headwater_node::Outbox;
use std::collections::BTreeSet;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;
use tokio::sync::{Notify, oneshot};
use tokio::task::LocalSet;

/// How often logs are asked whether they are due for a sync.
const TICK_EVERY: Duration = Duration::from_millis(500);

/// How often it is looked whether all threads still run.
const WATCH_EVERY: Duration = Duration::from_millis(200);

/// The body of the control thread.
pub(crate) fn run(
    options: BrokerOptions,
    ready: oneshot::Sender<Result<Started, StartError>>,
    stopped: oneshot::Receiver<()>,
    ended: oneshot::Sender<Result<(), StopError>>,
) {
    let runtime =
        match tokio::runtime::Builder::new_current_thread().enable_io().enable_time().build() {
            Ok(runtime) => runtime,
            Err(error) => {
                let _ = ready.send(Err(StartError::Thread(error)));
                return;
            }
        };
    let outcome = LocalSet::new().block_on(&runtime, async {
        let (running, started) = match start(&options).await {
            Ok(running) => running,
            Err(error) => {
                let _ = ready.send(Err(error));
                return Ok(());
            }
        };
        if ready.send(Ok(started)).is_err() {
            return running.stop().await;
        }
        tokio::select! {
            // Either word or silence from the handle means the same: it is time to stop.
            _ = stopped => running.stop().await,
            cause = running.cannot_go_on() => {
                tracing::error!(cause, "the broker cannot go on and stops");
                // What is wrong with the stop follows from it.
                let _ = running.stop().await;
                Err(StopError::Died { cause })
            }
        }
    });
    let _ = ended.send(outcome);
}

/// What runs, as far as it was started.
struct Running {
    shared: Arc<Shared>,
    stop_accepting: Arc<Notify>,
    acceptors: Vec<tokio::task::JoinHandle<()>>,
    timers: Vec<tokio::task::JoinHandle<()>>,
    workers: Vec<JoinHandle<std::io::Result<()>>>,
    controller: JoinHandle<()>,
}

async fn start(options: &BrokerOptions) -> Result<(Running, Started), StartError> {
    let quorum = Arc::new(QuorumView::default());
    let prepared = prepare(options, Arc::clone(&quorum) as _)?;
    let controller = start_controller(&prepared, &quorum)?;
    // From here on there is something to stop.
    let mut running = Running {
        shared: Arc::clone(&prepared.shared),
        stop_accepting: Arc::new(Notify::new()),
        acceptors: Vec::new(),
        timers: Vec::new(),
        workers: Vec::new(),
        controller,
    };
    match running.start(options, prepared).await {
        Ok(started) => Ok((running, started)),
        Err(error) => {
            if let Err(error) = running.stop().await {
                tracing::warn!(%error, "what was started could not be stopped cleanly");
            }
            Err(error)
        }
    }
}

impl Running {
    /// Makes the broker known and starts what serves.
    async fn start(
        &mut self,
        options: &BrokerOptions,
        prepared: Prepared,
    ) -> Result<Started, StartError> {
        register(&prepared).await?;
        let Prepared { shared, listeners, cluster_id, server, temporary, admin, .. } = prepared;
        let cluster_id =
            shared.node.view().image.cluster_id().map_or(cluster_id, |decided| decided.to_string());
        for folder in shared.node.folders() {
            folder.log_folder().adopt_cluster(&cluster_id)?;
        }
        for index in 0..shared.mailboxes.len() {
            let index = u16::try_from(index).unwrap_or(u16::MAX);
            let shared = Arc::clone(&shared);
            let thread = std::thread::Builder::new()
                .name(format!("headwater-worker-{index}"))
                .spawn(move || worker::run(shared, index))
                .map_err(StartError::Thread)?;
            self.workers.push(thread);
        }
        let addresses: Vec<_> =
            listeners.iter().map(|one| (one.name.to_string(), one.address)).collect();
        self.acceptors.extend(listeners.into_iter().map(|listener| {
            let stop = Arc::clone(&self.stop_accepting);
            tokio::task::spawn_local(accept(Arc::clone(&shared), listener, stop))
        }));
        let metrics = admin.as_ref().map(|listener| listener.address);
        self.timers.push(tokio::task::spawn_local(tick(Arc::clone(&shared))));
        self.timers.push(tokio::task::spawn_local(housekeeping(Arc::clone(&shared))));
        if let Some(listener) = admin {
            let set_log_level = options.set_log_level.clone();
            let serving = crate::admin::serve(Arc::clone(&shared), listener, set_log_level);
            self.timers.push(tokio::task::spawn_local(serving));
        }
        Ok(Started {
            addresses,
            metrics,
            log_dirs: server.log_dirs.clone(),
            cluster_id,
            _temporary: temporary,
        })
    }

    /// Waits until something has ended without which the broker cannot go on, and says what.
    async fn cannot_go_on(&self) -> String {
        let mut turns = tokio::time::interval(WATCH_EVERY);
        loop {
            turns.tick().await;
            if let Some(why) = self.shared.fatal.get() {
                return (*why).to_owned();
            }
            if self.controller.is_finished() {
                let failure = self.shared.controller.get().and_then(|one| one.failure());
                let why = failure.unwrap_or_else(|| "its thread has panicked".to_owned());
                return format!("the metadata cannot be kept: {why}");
            }
            if self.workers.iter().any(JoinHandle::is_finished) {
                return "a worker thread has ended".to_owned();
            }
        }
    }
}

/// Lists what is due for a sync by `flush.messages` and `flush.ms`, and tells once of what has
/// broken for good.
async fn tick(shared: Arc<Shared>) {
    let mut turns = tokio::time::interval(TICK_EVERY);
    let mut out = Outbox::new();
    let mut told = BTreeSet::new();
    loop {
        turns.tick().await;
        shared.node.tick(shared.clock.now(), &mut out);
        shared.deliver(&mut out);
        facts::tell(shared.node.take_facts());
        for folder in shared.node.folders() {
            if let Some(error) = folder.failure()
                && told.insert(folder.path().to_owned())
            {
                tracing::error!(
                    folder = %folder.path().display(),
                    %error,
                    "a log folder is out of service until the broker is started again"
                );
            }
        }
    }
}

/// Retention, deletions and checkpoints, on a thread that may block.
async fn housekeeping(shared: Arc<Shared>) {
    let settings = Arc::clone(&shared.node.view().settings);
    tokio::time::sleep(Duration::from_millis(settings.log_initial_task_delay_ms)).await;
    loop {
        let settings = Arc::clone(&shared.node.view().settings);
        let wait_ms = settings
            .log_retention_check_interval_ms
            .min(settings.log_flush_offset_checkpoint_interval_ms)
            .min(settings.log_flush_start_offset_checkpoint_interval_ms)
            .max(100);
        tokio::time::sleep(Duration::from_millis(wait_ms)).await;
        let done = Arc::new(Notify::new());
        let told = Arc::clone(&done);
        let node = Arc::clone(&shared.node);
        let now = shared.clock.now();
        let task = Box::new(move |out: &mut Outbox| {
            for error in node.apply_retention(now, out) {
                tracing::warn!(%error, "retention could not be applied");
            }
            // Each goes on where the other cannot.
            for outcome in [node.remove_deleted(), node.write_checkpoints()] {
                if let Err(error) = outcome {
                    tracing::warn!(%error, "housekeeping of a log folder failed");
                }
            }
        });
        let delivers = Arc::clone(&shared);
        shared.jobs.run_task(task, move |out| {
            delivers.deliver(out);
            told.notify_one();
        });
        done.notified().await;
    }
}

impl Running {
    /// Stops from the outside in: no new connections, the last answers, the metadata, the logs.
    async fn stop(self) -> Result<(), StopError> {
        self.stop_accepting.notify_waiters();
        for acceptor in self.acceptors {
            acceptor.abort();
        }
        for timer in self.timers {
            timer.abort();
        }
        for mailbox in &self.shared.mailboxes {
            mailbox.send([Message::Stop]);
        }
        // The threads end by themselves; waiting for them must not stop the controller, whose
        // answers their last requests may need.
        let workers = self.workers;
        let joined = tokio::task::spawn_blocking(move || {
            workers.into_iter().map(JoinHandle::join).collect::<Vec<_>>()
        });
        let mut panicked = false;
        for outcome in joined.await.unwrap_or_default() {
            match outcome {
                Ok(Ok(())) => {}
                Ok(Err(error)) => tracing::error!(%error, "a worker could not run"),
                Err(_) => panicked = true,
            }
        }
        if let Some(controller) = self.shared.controller.get() {
            controller.shutdown();
        }
        let controller = self.controller;
        let joined = tokio::task::spawn_blocking(move || controller.join());
        panicked |= !matches!(joined.await, Ok(Ok(())));
        self.shared.node.stop_moves();
        self.shared.moving.stop();
        self.shared.opening.stop();
        self.shared.jobs.stop();
        facts::tell(self.shared.node.take_facts());
        self.shared.node.close()?;
        if panicked { Err(StopError::Panicked) } else { Ok(()) }
    }
}
