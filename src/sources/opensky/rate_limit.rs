//! What the headers of an answer say about the day's credits.

use std::time::{Duration, SystemTime};

use awc::http::header::{HeaderMap, HttpDate, RETRY_AFTER};

const CREDITS_LEFT: &str = "x-rate-limit-remaining";
const RETRY_AFTER_SECONDS: &str = "x-rate-limit-retry-after-seconds";

/// The credits left for the day; `None` when the answer does not say.
pub(super) fn credits_left(headers: &HeaderMap) -> Option<u32> {
    let left = text(headers, CREDITS_LEFT)?.parse::<i64>().ok()?;
    // An overdrawn account has nothing left.
    Some(u32::try_from(left.max(0)).unwrap_or(u32::MAX))
}

/// How long to wait before asking again: OpenSky's own header, or else the standard one, seconds or a date. `None`
/// when neither makes sense.
pub(super) fn retry_after(headers: &HeaderMap, now: SystemTime) -> Option<Duration> {
    let seconds = |text: &str| text.parse().ok().map(Duration::from_secs);
    text(headers, RETRY_AFTER_SECONDS).and_then(seconds).or_else(|| {
        let standard = text(headers, RETRY_AFTER.as_str())?;
        seconds(standard).or_else(|| {
            let date: SystemTime = standard.parse::<HttpDate>().ok()?.into();
            date.duration_since(now).ok()
        })
    })
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
