//! `/api/v1/flights`: the live picture.

use actix_web::http::header::{CACHE_CONTROL, CONTENT_TYPE, ETAG, VARY};
use actix_web::{HttpRequest, HttpResponse, web};
use actors::domain::{StateVector, UnixTime};
use actors::messages::{Scope, View};
use serde::Serialize;
use utoipa::ToSchema;

use super::query::Parameters;
use crate::http::pictures::{self, PictureFormat};
use crate::http::reply::buffered_response::BufferedResponse;
use crate::http::reply::content_negotiation::{Representation, negotiate};
use crate::http::reply::entity_tag::is_known;
use crate::http::reply::geojson::{Feature, POSITION_FORMATS, PositionFormat};
use crate::http::reply::problem::Problem;
use crate::http::state::ServerState;

/// The live picture, or a part of it.
#[derive(Serialize, ToSchema)]
pub(crate) struct Flights<'a> {
    /// The newest response time of the source, in Unix seconds.
    time: Option<UnixTime>,
    /// The number of states.
    count: usize,
    /// Ordered by aircraft.
    #[schema(value_type = Vec<StateVector>)]
    states: Vec<&'a StateVector>,
}

/// The live picture as GeoJSON (RFC 7946): the aircraft with a known position.
#[derive(Serialize, ToSchema)]
pub(crate) struct FeatureCollection<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    /// A foreign member, as RFC 7946 allows: the newest response time.
    time: Option<UnixTime>,
    /// One per aircraft.
    features: Vec<Feature<&'a StateVector>>,
}

/// The live picture, or a part of it
///
/// The newest state of every aircraft seen recently, from memory. As GeoJSON: the aircraft with a known position.
#[utoipa::path(get, path = "/api/v1/flights", tag = "flights",
    params(("bbox", Query), ("icao24", Query), ("registration", Query), ("type", Query), ("operator", Query),
        ("format", Query)),
    responses((status = 200, description = "The live picture.", content(
        (Flights<'_> = "application/json"), (FeatureCollection<'_> = "application/geo+json"))),
        (status = 304, description = "Unchanged since `If-None-Match`.")))]
pub(crate) async fn flights(request: HttpRequest, state: web::Data<ServerState>) -> Result<HttpResponse, Problem> {
    let parameters = Parameters::parse(&request, &["bbox", "icao24", "registration", "type", "operator", "format"])?;
    let Representation { format, name, media_type } =
        *negotiate(POSITION_FORMATS, parameters.format.as_deref(), &request)?;
    let filter = parameters.fact_filter()?;
    if parameters.scope == Scope::default() && filter.is_all() {
        let whole = PictureFormat { name, media_type, lifetime: None };
        return state.whole_picture(&request, whole, move |view| render(format, view, |_| true)).await;
    }
    let view = state.view().await?;
    let facts = state.facts.current();
    let tag = pictures::entity_tag(view.version, &format!("{name}-{}", facts.version));
    let known = is_known(&request, &tag);
    let mut response = if known { HttpResponse::NotModified() } else { HttpResponse::Ok() };
    response.insert_header((ETAG, tag)).insert_header((CACHE_CONTROL, "no-cache")).insert_header((VARY, "Accept"));
    if known {
        return Ok(response.finish());
    }
    response.insert_header((CONTENT_TYPE, media_type));
    let is_selected = |state: &StateVector| {
        parameters.scope.contains(state)
            && (filter.is_all() || filter.contains(&facts.facts(state.icao24, state.callsign.as_deref())))
    };
    let text = render(format, &view, is_selected)?;
    BufferedResponse::encode(&state.limits, text, BufferedResponse::encoding_for(&request))
        .await?
        .respond(&mut response, state.client(&request))
}

/// Renders the states of a view that are `contained` in the requested scope.
fn render(format: PositionFormat, view: &View, contained: impl Fn(&StateVector) -> bool) -> Result<Vec<u8>, Problem> {
    let time = view.observed_at;
    let states = view.states.iter().flatten().filter(|state| contained(state)).map(AsRef::as_ref);
    let text = match format {
        PositionFormat::Json => {
            let states: Vec<_> = states.collect();
            serde_json::to_vec(&Flights { time, count: states.len(), states })
        }
        PositionFormat::GeoJson => {
            let features = states.filter_map(Feature::aircraft).collect();
            serde_json::to_vec(&FeatureCollection { kind: "FeatureCollection", time, features })
        }
    };
    text.map_err(Problem::unavailable)
}
