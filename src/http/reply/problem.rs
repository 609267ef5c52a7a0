use std::fmt;

use actix_web::http::StatusCode;
use actix_web::http::header::{ALLOW, CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use actix_web::{HttpResponse, ResponseError};
use serde::Serialize;
use utoipa::ToSchema;

use crate::storage::QueryError;

/// An error response: a problem document (RFC 9457).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub(crate) struct Problem {
    /// The kind of error in a few words; the same for all problems with this status.
    title: &'static str,
    /// The HTTP status.
    status: u16,
    /// What is wrong, for humans.
    detail: String,
    /// The query parameter that is invalid.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    parameter: Option<&'static str>,
    /// For 405: the methods that the address supports.
    #[serde(skip)]
    allow: Option<&'static str>,
}

impl Problem {
    fn new(status: u16, title: &'static str, detail: impl fmt::Display) -> Self {
        Self { title, status, detail: detail.to_string(), parameter: None, allow: None }
    }

    /// Creates a 400: a query parameter has an invalid value.
    pub(crate) fn bad_parameter(parameter: &'static str, detail: impl fmt::Display) -> Self {
        Self { parameter: Some(parameter), ..Self::bad_request(format_args!("{parameter}: {detail}")) }
    }

    /// Creates a 400: the request is invalid.
    pub(crate) fn bad_request(detail: impl fmt::Display) -> Self {
        Self::new(400, "Bad request", detail)
    }

    /// Creates a 401: a bearer token is required.
    pub(crate) fn unauthorized(detail: &str) -> Self {
        Self::new(401, "Unauthorized", detail)
    }

    /// Creates a 403: the client is not allowed to do this.
    pub(crate) fn forbidden(detail: &str) -> Self {
        Self::new(403, "Forbidden", detail)
    }

    /// Creates a 404: the resource does not exist.
    pub(crate) fn not_found(detail: impl fmt::Display) -> Self {
        Self::new(404, "Not found", detail)
    }

    /// Creates a 405: the path supports only these methods, given as the value of the `Allow` header.
    pub(crate) fn method_not_allowed(allow: &'static str) -> Self {
        let detail = format_args!("supported methods: {allow}");
        Self { allow: Some(allow), ..Self::new(405, "Method not allowed", detail) }
    }

    /// Creates a 406: no acceptable representation is available.
    pub(crate) fn not_acceptable(detail: impl fmt::Display) -> Self {
        Self::new(406, "Not acceptable", detail)
    }

    /// Creates a 409: the request conflicts with the current state.
    pub(crate) fn conflict(detail: impl fmt::Display) -> Self {
        Self::new(409, "Conflict", detail)
    }

    /// Creates a 413: the body of the request is too long.
    pub(crate) fn content_too_large(detail: impl fmt::Display) -> Self {
        Self::new(413, "Content too large", detail)
    }

    /// Creates a 429: too many requests. `Retry-After` is one minute.
    pub(crate) fn too_many_requests(detail: &str) -> Self {
        Self::new(429, "Too many requests", detail)
    }

    /// Creates a 503: a part of the server is unavailable. `Retry-After` is five seconds.
    pub(crate) fn unavailable(detail: impl fmt::Display) -> Self {
        Self::new(503, "Service unavailable", detail)
    }
}

/// Logs the database's own error, and does not show it to the client.
impl From<QueryError> for Problem {
    fn from(error: QueryError) -> Self {
        if error == QueryError::Busy {
            return Self::unavailable(error);
        }
        log::warn!(error:%; "history query failed");
        match error {
            QueryError::Unavailable(_) | QueryError::Busy => Self::unavailable("the database is unavailable"),
            // A retry would fail again.
            QueryError::Malformed(_) => Self::new(500, "Internal error", "the database contains an invalid row"),
        }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.title, self.detail)
    }
}

impl ResponseError for Problem {
    fn status_code(&self) -> StatusCode {
        StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }

    fn error_response(&self) -> HttpResponse {
        let mut response = HttpResponse::build(self.status_code());
        response.insert_header((CONTENT_TYPE, "application/problem+json"));
        match self.status {
            401 => drop(response.insert_header((WWW_AUTHENTICATE, "Bearer"))),
            429 => drop(response.insert_header((RETRY_AFTER, "60"))),
            503 => drop(response.insert_header((RETRY_AFTER, "5"))),
            _ => {}
        }
        if let Some(allow) = self.allow {
            response.insert_header((ALLOW, allow));
        }
        response.json(self)
    }
}
