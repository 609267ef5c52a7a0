//! `/api/v1/flights`: the live picture at this moment.

use std::sync::{Arc, PoisonError};

use actix_web::http::StatusCode;
use actix_web::http::header::{CACHE_CONTROL, CONTENT_TYPE, ContentEncoding, ETAG, IF_NONE_MATCH, VARY};
use actix_web::{HttpRequest, HttpResponse, HttpResponseBuilder, web};
use actors::domain::{StateVector, UnixTime};
use actors::messages::{Look, Scope, Version, View};
use serde::Serialize;
use utoipa::ToSchema;

use super::query::Parameters;
use crate::http::reply::buffered_response::{BufferedResponse, encoding_for};
use crate::http::reply::content_negotiation::{Offer, choose};
use crate::http::reply::geojson::Feature;
use crate::http::reply::limits::Limits;
use crate::http::reply::problem::Problem;
use crate::http::server::ServerState;

/// The live picture, or a part of it.
#[derive(Serialize, ToSchema)]
pub(crate) struct Flights<'a> {
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
pub(crate) struct FeatureCollection<'a> {
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
pub(crate) async fn flights(request: HttpRequest, state: web::Data<ServerState>) -> Result<HttpResponse, Problem> {
    let parameters = Parameters::of(&request, &["bbox", "icao24", "format"])?;
    let form = choose(FORMS, &parameters, &request)?;
    let Some(hub) = &state.hub else {
        return Err(Problem::not_found("this process has no live picture: it lacks the role `live`"));
    };
    let (encoding, is_whole) = (encoding_for(&request), parameters.scope == Scope::default());
    let kept = state.pictures.find(form.name, encoding).filter(|_| is_whole);
    let known = request.headers().get(IF_NONE_MATCH).and_then(|value| version_in(value.to_str().ok()?, form.name));
    let newest = kept.as_ref().map(|kept| kept.version).or(known);
    let look = Look { scope: parameters.scope, known: newest };
    let look = tokio::time::timeout(ServerState::ANSWER_TIMEOUT, hub.send(look)).await;
    let Ok(Ok(view)) = look else { return Err(Problem::unavailable("the live picture is restarting")) };
    if known == Some(view.version) {
        return Ok(head(StatusCode::NOT_MODIFIED, view.version, form).finish());
    }
    let picture = match kept.filter(|kept| kept.version == view.version) {
        Some(kept) => kept,
        None if is_whole => state.pictures.make(&state.limits, form, encoding, &view).await?,
        None => Picture::make(&state.limits, form, encoding, &view).await?,
    };
    let mut response = head(StatusCode::OK, picture.version, form);
    response.insert_header((CONTENT_TYPE, form.media_type));
    picture.document.answer(&mut response, &state.limits, state.client_address(&request))
}

fn head(status: StatusCode, version: Version, form: &Offer<Form>) -> HttpResponseBuilder {
    let mut response = HttpResponse::build(status);
    response
        .insert_header((ETAG, entity_tag(version, form.name)))
        .insert_header((CACHE_CONTROL, "no-cache"))
        .insert_header((VARY, "Accept"));
    response
}

/// A picture as it is sent.
#[derive(Clone)]
struct Picture {
    form: &'static str,
    encoding: ContentEncoding,
    version: Version,
    document: Arc<BufferedResponse>,
}

impl Picture {
    async fn make(
        limits: &Limits,
        form: &Offer<Form>,
        encoding: ContentEncoding,
        view: &View,
    ) -> Result<Self, Problem> {
        let states = view.states.as_deref().unwrap_or_default();
        let text = match form.form {
            Form::Json => json(view.observed_at, states),
            Form::GeoJson => geojson(view.observed_at, states),
        };
        let document = BufferedResponse::make(limits, text.map_err(Problem::unavailable)?, encoding).await?;
        Ok(Self { form: form.name, encoding, version: view.version, document })
    }

    fn is_as_new_as(&self, version: Version) -> bool {
        self.version.epoch == version.epoch && self.version.sequence >= version.sequence
    }
}

/// The whole picture, made once in each form and encoding for all who ask for it while it is the present one.
#[derive(Default)]
pub struct Pictures {
    kept: std::sync::Mutex<Vec<Picture>>,
    /// Held by who makes one.
    making: tokio::sync::Mutex<()>,
}

impl Pictures {
    fn find(&self, form: &str, encoding: ContentEncoding) -> Option<Picture> {
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.iter().find(|picture| picture.form == form && picture.encoding == encoding).cloned()
    }

    /// The picture of a view, or a newer one that somebody has made meanwhile.
    async fn make(
        &self,
        limits: &Limits,
        form: &Offer<Form>,
        encoding: ContentEncoding,
        view: &View,
    ) -> Result<Picture, Problem> {
        let _making = self.making.lock().await;
        if let Some(made) = self.find(form.name, encoding).filter(|made| made.is_as_new_as(view.version)) {
            return Ok(made);
        }
        let picture = Picture::make(limits, form, encoding, view).await?;
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.retain(|other| other.form != picture.form || other.encoding != picture.encoding);
        kept.push(picture.clone());
        Ok(picture)
    }
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
    use std::time::Duration;

    use prometheus_client::registry::Registry;

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

    #[tokio::test]
    async fn a_picture_is_made_once_for_all_who_ask_for_it() {
        let limits = Limits::register(&mut Registry::default(), Duration::from_secs(30));
        let pictures = Pictures::default();
        let view = |sequence: u64| View {
            version: Version { epoch: 1, sequence },
            observed_at: None,
            states: Some(Vec::new()),
        };
        let make = async |form: usize, encoding, sequence| {
            pictures.make(&limits, &FORMS[form], encoding, &view(sequence)).await.unwrap()
        };
        let (gzip, zstd) = (ContentEncoding::Gzip, ContentEncoding::Zstd);
        let first = make(0, gzip, 7).await;
        assert!(Arc::ptr_eq(&first.document, &make(0, gzip, 7).await.document));
        assert!(Arc::ptr_eq(&first.document, &make(0, gzip, 6).await.document), "a newer one will do");
        assert!(!Arc::ptr_eq(&first.document, &make(0, zstd, 7).await.document));
        assert!(!Arc::ptr_eq(&first.document, &make(1, gzip, 7).await.document));
        let next = make(0, gzip, 8).await;
        assert!(!Arc::ptr_eq(&first.document, &next.document));
        assert!(Arc::ptr_eq(&next.document, &pictures.find("json", gzip).unwrap().document));
        assert_eq!(pictures.kept.lock().unwrap().len(), 3);
    }
}
