use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use thiserror::Error;
use url::{Host, Url};

/// The address of an endpoint: a URL whose path and query may contain a secret. `Debug` and `Display` show only its
/// scheme, host and port.
#[derive(Clone, PartialEq, Eq)]
pub struct EndpointAddress(Url);

/// Why a text is not the address of an endpoint. It does not repeat the text, which may contain a secret.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{0}")]
pub struct InvalidEndpointAddress(&'static str);

impl EndpointAddress {
    /// Returns the URL, which may contain a secret.
    pub(super) fn url(&self) -> &Url {
        &self.0
    }

    /// Returns the scheme in lower case.
    pub fn scheme(&self) -> &str {
        self.0.scheme()
    }

    /// Returns the host's address if the URL contains one instead of a name.
    pub(super) fn literal(&self) -> Option<IpAddr> {
        match self.0.host()? {
            // Only the schemes of the web parse IPv4 addresses.
            Host::Domain(name) => name.parse().ok(),
            Host::Ipv4(address) => Some(address.into()),
            Host::Ipv6(address) => Some(address.into()),
        }
    }
}

impl FromStr for EndpointAddress {
    type Err = InvalidEndpointAddress;

    fn from_str(text: &str) -> Result<Self, InvalidEndpointAddress> {
        let url = Url::parse(text.trim()).map_err(|_| InvalidEndpointAddress("it is not a URL"))?;
        if url.host_str().is_none_or(str::is_empty) {
            return Err(InvalidEndpointAddress("it has no host"));
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(InvalidEndpointAddress(
                "it contains a user name or password; set user and password, or token, instead",
            ));
        }
        if url.fragment().is_some() {
            return Err(InvalidEndpointAddress("it has a fragment (#…), which is never sent"));
        }
        Ok(Self(url))
    }
}

impl fmt::Display for EndpointAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}", self.0.scheme(), self.0.host_str().unwrap_or_default())?;
        if let Some(port) = self.0.port() {
            write!(f, ":{port}")?;
        }
        match self.0.path() {
            "" | "/" if self.0.query().is_none() => Ok(()),
            _ => f.write_str("/***"),
        }
    }
}

impl fmt::Debug for EndpointAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_and_queries_are_not_shown() {
        for (text, shown) in [
            ("https://hooks.example.org/services/T0/hunter2", "https://hooks.example.org/***"),
            ("https://example.org/?key=hunter2", "https://example.org/***"),
            ("http://Example.org:8080", "http://example.org:8080"),
            ("mqtts://[::1]:8883", "mqtts://[::1]:8883"),
        ] {
            let address: EndpointAddress = text.parse().unwrap();
            assert_eq!((address.to_string().as_str(), format!("{address:?}").as_str()), (shown, shown));
        }
    }

    #[test]
    fn an_address_in_place_of_a_name_is_found_with_every_scheme() {
        for (text, literal) in [
            ("https://127.1/", Some("127.0.0.1")),
            ("mqtt://127.0.0.1", Some("127.0.0.1")),
            ("mqtts://[::1]:8883", Some("::1")),
            ("mqtt://broker.example.org", None),
        ] {
            let address: EndpointAddress = text.parse().unwrap();
            assert_eq!(address.literal(), literal.map(|literal| literal.parse().unwrap()), "{text}");
        }
    }

    #[test]
    fn an_address_is_a_url_without_credentials() {
        for (text, reason) in [
            ("", "not a URL"),
            ("hooks.example.org", "not a URL"),
            ("https://", "not a URL"),
            ("mailto:me@example.org", "no host"),
            ("https://me:hunter2@example.org/", "user name or password"),
            ("https://example.org/#x", "fragment"),
        ] {
            let error = text.parse::<EndpointAddress>().unwrap_err().to_string();
            assert!(error.contains(reason) && !error.contains("hunter2"), "{text}: {error}");
        }
    }
}
