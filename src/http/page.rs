//! `/`: the first page.

use actix_web::HttpResponse;
use actix_web::http::header::{CONTENT_SECURITY_POLICY, CONTENT_TYPE};
use actix_web::web;

use super::server::ServerState;

const PAGE: &str = include_str!("page.html");
const SCRIPT: &str = include_str!("page.js");
const STYLE: &str = include_str!("page.css");

/// Nothing is loaded from elsewhere, and nothing inline.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; \
                      base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// `GET /`
pub(super) async fn page(state: web::Data<ServerState>) -> HttpResponse {
    let banner = if state.demo { "This is a demonstration: the aircraft are simulated." } else { "" };
    asset("text/html; charset=utf-8", PAGE.replace("{{banner}}", banner))
}

/// `GET /page.js`
pub(super) async fn script() -> HttpResponse {
    asset("text/javascript; charset=utf-8", SCRIPT.into())
}

/// `GET /page.css`
pub(super) async fn style() -> HttpResponse {
    asset("text/css; charset=utf-8", STYLE.into())
}

fn asset(content_type: &str, body: String) -> HttpResponse {
    HttpResponse::Ok()
        .insert_header((CONTENT_TYPE, content_type))
        .insert_header((CONTENT_SECURITY_POLICY, POLICY))
        .insert_header(("X-Content-Type-Options", "nosniff"))
        .insert_header(("Referrer-Policy", "no-referrer"))
        .insert_header(("Cache-Control", "no-cache"))
        .body(body)
}
