//! Lists of aircraft: `aircraft.json` and the responses of `/v2`.

use std::time::{Instant, SystemTime};

use actors::domain::StateVector;
use actors::enrichment::FactBook;
use actors::messages::View;
use serde::{Serialize, Serializer};
use utoipa::ToSchema;

use super::aircraft::{Aircraft, Millis};
use crate::http::reply::problem::Problem;

/// All aircraft of the live picture, as readsb writes them to `aircraft.json`.
#[derive(Serialize, ToSchema)]
#[schema(as = ReadsbAircraftJson)]
pub(crate) struct AircraftJson<'a> {
    /// When this response was rendered, in Unix seconds.
    now: f64,
    /// State vectors received since the start of the server.
    messages: u64,
    #[schema(value_type = Vec<Aircraft<'a>>)]
    aircraft: Converted<'a>,
}

/// Aircraft, in the form of adsb.lol and others.
#[derive(Serialize, ToSchema)]
#[schema(as = ReadsbAircraftList)]
pub(crate) struct AircraftList<'a> {
    ac: Vec<Aircraft<'a>>,
    msg: &'static str,
    /// When this response was rendered, in Unix milliseconds.
    now: i64,
    /// The number of aircraft.
    total: usize,
    /// The time of the picture, in Unix milliseconds.
    ctime: i64,
    /// How long the request took, in milliseconds.
    ptime: u64,
}

/// Converts each aircraft when it is written, so that the list is never in memory.
struct Converted<'a> {
    view: &'a View,
    facts: &'a FactBook,
    now: Millis,
}

impl Serialize for Converted<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(states(self.view).map(|state| Aircraft::of(state, self.facts, self.now)))
    }
}

/// Returns the states of a view.
pub(super) fn states(view: &View) -> impl Iterator<Item = &StateVector> {
    view.states.iter().flatten().map(AsRef::as_ref)
}

impl Millis {
    /// Returns the local wall clock.
    pub(super) fn now() -> Self {
        let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        Self(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
    }
}

/// Renders `aircraft.json`.
pub(super) fn aircraft_json(view: &View, facts: &FactBook, now: Millis) -> Result<Vec<u8>, Problem> {
    let aircraft = Converted { view, facts, now };
    let file = AircraftJson { now: now.0 as f64 / 1000.0, messages: view.received, aircraft };
    serde_json::to_vec(&file).map_err(Problem::unavailable)
}

/// Renders a response of `/v2`.
pub(super) fn aircraft_list(ac: Vec<Aircraft<'_>>, now: Millis, started: Instant) -> Result<Vec<u8>, Problem> {
    let ptime = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
    let list = AircraftList { total: ac.len(), ac, msg: "No error", now: now.0, ctime: now.0, ptime };
    serde_json::to_vec(&list).map_err(Problem::unavailable)
}
