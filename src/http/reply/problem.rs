use std::fmt;

use actix_web::http::StatusCode;
use actix_web::http::header::{CONTENT_TYPE, WWW_AUTHENTICATE};
use actix_web::{HttpResponse, ResponseError};
use serde::Serialize;
use utoipa::ToSchema;

use crate::storage::QueryError;

/// An error answer: a problem document (RFC 9457).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub(crate) struct Problem {
    /// A few words for this kind of error, the same for each of its status.
    title: &'static str,
    /// The HTTP status.
    status: u16,
    /// What was wrong, for people.
    detail: String,
    /// The query parameter that is to blame.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    parameter: Option<&'static str>,
}

impl Problem {
    /// 400: a query parameter has a value that cannot be used.
    pub(crate) fn bad_parameter(parameter: &'static str, detail: impl fmt::Display) -> Self {
        let detail = format!("{parameter}: {detail}");
        Self { title: "Bad request", status: 400, detail, parameter: Some(parameter) }
    }

    /// 400: the request cannot be understood.
    pub(crate) fn bad_request(detail: impl fmt::Display) -> Self {
        Self { title: "Bad request", status: 400, detail: detail.to_string(), parameter: None }
    }

    /// 401: a bearer token is asked for.
    pub(crate) fn unauthorized(detail: &str) -> Self {
        Self { title: "Unauthorized", status: 401, detail: detail.into(), parameter: None }
    }

    /// 403: not for this client.
    pub(crate) fn forbidden(detail: &str) -> Self {
        Self { title: "Forbidden", status: 403, detail: detail.into(), parameter: None }
    }

    /// 404: nothing is there.
    pub(crate) fn not_found(detail: impl fmt::Display) -> Self {
        Self { title: "Not found", status: 404, detail: detail.to_string(), parameter: None }
    }

    /// 405: not by this method.
    pub(crate) fn method_not_allowed() -> Self {
        let detail = "this address answers GET and HEAD only".into();
        Self { title: "Method not allowed", status: 405, detail, parameter: None }
    }

    /// 405: the address is there to be posted to.
    pub(crate) fn post_only() -> Self {
        Self { title: "Method not allowed", status: 405, detail: Self::POST_ONLY.into(), parameter: None }
    }

    const POST_ONLY: &str = "this address answers POST only";

    /// 409: not as things stand.
    pub(crate) fn conflict(detail: impl fmt::Display) -> Self {
        Self { title: "Conflict", status: 409, detail: detail.to_string(), parameter: None }
    }

    /// 406: not in this form.
    pub(crate) fn not_acceptable(detail: impl fmt::Display) -> Self {
        Self { title: "Not acceptable", status: 406, detail: detail.to_string(), parameter: None }
    }

    /// 503, or 500 where the same question would fail again: the database has no answer. Its own words are for the log.
    pub(crate) fn of_query(error: &QueryError) -> Self {
        if *error == QueryError::Busy {
            return Self::unavailable(error);
        }
        log::warn!(error:%; "a query of the history failed");
        match error {
            QueryError::Unavailable(_) | QueryError::Busy => Self::unavailable("the database does not answer"),
            QueryError::Malformed(_) => {
                let detail = "the database holds a row that is no state vector".into();
                Self { title: "Internal error", status: 500, detail, parameter: None }
            }
        }
    }

    /// 429: too often; come back in a minute.
    pub(crate) fn too_many_requests(detail: &str) -> Self {
        Self { title: "Too many requests", status: 429, detail: detail.into(), parameter: None }
    }

    /// 503: a part of the server cannot answer now.
    pub(crate) fn unavailable(detail: impl fmt::Display) -> Self {
        Self { title: "Service unavailable", status: 503, detail: detail.to_string(), parameter: None }
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
            405 if self.detail == Self::POST_ONLY => drop(response.insert_header(("Allow", "POST"))),
            405 => drop(response.insert_header(("Allow", "GET, HEAD"))),
            429 => drop(response.insert_header(("Retry-After", "60"))),
            503 => drop(response.insert_header(("Retry-After", "5"))),
            _ => {}
        }
        response.json(self)
    }
}
