//! One client of a port.

use std::time::Duration;

use actix_web::web::Bytes;
use socket2::SockRef;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::broadcast;
use tokio::sync::broadcast::error::RecvError;
use tokio::time::timeout;

/// Longest time for which a client may not read.
const PATIENCE: Duration = Duration::from_secs(5);
/// Bytes that the system keeps for a client that does not read.
const SEND_BUFFER: usize = 1 << 18;

/// What a client gets.
#[derive(Clone, Debug)]
pub(super) enum Delivery {
    /// Messages.
    Bytes(Bytes),
    /// The end of the connection.
    Close,
    /// The end of the connection, with a reset.
    Reset,
}

/// Sends deliveries until the client or the port closes the connection, or the client is too slow.
pub(super) async fn serve(mut stream: TcpStream, mut deliveries: broadcast::Receiver<Delivery>) {
    let socket = SockRef::from(&stream);
    if let Err(error) = stream.set_nodelay(true).and_then(|()| socket.set_send_buffer_size(SEND_BUFFER)) {
        log::debug!("failed to set socket options: {error}");
    }
    let (mut reader, mut writer) = stream.split();
    let mut ignored = [0; 256];
    let reset = loop {
        tokio::select! {
            delivery = deliveries.recv() => match delivery {
                Ok(Delivery::Bytes(bytes)) => match timeout(PATIENCE, writer.write_all(&bytes)).await {
                    Ok(Ok(())) => {}
                    Ok(Err(_)) => break false,
                    Err(_) => {
                        log::debug!("a client does not read: disconnected");
                        break true;
                    }
                },
                Ok(Delivery::Close) | Err(RecvError::Closed) => break false,
                Ok(Delivery::Reset) => break true,
                Err(RecvError::Lagged(_)) => {
                    log::debug!("a client is too slow: disconnected");
                    break true;
                }
            },
            read = reader.read(&mut ignored) => if !matches!(read, Ok(1..)) {
                break false;
            },
        }
    };
    if reset && let Err(error) = SockRef::from(&stream).set_linger(Some(Duration::ZERO)) {
        log::debug!("failed to set SO_LINGER; the connection is closed without a reset: {error}");
    }
}
