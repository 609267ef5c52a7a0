use std::path::PathBuf;
use std::rc::Rc;
use std::time::Duration;

use actors::domain::BoundingBox;
use actors::ports::StateSource;
use anyhow::Context as _;

use super::http::Network;
use super::poll_interval::PollInterval;
use crate::proxy::{InvalidProxy, Proxies};

/// A source, ready to connect.
pub struct Source {
    /// What the server reports about it.
    pub info: SourceInfo,
    /// Creates its client, on the Poller's thread.
    pub connect: Connect,
}

/// Creates a source's client, which stays on the calling thread.
pub type Connect = Box<dyn FnOnce() -> Rc<dyn StateSource> + Send>;

/// What the server reports about its source.
#[derive(Clone, Debug)]
pub struct SourceInfo {
    /// A line for the log.
    pub description: String,
    /// The requests that go through a proxy, a line each.
    pub proxies: Vec<String>,
    /// What kind of traffic it provides.
    pub traffic: Traffic,
    /// The time between two polls if nothing fails: data twice as old is late.
    pub expected_interval: Duration,
    /// The longest expected interval of another process with the same settings, which may lack this one's account.
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
    /// The area; `None` is the world.
    pub bounding_box: Option<BoundingBox>,
    /// How often to poll.
    pub poll_interval: PollInterval,
    /// The timeout of one request.
    pub request_timeout: Duration,
    /// The proxies for requests.
    pub proxies: Result<Proxies, InvalidProxy>,
    /// A PEM file of certificate authorities that are trusted in addition to the public ones.
    pub authorities: Option<PathBuf>,
}

impl SourceSettings {
    /// How requests reach other machines.
    ///
    /// # Errors
    /// An invalid proxy, or certificates that cannot be read.
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
