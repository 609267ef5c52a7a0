use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::EARTH_RADIUS;

/// A rectangle in WGS-84 degrees, written `lamin,lomin,lamax,lomax`. It crosses the antimeridian if `lomin > lomax`.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct BoundingBox {
    lamin: f64,
    lomin: f64,
    lamax: f64,
    lomax: f64,
}

/// Why four numbers are not a valid bounding box.
#[derive(Clone, Debug, PartialEq, Error)]
#[error("{0}; a bounding box is lamin,lomin,lamax,lomax in degrees, such as 45.8,5.9,47.9,10.6")]
pub struct InvalidBoundingBox(String);

impl BoundingBox {
    /// Creates a box from its southern, western, northern and eastern edges in degrees.
    ///
    /// # Errors
    /// Fails if a latitude is outside ±90, the latitudes are in the wrong order, a longitude is outside ±180, or a
    /// number is not finite.
    pub fn new(lamin: f64, lomin: f64, lamax: f64, lomax: f64) -> Result<Self, InvalidBoundingBox> {
        let bounding_box = Self::of_any_size(lamin, lomin, lamax, lomax)?;
        if lamin == lamax {
            return Err(InvalidBoundingBox(format!("lamin {lamin} is not south of lamax {lamax}")));
        }
        if lomin == lomax {
            return Err(InvalidBoundingBox(format!("lomin and lomax are both {lomin}")));
        }
        Ok(bounding_box)
    }

    /// Creates a box that may also be a line or a point.
    ///
    /// # Errors
    /// Fails if a latitude is outside ±90, the latitudes are in the wrong order, a longitude is outside ±180, or a
    /// number is not finite.
    pub fn of_any_size(lamin: f64, lomin: f64, lamax: f64, lomax: f64) -> Result<Self, InvalidBoundingBox> {
        let refuse = |why: String| Err(InvalidBoundingBox(why));
        for (name, value, limit) in
            [("lamin", lamin, 90.0), ("lamax", lamax, 90.0), ("lomin", lomin, 180.0), ("lomax", lomax, 180.0)]
        {
            // NaN fails this comparison, too.
            if !(-limit..=limit).contains(&value) {
                return refuse(format!("{name} {value} is out of range (-{limit}..={limit})"));
            }
        }
        if lamin > lamax {
            return refuse(format!("lamin {lamin} is not south of lamax {lamax}"));
        }
        Ok(Self { lamin, lomin, lamax, lomax })
    }

    /// Returns the southern, western, northern and eastern edges in degrees.
    pub fn edges(&self) -> [f64; 4] {
        [self.lamin, self.lomin, self.lamax, self.lomax]
    }

    /// Whether the box crosses the antimeridian.
    pub fn crosses_antimeridian(&self) -> bool {
        self.lomin > self.lomax
    }

    /// Whether the box contains a position in degrees. The edges belong to the box.
    pub fn contains(&self, lat: f64, lon: f64) -> bool {
        let inside = if self.crosses_antimeridian() {
            lon >= self.lomin || lon <= self.lomax
        } else {
            (self.lomin..=self.lomax).contains(&lon)
        };
        inside && (self.lamin..=self.lamax).contains(&lat)
    }

    /// Returns the width times the height, in square degrees.
    pub fn area(&self) -> f64 {
        let width = self.lomax - self.lomin + if self.crosses_antimeridian() { 360.0 } else { 0.0 };
        width * (self.lamax - self.lamin)
    }

    /// Returns the box with a margin around it. Every position within `metres` of this box is in the returned one.
    #[must_use]
    pub fn widened(&self, metres: f64) -> Self {
        let angle = (metres / EARTH_RADIUS).max(0.0);
        let lamin = (self.lamin - angle.to_degrees()).max(-90.0);
        let lamax = (self.lamax + angle.to_degrees()).min(90.0);
        // The farther from the equator, the more degrees of longitude does a circle of this radius span. A circle
        // around a pole spans all of them.
        let farthest = lamin.abs().max(lamax.abs());
        let half_span = (angle.sin() / farthest.to_radians().cos()).min(1.0).asin().to_degrees();
        let width = self.lomax - self.lomin + if self.crosses_antimeridian() { 360.0 } else { 0.0 };
        if farthest >= 90.0 || half_span >= 90.0 || width + 2.0 * half_span >= 360.0 {
            return Self { lamin, lomin: -180.0, lamax, lomax: 180.0 };
        }
        let (west, east) = (self.lomin - half_span, self.lomax + half_span);
        let lomin = if west < -180.0 { west + 360.0 } else { west };
        let lomax = if east > 180.0 { east - 360.0 } else { east };
        Self { lamin, lomin, lamax, lomax }
    }
}

impl FromStr for BoundingBox {
    type Err = InvalidBoundingBox;

    fn from_str(text: &str) -> Result<Self, InvalidBoundingBox> {
        let numbers = text
            .split(',')
            .map(|part| part.trim().parse::<f64>())
            .collect::<Result<Vec<_>, _>>()
            .map_err(|_| InvalidBoundingBox(format!("{:?} contains a part that is not a number", shorten(text))))?;
        let [lamin, lomin, lamax, lomax] = numbers[..] else {
            return Err(InvalidBoundingBox(format!("{:?} has {} parts instead of 4", shorten(text), numbers.len())));
        };
        Self::new(lamin, lomin, lamax, lomax)
    }
}

