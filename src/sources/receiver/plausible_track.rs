use std::time::Duration;

use actors::domain::Point;

use super::Arrival;

/// The last plausible position of an aircraft. It rejects positions that the aircraft cannot have reached: a receiver
/// that loses a message, or two transponders with the same address, would otherwise make a track jump.
#[derive(Clone, Debug, Default)]
pub struct PlausibleTrack {
    last: Option<(Point, Arrival)>,
    rejected: u32,
}

impl PlausibleTrack {
    /// The highest speed in m/s. The fastest aircraft in service fly at about 700 m/s over ground.
    const MAX_SPEED: f64 = 1_000.0;

    /// A distance in metres that is accepted at any time: after a stall of the network, the positions of several seconds
    /// arrive at once.
    const TOLERANCE: f64 = 5_000.0;

    /// After this many rejected positions in a row, the last accepted one is taken to have been wrong.
    const MAX_REJECTED: u32 = 4;

    /// A position is compared with the last one for this long.
    const MEMORY: Duration = Duration::from_secs(60);

    /// Returns the last position, unless it is too old to tell where the aircraft is.
    pub fn last(&self, now: Arrival) -> Option<Point> {
        self.last.filter(|(_, at)| now.since(*at) <= Self::MEMORY).map(|(point, _)| point)
    }

    /// Accepts or rejects the next position.
    pub fn accept(&mut self, point: Point, now: Arrival) -> bool {
        if let Some((last, at)) = self.last
            && now.since(at) <= Self::MEMORY
            && last.distance_to(point) > Self::TOLERANCE + Self::MAX_SPEED * now.since(at).as_secs_f64()
        {
            self.rejected += 1;
            if self.rejected >= Self::MAX_REJECTED {
                *self = Self::default();
            }
            return false;
        }
        *self = Self { last: Some((point, now)), rejected: 0 };
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: f64) -> Arrival {
        Arrival::from_millis((seconds * 1000.0) as i64)
    }

    const fn point(lat: f64) -> Point {
        Point { lat, lon: 8.0 }
    }

    #[test]
    fn a_jump_is_rejected_and_a_flight_is_not() {
        let mut track = PlausibleTrack::default();
        assert!(track.accept(point(47.0), at(0.0)));
        // 11 km within a second, and within ten.
        assert!(!track.accept(point(47.1), at(1.0)));
        assert_eq!(track.last(at(1.0)), Some(point(47.0)));
        assert!(track.accept(point(47.1), at(10.0)));
        // 3.3 km at once, as after a stall.
        assert!(track.accept(point(47.13), at(10.0)));
        // Nothing is known after a minute of silence.
        assert_eq!(track.last(at(71.0)), None);
        assert!(track.accept(point(-47.0), at(71.0)));
    }

    #[test]
    fn a_wrong_first_position_is_given_up() {
        let mut track = PlausibleTrack::default();
        assert!(track.accept(point(10.0), at(0.0)));
        let accepted: Vec<_> = (1..=6).map(|second| track.accept(point(47.0), at(f64::from(second)))).collect();
        assert_eq!(accepted, [false, false, false, false, true, true]);
    }

    #[test]
    fn two_aircraft_with_one_address_do_not_make_the_track_jump() {
        let mut track = PlausibleTrack::default();
        for second in 0..30 {
            assert!(track.accept(point(47.0), at(f64::from(second))));
            assert!(!track.accept(point(10.0), at(f64::from(second) + 0.5)));
        }
    }
}
