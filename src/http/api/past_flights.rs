//! `/api/v1/flights/past`: flights derived from the stored state vectors.

use std::time::Duration;

use actix_web::http::header::LINK;
use actix_web::{HttpRequest, HttpResponse, web};
use actors::domain::{Flight, Icao24, UnixTime};
use actors::enrichment::{Airport, AirportGuess, arrival, departure};
use serde::Serialize;
use utoipa::ToSchema;

use super::paging::link_to_next;
use super::query::Parameters;
use crate::http::reply::content_negotiation::{JSON_ONLY, negotiate};
use crate::http::reply::entity_tag;
use crate::http::reply::problem::Problem;
use crate::http::state::ServerState;
use crate::storage::FlightQuery;

/// The default period, for requests without `from`.
const DEFAULT_PERIOD: Duration = Duration::from_secs(24 * 60 * 60);
const DEFAULT_LIMIT: u32 = 1_000;
const MAX_LIMIT: u32 = 10_000;

/// Past flights.
#[derive(Serialize, ToSchema)]
pub(crate) struct PastFlights {
    from: UnixTime,
    to: UnixTime,
    /// The number of flights.
    count: usize,
    /// The `cursor` of the next page; `null` on the last page.
    next_cursor: Option<String>,
    /// Ordered by `first_seen`, then by `icao24`.
    flights: Vec<PastFlight>,
}

/// Consecutive states of one aircraft: from the first in the air to the first on the ground, or the last before a gap
/// or a change of the callsign.
#[derive(Serialize, ToSchema)]
struct PastFlight {
    icao24: Icao24,
    /// The first callsign sent.
    callsign: Option<String>,
    /// `last_contact` of its first state.
    first_seen: UnixTime,
    /// `last_contact` of its last state so far.
    last_seen: UnixTime,
    /// The first known position, degrees north.
    first_lat: Option<f64>,
    /// The first known position, degrees east.
    first_lon: Option<f64>,
    /// The last known position, degrees north.
    last_lat: Option<f64>,
    /// The last known position, degrees east.
    last_lon: Option<f64>,
    /// Metres: the sum of the great-circle distances between successive positions.
    distance: f64,
    /// Metres: barometric, or geometric for states without a barometric altitude.
    highest_altitude: Option<f64>,
    /// The number of state vectors.
    states: u64,
    /// Whether the last state is on the ground.
    landed: bool,
    /// Where it probably departed; `null` if its first position was not low near an airport.
    departure: Option<ProbableAirport>,
    /// Where it probably arrived; `null` if its last position was not low near an airport.
    arrival: Option<ProbableAirport>,
}

/// An airport that follows from a position.
#[derive(Serialize, ToSchema)]
struct ProbableAirport {
    /// ICAO code, or a code of the same kind for an airfield without one.
    icao: &'static str,
    /// IATA code.
    iata: Option<&'static str>,
    name: &'static str,
    /// Metres between the position and the airport.
    distance: f64,
    /// Metres of the position above the airport; `null` if the altitude is unknown.
    height: Option<f64>,
    source: AirportSource,
}

/// Where an airport is from.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum AirportSource {
    /// The airports that are part of the program, by the position.
    Airports,
}

impl From<AirportGuess> for ProbableAirport {
    fn from(guess: AirportGuess) -> Self {
        let Airport { icao, iata, name, .. } = guess.airport;
        let (distance, height) = (guess.distance.round(), guess.height.map(f64::round));
        Self { icao, iata, name, distance, height, source: AirportSource::Airports }
    }
}

impl From<Flight> for PastFlight {
    fn from(flight: Flight) -> Self {
        let (first, last) = (flight.first_position, flight.last_position);
        let [departure, arrival] = [departure(&flight), arrival(&flight)].map(|guess| guess.map(Into::into));
        Self {
            icao24: flight.icao24,
            callsign: flight.callsign.map(Into::into),
            first_seen: flight.first_seen,
            last_seen: flight.last_seen,
            first_lat: first.map(|point| point.lat),
            first_lon: first.map(|point| point.lon),
            last_lat: last.map(|point| point.lat),
            last_lon: last.map(|point| point.lon),
            distance: flight.distance,
            highest_altitude: flight.highest_altitude,
            states: flight.states,
            landed: flight.landed,
            departure,
            arrival,
        }
    }
}

