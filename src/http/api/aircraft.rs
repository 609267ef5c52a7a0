//! `/api/v1/aircraft`: what is known about aircraft in addition to their state vectors.

use std::collections::HashSet;

use actix_web::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use actix_web::{HttpRequest, HttpResponse, web};
use actors::domain::Icao24;
use actors::enrichment::KnownAircraft;
use serde::Serialize;
use utoipa::ToSchema;

use super::query::Parameters;
use crate::http::reply::buffered_response::BufferedResponse;
use crate::http::reply::content_negotiation::{JSON_ONLY, negotiate};
use crate::http::reply::entity_tag;
use crate::http::reply::problem::Problem;
use crate::http::state::ServerState;

/// Aircraft of the live picture of which something is known.
#[derive(Serialize, ToSchema)]
pub(crate) struct KnownAircraftList<'a> {
    /// The number of aircraft.
    count: usize,
    /// Ordered by address.
    aircraft: Vec<KnownAircraft<'a>>,
}

/// Known facts about the aircraft of the live picture
///
/// Registration, type, operator and airline, each with its source. Aircraft of which none of these is known are left
/// out. Aircraft that `icao24` names need not be in the live picture; without their callsigns, they have no airline.
#[utoipa::path(get, path = "/api/v1/aircraft", tag = "flights",
    params(("icao24", Query), ("registration", Query), ("type", Query), ("operator", Query),
        ("military" = Option<bool>, Query, description = "Only military aircraft."), ("format", Query)),
    responses((status = 200, description = "The aircraft.", body = KnownAircraftList<'_>),
        (status = 304, description = "Unchanged since `If-None-Match`.")))]
pub(crate) async fn known_aircraft(
    request: HttpRequest,
    state: web::Data<ServerState>,
) -> Result<HttpResponse, Problem> {
    let known = ["icao24", "registration", "type", "operator", "military", "format"];
    let parameters = Parameters::parse(&request, &known)?;
    let format = negotiate(JSON_ONLY, parameters.format.as_deref(), &request)?;
    let filter = parameters.fact_filter()?;
    let (view, facts) = (state.view().await?, state.facts.current());
    let states = view.states.iter().flatten().filter(|state| parameters.scope.contains(state));
    let known = states.filter_map(|state| {
        let facts = facts.facts(state.icao24, state.callsign.as_deref());
        (!facts.is_empty() && filter.contains(&facts)).then(|| KnownAircraft::new(state.icao24, facts))
    });
    let mut aircraft: Vec<_> = known.collect();
    let is_live: HashSet<_> = view.states.iter().flatten().map(|state| state.icao24).collect();
    aircraft.extend(parameters.scope.icao24.iter().filter(|icao24| !is_live.contains(icao24)).filter_map(|&icao24| {
        let facts = facts.facts(icao24, None);
        (!facts.is_empty() && filter.contains(&facts)).then(|| KnownAircraft::new(icao24, facts))
    }));
    aircraft.sort_unstable_by_key(KnownAircraft::icao24);
    let list = KnownAircraftList { count: aircraft.len(), aircraft };
    let body = serde_json::to_vec(&list).map_err(Problem::unavailable)?;
    entity_tag::respond(&request, state.client(&request), format.media_type, body, |_| {}).await
}

/// Known facts about an aircraft
///
/// For any address, whether the aircraft is in the live picture or not. Its airline is known while it sends a callsign.
#[utoipa::path(get, path = "/api/v1/aircraft/{icao24}", tag = "flights",
    params(("icao24" = String, Path, description = "ICAO 24-bit address in hex.", example = "4b1814"), ("format", Query)),
    responses((status = 200, description = "What is known; only the address, if nothing else is.",
        body = KnownAircraft<'_>)))]
pub(crate) async fn one_aircraft(
    request: HttpRequest,
    icao24: web::Path<String>,
    state: web::Data<ServerState>,
) -> Result<HttpResponse, Problem> {
    let parameters = Parameters::parse(&request, &["format"])?;
    let format = negotiate(JSON_ONLY, parameters.format.as_deref(), &request)?;
    let icao24 = Icao24::parse(&icao24).map_err(|error| Problem::bad_parameter("icao24", error))?;
    let facts = state.facts.current();
    let view = if state.pictures.is_some() { Some(state.view().await?) } else { None };
    let states = view.as_deref().and_then(|view| view.states.as_deref()).unwrap_or_default();
    let live = states.iter().find(|live| live.icao24 == icao24);
    let callsign = live.and_then(|live| live.callsign.as_deref());
    let known = KnownAircraft::new(icao24, facts.facts(icao24, callsign));
    let body = serde_json::to_vec(&known).map_err(Problem::unavailable)?;
    let mut response = HttpResponse::Ok();
    response.insert_header((CONTENT_TYPE, format.media_type)).insert_header((CACHE_CONTROL, "no-cache"));
    BufferedResponse::plain(&state.limits, body)?.respond(&mut response, state.client(&request))
}
