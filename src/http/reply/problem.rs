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

    /// 400: a query parameter has an invalid value.
    pub(crate) fn bad_parameter(parameter: &'static str, detail: impl fmt::Display) -> Self {
        Self { parameter: Some(parameter), ..Self::bad_request(format_args!("{parameter}: {detail}")) }
    }

    /// 400: the request is invalid.
    pub(crate) fn bad_request(detail: impl fmt::Display) -> Self {
        Self::new(400, "Bad request", detail)
    }

    /// 401: a bearer token is required.
    pub(crate) fn unauthorized(detail: &str) -> Self {
        Self::new(401, "Unauthorized", detail)
    }

    /// 403: not for this client.
    pub(crate) fn forbidden(detail: &str) -> Self {
        Self::new(403, "Forbidden", detail)
    }

    /// 404: nothing exists there.
    pub(crate) fn not_found(detail: impl fmt::Display) -> Self {
        Self::new(404, "Not found", detail)
    }

    /// 405: the address supports these methods only, given as in the header `Allow`.
    pub(crate) fn method_not_allowed(allow: &'static str) -> Self {
        let detail = format_args!("supported methods: {allow}");
        Self { allow: Some(allow), ..Self::new(405, "Method not allowed", detail) }
    }

    /// 406: not available in an acceptable representation.
    pub(crate) fn not_acceptable(detail: impl fmt::Display) -> Self {
        Self::new(406, "Not acceptable", detail)
    }

    /// 409: impossible in the present state.
    pub(crate) fn conflict(detail: impl fmt::Display) -> Self {
        Self::new(409, "Conflict", detail)
    }

    /// 429: too many requests; `Retry-After` is a minute.
    pub(crate) fn too_many_requests(detail: &str) -> Self {
        Self::new(429, "Too many requests", detail)
    }

    /// 503: a part of the server is unavailable; `Retry-After` is five seconds.
    pub(crate) fn unavailable(detail: impl fmt::Display) -> Self {
        Self::new(503, "Service unavailable", detail)
    }
}

/// The error of the database itself is logged, and not shown to the client.
impl From<QueryError> for Problem {
    fn from(error: QueryError) -> Self {
        if error == QueryError::Busy {
            return Self::unavailable(error);
        }
        log::warn!(error:%; "history query failed");
        match error {
            QueryError::Unavailable(_) | QueryError::Busy => Self::unavailable("the database is unavailable"),
            // It would fail again.
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
