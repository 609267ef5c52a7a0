//! Access to a client's socket, which actix-web does not expose to handlers.

use std::any::Any;
use std::time::Duration;

use actix_web::HttpRequest;
use actix_web::dev::Extensions;
use actix_web::rt::net::TcpStream;
use socket2::{SockRef, Socket};

/// A second handle to a client's socket, used to reset the connection.
pub(crate) struct Connection(Socket);

impl Connection {
    /// Stores the handle in a new connection's data.
    pub(crate) fn remember(stream: &dyn Any, data: &mut Extensions) {
        if let Some(stream) = stream.downcast_ref::<TcpStream>()
            && let Ok(socket) = SockRef::from(stream).try_clone()
        {
            data.insert(Self(socket));
        }
    }

    /// Makes the request's connection close with a reset (RST).
    pub(crate) fn reset_on_close(request: &HttpRequest) {
        if let Some(Self(socket)) = request.conn_data::<Self>()
            && let Err(error) = socket.set_linger(Some(Duration::ZERO))
        {
            log::debug!("failed to set SO_LINGER; the connection is closed without a reset: {error}");
        }
    }
}
