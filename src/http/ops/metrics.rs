//! `/metrics`: metrics for Prometheus.

use actix_web::http::header::{CONTENT_TYPE, VARY};
use actix_web::{HttpRequest, HttpResponse, web};
use prometheus_client::encoding::text;

use super::exposition::{Exposition, to_text_format};
use crate::http::reply::problem::Problem;
use crate::http::state::ServerState;

/// Metrics for Prometheus
///
/// In Prometheus' text format 0.0.4, or in OpenMetrics 1.0 where `Accept` prefers it.
#[utoipa::path(get, path = "/metrics", tag = "operations", responses(
    (status = 200, description = "The metrics.", content(
        (String = "text/plain"), (String = "application/openmetrics-text")))))]
pub(crate) async fn metrics(request: HttpRequest, state: web::Data<ServerState>) -> Result<HttpResponse, Problem> {
    let mut body = String::new();
    text::encode(&mut body, &state.registry).map_err(Problem::unavailable)?;
    let format = Exposition::accepted_by(&request);
    if format == Exposition::Text {
        body = to_text_format(&body);
    }
    Ok(HttpResponse::Ok()
        .insert_header((CONTENT_TYPE, format.content_type()))
        .insert_header((VARY, "Accept"))
        .body(body))
}
