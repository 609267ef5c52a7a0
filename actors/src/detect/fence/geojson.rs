use geo::{Coord, Polygon};
use serde_json::{Map, Value};

use super::shape::check_degrees;
use super::{Fence, InvalidFence, ring};

/// The maximum number of positions in a fence.
const MAX_POSITIONS: usize = 100_000;

/// How deeply geometries may be nested.
const MAX_DEPTH: usize = 16;

/// Parses a GeoJSON object (RFC 7946) that contains polygons: a `Polygon`, `MultiPolygon`, `GeometryCollection`,
/// `Feature` or `FeatureCollection`.
///
/// Each edge takes the shorter way around the globe, so a polygon may cross the antimeridian. A ring around the globe
/// contains the pole of the hemisphere in which most of it lies.
///
/// # Errors
/// Names the place of the first fault.
pub fn parse_geojson(json: &Value) -> Result<Fence, InvalidFence> {
    let mut reader = Reader { polygons: Vec::new(), positions: 0 };
    reader.object("", json, MAX_DEPTH)?;
    if reader.polygons.is_empty() {
        return Err(InvalidFence::new("", "the GeoJSON contains no polygon"));
    }
    Ok(Fence::polygons(reader.polygons))
}

struct Reader {
    polygons: Vec<Polygon>,
    positions: usize,
}

impl Reader {
    fn object(&mut self, place: &str, json: &Value, depth: usize) -> Result<(), InvalidFence> {
        let Some(depth) = depth.checked_sub(1) else {
            return Err(InvalidFence::new(place, "nested too deeply"));
        };
        let Value::Object(object) = json else {
            return Err(InvalidFence::new(place, "expected a GeoJSON object"));
        };
        let Some(kind) = object.get("type").and_then(Value::as_str) else {
            return Err(InvalidFence::new(
                join(place, "type"),
                "expected the type of a GeoJSON object, such as Polygon",
            ));
        };
        match kind {
            "Polygon" => self.polygon(&join(place, "coordinates"), object.get("coordinates")),
            "MultiPolygon" => {
                let place = join(place, "coordinates");
                for (number, polygon) in list(&place, object.get("coordinates"))?.iter().enumerate() {
                    self.polygon(&format!("{place}[{number}]"), Some(polygon))?;
                }
                Ok(())
            }
            "Feature" => self.object(&join(place, "geometry"), member(place, object, "geometry")?, depth),
            "FeatureCollection" => self.each(&join(place, "features"), object.get("features"), depth),
            "GeometryCollection" => self.each(&join(place, "geometries"), object.get("geometries"), depth),
            _ => Err(InvalidFence::new(
                join(place, "type"),
                format!("{kind:?} is not an area; expected Polygon, MultiPolygon, Feature or a collection of them"),
            )),
        }
    }

    fn each(&mut self, place: &str, json: Option<&Value>, depth: usize) -> Result<(), InvalidFence> {
        for (number, object) in list(place, json)?.iter().enumerate() {
            self.object(&format!("{place}[{number}]"), object, depth)?;
        }
        Ok(())
    }

    fn polygon(&mut self, place: &str, json: Option<&Value>) -> Result<(), InvalidFence> {
        let mut rings = Vec::new();
        for (number, positions) in list(place, json)?.iter().enumerate() {
            let place = format!("{place}[{number}]");
            let positions = list(&place, Some(positions))?;
            self.positions += positions.len();
            if self.positions > MAX_POSITIONS {
                return Err(InvalidFence::new(place, format!("a fence has at most {MAX_POSITIONS} positions")));
            }
            let positions = positions.iter().enumerate().map(|(number, json)| position(&place, number, json));
            rings.push(positions.collect::<Result<Vec<_>, _>>()?);
        }
        self.polygons.push(ring::polygon(place, rings)?);
        Ok(())
    }
}

fn position(ring: &str, number: usize, json: &Value) -> Result<Coord, InvalidFence> {
    let degrees = |index: usize| json.get(index).and_then(Value::as_f64);
    let place = || format!("{ring}[{number}]");
    let (Some(lon), Some(lat)) = (degrees(0), degrees(1)) else {
        return Err(InvalidFence::new(place(), "expected a position: [longitude, latitude]"));
    };
    let range = check_degrees("", "longitude", lon, 180.0).and_then(|()| check_degrees("", "latitude", lat, 90.0));
    range.map_err(|error| InvalidFence::new(place(), error.reason))?;
    Ok(Coord { x: lon, y: lat })
}

fn list<'a>(place: &str, json: Option<&'a Value>) -> Result<&'a Vec<Value>, InvalidFence> {
    match json {
        Some(Value::Array(items)) => Ok(items),
        _ => Err(InvalidFence::new(place, "expected a list")),
    }
}

fn member<'a>(place: &str, object: &'a Map<String, Value>, name: &str) -> Result<&'a Value, InvalidFence> {
    object.get(name).ok_or_else(|| InvalidFence::new(join(place, name), "missing"))
}

fn join(place: &str, name: &str) -> String {
    if place.is_empty() { name.to_owned() } else { format!("{place}.{name}") }
}
