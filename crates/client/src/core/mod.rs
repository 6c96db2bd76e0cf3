//! The client without I/O: bytes, answers and the time go in; frames, events and decisions come
//! out. Nothing here opens a socket, reads a clock or draws a random number, so the same code runs
//! in the tokio shell, inside the broker (which reaches other brokers with it) and in simulation.
//!
//! Start with [`Connection`]: one connection's protocol. [`Cluster`] is what Metadata answers have
//! said, [`Destination`] says who must get a request, [`Run`] drives an [`Operation`] (one admin
//! call over many topics, partitions or resources) through routing, retries and back-off.

pub mod admin;
mod cluster;
mod codec;
mod connection;
mod error;
mod inbox;
pub mod limits;
mod metadata;
mod negotiation;
mod operation;
mod retry;
mod route;
mod versions;

pub use cluster::{BrokerAddress, Cluster, LeaderHint, Partition, Topic};
pub use codec::encode_request;
pub use connection::{Answer, Connection, ConnectionConfig, Event, SendOptions};
pub use error::{
    AdminError, Broker, CallError, ConnectionError, Disposition, Refusal, SendError, Subject,
};
pub use headwater_protocol::frame::FrameError;
pub use inbox::Inbox;
pub use metadata::{MetadataRequestFor, metadata_request};
pub use operation::{Action, Answers, CallId, Operation, Run, RunPolicy};
pub use retry::{Advice, Backoff, BackoffPolicy, advice_for};
pub use route::{Destination, Route, Unroutable};
pub use versions::{BrokerVersions, FinalizedFeature, SupportedFeature, Unsupported, VersionRange};
