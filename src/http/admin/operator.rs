use std::future::{Ready, ready};
use std::time::Instant;

use actix_web::dev::Payload;
use actix_web::http::header::AUTHORIZATION;
use actix_web::{FromRequest, HttpRequest, web};
use subtle::ConstantTimeEq;

use super::login_throttle::LoginThrottle;
use crate::http::reply::problem::Problem;
use crate::http::state::ServerState;

/// Proof that a request carries the operator's token.
pub(crate) struct Operator;

impl FromRequest for Operator {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(authorize(request))
    }
}

fn authorize(request: &HttpRequest) -> Result<Operator, Problem> {
    let state = request.app_data::<web::Data<ServerState>>();
    let throttle = request.app_data::<web::Data<LoginThrottle>>();
    let (state, throttle) = state.zip(throttle).ok_or_else(|| Problem::unavailable("the server is not ready"))?;
    let (address, now) = (state.client(request).address, Instant::now());
    let header = request.headers().get(AUTHORIZATION).map(|value| value.as_bytes());
    let token = header
        .and_then(bearer)
        .ok_or_else(|| Problem::unauthorized("missing bearer token: the admin token is required"))?;
    // Before the comparison: a blocked address must not learn that a guess was right.
    if throttle.is_blocked(address, now) {
        return Err(Problem::too_many_requests("too many wrong admin tokens from this address"));
    }
    if bool::from(token.ct_eq(state.admin_token.as_bytes())) {
        return Ok(Operator);
    }
    throttle.record_failure(address, now);
    Err(Problem::unauthorized("wrong admin token"))
}

fn bearer(header: &[u8]) -> Option<&[u8]> {
    let (scheme, token) = header.split_at_checked(7)?;
    scheme.eq_ignore_ascii_case(b"bearer ").then(|| token.trim_ascii())
}
