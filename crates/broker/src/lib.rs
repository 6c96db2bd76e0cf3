//! The shell around the Headwater node: listeners, worker threads, timers, I/O threads, metrics.
//! Start a Kafka-compatible broker in your own program or test:
//!
//! ```no_run
//! # async fn demo() -> Result<(), Box<dyn std::error::Error>> {
//! use headwater_broker::{Broker, BrokerOptions};
//!
//! let broker = Broker::start(BrokerOptions::ephemeral()?).await?;
//! println!("bootstrap.servers={}", broker.bootstrap());
//! // ... use any Kafka client ...
//! broker.shutdown().await?;
//! # Ok(())
//! # }
//! ```
//!
//! It is the very broker that the `headwater-broker` binary runs. A broker owns its threads, so any
//! number of them live in one process, and it says nothing unless a `tracing` subscriber listens.

mod acceptor;
mod admin;
mod broker;
mod clock;
mod connection;
mod control;
mod facts;
mod frame_budget;
mod jobs;
mod mailbox;
mod metadata;
mod metrics;
mod options;
mod places;
mod receive;
mod shared;
mod socket;
mod start;
mod worker;

pub use acceptor::ListenError;
pub use broker::{Broker, StopError};
pub use headwater_metadata::config::{ServerConfig, ServerConfigError};
pub use headwater_node::{RequestContext, authorizer};
pub use options::{BrokerOptions, SetLogLevel};
pub use start::StartError;
