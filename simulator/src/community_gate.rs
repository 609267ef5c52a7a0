//! Who may use the community's API, and how often.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use actix_web::http::header::RETRY_AFTER;
use actix_web::{HttpRequest, HttpResponse};
use serde_json::json;

use crate::doors::Community;

const API_KEY: &str = "api-auth";

/// Checks requests to the community's API.
#[derive(Debug)]
pub(crate) struct CommunityGate {
    options: Community,
    /// Time of the last accepted request in Unix milliseconds, by key or address.
    accepted: Mutex<HashMap<String, i64>>,
}

impl CommunityGate {
    pub(crate) fn new(options: Community) -> Self {
        Self { options, accepted: Mutex::default() }
    }

    /// Returns the response to a request that is refused.
    pub(crate) fn refuse(&self, request: &HttpRequest, now: i64) -> Option<HttpResponse> {
        let key = request.headers().get(API_KEY).and_then(|key| key.to_str().ok());
        if let Some(required) = &self.options.api_key
            && key != Some(required.as_str())
        {
            return Some(HttpResponse::Forbidden().json(json!({ "detail": "missing or unknown API key" })));
        }
        let interval = self.options.interval?;
        let client = key.map(str::to_owned).or_else(|| request.peer_addr().map(|peer| peer.ip().to_string()));
        let wait = self.wait(client.unwrap_or_default(), interval, now)?;
        let mut response = HttpResponse::TooManyRequests();
        if self.options.retry_after {
            response.insert_header((RETRY_AFTER, wait.as_millis().div_ceil(1_000).to_string()));
        }
        Some(response.json(json!({ "detail": "too many requests" })))
    }

    /// Returns how long a client has to wait; `None` if its request is accepted.
    fn wait(&self, client: String, interval: Duration, now: i64) -> Option<Duration> {
        let mut accepted = self.accepted.lock().unwrap_or_else(PoisonError::into_inner);
        let last = accepted.entry(client).or_insert(i64::MIN / 2);
        // A clock that was set back must not lock out clients.
        let since = u64::try_from(now - *last).ok().map(Duration::from_millis);
        match since.and_then(|since| interval.checked_sub(since)).filter(|wait| !wait.is_zero()) {
            Some(wait) => Some(wait),
            None => {
                *last = now;
                None
            }
        }
    }
}
