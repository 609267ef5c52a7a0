use actors::domain::StateVectorParts;

use super::*;

fn at(millis: i64) -> Arrival {
    Arrival::from_millis(1_700_000_000_000 + millis)
}

fn second(second: i64) -> UnixTime {
    UnixTime(1_700_000_000 + second)
}

fn report(icao24: &str, parts: StateVectorParts) -> StateVector {
    StateVectorParts { icao24: icao24.into(), last_contact: Some(0), ..parts }.try_into().unwrap()
}

fn heard(icao24: &str) -> StateVector {
    report(icao24, StateVectorParts::default())
}

fn position(icao24: &str, lat: f64) -> StateVector {
    let parts = StateVectorParts { lat: Some(lat), lon: Some(8.0), ..StateVectorParts::default() };
    report(icao24, StateVectorParts { position_source: Some(0), ..parts })
}

fn callsign(icao24: &str, callsign: &str) -> StateVector {
    report(icao24, StateVectorParts { callsign: Some(callsign.into()), ..StateVectorParts::default() })
}

fn keys(states: &[StateVector]) -> Vec<(String, i64)> {
    states.iter().map(|state| (state.icao24.to_string(), state.last_contact.0 - 1_700_000_000)).collect()
}

#[test]
fn a_position_is_published_at_once_and_other_messages_at_the_end_of_the_second() {
    let mut tracker = AircraftTracker::new(None);
    tracker.add(&[callsign("4b1814", "SWR1")], at(100));
    assert!(!tracker.is_ready());
    tracker.add(&[position("4b1814", 47.0)], at(200));
    let [state] = &tracker.take()[..] else { panic!() };
    assert_eq!((state.lat, state.callsign.as_deref(), state.last_contact), (Some(47.0), Some("SWR1"), second(0)));

    // The second is not published twice, and what it told later is part of the next state.
    tracker.add(&[position("4b1814", 47.001), callsign("4b1814", "SWR2")], at(900));
    tracker.complete_seconds(second(1));
    assert_eq!(tracker.take(), []);
    tracker.add(&[heard("4b1814")], at(1_100));
    tracker.complete_seconds(second(1));
    assert!(!tracker.is_ready());
    tracker.complete_seconds(second(2));
    let [state] = &tracker.take()[..] else { panic!() };
    assert_eq!((state.lat, state.callsign.as_deref()), (Some(47.001), Some("SWR2")));
    assert_eq!((state.last_contact, state.time_position), (second(1), Some(second(0))));
}

#[test]
fn a_second_ends_before_the_messages_of_the_next() {
    let mut tracker = AircraftTracker::new(None);
    tracker.add(&[callsign("4b1814", "OLD")], at(0));
    tracker.add(&[callsign("4b1814", "NEW")], at(5_000));
    tracker.complete_seconds(second(6));
    let states = tracker.take();
    let callsigns: Vec<_> = states.iter().map(|state| state.callsign.as_deref()).collect();
    assert_eq!(callsigns, [Some("OLD"), Some("NEW")]);
    assert_eq!(keys(&states), [("4b1814".into(), 0), ("4b1814".into(), 5)]);
}

