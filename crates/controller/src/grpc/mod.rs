//! How controllers and brokers of one cluster talk, by `proto/headwater/controller.proto`.
//!
//! This layer moves messages; what they mean is the core's to say. Everything has a bound: sizes
//! of messages here, queues at the [`Service`] that takes them. A quorum of one starts none of it.

mod client;
mod server;
#[cfg(test)]
mod tests;

pub use crate::generated::controller::{
    CommandRequest, CommandResponse, HeartbeatRequest, HeartbeatResponse, MetadataChunk,
    MetadataRequest, RaftEntry, RaftMessage, SnapshotChunk, SnapshotMark, SnapshotRequest,
};
pub use client::Peer;
pub use server::{Reply, Service, router};

/// Bytes of one message, either way: an append of Raft's largest batch, or one large entry.
pub const MESSAGE_BYTES_MAX: usize = 64 * 1024 * 1024;

/// Bytes of one piece of a snapshot.
pub const SNAPSHOT_CHUNK_BYTES: usize = 256 * 1024;

/// Raft messages that may wait for one peer's stream.
pub const STREAM_QUEUE_MAX: usize = 256;
