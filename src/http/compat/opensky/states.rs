//! `/api/states/all` and `/api/states/own`: the states of all aircraft, now or at an earlier time.

use actix_web::{HttpRequest, HttpResponse, web};
use actors::domain::{StateVector, UnixTime};
use actors::messages::{Scope, View};

use super::parameters::Parameters;
use super::reply::{JSON, OpenSkyError};
use super::rows::{OpenSkyStates, encode};
use crate::http::pictures::PictureFormat;
use crate::http::reply::entity_tag;
use crate::http::reply::problem::Problem;
use crate::http::state::ServerState;
use crate::storage::NewestQuery;

struct StatesQuery {
    scope: Scope,
    /// Only states from these sources; empty for all.
    sources: Vec<String>,
    is_extended: bool,
    /// `None` for now, which clients also write as 0.
    time: Option<UnixTime>,
}

impl StatesQuery {
    fn parse(request: &HttpRequest) -> Result<Self, OpenSkyError> {
        let parameters = Parameters::parse(request);
        Ok(Self {
            scope: parameters.scope()?,
            sources: Vec::new(),
            is_extended: parameters.flag("extended")?,
            time: parameters.time("time")?.filter(|time| time.0 != 0),
        })
    }

    /// Parses the query of `/states/own`.
    fn parse_own(request: &HttpRequest) -> Result<Self, OpenSkyError> {
        let sources = Parameters::parse(request).all("serials").map(str::to_owned).collect();
        // python-opensky requires the column `category` without asking for it, and no client minds it.
        Ok(Self { sources, is_extended: true, ..Self::parse(request)? })
    }

    fn is_whole(&self) -> bool {
        self.scope == Scope::default() && self.sources.is_empty()
    }

    fn contains(&self, state: &StateVector) -> bool {
        let from_source = |source: &str| self.sources.iter().any(|wanted| wanted == source);
        self.scope.contains(state) && (self.sources.is_empty() || state.source.as_deref().is_some_and(from_source))
    }
}

/// The states of all aircraft (OpenSky)
///
/// The newest state of every aircraft, from the live picture. With `time`, the newest state of every aircraft at that
/// time, from the history, unless the aircraft was silent for `sse.aircraft_timeout`.
#[utoipa::path(get, path = "/api/states/all", tag = "opensky",
    params(
        ("time" = Option<i64>, Query, minimum = 0, example = 0,
            description = "Unix seconds; 0 or a time after the newest response of the source is now."),
        ("icao24" = Option<String>, Query, example = "4b1814",
            description = "Only this aircraft; may be repeated; at most 500."),
        ("lamin" = Option<f64>, Query, minimum = -90, maximum = 90, example = 45.8,
            description = "The southern edge of a box in degrees; only together with the other edges."),
        ("lomin" = Option<f64>, Query, minimum = -180, maximum = 180, example = 5.9,
            description = "The western edge. Greater than `lomax`, the box crosses the antimeridian."),
        ("lamax" = Option<f64>, Query, minimum = -90, maximum = 90, example = 47.9,
            description = "The northern edge."),
        ("lomax" = Option<f64>, Query, minimum = -180, maximum = 180, example = 10.6,
            description = "The eastern edge."),
        ("extended" = Option<String>, Query, example = "1",
            description = "1 or true, in any case, to add the column `category`.")),
    responses(
        (status = 200, description = "The states.", body = OpenSkyStates<'_>),
        (status = 304, description = "Unchanged since `If-None-Match`."),
        (status = 400, description = "The reason, in an array of one text.", body = Vec<String>)))]
pub(crate) async fn all_states(
    request: HttpRequest,
    state: web::Data<ServerState>,
) -> Result<HttpResponse, OpenSkyError> {
    let query = StatesQuery::parse(&request)?;
    respond(&request, &state, query).await
}

/// The states of the operator's own receivers (OpenSky)
///
/// The same as `/api/states/all`, because every source of this server is its operator's own, or with `serials` only the
/// states from certain sources. The column `category` is always there.
#[utoipa::path(get, path = "/api/states/own", tag = "opensky",
    params(
        ("time" = Option<i64>, Query, minimum = 0, example = 0,
            description = "Unix seconds; 0 or a time after the newest response of the source is now."),
        ("icao24" = Option<String>, Query, example = "4b1814",
            description = "Only this aircraft; may be repeated; at most 500."),
        ("serials" = Option<String>, Query, example = "roof",
            description = "Only states from the source of this name; may be repeated.")),
    responses(
        (status = 200, description = "The states.", body = OpenSkyStates<'_>),
        (status = 304, description = "Unchanged since `If-None-Match`."),
        (status = 400, description = "The reason, in an array of one text.", body = Vec<String>)))]
pub(crate) async fn own_states(
    request: HttpRequest,
    state: web::Data<ServerState>,
) -> Result<HttpResponse, OpenSkyError> {
    let query = StatesQuery::parse_own(&request)?;
    respond(&request, &state, query).await
}

async fn respond(request: &HttpRequest, state: &ServerState, query: StatesQuery) -> Result<HttpResponse, OpenSkyError> {
    let StatesQuery { is_extended, time, .. } = query;
    if time.is_none() && query.is_whole() {
        let name = if is_extended { "opensky-extended" } else { "opensky" };
        let format = PictureFormat { name, media_type: JSON, lifetime: None };
        return Ok(state.whole_picture(request, format, move |view| render(view, &query)).await?);
    }
    let view = state.view().await;
    let body = match (time, view) {
        (None, view) => render(&*view?, &query)?,
        (Some(time), Ok(view)) if view.observed_at.is_some_and(|newest| newest <= time) => render(&view, &query)?,
        (Some(time), _) => {
            let states = states_at(time, &query.scope, request, state).await?;
            let contained = states.iter().filter(|state| query.contains(state));
            encode(time, contained, is_extended).map_err(Problem::unavailable)?
        }
    };
    Ok(entity_tag::respond(request, state.client(request), JSON, body, |_| {}).await?)
}

fn render(view: &View, query: &StatesQuery) -> Result<Vec<u8>, Problem> {
    // Clients require a time, even before the first response of the source.
    let time = view.observed_at.unwrap_or_else(UnixTime::now);
    let states = view.states.iter().flatten().map(AsRef::as_ref).filter(|state| query.contains(state));
    encode(time, states, query.is_extended).map_err(Problem::unavailable)
}

/// Reads the newest state of every aircraft at an earlier time, ordered by address.
///
/// The box cannot restrict the rows: an aircraft that has left it would be found where it was before.
async fn states_at(
    time: UnixTime,
    scope: &Scope,
    request: &HttpRequest,
    state: &ServerState,
) -> Result<Vec<StateVector>, OpenSkyError> {
    let storage = state.storage()?;
    let _permit = state.limits.history_permit(state.client(request).address)?;
    let icao24 = scope.icao24.iter().copied().collect();
    Ok(storage.newest(&NewestQuery { from: time.minus(state.aircraft_timeout), to: time, icao24 }).await?)
}
