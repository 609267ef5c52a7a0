//! Compact Position Reporting (ICAO Doc 9871, C.2.6): latitude and longitude within a zone, in 17 bits each. Messages
//! alternate between an even and an odd division of the world into zones, so that two of them tell the zone.

use std::f64::consts::TAU;

use actors::domain::Point;

/// An encoded position.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct EncodedPosition {
    pub(super) is_odd: bool,
    /// Whether the aircraft is on the ground, where zones are a quarter as large.
    pub(super) is_surface: bool,
    pub(super) lat: u32,
    pub(super) lon: u32,
}

/// The number of steps in a zone.
const STEPS: f64 = 131_072.0;

/// The number of latitude zones between the equator and a pole.
const ZONES: f64 = 15.0;

/// Returns the number of longitude zones at a latitude, 1 to 59.
fn longitude_zones(lat: f64) -> f64 {
    let lat = lat.abs();
    if lat < 1e-9 {
        return 59.0;
    }
    if lat >= 87.0 {
        return if lat > 87.0 { 1.0 } else { 2.0 };
    }
    let cosine = lat.to_radians().cos();
    let angle = (1.0 - (1.0 - (TAU / (4.0 * ZONES)).cos()) / (cosine * cosine)).acos();
    (TAU / angle).floor()
}

/// Returns a longitude between -180 (included) and 180.
fn normalised(lon: f64) -> f64 {
    (lon + 180.0).rem_euclid(360.0) - 180.0
}

impl EncodedPosition {
    fn fractions(self) -> (f64, f64) {
        (f64::from(self.lat) / STEPS, f64::from(self.lon) / STEPS)
    }

    /// Returns the position of `self` from a message of each kind, wherever it is. Both must be airborne positions, sent
    /// within a few seconds. `None` if the two are in different longitude zones, or do not fit together.
    pub(super) fn with(self, other: Self) -> Option<Point> {
        if self.is_odd == other.is_odd || self.is_surface || other.is_surface {
            return None;
        }
        let (even, odd) = if self.is_odd { (other, self) } else { (self, other) };
        let ((even_lat, even_lon), (odd_lat, odd_lon)) = (even.fractions(), odd.fractions());
        let zone = (59.0 * even_lat - 60.0 * odd_lat + 0.5).floor();
        let latitude = |zones: f64, fraction: f64| {
            let lat = 360.0 / zones * (zone.rem_euclid(zones) + fraction);
            if lat >= 270.0 { lat - 360.0 } else { lat }
        };
        let lats = [latitude(60.0, even_lat), latitude(59.0, odd_lat)];
        let zones = longitude_zones(lats[0]);
        if lats.iter().any(|lat| lat.abs() > 90.0) || zones != longitude_zones(lats[1]) {
            return None;
        }
        let column = (even_lon * (zones - 1.0) - odd_lon * zones + 0.5).floor();
        let (lat, fraction, columns) = match self.is_odd {
            false => (lats[0], even_lon, zones.max(1.0)),
            true => (lats[1], odd_lon, (zones - 1.0).max(1.0)),
        };
        Some(Point { lat, lon: normalised(360.0 / columns * (column.rem_euclid(columns) + fraction)) })
    }

    /// Returns the position nearest to a reference. It is right if the aircraft is within 180 NM of the reference, or
    /// within 45 NM for a surface position.
    pub(super) fn near(self, reference: Point) -> Option<Point> {
        let span = if self.is_surface { 90.0 } else { 360.0 };
        let (lat, lon) = self.fractions();
        let nearest =
            |size: f64, reference: f64, fraction: f64| size * ((reference / size - fraction + 0.5).floor() + fraction);
        let lat = nearest(span / if self.is_odd { 59.0 } else { 60.0 }, reference.lat, lat);
        if lat.abs() > 90.0 {
            return None;
        }
        let columns = (longitude_zones(lat) - if self.is_odd { 1.0 } else { 0.0 }).max(1.0);
        Some(Point { lat, lon: normalised(nearest(span / columns, reference.lon, lon)) })
    }
}

#[cfg(test)]
#[path = "cpr_tests.rs"]
mod tests;
