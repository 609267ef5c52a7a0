use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

use url::Url;

use crate::config::value::{InvalidValue, SettingValue, Shape, setting_value};
use crate::sources::http::Endpoint;

/// A host name or an IP address to listen on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Host {
    /// An IP address.
    Ip(IpAddr),
    /// A name to resolve.
    Name(String),
}

impl Host {
    /// Returns `host:port`, with brackets around an IPv6 address.
    pub fn with_port(&self, port: u16) -> String {
        match self {
            Self::Ip(IpAddr::V6(address)) => format!("[{address}]:{port}"),
            Self::Ip(address) => format!("{address}:{port}"),
            Self::Name(name) => format!("{name}:{port}"),
        }
    }

    /// Returns the host at which a client on this machine can reach a server that listens on this host.
    pub fn loopback_if_unspecified(&self) -> Self {
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

impl FromStr for Host {
    type Err = InvalidValue;

    fn from_str(text: &str) -> Result<Self, InvalidValue> {
        let bare = text.strip_prefix('[').and_then(|text| text.strip_suffix(']')).unwrap_or(text);
        if let Ok(address) = bare.parse() {
            return Ok(Self::Ip(address));
        }
        match url::Host::parse(text) {
            Ok(url::Host::Domain(name)) => check_name(&name).map(|()| Self::Name(name)),
            // Other notations of an IPv4 address, such as 127.1 or 0x7f000001.
            Ok(url::Host::Ipv4(address)) => Ok(Self::Ip(address.into())),
            Ok(url::Host::Ipv6(address)) => Ok(Self::Ip(address.into())),
            Err(error) => Err(InvalidValue::because(error)),
        }
    }
}

setting_value!(Host: Text, "HOST", "a host name or an IP address");

/// Checks that the resolver can look up a name. The URL parser accepts more, such as quotation marks.
pub(super) fn check_name(name: &str) -> Result<(), InvalidValue> {
    let known = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    if let Some(c) = name.chars().find(|c| !known(*c)) {
        return Err(InvalidValue::because(format_args!("a host name cannot contain {c:?}")));
    }
    let name = name.strip_suffix('.').unwrap_or(name);
    match name.split('.').find(|label| label.is_empty() || label.len() > 63) {
        _ if name.len() > 253 => Err(InvalidValue::because("the host name is longer than 253 characters")),
        Some("") => Err(InvalidValue::because("the host name has an empty part")),
        Some(_) => Err(InvalidValue::because("a part of the host name is longer than 63 characters")),
        None => Ok(()),
    }
}

impl SettingValue for Endpoint {
    type Limits = ();

    const SHAPE: Shape = Shape::Text;
    const PLACEHOLDER: &'static str = "URL";
    const EXPECTED: &'static str = "an address such as https://example.org/api, without user name or password";

    fn parse(text: &str, (): &()) -> Result<Self, InvalidValue> {
        // The check in `Endpoint` does not say what is wrong with a host name.
        if let Ok(url) = Url::parse(text)
            && let Some(url::Host::Domain(name)) = url.host()
        {
            check_name(name)?;
        }
        text.parse().map_err(InvalidValue::because)
    }

    fn display(&self) -> String {
        self.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_is_written_with_its_port_and_reached_from_this_machine() {
        let check = |text: &str, socket: &str, reached: &str| {
            let host = text.parse::<Host>().unwrap();
            assert_eq!(host.with_port(80), socket, "{text}");
            assert_eq!(host.loopback_if_unspecified().with_port(80), reached, "{text}");
        };
        check("127.0.0.1", "127.0.0.1:80", "127.0.0.1:80");
        check("0.0.0.0", "0.0.0.0:80", "127.0.0.1:80");
        check("::", "[::]:80", "[::1]:80");
        check("[::1]", "[::1]:80", "[::1]:80");
        check("localhost", "localhost:80", "localhost:80");
    }

    #[test]
    fn invalid_hosts_are_rejected() {
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
            assert!(text.parse::<Host>().is_err(), "{text:?}");
        }
    }
}
