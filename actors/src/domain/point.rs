/// A point on the earth in WGS-84 degrees.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Point {
    /// Degrees north, −90 to 90.
    pub lat: f64,
    /// Degrees east, −180 to 180.
    pub lon: f64,
}

/// The Earth's mean radius in metres (IUGG).
pub(crate) const EARTH_RADIUS: f64 = 6_371_008.8;

impl Point {
    /// Returns the great-circle distance to another point in metres, on a sphere, by the haversine formula (Sinnott,
    /// "Virtues of the haversine", 1984). The distance from a point to itself is exactly 0.
    pub fn distance_to(self, other: Point) -> f64 {
        let half = |from: f64, to: f64| ((to - from).to_radians() / 2.0).sin().powi(2);
        let along = self.lat.to_radians().cos() * other.lat.to_radians().cos() * half(self.lon, other.lon);
        2.0 * EARTH_RADIUS * (half(self.lat, other.lat) + along).sqrt().min(1.0).asin()
    }

    /// Returns the initial direction of the great circle to another point in degrees, clockwise from north,
    /// 0 ≤ direction < 360. It is 0 if both points are the same.
    pub fn direction_to(self, other: Point) -> f64 {
        let (from, to) = (self.lat.to_radians(), other.lat.to_radians());
        let turn = (other.lon - self.lon).to_radians();
        let (east, north) = (turn.sin() * to.cos(), from.cos() * to.sin() - from.sin() * to.cos() * turn.cos());
        let degrees = east.atan2(north).to_degrees().rem_euclid(360.0);
        // A tiny negative angle is rounded to 360.
        if degrees < 360.0 { degrees } else { 0.0 }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn kilometres(from: (f64, f64), to: (f64, f64)) -> f64 {
        let point = |(lat, lon)| Point { lat, lon };
        point(from).distance_to(point(to)) / 1000.0
    }

    #[test]
    fn distances_match_known_values() {
        let check = |from, to, expected: f64| {
            let found = kilometres(from, to);
            assert!((found - expected).abs() < 0.5, "{from:?} {to:?}: {found}");
        };
        // A quarter and a half of the sphere's circumference.
        check((0.0, 0.0), (90.0, 77.0), 10_007.6);
        check((0.0, -90.0), (0.0, 90.0), 20_015.1);
        // Frankfurt to New York.
        check((50.0264, 8.5431), (40.6398, -73.7789), 6_188.0);
        // The short way across the antimeridian.
        check((0.0, 179.5), (0.0, -179.5), 111.2);
        check((47.4, 8.5), (47.4, 8.5), 0.0);
    }

    #[test]
    fn directions_match_known_values() {
        let check = |from: (f64, f64), to: (f64, f64), expected: f64| {
            let point = |(lat, lon)| Point { lat, lon };
            let found = point(from).direction_to(point(to));
            assert!((found - expected).abs() < 0.05, "{from:?} {to:?}: {found}");
        };
        check((0.0, 0.0), (10.0, 0.0), 0.0);
        check((0.0, 0.0), (0.0, 10.0), 90.0);
        check((0.0, 0.0), (-10.0, 0.0), 180.0);
        check((0.0, 179.0), (0.0, -179.0), 90.0);
        check((0.0, -179.0), (0.0, 179.0), 270.0);
        check((47.4, 8.5), (47.4, 8.5), 0.0);
        // Frankfurt to New York.
        check((50.0264, 8.5431), (40.6398, -73.7789), 294.374);
    }

    proptest! {
        #[test]
        fn a_direction_is_less_than_a_full_turn(
            from in (-90.0..=90.0, -180.0..=180.0), to in (-90.0..=90.0, -180.0..=180.0),
        ) {
            let point = |(lat, lon)| Point { lat, lon };
            prop_assert!((0.0..360.0).contains(&point(from).direction_to(point(to))));
        }

        #[test]
        fn a_distance_is_symmetric_and_at_most_half_the_circumference(
            from in (-90.0..=90.0, -180.0..=180.0), to in (-90.0..=90.0, -180.0..=180.0),
        ) {
            let (there, back) = (kilometres(from, to), kilometres(to, from));
            prop_assert!((there - back).abs() < 1e-6);
            prop_assert!((0.0..=20_015.2).contains(&there));
        }
    }
}
