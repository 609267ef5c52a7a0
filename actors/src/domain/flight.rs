use compact_str::CompactString;

use super::{Icao24, Point, StateVector, UnixTime};

/// The part of a state vector that matters to a flight.
#[derive(Clone, Debug, PartialEq)]
pub struct Sighting {
    /// The aircraft.
    pub icao24: Icao24,
    /// Its `last_contact`.
    pub at: UnixTime,
    /// Without the padding around it.
    pub callsign: Option<CompactString>,
    /// Where it was, where known.
    pub position: Option<Point>,
    /// Metres: barometric, or geometric where there is no barometric one.
    pub altitude: Option<f64>,
    /// Unknown counts as in the air.
    pub on_ground: bool,
}

impl From<&StateVector> for Sighting {
    fn from(state: &StateVector) -> Self {
        Self {
            icao24: state.icao24,
            at: state.last_contact,
            callsign: state.callsign.clone(),
            position: state.lat.zip(state.lon).map(|(lat, lon)| Point { lat, lon }),
            altitude: state.baro_altitude.or(state.geo_altitude),
            on_ground: state.on_ground.unwrap_or(false),
        }
    }
}

/// Consecutive states of one aircraft, from the first in the air to the last before a gap or another callsign, or to the
/// first on the ground.
#[derive(Clone, Debug, PartialEq)]
pub struct Flight {
    /// The aircraft.
    pub icao24: Icao24,
    /// The first one that was sent.
    pub callsign: Option<CompactString>,
    /// `last_contact` of the first state; with the aircraft, it names the flight.
    pub first_seen: UnixTime,
    /// `last_contact` of the last state so far.
    pub last_seen: UnixTime,
    /// The first known position.
    pub first_position: Option<Point>,
    /// The last known position.
    pub last_position: Option<Point>,
    /// Metres: the sum of the great circles between successive positions.
    pub distance: f64,
    /// Metres.
    pub highest_altitude: Option<f64>,
    /// How many state vectors it is made of.
    pub states: u64,
    /// Whether it ended with a state on the ground.
    pub landed: bool,
}

impl Flight {
    /// A flight of one state.
    pub fn starting_with(sighting: &Sighting) -> Self {
        Self {
            icao24: sighting.icao24,
            callsign: sighting.callsign.clone(),
            first_seen: sighting.at,
            last_seen: sighting.at,
            first_position: sighting.position,
            last_position: sighting.position,
            distance: 0.0,
            highest_altitude: sighting.altitude,
            states: 1,
            landed: sighting.on_ground,
        }
    }

    /// Adds its next state.
    pub fn extend(&mut self, sighting: &Sighting) {
        self.last_seen = sighting.at;
        if self.callsign.is_none() {
            self.callsign.clone_from(&sighting.callsign);
        }
        if let Some(position) = sighting.position {
            self.distance += self.last_position.map_or(0.0, |last| last.distance_to(position));
            self.first_position.get_or_insert(position);
            self.last_position = Some(position);
        }
        self.highest_altitude = match (self.highest_altitude, sighting.altitude) {
            (Some(highest), Some(altitude)) => Some(highest.max(altitude)),
            (highest, altitude) => highest.or(altitude),
        };
        self.states += 1;
        self.landed |= sighting.on_ground;
    }
}
