//! Access to a client's connection, which the web server keeps to itself.

use std::any::Any;
use std::time::Duration;

use actix_web::HttpRequest;
use actix_web::dev::Extensions;
use actix_web::rt::net::TcpStream;
use socket2::{SockRef, Socket};

/// A second handle on a connection, through which it can be reset.
pub(crate) struct Connection(Socket);

impl Connection {
    /// Stores the handle in the data of a new connection.
    pub(crate) fn remember(stream: &dyn Any, data: &mut Extensions) {
        if let Some(stream) = stream.downcast_ref::<TcpStream>()
            && let Ok(socket) = SockRef::from(stream).try_clone()
        {
            data.insert(Self(socket));
        }
    }

    /// Has the request's connection closed by a reset (RST).
    pub(crate) fn reset_on_close(request: &HttpRequest) {
        if let Some(Self(socket)) = request.conn_data::<Self>()
            && let Err(error) = socket.set_linger(Some(Duration::ZERO))
        {
            log::debug!("failed to set SO_LINGER; the connection is closed without a reset: {error}");
        }
    }
}
