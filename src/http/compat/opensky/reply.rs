//! Responses in OpenSky's form: headers, and errors.

use std::fmt;

use actix_web::http::StatusCode;
use actix_web::middleware::DefaultHeaders;
use actix_web::{HttpResponse, ResponseError};

use crate::http::cors::CREDITS_LEFT;
use crate::http::reply::problem::Problem;
use crate::storage::QueryError;

/// OpenSky's Java client requires a charset.
pub(super) const JSON: &str = "application/json;charset=utf-8";

/// Returns the header with the credits left, which never get fewer. The number is what OpenSky grants its licensed
/// users each hour, so that clients that plan their requests by it are not slowed down.
pub(crate) fn credits_left() -> DefaultHeaders {
    DefaultHeaders::new().add((CREDITS_LEFT, "14400"))
}

/// An error response.
#[derive(Debug)]
pub(crate) enum OpenSkyError {
    /// 400 with the reason, in an array of one text.
    BadRequest(String),
    /// 404 with an empty array: there are no such flights.
    NoFlights,
    /// An error for which OpenSky has no form of its own.
    Problem(Problem),
}

impl OpenSkyError {
    pub(super) fn bad_parameter(name: &str, detail: impl fmt::Display) -> Self {
        Self::BadRequest(format!("{name}: {detail}"))
    }
}

impl From<Problem> for OpenSkyError {
    fn from(problem: Problem) -> Self {
        Self::Problem(problem)
    }
}

impl From<QueryError> for OpenSkyError {
    fn from(error: QueryError) -> Self {
        Self::Problem(error.into())
    }
}

impl fmt::Display for OpenSkyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::BadRequest(reason) => f.write_str(reason),
            Self::NoFlights => f.write_str("no flights"),
            Self::Problem(problem) => problem.fmt(f),
        }
    }
}

impl ResponseError for OpenSkyError {
    fn status_code(&self) -> StatusCode {
        match self {
            Self::BadRequest(_) => StatusCode::BAD_REQUEST,
            Self::NoFlights => StatusCode::NOT_FOUND,
            Self::Problem(problem) => problem.status_code(),
        }
    }

    fn error_response(&self) -> HttpResponse {
        let mut response = HttpResponse::build(self.status_code());
        response.content_type(JSON);
        match self {
            Self::BadRequest(reason) => response.json([reason]),
            Self::NoFlights => response.body("[]"),
            Self::Problem(problem) => problem.error_response(),
        }
    }
}
