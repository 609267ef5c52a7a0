use std::cell::RefCell;
use std::time::{Duration, SystemTime};

use actors::ports::SourceError;
use awc::http::header::HeaderValue;
use serde::Deserialize;
use serde_json::Value;
use tokio::time::Instant;

use super::credentials::Credentials;
use super::rate_limit;
use crate::sources::http::{Endpoint, HttpClient, HttpResponse, Secrets, with_context};

/// Obtains access tokens with the OAuth2 client credentials grant (RFC 6749, 4.4), and keeps each until shortly before
/// it expires.
pub(super) struct TokenSource {
    endpoint: Endpoint,
    credentials: Credentials,
    cached: RefCell<Option<CachedToken>>,
}

struct CachedToken {
    token: Token,
    renew_at: Instant,
}

/// An access token. It does not implement `Debug`, so that it cannot end up in a log.
#[derive(Clone, PartialEq)]
pub(super) struct Token(String);

/// The maximum size of the token endpoint's response in bytes. A token takes 1 to 2 KiB.
const MAX_RESPONSE: usize = 64 * 1024;

/// A token is renewed this long before it expires, or a tenth of its lifetime if that is less.
const RENEW_BEFORE: Duration = Duration::from_secs(30);

/// The assumed lifetime of a token if the response does not give one, which is OpenSky's usual one. If it is too long,
/// a 401 response triggers the renewal.
const DEFAULT_LIFE: Duration = Duration::from_secs(30 * 60);

/// The maximum lifetime that is accepted for a token.
const MAX_LIFE: Duration = Duration::from_secs(24 * 60 * 60);

impl Token {
    /// Returns the value of the `Authorization` header, marked as sensitive.
    pub(super) fn to_header(&self) -> Result<HeaderValue, SourceError> {
        let mut value = HeaderValue::try_from(format!("Bearer {}", self.0)).map_err(|_| {
            SourceError::Malformed("the access token contains characters that are invalid in a header".to_owned())
        })?;
        value.set_sensitive(true);
        Ok(value)
    }

    pub(super) fn as_str(&self) -> &str {
        &self.0
    }
}

impl TokenSource {
    pub(super) fn new(endpoint: Endpoint, credentials: Credentials) -> Self {
        Self { endpoint, credentials, cached: RefCell::new(None) }
    }

    /// Returns the secrets of the account, for masking.
    pub(super) fn secrets(&self) -> Secrets {
        let mut secrets = Secrets::default();
        secrets.add(self.credentials.client_secret());
        secrets
    }

    /// Returns a valid token, and renews it if necessary.
    pub(super) async fn get(&self, http: &HttpClient) -> Result<Token, SourceError> {
        if let Some(cached) = &*self.cached.borrow()
            && Instant::now() < cached.renew_at
        {
            return Ok(cached.token.clone());
        }
        self.renew(http).await.map_err(|error| with_context(error, &self.endpoint))
    }

    /// Drops the current token after the API rejected it.
    pub(super) fn forget(&self) {
        *self.cached.borrow_mut() = None;
    }

    async fn renew(&self, http: &HttpClient) -> Result<Token, SourceError> {
        // The lifetime starts before the response arrives.
        let requested_at = Instant::now();
        let request = http.post(self.endpoint.as_str()).send_form(&[
            ("grant_type", "client_credentials"),
            ("client_id", self.credentials.client_id()),
            ("client_secret", self.credentials.client_secret()),
        ]);
        let response = http.send(&self.endpoint, request, MAX_RESPONSE).await?;
        let (token, life) = read(&response, &self.secrets())?;
        log::debug!("obtained an OpenSky access token, valid for {} s", life.as_secs());
        *self.cached.borrow_mut() =
            Some(CachedToken { token: token.clone(), renew_at: requested_at + renewal_after(life) });
        Ok(token)
    }
}

/// Returns the age at which a token is renewed.
fn renewal_after(life: Duration) -> Duration {
    life - RENEW_BEFORE.min(life / 10)
}

/// Reads a token and its lifetime from a response of the token endpoint.
fn read(response: &HttpResponse, secrets: &Secrets) -> Result<(Token, Duration), SourceError> {
    let retry_after = rate_limit::retry_after(&response.headers, SystemTime::now());
    response.check_status(secrets, retry_after).map_err(|error| match error {
        SourceError::Refused(text) => SourceError::Refused(oauth_error(response, secrets).unwrap_or(text)),
        // An unexpected success response may contain a token.
        SourceError::Malformed(_) => SourceError::Malformed(format!("responded with {}", response.status)),
        other => other,
    })?;
    parse(&response.body).map_err(|what| SourceError::Malformed(what.to_owned()))
}

