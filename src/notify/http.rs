use std::time::SystemTime;

use actors::ports::{DeliveryError, SourceError};
use awc::ClientRequest;
use awc::http::StatusCode;
use url::Url;

use super::address::EndpointAddress;
use super::settings::EndpointSettings;
use crate::sources::http::{HttpClient, HttpResponse, Secrets, retry_after};

/// Sends notifications over HTTP: one request for each attempt, with limits on time and size. Redirects are not
/// followed.
pub(super) struct HttpSender {
    client: HttpClient,
    url: Url,
    secrets: Secrets,
}

/// Shorter parts of an address are not masked in responses, which would become unreadable.
const MIN_SECRET: usize = 6;

impl HttpSender {
    pub(super) fn new(settings: &EndpointSettings, url: Url) -> Self {
        let mut secrets = Secrets::default();
        for secret in [&settings.secret, &settings.token, &settings.password].into_iter().flatten() {
            secrets.add(secret.expose());
        }
        // A response may repeat the path and the query, which may be the only secrets of an endpoint.
        for url in settings.address.as_ref().map(EndpointAddress::url).into_iter().chain([&url]) {
            let long = |part: &&str| part.len() >= MIN_SECRET;
            let path = url.path_segments().into_iter().flatten().chain([url.path()]);
            path.chain(url.query()).filter(long).for_each(|part| secrets.add(part));
            url.query_pairs().map(|(_, value)| value).filter(|value| long(&&**value)).for_each(|v| secrets.add(&v));
        }
        let client = HttpClient::guarded(settings.timeout, settings.network.clone(), settings.guard());
        Self { client, url, secrets }
    }

    /// Returns a request to the endpoint's URL.
    pub(super) fn post(&self) -> ClientRequest {
        self.client.post(self.url.as_str())
    }

    /// Sends a request, and classifies the outcome.
    pub(super) async fn send(&self, request: ClientRequest, body: Vec<u8>) -> Result<(), DeliveryError> {
        let response = self.client.notify(&self.url, request.send_body(body)).await.map_err(not_sent)?;
        self.check(&response)
    }

    /// Requests the head of the endpoint's URL, without credentials and with nothing to act on, and describes the
    /// response. Any status shows that the endpoint can be reached, except those of a gateway in front of it.
    pub(super) async fn probe(&self) -> Result<String, DeliveryError> {
        let request = self.client.head(self.url.as_str());
        let response = self.client.notify(&self.url, request.send()).await.map_err(not_sent)?;
        match response.status {
            StatusCode::BAD_GATEWAY | StatusCode::SERVICE_UNAVAILABLE | StatusCode::GATEWAY_TIMEOUT => {
                Err(DeliveryError::unavailable(response.describe(&self.secrets)))
            }
            status => Ok(format!("reachable: responds to HEAD with {status}")),
        }
    }

    fn check(&self, response: &HttpResponse) -> Result<(), DeliveryError> {
        let status = response.status;
        if status.is_success() {
            return Ok(());
        }
        let reason = response.describe(&self.secrets);
        // 425 is Too Early.
        let is_temporary =
            matches!(status, StatusCode::REQUEST_TIMEOUT | StatusCode::TOO_MANY_REQUESTS) || status.as_u16() == 425;
        if is_temporary || status.is_server_error() {
            let retry_after = retry_after(&response.headers, SystemTime::now());
            return Err(DeliveryError::Unavailable { reason, retry_after });
        }
        if is_setup(status) { Err(DeliveryError::Refused(reason)) } else { Err(DeliveryError::Rejected(reason)) }
    }
}

/// Classifies why there is no response.
fn not_sent(error: SourceError) -> DeliveryError {
    match error {
        SourceError::Malformed(reason) | SourceError::Unavailable(reason) => DeliveryError::unavailable(reason),
        SourceError::Refused(reason) => DeliveryError::Refused(reason),
        SourceError::RateLimited { retry_after } => {
            DeliveryError::Unavailable { reason: error.to_string(), retry_after }
        }
    }
}

/// Returns whether a status is due to the address or the credentials, so that every notification would get it until the
/// operator acts.
fn is_setup(status: StatusCode) -> bool {
    use StatusCode as S;
    status.is_redirection()
        || matches!(status, S::UNAUTHORIZED | S::PAYMENT_REQUIRED | S::FORBIDDEN | S::NOT_FOUND | S::METHOD_NOT_ALLOWED)
}
