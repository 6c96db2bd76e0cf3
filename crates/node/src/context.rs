//! Who sent a request, and through which door.

use headwater_protocol::wire::Str;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

/// Names a connection within its worker.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ConnectionId(pub u64);

/// What every handler may know of the sender. Filled by the shell when the connection is made, and
/// by `ApiVersions` and (later) authentication as they happen.
#[derive(Clone, Debug)]
pub struct RequestContext {
    /// Which connection.
    pub connection: ConnectionId,
    /// The listener that accepted it, e.g. `PLAINTEXT`; decides which addresses are advertised.
    pub listener: Arc<str>,
    /// The peer's address.
    pub peer: IpAddr,
    /// Who it is, e.g. `User:ANONYMOUS`.
    pub principal: Arc<str>,
    /// The client id of the newest request.
    pub client_id: Option<Str>,
    /// Name and version of the client software, as it told in `ApiVersions` (KIP-511).
    pub software: Option<(Str, Str)>,
}

impl RequestContext {
    /// The context of a connection without authentication.
    pub fn anonymous(connection: ConnectionId, listener: Arc<str>, peer: IpAddr) -> Self {
        Self {
            connection,
            listener,
            peer,
            principal: Arc::from("User:ANONYMOUS"),
            client_id: None,
            software: None,
        }
    }

    /// A context for tests: loopback, listener `PLAINTEXT`.
    #[doc(hidden)]
    pub fn for_tests() -> Self {
        Self::anonymous(ConnectionId(0), Arc::from("PLAINTEXT"), IpAddr::V4(Ipv4Addr::LOCALHOST))
    }
}
