use crate::domain::{EARTH_RADIUS, Point, fields};

/// A position on a track. It has the decimals of a state vector, as integers, since many are held in memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TrackPoint {
    lat: i32,
    lon: i32,
    altitude: Option<i32>,
}

impl TrackPoint {
    /// Creates a position from degrees and, where known, the height above the ellipsoid in metres.
    pub fn new(Point { lat, lon }: Point, geo_altitude: Option<f64>) -> Self {
        Self {
            lat: fields::lat.to_scaled(lat),
            lon: fields::lon.to_scaled(lon),
            altitude: geo_altitude.map(|altitude| fields::geo_altitude.to_scaled(altitude)),
        }
    }

    /// Returns the position in degrees.
    pub fn point(self) -> Point {
        Point { lat: fields::lat.from_scaled(self.lat), lon: fields::lon.from_scaled(self.lon) }
    }

    /// Returns the height above the ellipsoid in metres, if it is known.
    pub fn geo_altitude(self) -> Option<f64> {
        self.altitude.map(|altitude| fields::geo_altitude.from_scaled(altitude))
    }

    fn place(self) -> Place {
        Place { lat: self.lat, lon: self.lon }
    }
}

/// The latitude and the longitude of a [`TrackPoint`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Place {
    lat: i32,
    lon: i32,
}

impl Place {
    /// Returns the way to another place, north and east in radians. As on the line that is sent to clients, its length
    /// in longitude is at most 180 degrees.
    fn way_to(self, other: Place) -> [f64; 2] {
        let north = f64::from(other.lat) - f64::from(self.lat);
        let east = f64::from(other.lon) - f64::from(self.lon);
        let half_turn = 180.0 * fields::lon.scale();
        let east = match east {
            _ if east > half_turn => east - 2.0 * half_turn,
            _ if east < -half_turn => east + 2.0 * half_turn,
            _ => east,
        };
        [(north / fields::lat.scale()).to_radians(), (east / fields::lon.scale()).to_radians()]
    }
}

/// How far a position may be from the line that replaces it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Tolerance {
    /// The square of the sine of half the angle that this distance spans, seen from the centre of the earth.
    haversine: f64,
}

impl Tolerance {
    /// Creates a tolerance in metres. With 0, a line keeps all positions.
    pub fn metres(metres: u32) -> Self {
        Self { haversine: (f64::from(metres) / EARTH_RADIUS / 2.0).min(std::f64::consts::FRAC_PI_2).sin().powi(2) }
    }
}

/// The maximum number of positions that one straight piece of a line replaces. It limits the work for each position,
/// and costs little: a straight flight keeps one of sixty-four.
const MAX_WINDOW: usize = 64;

/// A line that is simplified while it grows (opening window).
///
/// A line between two positions is straight in longitude and latitude, as RFC 7946 (section 3.1.1) defines it, so it is
/// not a great circle. Each position that was added and is not kept is within the tolerance of the straight line
/// between the kept ones before and after it, measured as the great-circle distance to a point of that line.
#[derive(Debug, Default)]
pub(super) struct SimplifiedLine {
    kept: Vec<TrackPoint>,
    /// The positions between the last kept one and `last`. All are within the tolerance of the line between these two.
    window: Vec<Place>,
    last: Option<TrackPoint>,
}

impl SimplifiedLine {
    /// Continues the line to the next position. A repeated position is ignored.
    pub(super) fn add(&mut self, next: TrackPoint, tolerance: Tolerance) {
        let Some(anchor) = self.kept.last().copied() else { return self.kept.push(next) };
        let Some(last) = self.last else {
            self.last = Some(next).filter(|next| next.place() != anchor.place());
            return;
        };
        if next.place() == last.place() {
            return;
        }
        if self.window.len() + 1 < MAX_WINDOW && self.is_near(anchor, last, next, tolerance) {
            self.window.push(last.place());
        } else {
            self.kept.push(last);
            self.window.clear();
        }
        self.last = Some(next);
    }

    /// Whether the positions after `anchor`, including `last`, are within the tolerance of the line to `next`.
    fn is_near(&self, anchor: TrackPoint, last: TrackPoint, next: TrackPoint, tolerance: Tolerance) -> bool {
        if tolerance.haversine <= 0.0 {
            return false;
        }
        let chord = Chord::between(anchor.place(), next.place());
        // The newest positions first, since a turn takes them away from the line first.
        std::iter::once(last.place())
            .chain(self.window.iter().rev().copied())
            .all(|place| chord.max_haversine(place) <= tolerance.haversine)
    }

