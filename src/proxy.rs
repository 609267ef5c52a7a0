//! Selects the outgoing HTTP requests that go through a proxy, according to the usual environment variables.

use std::fmt;
use std::net::IpAddr;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use ipnet::IpNet;
use percent_encoding::percent_decode_str;
use thiserror::Error;
use url::{Host, Url};

/// The proxies set by `HTTPS_PROXY`, `HTTP_PROXY` and `ALL_PROXY`, and the exceptions set by `NO_PROXY`. Requests to
/// this machine itself never go through a proxy.
#[derive(Clone, Debug, Default)]
pub struct Proxies {
    https: Option<Proxy>,
    http: Option<Proxy>,
    direct: Vec<Direct>,
}

/// An HTTP proxy. `Debug` and `Display` do not show its user name and password.
#[derive(Clone, PartialEq, Eq)]
pub struct Proxy {
    host: Host,
    port: u16,
    authorization: Option<String>,
    variable: &'static str,
}

/// Why the value of a variable is not a usable proxy. It does not contain the value, which may include a password.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{variable}: {reason}; expected http://[user:password@]host[:port]")]
pub struct InvalidProxy {
    variable: &'static str,
    reason: String,
}

/// An entry of `NO_PROXY`: destinations that are connected to directly.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Direct {
    All,
    Network(IpNet),
    /// A host, or a domain with all of its hosts, on one port or on any.
    Host {
        name: String,
        port: Option<u16>,
    },
}

const HTTPS: [&str; 4] = ["https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"];
const HTTP: [&str; 4] = ["http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"];
const NONE: [&str; 2] = ["no_proxy", "NO_PROXY"];

/// The port of a proxy whose URL does not give one. It is the same as curl's.
const DEFAULT_PORT: u16 = 1080;

impl Proxies {
    /// Reads the variables. If several apply, the first that is not empty is used; lower case takes precedence over
    /// upper case.
    ///
    /// # Errors
    /// A value is not a URL, or its scheme is not `http`.
    pub fn read<'a>(variable: impl Fn(&str) -> Option<&'a str>) -> Result<Self, InvalidProxy> {
        let first = |names: &[&'static str]| {
            let set =
                |name: &&'static str| Some((*name, variable(name)?.trim())).filter(|(_, value)| !value.is_empty());
            names.iter().find_map(set)
        };
        let proxy = |names| first(names).map(|(name, value)| Proxy::parse(name, value)).transpose();
        let direct = first(&NONE).map_or("", |(_, value)| value);
        let entries = direct.split(|c: char| c == ',' || c.is_whitespace()).filter(|entry| !entry.is_empty());
        Ok(Self { https: proxy(&HTTPS)?, http: proxy(&HTTP)?, direct: entries.map(Direct::parse).collect() })
    }

    /// Returns the proxy for requests to this URL, or `None` if they are sent directly.
    pub fn of(&self, url: &Url) -> Option<&Proxy> {
        let proxy = match url.scheme() {
            "https" => self.https.as_ref(),
            "http" => self.http.as_ref(),
            _ => None,
        }?;
        let (host, port) = (url.host()?, url.port_or_known_default()?);
        let is_direct = is_loopback(&host) || self.direct.iter().any(|direct| direct.matches(&host, port));
        (!is_direct).then_some(proxy)
    }

    /// Returns whether one of the proxies has this host and port.
    pub(crate) fn has(&self, host: &str, port: u16) -> bool {
        [&self.https, &self.http].into_iter().flatten().any(|proxy| proxy.address() == (host.to_owned(), port))
    }

    /// Returns one line for each of these URLs whose requests go through a proxy.
    pub fn describe<'a>(&self, urls: impl IntoIterator<Item = &'a Url>) -> Vec<String> {
        let describe = |url: &Url| {
            let proxy = self.of(url)?;
            Some(format!("{proxy} for {url} (environment variable {})", proxy.variable()))
        };
        urls.into_iter().filter_map(describe).collect()
    }
}

