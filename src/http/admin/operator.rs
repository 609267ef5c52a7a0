//! `/admin`: for the operator, who has the token.

use std::future::{Ready, ready};
use std::time::Instant;

use actix_web::dev::Payload;
use actix_web::http::header::AUTHORIZATION;
use actix_web::{FromRequest, HttpRequest, HttpResponse, web};
#[cfg(feature = "fault-injection")]
use actors::operations::Refusal;
use actors::supervision::ActorStatus;
use serde::Serialize;
use subtle::ConstantTimeEq;
use utoipa::ToSchema;

use crate::http::reply::problem::Problem;
use crate::http::server::ServerState;

/// A request that carries the operator's token.
pub(crate) struct Operator;

impl FromRequest for Operator {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let Some(state) = request.app_data::<web::Data<ServerState>>() else {
            return ready(Err(Problem::unavailable("the server is not ready")));
        };
        let (address, now) = (state.client_address(request), Instant::now());
        let given = request.headers().get(AUTHORIZATION).map(|value| value.as_bytes());
        ready(match given.and_then(bearer) {
            // Nor is the right one looked at: or else guessing would go on at full speed.
            Some(_) if state.login_throttle.is_blocked(address, now) => {
                Err(Problem::too_many_requests("too many wrong admin tokens from this address"))
            }
            Some(given) if bool::from(given.ct_eq(state.admin_token.as_bytes())) => Ok(Self),
            Some(_) => {
                state.login_throttle.record_failure(address, now);
                Err(Problem::unauthorized("this is not the admin token"))
            }
            None => Err(Problem::unauthorized("a bearer token is needed: the admin token")),
        })
    }
}

fn bearer(header: &[u8]) -> Option<&[u8]> {
    let (scheme, token) = header.split_at_checked(7)?;
    scheme.eq_ignore_ascii_case(b"bearer ").then(|| token.trim_ascii())
}

#[derive(Serialize, ToSchema)]
pub(crate) struct Actors {
    actors: Vec<ActorStatus>,
}

/// The state of each actor
///
/// Phase, restarts, last error, last progress, and what each reports about its work.
#[utoipa::path(get, path = "/admin/actors", tag = "operations", security(("operator" = [])),
    responses((status = 200, description = "The actors.", body = Actors)))]
pub(crate) async fn actors(_: Operator, state: web::Data<ServerState>) -> HttpResponse {
    HttpResponse::Ok().insert_header(("Cache-Control", "no-store")).json(Actors { actors: state.actors.statuses() })
}

/// `POST /admin/actors/{name}/panic`, in builds with `fault-injection` only.
#[cfg(feature = "fault-injection")]
pub(crate) async fn panic(
    _: Operator,
    state: web::Data<ServerState>,
    name: web::Path<String>,
) -> Result<HttpResponse, Problem> {
    let name = name.parse().map_err(Problem::not_found)?;
    let actor = state.panics.get(&name).ok_or_else(|| Problem::not_found(Refusal::NoSuchActor(name)))?;
    // The panic takes the reply with it.
    let _ = actor.send(actors::messages::InjectPanic).await;
    Ok(HttpResponse::Accepted().finish())
}
