//! `/api/v1/flights`: the live picture.

use std::sync::Arc;

use actix_web::http::StatusCode;
use actix_web::http::header::{CACHE_CONTROL, CONTENT_TYPE, ETAG, IF_NONE_MATCH, VARY};
use actix_web::{HttpRequest, HttpResponse, HttpResponseBuilder, web};
use actors::domain::{StateVector, UnixTime};
use actors::messages::{GetPicture, Scope, Version, View};
use serde::Serialize;
use utoipa::ToSchema;

use super::picture_cache::{EncodedPicture, PictureCache, PictureKey};
use super::query::Parameters;
use crate::http::reply::buffered_response::BufferedResponse;
use crate::http::reply::content_negotiation::{Representation, negotiate};
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
    states: &'a [Arc<StateVector>],
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
    params(("bbox", Query), ("icao24", Query), ("format", Query)),
    responses((status = 200, description = "The live picture.", content(
        (Flights<'_> = "application/json"), (FeatureCollection<'_> = "application/geo+json"))),
        (status = 304, description = "Unchanged since `If-None-Match`.")))]
pub(crate) async fn flights(
    request: HttpRequest,
    state: web::Data<ServerState>,
    cache: web::Data<PictureCache>,
) -> Result<HttpResponse, Problem> {
    let parameters = Parameters::parse(&request, &["bbox", "icao24", "format"])?;
    let format = negotiate(POSITION_FORMATS, parameters.format.as_deref(), &request)?;
    let hub = state.hub()?;
    let key = PictureKey { format: format.name, encoding: BufferedResponse::encoding_for(&request) };
    let is_whole = parameters.scope == Scope::default();
    let cached = cache.get(key).filter(|_| is_whole);
    let known = request.headers().get(IF_NONE_MATCH).and_then(|value| version_in(value.to_str().ok()?, format.name));
    let newest = cached.as_ref().map(|picture| picture.version).or(known);
    let look = GetPicture { scope: parameters.scope, known: newest };
    let look = tokio::time::timeout(ServerState::ACTOR_TIMEOUT, hub.send(look)).await;
    let Ok(Ok(view)) = look else { return Err(Problem::unavailable("the live picture is restarting")) };
    if known == Some(view.version) {
        return Ok(head(StatusCode::NOT_MODIFIED, view.version, format).finish());
    }
    let picture = match cached.filter(|picture| picture.version == view.version) {
        Some(picture) => picture,
        None if is_whole => {
            cache.get_or_encode(&state.limits, key, view.version, || render(format.format, &view)).await?
        }
        None => EncodedPicture::encode(&state.limits, key, view.version, render(format.format, &view)?).await?,
    };
    let mut response = head(StatusCode::OK, picture.version, format);
    response.insert_header((CONTENT_TYPE, format.media_type));
    picture.response.respond(&mut response, state.client(&request))
}

fn head(status: StatusCode, version: Version, format: &Representation<PositionFormat>) -> HttpResponseBuilder {
    let mut response = HttpResponse::build(status);
    response
        .insert_header((ETAG, entity_tag(version, format.name)))
        .insert_header((CACHE_CONTROL, "no-cache"))
        .insert_header((VARY, "Accept"));
    response
}

fn render(format: PositionFormat, view: &View) -> Result<Vec<u8>, Problem> {
    let (time, states) = (view.observed_at, view.states.as_deref().unwrap_or_default());
    let text = match format {
        PositionFormat::Json => serde_json::to_vec(&Flights { time, count: states.len(), states }),
        PositionFormat::GeoJson => {
            let features = states.iter().filter_map(|state| Feature::aircraft(state)).collect();
            serde_json::to_vec(&FeatureCollection { kind: "FeatureCollection", time, features })
        }
    };
    text.map_err(Problem::unavailable)
}

/// Returns the entity tag of a picture version. It is a weak one, because it is the same for each content encoding.
fn entity_tag(Version { epoch, sequence }: Version, format: &str) -> String {
    format!("W/\"{epoch:08x}-{sequence}-{format}\"")
}

/// Returns the picture version that an `If-None-Match` header names for a format, compared weakly (RFC 9110, section
/// 13.1.2).
fn version_in(if_none_match: &str, format: &str) -> Option<Version> {
    if_none_match.split(',').find_map(|tag| {
        let tag = tag.trim();
        let tag = tag.strip_prefix("W/").unwrap_or(tag).strip_prefix('"')?.strip_suffix('"')?;
        let mut parts = tag.splitn(3, '-');
        let (epoch, sequence, name) = (parts.next()?, parts.next()?, parts.next()?);
        let version = Version { epoch: u32::from_str_radix(epoch, 16).ok()?, sequence: sequence.parse().ok()? };
        (name == format).then_some(version)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_is_found_among_other_entity_tags() {
        let version = Version { epoch: 0xbeef, sequence: 17 };
        let check = |text: &str, found| assert_eq!(version_in(text, "json"), found, "{text}");
        check(&entity_tag(version, "json"), Some(version));
        check("\"else\", \"0000beef-17-json\"", Some(version));
        check(&entity_tag(version, "geojson"), None);
        check("*", None);
        check("W/\"0000beef-x-json\"", None);
    }
}
