//! The tokio shell: sockets, the clock and tasks around the [`core`](crate::core).
//!
//! [`Client`] holds the connections to a cluster's brokers and what is known of it;
//! [`AdminClient`] has a method for each admin call. One [`Connection`] may also be used alone.

mod address;
mod admin;
mod client;
mod connection;
mod run;
mod transport;

pub use address::{Address, AddressError, DEFAULT_PORT, parse_bootstrap};
pub use admin::{AdminClient, Outcomes};
pub use client::{Client, ClientConfig};
pub use connection::{Connection, Pending};
pub use transport::{ConnectFuture, Streams, TcpTransport, Transport};
