//! Answers that a client need not be sent twice (RFC 9110, section 13.1.2).

use std::hash::{DefaultHasher, Hasher};

use actix_web::http::header::{CACHE_CONTROL, CONTENT_TYPE, ETAG, EntityTag, Header, IfNoneMatch, VARY};
use actix_web::{HttpRequest, HttpResponse, HttpResponseBuilder};

use super::buffered_response::{BufferedResponse, encoding_for};
use super::problem::Problem;
use crate::http::server::ServerState;

/// Answers with a body and its entity tag, or with 304 and no body where the client has it already.
///
/// # Errors
/// 503 when too much waits for clients already.
pub(crate) async fn answer(
    request: &HttpRequest,
    state: &ServerState,
    content_type: &'static str,
    body: Vec<u8>,
    headers: impl FnOnce(&mut HttpResponseBuilder),
) -> Result<HttpResponse, Problem> {
    let mut hasher = DefaultHasher::new();
    hasher.write(content_type.as_bytes());
    hasher.write(&body);
    // A weak one: compressed on its way, the body has other bytes.
    let tag = EntityTag::new_weak(format!("{:016x}", hasher.finish()));
    let known = match IfNoneMatch::parse(request) {
        Ok(IfNoneMatch::Any) => true,
        Ok(IfNoneMatch::Items(tags)) => tags.iter().any(|known| known.weak_eq(&tag)),
        Err(_) => false,
    };
    let mut response = if known { HttpResponse::NotModified() } else { HttpResponse::Ok() };
    response
        .insert_header((CACHE_CONTROL, "no-cache"))
        .insert_header((VARY, "Accept"))
        .insert_header((ETAG, tag.to_string()));
    headers(&mut response);
    if known {
        return Ok(response.finish());
    }
    response.insert_header((CONTENT_TYPE, content_type));
    let document = BufferedResponse::make(&state.limits, body, encoding_for(request)).await?;
    document.answer(&mut response, &state.limits, state.client_address(request))
}
