//! Liveness and readiness; readiness lists each component that is not ready, and since when.

use std::time::SystemTime;

use actix_web::{HttpResponse, web};
use actors::operations::Course;
use actors::supervision::{ActorStatus, Phase, Readiness};
use serde_json::{Value, json};

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
/// 200 when the parts that this server's clients need are ready, else 503, also during shutdown; in either case with
/// the state of each part, and since when.
#[utoipa::path(get, path = "/health/ready", tag = "operations", responses(
    (status = 200, description = "All needed parts are ready.", content_type = "application/json", body = Object),
    (status = 503, description = "A needed part is not ready.", content_type = "application/json", body = Object)))]
pub(crate) async fn ready(state: web::Data<ServerState>) -> HttpResponse {
    let statuses = state.board.statuses();
    let all_ready = statuses.iter().filter(|status| state.needed.contains(&status.name)).all(is_ready);
    let actors = statuses.iter().map(|status| {
        let (readiness, since) = &status.readiness;
        part(status.name, is_ready(status), state.needed.contains(&status.name), *since, readiness)
    });
    // The parts that an actor reports are not needed for its own work.
    let watched = statuses.iter().flat_map(|status| &status.parts);
    let watched = watched.map(|watched| {
        part(watched.name, watched.readiness == Readiness::Ready, false, watched.since, &watched.readiness)
    });
    let parts: Vec<_> = actors.chain(watched).collect();
    let ready = all_ready && !statuses.is_empty() && state.operations.course() == Course::Serving;
    let mut response = if ready { HttpResponse::Ok() } else { HttpResponse::ServiceUnavailable() };
    response.json(json!({ "status": if ready { "ready" } else { "not ready" }, "parts": parts }))
}

fn part(name: &str, ready: bool, needed: bool, since: SystemTime, readiness: &Readiness) -> Value {
    let reason = match readiness {
        Readiness::Ready => None,
        Readiness::NotReady(reason) => Some(reason),
    };
    let since = since.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_secs();
    json!({ "part": name, "ready": ready, "needed": needed, "since": since, "reason": reason })
}

fn is_ready(status: &ActorStatus) -> bool {
    let at_work = !matches!(status.phase, Phase::Draining | Phase::Finished | Phase::Failed | Phase::Restarting);
    at_work && status.readiness.0 == Readiness::Ready
}
