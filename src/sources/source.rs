use std::path::PathBuf;
use std::rc::Rc;
use std::time::Duration;

use actors::domain::BoundingBox;
use actors::ports::StateSource;
use anyhow::Context as _;

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

/// Creates a source's client, which stays on the calling thread.
pub type Connect = Box<dyn FnOnce() -> Rc<dyn StateSource> + Send>;

/// What the server reports about its source.
#[derive(Clone, Debug)]
pub struct SourceInfo {
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

/// The settings that apply to every source.
#[derive(Clone, Debug)]
pub struct SourceSettings {
    /// The area to poll; `None` for the whole world.
    pub bounding_box: Option<BoundingBox>,
    /// How often to poll.
    pub poll_interval: PollInterval,
    /// The timeout of a single request.
    pub request_timeout: Duration,
    /// The proxies for requests.
    pub proxies: Result<Proxies, InvalidProxy>,
    /// A PEM file of certificate authorities to trust in addition to the public ones.
    pub authorities: Option<PathBuf>,
}

impl SourceSettings {
    /// Returns the proxies and certificate authorities for outgoing requests.
    ///
    /// # Errors
    /// The proxy settings are invalid, or the certificates cannot be read.
    pub fn network(&self) -> anyhow::Result<Network> {
        let authorities = match &self.authorities {
            Some(path) => crate::pem::certificates(path)
                .map_err(anyhow::Error::msg)
                .with_context(|| format!("SSL_CERT_FILE: failed to read certificates from {}", path.display()))?,
            None => Vec::new(),
        };
        Ok(Network { proxies: self.proxies.clone()?, authorities })
    }
}
