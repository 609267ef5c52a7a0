use std::path::PathBuf;
use std::time::Duration;

use actors::domain::BoundingBox;

use crate::config::reader::Reader;
use crate::config::section::section;
use crate::config::values::{Secret, days, mins, secs};
use crate::sources::PollInterval;
use crate::sources::http::Endpoint;
use crate::sources::opensky::{Credentials, CredentialsError};

section! {
    /// The default source of the flights: the OpenSky Network's REST API.
    pub struct OpenSkySettings in "opensky", checked by check {
        /// Whether to poll the OpenSky Network; false for a server that only has the sources below sources.
        enabled: bool = "true";
        /// The root of the REST API.
        base_url: Endpoint = "https://opensky-network.org/api";
        /// The endpoint that issues OAuth2 access tokens.
        auth_url: Endpoint =
            "https://auth.opensky-network.org/auth/realms/opensky-network/protocol/openid-connect/token";
        /// The API client's file, as downloaded from OpenSky's account page (clientId and clientSecret). Requests are
        /// anonymous if the default file does not exist; any other file that is named here must exist.
        credentials_file: PathBuf = "credentials.json";
        /// The API client's id, in place of the file; only with opensky.client_secret.
        client_id: Option<String> = "";
        /// The API client's secret, in place of the file.
        client_secret: Option<Secret> = "";
        /// Only this area, as lamin,lomin,lamax,lomax in degrees; a smaller one costs fewer credits. Empty: the world.
        bounding_box: Option<BoundingBox> = "";
        /// auto spreads the remaining credits over the rest of the day, or of the hour where they are refilled hourly;
        /// or a fixed time between two polls, of at least 5 s with an account and 10 s without, since the data does not
        /// change faster.
        poll_interval: PollInterval = "auto", secs(1)..=days(1);
        /// Whether to poll /states/own as well, every 5 s: the aircraft that your own receivers report to OpenSky. It
        /// needs the account of the receivers, and costs no credits.
        own: bool = "false";
        /// The timeout of one request.
        request_timeout: Duration = "15s", secs(1)..=mins(5);
    }
}

impl OpenSkySettings {
    fn check(&self, reader: &mut Reader) {
        if self.client_id.is_some() && self.client_secret.is_none() {
            reader.conflict(Self::client_id, "opensky.client_secret is missing; set both or neither");
        } else if self.client_id.is_none() && self.client_secret.is_some() {
            reader.conflict(Self::client_secret, "opensky.client_id is missing; set both or neither");
        } else if self.client_id.is_none() && self.requires_credentials_file() && !self.credentials_file.is_file() {
            let reason = "file does not exist; expected the path of the API client's file";
            reader.conflict(Self::credentials_file, reason);
        } else if self.own && self.client_id.is_none() && !self.credentials_file.is_file() {
            reader.conflict(Self::own, "it needs an account; set opensky.credentials_file, or opensky.client_id and its secret");
        }
    }

    /// Returns whether the credentials file must exist. The default file is optional; without it, requests are
    /// anonymous.
    fn requires_credentials_file(&self) -> bool {
        self.credentials_file.as_os_str() != Self::credentials_file.default
    }

    /// Returns the API client's credentials, from the settings or the file, or `None` for anonymous requests.
    ///
    /// # Errors
    /// Returns an error if the file is missing, unreadable or malformed.
    pub fn credentials(&self) -> Result<Option<Credentials>, CredentialsError> {
        if let (Some(id), Some(secret)) = (&self.client_id, &self.client_secret) {
            return Credentials::new(id, secret.expose()).map(Some);
        }
        match Credentials::read(&self.credentials_file) {
            Err(CredentialsError::Missing(_)) if !self.requires_credentials_file() => Ok(None),
            credentials => credentials.map(Some),
        }
    }
}
