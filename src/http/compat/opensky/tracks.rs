//! `/api/tracks/all`: the waypoints of one flight.

use actix_web::{HttpRequest, HttpResponse, web};
use actors::domain::{Icao24, UnixTime};
use actors::history::{FlightWaypoints, MAX_FLIGHT, WantedFlight, Waypoint, WaypointFinder};
use serde::{Serialize, Serializer};
use utoipa::ToSchema;

use super::parameters::Parameters;
use super::reply::{JSON, OpenSkyError};
use super::rows::{Number, Padded};
use crate::http::api::history_body::HistoryClient;
use crate::http::api::history_fold::fold_history;
use crate::http::connection::disconnect::DisconnectWatch;
use crate::http::reply::entity_tag;
use crate::http::reply::problem::Problem;
use crate::http::state::ServerState;
use crate::storage::HistoryQuery;

/// The track of a flight.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct OpenSkyTrack<'a> {
    icao24: Icao24,
    /// The time of the first waypoint.
    start_time: UnixTime,
    /// The time of the last waypoint.
    end_time: UnixTime,
    /// Padded to eight characters.
    #[schema(value_type = Option<String>)]
    callsign: Option<Padded<'a>>,
    /// Each waypoint has the columns `time`, `latitude`, `longitude`, `baro_altitude`, `true_track` and `on_ground`.
    #[schema(value_type = Vec<Vec<serde_json::Value>>)]
    path: Vec<Row<'a>>,
}

/// A waypoint as OpenSky writes it.
struct Row<'a>(&'a Waypoint);

impl Serialize for Row<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Waypoint { time, position, baro_altitude, true_track, on_ground } = self.0;
        let (lat, lon) = (Number(position.lat), Number(position.lon));
        (time, lat, lon, baro_altitude.map(Number), true_track.map(Number), on_ground).serialize(serializer)
    }
}

/// The track of a flight (OpenSky)
///
/// The waypoints of the flight of an aircraft at a time: the first and the last position; every position after a turn
/// by more than 2.5 degrees, a change of altitude by more than 100 m, or a change between ground and air; and one at
/// least every 15 minutes.
#[utoipa::path(get, path = "/api/tracks/all", tag = "opensky",
    params(
        ("icao24" = String, Query, example = "4b1814", description = "ICAO 24-bit address in hex."),
        ("time" = Option<i64>, Query, minimum = 0, example = 0,
            description = "Any time during the flight, in Unix seconds; 0, the default, for a flight in progress.")),
    responses(
        (status = 200, description = "The track.", body = OpenSkyTrack<'_>),
        (status = 304, description = "Unchanged since `If-None-Match`."),
        (status = 400, description = "The reason, in an array of one text.", body = Vec<String>)))]
pub(crate) async fn track_of_flight(
    request: HttpRequest,
    payload: web::Payload,
    state: web::Data<ServerState>,
) -> Result<HttpResponse, OpenSkyError> {
    let parameters = Parameters::parse(&request);
    let icao24 = parameters.required_icao24()?;
    let now = UnixTime::now();
    let (wanted, from, to) = match parameters.time("time")?.filter(|time| time.0 != 0) {
        None => (WantedFlight::InProgress(now), now.minus(MAX_FLIGHT), now.plus(state.flight_gap)),
        Some(time) => (WantedFlight::At(time), time.minus(MAX_FLIGHT), time.plus(MAX_FLIGHT)),
    };
    let storage = state.storage()?.clone();
    let permit = state.limits.history_permit(state.client(&request).address)?;
    let query = HistoryQuery { from, to, bounding_box: None, icao24: vec![icao24], callsign: None };
    let client = DisconnectWatch::new(payload.into_inner());
    let reader = HistoryClient { client_timeout: state.limits.client_timeout, permit, client };
    let finder = WaypointFinder::new(wanted, state.flight_gap);
    let finder = fold_history(storage, query, reader, finder, |finder, row| finder.add(row));
    let found = finder.await?.finish();
    let Some(track) = found.as_ref().and_then(track) else {
        let detail = match wanted {
            WantedFlight::InProgress(_) => format!("{icao24} has no flight in progress"),
            WantedFlight::At(time) => format!("{icao24} has no flight at {time}"),
        };
        return Err(Problem::not_found(detail).into());
    };
    let body = serde_json::to_vec(&track).map_err(Problem::unavailable)?;
    Ok(entity_tag::respond(&request, state.client(&request), JSON, body, |_| {}).await?)
}

/// Returns the track of a flight; `None` if it has no position.
fn track(FlightWaypoints { flight, waypoints }: &FlightWaypoints) -> Option<OpenSkyTrack<'_>> {
    Some(OpenSkyTrack {
        icao24: flight.icao24,
        start_time: waypoints.first()?.time,
        end_time: waypoints.last()?.time,
        callsign: flight.callsign.as_deref().map(Padded),
        path: waypoints.iter().map(Row).collect(),
    })
}
