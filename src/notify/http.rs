use std::time::SystemTime;

use actors::ports::{DeliveryError, SourceError};
use awc::ClientRequest;
use awc::http::StatusCode;
use url::Url;

use super::settings::EndpointSettings;
use crate::sources::http::{HttpClient, HttpResponse, Secrets, retry_after};

/// Sends notifications over HTTP: one request for each attempt, with limits on time and size. Redirects are not
/// followed.
pub(super) struct HttpSender {
    client: HttpClient,
    url: Url,
    secrets: Secrets,
}

impl HttpSender {
    pub(super) fn new(settings: &EndpointSettings, url: Url) -> Self {
        let mut secrets = Secrets::default();
        for secret in [&settings.secret, &settings.token, &settings.password].into_iter().flatten() {
            secrets.add(secret.expose());
        }
        // A response may repeat the path, which may be the only secret of a webhook.
        for part in url.path_segments().into_iter().flatten().filter(|part| part.len() >= 16) {
            secrets.add(part);
        }
        if let Some(query) = url.query() {
            secrets.add(query);
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
        let sent = self.client.notify(&self.url, request.send_body(body)).await;
        match sent {
            Ok(response) => self.check(&response),
            Err(SourceError::Malformed(reason)) => Err(DeliveryError::unavailable(reason)),
            Err(SourceError::Refused(reason)) => Err(DeliveryError::Refused(reason)),
            Err(SourceError::Unavailable(reason)) => Err(DeliveryError::unavailable(reason)),
            Err(error @ SourceError::RateLimited { retry_after }) => {
                Err(DeliveryError::Unavailable { reason: error.to_string(), retry_after })
            }
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
        Err(DeliveryError::Rejected(reason))
    }
}
