//! Entity tags: a client that already has the response gets 304 instead (RFC 9110, section 13.1.2).

use std::hash::{DefaultHasher, Hasher};

use actix_web::http::header::{CACHE_CONTROL, CONTENT_TYPE, ETAG, EntityTag, Header, IfNoneMatch, VARY};
use actix_web::{HttpRequest, HttpResponse, HttpResponseBuilder};

use super::buffered_response::BufferedResponse;
use super::limits::Client;
use super::problem::Problem;

/// Responds with a body and its entity tag, or with 304 if `If-None-Match` contains the tag.
///
/// # Errors
/// 503 if responses that wait for clients have used up the memory limit.
pub(crate) async fn respond(
    request: &HttpRequest,
    client: Client<'_>,
    content_type: &'static str,
    body: Vec<u8>,
    headers: impl FnOnce(&mut HttpResponseBuilder),
) -> Result<HttpResponse, Problem> {
    let mut hasher = DefaultHasher::new();
    hasher.write(content_type.as_bytes());
    hasher.write(&body);
    // A weak tag, because a compressed body has different bytes.
    let tag = EntityTag::new_weak(format!("{:016x}", hasher.finish()));
    let known = is_known(request, &tag);
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
    BufferedResponse::encode(client.limits, body, BufferedResponse::encoding_for(request))
        .await?
        .respond(&mut response, client)
}

/// Returns whether the `If-None-Match` of a request contains this tag.
pub(crate) fn is_known(request: &HttpRequest, tag: &EntityTag) -> bool {
    match IfNoneMatch::parse(request) {
        Ok(IfNoneMatch::Any) => true,
        Ok(IfNoneMatch::Items(known)) => known.iter().any(|known| known.weak_eq(tag)),
        Err(_) => false,
    }
}