impl Proxy {
    fn parse(variable: &'static str, value: &str) -> Result<Self, InvalidProxy> {
        let invalid = |reason: String| InvalidProxy { variable, reason };
        let with_scheme = if value.contains("://") { value.to_owned() } else { format!("http://{value}") };
        let url = Url::parse(&with_scheme).map_err(|error| invalid(error.to_string()))?;
        if url.scheme() != "http" {
            return Err(invalid(format!("{} proxies are not supported", url.scheme())));
        }
        let host = url.host().ok_or_else(|| invalid("missing host".to_owned()))?.to_owned();
        // `Url` drops a port that is the scheme's default.
        let names_port = with_scheme.trim_end_matches('/').ends_with(":80");
        let port = url.port().unwrap_or(if names_port { 80 } else { DEFAULT_PORT });
        let decoded = |text: &str| percent_decode_str(text).collect::<Vec<u8>>();
        let authorization = (!url.username().is_empty() || url.password().is_some()).then(|| {
            let password = decoded(url.password().unwrap_or_default());
            let credentials = [&decoded(url.username()), &b":"[..], &password].concat();
            format!("Basic {}", BASE64_STANDARD.encode(credentials))
        });
        Ok(Self { host, port, authorization, variable })
    }

    /// Returns the value of the `Proxy-Authorization` header.
    pub(crate) fn authorization(&self) -> Option<&str> {
        self.authorization.as_deref()
    }

    /// Returns the host in the form that a resolver expects, and the port.
    pub(crate) fn address(&self) -> (String, u16) {
        let host = match &self.host {
            Host::Domain(name) => name.clone(),
            Host::Ipv4(address) => address.to_string(),
            Host::Ipv6(address) => address.to_string(),
        };
        (host, self.port)
    }

    /// Returns the name of the variable that this proxy comes from.
    pub fn variable(&self) -> &'static str {
        self.variable
    }
}

impl fmt::Display for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.host, self.port)
    }
}

impl fmt::Debug for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {self}", self.variable)
    }
}

impl Direct {
    fn parse(entry: &str) -> Self {
        if entry == "*" {
            return Self::All;
        }
        let bare = entry.trim_start_matches('[').trim_end_matches(']');
        if let Ok(network) = bare.parse::<IpNet>().or_else(|_| bare.parse::<IpAddr>().map(IpNet::from)) {
            return Self::Network(network);
        }
        let (name, port) = match entry.rsplit_once(':') {
            Some((name, port)) if port.parse::<u16>().is_ok() => (name, port.parse().ok()),
            _ => (entry, None),
        };
        let name = name.trim_start_matches("*.").trim_matches(|c| matches!(c, '.' | '[' | ']'));
        Self::Host { name: name.to_ascii_lowercase(), port }
    }

    fn matches(&self, host: &Host<&str>, port: u16) -> bool {
        match self {
            Self::All => true,
            Self::Network(network) => address(host).is_some_and(|address| network.contains(&address)),
            Self::Host { port: Some(only), .. } if *only != port => false,
            Self::Host { name, .. } => match host {
                Host::Domain(domain) => {
                    let domain = domain.trim_end_matches('.');
                    domain == name || domain.strip_suffix(name.as_str()).is_some_and(|before| before.ends_with('.'))
                }
                _ => address(host) == name.parse().ok(),
            },
        }
    }
}

fn address(host: &Host<&str>) -> Option<IpAddr> {
    match host {
        Host::Domain(_) => None,
        Host::Ipv4(address) => Some(IpAddr::V4(*address)),
        Host::Ipv6(address) => Some(IpAddr::V6(*address)),
    }
}

