//! `/api/v1/tracks`: streams the tracks of all flights of a period as simplified lines.

use std::time::Duration;

use actix_web::http::Method;
use actix_web::http::header::{CACHE_CONTROL, CONTENT_TYPE, VARY};
use actix_web::{HttpRequest, HttpResponse, web};
use actors::domain::{Icao24, UnixTime};
use actors::history::{FlightTrack, FlightTracks, HOUR, Tolerance, TooManyFlights, TrackOptions, TrackPoint};
use serde::Serialize;
use thiserror::Error;
use utoipa::ToSchema;

use super::history_body::{HistoryBody, HistoryClient, HistoryEncoder};
use super::query::{Parameters, Period};
use crate::http::connection::disconnect::DisconnectWatch;
use crate::http::reply::content_negotiation::negotiate;
use crate::http::reply::geojson::{Feature, GEOJSON_ONLY, GeoJsonPosition, Geometry, lines};
use crate::http::reply::head_body::HeadBody;
use crate::http::reply::problem::Problem;
use crate::http::state::ServerState;
use crate::storage::{HistoryQuery, HistoryRow};

/// The default period, for requests without `from`.
const DEFAULT_PERIOD: Duration = Duration::from_secs(24 * 60 * 60);
const DAY: i64 = 24 * HOUR;
/// The longest period, in days.
const MAX_DAYS: i64 = 7;
/// The longest period of requests for certain aircraft, in days.
const MAX_DAYS_OF_AIRCRAFT: i64 = 366;
/// In metres.
const DEFAULT_TOLERANCE: u32 = 100;
/// In metres.
const MAX_TOLERANCE: u32 = 100_000;

/// The tracks as GeoJSON (RFC 7946).
#[derive(Serialize, ToSchema)]
pub(crate) struct FlightLines {
    #[serde(rename = "type")]
    #[schema(pattern = "^FeatureCollection$")]
    kind: &'static str,
    from: UnixTime,
    to: UnixTime,
    /// Metres.
    tolerance: u32,
    /// In the order in which the flights ended.
    features: Vec<Feature<FlightLine>>,
}

/// The flight of a line. It consists of the states of the period, and with `bbox` of those in the box.
#[derive(Serialize, ToSchema)]
struct FlightLine {
    icao24: Icao24,
    /// The first callsign sent.
    callsign: Option<String>,
    /// `last_contact` of its first state.
    first_seen: UnixTime,
    /// `last_contact` of its last state.
    last_seen: UnixTime,
    /// Metres: barometric, or geometric for states without a barometric altitude.
    highest_altitude: Option<f64>,
    /// The number of state vectors.
    states: u64,
    /// Whether the last state is on the ground.
    landed: bool,
    /// 1, unless the flight has more positions than the server holds in memory. It then consists of several features
    /// with the same `first_seen`, whose lines continue each other; the properties of the last one are those of the
    /// whole flight.
    part: u32,
}

/// The tracks of all flights
///
/// A line for each flight between `from` and `to`, by default in the last 24 hours, streamed at any size; at most 7
/// days, or 366 with `icao24`. Flights are those of `/api/v1/flights/past`, cut at the ends of the period. A flight
/// with a single position is a point, and one without any is left out.
///
/// Lines are simplified: every position that is left out is within `tolerance` of the line. A third coordinate is
/// `geo_altitude`, where known. A line that crosses the antimeridian is cut there. With `bbox`, a flight has a line for
/// each time that it was in the box, which also ends with a pause of more than five minutes; flights are then derived
/// from the states in the box and up to 60 km around it.
///
/// The limits on concurrent requests and slow clients are those of `/api/v1/history`, and a response whose transfer
/// ends with an error is incomplete.
#[utoipa::path(get, path = "/api/v1/tracks", tag = "flights",
    params(("from", Query), ("to", Query), ("bbox", Query), ("icao24", Query),
        ("tolerance" = Option<u32>, Query, example = 100, minimum = 0, maximum = 100_000,
            description = "How far a position may be from the line, in metres; by default 100. With 0, all distinct \
                           positions are kept."),
        ("format", Query)),
    responses((status = 200, description = "The lines.", body = FlightLines, content_type = "application/geo+json")))]
