//! In which form an answer is given: by `?format=`, or by `Accept` (RFC 9110, section 12.5.1).

use actix_web::HttpRequest;
use actix_web::http::header::{Accept, Header, Quality};

use super::problem::Problem;
use crate::http::api::query::Parameters;

/// A form in which an answer is to be had.
pub(crate) struct Offer<F> {
    pub(crate) form: F,
    /// Its name in `format`.
    pub(crate) name: &'static str,
    /// As it is asked for by `Accept`, and named in the answer.
    pub(crate) media_type: &'static str,
}

/// Chooses among the offers, of which the first is given to those who do not care.
///
/// # Errors
/// 400 for a `format` that is not offered, 406 where `Accept` takes none.
pub(crate) fn choose<'a, F>(
    offers: &'a [Offer<F>],
    parameters: &Parameters,
    request: &HttpRequest,
) -> Result<&'a Offer<F>, Problem> {
    if let Some(wanted) = &parameters.format {
        return offers.iter().find(|offer| offer.name == wanted).ok_or_else(|| {
            let names: Vec<_> = offers.iter().map(|offer| offer.name).collect();
            let wanted: String = wanted.chars().take(40).collect();
            Problem::bad_parameter("format", format!("{}, not {wanted:?}", names.join(" or ")))
        });
    }
    // What cannot be read asks for nothing.
    let mut accepted = Accept::parse(request).map(|accept| accept.0).unwrap_or_default();
    if accepted.is_empty() {
        return offers.first().ok_or_else(|| none_of(offers));
    }
    accepted.retain(|item| item.quality > Quality::ZERO);
    accepted.sort_by_key(|item| std::cmp::Reverse(item.quality));
    let fitting = |range: &str| {
        offers.iter().find(|offer| match range.strip_suffix("/*") {
            Some("*") => true,
            Some(kind) => offer.media_type.split('/').next() == Some(kind),
            None => offer.media_type == range,
        })
    };
    accepted.iter().find_map(|item| fitting(item.item.essence_str())).ok_or_else(|| none_of(offers))
}

fn none_of<F>(offers: &[Offer<F>]) -> Problem {
    let types: Vec<_> = offers.iter().map(|offer| offer.media_type).collect();
    Problem::not_acceptable(format!("{} can be had", types.join(" and ")))
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;

    use super::*;

    const OFFERS: &[Offer<()>] = &[
        Offer { form: (), name: "json", media_type: "application/json" },
        Offer { form: (), name: "geojson", media_type: "application/geo+json" },
    ];

    #[test]
    fn the_form_is_chosen_by_accept_or_format() {
        let check = |format: Option<&str>, accept: &str, expected: Option<&str>| {
            let uri = format.map_or("/x".to_owned(), |format| format!("/x?format={format}"));
            let request = TestRequest::with_uri(&uri).insert_header(("accept", accept)).to_http_request();
            let parameters = Parameters::of(&request, &["format"]).unwrap();
            let chosen = choose(OFFERS, &parameters, &request).ok().map(|offer| offer.name);
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
