//! A port with its clients and faults.

use std::io;
use std::net::{SocketAddr, TcpListener as StdListener};
use std::time::{Duration, Instant};

use actix_web::web::Bytes;
use futures_util::FutureExt;
use tokio::net::TcpListener;
use tokio::sync::broadcast;

use super::client::{self, Delivery};
use super::format::Format;
use crate::fault_answers::{PAGE, garbage};
use crate::faults::Target;
use crate::faults::{FaultKind, Faults};
use crate::receiver::Message;
use crate::state::{State, count};

/// Deliveries that are kept for a client that is slow.
const BACKLOG: usize = 128;
/// How long a fault lasts each time.
const FAULT: Duration = Duration::from_secs(1);
/// Bytes of a delivery that drips.
const DRIP: usize = 24;
/// Bytes that wait for dripping; more are lost.
const MAX_DRIPPING: usize = 1 << 16;
/// Bytes without the end of a message.
const HUGE: usize = 8 << 20;

/// A port.
pub(super) struct Port {
    format: Format,
    address: SocketAddr,
    /// `None` while connections are refused.
    listener: Option<TcpListener>,
    deliveries: broadcast::Sender<Delivery>,
    fault: Option<Active>,
    /// Messages since the last delivery.
    buffer: Vec<u8>,
    /// Where the last message in the buffer begins.
    last_message: usize,
    /// Address and second of the messages in the buffer.
    told: Vec<(u32, i64)>,
    /// The last messages that were delivered.
    delivered: Bytes,
    dripping: Vec<u8>,
}

struct Active {
    kind: FaultKind,
    until: Instant,
    is_new: bool,
}

impl Port {
    pub(super) fn new(format: Format, address: SocketAddr, listener: StdListener) -> io::Result<Self> {
        Ok(Self {
            format,
            address,
            listener: Some(TcpListener::from_std(listener)?),
            deliveries: broadcast::Sender::new(BACKLOG),
            fault: None,
            buffer: Vec::new(),
            last_message: 0,
            told: Vec::new(),
            delivered: Bytes::new(),
            dripping: Vec::new(),
        })
    }

    pub(super) fn has_clients(&self) -> bool {
        self.deliveries.receiver_count() > 0
    }

    /// Accepts the clients that wait.
    pub(super) fn accept(&mut self, state: &State) {
        let Some(listener) = &self.listener else { return };
        while let Some(accepted) = listener.accept().now_or_never() {
            match accepted {
                Ok((stream, _)) => {
                    tokio::spawn(client::serve(stream, self.deliveries.subscribe()));
                    count(match self.format.target() {
                        Target::Beast => &state.counts.beast,
                        _ => &state.counts.sbs,
                    });
                }
                Err(error) => {
                    log::warn!("failed to accept a connection: {error}");
                    break;
                }
            }
        }
    }

    /// Ends a fault whose time is over, and takes the next one.
    pub(super) fn apply_faults(&mut self, faults: &Faults) {
        if let Some(active) = &mut self.fault {
            active.is_new = false;
            if Instant::now() < active.until {
                return;
            }
            self.fault = None;
        }
        if let Some(fault) = faults.of_port(self.format.target(), self.has_clients()) {
            self.fault = Some(Active { kind: fault.kind, until: Instant::now() + FAULT, is_new: true });
        }
        let is_refusing = self.fault.as_ref().is_some_and(|active| active.kind == FaultKind::Refuse);
        if is_refusing {
            self.listener = None;
        } else if self.listener.is_none() {
            match listen(self.address) {
                Ok(listener) => self.listener = Some(listener),
                Err(error) => log::warn!("failed to reopen {}: {error} (retrying)", self.address),
            }
        }
    }

    /// Adds a message to the next delivery.
    pub(super) fn push(&mut self, message: &Message<'_>) {
        self.last_message = self.buffer.len();
        self.format.write(&mut self.buffer, message);
        self.told.push((message.row.address, message.millis.div_euclid(1_000)));
    }

    /// Delivers the messages, or what a fault makes of them.
    pub(super) fn deliver(&mut self, now: i64, state: &State) {
        let mut messages = std::mem::take(&mut self.buffer);
        let told = std::mem::take(&mut self.told);
        let last_message = std::mem::take(&mut self.last_message);
        let fault = self.fault.as_ref().map(|active| (active.kind, active.is_new));
        match fault {
            None => {
                messages.splice(0..0, self.dripping.drain(..));
            }
            Some((FaultKind::Garbage, true)) => {
                messages.splice(0..0, garbage(0));
            }
            Some((FaultKind::Huge, true)) => {
                messages.extend(std::iter::repeat_n(b'x', HUGE));
            }
            Some((FaultKind::BadRows, true)) => self.format.write_bad(&mut messages, now),
            Some((FaultKind::Html, true)) => {
                self.send(PAGE.as_bytes().to_vec());
                return self.end(Delivery::Close);
            }
            Some((FaultKind::Truncate, true)) => {
                let length = messages.len();
                messages.truncate(last_message + (length - last_message) / 2);
                self.send(messages);
                return self.end(Delivery::Close);
            }
            Some((FaultKind::Reset | FaultKind::Refuse, _)) => return self.end(Delivery::Reset),
            Some((FaultKind::Stale, _)) => return self.end(Delivery::Bytes(self.delivered.clone())),
            Some((FaultKind::Hang | FaultKind::Quiet, _)) => return,
            Some((FaultKind::Drip, _)) => {
                if self.dripping.len() < MAX_DRIPPING {
                    self.dripping.append(&mut messages);
                }
                let piece = self.dripping.drain(..DRIP.min(self.dripping.len())).collect();
                return self.send(piece);
            }
            Some(_) => {}
        }
        if !messages.is_empty() {
            state.record(self.format.target(), &told);
            self.send(messages);
        }
    }

    fn send(&mut self, bytes: Vec<u8>) {
        if !bytes.is_empty() {
            self.delivered = bytes.into();
            self.end(Delivery::Bytes(self.delivered.clone()));
        }
    }

    fn end(&self, delivery: Delivery) {
        // Without clients there is nobody to deliver to.
        let _ = self.deliveries.send(delivery);
    }
}

fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = if address.is_ipv4() { tokio::net::TcpSocket::new_v4() } else { tokio::net::TcpSocket::new_v6() }?;
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(128)
}
