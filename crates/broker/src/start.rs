//! From options to a broker that serves, step by step.

use crate::acceptor::{BoundListener, ListenError, bind};
use crate::clock::Clock;
use crate::frame_budget::FrameBudget;
use crate::jobs::{JobOptions, Jobs};
use crate::mailbox::Mailbox;
use crate::options::BrokerOptions;
use crate::places::Places;
use crate::shared::Shared;
use headwater_log::{
    Completion, Disk, DiskOptions, FolderError, FolderOptions, LogFolder, RealDisk,
};
use headwater_metadata::config::{BrokerConfig, Layers, ServerConfig};
use headwater_metadata::image::{Endpoint, SecurityProtocol};
use headwater_node::quorum::QuorumSource;
use headwater_node::{Folder, Node, NodeStart};
use headwater_types::Uuid;
use std::net::SocketAddr;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::atomic::AtomicUsize;
use std::sync::{Arc, OnceLock, Weak};
use thiserror::Error;

/// For jobs that may block: deleting, measuring.
const JOBS: JobOptions = JobOptions { threads: 1, name: "headwater-job", queued_max: 1024 };
/// For the opening of logs, which after a crash reads much. At most one task a partition queues, and
/// none of them may run on a worker.
const OPENING: JobOptions =
    JobOptions { threads: 4, name: "headwater-open", queued_max: usize::MAX };
/// Threads for the disk's submitted operations.
const DISK_THREADS: usize = 3;
/// For moves between folders, each of which queues one task at a time.
const MOVING: JobOptions =
    JobOptions { threads: 1, name: "headwater-move", queued_max: usize::MAX };
/// More workers than this have never been measured to help.
const WORKERS_MAX: usize = 64;

