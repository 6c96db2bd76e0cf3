//! A Kafka client: connections, version negotiation, metadata, routing, retries and admin calls.
//!
//! The crate has two halves. [`core`] decides and does no I/O: bytes and the time go in, frames
//! and events come out, so the same code serves programs, the broker and the simulator. The shell
//! (feature `net`, on by default) puts tokio's sockets and clock around it: [`AdminClient`] is what
//! most programs use, [`Client`] the connections and metadata beneath, [`Connection`] one broker.
//!
//! It works with Headwater and with Apache Kafka from 2.1 on: each request is sent in the highest
//! version that both sides know.
//!
//! ```no_run
//! # #[cfg(feature = "net")]
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! use headwater_client::{AdminClient, ClientConfig, parse_bootstrap};
//!
//! let admin = AdminClient::new(ClientConfig::new(parse_bootstrap("localhost:9092")?));
//! for topic in admin.list_topics().await? {
//!     println!("{} has {} partitions", topic.name, topic.partitions);
//! }
//! # Ok(())
//! # }
//! ```

pub mod core;
#[cfg(feature = "net")]
mod net;

#[cfg(feature = "net")]
pub use net::*;
