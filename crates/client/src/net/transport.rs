//! How a connection comes about: the seam for TLS, and for tests without a network.

use super::address::Address;
use std::future::Future;
use std::io;
use std::pin::Pin;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpStream, lookup_host};

/// Both directions of an open connection.
pub struct Streams {
    /// What comes from the broker.
    pub reader: Box<dyn AsyncRead + Send + Unpin>,
    /// What goes to it.
    pub writer: Box<dyn AsyncWrite + Send + Unpin>,
}

/// A connection that is being opened.
pub type ConnectFuture<'a> = Pin<Box<dyn Future<Output = io::Result<Streams>> + Send + 'a>>;

/// Opens connections. TLS wraps another transport's streams; a test gives ends of a pipe.
pub trait Transport: Send + Sync + 'static {
    /// Opens a connection; `timeout` is for each address that the name stands for.
    fn connect<'a>(&'a self, address: &'a Address, timeout: Duration) -> ConnectFuture<'a>;
}

/// Plain TCP.
#[derive(Clone, Copy, Debug, Default)]
pub struct TcpTransport;

impl Transport for TcpTransport {
    fn connect<'a>(&'a self, address: &'a Address, timeout: Duration) -> ConnectFuture<'a> {
        Box::pin(connect_tcp(address, timeout))
    }
}

/// Tries every address that the name stands for, in the resolver's order (KIP-602).
async fn connect_tcp(address: &Address, timeout: Duration) -> io::Result<Streams> {
    let named = (address.host.as_str(), address.port);
    let found = tokio::time::timeout(timeout, lookup_host(named))
        .await
        .map_err(|_| late("the name was not resolved", timeout))??;
    let mut failures = Vec::new();
    for candidate in found {
        match tokio::time::timeout(timeout, TcpStream::connect(candidate)).await {
            Ok(Ok(stream)) => {
                // Requests are small and wait for answers: sending them late helps nobody.
                stream.set_nodelay(true)?;
                let (reader, writer) = stream.into_split();
                return Ok(Streams { reader: Box::new(reader), writer: Box::new(writer) });
            }
            Ok(Err(error)) => failures.push((candidate, error)),
            Err(_) => failures.push((candidate, late("no connection", timeout))),
        }
    }
    if failures.len() == 1
        && let Some((_, error)) = failures.pop()
    {
        return Err(error);
    }
    let reasons: Vec<_> =
        failures.iter().map(|(candidate, error)| format!("{candidate}: {error}")).collect();
    let text = if reasons.is_empty() {
        "the name stands for no address".to_owned()
    } else {
        reasons.join("; ")
    };
    Err(io::Error::other(text))
}

fn late(what: &str, timeout: Duration) -> io::Error {
    io::Error::new(io::ErrorKind::TimedOut, format!("{what} within {} ms", timeout.as_millis()))
}
