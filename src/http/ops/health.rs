//! Liveness and readiness; readiness lists each component that is not ready, and since when.

use actix_web::{HttpResponse, web};
use actors::domain::UnixTime;
use actors::operations::Lifecycle;
use actors::supervision::{ActorName, ActorStatus, Component};
use serde::Serialize;
use serde_json::json;
use utoipa::ToSchema;

use crate::http::state::ServerState;

/// Liveness
///
/// 200 while the process responds at all, so that a server whose database is unavailable is not restarted.
#[utoipa::path(get, path = "/health/live", tag = "operations",
    responses((status = 200, description = "The process is alive.", content_type = "application/json", body = Object)))]
pub(crate) async fn live() -> HttpResponse {
    HttpResponse::Ok().json(json!({ "status": "live" }))
}

/// Readiness
///
/// 200 when all parts that this server's clients need are ready, otherwise 503, also during shutdown. Both list the
/// state of each part, and since when.
#[utoipa::path(get, path = "/health/ready", tag = "operations", responses(
    (status = 200, description = "All needed parts are ready.", body = ReadinessReport),
    (status = 503, description = "A needed part is not ready.", body = ReadinessReport)))]
pub(crate) async fn ready(state: web::Data<ServerState>) -> HttpResponse {
    let actors = state.actors.statuses();
    let is_needed = |actor: &ActorStatus| state.needed.iter().flatten().any(|name| *name == actor.name);
    let is_ready = |name: &ActorName| actors.iter().any(|actor| actor.name == *name && actor.is_ready());
    let all_ready = !actors.is_empty() && state.needed.iter().all(|group| group.iter().any(is_ready));
    let ready = all_ready && state.operations.lifecycle() == Lifecycle::Serving;
    let parts = actors.iter().map(|actor| ReadinessPart {
        part: actor.name.clone().into(),
        ready: actor.is_ready(),
        needed: is_needed(actor),
        since: UnixTime::from(actor.readiness_since).0,
        reason: actor.readiness.reason().map(str::to_owned),
    });
    // An actor can do its own work without the components that it watches.
    let watched = actors.iter().flat_map(|actor| &actor.watched).map(|watched| ReadinessPart {
        part: Component::Watched(watched.part),
        ready: watched.readiness.is_ready(),
        needed: false,
        since: UnixTime::from(watched.since).0,
        reason: watched.readiness.reason().map(str::to_owned),
    });
    let report =
        ReadinessReport { status: if ready { "ready" } else { "not ready" }, parts: parts.chain(watched).collect() };
    if ready { HttpResponse::Ok().json(report) } else { HttpResponse::ServiceUnavailable().json(report) }
}

#[derive(Serialize, ToSchema)]
pub(crate) struct ReadinessReport {
    /// `ready` or `not ready`.
    status: &'static str,
    parts: Vec<ReadinessPart>,
}

#[derive(Serialize, ToSchema)]
struct ReadinessPart {
    /// An actor, or something that an actor watches.
    #[schema(value_type = String)]
    part: Component,
    ready: bool,
    /// Whether `status` depends on it. Of several Pollers, one that is ready suffices.
    needed: bool,
    /// When it became ready, or ceased to be, in Unix seconds.
    since: i64,
    /// Why it is not ready.
    reason: Option<String>,
}
