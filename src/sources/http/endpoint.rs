use std::fmt;
use std::str::FromStr;

use thiserror::Error;
use url::{Host, Url};

/// The `http` or `https` URL of an API. It cannot contain secrets, so errors and logs may show it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Endpoint(Url);

/// Why a text is not a valid [`Endpoint`]. It does not repeat the text, which may contain a password.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{0}")]
pub struct InvalidEndpoint(String);

impl Endpoint {
    /// Returns the URL with `path` appended.
    pub(crate) fn join(&self, path: &str) -> Self {
        let mut url = self.0.clone();
        url.set_path(&format!("{}/{path}", self.0.path().trim_end_matches('/')));
        Self(url)
    }

    /// Returns whether requests cross the network unencrypted.
    pub(crate) fn is_exposed(&self) -> bool {
        let local = match self.0.host() {
            Some(Host::Domain(name)) => name == "localhost",
            Some(Host::Ipv4(address)) => address.is_loopback(),
            Some(Host::Ipv6(address)) => address.is_loopback(),
            None => false,
        };
        self.0.scheme() == "http" && !local
    }

    /// Returns the parsed URL.
    pub fn url(&self) -> &Url {
        &self.0
    }

    pub(crate) fn as_str(&self) -> &str {
        self.0.as_str()
    }
}

impl FromStr for Endpoint {
    type Err = InvalidEndpoint;

    fn from_str(text: &str) -> Result<Self, InvalidEndpoint> {
        let reject = |why: &str| Err(InvalidEndpoint(why.to_owned()));
        let url = Url::parse(text.trim()).map_err(|error| InvalidEndpoint(error.to_string()))?;
        if !matches!(url.scheme(), "http" | "https") {
            return Err(InvalidEndpoint(format!("unsupported scheme {:?}", url.scheme())));
        }
        if !url.username().is_empty() || url.password().is_some() {
            return reject("it contains a user name or password; set credentials instead");
        }
        if url.query().is_some() || url.fragment().is_some() {
            return reject("it has a query or a fragment");
        }
        if url.as_str().parse::<awc::http::Uri>().is_err() {
            return reject("it is not valid for HTTP");
        }
        Ok(Self(url))
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_joined_with_one_slash() {
        for base in ["http://localhost:8080/api", "http://localhost:8080/api/", " http://localhost:8080/api// "] {
            let endpoint: Endpoint = base.parse().unwrap();
            assert_eq!(endpoint.join("states/all").as_str(), "http://localhost:8080/api/states/all", "{base}");
        }
        assert_eq!("http://[::1]".parse::<Endpoint>().unwrap().join("a/b").as_str(), "http://[::1]/a/b");
    }

    #[test]
    fn only_http_urls_without_credentials_or_query_are_accepted() {
        let check = |text: &str, reason: &str| {
            let error = text.parse::<Endpoint>().unwrap_err().to_string();
            assert!(error.contains(reason) && !error.contains("hunter2"), "{text}: {error}");
        };
        check("", "relative URL");
        check("opensky-network.org/api", "relative URL");
        check("localhost:8080", "scheme");
        check("ftp://example.org/", "scheme");
        check("https://", "empty host");
        check("https://me:hunter2@example.org/", "password");
        check("https://example.org/api?key=hunter2", "query");
        check("https://example.org/#x", "fragment");
        check(&format!("https://example.org/{}", "x".repeat(70_000)), "not valid for HTTP");
        for text in [
            "https://opensky-network.org/api",
            "https://auth.opensky-network.org/auth/realms/opensky-network/protocol/openid-connect/token",
        ] {
            assert_eq!(text.parse::<Endpoint>().unwrap().to_string(), text);
        }
    }

    #[test]
    fn plain_http_is_exposed_unless_it_is_local() {
        let check = |text: &str, exposed| assert_eq!(text.parse::<Endpoint>().unwrap().is_exposed(), exposed, "{text}");
        check("https://example.org", false);
        check("http://example.org", true);
        check("http://192.0.2.1", true);
        check("http://127.0.0.1:1", false);
        check("http://localhost:1", false);
        check("http://[::1]:1", false);
    }
}
