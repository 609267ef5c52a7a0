//! `/api/v1/flights`: the live picture at this moment.

use std::sync::Arc;

use actix_web::http::header::{CACHE_CONTROL, CONTENT_TYPE, VARY};
use actix_web::{HttpRequest, HttpResponse, web};
use actors::domain::{StateVector, UnixTime};
use actors::messages::{Look, View};
use serde::Serialize;
use utoipa::ToSchema;

use super::form::{Offer, choose};
use super::geojson::Feature;
use super::problem::Problem;
use super::query::Parameters;
use super::server::ServerState;

/// The live picture, or a part of it.
#[derive(Serialize, ToSchema)]
pub(super) struct Flights<'a> {
    /// The newest response time of the source, in Unix seconds.
    time: Option<UnixTime>,
    /// How many states follow.
    count: usize,
    /// Ordered by aircraft.
    #[schema(value_type = Vec<StateVector>)]
    states: &'a [Arc<StateVector>],
}

/// The same as GeoJSON (RFC 7946): the aircraft that have a position.
#[derive(Serialize, ToSchema)]
pub(super) struct FeatureCollection<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    /// A foreign member, as RFC 7946 allows: the newest response time.
    time: Option<UnixTime>,
    /// One for each aircraft.
    features: Vec<Feature<&'a StateVector>>,
}

#[derive(Clone, Copy)]
enum Form {
    Json,
    GeoJson,
}

const FORMS: &[Offer<Form>] = &[
    Offer { form: Form::Json, name: "json", media_type: "application/json" },
    Offer { form: Form::GeoJson, name: "geojson", media_type: "application/geo+json" },
];

/// The live picture, or a part of it
///
/// The newest state of every aircraft that was heard lately, from memory. As GeoJSON: the aircraft that have a position.
#[utoipa::path(get, path = "/api/v1/flights", tag = "flights",
    params(("bbox", Query), ("icao24", Query), ("format", Query)),
    responses((status = 200, description = "The picture at this moment.", content(
        (Flights<'_> = "application/json"), (FeatureCollection<'_> = "application/geo+json")))))]
pub(super) async fn flights(request: HttpRequest, state: web::Data<ServerState>) -> Result<HttpResponse, Problem> {
    let parameters = Parameters::of(&request, &["bbox", "icao24", "format"])?;
    let form = choose(FORMS, &parameters, &request)?;
    let Some(hub) = &state.hub else {
        return Err(Problem::not_found("this process has no live picture: it lacks the role `live`"));
    };
    let look = tokio::time::timeout(ServerState::ANSWER_TIMEOUT, hub.send(Look(parameters.scope))).await;
    let Ok(Ok(view)) = look else { return Err(Problem::unavailable("the live picture is restarting")) };
    let body = match form.form {
        Form::Json => json(&view),
        Form::GeoJson => geojson(&view),
    };
    Ok(HttpResponse::Ok()
        .insert_header((CONTENT_TYPE, form.media_type))
        .insert_header((CACHE_CONTROL, "no-cache"))
        .insert_header((VARY, "Accept"))
        .body(body.map_err(Problem::unavailable)?))
}

fn json(view: &View) -> serde_json::Result<Vec<u8>> {
    serde_json::to_vec(&Flights { time: view.observed_at, count: view.states.len(), states: &view.states })
}

fn geojson(view: &View) -> serde_json::Result<Vec<u8>> {
    serde_json::to_vec(&FeatureCollection {
        kind: "FeatureCollection",
        time: view.observed_at,
        features: view.states.iter().filter_map(|state| Feature::aircraft(state)).collect(),
    })
}
