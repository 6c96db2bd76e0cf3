//! The Raft quorum that decides a Headwater cluster's metadata.
//!
//! - [`core`]: what happens, without I/O: commands are decided against the newest image, proposed
//!   to Raft, and once committed applied, published and answered. Consensus is the crate `raft`;
//!   everything a peer sends is checked before it gets there.
//! - [`storage`]: where it lasts: the log `__cluster_metadata-0`, kept by `headwater-log`, a small
//!   two-slot file for Raft's own state, and snapshots of the image.
//! - [`shell`]: the thread that joins them, behind a [`ControllerHandle`].
//! - [`grpc`]: how controllers and brokers of one cluster talk. A quorum of one opens no port.
//!
//! A quorum of one takes the same road as a large one, only that it elects itself at once.
//! Start reading at [`ControllerHandle::start`].
//!
//! ```
//! use headwater_controller::{ControllerHandle, ControllerOptions, SnapshotEvery};
//! use headwater_log::{DiskOptions, RealDisk};
//! use headwater_metadata::command::InitializeCluster;
//! use headwater_metadata::decide::Policy;
//! use std::sync::Arc;
//!
//! let folder = tempfile::tempdir()?;
//! let options = ControllerOptions {
//!     disk: Arc::new(RealDisk::start(DiskOptions::default())?),
//!     log_folder: folder.path().to_owned(),
//!     node: headwater_types::BrokerId(1),
//!     initialize: InitializeCluster { cluster_id: "mine".into(), features: Vec::new() },
//!     policy: Policy::free(),
//!     snapshot_every: SnapshotEvery::default(),
//! };
//! let (controller, thread) = ControllerHandle::start(options, Box::new(|committed| {
//!     println!("the metadata reaches {:?}", committed.image.position());
//! }))?;
//! assert_eq!(controller.image().cluster_id().map(|id| &**id), Some("mine"));
//! controller.shutdown();
//! thread.join().unwrap();
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

pub mod core;
pub mod grpc;
mod logger;
pub mod shell;
pub mod storage;

pub use self::core::{Committed, QuorumStatus, SnapshotEvery, VERSION_FEATURE, VoterStatus};
pub use self::shell::{Answer, ControllerHandle, ControllerOptions, OnCommitted, StartError};

mod generated {
    //! Committed output of `cargo xtask codegen`.
    #![allow(missing_docs, clippy::all, clippy::unwrap_used, clippy::indexing_slicing)]
    pub mod controller;
}
