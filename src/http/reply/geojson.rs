//! The parts of GeoJSON (RFC 7946) that aircraft need.

use actors::domain::{StateVector, UnixTime};
use serde::Serialize;
use utoipa::openapi::RefOr;
use utoipa::openapi::schema::{ArrayBuilder, Schema};
use utoipa::{PartialSchema, ToSchema};

use super::content_negotiation::Representation;

/// The format of aircraft positions in a response.
#[derive(Clone, Copy)]
pub(crate) enum PositionFormat {
    Json,
    GeoJson,
}

pub(crate) const POSITION_FORMATS: &[Representation<PositionFormat>] = &[
    Representation { format: PositionFormat::Json, name: "json", media_type: "application/json" },
    Representation { format: PositionFormat::GeoJson, name: "geojson", media_type: "application/geo+json" },
];

/// An object with a geometry.
#[derive(Serialize, ToSchema)]
pub(crate) struct Feature<P> {
    #[serde(rename = "type")]
    #[schema(pattern = "^Feature$")]
    kind: &'static str,
    id: String,
    geometry: Geometry,
    properties: P,
}

/// Positions, each a longitude and a latitude in degrees and, where known, the height above the ellipsoid in metres.
#[derive(Serialize, ToSchema)]
#[serde(tag = "type", content = "coordinates")]
pub(crate) enum Geometry {
    Point(GeoJsonPosition),
    LineString(Vec<GeoJsonPosition>),
    /// A line that was cut where it crosses the antimeridian.
    MultiLineString(Vec<Vec<GeoJsonPosition>>),
}

/// Longitude, latitude and, where known, the height above the ellipsoid in metres.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[serde(untagged)]
pub(crate) enum GeoJsonPosition {
    Flat([f64; 2]),
    Raised([f64; 3]),
}

impl PartialSchema for GeoJsonPosition {
    fn schema() -> RefOr<Schema> {
        let numbers = ArrayBuilder::new().items(f64::schema()).min_items(Some(2)).max_items(Some(3));
        numbers.description(Some("Longitude, latitude and, where known, the height in metres.")).into()
    }
}

impl ToSchema for GeoJsonPosition {}

impl GeoJsonPosition {
    /// Returns the position in a state vector, or `None` if it is unknown.
    pub(crate) fn of(state: &StateVector) -> Option<Self> {
        let (lon, lat) = (state.lon?, state.lat?);
        Some(match state.geo_altitude {
            Some(altitude) => Self::Raised([lon, lat, altitude]),
            None => Self::Flat([lon, lat]),
        })
    }

    fn lon(self) -> f64 {
        match self {
            Self::Flat([lon, ..]) | Self::Raised([lon, ..]) => lon,
        }
    }

    fn lat(self) -> f64 {
        match self {
            Self::Flat([_, lat]) | Self::Raised([_, lat, _]) => lat,
        }
    }

    /// Returns a position with the same height at another longitude and latitude.
    fn at(self, lon: f64, lat: f64) -> Self {
        match self {
            Self::Flat(_) => Self::Flat([lon, lat]),
            Self::Raised([_, _, altitude]) => Self::Raised([lon, lat, altitude]),
        }
    }
}

impl<P> Feature<P> {
    pub(crate) fn new(id: String, geometry: Geometry, properties: P) -> Self {
        Self { kind: "Feature", id, geometry, properties }
    }
}

impl<'a> Feature<&'a StateVector> {
    /// Returns an aircraft at its position, or `None` if the position is unknown.
    pub(crate) fn aircraft(state: &'a StateVector) -> Option<Self> {
        Some(Self::new(state.icao24.to_string(), Geometry::Point(GeoJsonPosition::of(state)?), state))
    }

    /// Returns one position of a track, identified by its time.
    pub(crate) fn position(state: &'a StateVector, at: UnixTime) -> Option<Self> {
        Some(Self::new(at.to_string(), Geometry::Point(GeoJsonPosition::of(state)?), state))
    }
}

/// Returns a line through these positions, cut where it crosses the antimeridian (RFC 7946, section 3.1.9), or `None`
/// for fewer than two positions.
pub(crate) fn line(positions: impl IntoIterator<Item = GeoJsonPosition>) -> Option<Geometry> {
    let mut lines: Vec<Vec<GeoJsonPosition>> = Vec::new();
    let mut last: Option<GeoJsonPosition> = None;
    for position in positions {
        let line = match lines.last_mut() {
            Some(line) => line,
            None => lines.push_mut(Vec::new()),
        };
        match last {
            Some(last) if (position.lon() - last.lon()).abs() > 180.0 => {
                let (side, lat) = crossing(last, position);
                line.extend((last.lon() != side).then(|| last.at(side, lat)));
                let entry = (position.lon() != -side).then(|| position.at(-side, lat));
                lines.push(entry.into_iter().chain([position]).collect());
            }
            _ => line.push(position),
        }
        last = Some(position);
    }
    match lines.len() {
        0 => None,
        1 => lines.pop().filter(|line| line.len() > 1).map(Geometry::LineString),
        _ => Some(Geometry::MultiLineString(lines)),
    }
}

/// Returns the side of the antimeridian that `from` is on (180 or −180), and the latitude at which the shorter path to
/// `to` crosses it.
fn crossing(from: GeoJsonPosition, to: GeoJsonPosition) -> (f64, f64) {
    let side = if from.lon() > 0.0 { 180.0 } else { -180.0 };
    let (before, after) = ((side - from.lon()).abs(), (-side - to.lon()).abs());
    let fraction = if before + after > 0.0 { before / (before + after) } else { 0.0 };
    (side, from.lat() + (to.lat() - from.lat()) * fraction)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn through(positions: &[[f64; 2]]) -> serde_json::Value {
        serde_json::to_value(line(positions.iter().copied().map(GeoJsonPosition::Flat))).unwrap()
    }

    #[test]
    fn a_line_needs_two_positions() {
        assert_eq!(through(&[]), serde_json::Value::Null);
        assert_eq!(through(&[[1.0, 2.0]]), serde_json::Value::Null);
        let expected = serde_json::json!({ "type": "LineString", "coordinates": [[1.0, 2.0], [3.0, 4.0]] });
        assert_eq!(through(&[[1.0, 2.0], [3.0, 4.0]]), expected);
    }

    #[test]
    fn a_line_over_the_antimeridian_is_cut_there() {
        let expected = serde_json::json!({ "type": "MultiLineString", "coordinates": [
            [[170.0, 0.0], [178.0, 10.0], [180.0, 12.0]],
            [[-180.0, 12.0], [-178.0, 14.0], [-180.0, 15.0]],
            [[180.0, 15.0], [179.0, 15.5]],
        ] });
        assert_eq!(through(&[[170.0, 0.0], [178.0, 10.0], [-178.0, 14.0], [-180.0, 15.0], [179.0, 15.5]]), expected);
    }
}
