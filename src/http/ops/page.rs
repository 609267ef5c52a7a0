//! Serves the web page, which is built from `web/`.

use std::borrow::Cow;

use actix_web::http::header::{
    CACHE_CONTROL, CONTENT_ENCODING, CONTENT_SECURITY_POLICY, CONTENT_TYPE, ContentEncoding, ETAG, EntityTag, LOCATION,
    VARY,
};
use actix_web::{HttpRequest, HttpResponse, web};
use rust_embed::{Embed, EmbeddedFile};

use crate::http::reply::encoding::negotiate;
use crate::http::reply::entity_tag::is_known;
use crate::http::reply::problem::Problem;
use crate::http::reply::sliced_body::SlicedBody;

/// The output of `make web`: embedded in a release build, read from disk by a debug build.
#[derive(Embed)]
#[folder = "web/dist/page"]
#[allow_missing = true]
struct Page;

/// The content security policy: no third-party content and nothing inline. The map's worker is a file of this server.
const POLICY: &str = "default-src 'none'; script-src 'self'; worker-src 'self'; style-src 'self'; connect-src 'self'; \
                      img-src 'self' data: blob:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

const NOT_BUILT: &str = "<!doctype html><html lang=\"en\"><title>Flight monitor</title>\
                         <h1>The page is not part of this build</h1>\
                         <p>Run <code>make web</code>, then build the program again. \
                         Everything else works, such as <a href=\"api/v1/flights\">current traffic</a>.</p></html>";

/// Handles `GET /`.
pub(crate) async fn page(request: HttpRequest) -> HttpResponse {
    document(&request, "index.html")
}

/// Handles `GET /admin`. The dashboard itself is public; it loads its data with the operator's token.
pub(crate) async fn admin(request: HttpRequest) -> HttpResponse {
    document(&request, "admin.html")
}

/// Handles `GET /admin/` with a redirect, because the URLs in the page are relative to `/admin`. The redirect is
/// relative as well, for proxies that strip a path prefix.
pub(crate) async fn admin_with_slash() -> HttpResponse {
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

/// Handles `GET /assets/{name}`. The names contain a hash of the content.
pub(crate) async fn asset(request: HttpRequest, name: web::Path<String>) -> Result<HttpResponse, Problem> {
    file(&request, &format!("assets/{name}"), "public, max-age=31536000, immutable")
        .ok_or_else(|| Problem::not_found(format!("no asset named {name}")))
}

fn file(request: &HttpRequest, path: &str, cache: &'static str) -> Option<HttpResponse> {
    let plain = Page::get(path)?;
    let (file, encoding) = compressed(request, path).unwrap_or((plain, ContentEncoding::Identity));
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
    if encoding != ContentEncoding::Identity {
        response.insert_header((CONTENT_ENCODING, encoding.as_str()));
    }
    let data = match file.data {
        Cow::Borrowed(data) => web::Bytes::from_static(data),
        Cow::Owned(data) => data.into(),
    };
    Some(response.body(SlicedBody::new(data, ())))
}

/// Returns the file as compressed by `make web`, in the encoding that the client prefers.
fn compressed(request: &HttpRequest, path: &str) -> Option<(EmbeddedFile, ContentEncoding)> {
    let encoding = negotiate(request.headers(), &[ContentEncoding::Brotli, ContentEncoding::Gzip])?;
    let extension = match encoding {
        ContentEncoding::Brotli => "br",
        ContentEncoding::Gzip => "gz",
        _ => return None,
    };
    Some((Page::get(&format!("{path}.{extension}"))?, encoding))
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
