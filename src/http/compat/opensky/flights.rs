//! `/api/flights`: past flights, of all aircraft, of one, or at an airport.

use std::time::Duration;

use actix_web::{HttpRequest, HttpResponse, web};
use actors::domain::{Flight, Icao24, UnixTime};
use actors::enrichment::{AirportGuess, arrival, departure};
use serde::Serialize;
use utoipa::ToSchema;

use super::parameters::Parameters;
use super::reply::{JSON, OpenSkyError};
use super::rows::Padded;
use crate::http::reply::entity_tag;
use crate::http::reply::problem::Problem;
use crate::http::state::ServerState;
use crate::storage::{FlightQuery, Storage};

/// A flight. The airports follow from its first and last positions; `null` if these are not low and near one.
///
/// OpenSky's Python client assigns the members by their order.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct OpenSkyFlight<'a> {
    icao24: Icao24,
    /// `last_contact` of its first state in the air.
    first_seen: UnixTime,
    est_departure_airport: Option<&'a str>,
    /// `last_contact` of its last state so far.
    last_seen: UnixTime,
    est_arrival_airport: Option<&'a str>,
    /// Padded to eight characters.
    #[schema(value_type = Option<String>)]
    callsign: Option<Padded<'a>>,
    est_departure_airport_horiz_distance: Option<u32>,
    est_departure_airport_vert_distance: Option<u32>,
    est_arrival_airport_horiz_distance: Option<u32>,
    est_arrival_airport_vert_distance: Option<u32>,
    departure_airport_candidates_count: u32,
    arrival_airport_candidates_count: u32,
}

impl<'a> From<&'a Flight> for OpenSkyFlight<'a> {
    fn from(flight: &'a Flight) -> Self {
        let (departure, arrival) = (departure(flight), arrival(flight));
        let metres = |length: f64| length.abs().round() as u32;
        let distance = |guess: &Option<AirportGuess>| guess.map(|guess| metres(guess.distance));
        let height = |guess: &Option<AirportGuess>| guess.and_then(|guess| guess.height).map(metres);
        let candidates = |guess: &Option<AirportGuess>| guess.map_or(0, |guess| guess.candidates);
        Self {
            icao24: flight.icao24,
            first_seen: flight.first_seen,
            est_departure_airport: departure.map(|guess| guess.airport.icao),
            last_seen: flight.last_seen,
            est_arrival_airport: arrival.map(|guess| guess.airport.icao),
            callsign: flight.callsign.as_deref().map(Padded),
            est_departure_airport_horiz_distance: distance(&departure),
            est_departure_airport_vert_distance: height(&departure),
            est_arrival_airport_horiz_distance: distance(&arrival),
            est_arrival_airport_vert_distance: height(&arrival),
            departure_airport_candidates_count: candidates(&departure),
            arrival_airport_candidates_count: candidates(&arrival),
        }
    }
}

const HOUR: i64 = 60 * 60;
const DAY: i64 = 24 * HOUR;

/// The number of flights to read at once.
const PAGE: u32 = 10_000;

/// The maximum number of flights in a response, several times those of the world in two hours.
const MAX_FLIGHTS: usize = 200_000;

struct Interval {
    begin: UnixTime,
    end: UnixTime,
}

impl Interval {
    /// Parses `begin` and `end`, which may be at most `length` seconds apart.
    fn parse(parameters: &Parameters, length: i64) -> Result<Self, OpenSkyError> {
        let (begin, end) = (parameters.required_time("begin")?, parameters.required_time("end")?);
        if begin > end {
            return Err(OpenSkyError::bad_parameter("begin", format_args!("{begin} is after end ({end})")));
        }
        if end.seconds_since(begin) > length {
            let hours = Duration::from_secs(length.unsigned_abs()).as_secs() / 3600;
            return Err(OpenSkyError::bad_parameter("end", format_args!("more than {hours} hours after begin")));
        }
        Ok(Self { begin, end })
    }
}

