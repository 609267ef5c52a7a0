//! Where a flight probably departed and arrived, by its first and its last position.

use super::airports::{Airport, Airports};
use crate::domain::{Flight, Point};

/// An airport that is probably the departure or the arrival of a flight.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct AirportGuess {
    /// The airport.
    pub airport: Airport<'static>,
    /// The distance of the first or last position from its reference point in metres.
    pub distance: f64,
    /// The height of that position above the airport in metres, if the altitude is known.
    pub height: Option<f64>,
    /// The number of airports that are close enough.
    pub candidates: u32,
}

/// An airport must be this close to the position, in metres: an aircraft flies about as far between two polls.
const MAX_DISTANCE: f64 = 10_000.0;

/// The position may be this high above the airport, in metres. Barometric altitudes deviate by up to about 300 m.
const MAX_HEIGHT: f64 = 1_000.0;

/// The position may be this deep below the airport, in metres, because of the air pressure.
const MAX_DEPTH: f64 = 500.0;

/// A flight must rise this far above a low position, in metres, before it can have departed or arrived there: otherwise
/// it was first seen while it landed, or last seen while it took off.
const MIN_RISE: f64 = 150.0;

/// Airfields without an IATA code, which are many and small, count as this many times as distant.
const SMALL_FIELD: f64 = 2.0;

/// Returns the airport from which a flight probably departed.
///
/// That is the closest one to the first position, if the aircraft was low there and rose later. Without an altitude
/// there is no guess.
pub fn departure(flight: &Flight) -> Option<AirportGuess> {
    let altitude = flight.first_altitude?;
    if flight.highest_altitude? - altitude < MIN_RISE {
        return None;
    }
    closest(flight.first_position?, Some(altitude))
}

/// Returns the airport at which a flight probably arrived.
///
/// That is the closest one to the last position, if the aircraft was on the ground there, or low after having been
/// higher. A flight that is still near its departure has no arrival.
pub fn arrival(flight: &Flight) -> Option<AirportGuess> {
    let position = flight.last_position?;
    if flight.landed {
        return closest(position, None);
    }
    let altitude = flight.last_altitude?;
    if flight.highest_altitude? - altitude < MIN_RISE {
        return None;
    }
    closest(position, Some(altitude))
}

/// Returns the airport closest to a position, and low enough below it unless the aircraft is on the ground.
fn closest(position: Point, altitude: Option<f64>) -> Option<AirportGuess> {
    let mut best: Option<(f64, AirportGuess)> = None;
    let mut candidates = 0;
    for (distance, airport) in Airports::shipped().within(position, MAX_DISTANCE) {
        let height = altitude.map(|altitude| altitude - airport.elevation);
        if height.is_some_and(|height| !(-MAX_DEPTH..=MAX_HEIGHT).contains(&height)) {
            continue;
        }
        candidates += 1;
        let weight = if airport.iata.is_some() { distance } else { distance * SMALL_FIELD };
        if best.as_ref().is_none_or(|(least, _)| weight < *least) {
            best = Some((weight, AirportGuess { airport, distance, height, candidates: 0 }));
        }
    }
    best.map(|(_, guess)| AirportGuess { candidates, ..guess })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{Icao24, Sighting, UnixTime};

    const ZURICH: (f64, f64) = (47.45, 8.55);
    const GENEVA: (f64, f64) = (46.24, 6.11);
    const ALPS: (f64, f64) = (46.62, 8.2);

    /// Returns a flight with these positions and altitudes, the last of which may be on the ground.
    fn flight(track: &[((f64, f64), Option<f64>)], landed: bool) -> Flight {
        let sighting = |index: usize, ((lat, lon), altitude): ((f64, f64), Option<f64>)| Sighting {
            icao24: Icao24::from_u32(1),
            at: UnixTime(index as i64 * 60),
            callsign: None,
            position: Some(Point { lat, lon }),
            altitude,
            on_ground: landed && index + 1 == track.len(),
        };
        let mut flight = Flight::starting_with(&sighting(0, track[0]));
        (1..track.len()).for_each(|index| flight.extend(&sighting(index, track[index])));
        flight
    }

    fn airports(track: &[((f64, f64), Option<f64>)], landed: bool) -> [Option<&'static str>; 2] {
        let flight = flight(track, landed);
        [departure(&flight), arrival(&flight)].map(|guess| guess.map(|guess| guess.airport.icao))
    }

    #[test]
    fn a_whole_flight_has_both_airports() {
        let track = [(ZURICH, Some(500.0)), (ALPS, Some(6_000.0)), (GENEVA, None)];
        assert_eq!(airports(&track, true), [Some("LSZH"), Some("LSGG")]);
        let approach = [(ZURICH, Some(500.0)), (ALPS, Some(6_000.0)), (GENEVA, Some(800.0))];
        assert_eq!(airports(&approach, false), [Some("LSZH"), Some("LSGG")]);
        let departure = departure(&flight(&track, true)).unwrap();
        assert!((1_000.0..2_500.0).contains(&departure.distance), "{departure:?}");
        assert_eq!(departure.height, Some(68.0));
        assert!(departure.candidates >= 1);
    }

    #[test]
    fn a_flight_in_cruise_has_none() {
        assert_eq!(airports(&[(ZURICH, Some(11_000.0)), (GENEVA, Some(11_000.0))], false), [None, None]);
        assert_eq!(airports(&[((30.0, -40.0), Some(100.0)), ((31.0, -40.0), Some(3_000.0))], false), [None, None]);
    }

    #[test]
    fn a_flight_that_was_first_seen_on_its_approach_did_not_depart_there() {
        let track = [(ZURICH, Some(900.0)), (ZURICH, Some(600.0)), (ZURICH, None)];
        assert_eq!(airports(&track, true), [None, Some("LSZH")]);
    }

    #[test]
    fn a_flight_that_is_still_climbing_has_not_arrived() {
        let track = [(ZURICH, Some(450.0)), (ZURICH, Some(900.0)), (ZURICH, Some(1_300.0))];
        assert_eq!(airports(&track, false), [Some("LSZH"), None]);
    }

    #[test]
    fn without_an_altitude_only_a_landing_is_known() {
        assert_eq!(airports(&[(ZURICH, None), (ALPS, Some(6_000.0)), (GENEVA, None)], false), [None, None]);
        assert_eq!(airports(&[(ZURICH, None), (GENEVA, None)], true), [None, Some("LSGG")]);
        let unplaced = Flight { first_position: None, last_position: None, ..flight(&[(ZURICH, Some(500.0))], true) };
        assert_eq!((departure(&unplaced), arrival(&unplaced)), (None, None));
    }
}
