use std::collections::BTreeMap;

use proptest::collection::vec;
use proptest::prelude::*;

use super::*;
use crate::domain::Point;
use crate::history::FlightLog;
use crate::history::test_support::{GAP, SightingParts, sightings};

/// All flights, with all positions.
fn everything() -> TrackOptions {
    TrackOptions { gap: GAP, tolerance: Tolerance::metres(0), bounding_box: None }
}

fn within(bounding_box: BoundingBox) -> TrackOptions {
    TrackOptions { bounding_box: Some(bounding_box), ..everything() }
}

fn state(icao24: u32, at: i64, position: Option<(f64, f64)>) -> StateVector {
    let mut state = StateVector::new(Icao24::from_u32(icao24), UnixTime(at));
    (state.lat, state.lon) = position.unzip();
    state
}

fn from_sighting(sighting: &Sighting) -> StateVector {
    StateVector {
        callsign: sighting.callsign.clone(),
        baro_altitude: sighting.altitude,
        on_ground: Some(sighting.on_ground),
        ..state(sighting.icao24.to_u32(), sighting.at.0, sighting.position.map(|point| (point.lat, point.lon)))
    }
}

fn tracks_of<'a>(tracks: FlightTracks, states: impl IntoIterator<Item = &'a StateVector>) -> Vec<FlightTrack> {
    let mut found = Vec::new();
    let mut tracks = tracks;
    for state in states {
        tracks.add(state, |track| found.push(track)).unwrap();
        let held: usize = tracks.open.values().map(OpenTrack::points).sum();
        assert_eq!(tracks.points, held);
    }
    tracks.finish(|track| found.push(track));
    found
}

fn points(line: &[TrackPoint]) -> Vec<Point> {
    line.iter().map(|point| point.point()).collect()
}

proptest! {
    #[test]
    fn the_flights_are_those_of_the_summaries(parts in vec((0u32..4, any::<SightingParts>()), 0..200)) {
        let (aircraft, parts): (Vec<_>, Vec<_>) = parts.into_iter().unzip();
        let mut seen = sightings(&parts);
        for (sighting, aircraft) in seen.iter_mut().zip(aircraft) {
            sighting.icao24 = Icao24::from_u32(aircraft);
        }
        let mut logs: BTreeMap<Icao24, FlightLog> = BTreeMap::new();
        for sighting in &seen {
            let log = logs.entry(sighting.icao24).or_insert_with(|| FlightLog::after(None, GAP));
            log.add(sighting);
        }
        let expected = logs.into_values().flat_map(FlightLog::flights);
        let expected: Vec<_> = expected.filter(|flight| flight.first_position.is_some()).collect();
        let states: Vec<_> = seen.iter().map(from_sighting).collect();
        let mut tracks = tracks_of(FlightTracks::new(everything()), &states);
        tracks.sort_by_key(|track| (track.flight.icao24, track.flight.first_seen));
        for track in &tracks {
            prop_assert_eq!((track.part, track.lines.len()), (1, 1));
            prop_assert_eq!(track.lines[0].first().map(|point| point.point().lat), Some(47.0));
        }
        prop_assert_eq!(tracks.into_iter().map(|track| track.flight).collect::<Vec<_>>(), expected);
    }

    #[test]
    fn no_line_passes_a_state_outside_the_box(
        steps in vec((5i64..400, 0.0..380.0, -1.5..1.5), 1..300), start in (-1.2..1.2, -1.2..1.2), far in any::<bool>(),
    ) {
        // A box of two degrees, at the equator or far north across the antimeridian.
        let (lat, lon) = if far { (80.0, -180.0) } else { (0.0, 0.0) };
        let east = |lon: f64| (lon + 180.0).rem_euclid(360.0) - 180.0;
        let bounding_box = BoundingBox::new(lat - 1.0, east(lon - 1.0), lat + 1.0, east(lon + 1.0)).unwrap();
        let options = within(bounding_box);
        let (mut at, mut heading, mut place): (i64, f64, (f64, f64)) = (0, 0.0, (lat + start.0, lon + start.1));
        let states: Vec<_> = steps.into_iter().map(|(pause, speed, turn)| {
            at += pause;
            heading += turn;
            let degrees = speed * pause as f64 / 111_195.0;
            place.0 += degrees * heading.cos();
            place.1 += degrees * heading.sin() / place.0.to_radians().cos();
            state(1, at, Some((place.0.clamp(-90.0, 90.0), east(place.1))))
        }).collect();
        let read = options.box_to_read().unwrap();
        let is_in = |bounding_box: &BoundingBox, state: &&StateVector| {
            bounding_box.contains(state.lat.unwrap(), state.lon.unwrap())
        };
        let tracks = tracks_of(FlightTracks::new(options), states.iter().filter(|state| is_in(&read, state)));
        let index = |point: &TrackPoint| {
            states.iter().position(|state| {
                let place = Point { lat: state.lat.unwrap(), lon: state.lon.unwrap() };
                TrackPoint::new(place, None) == *point
            }).unwrap()
        };
        let mut found = Vec::new();
        for line in tracks.iter().flat_map(|track| &track.lines) {
            let line: Vec<_> = line.iter().map(index).collect();
            for pair in line.windows(2) {
                let between = &states[pair[0]..=pair[1]];
                prop_assert!(between.iter().all(|state| is_in(&bounding_box, &state)), "{:?}", between);
            }
            found.extend(line);
        }
        let inside = (0..states.len()).filter(|index| is_in(&bounding_box, &&states[*index]));
        prop_assert_eq!(found, inside.collect::<Vec<_>>());
    }
}

