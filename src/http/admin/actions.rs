//! The operator's actions, as `POST` requests. The token is sent in a header, which pages of other sites cannot set.

use actix_web::{HttpResponse, web};
use actors::messages::{Polling, SetPolling};
use actors::operations::{Action, Refusal};
use futures_util::future::try_join_all;
use serde_json::json;

use super::operator::Operator;
use crate::http::reply::problem::Problem;
use crate::http::state::ServerState;

impl From<Refusal> for Problem {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::NoSuchActor(_) | Refusal::DoesNotPoll => Self::not_found(refusal),
            Refusal::Ending | Refusal::NotActive(_) => Self::conflict(refusal),
        }
    }
}

fn accepted() -> HttpResponse {
    HttpResponse::Accepted().insert_header(("Cache-Control", "no-store")).json(json!({ "status": "accepted" }))
}

/// Restart an actor
///
/// As after a panic: the actor keeps its address and its queued messages, so nothing is lost. The Poller polls
/// immediately, which costs credits, unless it is paused; the SseHub's clients are disconnected and reconnect.
#[utoipa::path(post, path = "/admin/actors/{name}/restart", tag = "operations", security(("operator" = [])),
    params(("name" = String, Path, description = "The actor, as `/admin/actors` names it.", example = "db-writer")),
    responses(
        (status = 202, description = "The actor is restarting.", content_type = "application/json", body = Object),
        (status = 404, description = "Unknown actor.", content_type = "application/problem+json", body = Problem),
        (status = 409, description = "The actor is not running.", content_type = "application/problem+json", body = Problem)))]
pub(crate) async fn restart(
    _: Operator,
    state: web::Data<ServerState>,
    name: web::Path<String>,
) -> Result<HttpResponse, Problem> {
    let name = name.parse().map_err(Problem::not_found)?;
    state.operations.request(&Action::Restart(name))?;
    Ok(accepted())
}

/// Pause polling
///
/// Of all sources, until polling is resumed or the process is restarted; a restart of a Poller does not resume it. A response in
/// flight is still processed.
#[utoipa::path(post, path = "/admin/polling/pause", tag = "operations", security(("operator" = [])), responses(
    (status = 202, description = "Polling is paused.", content_type = "application/json", body = Object),
    (status = 404, description = "This process does not poll.", content_type = "application/problem+json", body = Problem)))]
pub(crate) async fn pause_polling(_: Operator, state: web::Data<ServerState>) -> Result<HttpResponse, Problem> {
    set_polling(&state, &Action::PausePolling, Polling::Paused).await
}

/// Resume polling
///
/// The next poll is not earlier than it would be without the pause, so this costs no credits.
#[utoipa::path(post, path = "/admin/polling/resume", tag = "operations", security(("operator" = [])), responses(
    (status = 202, description = "Polling continues.", content_type = "application/json", body = Object),
    (status = 404, description = "This process does not poll.", content_type = "application/problem+json", body = Problem)))]
pub(crate) async fn resume_polling(_: Operator, state: web::Data<ServerState>) -> Result<HttpResponse, Problem> {
    set_polling(&state, &Action::ResumePolling, Polling::Active).await
}

async fn set_polling(state: &ServerState, action: &Action, polling: Polling) -> Result<HttpResponse, Problem> {
    state.operations.request(action)?;
    if state.pollers.is_empty() {
        return Err(Refusal::DoesNotPoll.into());
    }
    let sent = try_join_all(state.pollers.iter().map(|poller| poller.send(SetPolling(polling))));
    match tokio::time::timeout(ServerState::ACTOR_TIMEOUT, sent).await {
        Ok(Ok(_)) => Ok(accepted()),
        Ok(Err(_)) | Err(_) => Err(Problem::unavailable("a Poller is not responding")),
    }
}

/// Shut down gracefully
///
/// Like SIGTERM: polling stops, the records that were read are stored, clients are asked to reconnect, and the process
/// ends within `server.shutdown_timeout`. `/health/ready` returns 503 immediately. This cannot be undone.
#[utoipa::path(post, path = "/admin/drain", tag = "operations", security(("operator" = [])), responses(
    (status = 202, description = "The shutdown has begun.", content_type = "application/json", body = Object)))]
pub(crate) async fn drain(_: Operator, state: web::Data<ServerState>) -> Result<HttpResponse, Problem> {
    state.operations.request(&Action::Drain)?;
    // A full channel means that a drain has been requested already.
    let _ = state.drain.try_send(());
    Ok(accepted())
}
