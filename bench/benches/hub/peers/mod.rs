//! Other servers that push events, and a minimal one as the floor. All of them get ready-made events.

mod better_sse;
mod broadcaster;
mod floor;
mod nchan;

use std::io::{ErrorKind, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use loadgen::Target;

use crate::group::{Group, pause};

/// A server with its publisher. Dropping it kills the server: how well peers shut down is not measured.
pub(crate) struct Peer {
    pub(crate) name: &'static str,
    pub(crate) group: Group,
    pub(crate) target: Target,
    publisher: TcpStream,
    /// The path to publish to by HTTP; `None`: the payload is sent with a length prefix.
    path: Option<&'static str>,
}

type Start = fn() -> anyhow::Result<Peer>;

/// All peers by name.
pub(crate) const PEERS: [(&str, Start); 4] = [
    ("floor", floor::start),
    ("nchan", nchan::start),
    ("actix broadcaster", broadcaster::start),
    ("better-sse", better_sse::start),
];

/// Runs a peer that is part of this program.
pub(crate) fn serve(name: &str) -> anyhow::Result<()> {
    match name {
        "floor" => floor::serve(),
        "broadcaster" => broadcaster::serve(),
        other => bail!("unknown peer {other}"),
    }
}

/// Returns the command that runs this program as the peer `name`.
fn this_program(name: &str) -> anyhow::Result<Command> {
    let mut command = Command::new(std::env::current_exe()?);
    command.args(["--peer", name]);
    Ok(command)
}

/// How long a server may take for an event before it counts as stalled.
const TIMEOUT: Duration = Duration::from_secs(10);

fn free_port() -> anyhow::Result<SocketAddr> {
    Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?)
}

fn connect(address: SocketAddr, group: &Group) -> anyhow::Result<TcpStream> {
    let deadline = Instant::now() + Duration::from_secs(20);
    loop {
        match TcpStream::connect(address) {
            Ok(stream) => {
                stream.set_nodelay(true)?;
                stream.set_write_timeout(Some(TIMEOUT))?;
                return Ok(stream);
            }
            Err(error) if Instant::now() > deadline => {
                return Err(error).with_context(|| format!("failed to connect; end of the log:\n{}", group.log()));
            }
            Err(_) => pause(Duration::from_millis(20)),
        }
    }
}

impl Peer {
    /// Creates a peer that receives its events by `POST path` and serves `stream`.
    fn over_http(
        name: &'static str,
        group: Group,
        address: SocketAddr,
        (stream, path): (&str, &'static str),
    ) -> anyhow::Result<Self> {
        let publisher = connect(address, &group)?;
        let mut answers = publisher.try_clone()?;
        // Read the responses separately, so that late ones do not slow publishing down.
        thread::Builder::new().name("answers".to_owned()).spawn(move || {
            let mut buffer = [0; 4096];
            while answers.read(&mut buffer).is_ok_and(|length| length > 0) {}
        })?;
        Ok(Self { name, group, target: Target::new(address, stream)?, publisher, path: Some(path) })
    }

    /// Publishes one event to all clients.
    pub(crate) fn publish(&mut self, payload: &str) -> anyhow::Result<()> {
        let length = payload.len();
        let mut message = match self.path {
            None => u32::try_from(length)?.to_le_bytes().to_vec(),
            Some(path) => {
                format!("POST {path} HTTP/1.1\r\nHost: bench\r\nContent-Length: {length}\r\n\r\n").into_bytes()
            }
        };
        message.extend_from_slice(payload.as_bytes());
        let written = self.publisher.write_all(&message);
        if written.as_ref().is_err_and(|error| error.kind() == ErrorKind::WouldBlock) {
            bail!("stalled: it accepted no event for {} s", TIMEOUT.as_secs());
        }
        written.with_context(|| format!("{} accepts no more events; end of its log:\n{}", self.name, self.group.log()))
    }
}
