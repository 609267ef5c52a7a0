//! A relay in front of a receiver's port, which records when each chunk of bytes was sent.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::mpsc::{self, Receiver, Sender};
use std::thread;

use crate::told::Chunk;

pub(crate) struct Relay {
    pub(crate) address: SocketAddr,
    pub(crate) chunks: Receiver<Chunk>,
}

impl Relay {
    /// Relays one connection after another.
    pub(crate) fn start(upstream: SocketAddr) -> anyhow::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let address = listener.local_addr()?;
        let (sender, chunks) = mpsc::channel();
        thread::Builder::new().name("relay".to_owned()).spawn(move || {
            for server in listener.incoming().flatten() {
                if let Err(error) = forward(server, upstream, &sender) {
                    eprintln!("relay: {error:#}");
                }
            }
        })?;
        Ok(Self { address, chunks })
    }
}

fn forward(mut server: TcpStream, upstream: SocketAddr, chunks: &Sender<Chunk>) -> anyhow::Result<()> {
    server.set_nodelay(true)?;
    let mut receiver = TcpStream::connect(upstream)?;
    let mut buffer = vec![0; 64 * 1024];
    loop {
        let length = receiver.read(&mut buffer)?;
        if length == 0 {
            return Ok(());
        }
        let chunk = Chunk::now(buffer[..length].to_vec());
        // At the end of a run, the server and the reader of the chunks are gone.
        if server.write_all(&chunk.bytes).is_err() || chunks.send(chunk).is_err() {
            return Ok(());
        }
    }
}
