//! A client that only counts what it receives.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};

/// What a response contained, and how long it took.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Received {
    pub(crate) lines: usize,
    pub(crate) bytes: usize,
    /// The time until the first bytes of the response.
    pub(crate) first: Duration,
    pub(crate) took: Duration,
}

/// Requests a chunked response and reads it to its end.
pub(crate) fn count(address: SocketAddr, path: &str, accept: &str) -> anyhow::Result<Received> {
    let began = Instant::now();
    let mut socket = TcpStream::connect(address)?;
    write!(socket, "GET {path} HTTP/1.1\r\nHost: bench\r\nAccept: {accept}\r\nConnection: close\r\n\r\n")?;
    let (mut buffer, mut chunks, mut first) = (vec![0; 1 << 18], Chunks::default(), None);
    loop {
        let length = socket.read(&mut buffer)?;
        if length == 0 {
            break;
        }
        chunks.take(buffer.get(..length).context("read more than the buffer")?)?;
        if chunks.bytes > 0 {
            first.get_or_insert_with(|| began.elapsed());
        }
    }
    ensure!(chunks.ended, "the response to {path} is incomplete");
    let took = began.elapsed();
    Ok(Received { lines: chunks.lines, bytes: chunks.bytes, first: first.unwrap_or(took), took })
}

/// Counts the lines and bytes of a chunked response (RFC 9112, section 7.1).
#[derive(Default)]
struct Chunks {
    /// The head of the response, and later of each chunk, as far as received.
    head: Vec<u8>,
    in_body: bool,
    /// Remaining bytes of the chunk, including the line end after it.
    left: usize,
    lines: usize,
    bytes: usize,
    ended: bool,
}

impl Chunks {
    fn take(&mut self, mut received: &[u8]) -> anyhow::Result<()> {
        while !received.is_empty() {
            if self.left > 0 {
                let (part, rest) = received.split_at(self.left.min(received.len()));
                // The last two bytes belong to the chunk's framing.
                let framing = (2 - (self.left - part.len()).min(2)).min(part.len());
                let own = part.get(..part.len() - framing).unwrap_or_default();
                self.lines += own.iter().filter(|byte| **byte == b'\n').count();
                self.bytes += own.len();
                (self.left, received) = (self.left - part.len(), rest);
                continue;
            }
            let (byte, rest) = received.split_at(1);
            self.head.extend(byte);
            received = rest;
            let end: &[u8] = if self.in_body { b"\r\n" } else { b"\r\n\r\n" };
            let Some(head) = self.head.strip_suffix(end) else { continue };
            if self.in_body {
                let size = usize::from_str_radix(std::str::from_utf8(head)?, 16)?;
                (self.left, self.ended) = (size + 2, size == 0);
            } else {
                ensure!(head.starts_with(b"HTTP/1.1 200 "), "{}", String::from_utf8_lossy(head));
                self.in_body = true;
            }
            self.head.clear();
        }
        Ok(())
    }
}
