use std::path::PathBuf;
use std::time::Duration;

use actors::domain::BoundingBox;
use url::Url;

use super::Rows;
use crate::config::keys;
use crate::config::reader::Reader;
use crate::config::values::{Line, PollInterval, Secret, Shown, show_duration};

/// `opensky`: where the flights come from.
#[derive(Clone, Debug)]
pub struct OpenSkySettings {
    /// The REST API's root.
    pub base_url: Url,
    /// Where access tokens are asked for.
    pub auth_url: Url,
    /// The file with the client's credentials, unless `client` is there.
    pub credentials_file: CredentialsFile,
    /// The client's credentials, in place of the file.
    pub client: Option<ClientCredentials>,
    /// Only this area; it does not cross the antimeridian. `None`: the world.
    pub bounding_box: Option<BoundingBox>,
    /// How often to ask.
    pub poll_interval: PollInterval,
    /// How long one request may take.
    pub request_timeout: Duration,
}

/// Where the credentials may lie.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CredentialsFile {
    /// The file.
    pub path: PathBuf,
    /// Whether somebody named it. The default one may be absent: requests are anonymous then.
    pub required: bool,
}

/// An API client of OpenSky.
#[derive(Clone, Debug)]
pub struct ClientCredentials {
    /// Its id.
    pub id: String,
    /// Its secret.
    pub secret: Secret,
}

impl OpenSkySettings {
    pub(in crate::config) fn read(reader: &mut Reader) -> Option<Self> {
        let base_url = reader.read("opensky.base_url");
        let auth_url = reader.read("opensky.auth_url");
        let client = read_client(reader);
        let credentials_file = read_credentials_file(reader, client.as_ref().is_some_and(Option::is_some));
        let bounding_box = reader.read_optional("opensky.bounding_box");
        let poll_interval = reader.read("opensky.poll_interval");
        let request_timeout = reader.read("opensky.request_timeout");
        Some(Self {
            base_url: base_url?,
            auth_url: auth_url?,
            credentials_file: credentials_file?,
            client: client?,
            bounding_box: bounding_box?,
            poll_interval: poll_interval?,
            request_timeout: request_timeout?,
        })
    }

    pub(in crate::config) fn rows(&self) -> Rows {
        vec![
            ("opensky.base_url", Shown::text(&self.base_url)),
            ("opensky.auth_url", Shown::text(&self.auth_url)),
            ("opensky.credentials_file", Shown::text(&self.credentials_file.path.display())),
            ("opensky.client_id", Shown::optional(self.client.as_ref().map(|client| &client.id))),
            ("opensky.client_secret", Shown::optional(self.client.as_ref().map(|client| &client.secret))),
            ("opensky.bounding_box", Shown::optional(self.bounding_box)),
            ("opensky.poll_interval", Shown::text(&self.poll_interval)),
            ("opensky.request_timeout", Shown::Text(show_duration(self.request_timeout))),
        ]
    }
}

fn read_client(reader: &mut Reader) -> Option<Option<ClientCredentials>> {
    let id = reader.read_optional::<Line>("opensky.client_id");
    let secret = reader.read_optional("opensky.client_secret");
    match (id?, secret?) {
        (Some(Line(id)), Some(secret)) => Some(Some(ClientCredentials { id, secret })),
        (None, None) => Some(None),
        (Some(_), None) => {
            reader.conflict("opensky.client_id", "opensky.client_secret is missing; give both or none");
            None
        }
        (None, Some(_)) => {
            reader.conflict("opensky.client_secret", "opensky.client_id is missing; give both or none");
            None
        }
    }
}

fn read_credentials_file(reader: &mut Reader, has_client: bool) -> Option<CredentialsFile> {
    let path: PathBuf = reader.read("opensky.credentials_file")?;
    let default = keys::find("opensky.credentials_file").map(|key| key.default);
    let required = default.is_none_or(|default| path.as_os_str() != default);
    if required && !has_client && !path.is_file() {
        reader
            .conflict("opensky.credentials_file", "there is no such file; expected the path of the API client's file");
        return None;
    }
    Some(CredentialsFile { path, required })
}
