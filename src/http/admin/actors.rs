//! `/admin/actors`: the state of the actors.

use actix_web::{HttpResponse, web};
#[cfg(feature = "fault-injection")]
use actors::operations::Refusal;
use actors::supervision::ActorStatus;
use serde::Serialize;
use utoipa::ToSchema;

use super::operator::Operator;
#[cfg(feature = "fault-injection")]
use crate::http::reply::problem::Problem;
use crate::http::state::ServerState;

#[derive(Serialize, ToSchema)]
pub(crate) struct ActorList {
    actors: Vec<ActorStatus>,
}

/// The state of each actor
///
/// Phase, restarts, last error and progress, and the observations of the actor itself.
#[utoipa::path(get, path = "/admin/actors", tag = "operations", security(("operator" = [])),
    responses((status = 200, description = "The actors.", body = ActorList)))]
pub(crate) async fn actors(_: Operator, state: web::Data<ServerState>) -> HttpResponse {
    HttpResponse::Ok().insert_header(("Cache-Control", "no-store")).json(ActorList { actors: state.actors.statuses() })
}

/// Handles `POST /admin/actors/{name}/panic`: makes an actor panic. Only in builds with `fault-injection`.
#[cfg(feature = "fault-injection")]
pub(crate) async fn panic(
    _: Operator,
    state: web::Data<ServerState>,
    name: web::Path<String>,
) -> Result<HttpResponse, Problem> {
    let name = name.parse().map_err(Problem::not_found)?;
    let actor = state.panics.get(&name).ok_or_else(|| Problem::not_found(Refusal::NoSuchActor(name)))?;
    // The panic discards the reply.
    let _ = actor.send(actors::messages::InjectPanic).await;
    Ok(HttpResponse::Accepted().finish())
}
