use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use url::Url;

use super::{FromText, Unfit};
use crate::config::kind::Kind;

/// A host name or an IP address to listen on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Host {
    /// An address.
    Ip(IpAddr),
    /// A name to be looked up.
    Name(String),
}

impl Host {
    /// `host:port`, as a socket or a URL wants it.
    pub fn with_port(&self, port: u16) -> String {
        match self {
            Self::Ip(IpAddr::V6(address)) => format!("[{address}]:{port}"),
            Self::Ip(address) => format!("{address}:{port}"),
            Self::Name(name) => format!("{name}:{port}"),
        }
    }

    /// Where a client on this machine reaches a server that listens here.
    pub fn to_reach(&self) -> Self {
        match self {
            Self::Ip(IpAddr::V4(address)) if address.is_unspecified() => Self::Ip(Ipv4Addr::LOCALHOST.into()),
            Self::Ip(IpAddr::V6(address)) if address.is_unspecified() => Self::Ip(Ipv6Addr::LOCALHOST.into()),
            other => other.clone(),
        }
    }
}

impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ip(address) => address.fmt(f),
            Self::Name(name) => f.write_str(name),
        }
    }
}

impl FromText for Host {
    fn from_text(text: &str, _: Kind) -> Result<Self, Unfit> {
        let bare = text.strip_prefix('[').and_then(|text| text.strip_suffix(']')).unwrap_or(text);
        if let Ok(address) = bare.parse() {
            return Ok(Self::Ip(address));
        }
        match url::Host::parse(text) {
            Ok(url::Host::Domain(name)) => check_name(&name).map(|()| Self::Name(name)),
            // What only looks like an address, such as 127.1 or 0x7f000001, is taken for what it stands for.
            Ok(url::Host::Ipv4(address)) => Ok(Self::Ip(address.into())),
            Ok(url::Host::Ipv6(address)) => Ok(Self::Ip(address.into())),
            Err(error) => Err(Unfit(format!("{error}"))),
        }
    }
}

/// Whether the resolver can look a name up. The parser of URLs lets more pass, such as quotation marks.
pub(super) fn check_name(name: &str) -> Result<(), Unfit> {
    let known = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    if let Some(c) = name.chars().find(|c| !known(*c)) {
        return Err(Unfit(format!("a host name has no {c:?}")));
    }
    let name = name.strip_suffix('.').unwrap_or(name);
    match name.split('.').find(|label| label.is_empty() || label.len() > 63) {
        _ if name.len() > 253 => Err(Unfit::because("the host name is longer than 253 characters")),
        Some("") => Err(Unfit::because("the host name has an empty part")),
        Some(_) => Err(Unfit::because("a part of the host name is longer than 63 characters")),
        None => Ok(()),
    }
}

impl FromText for Url {
    fn from_text(text: &str, _: Kind) -> Result<Self, Unfit> {
        let url = Self::parse(text).map_err(|error| Unfit(format!("{error}")))?;
        if !matches!(url.scheme(), "http" | "https") {
            return Err(Unfit(format!("its scheme is {:?}", url.scheme())));
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(Unfit::because("it holds a user name or a password"));
        }
        if url.query().is_some() || url.fragment().is_some() {
            return Err(Unfit::because("it holds a query or a fragment"));
        }
        if let Some(url::Host::Domain(name)) = url.host() {
            check_name(name)?;
        }
        // The HTTP client has a parser of its own.
        url.as_str().parse::<awc::http::Uri>().map_err(|error| Unfit(format!("{error}")))?;
        Ok(url)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_are_written_for_sockets_and_reached_from_here() {
        let check = |text: &str, socket: &str, reached: &str| {
            let host = Host::from_text(text, Kind::Host).unwrap();
            assert_eq!(host.with_port(80), socket, "{text}");
            assert_eq!(host.to_reach().with_port(80), reached, "{text}");
        };
        check("127.0.0.1", "127.0.0.1:80", "127.0.0.1:80");
        check("0.0.0.0", "0.0.0.0:80", "127.0.0.1:80");
        check("::", "[::]:80", "[::1]:80");
        check("[::1]", "[::1]:80", "[::1]:80");
        check("localhost", "localhost:80", "localhost:80");
    }

    #[test]
    fn what_is_no_host_is_refused() {
        for text in [
            "",
            "a b",
            "http://localhost",
            "localhost:80",
            "a/b",
            "\"localhost\"",
            "'127.0.0.1'",
            "a..b",
            "a(b)",
            &"a".repeat(64),
        ] {
            assert!(Host::from_text(text, Kind::Host).is_err(), "{text:?}");
        }
    }
}
