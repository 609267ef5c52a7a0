//! The parts of GeoJSON (RFC 7946) that aircraft need.

use actors::domain::{Point, StateVector, UnixTime, fields};
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

/// The representations of endpoints that support only GeoJSON.
pub(crate) const GEOJSON_ONLY: &[Representation<()>] =
    &[Representation { format: (), name: "geojson", media_type: "application/geo+json" }];

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
    /// Several lines, or one that was cut where it crosses the antimeridian.
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
        Some(Self::new(Point { lat: state.lat?, lon: state.lon? }, state.geo_altitude))
    }

    /// Returns a position with its height above the ellipsoid, if that is known.
    pub(crate) fn new(Point { lat, lon }: Point, geo_altitude: Option<f64>) -> Self {
        match geo_altitude {
            Some(altitude) => Self::Raised([lon, lat, altitude]),
            None => Self::Flat([lon, lat]),
        }
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
    lines([positions])
}

/// Returns lines through these positions, cut where they cross the antimeridian, or `None` if none has two positions.
/// Lines with fewer than two positions are left out.
pub(crate) fn lines<P>(lines: impl IntoIterator<Item = P>) -> Option<Geometry>
where
    P: IntoIterator<Item = GeoJsonPosition>,
{
    let mut pieces: Vec<_> = lines.into_iter().flat_map(cut).filter(|piece| piece.len() > 1).collect();
    match pieces.len() {
        0 => None,
        1 => pieces.pop().map(Geometry::LineString),
        _ => Some(Geometry::MultiLineString(pieces)),
    }
}

/// Cuts a line where it crosses the antimeridian. A position on the antimeridian may be a piece of its own.
fn cut(positions: impl IntoIterator<Item = GeoJsonPosition>) -> Vec<Vec<GeoJsonPosition>> {
    let mut pieces: Vec<Vec<GeoJsonPosition>> = Vec::new();
    let mut last: Option<GeoJsonPosition> = None;
    for position in positions {
        let piece = match pieces.last_mut() {
            Some(piece) => piece,
            None => pieces.push_mut(Vec::new()),
        };
        match last {
            Some(last) if (position.lon() - last.lon()).abs() > 180.0 => {
                let (side, lat) = crossing(last, position);
                piece.extend((last.lon() != side).then(|| last.at(side, lat)));
                let entry = (position.lon() != -side).then(|| position.at(-side, lat));
                pieces.push(entry.into_iter().chain([position]).collect());
            }
            _ => piece.push(position),
        }
        last = Some(position);
    }
    pieces
}

/// Returns the side of the antimeridian that `from` is on (180 or −180), and the latitude at which the shorter path to
/// `to` crosses it.
fn crossing(from: GeoJsonPosition, to: GeoJsonPosition) -> (f64, f64) {
    let side = if from.lon() > 0.0 { 180.0 } else { -180.0 };
    let (before, after) = ((side - from.lon()).abs(), (-side - to.lon()).abs());
    let fraction = if before + after > 0.0 { before / (before + after) } else { 0.0 };
    (side, fields::lat.rounded(from.lat() + (to.lat() - from.lat()) * fraction))
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

    #[test]
    fn a_line_may_start_or_end_on_the_antimeridian() {
        let expected =
            |coordinates: &[[f64; 2]]| serde_json::json!({ "type": "LineString", "coordinates": coordinates });
        assert_eq!(through(&[[180.0, 1.0], [-179.0, 2.0]]), expected(&[[-180.0, 1.0], [-179.0, 2.0]]));
        assert_eq!(through(&[[179.0, 1.0], [-180.0, 2.0]]), expected(&[[179.0, 1.0], [180.0, 2.0]]));
        assert_eq!(through(&[[180.0, 1.0], [-180.0, 1.0]]), serde_json::Value::Null);
    }

    #[test]
    fn the_latitude_of_a_cut_has_the_decimals_of_a_latitude() {
        let cut = through(&[[179.0, 0.0], [-179.999_999, 1.0]]);
        assert_eq!(cut["coordinates"][0][1], serde_json::json!([180.0, 0.999_999]));
    }

    #[test]
    fn several_lines_leave_out_single_positions() {
        let flat = |lons: &[f64]| lons.iter().map(|lon| GeoJsonPosition::Flat([*lon, 0.0])).collect::<Vec<_>>();
        let two = lines([flat(&[1.0, 2.0]), flat(&[3.0]), flat(&[]), flat(&[4.0, 5.0])]);
        let expected = serde_json::json!({ "type": "MultiLineString", "coordinates": [
            [[1.0, 0.0], [2.0, 0.0]], [[4.0, 0.0], [5.0, 0.0]],
        ] });
        assert_eq!(serde_json::to_value(two).unwrap(), expected);
        assert!(lines([flat(&[1.0]), flat(&[2.0])]).is_none());
    }
}
