//! `/health/*`: liveness and readiness.

use actix_web::{HttpResponse, web};
use actors::domain::UnixTime;
use actors::operations::Lifecycle;
use actors::supervision::{ActorStatus, Component};
use serde::Serialize;
use serde_json::json;

use crate::http::server::ServerState;

/// Whether the process is alive
///
/// 200 as long as the process answers at all, so that an orchestrator does not restart a server whose database is unavailable.
#[utoipa::path(get, path = "/health/live", tag = "operations",
    responses((status = 200, description = "It is alive.", content_type = "application/json", body = Object)))]
pub(crate) async fn live() -> HttpResponse {
    HttpResponse::Ok().json(json!({ "status": "live" }))
}

/// Whether the server is ready, by part
///
/// 200 when every part that this server's clients need is ready, else 503, also once the server is draining. Either answer lists each part, whether
/// it is ready, since when, and why not.
#[utoipa::path(get, path = "/health/ready", tag = "operations", responses(
    (status = 200, description = "It is ready.", content_type = "application/json", body = Object),
    (status = 503, description = "A needed part is not ready.", content_type = "application/json", body = Object)))]
pub(crate) async fn ready(state: web::Data<ServerState>) -> HttpResponse {
    let actors = state.actors.statuses();
    let is_needed = |actor: &ActorStatus| state.needed.contains(&actor.name);
    let all_ready = !actors.is_empty() && actors.iter().filter(|actor| is_needed(actor)).all(ActorStatus::is_ready);
    let ready = all_ready && state.operations.lifecycle() == Lifecycle::Serving;
    let parts = actors.iter().map(|actor| Part {
        part: actor.name.clone().into(),
        ready: actor.is_ready(),
        needed: is_needed(actor),
        since: UnixTime::from(actor.readiness_since).0,
        reason: actor.readiness.reason(),
    });
    // No actor needs what it watches for its own work.
    let watched = actors.iter().flat_map(|actor| &actor.watched).map(|watched| Part {
        part: Component::Watched(watched.part),
        ready: watched.readiness.is_ready(),
        needed: false,
        since: UnixTime::from(watched.since).0,
        reason: watched.readiness.reason(),
    });
    let report = Report { status: if ready { "ready" } else { "not ready" }, parts: parts.chain(watched).collect() };
    if ready { HttpResponse::Ok().json(report) } else { HttpResponse::ServiceUnavailable().json(report) }
}

#[derive(Serialize)]
struct Report<'a> {
    status: &'static str,
    parts: Vec<Part<'a>>,
}

#[derive(Serialize)]
struct Part<'a> {
    part: Component,
    ready: bool,
    needed: bool,
    since: i64,
    reason: Option<&'a str>,
}
