use std::time::{Duration, SystemTime};

use actors::ports::SourceError;
use awc::http::StatusCode;
use awc::http::header::{HeaderMap, HttpDate, LOCATION, RETRY_AFTER};

use super::endpoint::Endpoint;
use super::secrets::Secrets;

/// A response with any status.
pub(crate) struct HttpResponse {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    /// The decompressed body. If the status is not 200, only its beginning, or nothing if it did not arrive in time.
    pub(crate) body: Vec<u8>,
    /// Names the proxy that forwarded the response and may have generated it; empty for a direct response.
    pub(super) through: String,
}

impl HttpResponse {
    /// Describes the response by its status, and by the target of a redirect or the beginning of the body.
    pub(crate) fn describe(&self, secrets: &Secrets) -> String {
        let quote = match self.headers.get(LOCATION) {
            // The query of a redirect may contain a session.
            Some(location) if self.status.is_redirection() => {
                let location = location.as_bytes().split(|b| matches!(b, b'?' | b'#')).next().unwrap_or_default();
                format!("redirects to {}", secrets.quote(location))
            }
            _ => secrets.quote(&self.body),
        };
        let separator = if quote.is_empty() { "" } else { ": " };
        format!("responded with {}{}{separator}{quote}", self.status, self.through)
    }

    /// Returns the error for a body that is invalid for this reason. It quotes the beginning of the body.
    pub(crate) fn malformed(&self, secrets: &Secrets, reason: &str) -> SourceError {
        let what = secrets.quote(reason.as_bytes());
        let body = match secrets.quote(&self.body) {
            quote if quote.is_empty() => "an empty response".to_owned(),
            quote => format!("a response that starts with {quote}"),
        };
        SourceError::Malformed(format!("{what}, in {body}"))
    }

    /// Returns an error unless the status is 200. `retry_after` is the pause that the source's own headers demand after
    /// a rate limit.
    ///
    /// # Errors
    /// Any other status, classified by who can act on it.
    pub(crate) fn check_status(&self, secrets: &Secrets, retry_after: Option<Duration>) -> Result<(), SourceError> {
        let description = || self.describe(secrets);
        Err(match self.status {
            StatusCode::OK => return Ok(()),
            StatusCode::TOO_MANY_REQUESTS => SourceError::RateLimited { retry_after },
            StatusCode::REQUEST_TIMEOUT => SourceError::Unavailable(description()),
            status if status.is_server_error() => SourceError::Unavailable(description()),
            // A 3xx or 404 means a wrong URL, a 401 or 403 a problem with the account: only the operator can fix
            // either.
            status if status.is_client_error() || status.is_redirection() => SourceError::Refused(description()),
            _ => SourceError::Malformed(description()),
        })
    }
}

/// Reads the standard `Retry-After` header, in seconds or as a date.
pub(crate) fn retry_after(headers: &HeaderMap, now: SystemTime) -> Option<Duration> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    text.parse().ok().map(Duration::from_secs).or_else(|| {
        let date: SystemTime = text.parse::<HttpDate>().ok()?.into();
        date.duration_since(now).ok()
    })
}

/// Prefixes an error with the endpoint of the failed request.
pub(crate) fn with_context(error: SourceError, endpoint: &Endpoint) -> SourceError {
    error.map_text(|text| format!("{endpoint}: {text}"))
}
