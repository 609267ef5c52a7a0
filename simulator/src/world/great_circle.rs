//! Great circles on a sphere, computed with unit vectors: no special cases at the antimeridian or the poles.

/// The IUGG mean radius, in metres.
const EARTH_RADIUS: f64 = 6_371_008.8;

/// A point on a great circle, and the track there.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Waypoint {
    /// Degrees north.
    pub(super) lat: f64,
    /// Degrees east, −180 to 180.
    pub(super) lon: f64,
    /// Degrees clockwise from north, 0 ≤ track < 360.
    pub(super) track: f64,
}

/// A great-circle arc.
#[derive(Clone, Copy, Debug)]
pub(super) struct GreatCircle {
    start: [f64; 3],
    /// Unit vector orthogonal to `start`, in the direction of travel there.
    heading: [f64; 3],
    /// Metres.
    pub(super) length: f64,
}

impl GreatCircle {
    /// Creates the arc between two points, given as (lat, lon) in degrees. Antipodes are joined along some meridian.
    pub(super) fn between(from: (f64, f64), to: (f64, f64)) -> Self {
        let (start, end) = (unit_vector(from), unit_vector(to));
        let along = dot(start, end);
        let across = norm(cross(start, end));
        if across < 1e-9 {
            return Self { start, heading: local_axes(start).1, length: EARTH_RADIUS * across.atan2(along) };
        }
        let heading = std::array::from_fn(|i| (end[i] - along * start[i]) / across);
        Self { start, heading, length: EARTH_RADIUS * across.atan2(along) }
    }

    /// Creates an arc of `length` metres from a point (lat, lon) in degrees, with an initial bearing in degrees.
    pub(super) fn leaving(from: (f64, f64), bearing: f64, length: f64) -> Self {
        let start = unit_vector(from);
        let (east, north) = local_axes(start);
        let (sin, cos) = bearing.to_radians().sin_cos();
        Self { start, heading: std::array::from_fn(|i| sin * east[i] + cos * north[i]), length }
    }

    /// Returns the point at `distance` metres from the start.
    pub(super) fn at(&self, distance: f64) -> Waypoint {
        let (sin, cos) = (distance / EARTH_RADIUS).sin_cos();
        let here: [f64; 3] = std::array::from_fn(|i| cos * self.start[i] + sin * self.heading[i]);
        let ahead: [f64; 3] = std::array::from_fn(|i| cos * self.heading[i] - sin * self.start[i]);
        let (east, north) = local_axes(here);
        let track = dot(ahead, east).atan2(dot(ahead, north)).to_degrees();
        Waypoint {
            lat: here[2].clamp(-1.0, 1.0).asin().to_degrees(),
            lon: here[1].atan2(here[0]).to_degrees(),
            track: if track < 0.0 { track + 360.0 } else { track },
        }
    }
}

/// Returns the initial bearing from one point to another, given as (lat, lon) in degrees, in degrees.
pub(crate) fn bearing(from: (f64, f64), to: (f64, f64)) -> f64 {
    GreatCircle::between(from, to).at(0.0).track
}

fn unit_vector((lat, lon): (f64, f64)) -> [f64; 3] {
    let (sin_lat, cos_lat) = lat.to_radians().sin_cos();
    let (sin_lon, cos_lon) = lon.to_radians().sin_cos();
    [cos_lat * cos_lon, cos_lat * sin_lon, sin_lat]
}

/// Returns the unit vectors east and north at a point; at a pole, where neither is defined, those of the prime
/// meridian.
fn local_axes(point: [f64; 3]) -> ([f64; 3], [f64; 3]) {
    let flat = point[0].hypot(point[1]);
    let (sin_lon, cos_lon) = if flat > 1e-12 { (point[1] / flat, point[0] / flat) } else { (0.0, 1.0) };
    ([-sin_lon, cos_lon, 0.0], [-point[2] * cos_lon, -point[2] * sin_lon, flat])
}

fn dot(a: [f64; 3], b: [f64; 3]) -> f64 {
    a[0] * b[0] + a[1] * b[1] + a[2] * b[2]
}

fn cross(a: [f64; 3], b: [f64; 3]) -> [f64; 3] {
    [a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]]
}

fn norm(a: [f64; 3]) -> f64 {
    dot(a, a).sqrt()
}

/// Returns the distance between two points, given as (lat, lon) in degrees, in metres.
pub(crate) fn distance(from: (f64, f64), to: (f64, f64)) -> f64 {
    let (a, b) = (unit_vector(from), unit_vector(to));
    EARTH_RADIUS * norm(cross(a, b)).atan2(dot(a, b))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn known_distances_and_bearings_are_reproduced() {
        // Frankfurt to New York; expected values from the haversine formula.
        let way = GreatCircle::between((50.0264, 8.5431), (40.6398, -73.7789));
        assert!((way.length / 1000.0 - 6_188.0).abs() < 1.0, "{}", way.length);
        assert!((way.at(0.0).track - 294.0).abs() < 2.0, "{:?}", way.at(0.0));
        // Across the Pacific and the antimeridian.
        let way = GreatCircle::between((35.5533, 139.7811), (37.6188, -122.3754));
        assert!((way.length / 1000.0 - 8_290.0).abs() < 40.0, "{}", way.length);
        assert!(way.at(way.length / 2.0).lat > 45.0);
    }

    #[test]
    fn a_route_across_the_pole_is_valid() {
        let way = GreatCircle::between((80.0, 0.0), (80.0, 180.0));
        let pole = way.at(way.length / 2.0);
        assert!((pole.lat - 90.0).abs() < 1e-6 && pole.track.is_finite());
    }

    proptest! {
        #[test]
        fn a_route_ends_at_its_destination(a in (-89.0..89.0, -180.0..180.0), b in (-89.0..89.0, -180.0..180.0)) {
            let way = GreatCircle::between(a, b);
            let end = way.at(way.length);
            prop_assert!(distance((end.lat, end.lon), b) < 1.0);
            prop_assert!((0.0..360.0).contains(&end.track) && end.lon.abs() <= 180.0 && end.lat.abs() <= 90.0);
        }

        #[test]
        fn a_route_starts_with_its_bearing(from in (-80.0..80.0, -180.0..180.0), bearing in 0.0..360.0) {
            let way = GreatCircle::leaving(from, bearing, 50_000.0);
            let turn = (way.at(0.0).track - bearing + 540.0).rem_euclid(360.0) - 180.0;
            prop_assert!(turn.abs() < 1e-6, "{turn}");
        }
    }
}
