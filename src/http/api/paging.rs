//! Pagination with a cursor.

use actix_web::HttpRequest;

use super::query::Period;

/// Returns the `Link` header (RFC 8288) to the next page: the same query with the new cursor and absolute times. The
/// URL is relative to the URL of the request, because a proxy may serve it below another path.
pub(crate) fn link_to_next(request: &HttpRequest, period: Period, cursor: &str) -> String {
    let mut query = url::form_urlencoded::Serializer::new(String::new());
    let pairs = url::form_urlencoded::parse(request.query_string().as_bytes());
    query.extend_pairs(pairs.filter(|(name, _)| !matches!(&**name, "from" | "to" | "cursor")));
    query.append_pair("from", &period.from.to_string());
    query.append_pair("to", &period.to.to_string());
    query.append_pair("cursor", cursor);
    format!("<?{}>; rel=\"next\"", query.finish())
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;
    use actors::domain::UnixTime;

    use super::*;

    #[test]
    fn the_next_page_has_the_same_query_with_fixed_times() {
        let request = TestRequest::with_uri("/api/v1/x?icao24=4b1814&limit=2&cursor=old&to=9").to_http_request();
        let period = Period { from: UnixTime(-5), to: UnixTime(9) };
        let expected = "<?icao24=4b1814&limit=2&from=-5&to=9&cursor=a%7Cb>; rel=\"next\"";
        assert_eq!(link_to_next(&request, period, "a|b"), expected);
    }
}
