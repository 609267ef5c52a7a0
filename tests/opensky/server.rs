//! OpenSky as a scripted server.

#[path = "../support/scripted_server.rs"]
mod scripted_server;

use std::time::Duration;

use flight_monitor::sources::PollInterval;
use flight_monitor::sources::http::Network;
use flight_monitor::sources::opensky::{Credentials, Feed, OpenSkyClient, OpenSkyOptions};

pub(crate) use scripted_server::{Reply, Server, answer, reply};

pub(crate) fn token(token: &str, expires_in: u32) -> Reply {
    reply(200, &[], format!(r#"{{"access_token":"{token}","expires_in":{expires_in},"token_type":"Bearer"}}"#))
}

impl Server {
    pub(crate) fn options(&self) -> OpenSkyOptions {
        OpenSkyOptions {
            feed: Feed::All,
            base_url: self.url("/api").parse().unwrap(),
            auth_url: self.url("/token").parse().unwrap(),
            credentials: None,
            bounding_box: None,
            poll_interval: PollInterval::Auto,
            request_timeout: Duration::from_secs(30),
            extended: true,
            network: Network::default(),
        }
    }

    pub(crate) fn anonymous(&self) -> OpenSkyClient {
        OpenSkyClient::new(self.options())
    }

    /// Creates a client with the id `me` and the secret `hunter2 & co`.
    pub(crate) fn account(&self) -> OpenSkyClient {
        let credentials = Some(Credentials::new("me", "hunter2 & co").unwrap());
        OpenSkyClient::new(OpenSkyOptions { credentials, ..self.options() })
    }
}
