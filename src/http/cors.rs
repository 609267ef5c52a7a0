//! Cross-origin access to the public, read-only endpoints.

use actix_cors::{Cors, CorsError};
use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::header::{ETAG, HeaderName, LINK, RETRY_AFTER, VARY};
use actix_web::middleware::Next;
use actix_web::{Error, ResponseError};

use super::methods::Methods;
use super::reply::problem::Problem;

/// The origins whose pages may read `/sse` and `/api`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AllowedOrigins {
    /// All origins.
    Any,
    /// Only these origins, in the spelling of the `Origin` header.
    Only(Vec<String>),
}

/// The header with OpenSky's credits.
pub(super) const CREDITS_LEFT: HeaderName = HeaderName::from_static("x-rate-limit-remaining");

/// Allows pages of these origins to read. They may send any header: the endpoints use no credentials, and client
/// libraries add `cache-control`, `pragma`, `range`, `x-requested-with`, `traceparent` and others.
pub(super) fn cors(origins: &AllowedOrigins) -> Cors {
    let cors = Cors::default()
        .allowed_methods(Methods::Read.allow().split(", "))
        .allow_any_header()
        .expose_headers([ETAG, LINK, RETRY_AFTER, CREDITS_LEFT])
        .max_age(3600);
    match origins {
        AllowedOrigins::Any => cors.allow_any_origin().send_wildcard(),
        AllowedOrigins::Only(origins) => origins.iter().fold(cors, |cors, origin| cors.allowed_origin(origin)),
    }
}

/// Replaces the plain-text rejections of actix-cors with problem documents. Wraps [`cors`].
pub(super) async fn explain_rejections<B: MessageBody + 'static>(
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let response = next.call(request).await?;
    let rejection = response.response().error().and_then(|error| error.as_error::<CorsError>()).map(problem);
    let Some(problem) = rejection else { return Ok(response.map_into_boxed_body()) };
    let (request, rejected) = response.into_parts();
    let mut response = problem.error_response();
    for value in rejected.headers().get_all(VARY) {
        response.headers_mut().append(VARY, value.clone());
    }
    Ok(ServiceResponse::new(request, response))
}

fn problem(error: &CorsError) -> Problem {
    match error {
        CorsError::OriginNotAllowed | CorsError::WildcardOrigin => {
            Problem::forbidden("this origin is not allowed to read from this server (sse.allowed_origins)")
        }
        CorsError::MethodNotAllowed => Problem::method_not_allowed(Methods::Read.allow()),
        other => Problem::bad_request(other),
    }
}
