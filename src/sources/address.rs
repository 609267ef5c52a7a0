use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use thiserror::Error;

use super::http::Endpoint;

/// Where a source is: the URL of an API, a TCP server or a path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SourceAddress {
    /// `http://…` or `https://…`.
    Http(Endpoint),
    /// `tcp://host:port`, or `host:port`.
    Tcp {
        /// A name or an address, IPv6 without brackets.
        host: String,
        /// The port.
        port: u16,
    },
    /// `file:///path`, or a path that starts with `/` or `.`.
    File(PathBuf),
}

/// Why a text is not the address of a source. It does not repeat the text, which may contain a password.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{0}")]
pub struct InvalidSourceAddress(String);

impl SourceAddress {
    /// Returns whether another address has the same form, and the same port or the same last path segment.
    pub(super) fn resembles(&self, other: &Self) -> bool {
        let last = |path: &str| path.trim_end_matches('/').rsplit('/').next().map(str::to_owned);
        match (self, other) {
            (Self::Http(one), Self::Http(other)) => last(one.url().path()) == last(other.url().path()),
            (Self::Tcp { port: one, .. }, Self::Tcp { port: other, .. }) => one == other,
            (Self::File(one), Self::File(other)) => one.file_name() == other.file_name(),
            _ => false,
        }
    }
}

impl FromStr for SourceAddress {
    type Err = InvalidSourceAddress;

    fn from_str(text: &str) -> Result<Self, InvalidSourceAddress> {
        let text = text.trim();
        let scheme = text.split_once("://").map(|(scheme, rest)| (scheme.to_ascii_lowercase(), rest));
        match scheme.as_ref().map(|(scheme, rest)| (scheme.as_str(), *rest)) {
            Some(("http" | "https", _)) => {
                text.parse().map(Self::Http).map_err(|error| InvalidSourceAddress(format!("{error}")))
            }
            Some(("tcp", rest)) => tcp(rest.trim_end_matches('/')),
            Some(("file", path)) if path.starts_with('/') => Ok(Self::File(PathBuf::from(path))),
            Some(("file", _)) => Err(InvalidSourceAddress("a file URL has three slashes: file:///path".to_owned())),
            Some((scheme, _)) => Err(InvalidSourceAddress(format!("unsupported scheme {scheme:?}"))),
            None if text.starts_with(['/', '.']) => Ok(Self::File(PathBuf::from(text))),
            None => tcp(text),
        }
    }
}

fn tcp(text: &str) -> Result<SourceAddress, InvalidSourceAddress> {
    let invalid = |reason: &str| InvalidSourceAddress(reason.to_owned());
    let (host, port) =
        text.rsplit_once(':').ok_or_else(|| invalid("it is neither a URL, nor host:port, nor a path"))?;
    let host = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
    let is_host = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_' | ':' | '%');
    if host.is_empty() || !host.chars().all(is_host) {
        return Err(invalid("the host is neither a name nor an address"));
    }
    match port.parse() {
        Ok(0) | Err(_) => Err(invalid("the port is not a number from 1 to 65535")),
        Ok(port) => Ok(SourceAddress::Tcp { host: host.to_owned(), port }),
    }
}

impl fmt::Display for SourceAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Http(endpoint) => endpoint.fmt(f),
            Self::Tcp { host, port } if host.contains(':') => write!(f, "tcp://[{host}]:{port}"),
            Self::Tcp { host, port } => write!(f, "tcp://{host}:{port}"),
            Self::File(path) => path.display().fmt(f),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_a_url_a_tcp_server_or_a_path() {
        for (text, shown) in [
            ("http://roof/data/aircraft.json", "http://roof/data/aircraft.json"),
            ("roof:30003", "tcp://roof:30003"),
            ("tcp://192.0.2.7:30005/", "tcp://192.0.2.7:30005"),
            ("[::1]:30005", "tcp://[::1]:30005"),
            ("/run/readsb/aircraft.json", "/run/readsb/aircraft.json"),
            ("file:///run/readsb/aircraft.json", "/run/readsb/aircraft.json"),
            ("./aircraft.json", "./aircraft.json"),
        ] {
            let address: SourceAddress = text.parse().unwrap();
            assert_eq!(address.to_string(), shown);
            assert_eq!(shown.parse::<SourceAddress>(), Ok(address));
        }
        for text in ["", "roof", "roof:", "roof:0", "roof:70000", ":1", "a b:1", "ftp://roof/x", "file://x"] {
            assert!(text.parse::<SourceAddress>().is_err(), "{text}");
        }
    }
}
