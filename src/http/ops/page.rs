//! The page that `web/` is built into.

use std::borrow::Cow;

use actix_web::http::header::{
    AcceptEncoding, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_SECURITY_POLICY, CONTENT_TYPE, ETAG, Encoding, EntityTag,
    Header, IfNoneMatch, LOCATION, VARY,
};
use actix_web::{HttpRequest, HttpResponse, web};
use rust_embed::{Embed, EmbeddedFile};

use crate::http::reply::problem::Problem;
use crate::http::reply::sliced_body::SlicedBody;

/// What `make web` built: inside a release build, and read from the disk by a debug build.
#[derive(Embed)]
#[folder = "web/dist/page"]
#[allow_missing = true]
struct Page;

/// Nothing is loaded from elsewhere, nothing is inline, and the map's worker is a file of this server.
const POLICY: &str = "default-src 'none'; script-src 'self'; worker-src 'self'; style-src 'self'; connect-src 'self'; \
                      img-src 'self' data: blob:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

const NOT_BUILT: &str = "<!doctype html><html lang=\"en\"><title>Flight monitor</title>\
                         <h1>The page is not in this program</h1>\
                         <p>It was built without its page: run <code>make web</code>, then build again. \
                         Everything else works, such as <a href=\"api/v1/flights\">current traffic</a>.</p></html>";

/// `GET /`
pub(crate) async fn page(request: HttpRequest) -> HttpResponse {
    document(&request, "index.html")
}

/// `GET /admin`: nothing in it is secret, and what it shows it asks for with the operator's token.
pub(crate) async fn engine_room(request: HttpRequest) -> HttpResponse {
    document(&request, "admin.html")
}

/// `GET /admin/`: the addresses in the page are relative to `/admin`, and so is this one, for proxies that cut a path off.
pub(crate) async fn engine_room_with_slash() -> HttpResponse {
    HttpResponse::PermanentRedirect().insert_header((LOCATION, "../admin")).finish()
}

fn document(request: &HttpRequest, path: &str) -> HttpResponse {
    file(request, path, "no-cache").unwrap_or_else(|| {
        HttpResponse::ServiceUnavailable()
            .insert_header((CONTENT_TYPE, "text/html; charset=utf-8"))
            .insert_header((CONTENT_SECURITY_POLICY, POLICY))
            .body(NOT_BUILT)
    })
}

/// `GET /assets/{name}`: the names have a hash of the content in them.
pub(crate) async fn asset(request: HttpRequest, name: web::Path<String>) -> Result<HttpResponse, Problem> {
    file(&request, &format!("assets/{name}"), "public, max-age=31536000, immutable")
        .ok_or_else(|| Problem::not_found(format!("the page has no file {name}")))
}

fn file(request: &HttpRequest, path: &str, cache: &'static str) -> Option<HttpResponse> {
    let plain = Page::get(path)?;
    let (file, encoding) = compressed(request, path).unwrap_or((plain, None));
    let tag = EntityTag::new_strong(hex(&file.metadata.sha256_hash()[..12]));
    let mut response = if is_known(request, &tag) { HttpResponse::NotModified() } else { HttpResponse::Ok() };
    response
        .insert_header((CACHE_CONTROL, cache))
        .insert_header((CONTENT_SECURITY_POLICY, POLICY))
        .insert_header((CONTENT_TYPE, content_type(path)))
        .insert_header((ETAG, tag.to_string()))
        .insert_header((VARY, "Accept-Encoding"))
        .insert_header(("X-Content-Type-Options", "nosniff"))
        .insert_header(("Referrer-Policy", "no-referrer"));
    if let Some(encoding) = encoding {
        response.insert_header((CONTENT_ENCODING, encoding));
    }
    let data = match file.data {
        Cow::Borrowed(data) => web::Bytes::from_static(data),
        Cow::Owned(data) => data.into(),
    };
    Some(response.body(SlicedBody::of(data, ())))
}

/// The file as it was compressed when the page was built, in the form that the client likes best.
fn compressed(request: &HttpRequest, path: &str) -> Option<(EmbeddedFile, Option<&'static str>)> {
    let accepted = AcceptEncoding::parse(request).ok()?;
    let forms = [Encoding::brotli(), Encoding::gzip(), Encoding::identity()];
    match accepted.negotiate(forms.iter())? {
        best if best == Encoding::brotli() => Some((Page::get(&format!("{path}.br"))?, Some("br"))),
        best if best == Encoding::gzip() => Some((Page::get(&format!("{path}.gz"))?, Some("gzip"))),
        _ => None,
    }
}

fn is_known(request: &HttpRequest, tag: &EntityTag) -> bool {
    match IfNoneMatch::parse(request) {
        Ok(IfNoneMatch::Any) => true,
        Ok(IfNoneMatch::Items(known)) => known.iter().any(|known| known.weak_eq(tag)),
        Err(_) => false,
    }
}

fn content_type(path: &str) -> &'static str {
    match path.rsplit('.').next().unwrap_or_default() {
        "html" => "text/html; charset=utf-8",
        "js" => "text/javascript; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        "svg" => "image/svg+xml",
        "geojson" => "application/geo+json",
        _ => "application/octet-stream",
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
