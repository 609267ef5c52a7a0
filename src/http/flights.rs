//! `/api/v1/flights`: the live picture at this moment.

use std::sync::Arc;

use actix_web::http::header::{ACCEPT, CACHE_CONTROL, CONTENT_TYPE, VARY};
use actix_web::{HttpRequest, HttpResponse, web};
use actors::domain::{StateVector, UnixTime};
use actors::messages::{Look, View};
use serde::Serialize;

use super::problem::Problem;
use super::query::Parameters;
use super::server::ServerState;

/// The live picture, or a part of it.
#[derive(Serialize)]
struct Flights<'a> {
    /// The newest response time of the source, in Unix seconds.
    time: Option<UnixTime>,
    count: usize,
    states: &'a [Arc<StateVector>],
}

/// The same as GeoJSON (RFC 7946): the aircraft that have a position.
#[derive(Serialize)]
struct FeatureCollection<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    /// A foreign member, as RFC 7946 allows: the newest response time.
    time: Option<UnixTime>,
    features: Vec<Feature<'a>>,
}

#[derive(Serialize)]
struct Feature<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    id: actors::domain::Icao24,
    geometry: Geometry,
    properties: &'a StateVector,
}

#[derive(Serialize)]
struct Geometry {
    #[serde(rename = "type")]
    kind: &'static str,
    coordinates: Coordinates,
}

/// Longitude, latitude and, where it is known, the height above the ellipsoid in metres.
#[derive(Serialize)]
#[serde(untagged)]
enum Coordinates {
    Flat([f64; 2]),
    Raised([f64; 3]),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    Json,
    GeoJson,
}

impl Form {
    fn asked_for(format: Option<&str>, accept: &str) -> Result<Self, Problem> {
        match format {
            Some("json") => return Ok(Self::Json),
            Some("geojson") => return Ok(Self::GeoJson),
            Some(other) => {
                let other: String = other.chars().take(40).collect();
                return Err(Problem::bad_parameter("format", format!("json or geojson, not {other:?}")));
            }
            None => {}
        }
        let types: Vec<_> = accept.split(',').map(|part| part.split(';').next().unwrap_or_default().trim()).collect();
        let position = |wanted: &[&str]| types.iter().position(|kind| wanted.contains(kind));
        match (position(&["application/geo+json"]), position(&["application/json", "application/*", "*/*", ""])) {
            (Some(geo), json) if json.is_none_or(|json| geo < json) => Ok(Self::GeoJson),
            (_, Some(_)) => Ok(Self::Json),
            _ => Err(Problem::not_acceptable("application/json and application/geo+json are to be had")),
        }
    }
}

/// `GET /api/v1/flights?bbox=&icao24=&format=`
pub(super) async fn flights(request: HttpRequest, state: web::Data<ServerState>) -> Result<HttpResponse, Problem> {
    let parameters = Parameters::of(&request, &["bbox", "icao24", "format"])?;
    let accept = request.headers().get(ACCEPT).and_then(|value| value.to_str().ok()).unwrap_or("*/*");
    let form = Form::asked_for(parameters.format.as_deref(), accept)?;
    let Some(hub) = &state.hub else {
        return Err(Problem::not_found("this process has no live picture: it lacks the role `live`"));
    };
    let look = tokio::time::timeout(ServerState::ANSWER_TIMEOUT, hub.send(Look(parameters.scope))).await;
    let Ok(Ok(view)) = look else { return Err(Problem::unavailable("the live picture is restarting")) };
    let (content_type, body) = match form {
        Form::Json => ("application/json", json(&view)),
        Form::GeoJson => ("application/geo+json", geojson(&view)),
    };
    Ok(HttpResponse::Ok()
        .insert_header((CONTENT_TYPE, content_type))
        .insert_header((CACHE_CONTROL, "no-cache"))
        .insert_header((VARY, "Accept"))
        .body(body.map_err(Problem::unavailable)?))
}

fn json(view: &View) -> serde_json::Result<Vec<u8>> {
    serde_json::to_vec(&Flights { time: view.observed_at, count: view.states.len(), states: &view.states })
}

fn geojson(view: &View) -> serde_json::Result<Vec<u8>> {
    let features = view.states.iter().filter_map(|state| {
        let (lon, lat) = (state.lon?, state.lat?);
        let coordinates = match state.geo_altitude {
            Some(altitude) => Coordinates::Raised([lon, lat, altitude]),
            None => Coordinates::Flat([lon, lat]),
        };
        let geometry = Geometry { kind: "Point", coordinates };
        Some(Feature { kind: "Feature", id: state.icao24, geometry, properties: state })
    });
    serde_json::to_vec(&FeatureCollection {
        kind: "FeatureCollection",
        time: view.observed_at,
        features: features.collect(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_form_is_chosen_by_accept_or_format() {
        let check = |format, accept: &str, form| assert_eq!(Form::asked_for(format, accept).ok(), form, "{accept}");
        check(None, "*/*", Some(Form::Json));
        check(None, "", Some(Form::Json));
        check(None, "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", Some(Form::Json));
        check(None, "application/geo+json", Some(Form::GeoJson));
        check(None, "application/geo+json, application/json;q=0.5", Some(Form::GeoJson));
        check(None, "application/json, application/geo+json", Some(Form::Json));
        check(None, "text/csv", None);
        check(Some("geojson"), "application/json", Some(Form::GeoJson));
        check(Some("kml"), "*/*", None);
    }
}
