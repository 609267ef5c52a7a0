use std::collections::HashMap;
use std::time::Duration;

use crate::domain::{Flight, Icao24, Sighting, UnixTime};

/// The maximum length of a flight. An aircraft that stays in the air for longer gets several consecutive flights.
pub const MAX_FLIGHT: Duration = Duration::from_secs(24 * 60 * 60);

/// Groups the sightings of one aircraft, in chronological order, into flights.
///
/// A flight starts with an airborne state. It ends with the first state on the ground, which is part of the flight, or
/// before a state that follows after a longer pause than the gap, has a different callsign (a missing one does not
/// count as different), or is a day after the first. States on the ground between flights belong to no flight.
#[derive(Debug)]
pub struct FlightLog {
    gap: Duration,
    last: Option<Flight>,
    /// Whether `last` has changed since the log was created.
    changed: bool,
    finished: Vec<Flight>,
}

impl FlightLog {
    /// Continues the aircraft's last known flight.
    pub fn after(last: Option<Flight>, gap: Duration) -> Self {
        Self { gap, last, changed: false, finished: Vec::new() }
    }

    /// Whether this sighting would start a flight.
    pub fn starts_with(&self, sighting: &Sighting) -> bool {
        !sighting.on_ground && !self.continues_with(sighting)
    }

    fn continues_with(&self, sighting: &Sighting) -> bool {
        self.last.as_ref().is_some_and(|flight| continues(flight, sighting, self.gap))
    }

    /// Adds the next sighting, which must be later than all previous ones.
    pub fn add(&mut self, sighting: &Sighting) {
        if self.continues_with(sighting) {
            if let Some(flight) = &mut self.last {
                flight.extend(sighting);
                self.changed = true;
            }
        } else if !sighting.on_ground {
            let before = self.last.replace(Flight::starting_with(sighting));
            self.finished.extend(before.filter(|_| self.changed));
            self.changed = true;
        }
    }

    /// Returns the flights that started or continued, in chronological order.
    pub fn flights(self) -> Vec<Flight> {
        let mut flights = self.finished;
        flights.extend(self.last.filter(|_| self.changed));
        flights
    }
}

/// Whether a later sighting of its aircraft belongs to a flight.
pub(super) fn continues(flight: &Flight, sighting: &Sighting, gap: Duration) -> bool {
    let renamed = matches!((&flight.callsign, &sighting.callsign), (Some(old), Some(new)) if old != new);
    !flight.landed
        && !renamed
        && is_within_gap(flight, sighting.at, gap)
        && sighting.at.minus(MAX_FLIGHT) < flight.first_seen
}

/// Whether a flight can continue at this time, because the pause is no longer than the gap.
pub(super) fn is_within_gap(flight: &Flight, at: UnixTime, gap: Duration) -> bool {
    at.minus(gap) <= flight.last_seen
}

