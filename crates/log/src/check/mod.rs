//! Proves that logs are what they should be, and mends them where they are not.
//!
//! Nothing here needs a log to be open. [`check_partition`] reads everything and changes nothing,
//! also beside a broker that writes: every batch's header, checksum and place in the order, the
//! indexes, snapshots and epochs against the batches, and what is left from earlier. [`check_folder`]
//! does the same for the files that a log folder has of its own. [`plan_repair`] says what
//! [`RepairPlan::execute`] would do.
//!
//! What is found is told as [`Finding`]s: which file, which byte, which offsets, and what it means.

mod adopt;
mod choice;
mod finding;
mod folder;
mod index_checks;
mod partition;
mod rebuild;
mod repair;
mod shadow;
mod walk;

pub use adopt::{Source, SourcePartition, copy_partition, find_sources};
pub use finding::{Finding, Meaning, OffsetRange, Severity};
pub use folder::{FolderIdentity, FolderReport, Surroundings, check_folder, folder_identity};
pub use partition::{CheckOptions, PartitionReport, check_partition, check_segment};
pub use repair::{RepairPlan, RepairStep, plan_repair};
