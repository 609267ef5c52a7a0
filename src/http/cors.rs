//! Cross-origin access to the public, read-only routes.

use actix_cors::{Cors, CorsError};
use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::header::{ETAG, LINK, RETRY_AFTER, VARY};
use actix_web::middleware::Next;
use actix_web::{Error, ResponseError};

use crate::http::reply::problem::Problem;
use crate::http::server::AllowedOrigins;

/// Lets pages of these origins read. They may send any header: the routes take no credentials, and clients send
/// `cache-control`, `pragma`, `range`, `x-requested-with`, `traceparent` and others without being asked.
pub(super) fn cors(origins: &AllowedOrigins) -> Cors {
    let cors = Cors::default()
        .allowed_methods(["GET", "HEAD"])
        .allow_any_header()
        .expose_headers([ETAG, LINK, RETRY_AFTER])
        .max_age(3600);
    match origins {
        AllowedOrigins::Any => cors.allow_any_origin().send_wildcard(),
        AllowedOrigins::Only(origins) => origins.iter().fold(cors, |cors, origin| cors.allowed_origin(origin)),
    }
}

/// Turns the refusals of actix-cors, which are plain text, into problem documents. Wraps [`cors`].
pub(super) async fn explain_refusals<B: MessageBody + 'static>(
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let response = next.call(request).await?;
    let refusal = response.response().error().and_then(|error| error.as_error::<CorsError>()).map(problem_of);
    let Some(problem) = refusal else { return Ok(response.map_into_boxed_body()) };
    let (request, refused) = response.into_parts();
    let mut answer = problem.error_response();
    for value in refused.headers().get_all(VARY) {
        answer.headers_mut().append(VARY, value.clone());
    }
    Ok(ServiceResponse::new(request, answer))
}

fn problem_of(error: &CorsError) -> Problem {
    match error {
        CorsError::OriginNotAllowed | CorsError::WildcardOrigin => {
            Problem::forbidden("pages of this origin may not read from this server (sse.allowed_origins)")
        }
        CorsError::MethodNotAllowed => Problem::method_not_allowed(),
        other => Problem::bad_request(other),
    }
}
