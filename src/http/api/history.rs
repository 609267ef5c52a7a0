//! `/api/v1/history`: everything that was stored, streamed.

use std::time::Duration;

use actix_web::http::Method;
use actix_web::http::header::{CACHE_CONTROL, CONTENT_TYPE, VARY};
use actix_web::{HttpRequest, HttpResponse, web};
use actix_web_lab::respond;

use super::history_body::{HistoryBody, Reader};
use super::query::Parameters;
use crate::export::{Csv, Fields, NdJson, TextEncoder, parse_callsign};
use crate::http::connection::disconnect::DisconnectWatch;
use crate::http::reply::content_negotiation::{Offer, choose};
use crate::http::reply::head_body::HeadBody;
use crate::http::reply::problem::Problem;
use crate::http::server::ServerState;
use crate::storage::HistoryQuery;

/// How far back it goes where nobody says.
const USUAL_LENGTH: Duration = Duration::from_secs(60 * 60);

#[derive(Clone, Copy)]
enum Form {
    NdJson,
    Csv,
}

const FORMS: &[Offer<Form>] = &[
    Offer { form: Form::NdJson, name: "ndjson", media_type: "application/x-ndjson" },
    Offer { form: Form::Csv, name: "csv", media_type: "text/csv" },
];

/// Everything that was stored, streamed
///
/// Ordered by `last_contact` and `icao24`, of any size; without `from` the last hour. NDJSON: a state vector a line, as
/// everywhere. CSV: RFC 4180 with a header line, what is unknown is empty. An answer that breaks off (its transfer ends
/// with an error) is incomplete: go on from the last `last_contact` that came. It is no snapshot: rows that arrive
/// meanwhile may be in it. Sixteen at a time are answered, eight of them for one address; more are refused with 503 and
/// `Retry-After`. One whose client takes nothing for `sse.client_timeout` (30 s) breaks off.
#[utoipa::path(get, path = "/api/v1/history", tag = "flights",
    params(("from", Query), ("to", Query), ("bbox", Query), ("icao24", Query),
        ("callsign" = Option<String>, Query, description = "Only this callsign, in any case and without the padding around it.", example = "SWR123"),
        ("fields" = Option<String>, Query, description = "Only these fields, in this order, separated by commas.", example = "icao24,last_contact,lat,lon"),
        ("format" = Option<String>, Query, description = "ndjson or csv, in place of the header Accept.", example = "csv")),
    responses((status = 200, description = "The rows.", content(
        (String = "application/x-ndjson"), (String = "text/csv")))))]
pub(crate) async fn history(
    request: HttpRequest,
    payload: web::Payload,
    state: web::Data<ServerState>,
) -> Result<HttpResponse, Problem> {
    let known = ["from", "to", "bbox", "icao24", "callsign", "fields", "format"];
    let parameters = Parameters::of(&request, &known)?;
    let form = choose(FORMS, &parameters, &request)?;
    let period = parameters.period(USUAL_LENGTH)?;
    let fields = match parameters.text("fields") {
        Some(text) => text.parse().map_err(|error| Problem::bad_parameter("fields", error))?,
        None => Fields::default(),
    };
    let mut icao24: Vec<_> = parameters.scope.icao24.iter().copied().collect();
    icao24.sort_unstable();
    let callsign = parameters.text("callsign").map(parse_callsign).transpose();
    let callsign = callsign.map_err(|error| Problem::bad_parameter("callsign", error))?;
    let query = HistoryQuery {
        from: period.from,
        to: period.to,
        bounding_box: parameters.scope.bounding_box,
        icao24,
        callsign,
    };
    let (encoder, content_type) = match form.form {
        Form::NdJson => (TextEncoder::NdJson(NdJson::of(&fields)), respond::NdJson::mime()),
        Form::Csv => (TextEncoder::Csv(Csv::of(&fields)), respond::Csv::mime()),
    };
    let storage = state.storage()?;
    let mut response = HttpResponse::Ok();
    response
        .insert_header((CONTENT_TYPE, content_type.to_string()))
        .insert_header((CACHE_CONTROL, "no-store"))
        .insert_header((VARY, "Accept"))
        .insert_header(("X-Accel-Buffering", "no"));
    if request.method() == Method::HEAD {
        return Ok(response.body(HeadBody));
    }
    let permit = state.limits.history_permit(state.client_address(&request))?;
    let client = DisconnectWatch::of(payload.into_inner());
    let reader = Reader { patience: state.limits.patience, permit, client };
    let body = HistoryBody::begin(storage.clone(), query, encoder, reader).await;
    let body = body.map_err(|error| Problem::of_query(&error))?;
    Ok(response.body(body))
}
