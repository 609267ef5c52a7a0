//! `POST /admin/notify/{name}/test`: sends a test message to an endpoint.

use std::time::Duration;

use actix_web::{HttpResponse, web};
use actors::messages::TestEndpoint;
use serde::Serialize;
use utoipa::ToSchema;

use super::operator::Operator;
use crate::http::reply::problem::Problem;
use crate::http::state::ServerState;

/// How long to wait for the outcome: the longest timeout of an endpoint, and some time for its name to resolve.
const TIMEOUT: Duration = Duration::from_secs(130);

/// The outcome of a test message.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct TestOutcome {
    /// Whether the endpoint accepted it.
    delivered: bool,
    /// Why it did not.
    error: Option<String>,
    /// The id of the notification, as the endpoint received it.
    id: String,
    /// How long the attempt took.
    seconds: f64,
}

/// Test an endpoint
///
/// Sends one test message to an endpoint of notifications, ahead of what waits for it and without retries, and responds
/// with the outcome.
#[utoipa::path(post, path = "/admin/notify/{name}/test", tag = "operations", security(("operator" = [])),
    params(("name" = String, Path, description = "The endpoint's name.", example = "phone")),
    responses(
        (status = 202, description = "The attempt has ended; the body says how.", content_type = "application/json", body = TestOutcome),
        (status = 404, description = "This process delivers to no such endpoint.", content_type = "application/problem+json", body = Problem),
        (status = 503, description = "The Notifier does not respond.", content_type = "application/problem+json", body = Problem)))]
pub(crate) async fn test_endpoint(
    _: Operator,
    state: web::Data<ServerState>,
    name: web::Path<String>,
) -> Result<HttpResponse, Problem> {
    let found = state.notifiers.iter().find(|(endpoint, _)| endpoint.as_str() == name.as_str());
    let (_, notifier) = found.ok_or_else(|| {
        let name: String = name.chars().filter(|c| !c.is_control()).take(64).collect();
        Problem::not_found(format!("this process delivers to no endpoint {name:?}: it needs the role `detect`"))
    })?;
    let tested = match tokio::time::timeout(TIMEOUT, notifier.send(TestEndpoint)).await {
        Ok(Ok(tested)) => tested,
        Ok(Err(_)) | Err(_) => return Err(Problem::unavailable("the Notifier is not responding")),
    };
    let outcome = TestOutcome {
        delivered: tested.result.is_ok(),
        error: tested.result.err().map(|error| error.to_string()),
        id: tested.id,
        seconds: tested.duration.as_secs_f64(),
    };
    Ok(HttpResponse::Accepted().insert_header(("Cache-Control", "no-store")).json(outcome))
}
