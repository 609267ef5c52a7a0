use std::cell::RefCell;
use std::time::{Duration, SystemTime};

use actors::ports::SourceError;
use awc::http::StatusCode;
use awc::http::header::HeaderValue;
use serde::Deserialize;
use serde_json::Value;
use tokio::time::Instant;

use super::credentials::Credentials;
use super::endpoint::Endpoint;
use super::exchange::{Answer, Exchange, with_context};
use super::quote::Secrets;
use super::rate_limit;

/// Access tokens by the OAuth2 client credentials grant (RFC 6749, 4.4), each kept until shortly before it expires.
pub(super) struct TokenSource {
    endpoint: Endpoint,
    credentials: Credentials,
    held: RefCell<Option<Held>>,
}

struct Held {
    token: Token,
    renew_at: Instant,
}

/// An access token. It has no `Debug`.
#[derive(Clone, PartialEq)]
pub(super) struct Token(String);

/// Bytes of an answer of the token endpoint; a token has 1 to 2 KiB.
const LONGEST_ANSWER: usize = 64 * 1024;

/// A token is renewed so long before it expires, or a tenth of its life when that is less.
const RENEW_BEFORE: Duration = Duration::from_secs(30);

/// The lifetime of a token whose answer does not say; OpenSky's live as long. A 401 corrects a wrong guess.
const USUAL_LIFE: Duration = Duration::from_secs(30 * 60);

/// No token is believed to live longer.
const LONGEST_LIFE: Duration = Duration::from_secs(24 * 60 * 60);

impl Token {
    /// The value of the `Authorization` header, marked as sensitive.
    pub(super) fn to_header(&self) -> Result<HeaderValue, SourceError> {
        let mut value = HeaderValue::try_from(format!("Bearer {}", self.0))
            .map_err(|_| SourceError::Malformed("the access token does not fit a header".to_owned()))?;
        value.set_sensitive(true);
        Ok(value)
    }

    pub(super) fn as_str(&self) -> &str {
        &self.0
    }
}

impl TokenSource {
    pub(super) fn new(endpoint: Endpoint, credentials: Credentials) -> Self {
        Self { endpoint, credentials, held: RefCell::new(None) }
    }

    /// What must not be shown of the account.
    pub(super) fn secrets(&self) -> Secrets {
        let mut secrets = Secrets::default();
        secrets.add(self.credentials.client_secret());
        secrets
    }

    /// A token that is good for a request now.
    pub(super) async fn get(&self, exchange: &Exchange) -> Result<Token, SourceError> {
        if let Some(held) = &*self.held.borrow()
            && Instant::now() < held.renew_at
        {
            return Ok(held.token.clone());
        }
        self.renew(exchange).await.map_err(|error| with_context(error, &self.endpoint))
    }

    /// Forgets the held token: the API did not accept it.
    pub(super) fn forget(&self) {
        *self.held.borrow_mut() = None;
    }

    async fn renew(&self, exchange: &Exchange) -> Result<Token, SourceError> {
        // Its life begins before the answer is here.
        let asked_at = Instant::now();
        let request = exchange.post(self.endpoint.as_str()).send_form(&[
            ("grant_type", "client_credentials"),
            ("client_id", self.credentials.client_id()),
            ("client_secret", self.credentials.client_secret()),
        ]);
        let answer = exchange.send(&self.endpoint, request, LONGEST_ANSWER).await?;
        let (token, life) = judge(&answer, &self.secrets())?;
        log::debug!("a new OpenSky access token, good for {} s", life.as_secs());
        *self.held.borrow_mut() = Some(Held { token: token.clone(), renew_at: asked_at + renewal_after(life) });
        Ok(token)
    }
}

/// How long after its birth a token is to be renewed.
fn renewal_after(life: Duration) -> Duration {
    life - RENEW_BEFORE.min(life / 10)
}

