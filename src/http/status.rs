//! `/api/v1/status`: how good the live picture is, for everybody who looks at it.

use std::time::UNIX_EPOCH;

use actix_web::{HttpResponse, web};
use actors::supervision::{ActorStatus, Phase, Readiness};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use super::server::ServerState;

/// How good the live picture is. Times are Unix seconds.
#[derive(Serialize, ToSchema)]
pub(super) struct Status {
    /// Whether the aircraft are not those of this moment: simulated, or recorded ones.
    demonstration: bool,
    /// `null` where another process asks the source.
    source: Option<Source>,
}

/// How the source of the flights is.
#[derive(Serialize, ToSchema)]
struct Source {
    /// `not_yet_asked`, `live`, `rate_limited`, `refused`, `unavailable` or `malformed`; `paused` while the operator
    /// wants it not to be asked.
    state: String,
    /// Since when it can be used, or cannot.
    since: u64,
    /// Why it cannot be used.
    reason: Option<String>,
    /// The time that its newest good answer gave.
    response_time: Option<i64>,
    /// When it is asked again.
    next_poll_at: Option<i64>,
    /// What it said is left of the day's credits.
    credits_left: Option<u64>,
}

impl Source {
    /// What the Poller last said about it.
    fn of(poller: ActorStatus) -> Self {
        let ActorStatus { phase, since: phase_since, readiness: (readiness, since), observation, .. } = poller;
        let paused = phase == Phase::Paused;
        let said = |name: &str| observation.get(name).unwrap_or(&Value::Null);
        Self {
            state: if paused { "paused" } else { said("source").as_str().unwrap_or("not_yet_asked") }.to_owned(),
            since: if paused { phase_since } else { since }.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs(),
            reason: match readiness {
                Readiness::Ready => None,
                Readiness::NotReady(reason) => Some(reason),
            },
            response_time: said("response_time").as_i64(),
            next_poll_at: said("next_poll_at").as_i64(),
            credits_left: said("credits_left").as_u64(),
        }
    }
}

/// How good the live picture is
///
/// How the source is, since when and why, when it is asked again, and what is left of its credits.
#[utoipa::path(get, path = "/api/v1/status", tag = "flights", responses(
    (status = 200, description = "How it is now.", body = Status)))]
pub(super) async fn status(state: web::Data<ServerState>) -> HttpResponse {
    let poller = state.board.statuses().into_iter().find(|status| status.name == "poller");
    HttpResponse::Ok()
        .insert_header(("Cache-Control", "no-store"))
        .json(Status { demonstration: state.demo, source: poller.map(Source::of) })
}
