//! Settings of accepted connections.

use std::any::Any;
use std::time::Duration;

use actix_web::rt::net::TcpStream;
use nix::sys::socket::{setsockopt, sockopt};

/// What the kernel keeps for a client that does not read; it doubles this for its own use.
const SEND_BUFFER: usize = 64 * 1024;

/// Bounds what a client that stops reading can hold, and for how long: the kernel ends a connection whose data were
/// not acknowledged for `patience`.
pub(super) fn bound(connection: &dyn Any, patience: Duration) {
    let Some(stream) = connection.downcast_ref::<TcpStream>() else { return };
    let patience = u32::try_from(patience.as_millis()).unwrap_or(u32::MAX);
    let set = stream
        .set_nodelay(true)
        .map_err(|error| error.to_string())
        .and_then(|()| setsockopt(stream, sockopt::SndBuf, &SEND_BUFFER).map_err(|error| error.to_string()))
        .and_then(|()| setsockopt(stream, sockopt::TcpUserTimeout, &patience).map_err(|error| error.to_string()));
    if let Err(error) = set {
        log::debug!(error:%; "a connection's settings could not be made");
    }
}
