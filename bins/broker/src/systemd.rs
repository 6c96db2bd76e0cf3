//! Tells systemd how far we are (`Type=notify`): one datagram to the socket that it names. Where
//! nobody named one, nothing happens.

use std::env;
use std::ffi::{OsStr, OsString};
use std::io;
use std::os::unix::net::UnixDatagram;

/// Says `READY=1` or `STOPPING=1`.
pub fn notify(state: &str) {
    let Some(socket) = env::var_os("NOTIFY_SOCKET") else { return };
    if let Err(error) = send(&socket, state) {
        tracing::warn!(%error, ?socket, "systemd could not be told {state}");
    }
}

fn send(socket: &OsString, state: &str) -> io::Result<()> {
    let datagram = UnixDatagram::unbound()?;
    #[cfg(target_os = "linux")]
    if let Some(name) = abstract_name(socket) {
        use std::os::linux::net::SocketAddrExt;
        use std::os::unix::net::SocketAddr;
        let address = SocketAddr::from_abstract_name(name)?;
        return datagram.send_to_addr(state.as_bytes(), &address).map(|_| ());
    }
    datagram.send_to(state.as_bytes(), socket).map(|_| ())
}

/// `@name` is a name without a file.
#[cfg(target_os = "linux")]
fn abstract_name(socket: &OsStr) -> Option<&[u8]> {
    use std::os::unix::ffi::OsStrExt;
    socket.as_bytes().strip_prefix(b"@")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_named_socket_gets_the_state() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("notify");
        let receiver = UnixDatagram::bind(&path).unwrap();
        send(&path.clone().into(), "READY=1").unwrap();
        let mut buffer = [0; 16];
        let received = receiver.recv(&mut buffer).unwrap();
        assert_eq!(buffer.get(..received), Some(&b"READY=1"[..]));
        assert!(send(&folder.path().join("none").into(), "READY=1").is_err());
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_socket_without_a_file_gets_it_too() {
        use std::os::linux::net::SocketAddrExt;
        use std::os::unix::net::SocketAddr;
        let name = format!("headwater-test-{}", std::process::id());
        let address = SocketAddr::from_abstract_name(&name).unwrap();
        let receiver = UnixDatagram::bind_addr(&address).unwrap();
        send(&format!("@{name}").into(), "STOPPING=1").unwrap();
        let mut buffer = [0; 16];
        assert_eq!(receiver.recv(&mut buffer).unwrap(), "STOPPING=1".len());
    }
}
