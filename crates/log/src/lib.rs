//! One partition's log on disk, in Apache Kafka's own file formats.
//!
//! Start at [`Log`] (append, read, sync, retention, truncation) and [`LogFolder`] (a folder full of
//! logs: lock, identity, checkpoints, clean stop). All file I/O goes through [`Disk`]; no clock and
//! no randomness is in here: times and ids are arguments.
//!
//! A log has two ends: [`Log::log_end`] is behind the last record written, [`Log::durable_end`]
//! behind the last one known to be on stable storage.
//!
//! ```
//! use headwater_log::{
//!     AppendOptions, Disk, Log, LogConfig, LogIdentity, MemoryDisk, OpenKind, ReadLimit,
//! };
//! use headwater_protocol::records::{BatchBuilder, BatchOptions, NewRecord};
//! use headwater_types::{EndOffset, LeaderEpoch, Offset, PartitionIndex, Uuid};
//! use std::sync::Arc;
//!
//! let disk: Arc<dyn Disk> = Arc::new(MemoryDisk::new());
//! let identity = LogIdentity {
//!     topic: "orders".into(),
//!     topic_id: Uuid([1; 16]),
//!     partition: PartitionIndex(0),
//! };
//! let folder = "/data/orders-0".as_ref();
//! let config = Arc::new(LogConfig::default());
//! let now_ms = 1_700_000_000_000;
//! let mut log =
//!     Log::open(Arc::clone(&disk), folder, identity, config, now_ms, OpenKind::UNKNOWN)?;
//!
//! let mut batch = BatchBuilder::new(BatchOptions::default());
//! batch.push(NewRecord { timestamp: now_ms, value: Some(b"hello"), ..NewRecord::default() })?;
//! let batches = vec![batch.finish()?];
//! let options = AppendOptions::default();
//! let appended = log.append_as_leader(batches, LeaderEpoch(0), now_ms, options)?;
//! assert_eq!((appended.first, log.durable_end()), (Offset(0), EndOffset(0)));
//!
//! if let Some(plan) = log.begin_sync() {
//!     let result = plan.run(&*disk);
//!     log.complete_sync(plan, result)?;
//! }
//! assert_eq!(log.durable_end(), EndOffset(1));
//!
//! let limit = ReadLimit { max_bytes: 1024, at_least_one: true, upper: log.log_end() };
//! assert_eq!(log.read(Offset(0), limit)?.next, Offset(1));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! ```
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! use headwater_log::{
//!     AppendOptions, Disk, Log, LogConfig, LogIdentity, MemoryDisk, OpenKind, ReadLimit,
//! };
//! use headwater_protocol::records::{BatchBuilder, BatchOptions, NewRecord};
//! use headwater_types::{EndOffset, LeaderEpoch, Offset, PartitionIndex, TopicId};
//! use std::{path::Path, sync::Arc};
//!
//! let disk = MemoryDisk::new();
//! disk.create_folder(Path::new("/data"))?;
//! let disk: Arc<dyn Disk> = Arc::new(disk);
//! let identity = LogIdentity {
//!     topic: "orders".into(),
//!     topic_id: TopicId::default(),
//!     partition: PartitionIndex(0),
//! };
//! let (folder, config) = (Path::new("/data/orders-0"), Arc::new(LogConfig::default()));
//! let mut log = Log::open(disk.clone(), folder, identity, config, 0, OpenKind::UNKNOWN)?;
//!
//! let mut batch = BatchBuilder::new(BatchOptions::default());
//! batch.push(NewRecord { value: Some(b"an order"), ..NewRecord::default() })?;
//! let batches = vec![batch.finish()?];
//! let appended = log.append_as_leader(batches, LeaderEpoch(0), 0, AppendOptions::default())?;
//! assert_eq!((appended.first, log.log_end()), (Offset(0), EndOffset(1)));
//!
//! // Written is not yet durable: a sync is begun, run anywhere, and completed.
//! assert_eq!(log.durable_end(), EndOffset(0));
//! while let Some(plan) = log.begin_sync() {
//!     let result = plan.run(&*disk);
//!     log.complete_sync(plan, result)?;
//! }
//! assert_eq!(log.durable_end(), EndOffset(1));
//!
//! let limit = ReadLimit { max_bytes: 1 << 20, at_least_one: true, upper: log.durable_end() };
//! assert!(log.read(Offset(0), limit)?.bytes > 0);
//! # Ok(())
//! # }
//! ```

mod batch;
pub mod check;
mod checkpoint;
mod config;
mod disk;
pub mod dump;
mod error;
mod folder;
mod journal;
mod log;

pub use config::{CompressionChoice, LogConfig, RecordValidation, TimestampType};
pub use disk::{
    Completion, CompletionSink, Disk, DiskError, DiskFile, DiskOptions, DiskTask, Entry,
    FailurePlan, Fate, FileSlice, FolderEntry, LockError, LockGuard, MemoryDisk, Moment, NO_TOKEN,
    Node, OpenMode, OperationKind, PendingEffect, QueueFull, RealDisk, Space, Trace, TraceStep,
    read_whole, write_whole_durably,
};
pub use error::{AppendError, ChangeError, EpochEnd, OpenError, ReadError, RecordProblem};
pub use folder::{
    CleanStop, FolderError, FolderOptions, FoundPartition, FutureLog, LogFolder,
    PartitionCheckpoint,
};
pub use journal::{Commit, Reclaim, ReplaySummary};
pub use log::{
    AbortedTransaction, ActiveProducer, AppendOptions, Appended, Checkpointed, Damage, Log,
    LogIdentity, OpenKind, Origin, Read, ReadLimit, ReadSlice, Recovered, RetentionOutcome,
    ScrubCursor, ScrubStep, SyncPlan, TimestampedOffset,
};
