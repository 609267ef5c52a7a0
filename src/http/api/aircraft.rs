//! `/api/v1/aircraft`: what is known about aircraft in addition to their state vectors.

use actix_web::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use actix_web::{HttpRequest, HttpResponse, web};
use actors::domain::Icao24;
use actors::enrichment::{AircraftFacts, FactOrigin, country_of};
use serde::Serialize;
use utoipa::ToSchema;

use super::query::Parameters;
use crate::http::reply::buffered_response::BufferedResponse;
use crate::http::reply::content_negotiation::{JSON_ONLY, negotiate};
use crate::http::reply::entity_tag;
use crate::http::reply::problem::Problem;
use crate::http::state::ServerState;

/// What is known about one aircraft. Unknown members are left out.
#[derive(Serialize, ToSchema)]
pub(crate) struct KnownAircraft<'a> {
    icao24: Icao24,
    /// The state to which ICAO assigned the address.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    country: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = String, nullable = false, required = false)]
    registration: Option<compact_str::CompactString>,
    /// ICAO type designator.
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    type_code: Option<&'a str>,
    /// Manufacturer and model.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    description: Option<&'a str>,
    /// The operator, or the owner.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    operator: Option<&'a str>,
    /// The airline of the callsign, which may fly with an aircraft of another operator.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    airline: Option<&'a str>,
    /// Only for military aircraft.
    #[serde(skip_serializing_if = "is_false")]
    #[schema(required = false)]
    military: bool,
    sources: FactSources,
}

/// Where each of the values is from.
#[derive(Serialize, ToSchema)]
struct FactSources {
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    country: Option<FactOrigin>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    registration: Option<FactOrigin>,
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    type_code: Option<FactOrigin>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    description: Option<FactOrigin>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    operator: Option<FactOrigin>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    airline: Option<FactOrigin>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    military: Option<FactOrigin>,
}

/// Aircraft of the live picture of which something is known.
#[derive(Serialize, ToSchema)]
pub(crate) struct KnownAircraftList<'a> {
    /// The number of aircraft.
    count: usize,
    /// Ordered by address.
    aircraft: Vec<KnownAircraft<'a>>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "the signature that serde expects")]
fn is_false(flag: &bool) -> bool {
    !flag
}

impl<'a> KnownAircraft<'a> {
    fn new(icao24: Icao24, facts: AircraftFacts<'a>) -> Self {
        let country = country_of(icao24);
        let (registration, registered_by) = facts.registration.unzip();
        let table = |is_known: bool| is_known.then_some(FactOrigin::Table);
        let military = facts.flags.is_military();
        Self {
            icao24,
            country,
            registration,
            type_code: facts.type_code,
            description: facts.description,
            operator: facts.operator,
            airline: facts.airline,
            military,
            sources: FactSources {
                country: country.map(|_| FactOrigin::Computed),
                registration: registered_by,
                type_code: table(facts.type_code.is_some()),
                description: table(facts.description.is_some()),
                operator: table(facts.operator.is_some()),
                airline: facts.airline.map(|_| FactOrigin::Airlines),
                military: table(military),
            },
        }
    }
}

/// Known facts about the aircraft of the live picture
///
/// Registration, type, operator and airline, each with its source. Aircraft of which none of these is known are left
/// out.
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
    let aircraft: Vec<_> = known.collect();
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

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn every_value_says_where_it_is_from() {
        let facts = AircraftFacts {
            registration: Some(("N1".into(), FactOrigin::Computed)),
            type_code: Some("C560"),
            airline: Some("Swiss"),
            ..AircraftFacts::default()
        };
        let known = KnownAircraft::new(Icao24::from_u32(0xa0_0001), facts);
        let expected = json!({
            "icao24": "a00001", "country": "United States", "registration": "N1", "type": "C560", "airline": "Swiss",
            "sources": { "country": "computed", "registration": "computed", "type": "table", "airline": "airlines" },
        });
        assert_eq!(serde_json::to_value(known).unwrap(), expected);
        let unknown = KnownAircraft::new(Icao24::from_u32(0xf0_0000), AircraftFacts::default());
        assert_eq!(serde_json::to_value(unknown).unwrap(), json!({ "icao24": "f00000", "sources": {} }));
    }
}
