//! Negotiates the content encoding (`Accept-Encoding`; RFC 9110, section 12.5.3) for responses, event streams and files
//! of the web page.

use actix_http::encoding::Encoder;
use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::header::{ACCEPT_ENCODING, ContentEncoding, HeaderMap, HeaderValue, VARY};
use actix_web::middleware::Next;
use actix_web::{Error, ResponseError};

use super::problem::Problem;

/// The encodings that [`compress`] and [`BufferedResponse`](super::buffered_response::BufferedResponse) support, in
/// order of preference.
pub(crate) const RESPONSE_ENCODINGS: &[ContentEncoding] =
    &[ContentEncoding::Zstd, ContentEncoding::Gzip, ContentEncoding::Deflate];

/// Returns the offered encoding with the highest weight in a request; on a tie, the first of them. Returns `Identity`
/// if the request prefers it or accepts none of the offers, and `None` if it rejects `Identity` as well.
pub(crate) fn negotiate(headers: &HeaderMap, offers: &[ContentEncoding]) -> Option<ContentEncoding> {
    let accepted: Vec<(&str, f32)> = headers
        .get_all(ACCEPT_ENCODING)
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .map(coding_and_weight)
        .collect();
    let weight = |name: &str| accepted.iter().rfind(|(coding, _)| coding.eq_ignore_ascii_case(name)).map(|(_, q)| *q);
    let (any, identity) = (weight("*"), weight("identity"));
    let best = offers
        .iter()
        .map(|offer| (*offer, weight(offer.as_str()).or(any).unwrap_or(0.0)))
        .filter(|(_, weight)| *weight > 0.0 && *weight >= identity.unwrap_or(0.0))
        .reduce(|best, other| if other.1 > best.1 { other } else { best });
    match best {
        Some((encoding, _)) => Some(encoding),
        None => Some(ContentEncoding::Identity).filter(|_| identity.or(any) != Some(0.0)),
    }
}

/// Splits an item of the header into coding and weight. An invalid weight counts as 0, which means not acceptable.
fn coding_and_weight(item: &str) -> (&str, f32) {
    let (coding, parameters) = item.split_once(';').unwrap_or((item, ""));
    let weight = parameters.trim().strip_prefix("q=").map_or(1.0, |weight| weight.trim().parse().unwrap_or(0.0));
    (coding.trim(), weight)
}

/// Compresses each response that its handler has not encoded. Replaces actix-web's `Compress`, which has its own
/// negotiation.
pub(crate) async fn compress<B: MessageBody + 'static>(
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let Some(encoding) = negotiate(request.headers(), RESPONSE_ENCODINGS) else {
        let available: Vec<_> = RESPONSE_ENCODINGS.iter().map(|encoding| encoding.as_str()).collect();
        let detail = format!("available content encodings: {}", available.join(", "));
        let mut response = Problem::not_acceptable(detail).error_response();
        response.headers_mut().insert(VARY, HeaderValue::from_static("Accept-Encoding"));
        return Ok(request.into_response(response));
    };
    let response = next.call(request).await?;
    Ok(response.map_body(|head, body| Encoder::response(encoding, head, body).boxed()))
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;

    use super::*;

    fn negotiated(accepted: &str, offers: &[ContentEncoding]) -> Option<ContentEncoding> {
        let request = TestRequest::default().insert_header((ACCEPT_ENCODING, accepted)).to_http_request();
        negotiate(request.headers(), offers)
    }

    #[test]
    fn the_offered_encoding_with_the_highest_weight_is_used() {
        use ContentEncoding::{Gzip, Identity, Zstd};
        let check = |accepted: &str, expected| {
            assert_eq!(negotiated(accepted, &[Gzip, Zstd]), Some(expected), "{accepted}");
        };
        check("", Identity);
        check("br", Identity);
        check("gzip, deflate, br, zstd", Gzip);
        check("deflate, gzip, br", Gzip);
        check("zstd, gzip", Gzip);
        check("GZIP;q=0.5", Gzip);
        check("zstd;q=0.2, gzip;q=0.8", Gzip);
        check("zstd;q=0, gzip;q=0", Identity);
        check("identity, gzip;q=0.5", Identity);
        check("*", Gzip);
        check("gzip;q=0, *", Zstd);
        check("zstd;q=x", Identity);
    }

    #[test]
    fn a_client_can_reject_every_encoding() {
        use ContentEncoding::{Gzip, Identity};
        for rejecting in ["identity;q=0", "*;q=0", "br, *;q=0"] {
            assert_eq!(negotiated(rejecting, &[Gzip]), None, "{rejecting}");
        }
        assert_eq!(negotiated("identity;q=0, gzip;q=0.1", &[Gzip]), Some(Gzip));
        assert_eq!(negotiated("*;q=0, identity;q=0.1", &[Gzip]), Some(Identity));
    }

    #[test]
    fn a_request_without_the_header_gets_an_unencoded_response() {
        assert_eq!(negotiate(&HeaderMap::new(), RESPONSE_ENCODINGS), Some(ContentEncoding::Identity));
    }
}