    /// Returns the number of positions that are held in memory.
    pub(super) fn len(&self) -> usize {
        self.kept.len() + self.window.len() + usize::from(self.last.is_some())
    }

    /// Returns the kept positions, up to the last one that was added, and starts a line from there.
    pub(super) fn split(&mut self) -> Vec<TrackPoint> {
        let line = self.end();
        self.kept.extend(line.last());
        line
    }

    /// Returns the kept positions, up to the last one that was added, and starts an empty line.
    pub(super) fn end(&mut self) -> Vec<TrackPoint> {
        let Self { mut kept, last, .. } = std::mem::take(self);
        kept.extend(last);
        kept
    }
}

/// A straight line between two positions in longitude and latitude.
struct Chord {
    from: Place,
    to: [f64; 2],
    /// The cosine of the latitude of `from`.
    cos: f64,
}

impl Chord {
    fn between(from: Place, to: Place) -> Self {
        let cos = fields::lat.from_scaled(from.lat).to_radians().cos();
        Self { from, to: from.way_to(to), cos }
    }

    /// Returns an upper bound of the haversine of the distance from a place to the line: that of the distance to one
    /// point of the line, which is about the nearest one.
    fn max_haversine(&self, place: Place) -> f64 {
        let [north, east] = self.from.way_to(place);
        let [line_north, line_east] = self.to;
        // The cosine changes by no more than the latitude, so this is at least the cosine at the place.
        let cos = (self.cos + north.abs()).min(1.0);
        let squared = line_north.powi(2) + (line_east * cos).powi(2);
        let along = north * line_north + east * line_east * cos.powi(2);
        let fraction = if squared > 0.0 { (along / squared).clamp(0.0, 1.0) } else { 0.0 };
        let (to_north, to_east) = (line_north * fraction - north, line_east * fraction - east);
        let line_cos = (cos + to_north.abs()).min(1.0);
        // The sine of an angle is at most the angle.
        (to_north.powi(2) + cos * line_cos * to_east.powi(2)) / 4.0
    }
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;

    fn simplified(points: &[TrackPoint], metres: u32) -> Vec<TrackPoint> {
        let mut line = SimplifiedLine::default();
        points.iter().for_each(|point| line.add(*point, Tolerance::metres(metres)));
        line.end()
    }

    fn at(lat: f64, lon: f64) -> TrackPoint {
        TrackPoint::new(Point { lat, lon }, None)
    }

    /// Returns the distance from a point to a line that is straight in longitude and latitude, by trying its points.
    fn distance(point: Point, from: Point, to: Point) -> f64 {
        let east = match to.lon - from.lon {
            east if east > 180.0 => east - 360.0,
            east if east < -180.0 => east + 360.0,
            east => east,
        };
        let at = |fraction: f64| {
            let on_line = Point { lat: from.lat + (to.lat - from.lat) * fraction, lon: from.lon + east * fraction };
            on_line.distance_to(point)
        };
        let steps = 200_u32;
        let fraction = |step: u32| f64::from(step) / f64::from(steps);
        let nearest = (0..=steps).min_by(|one, other| at(fraction(*one)).total_cmp(&at(fraction(*other)))).unwrap();
        let (mut low, mut high) = (fraction(nearest.saturating_sub(1)), fraction((nearest + 1).min(steps)));
        for _ in 0..60 {
            let third = (high - low) / 3.0;
            if at(low + third) < at(high - third) { high -= third } else { low += third }
        }
        at(low).min(at(fraction(nearest)))
    }

    /// An aircraft that turns at random, starting anywhere, often near the antimeridian or a pole.
    fn any_track() -> impl Strategy<Value = Vec<TrackPoint>> {
        let lat = prop_oneof![3 => -80.0..80.0, 1 => 85.0..=90.0, 1 => -90.0..=-85.0];
        let lon = prop_oneof![1 => -180.0..=180.0, 1 => 179.5..=180.0, 1 => -180.0..=-179.5];
        let step = (prop_oneof![8 => 0.0..5_000.0, 1 => 0.0..200_000.0], prop_oneof![4 => -0.05..0.05, 1 => -3.2..3.2]);
        (lat, lon, 0.0..6.3, vec(step, 1..200)).prop_map(|(lat, lon, heading, steps)| {
            let (mut place, mut heading): (Point, f64) = (Point { lat, lon }, heading);
            let step = |(metres, turn): (f64, f64)| {
                heading += turn;
                let angle = (metres / EARTH_RADIUS).to_degrees();
                let lat = (place.lat + angle * heading.cos()).clamp(-90.0, 90.0);
                let east = angle * heading.sin() / lat.to_radians().cos().max(1e-3);
                place = Point { lat, lon: (place.lon + east + 180.0).rem_euclid(360.0) - 180.0 };
                TrackPoint::new(place, Some(metres))
            };
            steps.into_iter().map(step).collect()
        })
    }