/// Flights in a time interval (OpenSky)
///
/// The flights seen between `begin` and `end`, at most two hours apart, ordered by `firstSeen`. Flights in progress are
/// included, some minutes behind the live picture.
#[utoipa::path(get, path = "/api/flights/all", tag = "opensky",
    params(
        ("begin" = i64, Query, minimum = 0, example = 1_767_225_600, description = "The start, in Unix seconds."),
        ("end" = i64, Query, minimum = 0, example = 1_767_232_800, description = "The end, in Unix seconds.")),
    responses(
        (status = 200, description = "The flights.", body = Vec<OpenSkyFlight<'_>>),
        (status = 304, description = "Unchanged since `If-None-Match`."),
        (status = 400, description = "The reason, in an array of one text.", body = Vec<String>),
        (status = 404, description = "There are none: an empty array; or this process has no history.", content(
            (Vec<OpenSkyFlight<'_>> = "application/json"), (Problem = "application/problem+json")))))]
pub(crate) async fn all_flights(
    request: HttpRequest,
    state: web::Data<ServerState>,
) -> Result<HttpResponse, OpenSkyError> {
    let Interval { begin, end } = Interval::parse(&Parameters::parse(&request), 2 * HOUR)?;
    let query = FlightQuery { from: begin, to: end, icao24: Vec::new(), callsign: None, after: None, limit: PAGE };
    let _permit = state.limits.history_permit(state.client(&request).address)?;
    let flights = read_all(state.storage()?, query).await?;
    respond(&request, &state, &flights).await
}

/// Flights of an aircraft (OpenSky)
///
/// The flights that started and ended between `begin` and `end`, at most 30 days apart, ordered by `firstSeen`. A
/// flight in progress has ended at its newest state.
#[utoipa::path(get, path = "/api/flights/aircraft", tag = "opensky",
    params(
        ("icao24" = String, Query, example = "4b1814", description = "ICAO 24-bit address in hex."),
        ("begin" = i64, Query, minimum = 0, example = 1_767_225_600, description = "The start, in Unix seconds."),
        ("end" = i64, Query, minimum = 0, example = 1_767_312_000, description = "The end, in Unix seconds.")),
    responses(
        (status = 200, description = "The flights.", body = Vec<OpenSkyFlight<'_>>),
        (status = 304, description = "Unchanged since `If-None-Match`."),
        (status = 400, description = "The reason, in an array of one text.", body = Vec<String>),
        (status = 404, description = "There are none: an empty array; or this process has no history.", content(
            (Vec<OpenSkyFlight<'_>> = "application/json"), (Problem = "application/problem+json")))))]
pub(crate) async fn flights_of_aircraft(
    request: HttpRequest,
    state: web::Data<ServerState>,
) -> Result<HttpResponse, OpenSkyError> {
    let parameters = Parameters::parse(&request);
    let icao24 = parameters.required_icao24()?;
    let Interval { begin, end } = Interval::parse(&parameters, 30 * DAY)?;
    let query = FlightQuery { from: begin, to: end, icao24: vec![icao24], callsign: None, after: None, limit: PAGE };
    let mut flights = read_all(state.storage()?, query).await?;
    flights.retain(|flight| flight.first_seen >= begin && flight.last_seen <= end);
    respond(&request, &state, &flights).await
}

/// Arrivals at an airport (OpenSky)
///
/// The flights that probably arrived at an airport between `begin` and `end`, at most two days apart.
#[utoipa::path(get, path = "/api/flights/arrival", tag = "opensky",
    params(
        ("airport" = String, Query, example = "LSZH", description = "The ICAO code of the airport."),
        ("begin" = i64, Query, minimum = 0, example = 1_767_225_600, description = "The start, in Unix seconds."),
        ("end" = i64, Query, minimum = 0, example = 1_767_312_000, description = "The end, in Unix seconds.")),
    responses(
        (status = 200, description = "The flights.", body = Vec<OpenSkyFlight<'_>>),
        (status = 304, description = "Unchanged since `If-None-Match`."),
        (status = 400, description = "The reason, in an array of one text.", body = Vec<String>),
        (status = 404, description = "There are none: an empty array; or this process has no history.", content(
            (Vec<OpenSkyFlight<'_>> = "application/json"), (Problem = "application/problem+json")))))]
pub(crate) async fn arrivals(
    request: HttpRequest,
    state: web::Data<ServerState>,
) -> Result<HttpResponse, OpenSkyError> {
    at_airport(&request, &state, |flight| (flight.last_seen, arrival(flight))).await
}

/// Departures from an airport (OpenSky)
///
/// The flights that probably departed from an airport between `begin` and `end`, at most two days apart.
#[utoipa::path(get, path = "/api/flights/departure", tag = "opensky",
    params(
        ("airport" = String, Query, example = "LSZH", description = "The ICAO code of the airport."),
        ("begin" = i64, Query, minimum = 0, example = 1_767_225_600, description = "The start, in Unix seconds."),
        ("end" = i64, Query, minimum = 0, example = 1_767_312_000, description = "The end, in Unix seconds.")),
    responses(
        (status = 200, description = "The flights.", body = Vec<OpenSkyFlight<'_>>),
        (status = 304, description = "Unchanged since `If-None-Match`."),
        (status = 400, description = "The reason, in an array of one text.", body = Vec<String>),
        (status = 404, description = "There are none: an empty array; or this process has no history.", content(
            (Vec<OpenSkyFlight<'_>> = "application/json"), (Problem = "application/problem+json")))))]
pub(crate) async fn departures(
    request: HttpRequest,
    state: web::Data<ServerState>,
) -> Result<HttpResponse, OpenSkyError> {
    at_airport(&request, &state, |flight| (flight.first_seen, departure(flight))).await
}

/// Responds with the flights that were at an airport within the interval, by the time and the airport of each.
async fn at_airport(
    request: &HttpRequest,
    state: &ServerState,
    visit: fn(&Flight) -> (UnixTime, Option<AirportGuess>),
) -> Result<HttpResponse, OpenSkyError> {
    let parameters = Parameters::parse(request);
    let airport = parameters.required_airport()?;
    let Interval { begin, end } = Interval::parse(&parameters, 2 * DAY)?;
    let query = FlightQuery { from: begin, to: end, icao24: Vec::new(), callsign: None, after: None, limit: PAGE };
    let _permit = state.limits.history_permit(state.client(request).address)?;
    let mut flights = read_all(state.storage()?, query).await?;
    let select = move || {
        flights.retain(|flight| {
            let (at, guess) = visit(flight);
            (begin..=end).contains(&at) && guess.is_some_and(|guess| guess.airport.icao == airport)
        });
        flights
    };
    // Finding the airports of thousands of flights takes a while.
    let flights = tokio::task::spawn_blocking(select).await.map_err(Problem::unavailable)?;
    respond(request, state, &flights).await
}

/// Reads all matching flights, page by page.
async fn read_all(storage: &Storage, mut query: FlightQuery) -> Result<Vec<Flight>, OpenSkyError> {
    let mut flights = Vec::new();
    loop {
        let page = storage.flights(&query).await?;
        let is_last = page.len() < query.limit as usize;
        query.after = page.last().map(|flight| (flight.first_seen, flight.icao24));
        flights.extend(page);
        if is_last {
            return Ok(flights);
        }
        if flights.len() >= MAX_FLIGHTS {
            return Err(OpenSkyError::bad_parameter("end", format_args!("more than {MAX_FLIGHTS} flights")));
        }
    }
}

async fn respond(request: &HttpRequest, state: &ServerState, flights: &[Flight]) -> Result<HttpResponse, OpenSkyError> {
    if flights.is_empty() {
        return Err(OpenSkyError::NoFlights);
    }
    let flights: Vec<_> = flights.iter().map(OpenSkyFlight::from).collect();
    let body = serde_json::to_vec(&flights).map_err(Problem::unavailable)?;
    Ok(entity_tag::respond(request, state.client(request), JSON, body, |_| {}).await?)
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;
    use actors::domain::StateVector;

    use super::*;

    #[test]
    fn the_members_have_the_order_of_the_python_client() {
        let state: StateVector = StateVector::new(Icao24::from_u32(0x4b1814), UnixTime(7));
        let flight = Flight { callsign: Some("SWR1".into()), ..Flight::starting_with(&(&state).into()) };
        let text = serde_json::to_string(&OpenSkyFlight::from(&flight)).unwrap();
        let expected = concat!(
            r#"{"icao24":"4b1814","firstSeen":7,"estDepartureAirport":null,"lastSeen":7,"estArrivalAirport":null,"#,
            r#""callsign":"SWR1    ","estDepartureAirportHorizDistance":null,"estDepartureAirportVertDistance":null,"#,
            r#""estArrivalAirportHorizDistance":null,"estArrivalAirportVertDistance":null,"#,
            r#""departureAirportCandidatesCount":0,"arrivalAirportCandidatesCount":0}"#,
        );
        assert_eq!(text, expected);
    }

    #[test]
    fn an_interval_is_limited() {
        let check = |query: &str, expected: Result<(i64, i64), &str>| {
            let request = TestRequest::with_uri(&format!("/api/flights/all?{query}")).to_http_request();
            match (Interval::parse(&Parameters::parse(&request), 2 * HOUR), expected) {
                (Ok(Interval { begin, end }), Ok(expected)) => assert_eq!((begin.0, end.0), expected, "{query}"),
                (Err(error), Err(reason)) => assert_eq!(error.to_string(), reason, "{query}"),
                (parsed, _) => panic!("{query}: {:?}", parsed.map(|parsed| (parsed.begin, parsed.end))),
            }
        };
        check("begin=100&end=7300", Ok((100, 7300)));
        check("begin=100&end=100", Ok((100, 100)));
        check("begin=100&end=7301", Err("end: more than 2 hours after begin"));
        check("begin=100&end=99", Err("begin: 100 is after end (99)"));
        check("begin=100", Err("end: required, in Unix seconds"));
        check("end=100", Err("begin: required, in Unix seconds"));
        check("begin=x&end=100", Err("begin: expected Unix seconds, not \"x\""));
    }
}