#[test]
fn values_are_kept_for_a_limited_time_and_never_given_to_another_aircraft() {
    let all = StateVectorParts {
        callsign: Some("SWR1".into()),
        squawk: Some("1000".into()),
        category: Some(4),
        velocity: Some(200.0),
        true_track: Some(90.0),
        vertical_rate: Some(1.0),
        baro_altitude: Some(1_000.0),
        geo_altitude: Some(1_050.0),
        on_ground: Some(false),
        spi: Some(false),
        lat: Some(47.0),
        lon: Some(8.0),
        position_source: Some(0),
        ..StateVectorParts::default()
    };
    let mut tracker = AircraftTracker::new(None);
    tracker.add(&[report("4b1814", all)], at(0));
    let after = |tracker: &mut AircraftTracker, seconds: i64| {
        tracker.add(&[heard("4b1814"), heard("4b1815")], at(seconds * 1_000));
        tracker.complete_seconds(second(seconds + 1));
        let states = tracker.take();
        assert_eq!(*states.last().unwrap(), StateVector::new(states.last().unwrap().icao24, second(seconds)));
        states.into_iter().rev().nth(1).unwrap()
    };
    tracker.take();
    let state = after(&mut tracker, 15);
    let motion = (state.velocity, state.true_track, state.vertical_rate, state.baro_altitude, state.geo_altitude);
    assert_eq!(motion, (Some(200.0), Some(90.0), Some(1.0), Some(1_000.0), Some(1_050.0)));
    assert_eq!((state.on_ground, state.spi, state.lat, state.lon), (Some(false), Some(false), Some(47.0), Some(8.0)));
    let state = after(&mut tracker, 60);
    let expected = StateVector {
        callsign: Some("SWR1".into()),
        squawk: Some("1000".into()),
        category: Some(4),
        lat: Some(47.0),
        lon: Some(8.0),
        position_source: Some(0),
        time_position: Some(second(0)),
        ..StateVector::new(state.icao24, second(60))
    };
    assert_eq!(state, expected);
    assert_eq!(after(&mut tracker, 61), StateVector::new(state.icao24, second(61)));
}

#[test]
fn an_implausible_position_is_left_out() {
    let mut tracker = AircraftTracker::new(None);
    tracker.add(&[position("4b1814", 47.0)], at(0));
    tracker.add(&[position("4b1814", 57.0)], at(2_000));
    tracker.complete_seconds(second(3));
    let positions: Vec<_> = tracker.take().iter().map(|state| (state.lat, state.time_position)).collect();
    assert_eq!(positions, [(Some(47.0), Some(second(0))); 2]);
}

#[test]
fn only_aircraft_in_the_area_are_published_and_counted() {
    let mut tracker = AircraftTracker::new(Some("45,5,48,11".parse().unwrap()));
    tracker.add(&[position("4b1814", 47.0), position("4b1815", 57.0), heard("4b1816")], at(0));
    tracker.complete_seconds(second(1));
    assert_eq!(keys(&tracker.take()), [("4b1814".into(), 0)]);
    assert_eq!(tracker.reported(), 1);
    tracker.complete_seconds(second(60));
    assert_eq!(tracker.reported(), 1);
    tracker.complete_seconds(second(61));
    assert_eq!((tracker.reported(), tracker.aircraft.len()), (0, 0));
}

#[test]
fn aircraft_and_states_are_bounded() {
    let mut tracker = AircraftTracker::new(None);
    let reports: Vec<_> = (1..=AircraftTracker::MAX_AIRCRAFT + 10)
        .map(|address| position(&Icao24::from_u32(address as u32).to_string(), 47.0))
        .collect();
    for second in 0..4 {
        tracker.add(&reports, at(second * 1_000));
    }
    assert_eq!(tracker.aircraft.len(), AircraftTracker::MAX_AIRCRAFT);
    assert_eq!(tracker.take_dropped() as usize, 4 * 10 + 4 * 20_000 - AircraftTracker::MAX_READY);
    let states = tracker.take();
    assert_eq!(states.len(), AircraftTracker::MAX_READY);
    // The newest are kept.
    assert_eq!(states.first().unwrap().last_contact, second(2));
    // Messages without a position do not accumulate either while nothing is taken.
    for second in 10..20 {
        tracker.add(
            &reports.iter().map(|report| StateVector::new(report.icao24, report.last_contact)).collect::<Vec<_>>(),
            at(second * 1_000),
        );
    }
    assert!(
        tracker.pending.len() <= AircraftTracker::MAX_AIRCRAFT && tracker.ready.len() <= AircraftTracker::MAX_READY
    );
}

#[test]
fn a_clock_that_is_set_back_publishes_no_second_twice() {
    let mut tracker = AircraftTracker::new(None);
    tracker.add(&[position("4b1814", 47.0)], at(10_000));
    tracker.add(&[position("4b1814", 47.0)], at(9_000));
    tracker.add(&[heard("4b1814")], at(9_500));
    tracker.add(&[position("4b1814", 47.0)], at(10_500));
    tracker.add(&[position("4b1814", 47.0)], at(11_000));
    assert_eq!(keys(&tracker.take()), [("4b1814".into(), 10), ("4b1814".into(), 11)]);
}
