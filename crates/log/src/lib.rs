//! One partition's log on disk, in Apache Kafka's own file formats.
//!
//! Start at [`Log`] (append, read, sync, retention, truncation) and [`LogFolder`] (a folder full of
//! logs: lock, identity, checkpoints, clean stop). All file I/O goes through [`Disk`]; no clock and
//! no randomness is in here: times and ids are arguments.
//!
//! A log has two ends: [`Log::log_end`] is behind the last record written, [`Log::durable_end`]
//! behind the last one known to be on stable storage.

mod batch;
mod checkpoint;
mod config;
mod disk;
pub mod dump;
mod error;
mod folder;
mod log;

pub use config::{CompressionChoice, LogConfig, RecordValidation, TimestampType};
pub use disk::{
    Completion, CompletionSink, Disk, DiskError, DiskFile, DiskOptions, DiskTask, FailurePlan,
    Fate, FileSlice, FolderEntry, LockError, LockGuard, MemoryDisk, NO_TOKEN, OpenMode,
    OperationKind, PendingEffect, QueueFull, RealDisk, Space, read_whole, write_whole_durably,
};
pub use error::{AppendError, ChangeError, EpochEnd, OpenError, ReadError, RecordProblem};
pub use folder::{
    CleanStop, FolderError, FolderOptions, FoundPartition, LogFolder, PartitionCheckpoint,
};
pub use log::{
    AbortedTransaction, ActiveProducer, AppendOptions, Appended, Checkpointed, Log, LogIdentity,
    OpenKind, Origin, Read, ReadLimit, ReadSlice, RetentionOutcome, SyncPlan, TimestampedOffset,
};
