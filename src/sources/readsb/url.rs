use std::cell::RefCell;
use std::time::{Duration, SystemTime};

use actors::ports::SourceError;
use awc::http::StatusCode;
use awc::http::header::{
    ETAG, HeaderMap, HeaderName, HeaderValue, IF_MODIFIED_SINCE, IF_NONE_MATCH, InvalidHeaderName, LAST_MODIFIED,
};
use futures_util::FutureExt as _;
use futures_util::future::LocalBoxFuture;

use super::list_reader::{ListReader, Read};
use super::wire::parse_aircraft;
use crate::sources::ApiKey;
use crate::sources::http::{Endpoint, HttpClient, HttpResponse, Network, Secrets, retry_after, with_context};

/// Reads a list of aircraft from a server.
pub(in crate::sources) struct UrlReader {
    http: HttpClient,
    timeout: Duration,
    key: Option<KeyHeader>,
    secrets: Secrets,
    /// The validator of the last list, for a conditional request.
    validator: RefCell<Option<(HeaderName, HeaderValue)>>,
    endpoint: Endpoint,
    /// The URL of the list, which is that of the endpoint or below it.
    url: String,
}

/// The header that contains an API's key.
#[derive(Clone)]
pub(in crate::sources) struct KeyHeader {
    name: HeaderName,
    value: HeaderValue,
    key: String,
}

/// The maximum size of a decompressed list in bytes. A list of 10,000 aircraft takes about 6 MB.
const MAX_LIST: usize = 64 * 1024 * 1024;

impl KeyHeader {
    /// Checks that a key and its header can be sent.
    ///
    /// # Errors
    /// Says which of both cannot. It does not show the key.
    pub(in crate::sources) fn new(ApiKey { header, key }: ApiKey) -> Result<Self, String> {
        let name = HeaderName::from_bytes(header.as_bytes())
            .map_err(|error: InvalidHeaderName| format!("api_key_header {header:?}: {error}"))?;
        let mut value = HeaderValue::from_str(&key)
            .map_err(|_| "api_key has characters that are not allowed in a header".to_owned())?;
        value.set_sensitive(true);
        Ok(Self { name, value, key })
    }
}

impl UrlReader {
    /// Creates a reader, which connects with the first request.
    pub(in crate::sources) fn new(
        endpoint: Endpoint,
        key: Option<KeyHeader>,
        timeout: Duration,
        network: Network,
    ) -> Self {
        let mut secrets = Secrets::default();
        if let Some(key) = &key {
            secrets.add(&key.key);
            if endpoint.is_exposed() {
                log::warn!("the API key is sent unencrypted to {endpoint}");
            }
        }
        let (validator, url) = (RefCell::new(None), endpoint.to_string());
        Self { http: HttpClient::new(timeout, network), timeout, key, secrets, validator, endpoint, url }
    }

    /// Returns the reader of the list at a URL below the endpoint.
    pub(in crate::sources) fn at(self, url: String) -> Self {
        Self { url, ..self }
    }

    /// Returns the timeout of a request.
    pub(in crate::sources) fn timeout(&self) -> Duration {
        self.timeout
    }

    /// Reads the list at a URL below the endpoint.
    pub(in crate::sources) async fn read_from(&self, url: &str, is_conditional: bool) -> Result<Read, SourceError> {
        let mut request = self.http.get(url);
        if let Some(key) = &self.key {
            request = request.insert_header((key.name.clone(), key.value.clone()));
        }
        let validator = if is_conditional { self.validator.borrow().clone() } else { None };
        if let Some((name, value)) = validator.clone() {
            request = request.insert_header((name, value));
        }
        let response = self.http.send(&self.endpoint, request.send(), MAX_LIST).await;
        let read = response.and_then(|response| self.parse(&response, validator.is_some()));
        read.map_err(|error| with_context(error, &self.endpoint))
    }

    fn parse(&self, response: &HttpResponse, is_conditional: bool) -> Result<Read, SourceError> {
        if response.status == StatusCode::NOT_MODIFIED && is_conditional {
            return Ok(Read::Unchanged);
        }
        self.validator.replace(None);
        response.check_status(&self.secrets, retry_after(&response.headers, SystemTime::now()))?;
        let list =
            parse_aircraft(&response.body).map_err(|error| response.malformed(&self.secrets, &error.to_string()))?;
        self.validator.replace(validator_of(&response.headers));
        Ok(Read::List(list))
    }
}

/// Returns the header of a conditional request for what follows this response. An entity tag is preferred, since the
/// time of a modification has whole seconds only.
fn validator_of(headers: &HeaderMap) -> Option<(HeaderName, HeaderValue)> {
    let header = |from, to| Some((to, HeaderValue::clone(headers.get(from)?)));
    header(ETAG, IF_NONE_MATCH).or_else(|| header(LAST_MODIFIED, IF_MODIFIED_SINCE))
}

impl ListReader for UrlReader {
    fn read(&self) -> LocalBoxFuture<'_, Result<Read, SourceError>> {
        self.read_from(&self.url, true).boxed_local()
    }

    fn max_read_time(&self) -> Duration {
        self.timeout
    }
}
