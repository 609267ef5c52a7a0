use std::net::{SocketAddr, ToSocketAddrs};
use std::str::FromStr;

use thiserror::Error;

/// What to connect to, with how many connections, and how to read.
#[derive(Clone, Debug)]
pub struct Plan {
    /// Connection `n` requests target `n` modulo the number of targets.
    pub targets: Vec<Target>,
    /// Number of connections.
    pub connections: usize,
    /// The content encoding that they accept.
    pub encoding: Encoding,
    /// Maximum number of connections that wait for their first byte at the same time.
    pub max_connecting: usize,
    /// Which connections read slowly, and how slowly.
    pub slow: Slow,
    /// Number of source addresses to spread connections over, from 127.0.0.2 upwards; 0: one per 250 connections.
    pub source_addresses: u8,
}

impl Plan {
    /// Creates a plan with one target and connections that all read as fast as they can.
    pub fn new(target: Target, connections: usize) -> Self {
        Self {
            targets: vec![target],
            connections,
            encoding: Encoding::Identity,
            max_connecting: 200,
            slow: Slow::default(),
            source_addresses: 0,
        }
    }
}

/// Readers that read slowly or not at all.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Slow {
    /// One in this many connections is slow, the last of each group; 0: none.
    pub every: usize,
    /// Bytes per second that a slow reader reads; 0: nothing after the response head.
    pub bytes_per_second: usize,
}

impl Slow {
    /// Returns whether this connection is slow.
    pub fn includes(self, connection: usize) -> bool {
        self.every > 0 && connection % self.every == self.every - 1
    }
}

/// The content encoding that a connection accepts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names say it")]
pub enum Encoding {
    #[default]
    Identity,
    Gzip,
    Zstd,
}

impl Encoding {
    /// Returns the name used in `Accept-Encoding` and `Content-Encoding`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Identity => "identity",
            Self::Gzip => "gzip",
            Self::Zstd => "zstd",
        }
    }
}

impl FromStr for Encoding {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let all = [Self::Identity, Self::Gzip, Self::Zstd];
        all.into_iter()
            .find(|encoding| encoding.name() == text)
            .ok_or_else(|| format!("expected identity, gzip or zstd, not {text:?}"))
    }
}

/// A stream on this machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    pub(crate) address: SocketAddr,
    pub(crate) host: String,
    pub(crate) path: String,
}

/// Why a text is not a valid target.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[allow(missing_docs, reason = "each message says it")]
pub enum InvalidTarget {
    #[error("a target must start with http://")]
    Scheme,
    #[error("{0}: expected a host name or an IPv4 address, with a port")]
    Host(String),
    #[error("{0} is not a loopback address: thousands of connections are allowed only to this machine")]
    NotLoopback(SocketAddr),
}

impl Target {
    /// Creates a target from a server on this machine and a path with its query.
    ///
    /// # Errors
    /// If the address is not an IPv4 loopback address.
    pub fn new(address: SocketAddr, path: impl Into<String>) -> Result<Self, InvalidTarget> {
        if !address.ip().is_loopback() || !address.is_ipv4() {
            return Err(InvalidTarget::NotLoopback(address));
        }
        Ok(Self { address, host: address.to_string(), path: path.into() })
    }
}

impl FromStr for Target {
    type Err = InvalidTarget;

    fn from_str(url: &str) -> Result<Self, InvalidTarget> {
        let rest = url.strip_prefix("http://").ok_or(InvalidTarget::Scheme)?;
        let (host, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
        let addresses = host.to_socket_addrs().map_err(|_| InvalidTarget::Host(host.to_owned()))?;
        let address = addresses.into_iter().find(SocketAddr::is_ipv4);
        let target = Self::new(address.ok_or_else(|| InvalidTarget::Host(host.to_owned()))?, path)?;
        Ok(Self { path: if path.is_empty() { "/".to_owned() } else { target.path }, ..target })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_target_is_a_url_on_this_machine() {
        let target: Target = "http://127.0.0.1:8081/api/v1/stream?bbox=1,2,3,4".parse().unwrap();
        assert_eq!(target, Target::new(target.address, "/api/v1/stream?bbox=1,2,3,4").unwrap());
        assert_eq!("http://127.0.0.1:80".parse::<Target>().unwrap().path, "/");
    }

    #[test]
    fn an_invalid_target_is_rejected() {
        let check = |url: &str, expected: &str| {
            let error = url.parse::<Target>().unwrap_err().to_string();
            assert!(error.contains(expected), "{url}: {error}");
        };
        check("https://127.0.0.1:1/", "http://");
        check("http://127.0.0.1/", "port");
        check("http://192.0.2.1:80/", "not a loopback address");
    }
}
