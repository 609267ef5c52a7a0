//! The token endpoint: OAuth2 client credentials (RFC 6749, section 4.4) with Keycloak's responses.

use std::collections::HashMap;

use actix_web::http::StatusCode;
use actix_web::http::header::{CACHE_CONTROL, ContentType};
use actix_web::web;
use actix_web::{HttpRequest, HttpResponse};
use serde_json::json;

use crate::fault_answers;
use crate::faults::{FaultKind, Target};
use crate::state::{State, count};

const WRONG_TYPES: &str = r#"{"access_token":12345,"expires_in":"soon","token_type":null}"#;

/// Issues a token to a client with valid credentials.
pub(crate) async fn token(state: web::Data<State>, request: HttpRequest, body: web::Bytes) -> HttpResponse {
    count(&state.counts.token);
    if let Some(fault) = state.faults.immediate(Target::Token) {
        return fault_answers::immediate(&fault, &request).await;
    }
    let form: HashMap<String, String> =
        match web::Query::<HashMap<String, String>>::from_query(std::str::from_utf8(&body).unwrap_or_default()) {
            Ok(form) => form.into_inner(),
            Err(_) => HashMap::new(),
        };
    let field = |name: &str| form.get(name).map(String::as_str);
    match field("grant_type") {
        Some("client_credentials") => {}
        Some(_) => return refuse(StatusCode::BAD_REQUEST, "unsupported_grant_type", "Unsupported grant_type"),
        None => return refuse(StatusCode::BAD_REQUEST, "invalid_request", "Missing form parameter: grant_type"),
    }
    let is_known = |id: &str, secret: Option<&str>| {
        state.credentials.as_ref().is_none_or(|known| known.id == id && Some(known.secret.as_str()) == secret)
    };
    let Some(client) = field("client_id").filter(|id| is_known(id, field("client_secret"))) else {
        return refuse(StatusCode::UNAUTHORIZED, "unauthorized_client", "Invalid client or Invalid client credentials");
    };
    let lifetime = i64::try_from(state.token_life.as_secs()).unwrap_or(i64::MAX);
    let now = state.clock.now();
    let token = state.tokens().issue(client, now, now.saturating_add(lifetime));
    count(&state.counts.tokens_issued);
    let body = json!({
        "access_token": token,
        "expires_in": lifetime,
        "refresh_expires_in": 0,
        "token_type": "Bearer",
        "not-before-policy": 0,
        "scope": "profile email",
    });
    match state.faults.corrupting(Target::Token) {
        Some(fault) => {
            let body = if fault.kind == FaultKind::WrongTypes { WRONG_TYPES.to_owned() } else { body.to_string() };
            fault_answers::corrupted(&fault, ContentType::json(), body.into())
        }
        None => HttpResponse::Ok().insert_header((CACHE_CONTROL, "no-store")).json(body),
    }
}

fn refuse(status: StatusCode, error: &str, description: &str) -> HttpResponse {
    HttpResponse::build(status).json(json!({ "error": error, "error_description": description }))
}
