use std::ops::ControlFlow;
use std::time::Duration;

use super::flight_log::{continues, is_within_gap};
use crate::domain::{Flight, Point, Sighting, StateVector, UnixTime};

/// A position of a flight that is kept when its track is reduced to waypoints.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Waypoint {
    /// The time of the position.
    pub time: UnixTime,
    /// The position.
    pub position: Point,
    /// Barometric altitude in metres.
    pub baro_altitude: Option<f64>,
    /// Degrees clockwise from north.
    pub true_track: Option<f64>,
    /// Whether the position comes from a surface report.
    pub on_ground: bool,
}

/// A flight and its waypoints, in chronological order.
#[derive(Clone, Debug, PartialEq)]
pub struct FlightWaypoints {
    /// The flight.
    pub flight: Flight,
    /// Its first and last position, and those at which the aircraft turned, changed its altitude or touched the ground.
    pub waypoints: Vec<Waypoint>,
}

/// The flight to find.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WantedFlight {
    /// The flight that is in progress at the end of the states, which is this time.
    InProgress(UnixTime),
    /// The flight during which this time is.
    At(UnixTime),
}

/// Finds a flight of one aircraft in its states, and reduces its track to waypoints.
///
/// The flights are those of [`FlightLog`](super::FlightLog). The waypoints follow the rules that OpenSky documents for
/// its tracks.
#[derive(Debug)]
pub struct WaypointFinder {
    wanted: WantedFlight,
    gap: Duration,
    open: Option<OpenFlight>,
    found: Option<FlightWaypoints>,
}

#[derive(Debug)]
struct OpenFlight {
    flight: Flight,
    waypoints: Vec<Waypoint>,
    /// The newest position after the last waypoint.
    pending: Option<Waypoint>,
}

impl Waypoint {
    /// A flight has a waypoint at least this often.
    const MAX_PAUSE: Duration = Duration::from_secs(15 * 60);
    /// A larger change of direction, in degrees, is a waypoint.
    const MAX_TURN: f64 = 2.5;
    /// A larger change of altitude, in metres, is a waypoint.
    const MAX_CLIMB: f64 = 100.0;

    /// Returns the position of a state; `None` if it or its time is unknown.
    fn of<Text>(state: &StateVector<Text>) -> Option<Self> {
        Some(Self {
            time: state.time_position?,
            position: Point { lat: state.lat?, lon: state.lon? },
            baro_altitude: state.baro_altitude,
            true_track: state.true_track,
            on_ground: state.on_ground.unwrap_or(false),
        })
    }

    /// Whether a later position differs enough from this waypoint to be the next one.
    fn is_followed_by(&self, later: &Self) -> bool {
        let turn = self.true_track.zip(later.true_track).map(|(from, to)| {
            let turn = (to - from).rem_euclid(360.0);
            turn.min(360.0 - turn)
        });
        let climb = self.baro_altitude.zip(later.baro_altitude).map(|(from, to)| (to - from).abs());
        later.time.minus(Self::MAX_PAUSE) >= self.time
            || turn.is_some_and(|turn| turn > Self::MAX_TURN)
            || climb.is_some_and(|climb| climb > Self::MAX_CLIMB)
            || self.on_ground != later.on_ground
    }
}

impl WaypointFinder {
    /// Starts without any state. `gap` is the longest pause between two states of the same flight.
    pub fn new(wanted: WantedFlight, gap: Duration) -> Self {
        Self { wanted, gap, open: None, found: None }
    }

    /// Adds the aircraft's next state, in chronological order. Breaks if further states make no difference.
    pub fn add<Text: AsRef<str>>(&mut self, state: &StateVector<Text>) -> ControlFlow<()> {
        if self.found.is_some() {
            return ControlFlow::Break(());
        }
        let sighting = Sighting::from(state);
        if let Some(open) = self.open.as_mut().filter(|open| continues(&open.flight, &sighting, self.gap)) {
            open.flight.extend(&sighting);
            open.add(state);
        } else {
            self.end_flight();
            if !sighting.on_ground {
                let mut open =
                    OpenFlight { flight: Flight::starting_with(&sighting), waypoints: Vec::new(), pending: None };
                open.add(state);
                self.open = Some(open);
            }
        }
        ControlFlow::Continue(())
    }

    /// Returns the flight that was looked for, if the states contain it.
    pub fn finish(mut self) -> Option<FlightWaypoints> {
        if let WantedFlight::InProgress(now) = self.wanted {
            let last = self.open.take().filter(|open| open.is_in_progress(now, self.gap));
            return last.map(OpenFlight::end);
        }
        self.end_flight();
        self.found
    }

    fn end_flight(&mut self) {
        let Some(open) = self.open.take() else { return };
        let (first, last) = (open.flight.first_seen, open.flight.last_seen);
        if matches!(self.wanted, WantedFlight::At(time) if (first..=last).contains(&time)) {
            self.found = Some(open.end());
        }
    }
}

impl OpenFlight {
    fn add<Text>(&mut self, state: &StateVector<Text>) {
        let Some(next) = Waypoint::of(state) else { return };
        let newest = self.pending.as_ref().or(self.waypoints.last());
        // The position may be older than the message, and the same as in the state before.
        if newest.is_some_and(|newest| newest.time >= next.time) {
            return;
        }
        if self.waypoints.last().is_none_or(|last| last.is_followed_by(&next)) {
            self.waypoints.push(next);
            self.pending = None;
        } else {
            self.pending = Some(next);
        }
    }

    fn is_in_progress(&self, now: UnixTime, gap: Duration) -> bool {
        !self.flight.landed && is_within_gap(&self.flight, now, gap)
    }

