//! `/v2`: the API of adsb.lol, adsb.fi, airplanes.live and others.

use std::time::{Duration, Instant};

use actix_web::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use actix_web::{HttpRequest, HttpResponse, web};
use actors::domain::StateVector;
use actors::enrichment::FactBook;
use actors::messages::View;

use super::aircraft::{Aircraft, Millis, current_position};
use super::aircraft_list::{AircraftList, aircraft_list, states};
use super::parameters::{Circle, CirclePath, addresses, callsigns, items, squawks};
use crate::http::fact_filter::FactFilter;
use crate::http::pictures::PictureFormat;
use crate::http::reply::buffered_response::BufferedResponse;
use crate::http::reply::problem::Problem;
use crate::http::state::ServerState;

const ALL: PictureFormat =
    PictureFormat { name: "readsb-v2", media_type: "application/json", lifetime: Some(Duration::from_secs(1)) };

/// All aircraft
#[utoipa::path(get, path = "/v2/all", tag = "readsb", operation_id = "readsb_all", responses(
    (status = 200, description = "The whole live picture.", body = AircraftList<'_>),
    (status = 304, description = "Unchanged since `If-None-Match`.")))]
pub(crate) async fn all(request: HttpRequest, state: web::Data<ServerState>) -> Result<HttpResponse, Problem> {
    let started = Instant::now();
    let facts = state.facts.current();
    let render = move |view: &_| {
        let now = Millis::now();
        aircraft_list(states(view).map(|state| Aircraft::of(state, &facts, now)).collect(), now, started)
    };
    state.whole_picture(&request, ALL, render).await
}

