//! A partition's leader and follower as state machines without I/O.
//!
//! The crate decides how far a partition's records are committed and who is in sync; it does not
//! know how a log is stored. Feed a [`Leader`] what happened (appends, syncs, what followers hold,
//! what the controller decided) and it says when the high watermark moved.
//!
//! ```
//! use headwater_replication::{Durability, Leader, LeaderStart};
//! use headwater_types::{BrokerId, EndOffset, LeaderEpoch};
//!
//! let me = BrokerId(1);
//! let mut leader = Leader::new(LeaderStart {
//!     me,
//!     epoch: LeaderEpoch(0),
//!     durability: Durability::Fsync,
//!     in_sync: vec![me],
//!     log_end: EndOffset(0),
//!     durable_end: EndOffset(0),
//!     high_watermark: EndOffset(0),
//! });
//! assert_eq!(leader.appended(EndOffset(3)), None, "nothing is on stable storage yet");
//! assert_eq!(leader.synced(EndOffset(3)), Some(EndOffset(3)));
//! ```

mod leader;

pub use leader::{Durability, FollowerReport, Leader, LeaderStart};
