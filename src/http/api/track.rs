//! `/api/v1/flights/{icao24}/track`: the positions of one aircraft.

use std::time::Duration;

use actix_web::http::header::LINK;
use actix_web::{HttpRequest, HttpResponse, web};
use actors::domain::{Icao24, StateVector, UnixTime};
use serde::Serialize;
use utoipa::ToSchema;

use super::paging::link_to_next;
use super::query::{Parameters, Period};
use crate::http::reply::content_negotiation::negotiate;
use crate::http::reply::entity_tag;
use crate::http::reply::geojson::{Feature, GeoJsonPosition, POSITION_FORMATS, PositionFormat, line};
use crate::http::reply::problem::Problem;
use crate::http::state::ServerState;
use crate::storage::PositionsQuery;

/// The default period, for requests without `from`.
const DEFAULT_PERIOD: Duration = Duration::from_secs(24 * 60 * 60);
const DEFAULT_LIMIT: u32 = 10_000;
const MAX_LIMIT: u32 = 20_000;

/// The positions of one aircraft.
#[derive(Serialize, ToSchema)]
pub(crate) struct Track<'a> {
    icao24: Icao24,
    from: UnixTime,
    to: UnixTime,
    /// The number of states.
    count: usize,
    /// The `cursor` of the next page; `null` on the last page.
    next_cursor: Option<String>,
    /// Ordered by `time_position`, which is distinct for each state.
    #[schema(value_type = Vec<StateVector>)]
    states: &'a [StateVector],
}

/// The track as GeoJSON (RFC 7946): a line, if there are at least two positions, followed by each position.
#[derive(Serialize, ToSchema)]
pub(crate) struct TrackCollection<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    icao24: Icao24,
    from: UnixTime,
    to: UnixTime,
    /// The `cursor` of the next page; `null` on the last page.
    next_cursor: Option<String>,
    features: Vec<TrackFeature<'a>>,
}

#[derive(Serialize, ToSchema)]
#[serde(untagged)]
enum TrackFeature<'a> {
    Line(Feature<LineProperties>),
    Position(Feature<&'a StateVector>),
}

/// Properties of the line.
#[derive(Serialize, ToSchema)]
struct LineProperties {
    icao24: Icao24,
    /// The first and the last `time_position`.
    times: [Option<UnixTime>; 2],
}

/// The track of an aircraft
///
/// One state for each distinct `time_position`: the earliest with that position; states without a position are left
/// out. `from` and `to` refer to `last_contact`, by default to the last 24 hours. At most `limit` states (by default
/// 10,000, at most 20,000); the next page is at `next_cursor` or the `Link` header.
#[utoipa::path(get, path = "/api/v1/flights/{icao24}/track", tag = "flights",
    params(("icao24" = String, Path, description = "ICAO 24-bit address in hex.", example = "4b1814"),
        ("from", Query), ("to", Query), ("limit", Query), ("cursor", Query), ("format", Query)),
    responses(
        (status = 200, description = "The positions; none for an aircraft that was not seen.", content(
            (Track<'_> = "application/json"), (TrackCollection<'_> = "application/geo+json"))),
        (status = 304, description = "Unchanged since `If-None-Match`.")))]
pub(crate) async fn track(
    request: HttpRequest,
    icao24: web::Path<String>,
    state: web::Data<ServerState>,
) -> Result<HttpResponse, Problem> {
    let icao24 = Icao24::parse(&icao24).map_err(|error| Problem::bad_parameter("icao24", error))?;
    let parameters = Parameters::parse(&request, &["from", "to", "limit", "cursor", "format"])?;
    let format = negotiate(POSITION_FORMATS, parameters.format.as_deref(), &request)?;
    let period = parameters.period(DEFAULT_PERIOD)?;
    let limit = parameters.integer("limit", 1..=MAX_LIMIT)?.unwrap_or(DEFAULT_LIMIT);
    let query = PositionsQuery {
        icao24,
        from: period.from,
        to: period.to,
        after: parameters.time("cursor")?,
        // One more than the page holds, to detect whether there is a next page.
        limit: limit + 1,
    };
    let mut states = state.storage()?.positions(&query).await?;
    let more = states.len() > limit as usize;
    states.truncate(limit as usize);
    let next_cursor = states.last().filter(|_| more).and_then(|last| last.time_position).map(|time| time.to_string());
    let link = next_cursor.as_ref().map(|cursor| link_to_next(&request, period, cursor));
    let body = match format.format {
        PositionFormat::Json => json(icao24, period, next_cursor, &states),
        PositionFormat::GeoJson => geojson(icao24, period, next_cursor, &states),
    };
    let body = body.map_err(Problem::unavailable)?;
    entity_tag::respond(&request, state.client(&request), format.media_type, body, |response| {
        if let Some(link) = link {
            response.insert_header((LINK, link));
        }
    })
    .await
}

fn json(
    icao24: Icao24,
    Period { from, to }: Period,
    next_cursor: Option<String>,
    states: &[StateVector],
) -> serde_json::Result<Vec<u8>> {
    serde_json::to_vec(&Track { icao24, from, to, count: states.len(), next_cursor, states })
}

fn geojson(
    icao24: Icao24,
    Period { from, to }: Period,
    next_cursor: Option<String>,
    states: &[StateVector],
) -> serde_json::Result<Vec<u8>> {
    let times = [states.first(), states.last()].map(|state| state.and_then(|state| state.time_position));
    let line = line(states.iter().filter_map(GeoJsonPosition::of))
        .map(|line| TrackFeature::Line(Feature::new(icao24.to_string(), line, LineProperties { icao24, times })));
    let positions = states.iter().filter_map(|state| Feature::position(state, state.time_position?));
    let features = line.into_iter().chain(positions.map(TrackFeature::Position)).collect();
    serde_json::to_vec(&TrackCollection { kind: "FeatureCollection", icao24, from, to, next_cursor, features })
}