    proptest! {
        #[test]
        fn every_position_is_within_the_tolerance_of_the_line(points in any_track(), metres in 1u32..20_000) {
            let line = simplified(&points, metres);
            prop_assert_eq!((line.first(), line.len() <= points.len()), (points.first(), true));
            let mut kept = line.iter().enumerate().peekable();
            let mut piece = 0;
            for point in &points {
                if let Some((index, _)) = kept.next_if(|(_, kept)| *kept == point) {
                    piece = index;
                    continue;
                }
                let ends = (line[piece], *line.get(piece + 1).unwrap_or(&line[piece]));
                let metres_off = distance(point.point(), ends.0.point(), ends.1.point());
                prop_assert!(metres_off <= f64::from(metres) + 0.001, "{:?}: {} m from {:?}", point, metres_off, ends);
            }
            prop_assert!(kept.next().is_none(), "a position that was not added, or not in this order");
        }

        #[test]
        fn without_tolerance_all_distinct_positions_are_kept(points in any_track()) {
            let mut distinct = points.clone();
            distinct.dedup_by_key(|point| point.place());
            prop_assert_eq!(simplified(&points, 0), distinct);
        }

        #[test]
        fn a_split_line_continues_where_it_was_split(points in any_track(), at in 0usize..200) {
            let at = at.min(points.len());
            let mut line = SimplifiedLine::default();
            points[..at].iter().for_each(|point| line.add(*point, Tolerance::metres(0)));
            let start = line.split();
            points[at..].iter().for_each(|point| line.add(*point, Tolerance::metres(0)));
            let rest = line.end();
            prop_assert!(start.is_empty() || start.last() == rest.first());
            let repeated = usize::from(!start.is_empty());
            let joined: Vec<_> = start.iter().chain(rest.iter().skip(repeated)).copied().collect();
            prop_assert_eq!(joined, simplified(&points, 0));
        }
    }

    #[test]
    fn a_straight_flight_keeps_few_positions() {
        // Along a parallel, across the antimeridian, in steps of about a kilometre.
        let point = |step: i32| at(45.0, (179.0 + 0.0128 * f64::from(step) + 180.0).rem_euclid(360.0) - 180.0);
        let points: Vec<_> = (0..1_000).map(point).collect();
        let line = simplified(&points, 10);
        assert_eq!((line.first(), line.last()), (points.first(), points.last()));
        assert_eq!(line.len(), 1_000_usize.div_ceil(MAX_WINDOW) + 1);
    }

    #[test]
    fn a_great_circle_is_approximated_by_straight_lines() {
        // On the great circle between 60° N 20° W and 60° N 20° E, whose middle is 169 km north of the parallel.
        let points = [at(60.0, -20.0), at(61.150, -10.0), at(61.518, 0.0), at(61.150, 10.0), at(60.0, 20.0)];
        assert_eq!(simplified(&points, 100), points);
        assert_eq!(simplified(&points, 200_000), [points[0], points[4]]);
    }

    #[test]
    fn a_turn_is_kept() {
        let mut points: Vec<_> = (0..20).map(|step| at(47.0, 8.0 + 0.01 * f64::from(step))).collect();
        points.extend((1..20).map(|step| at(47.0 + 0.01 * f64::from(step), 8.19)));
        assert_eq!(simplified(&points, 50), [points[0], points[19], points[38]]);
        // An aircraft that returns on the same line.
        let back = [at(47.0, 8.0), at(47.0, 8.5), at(47.0, 8.2), at(47.0, 8.0)];
        assert_eq!(simplified(&back, 50), [back[0], back[1], back[3]]);
    }

    #[test]
    fn a_position_keeps_the_decimals_of_a_state_vector() {
        let point = TrackPoint::new(Point { lat: 47.450_199_999_9, lon: -0.000_001 }, Some(3101.3));
        assert_eq!((point.point(), point.geo_altitude()), (Point { lat: 47.4502, lon: -0.000_001 }, Some(3101.3)));
        assert_eq!(size_of::<TrackPoint>(), 16);
    }
}
