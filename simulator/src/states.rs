//! `GET /api/states/all`.

use actix_web::http::header::{AUTHORIZATION, ContentType, HeaderName, WWW_AUTHENTICATE};
use actix_web::web::{self, Bytes};
use actix_web::{HttpRequest, HttpResponse, HttpResponseBuilder};
use serde_json::json;

use crate::bad_rows::BAD_ROWS_HEADER;
use crate::credits::{self, Consumer, CreditsExhausted};
use crate::fault_answers;
use crate::faults::{Fault, FaultKind, Target};
use crate::feed::Poll;
use crate::query::StatesQuery;
use crate::rows::{Body, StatesResponse};
use crate::state::{State, count};

const REMAINING: &str = "x-rate-limit-remaining";
const RETRY_AFTER: &str = "x-rate-limit-retry-after-seconds";

const WRONG_TYPES: &str = r#"{"time":"just now","states":{"0":["3c6444",12],"1":true}}"#;

/// How far back an account may query, in seconds.
const MAX_AGE: i64 = 3_600;

/// Handles a request in OpenSky's order: authentication, validation, credits, states.
pub(crate) async fn states(
    state: web::Data<State>,
    request: HttpRequest,
    query: web::Query<Vec<(String, String)>>,
) -> HttpResponse {
    count(&state.counts.states);
    if let Some(fault) = state.faults.immediate(Target::States) {
        return fault_answers::immediate(&fault, &request).await;
    }
    let now = state.clock.now();
    let Some(consumer) = consumer(&state, &request, now) else {
        let mut response = HttpResponse::Unauthorized();
        response.insert_header((WWW_AUTHENTICATE, "Bearer"));
        return refuse(response, "Unauthorized", "the token is unknown or has expired");
    };
    let anonymous = matches!(consumer, Consumer::Anonymous(_));
    let query = match StatesQuery::parse(&query).and_then(|query| check_time(query, anonymous, now)) {
        Ok(query) => query,
        Err(reason) => return refuse(HttpResponse::BadRequest(), "Bad Request", &reason),
    };
    let cost = credits::cost(query.bounding_box.as_ref());
    let remaining = match state.credits().spend(consumer, cost, now) {
        Ok(remaining) => remaining,
        Err(CreditsExhausted { remaining, retry_after }) => {
            return HttpResponse::TooManyRequests()
                .insert_header((REMAINING, remaining))
                .insert_header((RETRY_AFTER, retry_after.to_string()))
                .content_type(ContentType::plaintext())
                .body("Too many requests");
        }
    };
    let fault = state.faults.corrupting(Target::States);
    let mut response = answer(&state, &query, anonymous, now, fault.as_ref());
    response.headers_mut().insert(HeaderName::from_static(REMAINING), remaining.into());
    count(&state.counts.states_answered);
    response
}

fn answer(state: &State, query: &StatesQuery, anonymous: bool, now: i64, fault: Option<&Fault>) -> HttpResponse {
    let corrupted = |fault: &Fault, body: Bytes| fault_answers::corrupted(fault, ContentType::json(), body);
    match fault.map(|fault| (fault, fault.kind)) {
        Some((fault, FaultKind::NullStates)) => return corrupted(fault, Body::new(now, 0).finish().into()),
        Some((fault, FaultKind::WrongTypes)) => return corrupted(fault, WRONG_TYPES.into()),
        _ => {}
    }
    let is_stale = fault.is_some_and(|fault| fault.kind == FaultKind::Stale);
    let now = state.time_of(Target::States, is_stale, now.saturating_mul(1_000)).div_euclid(1_000);
    let poll = Poll { anonymous, now, faulty: fault.map(|fault| fault.kind) };
    let StatesResponse { body, states, bad_rows } = state.feed().answer(query, poll);
    // A response that a fault truncates or replaces does not count as served.
    let is_complete = fault.is_none_or(|fault| matches!(fault.kind, FaultKind::BadRows | FaultKind::Stale));
    if is_complete {
        state.record(Target::States, &states);
    }
    let mut response = match fault {
        Some(fault) => corrupted(fault, body.into()),
        None => HttpResponse::Ok().content_type(ContentType::json()).body(body),
    };
    if let Some(bad_rows) = bad_rows {
        response.headers_mut().insert(HeaderName::from_static(BAD_ROWS_HEADER), bad_rows.into());
    }
    response
}

/// Identifies the consumer; `None` if the request carries an invalid or expired token.
fn consumer(state: &State, request: &HttpRequest, now: i64) -> Option<Consumer> {
    let Some(authorization) = request.headers().get(AUTHORIZATION) else {
        let address = request.peer_addr().map(|peer| peer.ip().to_string()).unwrap_or_default();
        return Some(Consumer::Anonymous(address));
    };
    let token = authorization.to_str().ok()?.strip_prefix("Bearer ")?;
    state.tokens().client(token.trim(), now).map(|client| Consumer::Account(client.to_owned()))
}

/// Validates `time`: accounts may query the last hour; for anonymous clients it has no effect.
fn check_time(query: StatesQuery, anonymous: bool, now: i64) -> Result<StatesQuery, String> {
    match query.time {
        Some(time) if !anonymous && !(now - MAX_AGE..=now).contains(&time) => {
            Err(format!("time must be within the last {MAX_AGE} s"))
        }
        _ => Ok(query),
    }
}

fn refuse(mut response: HttpResponseBuilder, error: &str, message: &str) -> HttpResponse {
    response.json(json!({ "error": error, "message": message, "path": "/api/states/all" }))
}
