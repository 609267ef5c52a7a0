use std::fmt;
use std::time::Duration;

use actors::detector::TrackedAircraft;

use super::address::EndpointAddress;
use crate::address_guard::AddressGuard;
use crate::sources::http::{Endpoint, Network};

/// The settings of an endpoint. Each kind uses those that apply to it.
#[derive(Clone, Debug)]
pub struct EndpointSettings {
    /// Its name.
    pub name: String,
    /// Its address.
    pub address: Option<EndpointAddress>,
    /// The key of a webhook's signatures.
    pub secret: Option<Hidden>,
    /// The access token.
    pub token: Option<Hidden>,
    /// The user name.
    pub user: Option<String>,
    /// The password.
    pub password: Option<Hidden>,
    /// Whether it may be in a private network.
    pub allow_private: bool,
    /// The timeout of one attempt.
    pub timeout: Duration,
    /// The priority of messages, from 1 to 5.
    pub priority: i32,
    /// The public address of this server's page.
    pub page_url: Option<Endpoint>,
    /// The first levels of MQTT topics.
    pub topic_prefix: String,
    /// The first levels of the topics on which Home Assistant discovers devices; `None` without discovery.
    pub discovery_prefix: Option<String>,
    /// The maximum number of aircraft that are announced to Home Assistant at the same time.
    pub max_trackers: usize,
    /// The proxies and certificate authorities for outgoing requests.
    pub network: Network,
    /// Where the aircraft with an active alert are.
    pub tracked: TrackedAircraft,
}

/// A secret, which `Debug` does not show.
#[derive(Clone)]
pub struct Hidden(String);

impl Hidden {
    /// Hides a text.
    pub fn new(text: &str) -> Self {
        Self(text.to_owned())
    }

    pub(super) fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Hidden {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

impl EndpointSettings {
    pub(super) fn guard(&self) -> AddressGuard {
        if self.allow_private { AddressGuard::Any } else { AddressGuard::PublicOnly }
    }

    /// Returns the link to an aircraft on this server's page.
    pub(super) fn link(&self, icao24: &str) -> Option<String> {
        let mut url = self.page_url.as_ref()?.url().clone();
        url.set_fragment(Some(&format!("icao24={icao24}")));
        Some(url.into())
    }

    /// Returns the settings of an endpoint of which only the address is given, for tests.
    #[cfg(test)]
    pub(crate) fn at(address: &str) -> Self {
        Self {
            name: "phone".to_owned(),
            address: Some(address.parse().expect("a valid address")),
            secret: None,
            token: None,
            user: None,
            password: None,
            allow_private: true,
            timeout: Duration::from_secs(1),
            priority: 4,
            page_url: None,
            topic_prefix: "flight-monitor".to_owned(),
            discovery_prefix: Some("homeassistant".to_owned()),
            max_trackers: 50,
            network: Network::default(),
            tracked: TrackedAircraft::default(),
        }
    }
}
