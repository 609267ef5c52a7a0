//! Negotiates the media type of a response: with `?format=`, or with `Accept` (RFC 9110, section 12.5.1).

use actix_web::HttpRequest;
use actix_web::http::header::{Accept, Header, Quality};

use super::problem::Problem;

/// A format in which a response is available.
pub(crate) struct Representation<F> {
    pub(crate) format: F,
    /// Its name in `?format=`.
    pub(crate) name: &'static str,
    /// Its name in `Accept` and `Content-Type`.
    pub(crate) media_type: &'static str,
}

/// The representations of endpoints that support only JSON.
pub(crate) const JSON_ONLY: &[Representation<()>] =
    &[Representation { format: (), name: "json", media_type: "application/json" }];

/// Chooses the representation requested by `?format=` or else by `Accept`. Without either, it is the first one.
///
/// # Errors
/// 400 for an unknown `format`, 406 if `Accept` matches no representation.
pub(crate) fn negotiate<'a, F>(
    available: &'a [Representation<F>],
    format: Option<&str>,
    request: &HttpRequest,
) -> Result<&'a Representation<F>, Problem> {
    if let Some(format) = format {
        return available.iter().find(|representation| representation.name == format).ok_or_else(|| {
            let names: Vec<_> = available.iter().map(|representation| representation.name).collect();
            let format: String = format.chars().take(40).collect();
            Problem::bad_parameter("format", format!("expected {}, not {format:?}", names.join(" or ")))
        });
    }
    let not_acceptable = || {
        let types: Vec<_> = available.iter().map(|representation| representation.media_type).collect();
        Problem::not_acceptable(format!("available media types: {}", types.join(", ")))
    };
    // An invalid header expresses no preference.
    let mut accepted = Accept::parse(request).map(|accept| accept.0).unwrap_or_default();
    if accepted.is_empty() {
        return available.first().ok_or_else(not_acceptable);
    }
    accepted.retain(|item| item.quality > Quality::ZERO);
    accepted.sort_by_key(|item| std::cmp::Reverse(item.quality));
    let matching = |range: &str| {
        available.iter().find(|representation| match range.strip_suffix("/*") {
            Some("*") => true,
            Some(kind) => representation.media_type.split('/').next() == Some(kind),
            None => representation.media_type == range,
        })
    };
    accepted.iter().find_map(|item| matching(item.item.essence_str())).ok_or_else(not_acceptable)
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;

    use super::*;

    const AVAILABLE: &[Representation<()>] = &[
        Representation { format: (), name: "json", media_type: "application/json" },
        Representation { format: (), name: "geojson", media_type: "application/geo+json" },
    ];

    #[test]
    fn the_representation_is_chosen_by_format_or_accept() {
        let check = |format: Option<&str>, accept: &str, expected: Option<&str>| {
            let request = TestRequest::default().insert_header(("accept", accept)).to_http_request();
            let chosen = negotiate(AVAILABLE, format, &request).ok().map(|representation| representation.name);
            assert_eq!(chosen, expected, "{accept}");
        };
        check(None, "*/*", Some("json"));
        check(None, "", Some("json"));
        check(None, "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", Some("json"));
        check(None, "application/*", Some("json"));
        check(None, "application/geo+json", Some("geojson"));
        check(None, "application/geo+json, application/json;q=0.5", Some("geojson"));
        check(None, "application/json;q=0.5, application/geo+json", Some("geojson"));
        check(None, "application/json, application/geo+json", Some("json"));
        check(None, "application/json;q=0, application/geo+json;q=0.1", Some("geojson"));
        check(None, "text/csv", None);
        check(None, "text/*", None);
        check(Some("geojson"), "application/json", Some("geojson"));
        check(Some("kml"), "*/*", None);
    }
}
