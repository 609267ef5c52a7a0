//! `/api/v1/status`: the quality of the live picture.

use actix_web::{HttpResponse, web};
use actors::domain::UnixTime;
use actors::supervision::{ActorName, ActorStatus, ConfiguredName, Observation, Phase, PollerObservation, SourceState};
use serde::Serialize;
use utoipa::ToSchema;

use crate::enrichment::TableStatus;
use crate::http::state::ServerState;
use crate::rules::RulesStatus;
use crate::sources::{SourceInfo, Traffic};

/// The quality of the live picture. Times are Unix seconds.
#[derive(Serialize, ToSchema)]
pub(crate) struct Status {
    /// Whether the traffic is not live; see `traffic`.
    demonstration: bool,
    traffic: TrafficKind,
    /// If `traffic` is `recorded`: the time of the newest recorded response. The times of the aircraft are shifted to
    /// the present.
    recorded_at: Option<i64>,
    /// The most useful source: the first one that is live, or else the first one. `null` where another process polls.
    source: Option<Source>,
    /// All sources of this process, in the order of the configuration; empty where another process polls.
    sources: Vec<Source>,
    /// The operator's aircraft table; `null` if none is configured.
    aircraft_table: Option<AircraftTableStatus>,
    /// The rules that raise alerts; `null` if another process detects.
    rules: Option<RuleFilesStatus>,
}

/// The rules, and the files from which they are read.
#[derive(Serialize, ToSchema)]
struct RuleFilesStatus {
    /// The number of rules that are applied, the built-in one included.
    rules: usize,
    /// The number of their fences.
    fences: usize,
    /// When they were read.
    loaded_at: Option<i64>,
    /// Whether the files, as they are now, are invalid. The last rules are then kept; the log has the reasons.
    failed: bool,
}

impl From<RulesStatus> for RuleFilesStatus {
    fn from(status: RulesStatus) -> Self {
        Self {
            rules: status.rules,
            fences: status.fences,
            loaded_at: status.loaded_at.map(|at| at.0),
            failed: status.error.is_some(),
        }
    }
}

/// The aircraft table, from which registrations, types and operators are.
#[derive(Serialize, ToSchema)]
struct AircraftTableStatus {
    /// The number of aircraft in it.
    aircraft: usize,
    /// The number of invalid rows, which were left out.
    bad_rows: u64,
    /// When it was loaded; `null` if it never was.
    loaded_at: Option<i64>,
    /// Whether the file, as it is now, could not be loaded. The last table is then kept; the log has the reason.
    failed: bool,
}

impl From<TableStatus> for AircraftTableStatus {
    fn from(status: TableStatus) -> Self {
        Self {
            aircraft: status.aircraft,
            bad_rows: status.bad_rows,
            loaded_at: status.loaded_at.map(|at| at.0),
            failed: status.error.is_some(),
        }
    }
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
    fn of(
        traffic: Traffic,
        sources: Vec<Source>,
        aircraft_table: Option<TableStatus>,
        rules: Option<RulesStatus>,
    ) -> Self {
        let (kind, recorded_at) = match traffic {
            Traffic::Live => (TrafficKind::Live, None),
            Traffic::Simulated => (TrafficKind::Simulated, None),
            Traffic::Recorded { at } => (TrafficKind::Recorded, Some(at)),
        };
        let source = sources.iter().find(|source| source.is_live()).or(sources.first()).cloned();
        Self {
            demonstration: traffic != Traffic::Live,
            traffic: kind,
            recorded_at,
            source,
            sources,
            aircraft_table: aircraft_table.map(Into::into),
            rules: rules.map(Into::into),
        }
    }
}

/// A source of the flights.
#[derive(Clone, Serialize, ToSchema)]
struct Source {
    /// Its name, which its state vectors carry as `source`.
    #[schema(value_type = String)]
    name: ConfiguredName,
    /// Its kind: `opensky`, `readsb`, ...
    kind: &'static str,
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
    /// The number of aircraft whose newest state is from this source.
    aircraft: usize,
}

/// The state of the source; `paused` while the operator has paused polling.
#[derive(Clone, Copy, Serialize, ToSchema)]
#[serde(untagged)]
enum SourceOrPaused {
    Source(SourceState),
    Paused(Paused),
}

#[derive(Clone, Copy, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum Paused {
    Paused,
}

/// A response of the source.
#[derive(Clone, Serialize, ToSchema)]
struct LastAnswer {
    /// When it was received.
    at: i64,
    /// The number of states in it.
    states: usize,
}

impl Source {
    fn is_live(&self) -> bool {
        matches!(self.state, SourceOrPaused::Source(SourceState::Live))
    }

    /// Converts a Poller's last observation of its source.
    fn of(info: &SourceInfo, poller: ActorStatus) -> Self {
        let seen = match poller.observation {
            Observation::Poller(observation) => observation,
            _ => PollerObservation::default(),
        };
        let seconds = |time: UnixTime| time.0;
        let paused = poller.phase == Phase::Paused;
        let since = seen.source_since.filter(|_| !paused).unwrap_or_else(|| poller.since.into());
        Self {
            name: info.name.clone(),
            kind: info.kind,
            state: if paused { SourceOrPaused::Paused(Paused::Paused) } else { SourceOrPaused::Source(seen.source) },
            since: since.0,
            reason: seen.reason,
            last_answer: seen.answered_at.map(|at| LastAnswer { at: at.0, states: seen.states }),
            last_states_at: seen.last_states_at.map(seconds),
            response_time: seen.response_time.map(seconds),
            next_poll_at: seen.next_poll_at.map(seconds),
            credits_left: seen.credits_left,
            aircraft: seen.aircraft_held,
        }
    }
}

/// The quality of the live picture
///
/// For each source: its state, since when and why, its last response, the time of the next poll, and the credits left.
#[utoipa::path(get, path = "/api/v1/status", tag = "flights", responses(
    (status = 200, description = "The current status.", body = Status)))]
pub(crate) async fn status(state: web::Data<ServerState>) -> HttpResponse {
    let actors = state.actors.statuses();
    let sources = state.sources.iter().filter_map(|info| {
        let is_poller = |actor: &&ActorStatus| match &actor.name {
            ActorName::Poller(None) => true,
            ActorName::Poller(Some(name)) => *name == info.name,
            _ => false,
        };
        Some(Source::of(info, actors.iter().find(is_poller)?.clone()))
    });
    let table = state.aircraft_table.as_ref().map(|table| table.status());
    let rules = state.rules.as_ref().map(|rules| rules.status());
    let status = Status::of(state.sources.traffic(), sources.collect(), table, rules);
    HttpResponse::Ok().insert_header(("Cache-Control", "no-store")).json(status)
}
