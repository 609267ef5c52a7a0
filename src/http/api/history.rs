//! `/api/v1/history`: streams the stored state vectors.

use std::time::Duration;

use actix_web::http::Method;
use actix_web::http::header::{CACHE_CONTROL, CONTENT_TYPE, VARY};
use actix_web::{HttpRequest, HttpResponse, web};
use actix_web_lab::respond;

use super::history_body::{HistoryBody, HistoryClient};
use super::query::Parameters;
use crate::export::{Csv, Fields, NdJson, TextEncoder, parse_callsign};
use crate::http::connection::disconnect::DisconnectWatch;
use crate::http::reply::content_negotiation::{Representation, negotiate};
use crate::http::reply::head_body::HeadBody;
use crate::http::reply::problem::Problem;
use crate::http::state::ServerState;
use crate::storage::HistoryQuery;

/// The default period, for requests without `from`.
const DEFAULT_PERIOD: Duration = Duration::from_secs(60 * 60);

#[derive(Clone, Copy)]
enum HistoryFormat {
    NdJson,
    Csv,
}

const HISTORY_FORMATS: &[Representation<HistoryFormat>] = &[
    Representation { format: HistoryFormat::NdJson, name: "ndjson", media_type: "application/x-ndjson" },
    Representation { format: HistoryFormat::Csv, name: "csv", media_type: "text/csv" },
];

/// The stored state vectors, streamed
///
/// Ordered by `last_contact` and `icao24`, of any size; without `from` the last hour. NDJSON: one state vector per
/// line, with the same members as in the other endpoints. CSV: RFC 4180 with a header line; unknown values are empty. A
/// response whose transfer ends with an error is incomplete: continue from the last `last_contact` received. It is not
/// a snapshot: rows stored during the transfer may be included. At most sixteen requests are served concurrently, eight
/// per address; others get 503 and `Retry-After`. A transfer is aborted when its client reads nothing for
/// `sse.client_timeout` (30 s).
#[utoipa::path(get, path = "/api/v1/history", tag = "flights",
    params(("from", Query), ("to", Query), ("bbox", Query), ("icao24", Query),
        ("callsign" = Option<String>, Query, example = "SWR123",
            description = "Only this callsign; case and surrounding spaces are ignored."),
        ("fields" = Option<String>, Query, example = "icao24,last_contact,lat,lon",
            description = "Only these fields, in this order, separated by commas."),
        ("alerts" = Option<bool>, Query, example = true,
            description = "Whether to add the member alerts to each line: a RowAlert for each rule of docs/alerts.md \
                           whose condition the row meets, or may meet. NDJSON only."),
        ("format" = Option<String>, Query, example = "csv",
            description = "ndjson or csv, instead of the Accept header.")),
    responses((status = 200, description = "The rows.", content(
        (String = "application/x-ndjson"), (String = "text/csv")))))]
pub(crate) async fn history(
    request: HttpRequest,
    payload: web::Payload,
    state: web::Data<ServerState>,
) -> Result<HttpResponse, Problem> {
    let known = ["from", "to", "bbox", "icao24", "callsign", "fields", "alerts", "format"];
    let parameters = Parameters::parse(&request, &known)?;
    let format = negotiate(HISTORY_FORMATS, parameters.format.as_deref(), &request)?;
    let period = parameters.period(DEFAULT_PERIOD)?;
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
    let has_alerts = parameters.flag("alerts")?;
    let (encoder, content_type) = match format.format {
        HistoryFormat::NdJson if has_alerts => {
            (TextEncoder::NdJson(NdJson::of(&fields).with_alerts()), respond::NdJson::mime())
        }
        HistoryFormat::Csv if has_alerts => return Err(Problem::bad_parameter("alerts", "only available as ndjson")),
        HistoryFormat::NdJson => (TextEncoder::NdJson(NdJson::of(&fields)), respond::NdJson::mime()),
        HistoryFormat::Csv => (TextEncoder::Csv(Csv::of(&fields)), respond::Csv::mime()),
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
    let permit = state.limits.history_permit(state.client(&request).address)?;
    let client = DisconnectWatch::new(payload.into_inner());
    let reader = HistoryClient { client_timeout: state.limits.client_timeout, permit, client };
    Ok(response.body(HistoryBody::start(storage.clone(), query, encoder, reader).await?))
}