fn shorten(text: &str) -> String {
    text.chars().take(80).collect()
}

impl fmt::Display for BoundingBox {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{},{},{},{}", self.lamin, self.lomin, self.lamax, self.lomax)
    }
}

impl TryFrom<String> for BoundingBox {
    type Error = InvalidBoundingBox;

    fn try_from(text: String) -> Result<Self, InvalidBoundingBox> {
        text.parse()
    }
}

impl From<BoundingBox> for String {
    fn from(bounding_box: BoundingBox) -> Self {
        bounding_box.to_string()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::domain::Point;

    proptest! {
        #[test]
        fn a_widened_box_contains_every_position_within_the_margin(
            lat in (-90.0..=90.0, -90.0..=90.0), lon in (-180.0..=180.0, -180.0..=180.0),
            metres in 1.0..200_000.0, place in (0.0..=1.0, 0.0..=1.0), way in (0.0..=1.0, 0.0..6.3),
        ) {
            let Ok(inner) = BoundingBox::new(f64::min(lat.0, lat.1), lon.0, f64::max(lat.0, lat.1), lon.1) else {
                return Ok(());
            };
            // A position in the box, and one at most this far away from it.
            let [south, west, north, east] = inner.edges();
            let width = east - west + if inner.crosses_antimeridian() { 360.0 } else { 0.0 };
            let round = |lon: f64| (lon + 180.0).rem_euclid(360.0) - 180.0;
            let from = Point { lat: south + (north - south) * place.0, lon: round(west + width * place.1) };
            let (angle, heading): (f64, f64) = (0.999 * way.0 * metres / EARTH_RADIUS, way.1);
            let (sin, cos) = from.lat.to_radians().sin_cos();
            let lat = (sin * angle.cos() + cos * angle.sin() * heading.cos()).clamp(-1.0, 1.0).asin();
            let turn = (heading.sin() * angle.sin() * cos).atan2(angle.cos() - sin * lat.sin()).to_degrees();
            let (lat, lon) = (lat.to_degrees(), round(from.lon + turn));
            prop_assert!(inner.widened(metres).contains(lat, lon), "{} {}: {}", lat, lon, inner.widened(metres));
        }
    }

    #[test]
    fn a_widened_box_ends_at_the_poles_and_wraps_around() {
        let widened = |text: &str, metres: f64| {
            let wider = text.parse::<BoundingBox>().unwrap().widened(metres);
            wider.edges().map(|edge| (edge * 10.0).round() / 10.0)
        };
        assert_eq!(widened("-1,7,1,9", 111_195.1), [-2.0, 6.0, 2.0, 10.0]);
        assert_eq!(widened("59,7,59.5,9", 55_597.5), [58.5, 6.0, 60.0, 10.0]);
        assert_eq!(widened("-1,179,1,179.5", 111_195.1), [-2.0, 178.0, 2.0, -179.5]);
        assert_eq!(widened("-1,-179.5,1,-179", 111_195.1), [-2.0, 179.5, 2.0, -178.0]);
        assert_eq!(widened("80,7,89.9,9", 111_195.1), [79.0, -180.0, 90.0, 180.0]);
        assert_eq!(widened("-1,-179.5,1,179.5", 111_195.1), [-2.0, -180.0, 2.0, 180.0]);
        assert_eq!(widened("-1,7,1,6.5", 111_195.1), [-2.0, -180.0, 2.0, 180.0]);
    }

    #[test]
    fn a_box_across_the_antimeridian_contains_both_sides() {
        let fiji: BoundingBox = "-20,175,-15,-175".parse().unwrap();
        assert!(fiji.crosses_antimeridian());
        assert!(fiji.contains(-17.0, 179.0) && fiji.contains(-17.0, -179.0) && fiji.contains(-17.0, 180.0));
        assert!(!fiji.contains(-17.0, 0.0) && !fiji.contains(-21.0, 179.0));
    }

    #[test]
    fn a_box_of_any_size_may_be_a_point() {
        let point = BoundingBox::of_any_size(0.0, 1.0, 0.0, 1.0).unwrap();
        assert!(point.contains(0.0, 1.0) && !point.contains(0.0, 1.1) && !point.contains(0.1, 1.0));
        assert!(BoundingBox::of_any_size(0.1, 1.0, 0.0, 1.0).is_err());
    }

    #[test]
    fn invalid_boxes_are_refused_with_the_reason() {
        let check = |text: &str, reason: &str| {
            let error = text.parse::<BoundingBox>().unwrap_err().to_string();
            assert!(error.contains(reason), "{text}: {error}");
        };
        check("", "not a number");
        check("1,2,3", "3 parts");
        check("1,2,3,4,5", "5 parts");
        check("a,2,3,4", "not a number");
        check("NaN,2,3,4", "lamin");
        check("inf,2,3,4", "lamin");
        check("-91,2,3,4", "lamin -91");
        check("1,2,3,181", "lomax 181");
        check("3,2,1,4", "not south");
        check("1,2,3,2", "both 2");
    }
}
