//! `/api/v1/flights`: the live picture at this moment.

use std::sync::Arc;

use actix_web::http::StatusCode;
use actix_web::http::header::{CACHE_CONTROL, CONTENT_TYPE, ETAG, IF_NONE_MATCH, VARY};
use actix_web::{HttpRequest, HttpResponse, web};
use actors::domain::{StateVector, UnixTime};
use actors::messages::{Look, Version, View};
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
        (Flights<'_> = "application/json"), (FeatureCollection<'_> = "application/geo+json"))),
        (status = 304, description = "It is the one of `If-None-Match`.")))]
pub(super) async fn flights(request: HttpRequest, state: web::Data<ServerState>) -> Result<HttpResponse, Problem> {
    let parameters = Parameters::of(&request, &["bbox", "icao24", "format"])?;
    let form = choose(FORMS, &parameters, &request)?;
    let Some(hub) = &state.hub else {
        return Err(Problem::not_found("this process has no live picture: it lacks the role `live`"));
    };
    let known = request.headers().get(IF_NONE_MATCH).and_then(|value| version_in(value.to_str().ok()?, form.name));
    let look = Look { scope: parameters.scope, known };
    let look = tokio::time::timeout(ServerState::ANSWER_TIMEOUT, hub.send(look)).await;
    let Ok(Ok(view)) = look else { return Err(Problem::unavailable("the live picture is restarting")) };
    let View { version, observed_at, states } = view;
    let mut response = HttpResponse::build(if states.is_some() { StatusCode::OK } else { StatusCode::NOT_MODIFIED });
    response
        .insert_header((ETAG, entity_tag(version, form.name)))
        .insert_header((CACHE_CONTROL, "no-cache"))
        .insert_header((VARY, "Accept"));
    let Some(states) = states else { return Ok(response.finish()) };
    let body = match form.form {
        Form::Json => json(observed_at, &states),
        Form::GeoJson => geojson(observed_at, &states),
    };
    Ok(response.insert_header((CONTENT_TYPE, form.media_type)).body(body.map_err(Problem::unavailable)?))
}

/// A weak validator: compressed or not, the answer is the same.
fn entity_tag(Version { epoch, sequence }: Version, form: &str) -> String {
    format!("W/\"{epoch:08x}-{sequence}-{form}\"")
}

/// The version that an `If-None-Match` names for a form, compared weakly (RFC 9110, 13.1.2).
fn version_in(if_none_match: &str, form: &str) -> Option<Version> {
    if_none_match.split(',').find_map(|tag| {
        let tag = tag.trim();
        let tag = tag.strip_prefix("W/").unwrap_or(tag).strip_prefix('"')?.strip_suffix('"')?;
        let mut parts = tag.splitn(3, '-');
        let (epoch, sequence, of) = (parts.next()?, parts.next()?, parts.next()?);
        let version = Version { epoch: u32::from_str_radix(epoch, 16).ok()?, sequence: sequence.parse().ok()? };
        (of == form).then_some(version)
    })
}

fn json(time: Option<UnixTime>, states: &[Arc<StateVector>]) -> serde_json::Result<Vec<u8>> {
    serde_json::to_vec(&Flights { time, count: states.len(), states })
}

fn geojson(time: Option<UnixTime>, states: &[Arc<StateVector>]) -> serde_json::Result<Vec<u8>> {
    let features = states.iter().filter_map(|state| Feature::aircraft(state)).collect();
    serde_json::to_vec(&FeatureCollection { kind: "FeatureCollection", time, features })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_is_found_among_others() {
        let version = Version { epoch: 0xbeef, sequence: 17 };
        let check = |text: &str, found| assert_eq!(version_in(text, "json"), found, "{text}");
        check(&entity_tag(version, "json"), Some(version));
        check("\"else\", \"0000beef-17-json\"", Some(version));
        check(&entity_tag(version, "geojson"), None);
        check("*", None);
        check("W/\"0000beef-x-json\"", None);
    }
}
