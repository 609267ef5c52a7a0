//! What the operator can do by `POST`: the token is in a header, which no other site's page can send.

use actix_web::{HttpResponse, web};
use actors::messages::{Polling, SetPolling};
use actors::operations::{Action, Refusal};
use serde_json::json;

use super::operator::Operator;
use crate::http::reply::problem::Problem;
use crate::http::server::ServerState;

impl From<Refusal> for Problem {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::NoSuchActor(_) | Refusal::DoesNotPoll => Self::not_found(refusal),
            Refusal::Ending | Refusal::NotAtWork(_) => Self::conflict(refusal),
        }
    }
}

fn accepted() -> HttpResponse {
    HttpResponse::Accepted().insert_header(("Cache-Control", "no-store")).json(json!({ "status": "accepted" }))
}

/// Restart an actor
///
/// On its address, with the messages that wait for it, as after a panic: nothing is lost. The Poller asks the source at once,
/// which costs credits, unless it is paused; the SseHub's clients are disconnected and come back.
#[utoipa::path(post, path = "/admin/actors/{name}/restart", tag = "operations", security(("operator" = [])),
    params(("name" = String, Path, description = "The actor, as `/admin/actors` names it.", example = "db-writer")),
    responses(
        (status = 202, description = "It is being restarted.", content_type = "application/json", body = Object),
        (status = 404, description = "There is no such actor.", content_type = "application/problem+json", body = Problem),
        (status = 409, description = "It is restarting or has ended.", content_type = "application/problem+json", body = Problem)))]
pub(crate) async fn restart(
    _: Operator,
    state: web::Data<ServerState>,
    name: web::Path<String>,
) -> Result<HttpResponse, Problem> {
    let name = name.parse().map_err(Problem::not_found)?;
    state.operations.order(&Action::Restart(name))?;
    Ok(accepted())
}

/// Stop asking the source
///
/// Until polling is resumed or the process is started anew; a restart of the Poller does not end it. What is being answered
/// already is still used.
#[utoipa::path(post, path = "/admin/polling/pause", tag = "operations", security(("operator" = [])), responses(
    (status = 202, description = "It is not asked any more.", content_type = "application/json", body = Object),
    (status = 404, description = "This process does not poll.", content_type = "application/problem+json", body = Problem)))]
pub(crate) async fn pause_polling(_: Operator, state: web::Data<ServerState>) -> Result<HttpResponse, Problem> {
    set_polling(&state, &Action::PausePolling, Polling::Paused).await
}

/// Ask the source again
///
/// Not earlier than it would have been without the pause, so this costs no credits.
#[utoipa::path(post, path = "/admin/polling/resume", tag = "operations", security(("operator" = [])), responses(
    (status = 202, description = "It is asked again.", content_type = "application/json", body = Object),
    (status = 404, description = "This process does not poll.", content_type = "application/problem+json", body = Problem)))]
pub(crate) async fn resume_polling(_: Operator, state: web::Data<ServerState>) -> Result<HttpResponse, Problem> {
    set_polling(&state, &Action::ResumePolling, Polling::Active).await
}

async fn set_polling(state: &ServerState, action: &Action, polling: Polling) -> Result<HttpResponse, Problem> {
    state.operations.order(action)?;
    let poller = state.poller.as_ref().ok_or(Refusal::DoesNotPoll)?;
    match tokio::time::timeout(ServerState::ANSWER_TIMEOUT, poller.send(SetPolling(polling))).await {
        Ok(Ok(())) => Ok(accepted()),
        Ok(Err(_)) | Err(_) => Err(Problem::unavailable("the Poller does not answer")),
    }
}

/// Bring everything to its end
///
/// As SIGTERM does: polling stops, what was read is stored, clients are told to come back, and the process ends within
/// `server.shutdown_timeout`. `/health/ready` answers 503 at once. There is no way back.
#[utoipa::path(post, path = "/admin/drain", tag = "operations", security(("operator" = [])), responses(
    (status = 202, description = "It has begun.", content_type = "application/json", body = Object)))]
pub(crate) async fn drain(_: Operator, state: web::Data<ServerState>) -> Result<HttpResponse, Problem> {
    state.operations.order(&Action::Drain)?;
    // A full channel means that it was asked for before.
    let _ = state.drain.try_send(());
    Ok(accepted())
}
