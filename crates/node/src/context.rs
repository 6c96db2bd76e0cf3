//! Who sent a request, and through which door.

use headwater_protocol::wire::Str;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

/// Names a connection within its worker.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ConnectionId(pub u64);

/// Characters of a client's words about itself that are kept with its connection.
const KEPT_CHARS_MAX: usize = 255;

/// A short copy of a client's words, which does not keep the frame they came in.
pub(crate) fn kept(text: &str) -> Str {
    text.chars().take(KEPT_CHARS_MAX).collect::<String>().into()
}

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

    /// Remembers the client id of a request. What is kept is a copy: a slice of the request's frame
    /// would keep the whole buffer it came in.
    pub(crate) fn note_client(&mut self, client_id: Option<&str>) {
        if self.client_id.as_deref() != client_id {
            self.client_id = client_id.map(kept);
        }
    }

    /// A context for tests: loopback, listener `PLAINTEXT`.
    #[doc(hidden)]
    pub fn for_tests() -> Self {
        Self::anonymous(ConnectionId(0), Arc::from("PLAINTEXT"), IpAddr::V4(Ipv4Addr::LOCALHOST))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_kept_of_a_client_is_short_and_its_own() {
        let mut context = RequestContext::for_tests();
        let frame = bytes::Bytes::from(vec![b'x'; 20_000]);
        let id = Str::try_from(frame.clone()).expect("text");
        context.note_client(Some(&id));
        drop(id);
        assert!(frame.is_unique(), "the frame is free");
        assert_eq!(context.client_id.as_deref().map(str::len), Some(KEPT_CHARS_MAX));
        context.note_client(None);
        assert_eq!(context.client_id, None);
    }
}