fn is_loopback(host: &Host<&str>) -> bool {
    match host {
        Host::Domain(name) => *name == "localhost",
        _ => address(host).is_some_and(|address| address.is_loopback()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn proxies(variables: &[(&str, &'static str)]) -> Result<Proxies, InvalidProxy> {
        Proxies::read(|name| variables.iter().find(|(key, _)| *key == name).map(|(_, value)| *value))
    }

    fn proxy_for(proxies: &Proxies, url: &str) -> Option<String> {
        proxies.of(&url.parse().unwrap()).map(ToString::to_string)
    }

    #[test]
    fn variables_are_read_in_either_case_and_lower_case_takes_precedence() {
        let check = |variables: &[(&str, &'static str)], https: Option<&str>, http: Option<&str>| {
            let proxies = proxies(variables).unwrap();
            assert_eq!(proxy_for(&proxies, "https://example.org/").as_deref(), https, "{variables:?}");
            assert_eq!(proxy_for(&proxies, "http://example.org/").as_deref(), http, "{variables:?}");
        };
        check(&[], None, None);
        check(&[("HTTPS_PROXY", "http://p:3128")], Some("p:3128"), None);
        check(&[("https_proxy", "http://a:1"), ("HTTPS_PROXY", "http://b:2")], Some("a:1"), None);
        check(&[("https_proxy", ""), ("HTTPS_PROXY", "http://b:2/")], Some("b:2"), None);
        check(&[("http_proxy", "p:80")], None, Some("p:80"));
        check(&[("HTTP_PROXY", "http://[::1]:8080")], None, Some("[::1]:8080"));
        check(&[("ALL_PROXY", "http://p"), ("HTTP_PROXY", "http://q:3128")], Some("p:1080"), Some("q:3128"));
        check(&[("NO_PROXY", "*")], None, None);
    }

    #[test]
    fn no_proxy_names_hosts_domains_ports_and_networks() {
        let check = |no_proxy: &'static str, url: &str, direct: bool| {
            let proxies = proxies(&[("ALL_PROXY", "http://p:3128"), ("NO_PROXY", no_proxy)]).unwrap();
            assert_eq!(proxy_for(&proxies, url).is_none(), direct, "{no_proxy}: {url}");
        };
        check("", "https://example.org/", false);
        check("*", "https://example.org/", true);
        check("example.org", "https://example.org/", true);
        check("example.org", "https://api.Example.org./", true);
        check(".example.org", "https://example.org/", true);
        check("*.example.org", "https://api.example.org/", true);
        check("EXAMPLE.ORG", "https://api.example.org/", true);
        check("example.org", "https://badexample.org/", false);
        check("example.org:8443", "https://example.org/", false);
        check("example.org:8443", "https://example.org:8443/", true);
        check("example.org:443", "https://example.org/", true);
        check("other.org, example.org", "https://example.org/", true);
        check("other.org example.org", "https://example.org/", true);
        check("10.0.0.0/8", "https://10.1.2.3/", true);
        check("10.0.0.0/8", "https://11.1.2.3/", false);
        check("10.1.2.3", "http://10.1.2.3:8080/", true);
        check("10.1.2.3:80", "http://10.1.2.3:8080/", false);
        check("10.1.2.3:8080", "http://10.1.2.3:8080/", true);
        check("[fd00::1]", "http://[fd00::1]/", true);
        check("fd00::/8", "http://[fd00::1]/", true);
        // This machine.
        check("", "http://127.0.0.1:8082/", true);
        check("", "http://localhost:8082/", true);
        check("", "http://[::1]:8082/", true);
    }

    #[test]
    fn credentials_are_decoded_and_never_shown() {
        let proxies = proxies(&[("HTTPS_PROXY", "http://me:p%40ss%3A@p:3128")]).unwrap();
        let proxy = proxies.of(&"https://example.org".parse().unwrap()).unwrap();
        // me:p@ss:
        assert_eq!(proxy.authorization(), Some("Basic bWU6cEBzczo="));
        for shown in [proxy.to_string(), format!("{proxies:?}")] {
            assert!(!shown.contains("ss") && !shown.contains("bWU6"), "{shown}");
        }
    }

    #[test]
    fn other_proxies_are_rejected_without_repeating_the_password() {
        let check = |value: &'static str, reason: &str| {
            let error = proxies(&[("HTTPS_PROXY", value)]).unwrap_err().to_string();
            assert!(error.starts_with("HTTPS_PROXY: ") && error.contains(reason), "{error}");
            assert!(!error.contains("hunter2"), "{error}");
        };
        check("socks5://me:hunter2@p:1080", "socks5 proxies are not supported");
        check("https://me:hunter2@p", "https proxies are not supported");
        check("http://me:hunter2@p:port", "invalid port");
        check("http://", "empty host");
    }
}