/// Why a broker does not start.
#[derive(Debug, Error)]
pub enum StartError {
    /// A listener cannot be opened.
    #[error(transparent)]
    Listen(#[from] ListenError),
    /// A log folder cannot be used.
    #[error(transparent)]
    Folder(#[from] FolderError),
    /// The metadata cannot be read or written.
    #[error("the metadata cannot be used: {0}")]
    Controller(#[from] headwater_controller::StartError),
    /// The metadata refuses this broker.
    #[error("the cluster refuses this broker: {0}")]
    Refused(headwater_metadata::command::CommandError),
    /// The log folders belong to different clusters.
    #[error("the log folders belong to different clusters: {first} and {second}")]
    MixedClusters {
        /// One.
        first: String,
        /// Another.
        second: String,
    },
    /// The temporary folder cannot be made.
    #[error("the temporary folder cannot be made: {0}")]
    Temporary(#[source] std::io::Error),
    /// A thread or its runtime cannot be started.
    #[error("a thread cannot be started: {0}")]
    Thread(#[source] std::io::Error),
    /// The system gives no random numbers.
    #[error("the system gives no random numbers: {0}")]
    Random(#[from] getrandom::Error),
    /// A thread of the broker has panicked, which is a bug.
    #[error("a thread of the broker has panicked")]
    Panicked,
}

/// What the handle knows of a broker that serves.
#[derive(Debug)]
pub(crate) struct Started {
    pub addresses: Vec<(String, SocketAddr)>,
    pub metrics: Option<SocketAddr>,
    pub log_dirs: Vec<PathBuf>,
    pub cluster_id: String,
    /// Removed when the handle is dropped.
    pub _temporary: Option<tempfile::TempDir>,
}

/// The parts of a broker before its threads run.
pub(crate) struct Prepared {
    pub shared: Arc<Shared>,
    pub listeners: Vec<BoundListener>,
    /// The port of metrics and health, where there is one.
    pub admin: Option<BoundListener>,
    pub endpoints: Vec<Endpoint>,
    pub cluster_id: String,
    pub server: Arc<ServerConfig>,
    pub disk: Arc<dyn Disk>,
    pub temporary: Option<tempfile::TempDir>,
}

/// Opens folders and listeners and puts the node together; blocks on the disk.
pub(crate) fn prepare(
    options: &BrokerOptions,
    quorum: Arc<dyn QuorumSource>,
) -> Result<Prepared, StartError> {
    let mut server = options.server.clone();
    let temporary = match options.temporary {
        true => Some(tempfile::tempdir().map_err(StartError::Temporary)?),
        false => None,
    };
    if let Some(folder) = &temporary {
        server.log_dirs = vec![folder.path().to_owned()];
        server.metadata_log_dir = folder.path().to_owned();
    }
    let server = Arc::new(server);
    // Ports first: nothing is written where the broker could not serve anyway.
    let backlog = BrokerConfig::resolve(Layers::at_start(&server)).socket_listen_backlog_size;
    let listeners = server
        .listeners
        .iter()
        .map(|listener| bind(&listener.name, &listener.host, listener.port, backlog))
        .collect::<Result<Vec<_>, _>>()?;
    let admin = server
        .metrics_listener
        .as_ref()
        .map(|listener| crate::admin::open(&listener.host, listener.port))
        .transpose()?;
    let clock = Clock::start();
    let completes_to: Arc<OnceLock<Weak<Shared>>> = Arc::new(OnceLock::new());
    let disk: Arc<dyn Disk> = Arc::new(
        RealDisk::start(DiskOptions {
            threads: DISK_THREADS,
            sink: completion_sink(Arc::clone(&completes_to)),
            ..DiskOptions::default()
        })
        .map_err(StartError::Thread)?,
    );
    let (folders, cluster_id) = open_folders(&server, &disk)?;
    let workers = worker_count(&server);
    let node = Node::new(NodeStart {
        me: server.node_id,
        server: Arc::clone(&server),
        folders,
        authorizer: Arc::clone(&options.authorizer),
        quorum,
        seed: random_u64()?,
    });
    let shared = Arc::new(Shared {
        node: Arc::new(node),
        clock,
        mailboxes: (0..workers).map(|_| Arc::new(Mailbox::default())).collect(),
        loads: (0..workers).map(|_| AtomicUsize::new(0)).collect(),
        controller: OnceLock::new(),
        jobs: Jobs::start(&JOBS).map_err(StartError::Thread)?,
        moving: Jobs::start(&MOVING).map_err(StartError::Thread)?,
        opening: Jobs::start(&OPENING).map_err(StartError::Thread)?,
        budget: FrameBudget::new(),
        places: Places::default(),
        fatal: OnceLock::new(),
    });
    // The disk outlives nobody: it holds the shared parts weakly.
    let _ = completes_to.set(Arc::downgrade(&shared));
    let endpoints = endpoints(&server, &listeners);
    Ok(Prepared { shared, listeners, admin, endpoints, cluster_id, server, disk, temporary })
}

/// Completions of disk operations go straight to the node, on the disk's thread.
fn completion_sink(to: Arc<OnceLock<Weak<Shared>>>) -> headwater_log::CompletionSink {
    Arc::new(move |completion: Completion| {
        if let Some(shared) = to.get().and_then(Weak::upgrade) {
            let told = catch_unwind(AssertUnwindSafe(|| {
                let mut out = headwater_node::Outbox::new();
                shared.node.complete(completion, &mut out);
                shared.deliver(&mut out);
            }));
            if told.is_err() {
                shared.cannot_go_on("the end of a sync could not be told");
            }
        }
    })
}

fn worker_count(server: &ServerConfig) -> usize {
    let cores = || std::thread::available_parallelism().map_or(1, usize::from);
    server.worker_threads.unwrap_or_else(cores).clamp(1, WORKERS_MAX)
}

/// After a crash somebody may ask what the journal was good for.
fn tell_of_replay(folder: &LogFolder) {
    let headwater_log::ReplaySummary { frames, partitions, restored_bytes } = folder.replayed();
    if frames > 0 && folder.clean_stop().is_none() {
        tracing::info!(
            folder = %folder.path().display(),
            frames,
            partitions,
            restored_bytes,
            "the journal of a folder was read after a crash"
        );
    }
}

/// Opens every log folder; a new cluster's id is drawn where none of them names one.
fn open_folders(
    server: &ServerConfig,
    disk: &Arc<dyn Disk>,
) -> Result<(Vec<Arc<Folder>>, String), StartError> {
    let mut folders = Vec::new();
    for (path, token) in server.log_dirs.iter().zip(0..) {
        let options = FolderOptions::new(server.node_id, None, random_uuid()?);
        // Tools are told of folders and name them again (AlterReplicaLogDirs), so their paths must
        // mean the same wherever they are read.
        let path = std::path::absolute(path).unwrap_or_else(|_| path.clone());
        let folder = LogFolder::open(Arc::clone(disk), &path, options)?;
        tell_of_replay(&folder);
        folders.push(Arc::new(Folder::new(folder, token)));
    }
    let mut known: Option<String> = None;
    for found in folders.iter().filter_map(|folder| folder.log_folder().cluster_id()) {
        match &known {
            Some(first) if *first != found => {
                return Err(StartError::MixedClusters { first: first.clone(), second: found });
            }
            _ => known = Some(found),
        }
    }
    let cluster_id = match known {
        Some(id) => id,
        None => random_uuid()?.to_string(),
    };
    Ok((folders, cluster_id))
}

/// What clients are told of this broker's listeners: the advertised ones, with the bound port and
/// this machine's name where nothing else was said.
fn endpoints(server: &ServerConfig, bound: &[BoundListener]) -> Vec<Endpoint> {
    server
        .advertised_listeners
        .iter()
        .map(|advertised| {
            let listener = bound.iter().find(|one| *one.name == *advertised.name);
            let port = match advertised.port {
                0 => listener.map_or(0, |one| one.address.port()),
                port => port,
            };
            let host = match advertised.host.as_str() {
                "" => this_host(),
                host => host.to_owned(),
            };
            Endpoint {
                name: Arc::from(advertised.name.as_str()),
                host: Arc::from(host),
                port,
                security_protocol: SecurityProtocol::from_code(i32::from(
                    advertised.security_protocol.id(),
                ))
                .unwrap_or(SecurityProtocol::Plaintext),
            }
        })
        .collect()
}

/// This machine's own name, or loopback where it has none.
fn this_host() -> String {
    let name = rustix::system::uname().nodename().to_string_lossy().into_owned();
    if name.is_empty() { "localhost".to_owned() } else { name }
}

pub(crate) fn random_uuid() -> Result<Uuid, getrandom::Error> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes)?;
    Ok(Uuid::from_random(bytes))
}

pub(crate) fn random_u64() -> Result<u64, getrandom::Error> {
    let mut bytes = [0; 8];
    getrandom::fill(&mut bytes)?;
    Ok(u64::from_le_bytes(bytes))
}
