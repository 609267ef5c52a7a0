use actors::domain::{BoundingBox, Point};

use super::circles::{Circle, MAX_RADIUS, cover};
use crate::sources::http::Endpoint;

/// How the aircraft in an area are requested. It follows from the URL.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Dialect {
    /// `/point/{lat}/{lon}/{radius}`: adsb.lol, airplanes.live and others with a `/v2`.
    Point,
    /// `/lat/{lat}/lon/{lon}/dist/{radius}`: adsb.fi.
    LatLonDist,
    /// `?box=…`, `?circle=…` and `?all`: readsb's own API (`--net-api-port`), which has no limit of the radius.
    Query,
}

/// An area that cannot be requested.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub(super) enum InvalidArea {
    #[error("it needs an area: bounding_box, or location for {MAX_RADIUS} nautical miles around it")]
    Missing,
    #[error("bounding_box {0} takes more than {max} requests of {MAX_RADIUS} nautical miles each, at most one a second; reduce it", max = Dialect::MAX_CIRCLES)]
    TooLarge(BoundingBox),
}

impl Dialect {
    /// The maximum number of circles, and so of seconds between two requests for the same circle.
    pub(super) const MAX_CIRCLES: usize = 60;

    /// Returns the dialect of an API: that of its host if it has one of its own, or else by the end of the path, which is
    /// a version (`/v2`) for an aggregator.
    pub(super) fn of(endpoint: &Endpoint) -> Self {
        let host = endpoint.url().host_str().unwrap_or_default();
        let last = endpoint.url().path().trim_end_matches('/').rsplit('/').next().unwrap_or_default();
        let version = last.strip_prefix('v').unwrap_or_default();
        if host == "adsb.fi" || host.ends_with(".adsb.fi") {
            Self::LatLonDist
        } else if !version.is_empty() && version.bytes().all(|digit| digit.is_ascii_digit()) {
            Self::Point
        } else {
            Self::Query
        }
    }

    /// Whether the API is one's own, without a limit of the rate.
    pub(super) fn is_own(self) -> bool {
        self == Self::Query
    }

    /// Returns the URLs that together report the aircraft in an area.
    pub(super) fn urls(
        self,
        endpoint: &Endpoint,
        area: Option<BoundingBox>,
        location: Option<Point>,
    ) -> Result<Vec<String>, InvalidArea> {
        let circles = match (area, location) {
            (Some(area), _) if self == Self::Query => {
                let [south, west, north, east] = area.edges();
                return Ok(vec![query(endpoint, &format!("box={south},{north},{west},{east}"))]);
            }
            (Some(area), _) => cover(area, Self::MAX_CIRCLES).ok_or(InvalidArea::TooLarge(area))?,
            (None, Some(centre)) => vec![Circle { centre, radius: MAX_RADIUS }],
            (None, None) if self == Self::Query => return Ok(vec![query(endpoint, "all")]),
            (None, None) => return Err(InvalidArea::Missing),
        };
        Ok(circles.into_iter().map(|circle| self.url(endpoint, circle)).collect())
    }

    fn url(self, endpoint: &Endpoint, Circle { centre, radius }: Circle) -> String {
        let (lat, lon) = (rounded(centre.lat), rounded(centre.lon));
        match self {
            Self::Point => endpoint.join(&format!("point/{lat}/{lon}/{radius}")).to_string(),
            Self::LatLonDist => endpoint.join(&format!("lat/{lat}/lon/{lon}/dist/{radius}")).to_string(),
            Self::Query => query(endpoint, &format!("circle={lat},{lon},{radius}")),
        }
    }
}

/// readsb has no other parameters, and no encoding of the commas.
fn query(endpoint: &Endpoint, query: &str) -> String {
    format!("{endpoint}?{query}")
}

/// Rounds degrees to about 10 m, within the margin of a circle.
fn rounded(degrees: f64) -> f64 {
    (degrees * 1e4).round() / 1e4
}

#[cfg(test)]
mod tests {
    use super::*;

    fn urls(url: &str, area: Option<&str>, location: Option<(f64, f64)>) -> Result<Vec<String>, InvalidArea> {
        let endpoint = url.parse().unwrap();
        let area = area.map(|area| area.parse().unwrap());
        Dialect::of(&endpoint).urls(&endpoint, area, location.map(|(lat, lon)| Point { lat, lon }))
    }

    #[test]
    fn the_url_tells_the_dialect() {
        let check = |url: &str, dialect| assert_eq!(Dialect::of(&url.parse().unwrap()), dialect, "{url}");
        check("https://api.adsb.lol/v2", Dialect::Point);
        check("https://api.airplanes.live/v2/", Dialect::Point);
        check("https://flights.example.org/fm/v2", Dialect::Point);
        check("https://opendata.adsb.fi/api/v2", Dialect::LatLonDist);
        check("https://notadsb.fi/v3", Dialect::Point);
        check("http://roof:8042/", Dialect::Query);
        check("http://roof/re-api/", Dialect::Query);
        check("http://roof/v", Dialect::Query);
    }

    #[test]
    fn each_dialect_has_its_urls() {
        let zurich = Some((47.45, 8.5617));
        assert_eq!(
            urls("https://api.adsb.lol/v2/", None, zurich).unwrap(),
            ["https://api.adsb.lol/v2/point/47.45/8.5617/250"]
        );
        assert_eq!(
            urls("https://opendata.adsb.fi/api/v2", Some("47,8,48,9"), zurich).unwrap(),
            ["https://opendata.adsb.fi/api/v2/lat/47.5/lon/8.5/dist/37"]
        );
        assert_eq!(
            urls("http://roof:8042", Some("-18,179,-17,-179"), None).unwrap(),
            ["http://roof:8042/?box=-18,-17,179,-179"]
        );
        assert_eq!(urls("http://roof/re-api/", None, zurich).unwrap(), ["http://roof/re-api/?circle=47.45,8.5617,250"]);
        assert_eq!(urls("http://roof/re-api/", None, None).unwrap(), ["http://roof/re-api/?all"]);
    }

    #[test]
    fn an_area_that_is_missing_or_too_large_is_an_error() {
        let says = |area| urls("https://api.adsb.lol/v2", area, None).unwrap_err().to_string();
        assert!(says(None).contains("bounding_box, or location"), "{}", says(None));
        let world = says(Some("-90,-180,90,180"));
        assert!(world.contains("-90,-180,90,180 takes more than 60 requests"), "{world}");
    }
}