    fn end(self) -> FlightWaypoints {
        let Self { flight, mut waypoints, pending } = self;
        waypoints.extend(pending);
        FlightWaypoints { flight, waypoints }
    }
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;
    use crate::test_support::state;

    const GAP: Duration = Duration::from_secs(1800);

    /// Returns an airborne state at a time, with its track and altitude.
    fn flying(at: i64, track: f64, altitude: f64) -> StateVector {
        StateVector {
            lat: Some(47.0 + at as f64 * 1e-4),
            lon: Some(8.0),
            true_track: Some(track),
            baro_altitude: Some(altitude),
            on_ground: Some(false),
            time_position: Some(UnixTime(at)),
            ..state("4b1814", at)
        }
    }

    fn find(states: &[StateVector], wanted: WantedFlight) -> Option<FlightWaypoints> {
        let mut finder = WaypointFinder::new(wanted, GAP);
        let _ = states.iter().try_for_each(|state| finder.add(state));
        finder.finish()
    }

    fn times(found: &FlightWaypoints) -> Vec<i64> {
        found.waypoints.iter().map(|waypoint| waypoint.time.0).collect()
    }

    #[test]
    fn a_waypoint_marks_each_turn_climb_and_quarter_of_an_hour() {
        let check = |states: &[StateVector], expected: &[i64]| {
            let found = find(states, WantedFlight::At(UnixTime(0))).unwrap();
            assert_eq!(times(&found), expected);
        };
        check(&[flying(0, 90.0, 1e4)], &[0]);
        check(&[flying(0, 90.0, 1e4), flying(10, 92.5, 1e4), flying(20, 92.0, 10_100.0)], &[0, 20]);
        check(&[flying(0, 359.0, 1e4), flying(10, 1.4, 1e4), flying(20, 1.6, 1e4), flying(30, 1.6, 1e4)], &[0, 20, 30]);
        check(&[flying(0, 0.0, 1e4), flying(10, 0.0, 9_899.0), flying(20, 0.0, 9_899.0)], &[0, 10, 20]);
        let straight: Vec<_> = (0..200).map(|step| flying(step * 10, 90.0, 1e4)).collect();
        check(&straight, &[0, 900, 1800, 1990]);
        let landed = StateVector { on_ground: Some(true), ..flying(20, 90.0, 1e4) };
        check(&[flying(0, 90.0, 1e4), flying(10, 90.0, 1e4), landed], &[0, 20]);
    }

    #[test]
    fn states_without_a_new_position_are_skipped() {
        let repeated = StateVector { time_position: Some(UnixTime(0)), ..flying(10, 180.0, 1e4) };
        let unknown = StateVector { lat: None, lon: None, time_position: None, ..flying(20, 180.0, 1e4) };
        let found = find(&[flying(0, 90.0, 1e4), repeated, unknown], WantedFlight::At(UnixTime(20))).unwrap();
        assert_eq!((times(&found), found.flight.last_seen), (vec![0], UnixTime(20)));
    }

    #[test]
    fn the_flight_is_found_by_a_time_or_because_it_is_in_progress() {
        let landing = StateVector { on_ground: Some(true), ..flying(100, 90.0, 0.0) };
        let states = [flying(0, 90.0, 900.0), landing, flying(400, 90.0, 900.0), flying(500, 90.0, 900.0)];
        let first_seen = |wanted| find(&states, wanted).map(|found| found.flight.first_seen.0);
        assert_eq!(first_seen(WantedFlight::At(UnixTime(50))), Some(0));
        assert_eq!(first_seen(WantedFlight::At(UnixTime(100))), Some(0));
        assert_eq!(first_seen(WantedFlight::At(UnixTime(200))), None);
        assert_eq!(first_seen(WantedFlight::At(UnixTime(450))), Some(400));
        assert_eq!(first_seen(WantedFlight::InProgress(UnixTime(2_300))), Some(400));
        assert_eq!(first_seen(WantedFlight::InProgress(UnixTime(2_301))), None, "after the gap");
        assert_eq!(find(&states[..2], WantedFlight::InProgress(UnixTime(110))), None, "landed");
        let renamed = |at, callsign: &str| StateVector { callsign: Some(callsign.into()), ..flying(at, 90.0, 900.0) };
        let states = [renamed(0, "SWR1"), renamed(10, "SWR2")];
        let found = find(&states, WantedFlight::InProgress(UnixTime(20))).unwrap();
        assert_eq!(found.flight.callsign.as_deref(), Some("SWR2"));
        assert_eq!(find(&[], WantedFlight::InProgress(UnixTime(0))), None);
    }

    proptest! {
        #[test]
        fn every_skipped_position_is_close_to_the_waypoint_before_it(
            steps in vec((1_i64..400, -3.0..3.0, -150.0..150.0), 1..60),
        ) {
            let (mut at, mut track, mut altitude) = (0, 90.0, 5_000.0);
            let states: Vec<_> = steps.into_iter().map(|(pause, turn, climb)| {
                (at, track, altitude) = (at + pause, track + turn, altitude + climb);
                flying(at, track, altitude)
            }).collect();
            let found = find(&states, WantedFlight::At(UnixTime(at))).unwrap();
            let ends = [found.waypoints.first(), found.waypoints.last()].map(|waypoint| waypoint.copied());
            prop_assert_eq!(ends, [states.first(), states.last()].map(|state| Waypoint::of(state.unwrap())));
            prop_assert!(found.waypoints.is_sorted_by(|one, next| one.time < next.time));
            for state in &states {
                let position = Waypoint::of(state).unwrap();
                let before = found.waypoints.iter().rfind(|waypoint| waypoint.time <= position.time).unwrap();
                prop_assert!(before.time == position.time || !before.is_followed_by(&position));
            }
        }
    }
}