/// Aircraft by address
#[utoipa::path(get, path = "/v2/hex/{hex}", tag = "readsb", operation_id = "readsb_hex",
    params(("hex" = String, Path, description = "Addresses in hex, separated by commas; at most 1,000.", example = "4b1814,3c6444")),
    responses((status = 200, description = "The selected aircraft, if any.", body = AircraftList<'_>)))]
pub(crate) async fn hex(
    request: HttpRequest,
    list: web::Path<String>,
    state: web::Data<ServerState>,
) -> Result<HttpResponse, Problem> {
    by_addresses(&request, &list, &state).await
}

/// Aircraft by address
///
/// The same as `/v2/hex/{hex}`.
#[utoipa::path(get, path = "/v2/icao/{hex}", tag = "readsb", operation_id = "readsb_icao",
    params(("hex" = String, Path, description = "Addresses in hex, separated by commas; at most 1,000.", example = "4b1814,3c6444")),
    responses((status = 200, description = "The selected aircraft, if any.", body = AircraftList<'_>)))]
pub(crate) async fn icao(
    request: HttpRequest,
    list: web::Path<String>,
    state: web::Data<ServerState>,
) -> Result<HttpResponse, Problem> {
    by_addresses(&request, &list, &state).await
}

async fn by_addresses(request: &HttpRequest, list: &str, state: &ServerState) -> Result<HttpResponse, Problem> {
    let selected = addresses(list)?;
    respond_with(request, state, |state| selected.contains(&state.icao24)).await
}

/// Aircraft by callsign
#[utoipa::path(get, path = "/v2/callsign/{callsign}", tag = "readsb", operation_id = "readsb_callsign",
    params(("callsign" = String, Path, description = "Callsigns, separated by commas; at most 1,000. Case is ignored.", example = "SWR123")),
    responses((status = 200, description = "The selected aircraft, if any.", body = AircraftList<'_>)))]
pub(crate) async fn callsign(
    request: HttpRequest,
    list: web::Path<String>,
    state: web::Data<ServerState>,
) -> Result<HttpResponse, Problem> {
    let selected = callsigns(&list)?;
    respond_with(&request, &state, |state| {
        state.callsign.as_deref().is_some_and(|callsign| selected.contains(&callsign.to_ascii_uppercase()))
    })
    .await
}

/// Aircraft by transponder code
#[utoipa::path(get, path = "/v2/sqk/{squawk}", tag = "readsb", operation_id = "readsb_sqk",
    params(("squawk" = String, Path, description = "Transponder codes, separated by commas; at most 1,000.", example = "7700")),
    responses((status = 200, description = "The selected aircraft, if any.", body = AircraftList<'_>)))]
pub(crate) async fn sqk(
    request: HttpRequest,
    list: web::Path<String>,
    state: web::Data<ServerState>,
) -> Result<HttpResponse, Problem> {
    by_squawks(&request, &list, &state).await
}

/// Aircraft by transponder code
///
/// The same as `/v2/sqk/{squawk}`.
#[utoipa::path(get, path = "/v2/squawk/{squawk}", tag = "readsb", operation_id = "readsb_squawk",
    params(("squawk" = String, Path, description = "Transponder codes, separated by commas; at most 1,000.", example = "7700")),
    responses((status = 200, description = "The selected aircraft, if any.", body = AircraftList<'_>)))]
pub(crate) async fn squawk(
    request: HttpRequest,
    list: web::Path<String>,
    state: web::Data<ServerState>,
) -> Result<HttpResponse, Problem> {
    by_squawks(&request, &list, &state).await
}

async fn by_squawks(request: &HttpRequest, list: &str, state: &ServerState) -> Result<HttpResponse, Problem> {
    let selected = squawks(list)?;
    respond_with(request, state, |state| state.squawk.as_deref().is_some_and(|squawk| selected.contains(squawk))).await
}

/// Aircraft by registration
#[utoipa::path(get, path = "/v2/reg/{registration}", tag = "readsb", operation_id = "readsb_reg",
    params(("registration" = String, Path, description = "Registrations, separated by commas; at most 1,000. Case and hyphens are ignored.", example = "HB-JCA")),
    responses((status = 200, description = "The selected aircraft, if any.", body = AircraftList<'_>)))]
pub(crate) async fn reg(
    request: HttpRequest,
    list: web::Path<String>,
    state: web::Data<ServerState>,
) -> Result<HttpResponse, Problem> {
    let selected = FactFilter::default().registrations(items("registration", &list)?);
    by_facts(&request, &state, &selected).await
}

/// Aircraft by registration
///
/// The same as `/v2/reg/{registration}`.
#[utoipa::path(get, path = "/v2/registration/{registration}", tag = "readsb", operation_id = "readsb_registration",
    params(("registration" = String, Path, description = "Registrations, separated by commas; at most 1,000. Case and hyphens are ignored.", example = "HB-JCA")),
    responses((status = 200, description = "The selected aircraft, if any.", body = AircraftList<'_>)))]
pub(crate) async fn registration(
    request: HttpRequest,
    list: web::Path<String>,
    state: web::Data<ServerState>,
) -> Result<HttpResponse, Problem> {
    reg(request, list, state).await
}

/// Aircraft by type
#[utoipa::path(get, path = "/v2/type/{type}", tag = "readsb", operation_id = "readsb_type",
    params(("type" = String, Path, description = "ICAO type designators, separated by commas; at most 1,000. Case is ignored.", example = "A320")),
    responses((status = 200, description = "The selected aircraft, if any.", body = AircraftList<'_>)))]
pub(crate) async fn type_code(
    request: HttpRequest,
    list: web::Path<String>,
    state: web::Data<ServerState>,
) -> Result<HttpResponse, Problem> {
    let selected = FactFilter::default().types(items("type", &list)?);
    by_facts(&request, &state, &selected).await
}

/// Military aircraft
///
/// Those that the operator's aircraft table marks as military.
#[utoipa::path(get, path = "/v2/mil", tag = "readsb", operation_id = "readsb_mil",
    responses((status = 200, description = "The selected aircraft, if any.", body = AircraftList<'_>)))]
pub(crate) async fn mil(request: HttpRequest, state: web::Data<ServerState>) -> Result<HttpResponse, Problem> {
    by_facts(&request, &state, &FactFilter::default().military()).await
}

async fn by_facts(request: &HttpRequest, state: &ServerState, selected: &FactFilter) -> Result<HttpResponse, Problem> {
    respond(request, state, |view, facts, now| {
        let selected = states(view).filter(|state| selected.contains(&facts.facts(state.icao24, None)));
        selected.map(|state| Aircraft::of(state, facts, now)).collect()
    })
    .await
}

/// Aircraft around a point
///
/// The aircraft with a current position in a circle, each with its distance and direction.
#[utoipa::path(get, path = "/v2/point/{lat}/{lon}/{radius}", tag = "readsb", operation_id = "readsb_point",
    params(
        ("lat" = f64, Path, description = "Degrees north, -90 to 90.", example = 47.45),
        ("lon" = f64, Path, description = "Degrees east, -180 to 180.", example = 8.56),
        ("radius" = f64, Path, description = "Radius in nautical miles; 250 if larger.", example = 100),
    ),
    responses((status = 200, description = "The aircraft in the circle.", body = AircraftList<'_>)))]
pub(crate) async fn point(
    request: HttpRequest,
    circle: web::Path<CirclePath>,
    state: web::Data<ServerState>,
) -> Result<HttpResponse, Problem> {
    let circle = Circle::try_from(&*circle)?;
    respond(&request, &state, |view, facts, now| aircraft_in(view, facts, circle, now)).await
}

/// Aircraft around a point
///
/// The same as `/v2/point/{lat}/{lon}/{radius}`.
#[utoipa::path(get, path = "/v2/lat/{lat}/lon/{lon}/dist/{radius}", tag = "readsb", operation_id = "readsb_dist",
    params(
        ("lat" = f64, Path, description = "Degrees north, -90 to 90.", example = 47.45),
        ("lon" = f64, Path, description = "Degrees east, -180 to 180.", example = 8.56),
        ("radius" = f64, Path, description = "Radius in nautical miles; 250 if larger.", example = 100),
    ),
    responses((status = 200, description = "The aircraft in the circle.", body = AircraftList<'_>)))]
pub(crate) async fn dist(
    request: HttpRequest,
    circle: web::Path<CirclePath>,
    state: web::Data<ServerState>,
) -> Result<HttpResponse, Problem> {
    point(request, circle, state).await
}

/// The aircraft closest to a point
///
/// The closest aircraft with a current position in a circle, with its distance and direction.
#[utoipa::path(get, path = "/v2/closest/{lat}/{lon}/{radius}", tag = "readsb", operation_id = "readsb_closest",
    params(
        ("lat" = f64, Path, description = "Degrees north, -90 to 90.", example = 47.45),
        ("lon" = f64, Path, description = "Degrees east, -180 to 180.", example = 8.56),
        ("radius" = f64, Path, description = "Radius in nautical miles; 250 if larger.", example = 100),
    ),
    responses((status = 200, description = "The closest aircraft, if any.", body = AircraftList<'_>)))]
pub(crate) async fn closest(
    request: HttpRequest,
    circle: web::Path<CirclePath>,
    state: web::Data<ServerState>,
) -> Result<HttpResponse, Problem> {
    let circle = Circle::try_from(&*circle)?;
    respond(&request, &state, |view, facts, now| closest_in(view, facts, circle, now)).await
}

/// A state with a current position, and the distance and direction to it.
struct Found<'a> {
    state: &'a StateVector,
    /// In metres.
    distance: f64,
    /// In degrees.
    direction: f64,
}

impl<'a> Found<'a> {
    fn into_aircraft(self, facts: &'a FactBook, now: Millis) -> Aircraft<'a> {
        Aircraft::of(self.state, facts, now).seen_from_point(self.distance, self.direction)
    }
}

/// Finds the states whose current positions are in a circle.
fn find_in(view: &View, Circle { centre, radius }: Circle, now: Millis) -> impl Iterator<Item = Found<'_>> {
    states(view).filter_map(move |state| {
        let position = current_position(state, now)?;
        let distance = centre.distance_to(position);
        (distance <= radius).then(|| Found { state, distance, direction: centre.direction_to(position) })
    })
}

/// Returns the aircraft in a circle.
fn aircraft_in<'a>(view: &'a View, facts: &'a FactBook, circle: Circle, now: Millis) -> Vec<Aircraft<'a>> {
    find_in(view, circle, now).map(|found| found.into_aircraft(facts, now)).collect()
}

/// Returns the aircraft in a circle that is closest to its centre, if any.
fn closest_in<'a>(view: &'a View, facts: &'a FactBook, circle: Circle, now: Millis) -> Vec<Aircraft<'a>> {
    let closest = find_in(view, circle, now).min_by(|a, b| a.distance.total_cmp(&b.distance));
    closest.map(|found| found.into_aircraft(facts, now)).into_iter().collect()
}

/// Responds with the states that are `selected`.
async fn respond_with(
    request: &HttpRequest,
    state: &ServerState,
    selected: impl Fn(&StateVector) -> bool,
) -> Result<HttpResponse, Problem> {
    respond(request, state, |view, facts, now| {
        states(view).filter(|state| selected(state)).map(|state| Aircraft::of(state, facts, now)).collect()
    })
    .await
}

/// Responds with aircraft of the live picture.
async fn respond(
    request: &HttpRequest,
    state: &ServerState,
    select: impl for<'a> FnOnce(&'a View, &'a FactBook, Millis) -> Vec<Aircraft<'a>>,
) -> Result<HttpResponse, Problem> {
    let started = Instant::now();
    let (view, facts) = (state.view().await?, state.facts.current());
    let now = Millis::now();
    let text = aircraft_list(select(&view, &facts, now), now, started)?;
    let mut response = HttpResponse::Ok();
    response.insert_header((CONTENT_TYPE, "application/json")).insert_header((CACHE_CONTROL, "no-cache"));
    BufferedResponse::encode(&state.limits, text, BufferedResponse::encoding_for(request))
        .await?
        .respond(&mut response, state.client(request))
}
