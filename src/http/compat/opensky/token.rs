//! `/api/auth/token`: a token for clients that insist on one.

use std::fmt;

use actix_web::http::StatusCode;
use actix_web::http::header::CACHE_CONTROL;
use actix_web::{HttpResponse, ResponseError, web};
use futures_util::StreamExt;
use serde::Serialize;
use utoipa::ToSchema;

/// The form of a token request (RFC 6749, section 4.4.2). Credentials are ignored.
#[derive(ToSchema)]
#[expect(dead_code, reason = "describes the form, which is parsed by hand")]
pub(crate) struct TokenRequest {
    /// `client_credentials`
    #[schema(pattern = "^client_credentials$")]
    grant_type: String,
    #[schema(nullable = false)]
    client_id: Option<String>,
    #[schema(nullable = false)]
    client_secret: Option<String>,
}

/// A token (RFC 6749, section 5.1).
#[derive(Serialize, ToSchema)]
pub(crate) struct Token {
    access_token: &'static str,
    token_type: &'static str,
    /// Seconds.
    expires_in: u32,
}

/// The token is not checked anywhere, so it need not be secret.
const TOKEN: Token = Token { access_token: "not-checked-by-this-server", token_type: "Bearer", expires_in: 1800 };

/// The longest form. Those of clients have about 200 bytes.
const MAX_FORM: usize = 16 * 1024;

/// An error response (RFC 6749, section 5.2).
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct TokenError {
    /// `invalid_request` or `unsupported_grant_type`.
    error: &'static str,
    error_description: &'static str,
}

impl fmt::Display for TokenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.error, self.error_description)
    }
}

impl ResponseError for TokenError {
    fn status_code(&self) -> StatusCode {
        StatusCode::BAD_REQUEST
    }

    fn error_response(&self) -> HttpResponse {
        HttpResponse::BadRequest().insert_header((CACHE_CONTROL, "no-store")).json(self)
    }
}

/// A token for any client (OpenSky)
///
/// For OpenSky's clients that request a token before anything else. Any credentials are accepted, and no endpoint
/// checks the token.
#[utoipa::path(post, path = "/api/auth/token", tag = "opensky",
    request_body(content = TokenRequest, content_type = "application/x-www-form-urlencoded"),
    responses(
        (status = 200, description = "The token.", body = Token),
        (status = 400, description = "The form is not a request for client credentials.", body = TokenError)))]
pub(crate) async fn token(payload: web::Payload) -> Result<HttpResponse, TokenError> {
    check(&read(payload).await?)?;
    Ok(HttpResponse::Ok().insert_header((CACHE_CONTROL, "no-store")).json(TOKEN))
}

async fn read(mut payload: web::Payload) -> Result<Vec<u8>, TokenError> {
    let invalid = |error_description| TokenError { error: "invalid_request", error_description };
    let mut form = Vec::new();
    while let Some(part) = payload.next().await {
        form.extend_from_slice(&part.map_err(|_| invalid("the form cannot be read"))?);
        if form.len() > MAX_FORM {
            return Err(invalid("the form is longer than 16 KiB"));
        }
    }
    Ok(form)
}

fn check(form: &[u8]) -> Result<(), TokenError> {
    let mut grant_types = url::form_urlencoded::parse(form).filter(|(name, _)| name == "grant_type");
    match (grant_types.next(), grant_types.next()) {
        (Some((_, grant_type)), None) if grant_type == "client_credentials" => Ok(()),
        (Some(_), None) => Err(TokenError {
            error: "unsupported_grant_type",
            error_description: "grant_type must be client_credentials",
        }),
        (None, _) => {
            Err(TokenError { error: "invalid_request", error_description: "grant_type is missing from the form" })
        }
        (Some(_), Some(_)) => {
            Err(TokenError { error: "invalid_request", error_description: "grant_type is given twice" })
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn only_the_grant_type_is_checked() {
        let error = |form: &str| check(form.as_bytes()).err().map(|error| error.error);
        assert_eq!(error("grant_type=client_credentials&client_id=me&client_secret=x"), None);
        assert_eq!(error("grant_type=client_credentials"), None);
        assert_eq!(error("grant_type=password&username=me&password=x"), Some("unsupported_grant_type"));
        assert_eq!(error("grant_type=client_credentials&grant_type=password"), Some("invalid_request"));
        assert_eq!(error(""), Some("invalid_request"));
        assert_eq!(error("{\"grant_type\":\"client_credentials\"}"), Some("invalid_request"));
    }

    proptest! {
        #[test]
        fn fuzzed_forms_do_not_panic(form in prop::collection::vec(any::<u8>(), 0..100)) {
            let _ = check(&form);
        }
    }
}
