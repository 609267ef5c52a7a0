use std::io::Write;
use std::net::{SocketAddrV4, TcpStream};
use std::os::fd::AsRawFd;

use nix::sys::socket::{AddressFamily, SockFlag, SockType, SockaddrIn, bind, connect, socket};

/// Connects from `127.0.0.{host}` and begins a request, without its end.
pub(crate) fn knock_from(host: u8, address: &str) -> TcpStream {
    let server: SocketAddrV4 = address.parse().unwrap();
    let socket = socket(AddressFamily::Inet, SockType::Stream, SockFlag::SOCK_CLOEXEC, None).unwrap();
    bind(socket.as_raw_fd(), &SockaddrIn::new(127, 0, 0, host, 0)).unwrap();
    connect(socket.as_raw_fd(), &SockaddrIn::from(server)).unwrap();
    let mut stream = TcpStream::from(socket);
    // It may be closed already.
    let _ = stream.write_all(b"GET /health/live HTTP/1.1\r\n");
    stream
}
