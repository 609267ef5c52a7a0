//! Turns a fault into a faulty response.

use std::time::Duration;

use actix_web::http::StatusCode;
use actix_web::http::header::{CONTENT_ENCODING, ContentType, HeaderName, HeaderValue};
use actix_web::web::Bytes;
use actix_web::{HttpRequest, HttpResponse, HttpResponseBuilder};

use rand::Rng;

use crate::connection::Connection;
use crate::faults::{Fault, FaultKind};
use crate::paced_body::PacedBody;

/// Upper bound for a client that never gives up.
const MAX_HANG: Duration = Duration::from_secs(600);

/// Minimum number of random bytes.
const MIN_GARBAGE: usize = 2_000;

pub(crate) const PAGE: &str = "<!DOCTYPE html>\n<html><head><title>Please wait</title></head>\
    <body><h1>We will be back soon</h1><p>{\"states\": no JSON}</p></body></html>\n";

/// Responds to a request with an immediate fault.
pub(crate) async fn immediate(fault: &Fault, request: &HttpRequest) -> HttpResponse {
    match fault.kind {
        FaultKind::Status => {
            let mut response = respond(fault, StatusCode::SERVICE_UNAVAILABLE);
            let text = fault.status.map_or_else(String::new, |status| format!("{status} on request\n"));
            response.content_type(ContentType::plaintext()).body(text)
        }
        FaultKind::Refuse => {
            respond(fault, StatusCode::FORBIDDEN).content_type(ContentType::plaintext()).body("Forbidden\n")
        }
        FaultKind::Html => respond(fault, StatusCode::OK).content_type(ContentType::html()).body(PAGE),
        FaultKind::Hang => {
            tokio::time::sleep(MAX_HANG).await;
            reset(request)
        }
        _ => reset(request),
    }
}

/// Sends a response with a corrupting fault. Faults that change the content have already been applied to `body`.
pub(crate) fn corrupted(fault: &Fault, content_type: ContentType, body: Bytes) -> HttpResponse {
    let mut response = respond(fault, StatusCode::OK);
    response.content_type(content_type);
    match fault.kind {
        FaultKind::Truncate => plain(&mut response).body(PacedBody::half(body)),
        FaultKind::Drip => plain(&mut response).body(PacedBody::dripping(body)),
        FaultKind::Empty => response.finish(),
        FaultKind::Garbage => response.body(garbage(body.len())),
        FaultKind::Huge => plain(&mut response).body(PacedBody::huge(body)),
        _ => response.body(body),
    }
}

/// Returns random bytes, about as many as `length`.
pub(crate) fn garbage(length: usize) -> Vec<u8> {
    let mut bytes = vec![0; length.max(MIN_GARBAGE)];
    rand::rng().fill(bytes.as_mut_slice());
    bytes
}

/// Disables compression, which would buffer away the pauses and drop the content length.
fn plain(response: &mut HttpResponseBuilder) -> &mut HttpResponseBuilder {
    response.insert_header((CONTENT_ENCODING, "identity"))
}

fn reset(request: &HttpRequest) -> HttpResponse {
    Connection::reset_on_close(request);
    HttpResponse::Ok().insert_header((CONTENT_ENCODING, "identity")).body(PacedBody::nothing())
}

fn respond(fault: &Fault, otherwise: StatusCode) -> HttpResponseBuilder {
    let status = fault.status.and_then(|status| StatusCode::from_u16(status).ok()).unwrap_or(otherwise);
    let mut response = HttpResponse::build(status);
    for (name, value) in &fault.headers {
        // Validated when the fault was added.
        if let (Ok(name), Ok(value)) = (HeaderName::try_from(name.as_str()), HeaderValue::from_str(value)) {
            response.insert_header((name, value));
        }
    }
    response
}