/// What an answer of the token endpoint means: a token and its lifetime, or who can act.
fn judge(answer: &Answer, secrets: &Secrets) -> Result<(Token, Duration), SourceError> {
    match answer.status {
        StatusCode::OK => parse(&answer.body).map_err(|what| SourceError::Malformed(what.to_owned())),
        StatusCode::TOO_MANY_REQUESTS => {
            Err(SourceError::RateLimited { retry_after: rate_limit::retry_after(&answer.headers, SystemTime::now()) })
        }
        StatusCode::REQUEST_TIMEOUT => Err(SourceError::Unavailable(answer.describe(secrets))),
        status if status.is_server_error() => Err(SourceError::Unavailable(answer.describe(secrets))),
        status if status.is_client_error() || status.is_redirection() => {
            Err(SourceError::Refused(oauth_error(answer, secrets).unwrap_or_else(|| answer.describe(secrets))))
        }
        _ => Err(SourceError::Malformed(format!("answered {}", answer.status))),
    }
}

/// The answer's body is not quoted: it may hold a token.
fn parse(body: &[u8]) -> Result<(Token, Duration), &'static str> {
    #[derive(Deserialize)]
    struct Granted {
        access_token: Value,
        #[serde(default)]
        expires_in: Value,
    }
    let granted: Granted = serde_json::from_slice(body).map_err(|_| "no JSON object with an `access_token`")?;
    let token = match granted.access_token {
        Value::String(token) if !token.is_empty() && token.bytes().all(|b| b.is_ascii_graphic()) => Token(token),
        _ => return Err("an `access_token` that is none"),
    };
    let seconds = match granted.expires_in {
        Value::Null => USUAL_LIFE.as_secs_f64(),
        Value::Number(number) => number.as_f64().unwrap_or(f64::NAN),
        Value::String(text) => text.trim().parse().unwrap_or(f64::NAN),
        _ => f64::NAN,
    };
    if seconds.is_nan() {
        return Err("an `expires_in` that is no number");
    }
    Ok((token, Duration::from_secs_f64(seconds.clamp(0.0, LONGEST_LIFE.as_secs_f64()))))
}

/// `error` and `error_description` of RFC 6749, 5.2.
fn oauth_error(answer: &Answer, secrets: &Secrets) -> Option<String> {
    #[derive(Deserialize)]
    struct Denied {
        error: String,
        error_description: Option<String>,
    }
    let denied: Denied = serde_json::from_slice(&answer.body).ok()?;
    let error = secrets.quote(denied.error.as_bytes());
    let description =
        denied.error_description.map_or(String::new(), |it| format!(": {}", secrets.quote(it.as_bytes())));
    Some(format!("answered {}: {error}{description}", answer.status))
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
    fn what_is_no_token_is_said_without_quoting_it() {
        let check = |body: &str, reason: &str| {
            let error = parse(body.as_bytes()).err().unwrap();
            assert!(error.contains(reason), "{body}: {error}");
        };
        check("", "no JSON object");
        check("<html>", "no JSON object");
        check("[]", "no JSON object");
        check(r#"{"access_token":"#, "no JSON object");
        check(r#"{"token":"t"}"#, "no JSON object");
        check(r#"{"access_token":7}"#, "`access_token`");
        check(r#"{"access_token":""}"#, "`access_token`");
        check(r#"{"access_token":"a\r\nX: b"}"#, "`access_token`");
        check(r#"{"access_token":"t","expires_in":"soon"}"#, "`expires_in`");
        check(r#"{"access_token":"t","expires_in":"NaN"}"#, "`expires_in`");
        check(r#"{"access_token":"t","expires_in":[]}"#, "`expires_in`");
    }

    proptest! {
        #[test]
        fn no_answer_makes_it_panic(body: Vec<u8>) {
            let _ = parse(&body);
        }

        #[test]
        fn every_token_that_is_accepted_fits_a_header(token in "\\PC{1,40}") {
            let body = serde_json::json!({ "access_token": token }).to_string();
            if let Ok((token, _)) = parse(body.as_bytes()) {
                prop_assert!(token.to_header().is_ok_and(|value| value.is_sensitive()));
            }
        }
    }
}
