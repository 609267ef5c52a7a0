use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use thiserror::Error;

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
        let refuse = |why: String| Err(InvalidBoundingBox(why));
        for (name, value, limit) in
            [("lamin", lamin, 90.0), ("lamax", lamax, 90.0), ("lomin", lomin, 180.0), ("lomax", lomax, 180.0)]
        {
            // NaN fails this comparison, too.
            if !(-limit..=limit).contains(&value) {
                return refuse(format!("{name} {value} is out of range (-{limit}..={limit})"));
            }
        }
        if lamin >= lamax {
            return refuse(format!("lamin {lamin} is not south of lamax {lamax}"));
        }
        if lomin == lomax {
            return refuse(format!("lomin and lomax are both {lomin}"));
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
    use super::*;

    #[test]
    fn a_box_across_the_antimeridian_contains_both_sides() {
        let fiji: BoundingBox = "-20,175,-15,-175".parse().unwrap();
        assert!(fiji.crosses_antimeridian());
        assert!(fiji.contains(-17.0, 179.0) && fiji.contains(-17.0, -179.0) && fiji.contains(-17.0, 180.0));
        assert!(!fiji.contains(-17.0, 0.0) && !fiji.contains(-21.0, 179.0));
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