/// Extends the last flights of many aircraft with new sightings, and returns the flights that changed or started. The
/// sightings must be ordered by aircraft and time, and be later than all sightings of these flights.
pub fn extend_flights(sightings: &[Sighting], last: Vec<Flight>, gap: Duration) -> Vec<Flight> {
    let mut last: HashMap<Icao24, Flight> = last.into_iter().map(|flight| (flight.icao24, flight)).collect();
    let mut flights = Vec::new();
    for sightings in sightings.chunk_by(|one, next| one.icao24 == next.icao24) {
        let last = sightings.first().and_then(|sighting| last.remove(&sighting.icao24));
        let mut log = FlightLog::after(last, gap);
        sightings.iter().for_each(|sighting| log.add(sighting));
        flights.extend(log.flights());
    }
    flights
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;
    use crate::domain::Point;
    use crate::history::test_support::{GAP, SightingParts, sightings};

    fn at(seconds: i64) -> Sighting {
        Sighting {
            icao24: Icao24::from_u32(1),
            at: UnixTime(seconds),
            callsign: Some("SWR1".into()),
            position: None,
            altitude: None,
            on_ground: false,
        }
    }

    fn flights(sightings: &[Sighting]) -> Vec<Flight> {
        let mut log = FlightLog::after(None, GAP);
        sightings.iter().for_each(|sighting| log.add(sighting));
        log.flights()
    }

    /// Returns the first and last second and the number of states of each flight.
    fn spans(sightings: &[Sighting]) -> Vec<(i64, i64, u64)> {
        flights(sightings).iter().map(|flight| (flight.first_seen.0, flight.last_seen.0, flight.states)).collect()
    }

    #[test]
    fn a_pause_ends_a_flight_only_beyond_the_gap() {
        assert_eq!(spans(&[at(0), at(1800), at(3601), at(3602)]), [(0, 1800, 2), (3601, 3602, 2)]);
    }

    #[test]
    fn landing_ends_a_flight_and_taxiing_belongs_to_none() {
        let ground = |seconds| Sighting { on_ground: true, ..at(seconds) };
        let seen = [ground(0), ground(10), at(20), at(30), ground(40), ground(50), ground(60), at(70)];
        assert_eq!(spans(&seen), [(20, 40, 3), (70, 70, 1)]);
        let landed: Vec<_> = flights(&seen).iter().map(|flight| flight.landed).collect();
        assert_eq!(landed, [true, false]);
        // The aircraft is next seen on the ground, after the gap, so the landing is not part of the flight.
        assert!(!flights(&[at(0), ground(4000)])[0].landed);
        assert_eq!(spans(&[ground(0), ground(1)]), []);
    }

    #[test]
    fn a_different_callsign_ends_a_flight_and_a_missing_one_does_not() {
        let named = |seconds, callsign: Option<&str>| Sighting { callsign: callsign.map(Into::into), ..at(seconds) };
        let seen = [
            named(0, None),
            named(1, Some("A1")),
            named(2, None),
            named(3, Some("A1")),
            named(4, Some("A2")),
            named(5, None),
        ];
        assert_eq!(spans(&seen), [(0, 3, 4), (4, 5, 2)]);
        let callsigns: Vec<_> = flights(&seen).into_iter().map(|flight| flight.callsign.unwrap()).collect();
        assert_eq!(callsigns, ["A1", "A2"]);
    }

    #[test]
    fn a_flight_is_split_after_a_day() {
        let balloon: Vec<_> = (0..100).map(|i| at(i * 1800)).collect();
        assert_eq!(spans(&balloon), [(0, 84_600, 48), (86_400, 171_000, 48), (172_800, 178_200, 4)]);
    }

    #[test]
    fn unknown_positions_and_altitudes_are_skipped() {
        let point = |lon| Some(Point { lat: 0.0, lon });
        let seen = [
            at(0),
            Sighting { position: point(179.0), altitude: Some(900.0), ..at(1) },
            Sighting { altitude: Some(1200.0), ..at(2) },
            Sighting { position: point(179.0), altitude: Some(1100.0), ..at(3) },
            Sighting { position: point(-180.0), ..at(4) },
            Sighting { position: point(-179.0), ..at(5) },
            at(6),
        ];
        let flight = &flights(&seen)[0];
        assert_eq!((flight.first_position, flight.last_position), (point(179.0), point(-179.0)));
        assert_eq!(flight.highest_altitude, Some(1200.0));
        assert!((flight.distance - 2.0 * 111_195.1).abs() < 1.0, "{}", flight.distance);
    }

    proptest! {
        #[test]
        fn flights_do_not_depend_on_where_the_sightings_are_split(
            parts in vec(any::<SightingParts>(), 0..80), cuts in vec(0usize..80, 0..8),
        ) {
            let seen = sightings(&parts);
            let whole = flights(&seen);
            let mut cuts: Vec<_> = cuts.into_iter().map(|cut| cut.min(seen.len())).chain([0, seen.len()]).collect();
            cuts.sort_unstable();
            let mut kept: Vec<Flight> = Vec::new();
            for piece in cuts.windows(2) {
                let last = kept.last().cloned().into_iter().collect();
                for flight in extend_flights(&seen[piece[0]..piece[1]], last, GAP) {
                    kept.retain(|before| before.first_seen != flight.first_seen);
                    kept.push(flight);
                }
            }
            prop_assert_eq!(kept, whole);
        }

        #[test]
        fn flights_do_not_overlap_and_contain_every_airborne_state_once(parts in vec(any::<SightingParts>(), 0..80)) {
            let seen = sightings(&parts);
            let flights = flights(&seen);
            for pair in flights.windows(2) {
                prop_assert!(pair[0].last_seen < pair[1].first_seen);
            }
            let within = |sighting: &Sighting| flights.iter()
                .filter(|flight| (flight.first_seen..=flight.last_seen).contains(&sighting.at)).count();
            for sighting in seen.iter().filter(|sighting| !sighting.on_ground) {
                prop_assert_eq!(within(sighting), 1);
            }
            let landings = flights.iter().filter(|flight| flight.landed).count() as u64;
            let airborne = seen.iter().filter(|sighting| !sighting.on_ground).count() as u64;
            prop_assert_eq!(flights.iter().map(|flight| flight.states).sum::<u64>(), airborne + landings);
            for flight in &flights {
                prop_assert!(flight.distance >= 0.0);
                prop_assert!(flight.last_seen.seconds_since(flight.first_seen) < 86_400);
            }
        }
    }
}