/// Parses the body. Errors do not quote it, since it may contain a token.
fn parse(body: &[u8]) -> Result<(Token, Duration), &'static str> {
    #[derive(Deserialize)]
    struct Granted {
        access_token: Value,
        #[serde(default)]
        expires_in: Value,
    }
    let granted: Granted = serde_json::from_slice(body).map_err(|_| "not a JSON object with an `access_token`")?;
    let token = match granted.access_token {
        Value::String(token) if !token.is_empty() && token.bytes().all(|b| b.is_ascii_graphic()) => Token(token),
        _ => return Err("invalid `access_token`"),
    };
    let seconds = match granted.expires_in {
        Value::Null => DEFAULT_LIFE.as_secs_f64(),
        Value::Number(number) => number.as_f64().unwrap_or(f64::NAN),
        Value::String(text) => text.trim().parse().unwrap_or(f64::NAN),
        _ => f64::NAN,
    };
    if seconds.is_nan() {
        return Err("invalid `expires_in`");
    }
    Ok((token, Duration::from_secs_f64(seconds.clamp(0.0, MAX_LIFE.as_secs_f64()))))
}

/// Formats the `error` and `error_description` of an error response (RFC 6749, 5.2).
fn oauth_error(response: &HttpResponse, secrets: &Secrets) -> Option<String> {
    #[derive(Deserialize)]
    struct Denied {
        error: String,
        error_description: Option<String>,
    }
    let denied: Denied = serde_json::from_slice(&response.body).ok()?;
    let error = secrets.quote(denied.error.as_bytes());
    let description =
        denied.error_description.map_or(String::new(), |it| format!(": {}", secrets.quote(it.as_bytes())));
    Some(format!("responded with {}: {error}{description}", response.status))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_token_is_renewed_before_it_expires() {
        let check = |life: f64, after: f64| {
            assert_eq!(renewal_after(Duration::from_secs_f64(life)).as_secs_f64(), after, "{life}");
        };
        check(1_800.0, 1_770.0);
        check(300.0, 270.0);
        check(100.0, 90.0);
        check(1.0, 0.9);
        check(0.0, 0.0);
    }

    #[test]
    fn the_lifetime_is_read_leniently_and_bounded() {
        let check = |expires_in: &str, seconds: f64| {
            let body = format!(r#"{{"access_token":"t"{expires_in}}}"#);
            let (token, life) = parse(body.as_bytes()).unwrap();
            assert_eq!((token.as_str(), life.as_secs_f64()), ("t", seconds), "{body}");
        };
        check(r#","expires_in":1800,"token_type":"Bearer""#, 1_800.0);
        check(r#","expires_in":"1800""#, 1_800.0);
        check(r#","expires_in":59.5"#, 59.5);
        check(r#","expires_in":-3"#, 0.0);
        check(r#","expires_in":1e300"#, 86_400.0);
        check(r#","expires_in":null"#, 1_800.0);
        check("", 1_800.0);
    }

    #[test]
    fn invalid_tokens_are_reported_without_quoting_them() {
        let check = |body: &str, reason: &str| {
            let error = parse(body.as_bytes()).err().unwrap();
            assert!(error.contains(reason), "{body}: {error}");
        };
        check("", "not a JSON object");
        check("<html>", "not a JSON object");
        check("[]", "not a JSON object");
        check(r#"{"access_token":"#, "not a JSON object");
        check(r#"{"token":"t"}"#, "not a JSON object");
        check(r#"{"access_token":7}"#, "`access_token`");
        check(r#"{"access_token":""}"#, "`access_token`");
        check(r#"{"access_token":"a\r\nX: b"}"#, "`access_token`");
        check(r#"{"access_token":"t","expires_in":"soon"}"#, "`expires_in`");
        check(r#"{"access_token":"t","expires_in":"NaN"}"#, "`expires_in`");
        check(r#"{"access_token":"t","expires_in":[]}"#, "`expires_in`");
    }

    proptest! {
        #[test]
        fn no_response_panics(body: Vec<u8>) {
            let _ = parse(&body);
        }

        #[test]
        fn every_accepted_token_is_a_valid_header_value(token in "\\PC{1,40}") {
            let body = serde_json::json!({ "access_token": token }).to_string();
            if let Ok((token, _)) = parse(body.as_bytes()) {
                prop_assert!(token.to_header().is_ok_and(|value| value.is_sensitive()));
            }
        }
    }
}