pub(crate) async fn tracks(
    request: HttpRequest,
    payload: web::Payload,
    state: web::Data<ServerState>,
) -> Result<HttpResponse, Problem> {
    let parameters = Parameters::parse(&request, &["from", "to", "bbox", "icao24", "tolerance", "format"])?;
    let format = negotiate(GEOJSON_ONLY, parameters.format.as_deref(), &request)?;
    let period = parameters.period(DEFAULT_PERIOD)?;
    let mut icao24: Vec<_> = parameters.scope.icao24.iter().copied().collect();
    icao24.sort_unstable();
    check_length(period, !icao24.is_empty())?;
    let tolerance = parameters.integer("tolerance", 0..=MAX_TOLERANCE)?.unwrap_or(DEFAULT_TOLERANCE);
    let options = TrackOptions {
        gap: state.flight_gap,
        tolerance: Tolerance::metres(tolerance),
        bounding_box: parameters.scope.bounding_box,
    };
    let query =
        HistoryQuery { from: period.from, to: period.to, bounding_box: options.box_to_read(), icao24, callsign: None };
    let storage = state.storage()?;
    let mut response = HttpResponse::Ok();
    response
        .insert_header((CONTENT_TYPE, format.media_type))
        .insert_header((CACHE_CONTROL, "no-store"))
        .insert_header((VARY, "Accept"))
        .insert_header(("X-Accel-Buffering", "no"));
    if request.method() == Method::HEAD {
        return Ok(response.body(HeadBody));
    }
    let permit = state.limits.history_permit(state.client(&request).address)?;
    let client = DisconnectWatch::new(payload.into_inner());
    let reader = HistoryClient { client_timeout: state.limits.client_timeout, permit, client };
    let encoder = TracksEncoder::new(period, tolerance, options).map_err(Problem::unavailable)?;
    Ok(response.body(HistoryBody::start(storage.clone(), query, encoder, reader).await?))
}

fn check_length(Period { from, to }: Period, has_aircraft: bool) -> Result<(), Problem> {
    let (days, hint) = if has_aircraft {
        (MAX_DAYS_OF_AIRCRAFT, String::new())
    } else {
        (MAX_DAYS, format!(" ({MAX_DAYS_OF_AIRCRAFT} with `icao24`)"))
    };
    if to.seconds_since(from) > days * DAY {
        return Err(Problem::bad_parameter("from", format!("more than {days} days before `to`{hint}")));
    }
    Ok(())
}

/// Encodes each track as a feature on a line of its own, as soon as its flight has ended.
struct TracksEncoder {
    head: Vec<u8>,
    tracks: FlightTracks,
    has_features: bool,
}

#[derive(Debug, Error)]
enum TracksError {
    #[error(transparent)]
    TooManyFlights(#[from] TooManyFlights),
    #[error(transparent)]
    Json(#[from] serde_json::Error),
}

impl TracksEncoder {
    /// What follows the features.
    const END: &[u8] = b"]}";

    fn new(Period { from, to }: Period, tolerance: u32, options: TrackOptions) -> serde_json::Result<Self> {
        let empty = FlightLines { kind: "FeatureCollection", from, to, tolerance, features: Vec::new() };
        let mut head = serde_json::to_vec(&empty)?;
        head.truncate(head.len() - Self::END.len());
        Ok(Self { head, tracks: FlightTracks::new(options), has_features: false })
    }
}

impl HistoryEncoder for TracksEncoder {
    type Error = TracksError;

    const MIN_PART: usize = 16 * 1024;

    fn head(&mut self, into: &mut Vec<u8>) {
        into.append(&mut self.head);
    }

    fn row(&mut self, row: &HistoryRow<'_>, into: &mut Vec<u8>) -> Result<(), TracksError> {
        let mut written = Ok(());
        self.tracks.add(row, |track| put(track, &mut self.has_features, &mut written, into))?;
        Ok(written?)
    }

    fn end(&mut self, into: &mut Vec<u8>) -> Result<(), TracksError> {
        let mut written = Ok(());
        self.tracks.finish(|track| put(track, &mut self.has_features, &mut written, into));
        into.push(b'\n');
        into.extend_from_slice(Self::END);
        into.push(b'\n');
        Ok(written?)
    }
}

/// Appends a track, unless an earlier one failed.
fn put(track: FlightTrack, has_features: &mut bool, written: &mut serde_json::Result<()>, into: &mut Vec<u8>) {
    let Some(feature) = feature(track).filter(|_| written.is_ok()) else { return };
    into.extend_from_slice(if *has_features { b",\n" } else { b"\n" });
    *has_features = true;
    *written = serde_json::to_writer(into, &feature);
}

/// Returns the track as a feature; `None` if it has no position.
fn feature(FlightTrack { flight, part, lines: tracks }: FlightTrack) -> Option<Feature<FlightLine>> {
    let geometry = lines(tracks.iter().map(|line| line.iter().map(position)));
    let geometry = match geometry {
        Some(geometry) => geometry,
        None => Geometry::Point(position(tracks.first()?.first()?)),
    };
    let id = match part {
        1 => format!("{}-{}", flight.icao24, flight.first_seen),
        part => format!("{}-{}-{part}", flight.icao24, flight.first_seen),
    };
    let properties = FlightLine {
        icao24: flight.icao24,
        callsign: flight.callsign.map(Into::into),
        first_seen: flight.first_seen,
        last_seen: flight.last_seen,
        highest_altitude: flight.highest_altitude,
        states: flight.states,
        landed: flight.landed,
        part,
    };
    Some(Feature::new(id, geometry, properties))
}

fn position(point: &TrackPoint) -> GeoJsonPosition {
    GeoJsonPosition::new(point.point(), point.geo_altitude())
}
