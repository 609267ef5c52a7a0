use std::fmt;

use thiserror::Error;
use url::Url;

/// The host and port of a receiver.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReceiverAddress {
    /// A name or an address; an IPv6 address is in brackets.
    host: String,
    port: u16,
}

/// Why a text is not the address of a receiver.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{0}; the address of a receiver is host:port, such as 192.168.1.20:{1}")]
pub struct InvalidReceiverAddress(String, u16);

impl ReceiverAddress {
    /// Parses `host:port`, `host` or `tcp://host:port`.
    ///
    /// # Errors
    /// The text is something else.
    pub fn parse(text: &str, default_port: u16) -> Result<Self, InvalidReceiverAddress> {
        let reject = |reason: String| InvalidReceiverAddress(reason, default_port);
        let text = text.trim();
        let url = if text.contains("://") { text.to_owned() } else { format!("tcp://{text}") };
        let url = Url::parse(&url).map_err(|error| reject(error.to_string()))?;
        if url.scheme() != "tcp" {
            return Err(reject(format!("unsupported scheme {:?}", url.scheme())));
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(reject("it contains a user name or password".to_owned()));
        }
        if !matches!(url.path(), "" | "/") || url.query().is_some() || url.fragment().is_some() {
            return Err(reject("it has a path, a query or a fragment".to_owned()));
        }
        let host = url.host_str().filter(|host| !host.is_empty()).ok_or_else(|| reject("it has no host".to_owned()))?;
        match url.port().unwrap_or(default_port) {
            0 => Err(reject("port 0 is not valid".to_owned())),
            port => Ok(Self { host: host.to_owned(), port }),
        }
    }
}

impl fmt::Display for ReceiverAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.host, self.port)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_a_host_with_a_port() {
        let check = |text: &str, address: &str| {
            assert_eq!(ReceiverAddress::parse(text, 30003).unwrap().to_string(), address, "{text}");
        };
        check("192.168.1.20:30103", "192.168.1.20:30103");
        check(" receiver.local ", "receiver.local:30003");
        check("tcp://roof:1", "roof:1");
        check("tcp://roof/", "roof:30003");
        check("[fd00::1]:30003", "[fd00::1]:30003");
    }

    #[test]
    fn anything_else_is_refused_with_the_reason() {
        let check = |text: &str, reason: &str| {
            let error = ReceiverAddress::parse(text, 30005).unwrap_err().to_string();
            assert!(error.contains(reason) && error.contains("such as 192.168.1.20:30005"), "{text}: {error}");
        };
        check("", "it has no host");
        check("roof:70000", "invalid port number");
        check("roof:0", "port 0");
        check("http://roof/data", "unsupported scheme \"http\"");
        check("tcp://me:secret@roof:30005", "user name or password");
        check("roof/aircraft.json", "path");
        check("fd00::1", "invalid port number");
    }
}
