//! Listening sockets, and options of accepted ones.

use std::io;
use std::net::{SocketAddr, TcpListener, ToSocketAddrs};
use std::time::Duration;

use socket2::SockRef;
use tokio::net::{TcpSocket, TcpStream};

/// The maximum number of connections that wait to be accepted. After a restart, all clients reconnect at once.
pub(super) const BACKLOG: u32 = 4096;

/// The maximum number of unsent bytes in the kernel's send buffer. Bytes in flight do not count, so a connection with a
/// long round trip gets the window that it needs. A limit on both (`SO_SNDBUF`) would make each part of a long response
/// wait for the acknowledgement of the previous part, which a client's kernel delays by 40 ms.
const MAX_UNSENT: u32 = 16 * 1024;

/// Listens on all addresses that the host name resolves to and that this machine has.
///
/// # Errors
/// Returns an error if no address can be bound.
pub(crate) fn listen(host: &str, port: u16) -> io::Result<Vec<TcpListener>> {
    let (mut listeners, mut failed) = (Vec::new(), None);
    for address in (host, port).to_socket_addrs()? {
        match listen_on(address) {
            Ok(listener) => listeners.push(listener),
            Err(error) => failed = Some(error),
        }
    }
    match failed {
        Some(error) if listeners.is_empty() => Err(error),
        _ => Ok(listeners),
    }
}

fn listen_on(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
    // A restarted server must be able to bind while earlier connections are in TIME_WAIT.
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)?.into_std()
}

/// Limits the kernel's send buffer, and how long the kernel waits for a client that stops reading, since there may be
/// thousands of them. The kernel closes a connection whose data is not acknowledged for `client_timeout`.
pub(crate) fn set_options(stream: &TcpStream, client_timeout: Duration) {
    let socket = SockRef::from(stream);
    let set = socket
        .set_tcp_nodelay(true)
        .and_then(|()| socket.set_tcp_user_timeout(Some(client_timeout)))
        .and_then(|()| socket.set_tcp_notsent_lowat(MAX_UNSENT));
    if let Err(error) = set {
        log::debug!(error:%; "failed to set socket options");
    }
}
