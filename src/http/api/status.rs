//! `/api/v1/status`: how good the live picture is, for everybody who looks at it.

use actix_web::{HttpResponse, web};
use actors::domain::UnixTime;
use actors::supervision::{ActorName, ActorStatus, Observation, Phase, PollerObservation};
use serde::Serialize;
use utoipa::ToSchema;

use crate::http::server::ServerState;
use crate::sources::Traffic;

/// How good the live picture is. Times are Unix seconds.
#[derive(Serialize, ToSchema)]
pub(crate) struct Status {
    /// Whether the traffic is anything but live. `traffic` says what it is.
    demonstration: bool,
    /// `live`, `simulated` (`serve --demo`) or `recorded` (`serve --replay`).
    traffic: &'static str,
    /// When `traffic` is `recorded`: the time of the newest recorded response. The times of the aircraft are moved to the
    /// present.
    recorded_at: Option<i64>,
    /// `null` where another process asks the source.
    source: Option<Source>,
}

impl Status {
    fn of(traffic: Traffic, poller: Option<ActorStatus>) -> Self {
        let (name, recorded_at) = match traffic {
            Traffic::Live => ("live", None),
            Traffic::Simulated => ("simulated", None),
            Traffic::Recorded { at } => ("recorded", Some(at)),
        };
        Self { demonstration: traffic != Traffic::Live, traffic: name, recorded_at, source: poller.map(Source::of) }
    }
}

/// The source of the flights.
#[derive(Serialize, ToSchema)]
struct Source {
    /// `not_yet_asked`, `live`, `rate_limited`, `refused`, `unavailable` or `malformed`; `paused` while the operator has
    /// paused polling.
    state: &'static str,
    /// The start of this state.
    since: i64,
    /// Why it cannot be used, in a few words.
    reason: Option<String>,
    /// Its newest answer that could be read, of any number of states.
    last_answer: Option<LastAnswer>,
    /// When an answer last held any states.
    last_states_at: Option<i64>,
    /// The time that its newest good answer gave.
    response_time: Option<i64>,
    /// The time of the next poll.
    next_poll_at: Option<i64>,
    /// Credits that it said are left until the next refill.
    credits_left: Option<u32>,
}

/// An answer of the source.
#[derive(Serialize, ToSchema)]
struct LastAnswer {
    /// When it came.
    at: i64,
    /// How many states it held.
    states: usize,
}

impl Source {
    /// The source as its Poller last observed it.
    fn of(poller: ActorStatus) -> Self {
        let seen = match poller.observation {
            Observation::Poller(observation) => observation,
            _ => PollerObservation::default(),
        };
        let seconds = |time: UnixTime| time.0;
        let paused = poller.phase == Phase::Paused;
        let since = seen.source_since.filter(|_| !paused).unwrap_or_else(|| poller.since.into());
        Self {
            state: if paused { "paused" } else { seen.source.name() },
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

/// How good the live picture is
///
/// The state of the source, since when and why, what it last answered, when it is polled next, and the credits that are left.
#[utoipa::path(get, path = "/api/v1/status", tag = "flights", responses(
    (status = 200, description = "How it is now.", body = Status)))]
pub(crate) async fn status(state: web::Data<ServerState>) -> HttpResponse {
    let poller = state.actors.statuses().into_iter().find(|actor| matches!(actor.name, ActorName::Poller(_)));
    HttpResponse::Ok().insert_header(("Cache-Control", "no-store")).json(Status::of(state.traffic, poller))
}
