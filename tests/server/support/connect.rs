use std::io::Write;
use std::net::{SocketAddr, TcpStream};

use socket2::{Domain, Socket, Type};

/// Connects from `127.0.0.{host}` and sends an incomplete request.
pub(crate) fn open_connection_from(host: u8, address: &str) -> TcpStream {
    let server: SocketAddr = address.parse().unwrap();
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
    socket.bind(&SocketAddr::from(([127, 0, 0, host], 0)).into()).unwrap();
    socket.connect(&server.into()).unwrap();
    let mut stream = TcpStream::from(socket);
    // Fails if the server has already closed the connection.
    let _ = stream.write_all(b"GET /health/live HTTP/1.1\r\n");
    stream
}
