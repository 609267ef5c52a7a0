//! `/api/v1/status`: the quality of the live picture.

use actix_web::{HttpResponse, web};
use actors::domain::UnixTime;
use actors::supervision::{ActorName, ActorStatus, Observation, Phase, PollerObservation, SourceState};
use serde::Serialize;
use utoipa::ToSchema;

use crate::http::state::ServerState;
use crate::sources::Traffic;

/// The quality of the live picture. Times are Unix seconds.
#[derive(Serialize, ToSchema)]
pub(crate) struct Status {
    /// Whether the traffic is not live; see `traffic`.
    demonstration: bool,
    traffic: TrafficKind,
    /// If `traffic` is `recorded`: the time of the newest recorded response. The times of the aircraft are shifted to
    /// the present.
    recorded_at: Option<i64>,
    /// `null` where another process polls the source.
    source: Option<Source>,
}

/// Where the traffic comes from.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum TrafficKind {
    /// The source's current traffic.
    Live,
    /// Simulated aircraft (`serve --demo`).
    Simulated,
    /// Recorded responses (`serve --replay`).
    Recorded,
}

impl Status {
    fn of(traffic: Traffic, poller: Option<ActorStatus>) -> Self {
        let (kind, recorded_at) = match traffic {
            Traffic::Live => (TrafficKind::Live, None),
            Traffic::Simulated => (TrafficKind::Simulated, None),
            Traffic::Recorded { at } => (TrafficKind::Recorded, Some(at)),
        };
        Self { demonstration: traffic != Traffic::Live, traffic: kind, recorded_at, source: poller.map(Source::of) }
    }
}

/// The source of the flights.
#[derive(Serialize, ToSchema)]
struct Source {
    state: SourceOrPaused,
    /// The start of this state.
    since: i64,
    /// Why the source cannot be used, in a few words.
    reason: Option<String>,
    /// Its newest valid response, with any number of states.
    last_answer: Option<LastAnswer>,
    /// When a response last contained any states.
    last_states_at: Option<i64>,
    /// The time in its newest valid response.
    response_time: Option<i64>,
    /// The time of the next poll.
    next_poll_at: Option<i64>,
    /// Credits left until the next refill, as reported by the source.
    credits_left: Option<u32>,
}

/// The state of the source; `paused` while the operator has paused polling.
#[derive(Serialize, ToSchema)]
#[serde(untagged)]
enum SourceOrPaused {
    Source(SourceState),
    Paused(Paused),
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum Paused {
    Paused,
}

/// A response of the source.
#[derive(Serialize, ToSchema)]
struct LastAnswer {
    /// When it was received.
    at: i64,
    /// The number of states in it.
    states: usize,
}

impl Source {
    /// Converts the Poller's last observation of the source.
    fn of(poller: ActorStatus) -> Self {
        let seen = match poller.observation {
            Observation::Poller(observation) => observation,
            _ => PollerObservation::default(),
        };
        let seconds = |time: UnixTime| time.0;
        let paused = poller.phase == Phase::Paused;
        let since = seen.source_since.filter(|_| !paused).unwrap_or_else(|| poller.since.into());
        Self {
            state: if paused { SourceOrPaused::Paused(Paused::Paused) } else { SourceOrPaused::Source(seen.source) },
            since: since.0,
            reason: seen.reason,
            last_answer: seen.answered_at.map(|at| LastAnswer { at: at.0, states: seen.states }),
            last_states_at: seen.last_states_at.map(seconds),
            response_time: seen.response_time.map(seconds),
            next_poll_at: seen.next_poll_at.map(seconds),
            credits_left: seen.credits_left,
        }
    }
}

/// The quality of the live picture
///
/// The state of the source, since when and why, its last response, the time of the next poll, and the credits left.
#[utoipa::path(get, path = "/api/v1/status", tag = "flights", responses(
    (status = 200, description = "The current status.", body = Status)))]
pub(crate) async fn status(state: web::Data<ServerState>) -> HttpResponse {
    let poller = state.actors.statuses().into_iter().find(|actor| matches!(actor.name, ActorName::Poller(_)));
    HttpResponse::Ok().insert_header(("Cache-Control", "no-store")).json(Status::of(state.traffic, poller))
}