#[test]
fn a_flight_that_returns_to_the_box_has_a_line_for_each_visit() {
    let bounding_box = BoundingBox::new(47.0, 8.0, 48.0, 9.0).unwrap();
    let lons = [7.9, 8.1, 8.2, 8.3, 9.1, 9.2, 8.9, 9.1, 8.8, 8.7];
    let mut states: Vec<_> = lons.iter().zip(0..).map(|(lon, step)| state(1, step * 60, Some((47.5, *lon)))).collect();
    states[0].callsign = Some("SWR1".into());
    let tracks = tracks_of(FlightTracks::new(within(bounding_box)), &states);
    let [track] = &tracks[..] else { panic!("{tracks:?}") };
    let lons: Vec<Vec<f64>> =
        track.lines.iter().map(|line| points(line).iter().map(|point| point.lon).collect()).collect();
    assert_eq!(lons, [vec![8.1, 8.2, 8.3], vec![8.9], vec![8.8, 8.7]]);
    let flight = &track.flight;
    assert_eq!((flight.first_seen.0, flight.last_seen.0, flight.states), (60, 540, 6));
    // Sent before the aircraft was in the box.
    assert_eq!(flight.callsign.as_deref(), Some("SWR1"));
}

#[test]
fn a_pause_ends_a_line_only_with_a_box() {
    let states = [0, 300, 601].map(|at| state(1, at, Some((47.5, 8.0 + at as f64 / 1e3))));
    let lines = |options| {
        let tracks = tracks_of(FlightTracks::new(options), &states);
        tracks.iter().map(|track| track.lines.iter().map(Vec::len).collect::<Vec<_>>()).collect::<Vec<_>>()
    };
    assert_eq!(lines(everything()), [vec![3]]);
    assert_eq!(lines(within(BoundingBox::new(47.0, 8.0, 48.0, 9.0).unwrap())), [vec![2, 1]]);
}

#[test]
fn a_flight_is_returned_once_it_has_ended() {
    let mut tracks = FlightTracks::new(everything());
    let mut ended = |state: &StateVector| {
        let mut ended = Vec::new();
        tracks.add(state, |track| ended.push(track.flight.icao24.to_u32())).unwrap();
        ended
    };
    let gap = i64::try_from(GAP.as_secs()).unwrap();
    let place = Some((47.0, 8.0));
    for aircraft in [3, 1, 2] {
        assert_eq!(ended(&state(aircraft, i64::from(aircraft), place)), [0; 0]);
    }
    assert_eq!(ended(&StateVector { on_ground: Some(true), ..state(2, 10, place) }), [2]);
    assert_eq!(ended(&state(4, 3 + gap, place)), [1]);
    assert_eq!(ended(&state(4, 3 + gap + 60, place)), [3]);
    let mut rest = 0;
    tracks.finish(|_| rest += 1);
    assert_eq!(rest, 1);
}

#[test]
fn a_flight_without_positions_is_left_out() {
    assert_eq!(tracks_of(FlightTracks::new(everything()), &[state(1, 0, None), state(1, 1, None)]), []);
    let tracks = tracks_of(FlightTracks::new(everything()), &[state(1, 0, None), state(1, 1, Some((1.0, 2.0)))]);
    assert_eq!((tracks[0].flight.states, points(&tracks[0].lines[0])), (2, vec![Point { lat: 1.0, lon: 2.0 }]));
}

#[test]
fn tracks_that_do_not_fit_in_memory_are_returned_in_parts() {
    let limits = Limits { points: 20, flights: 10 };
    let tracks = FlightTracks { limits, ..FlightTracks::new(everything()) };
    let states: Vec<_> =
        (0..60).map(|step| state(step % 2, step.into(), Some((f64::from(step), f64::from(step % 2))))).collect();
    let found = tracks_of(tracks, &states);
    for aircraft in 0..2 {
        let parts: Vec<_> = found.iter().filter(|track| track.flight.icao24.to_u32() == aircraft).collect();
        assert!(parts.len() > 2 && parts.iter().all(|part| part.flight.first_seen.0 == i64::from(aircraft)));
        assert!(parts.iter().map(|part| part.part).eq(1..=parts.len() as u32));
        assert_eq!(parts.last().unwrap().flight.states, 30);
        let mut joined: Vec<Point> = Vec::new();
        for part in parts {
            let next = points(&part.lines[0]);
            let is_continued = joined.is_empty() || joined.pop() == next.first().copied();
            assert!(is_continued, "{joined:?} {next:?}");
            joined.extend(next);
        }
        assert!(joined.iter().map(|point| point.lat).eq((0..30).map(|step| f64::from(2 * step + aircraft))));
    }
}

#[test]
fn too_many_flights_at_a_time_are_refused() {
    let limits = Limits { points: 20, flights: 2 };
    let mut tracks = FlightTracks { limits, ..FlightTracks::new(everything()) };
    let mut add = |aircraft| tracks.add(&state(aircraft, 0, Some((1.0, 2.0))), |_| {});
    assert_eq!((add(1), add(2), add(2)), (Ok(()), Ok(()), Ok(())));
    assert_eq!(add(3).unwrap_err().to_string(), "more than 2 flights at a time");
}
