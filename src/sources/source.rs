use std::fmt;
use std::path::PathBuf;
use std::rc::Rc;
use std::time::Duration;

use actors::domain::{BoundingBox, Point};
use actors::ports::StateSource;
use actors::supervision::ConfiguredName;
use thiserror::Error;

use super::address::SourceAddress;
use super::http::Network;
use super::poll_interval::PollInterval;
use crate::proxy::{InvalidProxy, Proxies};

/// A source that is ready to connect.
pub struct Source {
    /// The source's description for the server.
    pub info: SourceInfo,
    /// Creates the source's client, on the Poller's thread.
    pub connect: Connect,
}

/// The text is not the name of a source.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{0:?} is no name of a source: expected lower-case letters, digits and hyphens")]
pub struct InvalidSourceName(String);

impl SourceInfo {
    /// Describes a source of a kind that this program does not know, with live traffic.
    ///
    /// # Errors
    /// The name is invalid.
    pub fn custom(name: &str, description: String, interval: Duration) -> Result<Self, InvalidSourceName> {
        Ok(Self {
            name: ConfiguredName::new(name).ok_or_else(|| InvalidSourceName(name.to_owned()))?,
            kind: "custom",
            priority: 0,
            area: None,
            description,
            proxies: Vec::new(),
            traffic: Traffic::Live,
            expected_interval: interval,
            max_interval: interval,
        })
    }
}

/// Creates a source's client, which stays on the calling thread.
pub type Connect = Box<dyn FnOnce() -> Rc<dyn StateSource> + Send>;

/// What the server reports about a source.
#[derive(Clone, Debug)]
pub struct SourceInfo {
    /// Its name, which its state vectors carry. Unique within the process.
    pub name: ConfiguredName,
    /// The name of its kind.
    pub kind: &'static str,
    /// Of two sources that report an aircraft, the one with the higher priority prevails.
    pub priority: i16,
    /// The area that is polled; `None` for everything that the source reports.
    pub area: Option<BoundingBox>,
    /// A line for the log.
    pub description: String,
    /// One line for each endpoint whose requests go through a proxy.
    pub proxies: Vec<String>,
    /// Whether the traffic is live, simulated or recorded.
    pub traffic: Traffic,
    /// The expected time between two polls if none fails. Data older than twice this is late.
    pub expected_interval: Duration,
    /// The longest expected interval of any process with the same settings: another one may not have the credentials
    /// that this one has.
    pub max_interval: Duration,
}

/// Whether the traffic is real.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Traffic {
    /// Live aircraft.
    Live,
    /// Simulated aircraft.
    Simulated,
    /// Recorded responses.
    Recorded {
        /// The time of the newest response, in Unix seconds.
        at: i64,
    },
}

/// The settings of a source. Each kind uses those that apply to it.
#[derive(Clone, Debug)]
pub struct SourceSettings {
    /// Its name.
    pub name: ConfiguredName,
    /// Its priority; `None` for that of its kind.
    pub priority: Option<i16>,
    /// Its address, in a form that its kind accepts; `None` for a kind without an address.
    pub address: Option<SourceAddress>,
    /// The area to poll; `None` for the whole world, or everything that the source reports.
    pub bounding_box: Option<BoundingBox>,
    /// Where the receiver is.
    pub location: Option<Point>,
    /// The key that an API demands, and the header that contains it.
    pub api_key: Option<ApiKey>,
    /// How often to poll.
    pub poll_interval: PollInterval,
    /// The timeout of a single request, or of connecting.
    pub request_timeout: Duration,
    /// The proxies for requests.
    pub proxies: Result<Proxies, InvalidProxy>,
    /// A PEM file of certificate authorities to trust in addition to the public ones.
    pub authorities: Option<PathBuf>,
}

/// The key of an API. `Debug` does not show it.
#[derive(Clone)]
pub struct ApiKey {
    /// The name of the header that contains the key.
    pub header: String,
    /// The key.
    pub key: String,
}

impl fmt::Debug for ApiKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ApiKey").field("header", &self.header).finish_non_exhaustive()
    }
}

impl SourceSettings {
    /// Returns the settings of a source of which only the name is given, for tests.
    #[cfg(test)]
    pub(crate) fn named(name: &str) -> Self {
        Self {
            name: ConfiguredName::new(name).expect("a valid name"),
            priority: None,
            address: None,
            bounding_box: None,
            location: None,
            api_key: None,
            poll_interval: super::PollInterval::Auto,
            request_timeout: Duration::from_secs(1),
            proxies: Ok(Proxies::default()),
            authorities: None,
        }
    }

    /// Returns the proxies and certificate authorities for outgoing requests.
    ///
    /// # Errors
    /// The proxy settings are invalid, or the certificates cannot be read.
    pub fn network(&self) -> anyhow::Result<Network> {
        Network::of(&self.proxies, self.authorities.as_deref())
    }
}
