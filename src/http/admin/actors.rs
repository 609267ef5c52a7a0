//! `/admin/actors`.

use actix_web::{HttpResponse, web};
use serde_json::json;

use super::operator::Operator;
#[cfg(feature = "fault-injection")]
use crate::http::reply::problem::Problem;
use crate::http::state::ServerState;

/// The state of each actor
///
/// Phase, restarts, last error and progress, and the observations of the actor itself.
#[utoipa::path(get, path = "/admin/actors", tag = "operations", security(("operator" = [])),
    responses((status = 200, description = "The actors, by name.", content_type = "application/json", body = Object)))]
pub(crate) async fn actors(_: Operator, state: web::Data<ServerState>) -> HttpResponse {
    HttpResponse::Ok().insert_header(("Cache-Control", "no-store")).json(json!({ "actors": state.board.statuses() }))
}

/// `POST /admin/actors/{name}/panic`, in builds with `fault-injection` only.
#[cfg(feature = "fault-injection")]
pub(crate) async fn panic(
    _: Operator,
    state: web::Data<ServerState>,
    name: web::Path<String>,
) -> Result<HttpResponse, Problem> {
    let Some(actor) = state.panics.get(name.as_str()) else {
        return Err(Problem::not_found(format!("no actor {name}")));
    };
    // Its reply is lost with the panic.
    let _ = actor.send(actors::messages::InjectPanic).await;
    Ok(HttpResponse::Accepted().finish())
}
