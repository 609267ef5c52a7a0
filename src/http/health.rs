//! `/health/*`: whether the process lives, and which part of it can be used.

use std::time::SystemTime;

use actix_web::{HttpResponse, web};
use actors::supervision::{ActorStatus, Phase, Readiness};
use serde_json::json;

use super::server::ServerState;

/// `GET /health/live`: 200 while the process answers at all, so that nobody restarts a server whose database is away.
pub(super) async fn live() -> HttpResponse {
    HttpResponse::Ok().json(json!({ "status": "live" }))
}

/// `GET /health/ready`: 200 when the parts that this server's clients need can be used, else 503; either way each part
/// with its state and since when it has it.
pub(super) async fn ready(state: web::Data<ServerState>) -> HttpResponse {
    let statuses = state.board.statuses();
    let all_ready = statuses.iter().filter(|status| state.needed.contains(&status.name)).all(is_ready);
    let parts: Vec<_> = statuses
        .iter()
        .map(|status| {
            let (readiness, since) = &status.readiness;
            let reason = match readiness {
                Readiness::Ready => None,
                Readiness::NotReady(reason) => Some(reason),
            };
            json!({
                "part": status.name,
                "ready": is_ready(status),
                "needed": state.needed.contains(&status.name),
                "since": since.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_secs(),
                "reason": reason,
            })
        })
        .collect();
    let ready = all_ready && !statuses.is_empty();
    let mut response = if ready { HttpResponse::Ok() } else { HttpResponse::ServiceUnavailable() };
    response.json(json!({ "status": if ready { "ready" } else { "not ready" }, "parts": parts }))
}

fn is_ready(status: &ActorStatus) -> bool {
    let at_work = !matches!(status.phase, Phase::Draining | Phase::Finished | Phase::Failed | Phase::Restarting);
    at_work && status.readiness.0 == Readiness::Ready
}