/// Past flights
///
/// Flights seen between `from` and `to`, by default in the last 24 hours, including those in progress, which lag a few
/// minutes behind the live picture. At most `limit` flights (by default 1,000, at most 10,000); the next page is at
/// `next_cursor` or the `Link` header.
#[utoipa::path(get, path = "/api/v1/flights/past", tag = "flights",
    params(("from", Query), ("to", Query), ("icao24", Query),
        ("callsign" = Option<String>, Query, example = "SWR123",
            description = "Only flights with this callsign; case and surrounding spaces are ignored."),
        ("limit", Query), ("cursor", Query), ("format", Query)),
    responses(
        (status = 200, description = "The flights.", body = PastFlights),
        (status = 304, description = "Unchanged since `If-None-Match`.")))]
pub(crate) async fn past_flights(request: HttpRequest, state: web::Data<ServerState>) -> Result<HttpResponse, Problem> {
    let parameters = Parameters::parse(&request, &["from", "to", "icao24", "callsign", "limit", "cursor", "format"])?;
    let format = negotiate(JSON_ONLY, parameters.format.as_deref(), &request)?;
    let period = parameters.period(DEFAULT_PERIOD)?;
    let limit = parameters.integer("limit", 1..=MAX_LIMIT)?.unwrap_or(DEFAULT_LIMIT);
    let query = FlightQuery {
        from: period.from,
        to: period.to,
        callsign: parameters.text("callsign").map(callsign).transpose()?,
        after: parameters.text("cursor").map(parse_cursor).transpose()?,
        icao24: parameters.scope.icao24.into_iter().collect(),
        // One more than the page holds, to detect whether there is a next page.
        limit: limit + 1,
    };
    let mut flights = state.storage()?.flights(&query).await?;
    let more = flights.len() > limit as usize;
    flights.truncate(limit as usize);
    let next_cursor = flights.last().filter(|_| more).map(cursor);
    let link = next_cursor.as_ref().map(|cursor| link_to_next(&request, period, cursor));
    let body = PastFlights {
        from: period.from,
        to: period.to,
        count: flights.len(),
        next_cursor,
        flights: flights.into_iter().map(PastFlight::from).collect(),
    };
    let body = serde_json::to_vec(&body).map_err(Problem::unavailable)?;
    entity_tag::respond(&request, state.client(&request), format.media_type, body, |response| {
        if let Some(link) = link {
            response.insert_header((LINK, link));
        }
    })
    .await
}

fn callsign(text: &str) -> Result<String, Problem> {
    match text.trim() {
        "" => Err(Problem::bad_parameter("callsign", "must not be blank")),
        callsign if callsign.contains('\0') => Err(Problem::bad_parameter("callsign", "must not contain NUL")),
        callsign => Ok(callsign.to_owned()),
    }
}

/// Returns the cursor of a flight, which consists of its `first_seen` and its aircraft.
fn cursor(flight: &Flight) -> String {
    format!("{}-{}", flight.first_seen, flight.icao24)
}

fn parse_cursor(text: &str) -> Result<(UnixTime, Icao24), Problem> {
    let parsed = text
        .rsplit_once('-')
        .and_then(|(first_seen, icao24)| Some((UnixTime(first_seen.parse().ok()?), Icao24::parse(icao24).ok()?)));
    parsed.ok_or_else(|| Problem::bad_parameter("cursor", "not a next_cursor of an earlier response"))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_cursor_round_trips(first_seen in any::<i64>(), icao24 in 0u32..1 << 24) {
            let written = format!("{}-{}", UnixTime(first_seen), Icao24::from_u32(icao24));
            let read = parse_cursor(&written).unwrap();
            prop_assert_eq!(read, (UnixTime(first_seen), Icao24::from_u32(icao24)));
        }

        #[test]
        fn parsing_a_cursor_never_panics(text in "\\PC{0,30}") {
            let _ = parse_cursor(&text);
        }
    }
}
