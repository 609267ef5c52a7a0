//! Reads the response headers about credits and rate limits.

use std::time::{Duration, SystemTime};

use awc::http::header::HeaderMap;

use crate::sources::http;

const CREDITS_LEFT: &str = "x-rate-limit-remaining";
const RETRY_AFTER_SECONDS: &str = "x-rate-limit-retry-after-seconds";

/// Returns the credits left for the day, or `None` if the response does not say.
pub(super) fn credits_left(headers: &HeaderMap) -> Option<u32> {
    let left = text(headers, CREDITS_LEFT)?.parse::<i64>().ok()?;
    // The balance of an overdrawn account is negative.
    Some(u32::try_from(left.max(0)).unwrap_or(u32::MAX))
}

/// Returns the pause that the response demands, from OpenSky's own header or else from the standard one.
pub(super) fn retry_after(headers: &HeaderMap, now: SystemTime) -> Option<Duration> {
    let own = text(headers, RETRY_AFTER_SECONDS).and_then(|text| text.parse().ok()).map(Duration::from_secs);
    own.or_else(|| http::retry_after(headers, now))
}

fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name)?.to_str().ok().map(str::trim)
}

#[cfg(test)]
mod tests {
    use awc::http::header::{HeaderName, HeaderValue};

    use super::*;

    fn headers(pairs: &[(&str, &str)]) -> HeaderMap {
        pairs
            .iter()
            .map(|(name, value)| {
                (HeaderName::from_bytes(name.as_bytes()).unwrap(), HeaderValue::from_bytes(value.as_bytes()).unwrap())
            })
            .collect()
    }

    #[test]
    fn credits_are_read_or_unknown() {
        let check = |value, credits| assert_eq!(credits_left(&headers(&[("X-Rate-Limit-Remaining", value)])), credits);
        check("3999", Some(3_999));
        check(" 0 ", Some(0));
        check("-4", Some(0));
        check("99999999999", Some(u32::MAX));
        check("", None);
        check("many", None);
        check("3.5", None);
        check("\u{fc}", None);
        assert_eq!(credits_left(&HeaderMap::new()), None);
    }

    #[test]
    fn the_wait_is_read_from_either_header() {
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(784_111_767);
        let check = |pairs: &[(&str, &str)], seconds: Option<u64>| {
            assert_eq!(retry_after(&headers(pairs), now), seconds.map(Duration::from_secs), "{pairs:?}");
        };
        let (own, standard) = ("X-Rate-Limit-Retry-After-Seconds", "Retry-After");
        check(&[], None);
        check(&[(own, "22688")], Some(22_688));
        check(&[(standard, "120")], Some(120));
        check(&[(standard, "120"), (own, "60")], Some(60));
        check(&[(standard, "120"), (own, "soon")], Some(120));
        check(&[(standard, "Sun, 06 Nov 1994 08:49:37 GMT")], Some(10));
        check(&[(standard, "Sun, 06 Nov 1994 08:49:00 GMT")], None);
        for garbage in ["", "soon", "-1", "1e3", "99999999999999999999", "\u{fc}"] {
            check(&[(own, garbage)], None);
            check(&[(standard, garbage)], None);
        }
    }
}
