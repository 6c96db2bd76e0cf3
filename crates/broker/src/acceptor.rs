//! Listeners, and the thread that accepts connections and deals them to the workers.

use crate::mailbox::Message;
use crate::shared::Shared;
use headwater_node::NetworkSettings;
use socket2::{Domain, Protocol, SockRef, Socket, Type};
use std::io;
use std::net::{SocketAddr, TcpListener, ToSocketAddrs};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;
use thiserror::Error;
use tokio::sync::Notify;

/// How long to let things settle when accepting fails for want of file handles or memory.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// A listener could not be opened.
#[derive(Debug, Error)]
#[error("cannot listen on {address} ({name}): {source}")]
pub struct ListenError {
    /// The listener's name.
    pub name: String,
    /// Where it was to listen.
    pub address: String,
    /// What the system said.
    #[source]
    pub source: io::Error,
}

/// An open listener.
#[derive(Debug)]
pub(crate) struct BoundListener {
    pub name: Arc<str>,
    pub socket: TcpListener,
    pub address: SocketAddr,
}

/// Opens a listener; an empty host means all interfaces, as in Kafka.
pub(crate) fn bind(
    name: &str,
    host: &str,
    port: u16,
    backlog: i32,
) -> Result<BoundListener, ListenError> {
    let failed = |source| ListenError {
        name: name.to_owned(),
        address: if host.contains(':') {
            format!("[{host}]:{port}")
        } else {
            format!("{host}:{port}")
        },
        source,
    };
    let socket = if host.is_empty() {
        // One socket for both families where the machine has IPv6, else IPv4 alone.
        open(SocketAddr::from(([0u16; 8], port)), backlog)
            .or_else(|_| open(SocketAddr::from(([0u8; 4], port)), backlog))
            .map_err(failed)?
    } else {
        let mut result = Err(io::Error::new(io::ErrorKind::NotFound, "the name has no address"));
        for address in (host, port).to_socket_addrs().map_err(failed)? {
            result = open(address, backlog);
            if result.is_ok() {
                break;
            }
        }
        result.map_err(failed)?
    };
    let address = socket.local_addr().map_err(failed)?;
    Ok(BoundListener { name: Arc::from(name), socket, address })
}

fn open(address: SocketAddr, backlog: i32) -> io::Result<TcpListener> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    // A restarted broker takes its port back at once.
    socket.set_reuse_address(true)?;
    if address.is_ipv6() && address.ip().is_unspecified() {
        socket.set_only_v6(false)?;
    }
    socket.bind(&address.into())?;
    socket.listen(backlog.max(1))?;
    socket.set_nonblocking(true)?;
    Ok(socket.into())
}

/// Accepts on one listener until told to stop.
pub(crate) async fn accept(shared: Arc<Shared>, listener: BoundListener, stop: Arc<Notify>) {
    let BoundListener { name, socket, .. } = listener;
    let socket = match tokio::net::TcpListener::from_std(socket) {
        Ok(socket) => socket,
        Err(error) => {
            tracing::error!(listener = %name, %error, "the listener could not be registered");
            return;
        }
    };
    loop {
        let settings = shared.node.network_settings();
        let wait = shared.places.wait_to_accept(settings.connection_creation_rate);
        if !wait.is_zero() {
            tokio::time::sleep(wait).await;
        }
        let accepted = tokio::select! {
            biased;
            () = stop.notified() => return,
            accepted = socket.accept() => accepted,
        };
        match accepted {
            Ok((stream, peer)) => deal(&shared, &name, stream, peer),
            Err(error) => {
                tracing::warn!(listener = %name, %error, "a connection could not be accepted");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

/// Gives a new connection to the worker with the fewest.
fn deal(shared: &Shared, name: &Arc<str>, stream: tokio::net::TcpStream, peer: SocketAddr) {
    let settings = shared.node.network_settings();
    let place = match shared.places.take(peer.ip(), &settings) {
        Ok(place) => place,
        Err(refusal) => {
            tracing::warn!(listener = %name, %peer, %refusal, "a connection was refused");
            return;
        }
    };
    let least = shared
        .loads
        .iter()
        .zip(&shared.mailboxes)
        .filter(|(_, mailbox)| !mailbox.has_ended())
        .min_by_key(|(load, _)| load.load(Ordering::Relaxed));
    let Some((load, mailbox)) = least else { return };
    let stream = match prepare(&stream, &settings).and_then(|()| stream.into_std()) {
        Ok(stream) => stream,
        Err(error) => {
            tracing::debug!(listener = %name, %peer, %error, "gone before it was served");
            return;
        }
    };
    load.fetch_add(1, Ordering::Relaxed);
    mailbox.send([Message::Accepted { stream, listener: Arc::clone(name), peer, place }]);
}

fn prepare(stream: &tokio::net::TcpStream, settings: &NetworkSettings) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let socket = SockRef::from(stream);
    if let Some(bytes) = settings.send_buffer_bytes {
        socket.set_send_buffer_size(bytes)?;
    }
    if let Some(bytes) = settings.receive_buffer_bytes {
        socket.set_recv_buffer_size(bytes)?;
    }
    Ok(())
}
