//! The floor: one thread that writes a ready-made frame to each client, close to the minimum cost on this machine.

use std::collections::HashMap;
use std::io::{ErrorKind, Read, Write};
use std::net::Ipv4Addr;
use std::rc::Rc;

use anyhow::Context;
use loadgen::Target;
use mio::net::{TcpListener, TcpStream};
use mio::{Events, Interest, Poll, Token};
use tempfile::tempdir;

use super::{Peer, connect, free_port, this_program};
use crate::group::Group;

const PUBLISHERS: Token = Token(0);
const CLIENTS: Token = Token(1);
const PUBLISHER: Token = Token(2);

const HEAD: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n: floor\n\n";

pub(super) fn start() -> anyhow::Result<Peer> {
    let (publishers, clients) = (free_port()?, free_port()?);
    let mut command = this_program("floor")?;
    command.env("PUBLISHERS", publishers.port().to_string()).env("CLIENTS", clients.port().to_string());
    let group = Group::start(command, tempdir()?)?;
    let publisher = connect(publishers, &group)?;
    Ok(Peer { name: "floor", group, target: Target::new(clients, "/")?, publisher, path: None })
}

fn listener(variable: &str) -> anyhow::Result<TcpListener> {
    let port: u16 = std::env::var(variable)?.parse()?;
    // The standard library's backlog is 4,096 if the system allows it.
    let listener = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, port))?;
    listener.set_nonblocking(true)?;
    Ok(TcpListener::from_std(listener))
}

struct Client {
    stream: TcpStream,
    asked: bool,
    /// Frames that did not fit into the socket's buffer, and how much of each was written.
    rest: Vec<(Rc<[u8]>, usize)>,
}

impl Client {
    fn write(&mut self, frame: &Rc<[u8]>) {
        self.rest.push((frame.clone(), 0));
        self.flush();
    }

    fn flush(&mut self) {
        while let Some((frame, written)) = self.rest.first_mut() {
            match self.stream.write(&frame[*written..]) {
                Ok(length) => *written += length,
                Err(error) if error.kind() == ErrorKind::WouldBlock => return,
                // The client has disconnected, which the next read reports.
                Err(_) => return self.rest.clear(),
            }
            if *written == frame.len() {
                self.rest.remove(0);
            }
        }
    }
}

pub(super) fn serve() -> anyhow::Result<()> {
    let mut poll = Poll::new()?;
    let (mut publishers, mut clients) = (listener("PUBLISHERS")?, listener("CLIENTS")?);
    poll.registry().register(&mut publishers, PUBLISHERS, Interest::READABLE)?;
    poll.registry().register(&mut clients, CLIENTS, Interest::READABLE)?;
    let (mut publisher, mut received) = (None::<TcpStream>, Vec::new());
    let (mut connected, mut next) = (HashMap::<Token, Client>::new(), 3);
    let (mut events, mut buffer) = (Events::with_capacity(4096), vec![0; 256 * 1024]);
    let head: Rc<[u8]> = HEAD.into();
    loop {
        match poll.poll(&mut events, None) {
            Err(error) if error.kind() == ErrorKind::Interrupted => continue,
            polled => polled?,
        }
        for event in &events {
            match event.token() {
                PUBLISHERS => {
                    let (mut stream, _) = publishers.accept()?;
                    poll.registry().register(&mut stream, PUBLISHER, Interest::READABLE)?;
                    publisher = Some(stream);
                }
                CLIENTS => {
                    while let Ok((mut stream, _)) = clients.accept() {
                        stream.set_nodelay(true)?;
                        let interest = Interest::READABLE | Interest::WRITABLE;
                        poll.registry().register(&mut stream, Token(next), interest)?;
                        connected.insert(Token(next), Client { stream, asked: false, rest: Vec::new() });
                        next += 1;
                    }
                }
                PUBLISHER => {
                    let stream = publisher.as_mut().context("bytes without a publisher")?;
                    if !read(stream, &mut buffer, |bytes| received.extend_from_slice(bytes)) {
                        return Ok(());
                    }
                    while let Some(frame) = take_frame(&mut received) {
                        connected.values_mut().filter(|client| client.asked).for_each(|client| client.write(&frame));
                    }
                }
                token => {
                    let Some(client) = connected.get_mut(&token) else { continue };
                    let mut asked = false;
                    if !read(&mut client.stream, &mut buffer, |_| asked = true) {
                        connected.remove(&token);
                        continue;
                    }
                    if asked && !std::mem::replace(&mut client.asked, true) {
                        client.write(&head);
                    }
                    client.flush();
                }
            }
        }
    }
}

/// Reads the available bytes, and returns whether the other end is still connected.
fn read(stream: &mut TcpStream, buffer: &mut [u8], mut each: impl FnMut(&[u8])) -> bool {
    loop {
        match stream.read(buffer) {
            Ok(0) => return false,
            Ok(length) => each(&buffer[..length]),
            Err(error) => return error.kind() == ErrorKind::WouldBlock,
        }
    }
}

/// Takes the next complete payload and encodes it as an event.
fn take_frame(received: &mut Vec<u8>) -> Option<Rc<[u8]>> {
    let (length, rest) = received.split_first_chunk::<4>()?;
    let length = usize::try_from(u32::from_le_bytes(*length)).ok()?;
    let payload = rest.get(..length)?;
    let frame = [b"data: ", payload, b"\n\n"].concat().into();
    received.drain(..4 + length);
    Some(frame)
}
